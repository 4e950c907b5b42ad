"""Organisation and profile."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from onboarding.partners.models import User, time_zones
from onboarding.web.forms.base import PortalForm, PortalModelForm
from onboarding.web.forms.fields import LineField
from onboarding.web.forms.widgets import RadioCards


class OrganisationForm(PortalForm):
    """A new organisation."""

    name = LineField(
        label=_("Company name"),
        max_length=120,
        help_text=_("As registered: a good value for O in your certificate."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    country = forms.ChoiceField(label=_("Country"), widget=forms.Select(attrs={"autocomplete": "country"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["country"]
        field.choices = [("", _("Choose a country")), *countries]


class ProfileForm(PortalModelForm):
    """A person's own settings."""

    class Meta:
        model = User
        fields = ["name", "language", "time_zone"]
        help_texts = {"time_zone": _("Times on all pages are shown in it.")}

    name = LineField(
        label=_("Name"), max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=[("en", "English"), ("fr", "Français")], widget=RadioCards
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=lambda: [(name, name.replace("_", " ")) for name in sorted(time_zones())]
    )
