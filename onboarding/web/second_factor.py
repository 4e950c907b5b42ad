"""Who has a second factor, who has just proven to be themselves, and who must set one up."""

import time

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings

from onboarding.partners.models import User
from onboarding.web.requests import PortalRequest

FACTORS = (Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP)
"""What counts as a second factor; recovery codes only stand in for one."""

MFA = "mfa"
"""How allauth records that a passkey, an app's code or a recovery code was used."""


def has_second_factor(user: User) -> bool:
    """Tell whether they have a passkey or an authenticator app. One query."""
    return bool(is_mfa_enabled(user, list(FACTORS)))


def proven_recently(request: PortalRequest) -> bool:
    """Tell whether the reader signed in at most ACCOUNT_REAUTHENTICATION_TIMEOUT seconds ago.

    Of those who have a second factor, that one is asked for; a passkey alone is enough.
    """
    records = get_authentication_records(request, request.user)
    if has_second_factor(request.user):
        records = [record for record in records if record["method"] == MFA]
    last = max((record["at"] for record in records), default=0.0)
    return bool(time.time() - last <= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def must_set_up(user: User) -> bool:
    """Tell whether they are staff who need a second factor and have none."""
    return bool(settings.STAFF_SECOND_FACTOR and user.staff_roles) and not has_second_factor(user)
