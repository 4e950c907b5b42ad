"""What staff decide with."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from onboarding.notifications.leaks import PRIVATE_KEY
from onboarding.partners.models import User
from onboarding.registrations.description import Answers, asked
from onboarding.registrations.logins import Next
from onboarding.registrations.models import Registration
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField, TextField
from onboarding.web.forms.widgets import RadioCards


def keyless(value: str) -> None:
    """Raise ValidationError for a text with a private key in it: what partners read is kept, and mailed."""
    if PRIVATE_KEY.search(value):
        raise ValidationError(
            _("This holds a private key. Take it out: it goes into a mail, and keys go nowhere."), code="private_key"
        )


def partner_note(help_text: Any, *, required: bool = True) -> TextField:
    """Return the field for what the partner reads of a decision."""
    return TextField(
        label=_("What the partner should know"),
        max_length=2000,
        required=required,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=help_text,
        validators=[keyless],
    )


class HandOverForm(PortalForm):
    """Give a request to a colleague."""

    def __init__(self, *args: Any, candidates: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"] = forms.ModelChoiceField(candidates, label=_("Colleague"), empty_label=None)


RANGE_LOW = 100
"""With so few partner logins left in the range, staff are told."""


class ApproveForm(PortalForm):
    """Approve with a partner login: one that the company has, the next of the range, or one that is typed.

    own: those that the company has. following: what the range gives next, if there is one.
    """

    TYPED, NEXT = "typed", "next"

    mzp = LineField(
        label=_("Partner login (MZP)"),
        max_length=64,
        required=False,
        help_text=_("The company's existing one, or a new one. It becomes the common name of its certificates."),
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, own: Sequence[str] = (), following: Next | None = None, named: str = "", **kwargs: Any
    ) -> None:
        self.following = following
        choices = [(f"own:{mzp}", gettext("%(mzp)s, which this company has") % {"mzp": mzp}) for mzp in own]
        if following is not None and following.mzp:
            choices.append((self.NEXT, gettext("%(mzp)s, the next of the range") % {"mzp": following.mzp}))
        known = next((f"own:{mzp}" for mzp in own if mzp.casefold() == named.casefold() or not named), "")
        chosen = known or (self.TYPED if named or len(choices) == 0 else choices[0][0])
        kwargs["initial"] = {
            "login": chosen,
            "mzp": "" if known else named,
            "seen": following.mzp if following else "",
        }
        super().__init__(*args, **kwargs)
        if choices:
            choices.append((self.TYPED, gettext("Another one")))
            field = forms.ChoiceField(
                label=_("Partner login (MZP)"),
                choices=choices,
                # Whoever sends an MZP alone has typed it.
                required=not self.is_bound or "login" in self.data,
                widget=RadioCards,
                help_text=_("It becomes the common name of the company's certificates, and is never issued again."),
            )
            self.fields = {"login": field, **self.fields}
            self.fields["mzp"].label = _("Another one (MZP)")
            self.fields["mzp"].help_text = _("Capital letters and digits.")

    def clean(self) -> dict[str, Any]:
        """Return what `flows.approve` takes. Whoever says only an MZP has typed one."""
        data = super().clean() or {}
        login, mzp = data.get("login") or self.TYPED, data.get("mzp", "")
        if login != self.TYPED and mzp not in ("", self.initial["mzp"]) and login != f"own:{mzp}":
            self.add_error("login", _("You have typed another one below: choose “Another one”, or empty that field."))
        if login == self.NEXT:
            return {"of_range": True, "seen": data.get("seen", "")}
        if login != self.TYPED:
            return {"mzp": login.removeprefix("own:")}
        if not mzp and "mzp" not in self.errors:
            self.add_error("mzp", _("Name the partner login, such as MZP128745."))
        return {"mzp": mzp}


class DeclineForm(PortalForm):
    """Decline with a typed reason."""

    reason = forms.ChoiceField(label=_("Reason"), choices=Registration.DeclineReason, widget=RadioCards)
    note = partner_note(_("The partner reads this. Say what would have to be different."))


class ReopenForm(PortalForm):
    """Look again at what was declined."""

    changes = forms.ChoiceField(
        label=_("What comes next"),
        choices=[("no", _("I look at it again, as it was sent")), ("yes", _("The partner changes it first"))],
        initial="no",
        widget=RadioCards,
    )
    note = partner_note(_("The partner reads this. Say why it is reopened, and what to change, if anything."))

    def clean_changes(self) -> bool:
        """Whether the partner changes it first."""
        return bool(self.cleaned_data["changes"] == "yes")


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
        validators=[keyless],
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
                validators=[keyless],
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
        validators=[keyless],
    )
