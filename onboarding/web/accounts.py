"""How django-allauth fits in: addresses in mails come from PUBLIC_URL, secrets are sealed, what is sensitive is asked
for twice. What happens to an account is recorded in `onboarding/web/security.py`."""

import smtplib
from typing import Any
from urllib.parse import urljoin, urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import clear_authentication_records
from allauth.account.internal.stagekit import clear_login
from allauth.account.internal.userkit import filter_users_by_email
from allauth.core import context as allauth_context
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy

from onboarding.audit.events import Event
from onboarding.notifications.wording import with_html
from onboarding.partners.models import User
from onboarding.vault.models import Secret
from onboarding.vault.seal import open_secret, seal_secret
from onboarding.web import invited, oidc, security
from onboarding.web.devices import device
from onboarding.web.second_factor import (
    SINGLE_SIGN_ON,
    came_by_provider,
    has_second_factor,
    must_come_by_provider,
    proven_recently,
    proves_enough,
)

log = structlog.get_logger(__name__)


WAYS = {
    "reauthenticate": gettext_lazy("Use your password"),
    "mfa_reauthenticate": gettext_lazy("Use a code of the app, or a recovery code"),
    "mfa_reauthenticate:webauthn": gettext_lazy("Use a passkey"),
    SINGLE_SIGN_ON: gettext_lazy("Use single sign-on"),
    "reset": gettext_lazy("Set a password by e-mail"),
}
"""How one proves again who is there, by allauth's names."""


class AccountAdapter(DefaultAccountAdapter):
    """The portal's account adapter."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy(
            "The e-mail address or the password is wrong. Try again, or set a new password."
        ),
        "too_many_login_attempts": gettext_lazy("Too many wrong attempts. Wait five minutes."),
        "incorrect_password": gettext_lazy("This is not your password. Try again."),
        "enter_current_password": gettext_lazy("This is not your current password. Try again."),
        "duplicate_email": gettext_lazy("This address is one of yours already."),
        "max_email_addresses": gettext_lazy("An account has at most %d addresses. Remove one first."),
        "invalid_password_reset": gettext_lazy("This link no longer works. Ask for a new one."),
        "rate_limited": gettext_lazy("Too many attempts. Wait five minutes."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Tell whether the reader may sign up: anybody, or who has followed the link of an open invitation."""
        return settings.SIGN_UP == "open" or invited.address(request) is not None

    def new_user(self, request: HttpRequest) -> User:
        """Return an account in the language in which it is being made."""
        return User(language=(translation.get_language() or settings.LANGUAGE_CODE)[:2])

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Return the absolute address that confirms an e-mail address."""
        return urljoin(settings.PUBLIC_URL, reverse("account_confirm_email", args=[emailconfirmation.key]))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the absolute address that sets a new password."""
        uid, _, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return urljoin(settings.PUBLIC_URL, path)

    def render_mail(self, template_prefix: str, email: str, context: dict[str, Any], headers: Any = None) -> Any:
        """Make an account mail; the words are those of its text, as HTML too."""
        return with_html(super().render_mail(template_prefix, email, context, headers), settings.PORTAL_NAME)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send an account mail, in its reader's language if there is such an account.

        It speaks of the portal by name and links to PUBLIC_URL. It holds a link that is a secret, so it is not in the
        ledger; if the mail server is out of reach, the page says so, whether or not there is such an account.
        """
        context |= {"portal_name": settings.PORTAL_NAME, "public_url": settings.PUBLIC_URL}
        known = context.get("user") or next(iter(filter_users_by_email(email)), None)
        with translation.override(known.language if known else translation.get_language()):
            message = self.render_mail(template_prefix, email, context)
        try:
            message.send()
        except (OSError, smtplib.SMTPException) as error:
            log.warning("account mail not sent", mail=template_prefix, error=f"{type(error).__name__}: {error}"[:300])
            messages.error(self.request, gettext("The e-mail could not be sent just now. Try again in a few minutes."))

    def pre_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse | None:
        """Send staff to the provider who come in by it, and could come without a second factor by their mailbox."""
        answer: HttpResponse | None = super().pre_login(request, user, **details)
        if answer is None and oidc.configured() and not came_by_provider(request, user) and must_come_by_provider(user):
            clear_login(request)
            clear_authentication_records(request)
            messages.error(request, gettext("You sign in with %(provider)s here.") % {"provider": settings.OIDC_LABEL})
            return redirect("account_login")
        return answer

    def get_login_stages(self) -> list[str]:
        """Return the steps of a sign-in; the second factor may have been asked for by the provider already."""
        ours = {"allauth.mfa.stages.AuthenticateStage": "onboarding.web.stages.SecondFactorStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Tell that something sensitive need not ask again who is there. Raises ReauthenticationRequired if it must.

        It does not leave that to allauth, which asks nobody who has neither a password nor a second factor.
        """
        if not proven_recently(self.request):
            raise ReauthenticationRequired
        return False

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the ways to prove it, the best one first. A password is none for those with a second factor."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if user.is_authenticated and has_second_factor(user):
            methods = [method for method in methods if method["id"] != "reauthenticate"]
            if not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
                methods.reverse()
        if oidc.configured() and came_by_provider(self.request, user) and proves_enough(user):
            methods.insert(0, {"id": SINGLE_SIGN_ON, "url": reverse("sso")})
        if not methods:
            methods = [{"id": "reset", "url": reverse("account_reset_password")}]
        return [method | {"description": WAYS[method["id"]]} for method in methods]


class SecondFactorAdapter(DefaultMFAAdapter):
    """Passkeys for the host of PUBLIC_URL; secrets in the vault, where `reseal` finds them."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("This code is wrong, or was used before. Wait for the next one and try again."),
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret; what stands in the authenticator's row is the id of the sealed one."""
        return str(seal_secret(None, Secret.Kind.SECOND_FACTOR, text.encode("ascii")).pk)

    def decrypt(self, encrypted_text: str) -> str:
        """Open what `encrypt` sealed. Raises CannotOpen."""
        return open_secret(Secret.objects.get(pk=encrypted_text)).decode("ascii")

    def get_totp_issuer(self) -> str:
        """Return what the app shows above the code."""
        return settings.PORTAL_NAME

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        """Propose a name for a passkey: where it is being made."""
        return device(allauth_context.request.headers.get("User-Agent", ""))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return whom passkeys are for: the host that people type."""
        return {"id": urlsplit(settings.PUBLIC_URL).hostname or "localhost", "name": settings.PORTAL_NAME}


class SessionsAdapter(DefaultUserSessionsAdapter):
    """Sessions ended from elsewhere are recorded."""

    def end_sessions(self, sessions: list[UserSession]) -> None:
        """End them, and tell whose they were."""
        super().end_sessions(sessions)
        if sessions:
            security.happened(Event.SESSIONS_ENDED, sessions[0].user, allauth_context.request, count=len(sessions))
