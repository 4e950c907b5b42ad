"""The first account of a portal that somebody runs alone."""

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from onboarding.partners.models import User
from onboarding.partners.passwords import not_too_long
from onboarding.web.forms.account import PASSWORD_HINT
from onboarding.web.forms.fields import LineField
from onboarding.web.forms.people import OrganisationForm


class FirstAccountForm(OrganisationForm):
    """Who starts, how they sign in, and the company that they belong to."""

    field_order = ("email", "person", "password1", "password2", "name", "country")

    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    person = LineField(
        label=_("Your name"), max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password1 = allauth_forms.PasswordField(label=_("Password"), autocomplete="new-password", help_text=PASSWORD_HINT)
    password2 = allauth_forms.PasswordField(label=_("Password, once more"), autocomplete="new-password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("password1", "password2"):
            self.fields[name].widget.attrs.pop("placeholder", None)
            self.fields[name].validators.append(not_too_long)

    def clean(self) -> dict[str, Any]:
        """The password is one that can be kept, and was typed as meant."""
        given = super().clean() or {}
        first, second = given.get("password1"), given.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("These are not the same. Type the password once more."))
        elif first:
            try:
                validate_password(first, User(email=given.get("email", "")))
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return given

    @property
    def account(self) -> dict[str, str]:
        """What `first_account.make` takes."""
        given = self.cleaned_data
        return {
            "email": given["email"],
            "password": given["password1"],
            "name": given["person"],
            "company": given["name"],
            "country": given["country"],
        }
