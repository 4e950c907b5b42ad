"""Questions about people: who belongs to what, and who is to be written to."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import Contact, Membership, Organisation, StaffRole, User
from onboarding.partners.modes import mode


def members(organisation: Organisation, roles: Iterable[str] = Membership.Role.values) -> QuerySet[User]:
    """Return an organisation's active members with one of `roles`."""
    return User.objects.filter(
        is_active=True, memberships__organisation=organisation, memberships__role__in=list(roles)
    ).distinct()


def builders(organisation: Organisation) -> QuerySet[User]:
    """Return those who work on applications: owners and developers."""
    return members(organisation, (Membership.Role.OWNER, Membership.Role.DEVELOPER))


def staff(*roles: StaffRole.Role) -> QuerySet[User]:
    """Return active staff with one of `roles`; nobody where there is no desk."""
    if not mode().has_desk:
        return User.objects.none()
    return User.objects.filter(is_active=True, roles__role__in=roles).distinct()


class OwnOrganisation(Exception):
    """Who decides as staff is a member of the organisation that it is about. Nothing was changed."""


def belongs(user_id: UUID | None, organisation: Organisation) -> bool:
    """Tell whether somebody is a member of an organisation."""
    return user_id is not None and Membership.objects.filter(organisation=organisation, user_id=user_id).exists()


def require_impartial(actor: Actor, organisation: Organisation) -> None:
    """Raise OwnOrganisation if staff would decide on an organisation of which they are a member."""
    if actor.kind == ActorKind.STAFF and belongs(actor.user_id, organisation):
        raise OwnOrganisation


def verified_addresses(organisation: Organisation) -> frozenset[str]:
    """Return the e-mail addresses that have been proven to reach the organisation, in small letters.

    Those of its verified contacts, and those that its active members have confirmed for their own accounts.
    """
    contacts = organisation.contacts.filter(verified_at__isnull=False).values_list("email", flat=True)
    confirmed = members(organisation).filter(emailaddress__verified=True).values_list("emailaddress__email", flat=True)
    return frozenset(address.casefold() for address in (*contacts, *confirmed))


def is_last_owner(membership: Membership) -> bool:
    """Tell whether an organisation would have no active owner without this one."""
    if membership.role != Membership.Role.OWNER:
        return False
    owners = members(membership.organisation, (Membership.Role.OWNER,))
    return not owners.exclude(pk=membership.user_id).exists()


def missing_contacts(organisation: Organisation) -> list[Contact.Kind]:
    """Return which contacts an organisation has not named yet, or which have not confirmed their address."""
    there = organisation.contacts.filter(verified_at__isnull=False).values_list("kind", flat=True)
    return [kind for kind in Contact.NAMED if kind not in there]


def contact_addresses(organisation: Organisation) -> list[str]:
    """Return the verified addresses of an organisation's contacts: the role mailbox first, then the second contact."""
    rank = {kind: place for place, kind in enumerate(Contact.Kind)}
    contacts = organisation.contacts.filter(verified_at__isnull=False)
    return [one.email for one in sorted(contacts, key=lambda one: (rank[Contact.Kind(one.kind)], one.email))]
