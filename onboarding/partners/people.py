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
