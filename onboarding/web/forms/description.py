"""The description of an application: one form per step."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.programmes import Profile, catalogue
from onboarding.registrations.logins import MZP_FORM
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField, TextField
from onboarding.web.forms.widgets import CatalogueSelect, CheckboxCards, SuffixInput


class StepForm(PortalForm):
    """One step. `version` says which draft the person was shown, so that two editors cannot overwrite each other."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, profile: Profile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.profile = profile

    @property
    def answers(self) -> dict[str, Any]:
        """The answers given, without the version."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class ConceptForm(StepForm):
    """Name and concept."""

    name = LineField(
        label=_("Application name"),
        max_length=120,
        help_text=_("The name your users or your fleet managers know it by."),
    )
    concept = TextField(
        label=_("Concept"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8, "data-count": "4000"}),
        help_text=_("What it does, for whom, and why it needs vehicle data. Two or three paragraphs are enough."),
    )


class CompanyForm(StepForm):
    """Company, contact, and the partner login if there is one."""

    company = LineField(label=_("Company name"), max_length=120, help_text=_("As registered."))
    contact_name = LineField(
        label=_("Contact's name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    contact_email = forms.EmailField(
        label=_("Contact's e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("Where we write about this application. A role mailbox outlives people."),
    )
    mzp = LineField(
        label=_("Partner login (MZP)"),
        required=False,
        max_length=64,
        help_text=_("Only if your company has one already, such as MZP128745. If not, you get one with the approval."),
    )

    def clean_mzp(self) -> str:
        """Accept what can be a partner login; case and blanks do not matter here."""
        mzp = "".join(self.cleaned_data["mzp"].split()).upper()
        if mzp and not MZP_FORM.fullmatch(mzp):
            raise forms.ValidationError(
                _("A partner login has only letters and digits, such as MZP128745. Leave it empty if you have none.")
            )
        return mzp


class UsageForm(StepForm):
    """Brands and volume."""

    brands = forms.MultipleChoiceField(
        label=_("Brands"), widget=CheckboxCards, help_text=_("Of the vehicles you mean to connect.")
    )
    requests_per_month = forms.IntegerField(
        label=_("Requests per month"),
        min_value=1,
        max_value=10_000_000_000,
        widget=SuffixInput(suffix=_("per month")),
        help_text=_("An estimate: vehicles × calls per vehicle and day × 30. It can be corrected later."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["brands"]
        field.choices = [(brand.id, brand.name) for brand in self.profile.brands]


class DataForm(StepForm):
    """The vehicle data needed."""

    data_items = forms.MultipleChoiceField(
        label=_("Vehicle data"),
        widget=CatalogueSelect,
        help_text=_("Choose what the concept needs, no more: reviewers look for data without a purpose."),
        error_messages={"required": _("Choose at least one kind of vehicle data.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["data_items"]
        field.choices = [
            (
                _(category.label),
                [(item.id, _(item.label)) for item in category.items if self.profile.id in item.programmes],
            )
            for category in catalogue()
            if any(self.profile.id in item.programmes for item in category.items)
        ]


def _attestation(label: Any, help_text: Any, error: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label, help_text=help_text, error_messages={"required": error})


class ComplianceForm(StepForm):
    """Three statements, each confirmed by itself."""

    exve = _attestation(
        _("It follows the Extended Vehicle (ExVe) principles"),
        _(
            "Vehicle data is read through the car maker's interface only (ISO 20077, 20078), "
            "never from the vehicle by other means."
        ),
        _("Confirm the ExVe principles, or describe your application's case to us before you go on."),
    )
    gdpr = _attestation(
        _("It complies with the GDPR"),
        _(
            "There is a legal basis for every kind of data asked for; "
            "drivers are informed, and can withdraw and be erased."
        ),
        _("Confirm GDPR compliance. Personal data cannot be handed out without it."),
    )
    maker_rules = _attestation(
        _("It follows the car maker's rules for partners"),
        _(
            "Credentials stay with your company, the rate limits are kept, "
            "and data is used for the concept described here."
        ),
        _("Confirm the car maker's rules. Applications that break them are suspended."),
    )


FORMS: dict[str, type[StepForm]] = {
    "concept": ConceptForm,
    "company": CompanyForm,
    "usage": UsageForm,
    "data": DataForm,
    "compliance": ComplianceForm,
}
