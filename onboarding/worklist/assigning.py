"""Who of the staff has it: taken, handed over, given back. One verb each, by compare-and-set."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import hold_chain, record
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import User
from onboarding.partners.people import staff
from onboarding.worklist.following import open_item
from onboarding.worklist.models import ROLES, Item


class MovedOn(Exception):
    """It was done, or somebody else took it, meanwhile. Nothing was changed. item: as it is now."""

    def __init__(self, item: Item) -> None:
        super().__init__(str(item.pk))
        self.item = item


class CannotHave(Exception):
    """The person lacks the role that the stage needs, or belongs to the organisation. Nothing was changed."""

    def __init__(self, item: Item, person: User) -> None:
        super().__init__(f"{person.pk} {item.pk}")
        self.item, self.person = item, person


class NotHeld(Exception):
    """Whoever decides has to have it: it is somebody else's, or nobody's. holder: whose, if anybody's."""

    def __init__(self, holder: User | None) -> None:
        super().__init__(str(holder.pk if holder else ""))
        self.holder = holder


def candidates(item: Item) -> QuerySet[User]:
    """Return those who can have it: active staff with the stage's role who do not belong to the organisation."""
    return staff(ROLES[item.stage]).exclude(memberships__organisation=item.organisation_id)


def assign(item: Item, person: User, *, actor: Actor) -> None:
    """Give it to somebody, who is mailed unless it is they who act. Raises MovedOn or CannotHave."""
    if actor.kind == ActorKind.STAFF and not candidates(item).filter(pk=person.pk).exists():
        raise CannotHave(item, person)
    if item.assignee_id == person.pk:
        return
    with transaction.atomic():
        _write(item, Event.WORK_ASSIGNED, actor, assignee=person, assigned_at=timezone.now())
        if person.pk != actor.user_id:
            notify(
                "work_assigned",
                [person],
                once=f"work:{item.pk}:{person.pk}:{item.assigned_at:%Y%m%dT%H%M%S%f}",
                params={
                    "stage": item.stage,
                    "title": item.title or item.reference,
                    "reference": item.reference,
                    "organisation": item.organisation.name,
                    "item_id": str(item.pk),
                },
            )


def release(item: Item, *, actor: Actor) -> None:
    """Give it back to the queue. Raises MovedOn."""
    if item.assignee_id is not None:
        _write(item, Event.WORK_RELEASED, actor, assignee=None, assigned_at=None)


def require_holder(row: models.Model, actor: Actor) -> None:
    """Let staff decide on a row only if they have it. Raises NotHeld; what waits no more is judged by its lifecycle."""
    if actor.kind != ActorKind.STAFF:
        return
    item = open_item(row)
    if item is not None and item.assignee_id != actor.user_id:
        raise NotHeld(item.assignee)


def open_items(ids: Iterable[UUID]) -> QuerySet[Item]:
    """Return those that wait, of those named."""
    return Item.objects.filter(pk__in=list(ids), closed_at=None).select_related("organisation", "assignee")


def _write(item: Item, event: Event, actor: Actor, **changes: Any) -> None:
    unchanged = Item.objects.filter(pk=item.pk, closed_at=None, assignee=item.assignee_id)
    before = item.assignee_id
    with transaction.atomic():
        hold_chain(item.organisation)  # before the card, as those do who decide on it
        written = unchanged.update(**changes)
        item.refresh_from_db()
        if not written:
            raise MovedOn(item)
        record(
            event,
            item,
            actor=actor,
            organisation=item.organisation,
            application_id=item.application_id,
            data={"stage": item.stage, "from": str(before or ""), "to": str(item.assignee_id or "")},
        )
