"""Which mails somebody gets."""

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.notifications.kinds import ALWAYS, Category
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.widgets import CheckboxCards

DESCRIPTIONS = {
    Category.TURN.value: _("An application was approved, changes are asked for, a CSR was refused."),
    Category.RESULT.value: _("A description was received or declined, a validation has passed."),
    Category.CHECKS.value: _("Credentials that worked have stopped working, and when they work again."),
    Category.DESK.value: _("For staff: something waits for a review or a signature."),
}


class MailsForm(PortalForm):
    """The categories that can be switched off."""

    categories = forms.MultipleChoiceField(
        label=_("Write to me when"),
        required=False,
        choices=[(category.value, category.label) for category in Category if category not in ALWAYS],
        widget=CheckboxCards(descriptions=DESCRIPTIONS),
        help_text=_("Mails about certificates and about security always come."),
    )
