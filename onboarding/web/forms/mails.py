"""Which mails somebody gets."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.notifications.kinds import ALWAYS, Category
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.widgets import CheckboxCards

DESCRIPTIONS = {
    Category.TURN.value: _("An application was approved, changes are asked for, a CSR was refused."),
    Category.RESULT.value: _("A description was received or declined, a validation has passed."),
    Category.CHECKS.value: _("Credentials that worked have stopped working, and when they work again."),
    Category.CONVERSATION.value: _("A message is there that you have not read. One mail, until you have."),
    Category.DESK.value: _("For staff: something waits for a review or a signature, or a partner has written."),
}


class MailsForm(PortalForm):
    """The categories that can be switched off. staff: whether there are mails about work at the desk, too."""

    categories = forms.MultipleChoiceField(
        label=_("Write to me when"),
        required=False,
        widget=CheckboxCards(descriptions=DESCRIPTIONS),
        help_text=_("Mails about certificates and about security always come."),
    )

    def __init__(self, *args: Any, staff: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unasked = ALWAYS if staff else ALWAYS | {Category.DESK}
        field: Any = self.fields["categories"]
        field.choices = [(category.value, category.label) for category in Category if category not in unasked]

    @property
    def unwanted(self) -> set[str]:
        """What was asked and not chosen."""
        field: Any = self.fields["categories"]
        return {value for value, _label in field.choices} - set(self.cleaned_data["categories"])
