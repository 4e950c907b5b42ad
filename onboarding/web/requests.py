"""The request as our views see it, for the type checker."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from onboarding.partners.models import User


class PortalRequest(HttpRequest):
    """A request of somebody who has signed in.

    may_change: set by `onboarding.web.access`; whether they may send the page's forms.
    """

    user: User
    htmx: HtmxDetails
    may_change: bool
