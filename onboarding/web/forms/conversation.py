"""What partner and reviewers write to one another with."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from onboarding.notifications.leaks import PRIVATE_KEY
from onboarding.registrations.conversation import MAX_LENGTH
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import TextField


class MessageForm(PortalForm):
    """A message to the other side."""

    text = TextField(
        label=_("Your message"),
        max_length=MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Both sides read it, and it is kept with the application. No passwords, no keys."),
    )
    asks = forms.BooleanField(
        label=_("I need an answer"),
        required=False,
        help_text=_("It is shown as waiting for them until they answer."),
    )

    def clean_text(self) -> str:
        """Refuse a private key, and do not show it again."""
        text: str = self.cleaned_data["text"]
        if PRIVATE_KEY.search(text):
            sent: Any = self.data
            shown = sent.copy()
            shown[self.add_prefix("text")] = PRIVATE_KEY.sub("", text)
            self.data = shown
            raise ValidationError(
                _("This holds a private key, so nothing was sent. It is taken out here. Never give a key to anybody."),
                code="private_key",
            )
        return text
