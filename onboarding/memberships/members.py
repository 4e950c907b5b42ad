"""Who belongs to an organisation, and as what: one verb per decision.

An organisation always has an owner. What would leave it without one is refused. Whoever decides must be an owner at
that moment: two owners who demote each other at once are two decisions, one after the other, and the second is no
owner's.
"""

from uuid import UUID

from django.db import models, transaction
from django.db.models import ProtectedError

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor
from onboarding.partners.models import Membership, Organisation, User
from onboarding.partners.people import is_last_owner


class NotAnOwner(Exception):
    """Who decides is no owner (any more). Nothing was changed."""


class LastOwner(Exception):
    """The organisation would have no owner. Nothing was changed."""


class NoMember(Exception):
    """The person is no member (any more). Nothing was changed."""


class HasApplications(Exception):
    """The organisation has applications, or a partner login: it cannot be deleted. Nothing was changed."""


def lock(organisation: Organisation) -> None:
    """Let nobody else change who belongs to the organisation until the surrounding transaction ends.

    On PostgreSQL by its row; on SQLite the transaction holds the one write lock already. Who only refers to the row is
    not held up: they may hold the audit's chain, which this transaction is to write to next, and neither would end.
    Raises NoMember if the organisation is gone.
    """
    if not Organisation.objects.select_for_update(no_key=True).filter(pk=organisation.pk).exists():
        raise NoMember


def owner_decides(organisation: Organisation, actor: Actor) -> UUID:
    """Lock the organisation, and return who decides. Raises NotAnOwner unless `actor` is an owner of it now."""
    lock(organisation)
    owners = Membership.objects.filter(organisation=organisation, role=Membership.Role.OWNER)
    if actor.user_id is None or not owners.filter(user_id=actor.user_id).exists():
        raise NotAnOwner
    return actor.user_id


def change_role(membership: Membership, role: str, *, actor: Actor) -> None:
    """Give a member another role, and tell them. Raises NotAnOwner, NoMember or LastOwner."""
    with transaction.atomic():
        owner_decides(membership.organisation, actor)
        current = _current(membership)
        if current.role == role:
            return
        if is_last_owner(current):
            raise LastOwner
        Membership.objects.filter(pk=current.pk).update(role=role)
        entry = record(
            Event.MEMBER_ROLE_CHANGED,
            current,
            actor=actor,
            organisation=current.organisation,
            data={"member": str(current.user_id), "from": current.role, "to": role},
        )
        if current.user_id != actor.user_id:
            params = _params(current.organisation) | {"role": Membership.Role(role).name.capitalize()}
            notify("role_changed", [current.user], once=f"member:{entry.pk}", params=params)
    membership.role = role


def remove(membership: Membership, *, actor: Actor) -> None:
    """Take a member out of the organisation, and tell them. Raises NotAnOwner, NoMember or LastOwner."""
    with transaction.atomic():
        owner_decides(membership.organisation, actor)
        current = _current(membership)
        if is_last_owner(current):
            raise LastOwner
        entry = _end(current, Event.MEMBER_REMOVED, actor)
        once = f"member:{entry}"
        notify("member_removed", [current.user], once=once, params=_params(current.organisation))


def leave(membership: Membership, *, actor: Actor) -> None:
    """Leave the organisation oneself. Raises NoMember or LastOwner."""
    with transaction.atomic():
        lock(membership.organisation)
        current = _current(membership)
        if is_last_owner(current):
            raise LastOwner
        _end(current, Event.MEMBER_LEFT, actor)


def deletable() -> models.QuerySet[Organisation]:
    """Return the organisations on which nothing hangs that must stay: applications, partner logins, secrets."""
    return Organisation.objects.filter(applications=None, partner_logins=None, secrets=None)


def can_be_deleted(organisation: Organisation) -> bool:
    """Tell whether an organisation is one of those."""
    return deletable().filter(pk=organisation.pk).exists()


def delete_organisation(organisation: Organisation, *, actor: Actor) -> None:
    """Delete an organisation without applications, and tell its other members. What was recorded stays.

    Raises NotAnOwner, NoMember or HasApplications.
    """
    with transaction.atomic():
        owner_id = owner_decides(organisation, actor)
        if not can_be_deleted(organisation):
            raise HasApplications
        others = User.objects.filter(memberships__organisation=organisation, is_active=True).exclude(pk=owner_id)
        once = f"organisation:{organisation.pk}:deleted"
        notify("organisation_deleted", others, once=once, params={"organisation": organisation.name})
        record(Event.ORGANISATION_DELETED, organisation, actor=actor, organisation=organisation)
        try:
            with transaction.atomic():
                organisation.delete()
        except ProtectedError:  # somebody has just begun one
            raise HasApplications from None


def _current(membership: Membership) -> Membership:
    current = Membership.objects.select_related("organisation", "user").filter(pk=membership.pk).first()
    if current is None:
        raise NoMember
    return current


def _end(membership: Membership, event: Event, actor: Actor) -> str:
    """Delete a membership and record it; return the entry's id."""
    data = {"member": str(membership.user_id), "role": membership.role}
    entry = record(event, membership, actor=actor, organisation=membership.organisation, data=data)
    Membership.objects.filter(pk=membership.pk).delete()
    return str(entry.pk)


def _params(organisation: Organisation) -> dict[str, str]:
    return {"organisation": organisation.name, "organisation_id": str(organisation.pk)}
