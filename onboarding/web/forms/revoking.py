"""Why a certificate is revoked, and what the partner is told."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.reasons import OWN, Reason
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.desk import partner_note
from onboarding.web.forms.fields import TextField
from onboarding.web.forms.recording import OutsideFields
from onboarding.web.forms.widgets import RadioCards
from onboarding.web.revoked import described


class RevokeForm(PortalForm):
    """Revoke, with a typed reason. by_hand: whether the corporate CA has to have done it, and on which day."""

    on = forms.DateField(
        label=_("Revoked by the CA on"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"}),
        error_messages={"invalid": _("Give the date like this: 2026-11-30.")},
    )
    reason = forms.ChoiceField(label=_("Reason"), choices=Reason, widget=RadioCards)
    note = partner_note(_("The partner reads this: what happened, and what to do before a new certificate is issued."))

    def __init__(self, *args: Any, by_hand: bool, not_before: date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.not_before = not_before
        if not by_hand:
            del self.fields["on"]
            return
        self.fields["on"].initial = timezone.localdate()
        self.fields["on"].widget.attrs["max"] = timezone.localdate().isoformat()

    def clean_on(self) -> date:
        """It was revoked between the day on which it was issued and today."""
        day: date = self.cleaned_data["on"]
        if day > timezone.localdate():
            raise forms.ValidationError(_("This day is still to come. Give the day on which it happened."))
        if self.not_before is not None and day < self.not_before:
            raise forms.ValidationError(_("This is before the certificate begins. Check the date."))
        return day


class OwnRevokeForm(OutsideFields):
    """A partner's own certificate. certificates: those that can be revoked, the one in use first."""

    certificate = forms.ChoiceField(label=_("Certificate"), widget=RadioCards)
    reason = forms.ChoiceField(label=_("Reason"), choices=[(one.value, one.label) for one in OWN], widget=RadioCards)
    note = TextField(
        label=_("What happened"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("In a few words. Your colleagues read it, and whoever revokes it."),
    )
    field_order = ("certificate", "reason", "note", "on", "reference")
    words = {"on": (_("Revoked by the CA on"), "")}

    def __init__(
        self, *args: Any, certificates: Sequence[CertificateRequest], is_outside: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if not is_outside:
            for name in ("on", "reference"):
                self.fields.pop(name, None)
        choices = [(str(one.pk), described(one)) for one in certificates]
        self.fields["certificate"].choices = choices  # type: ignore[attr-defined]
        self.fields["certificate"].initial = choices[0][0] if choices else None
        if len(choices) == 1:
            self.fields["certificate"].widget = forms.HiddenInput()

    @property
    def happened_outside(self) -> Any:
        """When the CA revoked it, where that is asked for."""
        return self.outside if "on" in self.fields else None
