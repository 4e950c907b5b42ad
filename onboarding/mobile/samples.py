"""Two traces to try the trace check with: an app that does as the documents say, and one that does not.

Both come of the rehearsal, so that calls and messages belong together.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from onboarding.mobile import rehearsal, sdk
from onboarding.mobile.machine import Call
from onboarding.mobile.rehearsal import Rehearsal
from onboarding.mobile.traces import record

Step = tuple[str, str, dict[str, Any]]
"""A phone, the id of a call, and its parameters; CODE and LIST stand for what the phone was told before."""

CODE, LIST = "the code of the latest SMS", "the stepsID of the latest list"
_LISTING = {"resetSteps": False, "stepsStatus": "all"}
_FIRST: Step = ("phone-1", "steps_first", {"carAssociationID": "987654", **_LISTING})
_NUMBER, _PIN, _VIN = "0612345678", "1234", "VR1AB12C3D4567890"


def _next(device: str) -> Step:
    return device, "next_step", {"stepsID": LIST}


_PHONE: tuple[Step, ...] = (
    ("phone-1", "sms_for_phone", {"type": "phoneNumberCertification", "phoneNumber": _NUMBER}),
    ("phone-1", "add_phone", {"type": "addPhoneNumber", "smsCode": CODE, "phoneNumber": _NUMBER}),
)
_RIGHT: tuple[Step, ...] = (
    _FIRST,
    _next("phone-1"),
    *_PHONE,
    _next("phone-1"),
    ("phone-1", "is_device_activated", {"actionType": "strong", "type": "isDeviceActivated"}),
    ("phone-1", "sms_for_enrolment", {"type": "enrollment"}),
    ("phone-1", "check_sms", {"action": "enrollment", "smsCode": CODE}),
    ("phone-1", "enrol", {"action": "enroll", "pinCode": _PIN}),
    _next("phone-1"),
    ("phone-1", "select_vehicle", {"vin": _VIN}),
    ("phone-1", "carkey_status", {}),
    ("phone-1", "activate_carkey", {}),
    _next("phone-1"),
)
_WRONG: tuple[Step, ...] = (
    _FIRST,
    *_PHONE,
    ("phone-1", "activate_carkey", {}),
    ("phone-2", "steps_again", {"stepsID": LIST, **_LISTING}),
    ("phone-2", "otp_with_pin", {"action": "withPIN", "pinCode": _PIN}),
    _next("phone-2"),
)


def right(begin: datetime) -> bytes:
    """Return the trace of an app that does everything as the documents say. begin: an aware datetime."""
    return _trace(_RIGHT, begin)


def wrong(begin: datetime) -> bytes:
    """Return the trace of an app that hurries: steps out of order, a stepsID handed on, an error not handled."""
    return _trace(_WRONG, begin)


def _trace(steps: Sequence[Step], begin: datetime) -> bytes:
    world = rehearsal.begin()
    lines: list[dict[str, Any]] = [{"trace": 1, "sdk": world.version, "platform": "kotlin"}]
    steps_id = ""
    for number, (device, id_, given) in enumerate(steps, 1):
        operation = sdk.BY_ID[id_]
        parameters = {name: _told(value, world, steps_id) for name, value in given.items()}
        call = Call.of(device, str(operation.method), operation.api, parameters)
        at = begin + timedelta(seconds=5 * number)
        world, message = rehearsal.step(world, call, at)
        result = message.get("result")
        if isinstance(result, dict) and "stepsID" in result:
            steps_id = str(result["stepsID"])
        lines += record(call, message, at, number)
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _told(value: Any, world: Rehearsal, steps_id: str) -> Any:
    if value == CODE:
        return world.inbox[-1].code
    return steps_id if value == LIST else value
