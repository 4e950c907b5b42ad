"""A new application."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.partners.models import Organisation
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.description import offer_programmes
from onboarding.web.forms.widgets import RadioCards


class NewApplicationForm(PortalForm):
    """For whom, and with which programme."""

    organisation = forms.ChoiceField(label=_("Company"), widget=RadioCards)
    programme = forms.ChoiceField(
        label=_("Programme"),
        error_messages={"required": _("Choose a programme. It decides how your calls sign in.")},
    )

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        companies: Any = self.fields["organisation"]
        companies.choices = [(str(one.pk), one.name) for one in organisations]
        if len(companies.choices) == 1:
            companies.widget = forms.HiddenInput()
            companies.initial = companies.choices[0][0]
        offer_programmes(self.fields["programme"])
