"""What partner and reviewers say to one another about a request, beside its states and without changing any.

It begins with the first submission, since a draft has no reviewers, and is open until the description is erased: who
was declined may ask why, and be answered. What is open, new or unanswered is derived from the rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor
from onboarding.partners.models import StaffRole, User
from onboarding.partners.people import builders, staff
from onboarding.registrations.models import Application, Message, Reading, Registration, Side, mail_params
from onboarding.worklist.following import last_holder

MAX_LENGTH = 4000
QUIET = timedelta(minutes=2)
"""How long a message may be read before anybody is written to: who talks to and fro on the page gets no mails."""

BATCH = 500
KINDS: Mapping[Side, str] = {Side.PARTNER: "message_to_partner", Side.STAFF: "message_to_desk"}
"""The kind of the mail to each side."""

UNREAD = models.Q(read_at=None)
ASKED = models.Q(asks=True, answered_at=None)
"""What waits, within a query of messages."""


class NotOpen(Exception):
    """Nobody reads it: nothing was submitted yet, or what was submitted is erased. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation in short, as one side sees it. total: messages of both. new: theirs that the reader has not read.

    asked_since: since when an answer is waited for.
    """

    total: int = 0
    new: int = 0
    asked_since: datetime | None = None


NO_TALK = Talk()


def is_open(registration: Registration) -> bool:
    """Whether something can be written."""
    return settings.PORTAL_MODE == "hub" and registration.erased_at is None and registration.submissions.exists()


def write(
    registration: Registration, *, side: Side, text: str, asks: bool, key: UUID, seen: UUID | None, actor: Actor
) -> Message:
    """Write a message to the other side; what they had asked until then is answered by it.

    key: of the form it was sent with. The same text under the same key is one message, however often it is sent.
    seen: the last message that the writer was shown; what came later is not answered. Raises NotOpen.
    """
    id_ = uuid5(key, f"{registration.pk}:{actor.user_id}:{text}")
    with _one_at_a_time(registration):
        if (there := registration.messages.filter(pk=id_).first()) is not None:
            return there
        message = Message.objects.create(
            id=id_,
            registration=registration,
            side=side,
            author_id=actor.user_id,
            text=text,
            asks=asks,
            written_at=timezone.now(),
        )
        _answer(registration, side, seen)
        _record(Event.MESSAGE_WRITTEN, message, actor, {"side": side, "asks": asks})
    return message


def settle(registration: Registration, *, side: Side, seen: UUID | None, actor: Actor) -> bool:
    """Say that what the other side has asked needs no answer; False if nothing was open. seen: as in `write`."""
    with _one_at_a_time(registration):
        asked = _answer(registration, side, seen)
        if asked is not None:
            _record(Event.MESSAGES_SETTLED, asked, actor, {"side": side})
    return asked is not None


def mark_read(registration: Registration, *, side: Side, reader: User, last: Message) -> None:
    """Note that somebody who may answer has read what was written until `last`, by whichever side."""
    if last.registration_id != registration.pk:
        raise ValueError("That message is of another conversation.")
    found = Reading.objects.filter(registration=registration, side=side, reader=reader)
    with transaction.atomic():
        if not found.filter(read_to__lt=last.written_at).update(read_to=last.written_at):
            Reading.objects.get_or_create(
                registration=registration, side=side, reader=reader, defaults={"read_to": last.written_at}
            )
        registration.messages.filter(side=side.other, read_at=None, written_at__lte=last.written_at).update(
            read_at=timezone.now()
        )


def talks(applications: Iterable[Application], *, side: Side, reader: User | None = None) -> Mapping[UUID, Talk]:
    """Return the conversations of applications by their ids, in one query. Without a reader nothing is new."""
    theirs = models.Q(side=side.other)
    unread = theirs & models.Q(~models.Exists(_reading(side, reader))) if reader is not None else models.Q(pk__in=[])
    rows = (
        Message.objects.filter(registration__application__in=applications)
        .order_by()
        .values_list("registration__application")
        .annotate(
            total=models.Count("pk"),
            new=models.Count("pk", filter=unread),
            asked_since=models.Min("written_at", filter=theirs & ASKED),
        )
    )
    return {application_id: Talk(total, new, asked_since) for application_id, total, new, asked_since in rows}


def talk(registration: Registration, *, side: Side, reader: User | None = None) -> Talk:
    """Return one conversation in short."""
    return talks([registration.application], side=side, reader=reader).get(registration.application_id, NO_TALK)


def at_the_desk(registrations: models.QuerySet[Registration]) -> models.QuerySet[Registration]:
    """Add to requests, as staff see them, `asked_since`: since when the partner waits for an answer, and `is_unread`:
    whether the partner wrote something that nobody at the desk has read who could answer.
    """
    written = Message.objects.filter(registration=models.OuterRef("pk"), side=Side.PARTNER)
    return registrations.annotate(
        asked_since=models.Subquery(written.filter(ASKED).order_by("written_at").values("written_at")[:1]),
        is_unread=models.Exists(written.filter(UNREAD)),
    )


def to_answer(registrations: models.QuerySet[Registration]) -> models.QuerySet[Registration]:
    """Return the requests in which staff have something to read or to answer, the longest waiting first."""
    waiting = Message.objects.filter(UNREAD | ASKED, side=Side.PARTNER).values("registration")
    found = at_the_desk(registrations.filter(pk__in=waiting))
    return found.order_by(models.F("asked_since").asc(nulls_last=True), "pk")


def tell_unread() -> int:
    """Write to those who have not read what was written QUIET ago, once until they have; return of how many messages.

    To partners who work on the application; to the assigned reviewer, or to all of them while nobody is assigned.
    """
    due = list(
        Message.objects.filter(told_at=None, written_at__lte=timezone.now() - QUIET)
        .select_related("registration__application__organisation")
        .order_by("registration", "side", "written_at")[:BATCH]
    )
    for (_registration, side), group in groupby(due, key=lambda one: (one.registration_id, one.side)):
        _tell(list(group), Side(side).other)
    return len(due)


def _tell(written: list[Message], side: Side) -> None:
    registration = written[0].registration
    people = list(_readers(registration, side))
    with transaction.atomic():
        read_to = dict(
            Reading.objects.filter(registration=registration, side=side, reader__in=people).values_list(
                "reader", "read_to"
            )
        )
        for person in people:
            last = read_to.get(person.pk)
            unread = [one for one in written if last is None or one.written_at > last]
            if unread:
                once = f"messages:{side}:{registration.pk}:{f'{last:%Y%m%dT%H%M%S%f}' if last else 'first'}"
                asks = any(one.asks for one in unread)
                notify(KINDS[side], [person], once=once, params=mail_params(registration) | {"asks": asks})
        Message.objects.filter(pk__in=[one.pk for one in written]).update(told_at=timezone.now())


def _readers(registration: Registration, side: Side) -> Iterable[User]:
    if side is Side.PARTNER:
        return builders(registration.organisation)
    reviewers = staff(StaffRole.Role.REVIEWER)
    holder = last_holder(registration)
    return [one for one in reviewers if one == holder] or reviewers


def _reading(side: Side, reader: User) -> models.QuerySet[Reading]:
    """Return, within a query of messages, how far somebody has read if that is as far as each message."""
    return Reading.objects.filter(
        registration=models.OuterRef("registration"),
        side=side,
        reader=reader,
        read_to__gte=models.OuterRef("written_at"),
    )


def _answer(registration: Registration, side: Side, seen: UUID | None) -> Message | None:
    """Mark as answered what the other side had asked until `seen`; return the latest of it."""
    until = registration.messages.filter(pk=seen).values_list("written_at", flat=True).first() if seen else None
    if until is None:
        return None
    asked = registration.messages.filter(ASKED, side=side.other, written_at__lte=until)
    latest = asked.last()
    asked.update(answered_at=timezone.now())
    return latest


@contextmanager
def _one_at_a_time(registration: Registration) -> Iterator[None]:
    """Hold the registration, so that times are in their order, and nothing outlives an erasure. Raises NotOpen."""
    with transaction.atomic():
        if not is_open(Registration.objects.select_for_update().get(pk=registration.pk)):
            raise NotOpen
        yield


def _record(event: Event, message: Message, actor: Actor, data: Mapping[str, Any]) -> None:
    registration = message.registration
    record(
        event,
        message,
        actor=actor,
        organisation=registration.organisation,
        application_id=registration.application_id,
        data=dict(data),
    )
