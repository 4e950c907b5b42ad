"""Who has a second factor, who has just proven to be themselves, and who must set one up."""

import time
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest

from onboarding.partners.models import User
from onboarding.web.requests import PortalRequest

FACTORS = (Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP)
"""What counts as a second factor; recovery codes only stand in for one."""

MFA = "mfa"
"""How allauth records that a passkey, an app's code or a recovery code was used."""

SINGLE_SIGN_ON = "single_sign_on"
"""How it is recorded that the provider of single sign-on vouched for somebody: `proven_at`, `second_factor`."""


def has_second_factor(user: User) -> bool:
    """Tell whether they have a passkey or an authenticator app. One query."""
    return bool(is_mfa_enabled(user, list(FACTORS)))


def proven_recently(request: PortalRequest) -> bool:
    """Tell whether the reader signed in at most ACCOUNT_REAUTHENTICATION_TIMEOUT seconds ago.

    Of those who have a second factor, that one is asked for; a passkey alone is enough.
    """
    records = get_authentication_records(request, request.user)
    if has_second_factor(request.user):
        records = [record for record in records if record["method"] == MFA or _is_second_factor(record)]
    last = max((_proven_at(record) for record in records), default=0.0)
    return bool(time.time() - last <= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def came_by_provider(request: HttpRequest, user: User) -> bool:
    """Tell whether this session began with a single sign-on."""
    return any(record["method"] == SINGLE_SIGN_ON for record in get_authentication_records(request, user))


def by_provider(request: HttpRequest, user: User) -> bool:
    """Tell whether in this session the provider of single sign-on has asked for a second factor."""
    return any(_is_second_factor(record) for record in get_authentication_records(request, user))


def proves_enough(user: User) -> bool:
    """Tell whether a single sign-on can prove who is there: it may be a second factor, or they have none here."""
    return bool(settings.OIDC_SECOND_FACTOR) or not has_second_factor(user)


def must_come_by_provider(user: User) -> bool:
    """Tell whether they are staff who need a second factor, have none here, and are known to the provider."""
    return must_set_up(user) and user.provider_identities.filter(issuer=settings.OIDC_ISSUER).exists()


def must_set_up(user: User) -> bool:
    """Tell whether they are staff who need a second factor and have none."""
    return bool(settings.STAFF_SECOND_FACTOR and user.staff_roles) and not has_second_factor(user)


def _is_second_factor(record: dict[str, Any]) -> bool:
    return bool(settings.OIDC_SECOND_FACTOR) and record.get("second_factor") is True


def _proven_at(record: dict[str, Any]) -> float:
    """Return when somebody proved who they are, in seconds since 1970: of a single sign-on, when the provider asked.

    It lets those in whom it has asked this morning. Where it does not say when, that proves nothing of now.
    """
    return float(record.get("proven_at", 0.0) if record["method"] == SINGLE_SIGN_ON else record["at"])
