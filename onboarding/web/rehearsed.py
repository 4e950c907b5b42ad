"""A rehearsal as its API and its page show it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from onboarding.activation import rehearsing, retention, worlds
from onboarding.activation.models import Rehearsal
from onboarding.mobile import situations
from onboarding.mobile.rehearsal import Rehearsal as World
from onboarding.mobile.sdk import Step

RECENT = 40


def instant(moment: Any) -> str | None:
    """Return an instant as RFC 3339 has it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def last_success(rehearsal: Rehearsal) -> Mapping[str, str]:
    """Return each phone's latest call by its id, if that succeeded; empty if it did not, or was long ago."""
    latest: dict[str, str] = {}
    for one in rehearsal.log.order_by("-number")[:RECENT]:
        latest.setdefault(one.asked["device"], "" if one.code else one.operation)
    return latest


def state(rehearsal: Rehearsal) -> dict[str, Any]:
    """Return all that is true in a rehearsal, as plain values: what the API's openapi.json calls State.

    Raises Unreadable.
    """
    world = worlds.load(rehearsal.world)
    latest = last_success(rehearsal)
    carkey = world.state.carkeys.get(world.vin[-4:])
    return {
        "id": str(rehearsal.pk),
        "name": rehearsal.name,
        "sdk": rehearsal.version,
        "now": instant(rehearsing.clock(rehearsal)),
        "ahead_seconds": rehearsal.ahead,
        "calls": rehearsal.calls,
        "calls_left": max(rehearsing.MAX_CALLS - rehearsal.calls, 0),
        "kept_until": instant(retention.kept_until(rehearsal)),
        "next_error": world.forced or None,
        "account": {
            "car_association_id": world.association,
            "vin": world.vin,
            "trusted_phone": world.number or None,
            "pin_set": bool(world.pin),
            "blocked": bool(world.state.blocked),
            "carkey": (carkey and carkey.status) or "unknown",
            "max_reactivation_date": (carkey and carkey.until) or None,
        },
        "core": asdict(world.core),
        "phones": [_phone(world, name, latest.get(name, "")) for name in world.phones],
        "inbox": [asdict(sms) for sms in world.inbox],
    }


def _phone(world: World, name: str, last: str) -> dict[str, Any]:
    known = world.state.device(name)
    upcoming = situations.upcoming(world, name, last)
    call = situations.call(world, name, upcoming.id) if upcoming else None
    return {
        "name": name,
        "switches": asdict(world.phone(name)),
        "activated": bool(known.activated),
        "steps_id": known.listing or None,
        "steps": [{"name": str(step), "status": _status(world, name, step)} for step in Step],
        "next_call": call
        and {"device": name, "method": call.method, "api": call.api, "parameters": dict(call.parameters)},
    }


def _status(world: World, name: str, step: Step) -> str | None:
    """Return what the phone has been told of a step."""
    status = world.state.status(name, step)
    return str(status) if status else None
