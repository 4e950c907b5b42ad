"""An account that was just signed up for and waits for its address to be confirmed: the mail again, another address.

Whoever typed an address that has an account already sees exactly the same pages, so that nobody learns who has one. The
session of the browser keeps what both need: the address, and the password's hash.
"""

import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.internal.flows.manage_email import assess_unique_email
from allauth.account.internal.flows.signup import complete_signup, prevent_enumeration
from allauth.account.internal.stagekit import clear_login, unstash_login
from allauth.account.models import EmailAddress
from allauth.account.utils import setup_user_email
from django.contrib.auth.hashers import make_password
from django.contrib.auth.signals import user_logged_in
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from onboarding.partners.models import User

SESSION_KEY = "pending_account"
SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Pending:
    """email: as typed. password: its hash. user_id: the account that waits; empty where the address has one already."""

    email: str
    password: str
    user_id: str
    begun_at: float


def begin(request: HttpRequest, email: str, user: User | None, password: str) -> None:
    """Remember a sign-up. user: none where the address has an account; hashing takes its time either way."""
    _keep(request, email, user, user.password if user else make_password(password))


def find(request: HttpRequest) -> Pending | None:
    """Return what waits in this browser: a sign-up, or a sign-in with an address that was never confirmed."""
    stored = request.session.get(SESSION_KEY)
    if stored and time.time() - stored["begun_at"] <= SECONDS:
        return Pending(**stored)
    login = unstash_login(request, peek=True)
    user = login.user if login else None
    return Pending(user.email, user.password, str(user.pk), time.time()) if isinstance(user, User) else None


def send_again(request: HttpRequest, pending: Pending) -> bool:
    """Send the mail again; False if the last one was sent less than three minutes ago."""
    address = EmailAddress.objects.filter(user_id=pending.user_id or None, email=pending.email, verified=False).first()
    return send_verification_email_to_address(
        request, address or EmailAddress(user=None, email=pending.email), signup=True
    )


def change_address(request: HttpRequest, pending: Pending, email: str) -> HttpResponse:
    """Sign up with another address and the same password, and forget the first. Returns where to go."""
    clear_login(request)
    user = None
    with suppress(IntegrityError), transaction.atomic():  # of two clicks at once, the first makes the account
        if pending.user_id:
            waiting = User.objects.filter(pk=pending.user_id, last_login=None, memberships=None, roles=None)
            waiting.exclude(emailaddress__verified=True).delete()
        if assess_unique_email(email):
            new = get_adapter().new_user(request)
            new.email, new.password = email.lower(), pending.password
            new.save()
            setup_user_email(request, new, [])
            user = new
    _keep(request, email, user, pending.password)
    return complete_signup(request, user=user) if user else prevent_enumeration(request, email=email)


def _keep(request: HttpRequest, email: str, user: User | None, password: str) -> None:
    pending = Pending(email.lower(), password, str(user.pk) if user else "", time.time())
    request.session[SESSION_KEY] = asdict(pending)


def _forget(*, request: HttpRequest, **_details: Any) -> None:
    if hasattr(request, "session"):
        request.session.pop(SESSION_KEY, None)


user_logged_in.connect(_forget, dispatch_uid="onboarding.pending_account")
