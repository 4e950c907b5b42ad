"""django-allauth's forms in this portal's words: "E-mail address", no placeholder, errors that say what to do."""

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.core import context as allauth_context
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from onboarding.partners.passwords import not_too_long
from onboarding.web import invited, pending_account
from onboarding.web.forms.base import PlainWords, PortalForm
from onboarding.web.forms.fields import AddressField, LineField, deliverable

LABELS = {
    "login": _("E-mail address"),
    "email": _("E-mail address"),
    "password": _("Password"),
    "password1": _("Password"),
    "password2": _("Password, once more"),
    "oldpassword": _("Current password"),
    "remember": _("Stay signed in on this computer"),
}

PASSWORD_HINT = _("At least 12 characters. Not a common password, and not like your e-mail address.")
"""What AUTH_PASSWORD_VALIDATORS ask for, in one line."""


class AccountWords(PlainWords):
    """For forms of django-allauth: our labels, and a label instead of a placeholder, which vanishes as one types."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
            if name == "password1":
                field.help_text = PASSWORD_HINT
            if isinstance(field, allauth_forms.PasswordField):
                field.validators.append(not_too_long)
            if name == "email":
                field.validators.append(deliverable)


class LoginForm(AccountWords, allauth_forms.LoginForm):
    """Sign in."""


class SignupForm(AccountWords, allauth_forms.SignupForm):
    """Sign up; where only who is invited may, with the address that was invited."""

    def clean_email(self) -> str:
        """Refuse another address than the invited one, where that counts."""
        email: str = super().clean_email()
        wanted = invited.address(allauth_context.request)
        if settings.SIGN_UP != "open" and (wanted is None or wanted.casefold() != email.casefold()):
            raise forms.ValidationError(_("Sign up with the address that the invitation was sent to."))
        return email

    def try_save(self, request: HttpRequest) -> Any:
        """Make the account, or pretend to; either way, remember what is needed to change the address."""
        try:
            with transaction.atomic():
                user, response = super().try_save(request)
        except IntegrityError:  # of two clicks at once, the second: the address has an account by now
            self.account_already_exists = True
            user, response = super().try_save(request)
        pending_account.begin(request, self.cleaned_data["email"], user, self.cleaned_data["password1"])
        return user, response


class AddEmailForm(AccountWords, allauth_forms.AddEmailForm):
    """A further e-mail address."""


class ChangePasswordForm(AccountWords, allauth_forms.ChangePasswordForm):
    """Another password."""


class ResetPasswordForm(AccountWords, allauth_forms.ResetPasswordForm):
    """Ask for the link that sets a new password."""


class ResetPasswordKeyForm(AccountWords, allauth_forms.ResetPasswordKeyForm):
    """A new password, through that link."""


class ReauthenticateForm(AccountWords, allauth_forms.ReauthenticateForm):
    """The password once more, before something sensitive."""


class SetPasswordForm(AccountWords, allauth_forms.SetPasswordForm):
    """A first password."""


CODE = {"inputmode": "numeric", "autocomplete": "one-time-code", "class": "mono", "spellcheck": "false"}


class CodeWords(AccountWords):
    """For forms that ask for a code of the authenticator app, or a recovery code in its place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = _("Code")
        field.max_length = 32  # type: ignore[attr-defined]
        field.widget = forms.TextInput(attrs=CODE | {"autofocus": True, "maxlength": 32})


class CodeForm(CodeWords, mfa_forms.AuthenticateForm):
    """The second factor, after the password."""


class CodeAgainForm(CodeWords, mfa_forms.ReauthenticateForm):
    """The second factor once more, before something sensitive."""


class AuthenticatorAppForm(CodeWords, ActivateTOTPForm):
    """The first code of an authenticator app, which shows that it has the secret."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code that the app shows")
        self.fields["code"].widget.attrs.pop("autofocus")


class CredentialField(forms.JSONField):
    """What the browser made or used. Never sent back to the page."""

    widget = forms.HiddenInput

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return nothing: it is good for one attempt."""
        return initial


class SentByBrowser(AccountWords):
    """For forms with a passkey's `credential`, which a script sends, and so anything may be sent.

    allauth expects the shape that browsers give it; whatever else comes is a passkey that was not accepted.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField(
            label=_("Passkey"),
            error_messages={
                "required": _(
                    "Your browser sent no passkey. This needs JavaScript; an authenticator app works without."
                )
            },
        )

    def full_clean(self) -> None:
        """Clean, and word what is wrong with a passkey as that, not as a wrong code."""
        try:
            super().full_clean()
        except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
            self.add_error("credential", forms.ValidationError("", code="incorrect_code"))  # type: ignore[attr-defined]
        errors: Any = self._errors  # type: ignore[attr-defined]
        for name in {"credential", NON_FIELD_ERRORS} & set(errors):
            if any(error.code in ("incorrect_code", "invalid") for error in errors[name].as_data()):
                errors[name] = errors[name].__class__([_("This passkey was not accepted. Try again.")])


class SecondPasskeyForm(SentByBrowser, AuthenticateWebAuthnForm):
    """A passkey after the password."""


class PasskeyAgainForm(SentByBrowser, ReauthenticateWebAuthnForm):
    """A passkey once more, before something sensitive."""


class PasskeySignInForm(SentByBrowser, LoginWebAuthnForm):
    """A passkey alone."""


class NameWords(AccountWords):
    """For forms that name a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.fields["name"].required
        self.fields["name"] = LineField(
            label=_("Name"),
            max_length=60,
            required=kept,
            help_text=_("So that you recognise it, such as “Office laptop” or “Blue USB key”."),
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )
        self.fields["name"].alternative = True  # type: ignore[attr-defined]  # filled in already


class PasskeyForm(SentByBrowser, NameWords, AddWebAuthnForm):
    """A new passkey: the page's script puts into `credential` what the browser made. Never without user verification,
    so that it is enough by itself to sign in."""

    field_order = ("name", "credential")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("passwordless", None)


class PasskeyNameForm(NameWords, EditWebAuthnForm):
    """Another name for a passkey."""


class AnotherAddressForm(PortalForm):
    """The right address, in place of the one that was mistyped at sign-up."""

    email = AddressField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
