"""What staff decide with."""

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.registrations.models import Registration
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField, TextField
from onboarding.web.forms.widgets import RadioCards


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
