"""Every known way to break a walk: one for each rule. A break changes a good trace, and says on which line it shows."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import count
from random import Random
from typing import Any

from onboarding.mobile.machine import Call

Lines = list[dict[str, Any]]
Broken = tuple[Lines, int] | None
"""The broken lines, and the number of the line that breaks the rule; None where the walk has nothing to break so."""

_numbers = count(1)


class Cut(Exception):
    """This walk has no place for this break."""


class Tape:
    """A trace to cut and splice. Each call is followed at once by its message."""

    def __init__(self, lines: Lines, random: Random) -> None:
        self.lines = deepcopy(lines)
        self.random = random

    def calls(self, operation: str, failed: bool = False) -> list[int]:
        """Return where calls of an operation are."""
        found = []
        for index, line in enumerate(self.lines[:-1]):
            if "call" in line:
                call = Call.of(line["device"], line["call"], line["api"], line["parameters"]).operation
                message = self.lines[index + 1]["message"]
                if call and call.id == operation and (message["status"] == "FAILED") == failed:
                    found.append(index)
        return found

    def one(self, *operations: str) -> int:
        """Return where one of them is, by chance."""
        places = [place for operation in operations for place in self.calls(operation)]
        if not places:
            raise Cut
        return self.random.choice(places)

    def insert(
        self, at: int, device: str, method: str, api: str, parameters: Any, code: int = 0, result: Any = None
    ) -> int:
        """Splice a call and its message in; return where what comes behind it is."""
        number = f"spliced-{next(_numbers)}"
        common = {"at": self.lines[max(at - 1, 1)]["at"], "device": device, "id": number}
        message = {"transactionId": number, "status": "SUCCEEDED", "result": result}
        if code:
            message = {"transactionId": number, "status": "FAILED", "error": {"code": code, "label": "x"}}
        self.lines[at:at] = [
            {**common, "call": method, "api": api, "parameters": parameters},
            {**common, "message": message},
        ]
        return at + 2

    def fails_first(self, at: int, code: int) -> int:
        """Have the call at a place fail with a code, then be made again as it is."""
        line = self.lines[at]
        return self.insert(at, line["device"], line["call"], line["api"], line["parameters"], code)

    def drop(self, operation: str, device: str = "") -> None:
        """Take all calls of an operation out, with their messages."""
        for index in reversed(self.calls(operation) + self.calls(operation, failed=True)):
            if not device or self.lines[index]["device"] == device:
                del self.lines[index : index + 2]

    def told(self, code: str) -> None:
        self.lines[0] = {**self.lines[0], "sdk": code}


def _changed(tape: Tape, operations: tuple[str, ...], name: str, value: Any) -> int:
    at = tape.one(*operations)
    tape.lines[at]["parameters"][name] = value
    return at


def api_misspelt(tape: Tape) -> int:
    at = tape.one("carkey_status", "next_step", "steps_first")
    tape.lines[at]["api"] += " "
    return at


def parameter_misspelt(tape: Tape) -> int:
    at = tape.one("steps_first", "steps_again")
    parameters = tape.lines[at]["parameters"]
    parameters["stepStatus"] = parameters.pop("stepsStatus")
    return at


def parameter_missing(tape: Tape) -> int:
    at = tape.one("steps_first", "steps_again")
    del tape.lines[at]["parameters"]["resetSteps"]
    return at


def parameter_type(tape: Tape) -> int:
    return _changed(tape, ("steps_first",), "resetSteps", "false")


def vin_length(tape: Tape) -> int:
    at = tape.one("select_vehicle", "carkey_status")
    if "vin" not in tape.lines[at]["parameters"]:
        raise Cut
    tape.lines[at]["parameters"]["vin"] += "0"
    return at


def version_too_old(tape: Tape) -> int:
    at = tape.one("select_vehicle")
    tape.told("2.0")
    return at


def parameter_gone(tape: Tape) -> int:
    tape.told("2.3")
    return _changed(tape, ("carkey_status",), "vin", "VR1AB12C3D4567890")


def first_by_association(tape: Tape) -> int:
    at = tape.one("next_step")
    device = tape.lines[at]["device"]
    tape.drop("steps_first", device)
    return next(index for index in tape.calls("next_step") if tape.lines[index]["device"] == device)


def steps_id_shared(tape: Tape) -> int:
    at = tape.one("next_step")
    others = [
        tape.lines[index + 1]["message"]["result"]["stepsID"]
        for index in tape.calls("steps_first")
        if tape.lines[index]["device"] != tape.lines[at]["device"] and index < at
    ]
    if not others:
        raise Cut
    tape.lines[at]["parameters"]["stepsID"] = str(others[0])
    return at


def steps_id_unknown(tape: Tape) -> int:
    return _changed(tape, ("next_step",), "stepsID", "1")


def out_of_order(tape: Tape) -> int:
    for index in tape.calls("steps_first"):
        result = tape.lines[index + 1]["message"]["result"]
        if result["deviceActivation"]["status"] == "todo":
            tape.insert(index + 2, tape.lines[index]["device"], "set", "pims.vehicle.carkey", {})
            return index + 2
    raise Cut


def done_already(tape: Tape) -> int:
    at = tape.one("add_phone")
    tape.lines[at + 2 : at + 2] = deepcopy(tape.lines[at : at + 2])
    return at + 2


def short_way_closed(tape: Tape) -> int:
    at = tape.one("add_phone")
    parameters = {"action": "enrollWithPhoneNumber", "pinCode": "1", "smsCode": "1", "phoneNumber": "1"}
    tape.insert(at + 2, tape.lines[at]["device"], "set", "pims.authentication.enrollment", parameters)
    return at + 2


def code_not_asked_for(tape: Tape) -> int:
    at = tape.one("check_sms")
    device = tape.lines[at]["device"]
    tape.drop("sms_for_enrolment", device)
    return next(index for index in tape.calls("check_sms") if tape.lines[index]["device"] == device)


def account_is_blocked(tape: Tape) -> int:
    at = tape.one("check_sms", "enrol", "sms_for_enrolment")
    asked = {"actionType": "strong", "type": "isAccountBlocked"}
    result = {"isAccountBlocked": "PINBlocked"}
    return tape.insert(at, tape.lines[at]["device"], "get", "pims.authentication.account", asked, result=result)


def _otp(tape: Tape, at: int, device: str, code: int) -> int:
    parameters = {"action": "withPIN", "pinCode": "1"}
    return tape.insert(at, device, "get", "pims.authentication.otp", parameters, code)


def reset_missing(tape: Tape) -> int:
    at = tape.one("next_step")
    return _otp(tape, at, tape.lines[at]["device"], tape.random.choice((2312, 2317)))


def otp_again_and_again(tape: Tape) -> int:
    at = tape.one("next_step")
    device, steps_id = tape.lines[at]["device"], tape.lines[at]["parameters"]["stepsID"]
    asked = {"stepsID": steps_id, "resetSteps": True, "stepsStatus": "all"}
    for _ in range(2):
        at = _otp(tape, at, device, 2312)
        at = tape.insert(at, device, "get", "pims.subscription.steps", asked, result={"stepsID": steps_id})
    _otp(tape, at, device, 0)
    return at


def removal_missing(tape: Tape) -> int:
    at = tape.one("check_sms", "enrol")
    parameters = {"action": "enroll", "pinCode": "1"}
    return tape.insert(at, tape.lines[at]["device"], "set", "pims.authentication.enrollment", parameters, 2317)


def pin_missing(tape: Tape) -> int:
    return tape.fails_first(tape.one("carkey_status", "activate_carkey"), 2302)


def sign_in_missing(tape: Tape) -> int:
    return tape.fails_first(tape.one("steps_first", "next_step", "sms_for_phone"), 2301)


def phone_missing(tape: Tape) -> int:
    return tape.fails_first(tape.one("sms_for_enrolment"), 2307)


def new_code_missing(tape: Tape) -> int:
    return tape.fails_first(tape.one("check_sms", "add_phone"), 2306)


def listing_missing(tape: Tape) -> int:
    return tape.fails_first(tape.one("next_step"), 2346)


def repeated_unchanged(tape: Tape) -> int:
    return tape.fails_first(tape.one("steps_first", "next_step"), tape.random.choice((2101, 2102)))


def vehicle_not_selected(tape: Tape) -> int:
    if tape.lines[0]["sdk"] != "2.3":
        raise Cut
    at = tape.one("carkey_status")
    tape.drop("select_vehicle", tape.lines[at]["device"])
    return tape.calls("carkey_status")[0]


def carkey_not_checked(tape: Tape) -> int:
    tape.one("activate_carkey")
    tape.drop("carkey_status")
    return min(tape.calls("activate_carkey") + tape.calls("activate_carkey", failed=True))


def carkey_again(tape: Tape) -> int:
    at = tape.one("activate_carkey")
    tape.lines[at + 2 : at + 2] = deepcopy(tape.lines[at : at + 2])
    return at + 2


def carkey_too_late(tape: Tape) -> int:
    at = tape.one("activate_carkey")
    asked = [index for index in tape.calls("carkey_status") if index < at]
    for index in asked:
        result = {"isCarKeyVerified": "false", "cvsStatus": "suspended", "maxReactivationDate": "2029-12-31T00:00:00Z"}
        tape.lines[index + 1]["message"]["result"] = result
    return min(tape.calls("activate_carkey") + tape.calls("activate_carkey", failed=True))


def carkey_not_reactivated(tape: Tape) -> int:
    at = tape.one("carkey_status")
    last = tape.lines[-1]
    result = {"isCarKeyVerified": "false", "cvsStatus": "suspended", "maxReactivationDate": last["at"]}
    end = tape.insert(len(tape.lines), tape.lines[at]["device"], "get", "pims.vehicle.carkey", {}, result=result)
    later = {"device": last["device"], "call": "get", "api": "other", "at": "2031-01-01T00:00:00Z"}
    tape.lines.append(later)
    return end - 1


def error_not_handled(tape: Tape) -> int:
    at = len(tape.lines)
    device = tape.lines[-1]["device"]
    _otp(tape, at, device, 2312)
    asked = {"actionType": "strong", "type": "isAccountBlocked"}
    tape.insert(at + 2, device, "get", "pims.authentication.account", asked, result={"isAccountBlocked": False})
    return at + 1


def subscribed_twice(tape: Tape) -> int:
    device = tape.lines[-1]["device"]
    end = tape.insert(len(tape.lines), device, "subscribe", "pims.vehicle.signal", {})
    tape.insert(end, device, "subscribe", "pims.vehicle.signal", {}, 2005)
    return end


BREAKS: Mapping[str, Callable[[Tape], int]] = {
    function.__name__: function
    for function in (
        *(api_misspelt, parameter_misspelt, parameter_missing, parameter_type, vin_length, version_too_old),
        *(parameter_gone, first_by_association, steps_id_shared, steps_id_unknown, out_of_order, done_already),
        *(short_way_closed, code_not_asked_for, account_is_blocked, reset_missing, otp_again_and_again),
        *(removal_missing, pin_missing, sign_in_missing, phone_missing, new_code_missing, listing_missing),
        *(repeated_unchanged, vehicle_not_selected, carkey_not_checked, carkey_again, carkey_too_late),
        *(carkey_not_reactivated, error_not_handled, subscribed_twice),
    )
}
"""By the code of what it breaks: how."""


def broken(lines: Lines, code: str, random: Random) -> Broken:
    """Break a trace in one way."""
    tape = Tape(lines, random)
    try:
        index = BREAKS[code](tape)
    except Cut:
        return None
    return tape.lines, index + 1
