"""What was sent to the car maker outside this portal, and since when an answer is waited for. Solo mode."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from onboarding.partners.actors import Actor
from onboarding.registrations import flows
from onboarding.registrations.models import Application, Dispatch, Registration, Submission
from onboarding.registrations.outside import Outside
from onboarding.registrations.states import State
from onboarding.worklist.targets import working_days_after

WAITING = (State.SUBMITTED, State.IN_REVIEW)
"""States of a registration in which an answer to its description is waited for."""


def send_description(registration: Registration, *, seen_version: int, outside: Outside, actor: Actor) -> Submission:
    """Note that the description was sent on, as the person saw it: it is submitted by that.

    Raises what `flows.submit` raises.
    """
    with transaction.atomic():
        submission = flows.submit(registration, actor=actor, seen_version=seen_version, outside=outside)
        Dispatch.objects.create(
            application_id=registration.application_id,
            submission=submission,
            sent_on=outside.on,
            reference=outside.reference,
            recorded_by_id=actor.user_id,
        )
    return submission


def waiting_descriptions() -> QuerySet[Dispatch]:
    """Return the dispatches of descriptions that are waited on; of each registration the latest."""
    return (
        Dispatch.objects.filter(submission__registration__state__in=WAITING)
        .select_related("application__organisation", "submission__registration__application")
        .order_by("submission__number")
    )


def of_descriptions(applications: Sequence[Application]) -> Mapping[UUID, Dispatch]:
    """Return the dispatch of each application's description that is waited on, by application."""
    waiting = waiting_descriptions().filter(application__in=applications)
    return {dispatch.application_id: dispatch for dispatch in waiting}  # the newest stays


def chase_days(sent_on: date) -> list[tuple[int, date]]:
    """Return when to ask how things stand, if nothing has come: after how many working days, and on which day."""
    return [(count, working_days_after(sent_on, count)) for count in sorted(settings.CHASE_AFTER_DAYS)]


def next_chase(sent_on: date, today: date) -> date | None:
    """Return the next day on which to ask; None if there is none any more."""
    return next((day for _count, day in chase_days(sent_on) if day > today), None)
