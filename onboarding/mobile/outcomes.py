"""What a call came to: the one language of rehearsal and trace check.

The rehearsal decides an outcome and renders it as a message; the trace check hears a message and has the outcome. So a
message means the same to both: `hear(render(outcome)) == outcome`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onboarding.findings import Word
from onboarding.mobile import spellings
from onboarding.mobile.sdk import CarKeyStatus, Step, StepStatus


class Kind(Word):
    """Which message it is, by what it holds."""

    STEPS = "steps"
    NEXT_STEP = "next_step"
    NOTHING = "nothing"
    CARKEY = "carkey"
    CARKEY_ACTIVATED = "carkey_activated"
    DEVICE = "device"
    ACCOUNT = "account"
    PHONE = "phone"
    ENROLMENT = "enrolment"
    OTP = "otp"
    USER = "user"
    ERROR = "error"
    EVENT = "event"
    VIRTUAL_KEY = "virtual_key"
    CAR_TOKEN = "car_token"  # noqa: S105 - the name of a kind
    UNKNOWN = "unknown"


SUCCEEDED, FAILED, EVENT = "SUCCEEDED", "FAILED", "RESULT"
STATUSES = (SUCCEEDED, FAILED, EVENT)

NO_NUMBER = -1
"""The code of a failure that names none."""


@dataclass(frozen=True, slots=True)
class StepState:
    """One step as a message has it. order: its place in that list, None where there is none."""

    step: Step
    status: StepStatus | None
    order: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to. Fields that its kind does not have are empty.

    code: 0 where it succeeded, NO_NUMBER where it failed without a number. until: before when a suspended CarKey has to
    be reactivated, or when a security code expires. flag: verified, has a CarKey, is activated, has a phone number, is
    enrolled already; by kind. text: a VIN or a phone number. blocked: see `spellings.blocked`.
    """

    kind: Kind
    code: int = 0
    steps_id: str = ""
    steps: tuple[StepState, ...] = ()
    carkey: CarKeyStatus | None = None
    flag: bool | None = None
    until: datetime | None = None
    blocked: str = ""
    text: str = ""
    label: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the call did what it was made for."""
        return self.code == 0


def members(value: object) -> dict[str, Any]:
    """Return an object's members under their one name; empty for anything else."""
    return {spellings.name(name): inner for name, inner in value.items()} if isinstance(value, Mapping) else {}


def hear(message: object) -> Outcome:
    """Return what a message says, in whatever documented spelling. What is unknown is of kind UNKNOWN."""
    data = members(message)
    status = data.get("status")
    status = status.strip().upper() if isinstance(status, str) else ""
    error = members(data.get("error"))
    if error or status == FAILED:
        code = spellings.number(error.get("code"))
        label = error.get("label")
        return Outcome(
            Kind.ERROR, NO_NUMBER if code is None else code, label=label.strip() if isinstance(label, str) else ""
        )
    if status == EVENT:
        return Outcome(Kind.EVENT)
    enveloped = status == SUCCEEDED or "result" in data
    result = data.get("result") if enveloped else message
    if enveloped and result in (None, "", {}):
        return Outcome(Kind.NOTHING)
    return heard_result(result)


