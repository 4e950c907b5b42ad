"""Rehearsals of the mobile SDK: begun, called in, put into situations, reset, ended.

Each change reads the row, decides, and writes by compare-and-set on its revision; whoever comes second begins again
from what the first has left. So calls that come at once are made one after another, and none is lost.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from onboarding.activation import worlds
from onboarding.activation.models import Rehearsal, RehearsedCall
from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.mobile import rehearsal as pure
from onboarding.mobile import situations, traces
from onboarding.mobile.errors import BY_NUMBER
from onboarding.mobile.machine import Call, CarKey
from onboarding.mobile.masking import cleaned
from onboarding.mobile.rehearsal import Core, Phone
from onboarding.mobile.rehearsal import Rehearsal as World
from onboarding.mobile.sdk import CarKeyStatus
from onboarding.mobile.situations import Situation
from onboarding.partners.actors import Actor
from onboarding.partners.models import User
from onboarding.registrations.models import Application

MOST = 5
"""So many rehearsals an application has at a time."""
MAX_CALLS = 300
"""So many calls are kept; then the rehearsal wants a reset, so that its trace is always whole."""
MAX_AHEAD = 10 * 366 * 24 * 3600
"""Seconds; so far can the clock of a rehearsal be put ahead."""
ATTEMPTS = 8
FIRST_PHONE = "phone-1"
TOKEN_BYTES = 32


class TooManyRehearsals(Exception):
    """The application has as many rehearsals as it can have."""


class LogFull(Exception):
    """As many calls were made as a rehearsal keeps."""


class TooFarAhead(Exception):
    """The clock of a rehearsal can be put ahead by no more."""


class UnknownSwitch(Exception):
    """There is no such switch. The argument is its name."""


class UnknownNumber(Exception):
    """No error of the SDK has this number."""


class UnknownPhone(Exception):
    """There is no such phone in the rehearsal."""


class Busy(Exception):
    """Others change the rehearsal all the time; try again."""


class Gone(Exception):
    """The rehearsal was ended, or nobody used it for too long."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made. message: what the SDK hands to the app, whole; kept: its row, with secrets masked."""

    message: Mapping[str, Any]
    kept: RehearsedCall


def begin(
    application: Application, *, name: str, version: str, by: User, actor: Actor, id_: UUID | None = None
) -> Rehearsal:
    """Begin a rehearsal with one phone; one with the same id is the one that was begun. Raises TooManyRehearsals."""
    id_ = id_ or uuid4()
    with transaction.atomic():
        Application.objects.select_for_update().get(pk=application.pk)
        there = Rehearsal.objects.filter(application=application)
        if found := there.filter(pk=id_).first():
            return found
        if there.count() >= MOST:
            raise TooManyRehearsals
        begun = Rehearsal.objects.create(
            pk=id_,
            application=application,
            created_by=by,
            name=name,
            version=version,
            world=worlds.dump(_fresh(version)),
            used_at=timezone.now(),
        )
        _record(Event.SDK_REHEARSAL_BEGUN, begun, actor)
    return begun


def _fresh(version: str) -> World:
    return pure.begin(version, seed=secrets.randbelow(10**6)).switch(FIRST_PHONE)


def _record(event: Event, rehearsal: Rehearsal, actor: Actor) -> None:
    application = rehearsal.application
    record(event, rehearsal, actor=actor, organisation=application.organisation, application_id=application.pk)


def end(rehearsal: Rehearsal, *, actor: Actor) -> None:
    """Delete a rehearsal with all that was done in it. A second click finds nothing."""
    with transaction.atomic():
        if Rehearsal.objects.filter(pk=rehearsal.pk).exists():
            _record(Event.SDK_REHEARSAL_ENDED, rehearsal, actor)
            Rehearsal.objects.filter(pk=rehearsal.pk).delete()


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def make_token(rehearsal: Rehearsal, *, actor: Actor) -> str:
    """Return a new token for the rehearsal's API, in place of any earlier one. It is kept as a hash alone."""
    token = f"sdk_{secrets.token_urlsafe(TOKEN_BYTES)}"
    with transaction.atomic():
        now = timezone.now()
        Rehearsal.objects.filter(pk=rehearsal.pk).update(token_sha256=_hashed(token), token_made_at=now, used_at=now)
        _record(Event.SDK_REHEARSAL_TOKEN, rehearsal, actor)
    rehearsal.refresh_from_db()
    return token


