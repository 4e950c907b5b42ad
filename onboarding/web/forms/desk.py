"""What staff decide with."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from onboarding.partners.models import User
from onboarding.registrations.description import Answers, asked
from onboarding.registrations.models import Registration
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField, TextField
from onboarding.web.forms.widgets import RadioCards


def partner_note(help_text: Any, *, required: bool = True) -> TextField:
    """Return the field for what the partner reads of a decision."""
    return TextField(
        label=_("What the partner should know"),
        max_length=2000,
        required=required,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=help_text,
    )


class HandOverForm(PortalForm):
    """Give a request to a colleague."""

    def __init__(self, *args: Any, candidates: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"] = forms.ModelChoiceField(candidates, label=_("Colleague"), empty_label=None)


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
    note = partner_note(_("The partner reads this. Say what would have to be different."))


class SuspendForm(PortalForm):
    """Suspend with a typed reason."""

    reason = forms.ChoiceField(label=_("Reason"), choices=Registration.SuspendReason, widget=RadioCards)
    note = partner_note(_("The partner reads this. Say what has to happen before it is reinstated."))


class ReinstateForm(PortalForm):
    """Reinstate, and say something with it or not."""

    note = partner_note(_("It goes into the mail to the partner."), required=False)


class ChangesForm(PortalForm):
    """What to change: in general, and beside single answers. At least one has to be said."""

    note = TextField(
        label=_("In general"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The partner reads this. What belongs to one answer is better said below."),
    )
    whole = forms.BooleanField(
        label=_("Let the whole description be changed"),
        required=False,
        help_text=_("Otherwise only the steps with a comment can be changed, if there is any."),
    )

    def __init__(self, *args: Any, answers: Answers, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = asked(answers)
        for question in self.questions:
            self.fields[f"comment_{question.name}"] = TextField(
                label=gettext("On “%(answer)s”") % {"answer": question.label},
                max_length=1000,
                required=False,
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    def clean(self) -> dict[str, Any]:
        """Return the note, and the comments by question name."""
        data = super().clean() or {}
        given = {question.name: data.get(f"comment_{question.name}") for question in self.questions}
        comments = {name: text for name, text in given.items() if text}
        if not comments and not data.get("note") and not self.errors:
            self.add_error("note", _("Say what to change: in general, or beside an answer."))
        return {"note": data.get("note", ""), "whole": data.get("whole", False), "comments": comments}


class NoteForm(PortalForm):
    """A note to the partner: what to change."""

    note = TextField(
        label=_("What to change"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The partner reads this. Name the field and what it should say."),
    )
