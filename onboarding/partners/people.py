"""Questions about people: who belongs to what, and who is to be written to."""

from collections.abc import Iterable

from django.db.models import QuerySet

from onboarding.partners.models import Membership, Organisation, StaffRole, User


def members(organisation: Organisation, roles: Iterable[str] = Membership.Role.values) -> QuerySet[User]:
    """Return an organisation's active members with one of `roles`."""
    return User.objects.filter(
        is_active=True, memberships__organisation=organisation, memberships__role__in=list(roles)
    ).distinct()


def builders(organisation: Organisation) -> QuerySet[User]:
    """Return those who work on applications: owners and developers."""
    return members(organisation, (Membership.Role.OWNER, Membership.Role.DEVELOPER))


def staff(*roles: StaffRole.Role) -> QuerySet[User]:
    """Return active staff with one of `roles`."""
    return User.objects.filter(is_active=True, roles__role__in=roles).distinct()


def verified_addresses(organisation: Organisation) -> frozenset[str]:
    """Return the e-mail addresses that have been proven to reach the organisation, in small letters.

    Those of its verified contacts, and those that its active members have confirmed for their own accounts.
    """
    contacts = organisation.contacts.filter(verified_at__isnull=False).values_list("email", flat=True)
    confirmed = members(organisation).filter(emailaddress__verified=True).values_list("emailaddress__email", flat=True)
    return frozenset(address.casefold() for address in (*contacts, *confirmed))
