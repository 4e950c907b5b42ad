"""Members, invitations, contacts; and one's own data."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.partners.models import Contact, Membership
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import AddressField, LineField
from onboarding.web.forms.widgets import RadioCards

Role = Membership.Role

ROLES = {
    Role.OWNER: _("Everything a developer can, and decides who belongs to the company and in which role."),
    Role.DEVELOPER: _("Describes applications, makes keys, stores credentials and validates; names the contacts."),
    Role.VIEWER: _("Reads everything but secrets, and changes nothing."),
}
"""What each role may do."""

KINDS = {
    Contact.Kind.ROLE_MAILBOX: _(
        "An address that several people read and that stays when somebody leaves, such as fleet@yourcompany. "
        "Put it into your certificate: it is where the certificate and reminders to renew it are sent."
    ),
    Contact.Kind.SECOND: _("A person who is written to when the role mailbox does not answer."),
}
"""What each named contact is for."""


def _role_field(**options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        widget=RadioCards(descriptions={role.value: words for role, words in ROLES.items()}),
        **options,
    )


class RoleForm(PortalForm):
    """A member's role."""

    role = _role_field()


class InvitationForm(PortalForm):
    """Whom to invite, and as what."""

    email = AddressField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("The link works only for who can sign in with this address."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = _role_field(initial=Role.DEVELOPER)


class ContactForm(PortalForm):
    """A role mailbox, or a second contact."""

    name = LineField(label=_("Name"), max_length=120)
    email = AddressField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("We send a link there. Whoever reads it confirms, without an account."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_mailbox = kind == Contact.Kind.ROLE_MAILBOX
        self.fields["name"].help_text = _("Such as “Fleet API desk”.") if is_mailbox else _("Whose address it is.")


class EraseForm(PortalForm):
    """Erase one's account."""

    sure = forms.BooleanField(
        label=_("Erase my account for good"),
        error_messages={"required": _("Tick “Erase my account for good” if you are sure")},
    )
