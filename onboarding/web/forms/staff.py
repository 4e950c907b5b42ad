"""Who is at the desk, and in which roles."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.partners.models import StaffRole
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.widgets import CheckboxCards

Role = StaffRole.Role

ROLES = {
    Role.REVIEWER: _("Reviews applications: approves, asks for changes, declines; decides on claimed partner logins."),
    Role.ISSUER: _("Checks CSRs and issues certificates, or refuses them."),
    Role.AUDITOR: _("Reads everything at the desk and the whole audit, and changes nothing."),
    Role.ADMINISTRATOR: _("Decides who is at the desk, and in which roles; reads the whole audit."),
}
"""What each role may do."""


def _roles_field(**options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        widget=CheckboxCards(descriptions={role.value: words for role, words in ROLES.items()}),
        **options,
    )


class StaffRolesForm(PortalForm):
    """Somebody's roles; none: they are no staff any more."""

    roles = _roles_field(required=False)


class StaffForm(PortalForm):
    """Whom to take into the staff, and with which roles."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("Who has an account with it gets the roles at once; others get a mail with a link."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    roles = _roles_field()