def heard_result(result: object) -> Outcome:
    """Return what the result of a message says, or a result that was pasted without its envelope."""
    if isinstance(result, bool):
        return Outcome(Kind.DEVICE, flag=result)
    data = members(result)
    if not data:
        return Outcome(Kind.UNKNOWN)
    steps = tuple(_step(name, data[name]) for name in data if spellings.step(name) and isinstance(data[name], Mapping))
    if "stepsID" in data and not (set(data) - {"stepsID"} and not steps):
        return Outcome(Kind.STEPS, steps_id=spellings.identifier(data["stepsID"]), steps=steps)
    if steps:
        return Outcome(Kind.NEXT_STEP, steps=steps)
    if "hasCarKey" in data or "securityCode" in data:
        vin = data.get("vin")
        return Outcome(
            Kind.CARKEY_ACTIVATED,
            flag=spellings.boolean(data.get("hasCarKey")),
            until=spellings.instant(data.get("securityExpiration")),
            text=vin.strip() if isinstance(vin, str) else "",
        )
    if "isCarKeyVerified" in data or "cvsStatus" in data:
        return Outcome(
            Kind.CARKEY,
            flag=spellings.boolean(data.get("isCarKeyVerified")),
            carkey=spellings.carkey_status(data.get("cvsStatus")),
            until=spellings.instant(data.get("maxReactivationDate")),
        )
    if "isDeviceActivated" in data:
        return Outcome(Kind.DEVICE, flag=spellings.boolean(data["isDeviceActivated"]))
    if "isAccountBlocked" in data:
        return Outcome(Kind.ACCOUNT, blocked=spellings.blocked(data["isAccountBlocked"]) or "")
    for name in ("phoneNumber", "trustedPhone"):
        if name in data:
            number = spellings.identifier(data[name])
            return Outcome(Kind.PHONE, flag=bool(number), text=number)
    if "otp" in data:
        return Outcome(Kind.OTP)
    if "username" in data:
        return Outcome(Kind.USER, flag=data["username"] not in (None, ""))
    if "access_token" in data or "token_signature" in data or "token" in data:
        return Outcome(Kind.VIRTUAL_KEY)
    if "carToken" in data or "CarData" in data:
        return Outcome(Kind.CAR_TOKEN)
    enrolled = data.get("status")
    if isinstance(enrolled, str) and enrolled.strip().casefold() in ("alreadyenrolled", "notenrolled"):
        return Outcome(Kind.ENROLMENT, flag=enrolled.strip().casefold() == "alreadyenrolled")
    return Outcome(Kind.UNKNOWN)


def _step(name: str, value: Mapping[str, object]) -> StepState:
    data = members(value)
    step = spellings.step(name)
    assert step is not None  # noqa: S101 - the caller has looked
    return StepState(step, spellings.step_status(data.get("status")), spellings.number(data.get("order")))


def _time(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z") if instant else None


def _steps(outcome: Outcome) -> dict[str, Any]:
    return {
        str(one.step): {"name": str(one.step), "status": str(one.status), "order": one.order} for one in outcome.steps
    }


_BLOCKED = {"not_blocked": "NotBlocked", "pin_blocked": "PinBlocked", "account_blocked": "AccountBlocked"}


def _result(outcome: Outcome) -> Any:
    flag = {True: "true", False: "false"}.get(outcome.flag) if outcome.flag is not None else None
    match outcome.kind:
        case Kind.STEPS:
            return {"stepsID": int(outcome.steps_id) if outcome.steps_id.isdigit() else outcome.steps_id} | _steps(
                outcome
            )
        case Kind.NEXT_STEP:
            return _steps(outcome)
        case Kind.CARKEY:
            return {
                "isCarKeyVerified": flag,
                "cvsStatus": outcome.carkey and str(outcome.carkey),
                "maxReactivationDate": _time(outcome.until),
            }
        case Kind.CARKEY_ACTIVATED:
            return {
                "hasCarKey": flag,
                "vin": outcome.text,
                "securityCode": "c2FuZGJveA==",
                "securityExpiration": _time(outcome.until),
            }
        case Kind.DEVICE:
            return {"isDeviceActivated": outcome.flag}
        case Kind.ACCOUNT:
            return {"isAccountBlocked": _BLOCKED.get(outcome.blocked, "Unknown")}
        case Kind.PHONE:
            return {"phoneNumber": outcome.text or None}
        case Kind.ENROLMENT:
            return {"status": "AlreadyEnrolled" if outcome.flag else "NotEnrolled"}
        case Kind.OTP:
            return {"otp": "sandbox-otp"}
        case _:
            return None


def render(outcome: Outcome, transaction: str) -> dict[str, Any]:
    """Return an outcome as the message that the SDK would hand to the app.

    As in the documents' examples, booleans of the CarKey are text, and the stepsID and error codes are numbers.
    """
    if outcome.kind == Kind.ERROR:
        error = {"code": outcome.code, "label": outcome.label}
        return {"transactionId": transaction, "status": FAILED, "error": error}
    return {"transactionId": transaction, "status": SUCCEEDED, "result": _result(outcome)}
