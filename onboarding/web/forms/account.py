"""django-allauth's forms in this portal's words: "E-mail address", no placeholder, errors that say what to do."""

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.web.forms.base import PlainWords

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


class LoginForm(AccountWords, allauth_forms.LoginForm):
    """Sign in."""


class SignupForm(AccountWords, allauth_forms.SignupForm):
    """Sign up."""


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
