"""What an invented driver signs in with, and grants."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.enrolment.drivers import DRIVERS, PASSWORD
from onboarding.oauth.scopes import SCOPES
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.widgets import CheckboxCards, RadioCards


class DriverForm(PortalForm):
    """A driver, their password, and which of the scopes they grant."""

    driver = forms.ChoiceField(label=gettext_lazy("Sign in as"), widget=RadioCards)
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=100,
        strip=False,
        # Not a secret: it is beside the field. A password manager should not keep it.
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "mono", "spellcheck": "false"}),
    )
    scope = forms.MultipleChoiceField(
        label=gettext_lazy("Grant"),
        widget=CheckboxCards,
        error_messages={"required": gettext_lazy("Tick what you grant, or refuse.")},
    )

    def __init__(self, data: Any, *, scopes: Sequence[str]) -> None:
        super().__init__(data, initial={"driver": next(iter(DRIVERS)), "password": PASSWORD, "scope": list(scopes)})
        fields: Any = self.fields
        fields["driver"].choices = [(one.id, f"{one.first_name} {one.last_name}") for one in DRIVERS.values()]
        fields["driver"].widget.descriptions = {one.id: f"{one.email}. {_(one.what)}" for one in DRIVERS.values()}
        fields["password"].help_text = _("It is %(password)s. Type another one to see a sign-in fail.") % {
            "password": PASSWORD
        }
        fields["scope"].choices = [(scope, _(SCOPES.get(scope, scope))) for scope in scopes]
        fields["scope"].widget.descriptions = {scope: scope for scope in scopes}

    def clean_password(self) -> str:
        """Refuse another password than the invented one."""
        given: str = self.cleaned_data["password"]
        if not constant_time_compare(given, PASSWORD):
            raise ValidationError(_("That is not the password. It is %(password)s.") % {"password": PASSWORD})
        return given
