"""What staff decide with."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.registrations.models import Registration
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import BoundedFileField, LineField, TextField
from onboarding.web.forms.widgets import FileDrop, RadioCards


class ApproveForm(PortalForm):
    """Approve with a partner login."""

    mzp = LineField(
        label=_("Partner login (MZP)"),
        max_length=64,
        help_text=_("The company's existing one, or a new one. It becomes the common name of its certificates."),
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
    )


class DeclineForm(PortalForm):
    """Decline with a typed reason."""

    reason = forms.ChoiceField(label=_("Reason"), choices=Registration.DeclineReason, widget=RadioCards)
    note = TextField(
        label=_("What the partner should know"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The partner reads this. Say what would have to be different."),
    )


class NoteForm(PortalForm):
    """A note to the partner: what to change."""

    note = TextField(
        label=_("What to change"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The partner reads this. Name the field and what it should say."),
    )


class UploadCertificateForm(PortalForm):
    """The certificate that was signed elsewhere, and the CA certificate that partners pin."""

    certificate = BoundedFileField(
        label=_("Signed certificate"), widget=FileDrop, help_text=_("PEM or DER, with intermediates if there are any.")
    )
    ca_certificate = BoundedFileField(
        label=_("CA certificate"),
        widget=FileDrop,
        help_text=_(
            "What the fleet API's server is checked against, and what signed the certificate. "
            "One PEM file may hold both."
        ),
    )

    def content(self, name: str) -> bytes:
        """Return the bytes of one of the two files."""
        file: Any = self.cleaned_data[name]
        file.seek(0)
        content: bytes = file.read()
        return content
