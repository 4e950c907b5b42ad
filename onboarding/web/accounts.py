"""How django-allauth fits in: addresses in mails come from PUBLIC_URL, never from a request's Host header."""

from typing import Any
from urllib.parse import urljoin

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy

from onboarding.notifications.wording import with_html


class AccountAdapter(DefaultAccountAdapter):
    """The portal's account adapter."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy(
            "The e-mail address or the password is wrong. Try again, or set a new password."
        ),
        "too_many_login_attempts": gettext_lazy("Too many attempts with a wrong password. Wait five minutes."),
    }

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
        """Send an account mail; it speaks of the portal by name and links to PUBLIC_URL."""
        context |= {"portal_name": settings.PORTAL_NAME, "public_url": settings.PUBLIC_URL}
        super().send_mail(template_prefix, email, context)