def by_token(token: str) -> Rehearsal | None:
    """Return whose token it is. It is looked up by its hash, so how long that takes tells nothing about a token."""
    found = Rehearsal.objects.filter(token_sha256=_hashed(token)).select_related("application__organisation")
    return found.first() if token else None


def clock(rehearsal: Rehearsal) -> datetime:
    """Return what time it is in a rehearsal."""
    return timezone.now() + timedelta(seconds=rehearsal.ahead)


@dataclass(slots=True)
class _Change:
    """What a change makes of a row: the world; how far the clock is ahead; a call to keep, by its number."""

    world: World
    ahead: int
    kept: RehearsedCall | None = None


def _change(rehearsal: Rehearsal, decide: Callable[[World, Rehearsal, datetime], _Change]) -> Rehearsal:
    """Change a rehearsal; return it as it is then. Raises what `decide` raises; Busy, Gone, Unreadable, TooLarge."""
    for _attempt in range(ATTEMPTS):
        row = Rehearsal.objects.select_related("application__organisation").filter(pk=rehearsal.pk).first()
        if row is None:
            raise Gone
        change = decide(worlds.load(row.world), row, clock(row))
        kept = change.kept
        with transaction.atomic():
            values = {
                "world": worlds.dump(change.world),
                "ahead": change.ahead,
                "calls": kept.number if kept else row.calls,
                "revision": row.revision + 1,
                "used_at": timezone.now(),
            }
            if not Rehearsal.objects.filter(pk=row.pk, revision=row.revision).update(**values):
                continue
            if kept is not None:
                kept.save(force_insert=True)
        for name, value in values.items():
            setattr(row, name, value)
        return row
    raise Busy


def call(
    rehearsal: Rehearsal, device: str, method: str, api: str, parameters: Mapping[str, Any]
) -> tuple[Rehearsal, Made]:
    """Make a call on a phone, which is added if it is new, and keep it. Raises LogFull, TooMany, and as `_change`."""
    asked = Call.of(device, method, api, parameters)
    made: list[Made] = []

    def decide(world: World, row: Rehearsal, now: datetime) -> _Change:
        if row.calls >= MAX_CALLS:
            raise LogFull
        world, message = pure.step(_with_phone(world, device), asked, now)
        _line, answered = traces.record(asked, message, now, row.calls + 1)
        common = {name: value for name, value in answered.items() if name != "message"}
        # As the app wrote it, so that what it misspelt is found, too.
        written = cleaned({**common, "call": method, "api": api, "parameters": dict(parameters)})
        operation = asked.operation.id if asked.operation else ""
        kept = RehearsedCall(rehearsal=row, number=row.calls + 1, operation=operation, asked=written, answered=answered)
        made[:] = [Made(message, kept)]
        return _Change(world, row.ahead, kept)

    return _change(rehearsal, decide), made[0]


def _with_phone(world: World, device: str) -> World:
    return world if device in world.phones else world.switch(device)


def add_phone(rehearsal: Rehearsal, device: str) -> Rehearsal:
    """Add a phone; one that is there stays as it is. Raises TooMany, and as `_change`."""
    return _change(rehearsal, lambda world, row, _now: _Change(_with_phone(world, device), row.ahead))


PHONE_SWITCHES = tuple(Phone.__dataclass_fields__)
CORE_SWITCHES = tuple(Core.__dataclass_fields__)


