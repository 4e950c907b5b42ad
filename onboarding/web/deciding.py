"""What both desks say when a decision comes too late, or is not this person's to make."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.credentials.states import State as CertificateState
from onboarding.registrations.states import State as RegistrationState

OWN = gettext_lazy("You are a member of this company, so somebody else decides. Nothing was changed.")


def moved_on(state: RegistrationState | CertificateState) -> str:
    """Return the words for a decision on a state that is no more."""
    return _("Nothing was changed: meanwhile it moved on to “%(state)s”.") % {"state": state.label}


def written(form: forms.Form) -> list[dict[str, Any]]:
    """Return what was written into a form that came too late, to be copied from the page: its form may be gone."""
    return [
        {"key": bound.label, "value": bound.value()}
        for bound in form
        if isinstance(bound.field.widget, forms.Textarea) and bound.value()
    ]
