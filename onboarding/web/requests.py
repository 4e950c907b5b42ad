"""The request as our views see it, for the type checker."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from onboarding.partners.models import Membership, User


class PortalRequest(HttpRequest):
    """A request of somebody who has signed in.

    may_change: set by `onboarding.web.access`; whether they may send the page's forms.
    membership: set by `access.organisation`; what they are in the organisation that the page is about.
    """

    user: User
    htmx: HtmxDetails
    may_change: bool
    membership: Membership