def switch(
    rehearsal: Rehearsal,
    *,
    phones: Mapping[str, Mapping[str, bool]] | None = None,
    core: Mapping[str, bool] | None = None,
    blocked: bool | None = None,
    carkey: CarKeyStatus | None = None,
) -> Rehearsal:
    """Set switches, all of them or none. Raises UnknownSwitch, TooMany, and as `_change`.

    phones: by the phone's name; a phone that is new is added. blocked: whether the account is. carkey: the status of
    the account's CarKey; suspended, it has to be reactivated within seven days of the rehearsal's clock.
    """
    for name in [name for switches in (phones or {}).values() for name in switches if name not in PHONE_SWITCHES]:
        raise UnknownSwitch(name)
    for name in [name for name in core or {} if name not in CORE_SWITCHES]:
        raise UnknownSwitch(name)

    def decide(world: World, row: Rehearsal, now: datetime) -> _Change:
        for device, switches in (phones or {}).items():
            world = world.switch(device, **switches)
        world = replace(world, core=replace(world.core, **(core or {})))
        if blocked is not None:
            world = replace(world, state=replace(world.state, blocked=blocked), wrong_pins=0)
        if carkey is not None:
            world = _with_carkey(world, carkey, now)
        return _Change(world, row.ahead)

    return _change(rehearsal, decide)


def _with_carkey(world: World, status: CarKeyStatus, now: datetime) -> World:
    vehicle = world.vin[-4:]
    until = now + timedelta(days=situations.SUSPENDED_DAYS)
    key = CarKey(
        str(status),
        world.state.carkeys.get(vehicle, CarKey()).checked,
        until.isoformat() if status == CarKeyStatus.SUSPENDED else "",
    )
    return replace(world, state=replace(world.state, carkeys={**world.state.carkeys, vehicle: key}))


def force(rehearsal: Rehearsal, number: int) -> Rehearsal:
    """Let the next call, of whichever phone, end with an error; 0: with none. Raises UnknownNumber; as `_change`."""
    if number and number not in BY_NUMBER:
        raise UnknownNumber
    return _change(rehearsal, lambda world, row, _now: _Change(replace(world, forced=number), row.ahead))


def provoke(rehearsal: Rehearsal, situation: Situation, device: str) -> tuple[Rehearsal, tuple[Call, ...]]:
    """Put a rehearsal into a situation; return it, and the calls that meet it.

    Raises NotYet where something has to be done before, TooMany, TooFarAhead, and as `_change`.
    """

    def decide(world: World, row: Rehearsal, now: datetime) -> _Change:
        return _Change(situations.arrange(world, situation, device, now), _ahead(row, situation.seconds))

    changed = _change(rehearsal, decide)
    return changed, situation.calls(worlds.load(changed.world), device)


def _ahead(row: Rehearsal, seconds: int) -> int:
    if row.ahead + seconds > MAX_AHEAD:
        raise TooFarAhead
    return row.ahead + seconds


def wait(rehearsal: Rehearsal, seconds: int) -> Rehearsal:
    """Let time pass in a rehearsal. Raises TooFarAhead, and as `_change`."""
    return _change(rehearsal, lambda world, row, _now: _Change(world, _ahead(row, seconds)))


def put_right(rehearsal: Rehearsal, device: str) -> Rehearsal:
    """Put right what is wrong on a phone and in the core. Raises UnknownPhone, and as `_change`."""

    def decide(world: World, row: Rehearsal, _now: datetime) -> _Change:
        if device not in world.phones:
            raise UnknownPhone
        return _Change(situations.put_right(world, device), row.ahead)

    return _change(rehearsal, decide)


def reset(rehearsal: Rehearsal) -> Rehearsal:
    """Begin again: one phone, an account on which nothing was done, no calls, the clock right. Raises Gone."""
    fresh = worlds.dump(_fresh(rehearsal.version))
    with transaction.atomic():
        row = Rehearsal.objects.select_for_update().filter(pk=rehearsal.pk).first()
        if row is None:
            raise Gone
        row.log.all().delete()
        row.world, row.ahead, row.calls, row.used_at = fresh, 0, 0, timezone.now()
        row.revision += 1
        row.save(update_fields=["world", "ahead", "calls", "used_at", "revision"])
    return row


def trace(rehearsal: Rehearsal) -> Iterator[dict[str, Any]]:
    """Yield the lines of a rehearsal's trace, as plain values; see docs/SDK_TRACES.md."""
    yield {"trace": 1, "sdk": rehearsal.version}
    for one in rehearsal.log.all():
        yield one.asked
        yield one.answered
