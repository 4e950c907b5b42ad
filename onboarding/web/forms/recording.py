"""Solo mode: what a member notes of what happened outside, each with its day and reference."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from onboarding.partners.modes import mode
from onboarding.registrations.outside import Outside
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.credentials import StoreCredentialsForm, TakeInForm
from onboarding.web.forms.desk import ApproveForm, ChangesForm, DeclineForm, NoteForm
from onboarding.web.forms.fields import LineField

OLDEST = timedelta(days=1100)
"""How long ago a thing may have happened that is noted now: whoever mistypes the year is told."""


class OutsideFields(PortalForm):
    """Mixed into forms: the day on which it happened, and the reference that the car maker gave it.

    In a hub nothing happens outside: there the fields are not there, and `outside` is None. not_before: the day on
    which it was sent; what is an answer to it cannot be older.
    """

    on = forms.DateField(
        label=_("Date"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"}),
        error_messages={"invalid": _("Give the date like this: 2026-11-30.")},
    )
    reference = LineField(
        label=_("Their reference"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Such as the number of a ticket, or who wrote."),
    )

    words: Mapping[str, tuple[Any, Any]] = {}
    """By field: label and help text that are otherwise here."""

    def __init__(self, *args: Any, not_before: date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.not_before = not_before
        if mode().has_desk:
            del self.fields["on"], self.fields["reference"]
            return
        for name, (label, help_text) in self.words.items():
            self.fields[name].label, self.fields[name].help_text = label, help_text
        self.fields["reference"].alternative = False  # type: ignore[attr-defined]
        today = timezone.localdate()
        self.fields["on"].initial = today
        self.fields["on"].widget.attrs["max"] = today.isoformat()

    def clean_on(self) -> date:
        """Nothing is noted ahead of its day."""
        day: date = self.cleaned_data["on"]
        if day > timezone.localdate():
            raise forms.ValidationError(_("This day is still to come. Give the day on which it happened."))
        if day < timezone.localdate() - OLDEST:
            raise forms.ValidationError(_("This is years ago. Check the year."))
        if self.not_before is not None and day < self.not_before:
            raise forms.ValidationError(
                _("This is before the day on which you sent the dossier, %(day)s."),
                params={"day": format_date(self.not_before, pgettext("date format", "j M Y"))},
            )
        return day

    def clean(self) -> dict[str, Any]:
        """Keep both, whatever else a form makes of what was given."""
        given: dict[str, Any] = {}
        given |= {name: self.cleaned_data[name] for name in ("on", "reference") if name in self.cleaned_data}
        return (super().clean() or {}) | given

    @property
    def outside(self) -> Outside | None:
        """When it happened there; None in a hub."""
        return None if mode().has_desk else self.happened

    @property
    def happened(self) -> Outside:
        """The same, on pages that a hub does not have."""
        return Outside(self.cleaned_data["on"], self.cleaned_data["reference"])

    @property
    def said(self) -> dict[str, Any]:
        """What was given beside that."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("on", "reference")}


_MZP = _("It becomes the common name of your certificates. Copy it as it was given to you, such as MZP128745.")


class SentForm(OutsideFields):
    """A dossier was sent on. version: of the draft that it was made of. csrs: the keys of the CSRs that were in it."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1)
    csrs = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)
    field_order = ("on", "reference", "version", "csrs")
    words = {"on": (_("Sent on"), "")}


class ApprovalForm(OutsideFields, ApproveForm):
    """The car maker has approved."""

    field_order = ("mzp", "on", "reference")
    words = {"mzp": (_("Partner login (MZP)"), _MZP), "on": (_("Answered on"), "")}


class ChangesAskedForm(OutsideFields, ChangesForm):
    """The car maker asks for changes."""

    field_order = ("on", "reference", "note")
    words = {
        "on": (_("Answered on"), ""),
        "note": (_("What they ask for"), _("In their words. What belongs to one answer is better noted below.")),
        "whole": (
            _("The whole description is to be changed"),
            _("Otherwise only the steps with a note below are opened again, if there is any."),
        ),
    }

    @property
    def beside(self) -> list[forms.BoundField]:
        """The fields for what belongs to one answer."""
        return [self[f"comment_{question.name}"] for question in self.questions]

    @property
    def before(self) -> list[forms.BoundField]:
        """The others."""
        return [self[name] for name in ("on", "reference", "note", "whole")]

    @property
    def is_beside(self) -> bool:
        """Whether one of these was filled in, or is wrong."""
        return any(field.value() or field.errors for field in self.beside)


class DeclinedForm(OutsideFields, DeclineForm):
    """The car maker has declined."""

    field_order = ("reason", "note", "on", "reference")
    words = {
        "on": (_("Answered on"), ""),
        "note": (_("What they wrote"), _("In their words, so that colleagues can read it later.")),
    }


class LoginForm(OutsideFields, ApproveForm):
    """The company has a partner login already."""

    field_order = ("mzp", "on", "reference")
    words = {"mzp": (_("Partner login (MZP)"), _MZP), "on": (_("Known since"), "")}


class CsrRefusedForm(OutsideFields, NoteForm):
    """The car maker has refused a CSR."""

    field_order = ("note", "on", "reference")
    words = {
        "on": (_("Answered on"), ""),
        "note": (_("What they wrote"), _("In their words: which field, and what it should say.")),
    }


class ReceivedCertificateForm(OutsideFields, TakeInForm):
    """A certificate that came from the car maker."""

    field_order = ("certificate", "text", "ca_certificate", "on", "reference")
    words = {"on": (_("Received on"), "")}


class ReceivedCredentialsForm(OutsideFields, StoreCredentialsForm):
    """Client ID, secret, password that came from the car maker."""

    field_order = ("client_id", "client_secret", "password", "on", "reference")
    words = {"on": (_("Received on"), "")}
