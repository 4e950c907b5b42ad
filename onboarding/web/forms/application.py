"""A new application."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.partners.models import Organisation
from onboarding.programmes import PROGRAMMES, profile
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.widgets import RadioCards


class NewApplicationForm(PortalForm):
    """For whom, and with which programme."""

    organisation = forms.ChoiceField(label=_("Company"), widget=RadioCards)
    programme = forms.ChoiceField(
        label=_("Programme"),
        widget=RadioCards,
        error_messages={"required": _("Choose a programme. It decides how your calls sign in.")},
    )

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        companies: Any = self.fields["organisation"]
        companies.choices = [(str(one.pk), one.name) for one in organisations]
        if len(companies.choices) == 1:
            companies.widget = forms.HiddenInput()
            companies.initial = companies.choices[0][0]
        programmes: Any = self.fields["programme"]
        programmes.choices = [(id_, f"{_(profile(id_).name)} — {_(profile(id_).audience)}") for id_ in PROGRAMMES]
        programmes.widget.descriptions = {id_: _(profile(id_).summary) for id_ in PROGRAMMES}
