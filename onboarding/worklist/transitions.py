"""Changing a state: look the event up, write by compare-and-set, record, and tell the worklist.

One transaction, one way to do it.
"""

from typing import Any, TypeVar

from django.db import models, transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.lifecycle import IllegalTransition, Lifecycle
from onboarding.partners.actors import Actor
from onboarding.partners.people import require_impartial
from onboarding.worklist.following import follow

Row = TypeVar("Row", bound=models.Model)


def advance(
    row: Row,
    lifecycle: Lifecycle,
    event: str,
    *,
    actor: Actor,
    data: dict[str, Any] | None = None,
    **changes: Any,
) -> Row:
    """Carry `event` out on `row`, writing `changes` with the new state, and record it. Returns the row, refreshed.

    row: has `state`, `state_since`, `organisation` and `application_id`; `card()` says what of it waits for staff.
    Compare-and-set on the state the row was loaded with, so that of two people who decide at once one wins.
    Raises IllegalTransition (and changes nothing) if the table has no such transition, or if the row moved on, and
    OwnOrganisation if staff would decide on an organisation of their own.
    """
    stateful: Any = row
    require_impartial(actor, stateful.organisation)
    state = stateful.state
    target = lifecycle.target(state, event)
    with transaction.atomic():
        written = (
            type(row)
            ._default_manager.filter(pk=row.pk, state=state)
            .update(state=target, state_since=timezone.now(), **changes)
        )
        row.refresh_from_db()
        if not written:
            raise IllegalTransition(lifecycle.name, stateful.state, event)
        happened = Event(f"{lifecycle.name}:{event}")
        record(
            happened,
            row,
            actor=actor,
            organisation=stateful.organisation,
            application_id=stateful.application_id,
            data={"from": state, "to": target, **(data or {})},
        )
        follow(row, stateful.card(), happened)
    return row
