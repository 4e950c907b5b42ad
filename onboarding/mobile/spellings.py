"""One name for what the documents spell in several ways, and one value.

Every row of these tables is a contradiction between pages of the documents, or one that their examples show.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from onboarding.mobile.sdk import STEPS_API, CarKeyStatus, Method, Step, StepStatus

_NAMES: Mapping[str, str] = {
    # Steps: the pages of 2022, those since 2023, and the reference.
    "trustedphone": "trustedPhone",
    "trusterphonenumber": "trustedPhone",
    "trusterphone": "trustedPhone",
    "trustedphonenumber": "trustedPhone",
    "deviceactivation": "deviceActivation",
    "mediumcarkey": "mediumCarKey",
    # Ids
    "stepsid": "stepsID",
    "stepid": "stepsID",
    "carassociationid": "carAssociationID",
    "transactionid": "transactionId",
    # Parameters
    "resetsteps": "resetSteps",
    "resetstep": "resetSteps",
    "stepsstatus": "stepsStatus",
    "stepstatus": "stepsStatus",
    "actiontype": "actionType",
    "pincode": "pinCode",
    "pin": "pinCode",
    "oldpin": "oldPIN",
    "oldpincode": "oldPIN",
    "newpin": "newPIN",
    "newpincode": "newPIN",
    "smscode": "smsCode",
    "phonenumber": "phoneNumber",
    "vin": "vin",
    "type": "type",
    "action": "action",
    # Answers
    "status": "status",
    "result": "result",
    "error": "error",
    "code": "code",
    "label": "label",
    "name": "name",
    "order": "order",
    "iscarkeyverified": "isCarKeyVerified",
    "cvsstatus": "cvsStatus",
    "maxreactivationdate": "maxReactivationDate",
    "hascarkey": "hasCarKey",
    "securitycode": "securityCode",
    "securityexpiration": "securityExpiration",
    "isdeviceactivated": "isDeviceActivated",
    "isaccountblocked": "isAccountBlocked",
    "otp": "otp",
    "username": "username",
    "login": "username",
    # The virtual-key token
    "token": "token",
    "tokensignature": "token_signature",
    "accesstoken": "access_token",
    "expires": "expires",
    "expiresin": "expires_in",
    "tokentype": "token_type",
    "cartoken": "carToken",
    "cardata": "CarData",
    "cardatasignature": "CarData_signature",
    "duration": "duration",
}

_LONGEST = 40
"""Longer than any name of the documents, blanks included."""

_ACCEPTED: frozenset[str] = frozenset({*_NAMES.values(), "login", "stepsId"})
"""Spellings that need no remark: those of the reference, and those that stand beside it in the documents' examples."""

_VALUES: Mapping[str, str] = {
    "enrollmentwithphonenumber": "enrollWithPhoneNumber",
    "enrollwithphonenumber": "enrollWithPhoneNumber",
    "addphonenumber": "addPhoneNumber",
    "modifyphonenumber": "modifyPhoneNumber",
    "phonenumbercertification": "phoneNumberCertification",
    "enrollment": "enrollment",
    "enroll": "enroll",
    "remove": "remove",
    "reset": "reset",
    "update": "update",
    "withpin": "withPIN",
    "withoutpin": "withoutPIN",
    "resetpin": "resetPIN",
    "strong": "strong",
    "basic": "basic",
    "isdeviceactivated": "isDeviceActivated",
    "isaccountblocked": "isAccountBlocked",
    "username": "username",
    "login": "login",
    "todo": "todo",
    "alreadydone": "alreadyDone",
    "all": "all",
}

_APIS: Mapping[str, str] = {"pims.vehicle.steps": STEPS_API}
"""The page on steps calls this API by an older name, in its part on the cache."""

_BLOCKED: Mapping[str, str] = {
    "false": "not_blocked",
    "notblocked": "not_blocked",
    "true": "account_blocked",
    "accountblocked": "account_blocked",
    "pinblocked": "pin_blocked",
    "unknown": "unknown",
}


def _plain(text: str) -> str:
    return "".join(text.split()).replace("_", "").replace("-", "").casefold()


def name(text: str) -> str:
    """Return the one name of a member, as the reference spells it; an unknown name without blanks around it."""
    return _name(text) if len(text) <= _LONGEST else text.strip()


@lru_cache(maxsize=512)
def _name(text: str) -> str:
    return _NAMES.get(_plain(text), text.strip())


def is_usual(text: str) -> bool:
    """Say whether a member's name is spelt as in the reference, so that nothing need be said about it."""
    return text in _ACCEPTED or _plain(text) not in _NAMES


def value(text: str) -> str:
    """Return the one spelling of a parameter's value that chooses what a call does; another value as it is."""
    return _VALUES.get(_plain(text), text)


def api(text: str) -> str:
    """Return the name of an API: trimmed, since the documents' examples have a blank behind one."""
    trimmed = text.strip()
    return _APIS.get(trimmed.casefold(), trimmed)


def method(text: str) -> str:
    """Return the name of a method, `pims.` before it taken off; empty if there is none of that name."""
    plain = text.strip().casefold().removeprefix("pims.")
    return plain if plain in set(Method) else ""


def boolean(value: object) -> bool | None:
    """Return a boolean from itself or from the text that the documents have for it, None if it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().casefold())
    return None


def identifier(value: object) -> str:
    """Return an id as text: the documents have stepsID as a number in answers and as text in calls. Empty: none."""
    if isinstance(value, bool):
        return ""
    return str(value).strip() if isinstance(value, str | int) else ""


def number(value: object) -> int | None:
    """Return a whole number from itself or from text; error codes appear as both."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 12:
        return int(value)
    return None


def step(value: object) -> Step | None:
    """Return the step that a name means."""
    try:
        return Step(name(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def step_status(value: object) -> StepStatus | None:
    """Return a step's status."""
    plain = _plain(value) if isinstance(value, str) else ""
    return {_plain(one): one for one in StepStatus}.get(plain)


def carkey_status(value: object) -> CarKeyStatus | None:
    """Return a CarKey's status."""
    plain = _plain(value) if isinstance(value, str) else ""
    return {_plain(one): one for one in CarKeyStatus}.get(plain)


def blocked(value: object) -> str | None:
    """Return whether an account is blocked: not_blocked, pin_blocked, account_blocked or unknown; None: none of these.

    Documented are false, NotBlocked, PinBlocked, PINBlocked, AccountBlocked and Unknown.
    """
    if isinstance(value, bool):
        value = str(value)
    return _BLOCKED.get(_plain(value)) if isinstance(value, str) else None


def instant(value: object) -> datetime | None:
    """Return a time with its zone (RFC 3339), in UTC; None if it is none. A time without a zone is taken as UTC."""
    if not isinstance(value, str) or not 10 <= len(value.strip()) <= 40:
        return None
    try:
        read = datetime.fromisoformat(value.strip())
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
