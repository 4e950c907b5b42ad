"""What staff read, and may change, of the mail that goes with a decision."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from onboarding.notifications.drafts import Words
from onboarding.notifications.leaks import PRIVATE_KEY, looks_secret
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField, TextField
from onboarding.worklist.letters import Letter

MAX_SUBJECT = 150
MAX_BODY = 30_000
"""Characters: more than the longest mail of a decision has, with a comment on each answer."""
MARK = "mail"
"""Begins the names of these forms' fields; and the name of the button that says what to do with the mail."""


class LetterForm(PortalForm):
    """The words of one letter. Left as they are, the mail says what its template does, for each in their language."""

    subject = LineField(label=_("Subject"), max_length=MAX_SUBJECT)
    body = TextField(
        label=_("Text"),
        max_length=MAX_BODY,
        widget=forms.Textarea(attrs={"rows": 16}),
        help_text=_("Plain text. A link of the portal that you take out is put back at the end: the mail needs it."),
    )

    def __init__(self, data: Any = None, *, letter: Letter, **kwargs: Any) -> None:
        self.letter = letter
        kwargs.setdefault("prefix", f"{MARK}-{letter.kind}-{letter.language}")
        super().__init__(data, initial={"subject": letter.words.subject, "body": letter.words.body}, **kwargs)
        for name in ("subject", "body"):
            self.fields[name].widget.attrs["lang"] = letter.language
        if data is not None and self.found_secret:
            self.fields["certain"] = forms.BooleanField(
                label=_("None of this is a secret: send it"),
                required=False,
                help_text=_("Mails are kept and forwarded. Secrets go through the portal, where they are sealed."),
            )

    @property
    def found_secret(self) -> list[str]:
        """What in the words that were sent looks like a secret."""
        sent = " ".join(str(self.data.get(self.add_prefix(name)) or "") for name in ("subject", "body"))
        return looks_secret(sent, known=(self.letter.words.subject, self.letter.words.body))

    def clean_body(self) -> str:
        """Refuse a private key, and do not show it again."""
        body: str = self.cleaned_data["body"]
        if PRIVATE_KEY.search(body):
            said: Any = self.data
            sent = said.copy()
            sent[self.add_prefix("body")] = PRIVATE_KEY.sub("", body)
            self.data = sent
            raise ValidationError(
                _("This holds a private key, so nothing was sent. It is taken out here. Never give a key to anybody."),
                code="private_key",
            )
        return body

    def clean(self) -> dict[str, Any]:
        """Ask whether what looks like a secret is none."""
        data = super().clean() or {}
        if self.found_secret and not data.get("certain") and "body" not in self.errors:
            parts = ", ".join(f"{part[:3]}…" for part in self.found_secret[:5])
            self.add_error(
                "body",
                _("This looks like a secret: %(parts)s. Take it out, or say below that it is none.") % {"parts": parts},
            )
        return data

    @property
    def instead(self) -> Words | None:
        """What to say instead; None if nothing was changed."""
        return self.letter.rewritten(self.cleaned_data["subject"], self.cleaned_data["body"])
