"""Who is at the desk, and in which roles: one verb per decision.

There is always an administrator: what would leave none is refused. Whoever decides must be one at that moment, so two
administrators who withdraw each other's role at once are two decisions, one after the other.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.memberships import offers
from onboarding.memberships.models import ProviderIdentity, StaffInvitation, link_lifetime
from onboarding.notifications.mails import notify, write_to
from onboarding.partners.actors import SYSTEM, Actor
from onboarding.partners.models import StaffRole, User

LINK = "staff"

Role = StaffRole.Role
State = StaffInvitation.State


class NotAnAdministrator(Exception):
    """Who decides is no administrator (any more). Nothing was changed."""


class LastAdministrator(Exception):
    """There would be no administrator. Nothing was changed."""


def set_roles(user: User, roles: Iterable[str], *, actor: Actor) -> None:
    """Give somebody exactly these roles at the desk, record each change, and tell them.

    With none they are no staff any more, from their next request on. Raises NotAnAdministrator or LastAdministrator.
    """
    wanted = {Role(role) for role in roles}
    with transaction.atomic():
        administrators = _administrator_decides(actor)
        held = {Role(role) for role in StaffRole.objects.filter(user=user).values_list("role", flat=True)}
        if Role.ADMINISTRATOR in held - wanted and administrators <= {user.pk}:
            raise LastAdministrator
        _change(user, held, wanted, actor=actor)
        if not wanted:  # only an administrator brings them back: the provider's word alone does not
            for identity in ProviderIdentity.objects.filter(user=user):
                record(Event.SINGLE_SIGN_ON_UNLINKED, user, actor=actor, organisation=None)
                identity.delete()


def take_over_roles(user: User, roles: Iterable[str], *, managed: Iterable[str]) -> bool:
    """Give somebody, of the roles in `managed`, exactly these: so says the provider of single sign-on, not a person.

    Roles beside those in `managed` stay. The last administrator keeps that role all the same. Returns whether they are
    staff by what the provider and the desk say.
    """
    with transaction.atomic():
        administrators = _lock_administrators()
        held = {Role(role) for role in StaffRole.objects.filter(user=user).values_list("role", flat=True)}
        wanted = (held - {Role(role) for role in managed}) | {Role(role) for role in roles}
        kept = held & {Role.ADMINISTRATOR} if administrators <= {user.pk} else set()
        _change(user, held, wanted | kept, actor=SYSTEM)
    user.__dict__.pop("_staff_roles", None)
    return bool(wanted)


def add(email: str, roles: Iterable[str], *, by: User, actor: Actor) -> User | StaffInvitation:
    """Give roles to whoever has an account with this address, confirmed, beside those they have; else invite them.

    Returns whom, or the invitation. Raises NotAnAdministrator, InvitedAlready or TooMany.
    """
    now = timezone.now()
    with transaction.atomic():
        _administrator_decides(actor)
        known = User.objects.filter(
            is_active=True, emailaddress__email__iexact=email, emailaddress__verified=True
        ).first()
        if known is not None:
            held = {Role(role) for role in StaffRole.objects.filter(user=known).values_list("role", flat=True)}
            _change(known, held, held | {Role(role) for role in roles}, actor=actor)
            return known
        still_open = StaffInvitation.objects.filter(state=State.OPEN)
        if still_open.filter(email__iexact=email).exists():
            raise offers.InvitedAlready
        if still_open.count() >= offers.OPEN_AT_MOST:
            raise offers.TooMany
        invitation = StaffInvitation.objects.create(
            email=email,
            roles=_in_order(roles),
            language=by.language,
            invited_by=by,
            expires_at=now + link_lifetime(),
        )
        data = {"role": invitation.roles}
        record(Event.STAFF_INVITED, invitation, actor=actor, organisation=None, data=data)
        _write(invitation, by)
    return invitation


def send_again(invitation: StaffInvitation, *, by: User, actor: Actor) -> None:
    """Send a new link, good for as long as the first one was; the one before works no longer.

    Raises NotAnAdministrator, Closed or TooSoon.
    """
    with transaction.atomic():
        _administrator_decides(actor)
        offers.renew_link(invitation)
        data = {"role": invitation.roles, "count": invitation.link_serial}
        record(Event.STAFF_INVITED, invitation, actor=actor, organisation=None, data=data)
        _write(invitation, by)


def withdraw(invitation: StaffInvitation, *, actor: Actor) -> None:
    """Take an invitation back: its link works no longer. Raises NotAnAdministrator or Closed."""
    with transaction.atomic():
        _administrator_decides(actor)
        offers.withdraw(invitation)
        record(Event.STAFF_INVITATION_WITHDRAWN, invitation, actor=actor, organisation=None)


def accept(invitation: StaffInvitation, user: User, *, actor: Actor) -> None:
    """Give `user` the roles that were offered, beside those they have. Raises NotInvited or Closed."""
    offers.require_invited(invitation, user)
    with transaction.atomic():
        offers.accept(invitation, user)
        record(Event.STAFF_INVITATION_ACCEPTED, invitation, actor=actor, organisation=None)
        held = {Role(role) for role in StaffRole.objects.filter(user=user).values_list("role", flat=True)}
        _change(user, held, held | {Role(role) for role in invitation.roles}, actor=actor)


def from_link(text: str) -> tuple[StaffInvitation | None, bool]:
    """Return the invitation that a link leads to, and whether it can be accepted now; (None, False) if none is."""
    found, is_latest = offers.from_link(StaffInvitation.objects.select_related("invited_by"), LINK, text)
    return found, found is not None and is_latest and found.is_open


def is_last_administrator(user: User) -> bool:
    """Tell whether nobody could administer this portal without them."""
    administrators = _administrators()
    return user.pk in administrators and len(administrators) == 1


def _administrators() -> set[UUID]:
    rows = StaffRole.objects.filter(role=Role.ADMINISTRATOR, user__is_active=True)
    return set(rows.values_list("user_id", flat=True))


def _administrator_decides(actor: Actor) -> set[UUID]:
    """Let nobody else change who administers until the transaction ends, and return who does.

    Raises NotAnAdministrator. On PostgreSQL by their rows; on SQLite the transaction holds the one write lock already.
    """
    administrators = _lock_administrators()
    if actor.user_id not in administrators:
        raise NotAnAdministrator
    return administrators


def _lock_administrators() -> set[UUID]:
    list(StaffRole.objects.select_for_update().filter(role=Role.ADMINISTRATOR).order_by("pk"))
    return _administrators()


def _change(user: User, held: set[Role], wanted: set[Role], *, actor: Actor) -> None:
    last = None
    for role in Role:
        data = {"role": str(role), "member": str(user.pk)}
        if role in wanted - held:
            StaffRole.objects.create(user=user, role=role)
            last = record(Event.ROLE_GRANTED, user, actor=actor, organisation=None, data=data)
        elif role in held - wanted:
            StaffRole.objects.filter(user=user, role=role).delete()
            last = record(Event.ROLE_WITHDRAWN, user, actor=actor, organisation=None, data=data)
    if last is not None:
        params = {"roles": [str(Role(role).name.capitalize()) for role in _in_order(wanted)]}
        notify("staff_roles_changed", [user], once=f"staff:{last.pk}", params=params)


def _in_order(roles: Iterable[str]) -> list[str]:
    wanted = {str(role) for role in roles}
    return [str(role.value) for role in Role if role in wanted]


def _write(invitation: StaffInvitation, by: User) -> None:
    serial = invitation.link_serial
    write_to(
        invitation.email,
        "staff_invitation",
        language=invitation.language,
        once=f"staff_invitation:{invitation.pk}:{serial}",
        params={
            "inviter": str(by),
            "roles": [Role(role).name.capitalize() for role in invitation.roles],
            "until": f"{invitation.expires_at:%Y-%m-%d}",
            "link": [LINK, str(invitation.pk), serial],
        },
    )
