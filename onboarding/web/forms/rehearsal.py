"""Choosing the failure to rehearse."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.credentials.rehearsing import offered
from onboarding.fleet.messages import RUNG_TITLES
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.widgets import CatalogueChoice


class RehearsalForm(PortalForm):
    """One failure, from a list by the check that tells of it."""

    failure = forms.ChoiceField(label=gettext_lazy("Failure"), widget=CatalogueChoice)

    def __init__(self, *args: Any, programme: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: dict[str, list[tuple[str, str]]] = {}
        for rehearsal in offered(programme):
            groups.setdefault(_(RUNG_TITLES[rehearsal.rung]), []).append((rehearsal.name, _(rehearsal.title)))
        field: Any = self.fields["failure"]
        field.choices = list(groups.items())
        field.widget.descriptions = {rehearsal.name: rehearsal.name for rehearsal in offered(programme)}
