"""What can be tried in a rehearsal: each error as a situation, what a call is filled in with, and what to call next.

A situation puts the world right, and then one thing wrong. It makes no call itself: it says which calls meet it, for an
app, or a person on the page, to make.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from onboarding.findings import gettext_noop as _
from onboarding.mobile import sdk
from onboarding.mobile.errors import Handling
from onboarding.mobile.machine import Call, CarKey
from onboarding.mobile.rehearsal import SMS_SECONDS, Core, Phone, Rehearsal
from onboarding.mobile.sdk import BY_ID, CarKeyStatus, Operation, Step

EXAMPLE_NUMBER = "0123456789"
EXAMPLE_PINS = ("1234", "4321")
SUSPENDED_DAYS = 7
"""In so many days a CarKey that a situation has suspended has to be reactivated."""

Parameters = dict[str, Any]


def latest_code(world: Rehearsal, operation: Operation) -> str:
    """Return the SMS code in the inbox that a call wants to send, empty if none has come."""
    purpose = {"reset_pin": "pin", "check_sms": "enrolment"}.get(operation.id, "phone")
    return next((sms.code for sms in reversed(world.inbox) if sms.purpose == purpose), "")


def filled(world: Rehearsal, device: str, operation: Operation) -> Parameters:
    """Return the parameters of a call with all that the rehearsal knows; what it does not know is left out."""
    known: Parameters = {
        "carAssociationID": world.association,
        "stepsID": world.state.device(device).listing,
        "vin": world.vin,
        "phoneNumber": world.number or EXAMPLE_NUMBER,
        "smsCode": latest_code(world, operation),
        "pinCode": world.pin or EXAMPLE_PINS[0],
        "oldPIN": world.pin,
        "newPIN": next(pin for pin in EXAMPLE_PINS if pin != world.pin),
        "resetSteps": any(debt.handling == Handling.RESET for debt in world.state.device(device).owed.values()),
        "stepsStatus": "all",
    }
    wanted = [one for one in operation.takes(sdk.version(world.version) or sdk.NEWEST) if one.required]
    values = {one.name: one.one_of[0] if len(one.one_of) == 1 else known[one.name] for one in wanted}
    return {name: value for name, value in values.items() if value != ""}


def call(world: Rehearsal, device: str, id_: str, **changed: Any) -> Call:
    """Return a call filled in. changed: parameters with other values; None leaves one out."""
    operation = BY_ID[id_]
    values = {**filled(world, device, operation), **changed}
    given = {name: value for name, value in values.items() if value is not None}
    return Call.of(device, operation.method, operation.api, given)


Calls = Callable[[Rehearsal, str], tuple[Call, ...]]


def _one(id_: str, **changed: Any) -> Calls:
    return lambda world, device: (call(world, device, id_, **changed),)


def _in_new(world: Rehearsal) -> bool:
    return (sdk.version(world.version) or sdk.NEWEST) >= BY_ID["select_vehicle"].since


def _carkey(*ids: str) -> Calls:
    """Calls of the CarKey, after the vehicle has been selected where that is wanted."""

    def calls(world: Rehearsal, device: str) -> tuple[Call, ...]:
        select = _in_new(world) and not world.state.device(device).vehicle
        return tuple(call(world, device, one) for one in (("select_vehicle",) if select else ()) + ids)

    return calls


_ACTIVATE = _carkey("carkey_status", "activate_carkey")
_LIST = _one("steps_first")


def _pin_due(world: Rehearsal, device: str) -> tuple[Call, ...]:
    """The first call of the vehicle's."""
    return _carkey("carkey_status")(world, device)[:1]


def _twice(_world: Rehearsal, device: str) -> tuple[Call, ...]:
    return (Call.of(device, "subscribe", "pims.vehicle.doors"),) * 2


def _foreign(world: Rehearsal, device: str) -> tuple[Call, ...]:
    return (call(world, device, "next_step", stepsID=_listing_of_another(world, device)),)


def _listing_of_another(world: Rehearsal, device: str) -> str:
    return next((number for number, one in world.state.listings.items() if one.device != device), "")


def _wrong_code(world: Rehearsal, device: str) -> tuple[Call, ...]:
    wrong = "00000000" if latest_code(world, BY_ID["add_phone"]) != "00000000" else "11111111"
    return (call(world, device, "add_phone", smsCode=wrong),)


def _wrong_pin(world: Rehearsal, device: str) -> tuple[Call, ...]:
    return (call(world, device, "otp_with_pin", pinCode=world.pin + "0"),)


def _same_pin(world: Rehearsal, device: str) -> tuple[Call, ...]:
    return (call(world, device, "update_pin", newPIN=world.pin),)


def _add_again(world: Rehearsal, device: str) -> tuple[Call, ...]:
    return (call(world, device, "add_phone", smsCode=latest_code(world, BY_ID["add_phone"]) or "00000000"),)


def _other_vehicle(world: Rehearsal, device: str) -> tuple[Call, ...]:
    return (call(world, device, "select_vehicle", vin=world.vin[:-1] + ("1" if world.vin[-1] != "1" else "2")),)


Needs = Callable[[Rehearsal, str], str]
"""Which step or call has to be done before: the id of a call, empty for none."""


def _nothing(_world: Rehearsal, _device: str) -> str:
    return ""


def _needs_code(world: Rehearsal, _device: str) -> str:
    return "" if latest_code(world, BY_ID["add_phone"]) and not world.state.phone else "sms_for_phone"


def _needs_enrolment(world: Rehearsal, device: str) -> str:
    return "" if world.state.device(device).activated and world.pin else "enrol"


def _needs_other_list(world: Rehearsal, device: str) -> str:
    return "" if _listing_of_another(world, device) else "steps_first"


def _needs_number(world: Rehearsal, _device: str) -> str:
    return "" if world.state.phone else "add_phone"


Arrange = Callable[[Rehearsal, str, datetime], Rehearsal]


def _as_it_is(world: Rehearsal, _device: str, _now: datetime) -> Rehearsal:
    return world


def _blocked(world: Rehearsal, _device: str, _now: datetime) -> Rehearsal:
    return replace(world, state=replace(world.state, blocked=True))


def _no_number(world: Rehearsal, _device: str, _now: datetime) -> Rehearsal:
    return replace(world, number="", state=replace(world.state, phone=False))


def _suspended(world: Rehearsal, _device: str, now: datetime) -> Rehearsal:
    until = (now + timedelta(days=SUSPENDED_DAYS)).isoformat()
    key = CarKey(str(CarKeyStatus.SUSPENDED), until=until)
    return replace(world, state=replace(world.state, carkeys={**world.state.carkeys, world.vin[-4:]: key}))


@dataclass(frozen=True, slots=True)
class Situation:
    """One thing that goes wrong. number: of the error that its last call ends with, 0 where that is none.

    title: what is the matter, a text to translate. calls: those that meet it, the last one with the error. phone, core:
    switches to set to these. arrange: what else is made so. seconds: how much time passes. needs: what has to be done
    before. since: the first version that has it.
    """

    id: str
    number: int
    title: str
    calls: Calls
    phone: Mapping[str, bool] = field(default_factory=dict)
    core: Mapping[str, bool] = field(default_factory=dict)
    arrange: Arrange = _as_it_is
    seconds: int = 0
    needs: Needs = _nothing
    since: sdk.Version = sdk.OLDEST


_OFF = False
SITUATIONS: tuple[Situation, ...] = (
    Situation("not_paired", 2342, _("The phone is not paired with the vehicle."), _ACTIVATE, {"paired": _OFF}),
    Situation("bluetooth_off", 2341, _("Bluetooth is off."), _ACTIVATE, {"bluetooth": _OFF}),
    Situation("location_off", 2341, _("Location is off."), _ACTIVATE, {"location": _OFF}),
    Situation("key_absent", 2354, _("The key is elsewhere."), _ACTIVATE, {"key_present": _OFF}),
    Situation("outside", 2354, _("The person is outside the car."), _ACTIVATE, {"in_car": _OFF}),
    Situation("clock_wrong", 2356, _("The phone's clock is wrong."), _ACTIVATE, {"clock_right": _OFF}),
    Situation(
        "vehicle_unreachable", 2205, _("The vehicle cannot be reached."), _ACTIVATE, core={"vehicle_reachable": _OFF}
    ),
    Situation(
        "signature_invalid",
        2355,
        _("The vehicle's signature is not valid."),
        _ACTIVATE,
        core={"signature_valid": _OFF},
    ),
    Situation("carkey_suspended", 0, _("The CarKey is suspended."), _carkey("carkey_status"), arrange=_suspended),
    Situation(
        "expired_code",
        2306,
        _("The SMS code is older than five minutes."),
        _one("add_phone"),
        seconds=SMS_SECONDS,
        needs=_needs_code,
    ),
    Situation("wrong_code", 2305, _("The SMS code is mistyped."), _wrong_code, needs=_needs_code),
    Situation(
        "no_phone",
        2307,
        _("The account has no phone number."),
        _one("sms_for_enrolment"),
        arrange=_no_number,
    ),
    Situation("phone_registered", 2390, _("A phone number is registered already."), _add_again, needs=_needs_number),
    Situation("wrong_pin", 2308, _("The PIN is mistyped."), _wrong_pin, needs=_needs_enrolment),
    Situation("same_pin", 2315, _("The new PIN is the old one."), _same_pin, needs=_needs_enrolment),
    Situation("blocked", 2310, _("The account is blocked."), _one("otp_with_pin"), arrange=_blocked),
    Situation(
        "phone_disabled",
        2312,
        _("The phone is disabled."),
        _one("otp_with_pin"),
        {"disabled": True},
        needs=_needs_enrolment,
    ),
    Situation(
        "phone_stale",
        2317,
        _("The phone's state is out of date."),
        _one("otp_with_pin"),
        {"stale": True},
        needs=_needs_enrolment,
    ),
    Situation("otp_due", 2302, _("Calls want a one-time password."), _pin_due, {"pin_due": True}),
    Situation(
        "foreign_steps_id", 2346, _("This phone uses another phone's stepsID."), _foreign, needs=_needs_other_list
    ),
    Situation(
        "foreign_vehicle",
        2366,
        _("The vehicle is not the account's."),
        _other_vehicle,
        since=BY_ID["select_vehicle"].since,
    ),
    Situation("signed_out", 2301, _("Nobody is signed in."), _LIST, core={"signed_in": _OFF}),
    Situation("offline", 2202, _("The phone is offline."), _LIST, {"online": _OFF}),
    Situation("slow", 2201, _("The connection is slow."), _LIST, core={"quick": _OFF}),
    Situation("server_down", 2204, _("The server is down."), _LIST, core={"server_up": _OFF}),
    Situation("unreadable", 2203, _("The server's answer cannot be read."), _LIST, core={"answers_readable": _OFF}),
    Situation("not_configured", 2006, _("The core is not configured."), _LIST, core={"configured": _OFF}),
    Situation("parameter_missing", 2101, _("A parameter is left out."), _one("steps_first", stepsStatus=None)),
    Situation(
        "parameter_invalid",
        2102,
        _("A parameter has a value that it cannot have."),
        _one("steps_first", stepsStatus="some"),
    ),
    Situation(
        "unknown_call",
        2002,
        _("This SDK has no such call."),
        lambda _world, device: (Call.of(device, "get", "pims.vehicle.unknown"),),
    ),
    Situation("subscribed_twice", 2005, _("The app subscribes twice."), _twice),
)
"""In the order of the page: what happens in the car first, what is a mistake in the app last."""

BY_NAME: Mapping[str, Situation] = {one.id: one for one in SITUATIONS}

Offered = tuple[tuple[str, tuple[Situation, ...]], ...]
GROUPS: tuple[tuple[str, str], ...] = (
    ("not_paired", _("In the car")),
    ("expired_code", _("Phone number, code and PIN")),
    ("phone_disabled", _("This phone")),
    ("signed_out", _("Connection and core")),
    ("parameter_missing", _("Mistakes in the app")),
)
"""Where each group begins, and what it is called."""


def offered(version: str) -> Offered:
    """Return the situations that a version of the SDK has, by group."""
    titles = dict(GROUPS)
    groups: dict[str, list[Situation]] = {}
    has = sdk.version(version) or sdk.NEWEST
    title = ""
    for one in SITUATIONS:
        title = titles.get(one.id, title)
        if one.since <= has:
            groups.setdefault(title, []).append(one)
    return tuple((title, tuple(rows)) for title, rows in groups.items())


class NotYet(ValueError):
    """Something has to be done before. needs: the id of the call that is to succeed first; on: by which phone."""

    def __init__(self, needs: str) -> None:
        super().__init__(needs)
        self.needs = needs


def put_right(world: Rehearsal, device: str) -> Rehearsal:
    """Return the world with nothing wrong on this phone and in the core, and no error due."""
    return replace(world, core=Core(), phones={**world.phones, device: Phone()}, forced=0)


def arrange(world: Rehearsal, situation: Situation, device: str, now: datetime) -> Rehearsal:
    """Return the world in a situation. Raises NotYet; and TooMany for one phone too many."""
    if needs := situation.needs(world, device):
        raise NotYet(needs)
    world = put_right(world.switch(device), device).switch(device, **situation.phone)
    return situation.arrange(replace(world, core=replace(world.core, **situation.core)), device, now)


_SMS_FOR: Mapping[str, str] = {"check_sms": "sms_for_enrolment", "reset_pin": "sms_for_pin"}


def _in_order(world: Rehearsal, device: str, operation: Operation) -> bool:
    """Whether the steps allow a call now."""
    return operation.step in (None, world.state.next_step(device)) or world.state.next_step(device) is None


def upcoming(world: Rehearsal, device: str, last: str = "") -> Operation | None:
    """Return the call that a phone had best make next; None where nothing is left to do.

    last: the id of the phone's latest call, if that succeeded.
    """
    known = world.state.device(device)
    for of, debt in known.owed.items():
        operation = BY_ID.get(of)
        match debt.handling:
            case Handling.RESET:
                return BY_ID["steps_again" if known.listing else "steps_first"]
            case Handling.REMOVE:
                return BY_ID["remove_enrolments"]
            case Handling.PIN:
                return BY_ID["otp_with_pin"]
            case Handling.SMS:
                return BY_ID[_SMS_FOR.get(of, "sms_for_phone")]
            case Handling.PHONE if not latest_code(world, BY_ID["add_phone"]) or known.sms != "phone":
                return BY_ID["sms_for_phone"]
            case Handling.PHONE:
                return BY_ID["add_phone"]
            case Handling.LISTING:
                return BY_ID["steps_first"]
            case Handling.SIGN_IN:
                return BY_ID["sign_in"]
            case Handling.RETRY | Handling.PERSON | Handling.CHANGE if operation and _in_order(
                world, device, operation
            ):
                return operation
    if not known.listed:
        return BY_ID["steps_first"]
    match world.state.next_step(device):
        case Step.TRUSTED_PHONE:
            return BY_ID["add_phone" if known.sms == "phone" else "sms_for_phone"]
        case Step.DEVICE_ACTIVATION if last == "check_sms":
            return BY_ID["enrol"]
        case Step.DEVICE_ACTIVATION:
            return BY_ID["check_sms" if known.sms == "enrolment" else "sms_for_enrolment"]
        case Step.MEDIUM_CAR_KEY if _in_new(world) and not known.vehicle:
            return BY_ID["select_vehicle"]
        case Step.MEDIUM_CAR_KEY if not world.state.carkey(device).checked:
            return BY_ID["carkey_status"]
        case Step.MEDIUM_CAR_KEY:
            return BY_ID["activate_carkey"]
    return None


OPERATION_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_("Steps"), ("sign_in", "steps_first", "steps_again", "steps_by_vin", "next_step")),
    (_("Trusted phone"), ("phone_number", "sms_for_phone", "add_phone", "modify_phone")),
    (
        _("Device activation"),
        (
            "is_device_activated",
            "is_account_blocked",
            "sms_for_enrolment",
            "check_sms",
            "enrol",
            "enrol_with_phone",
            "remove_enrolments",
        ),
    ),
    (_("PIN and one-time password"), ("otp_with_pin", "otp_without_pin", "sms_for_pin", "reset_pin", "update_pin")),
    (_("CarKey"), ("select_vehicle", "carkey_status", "activate_carkey")),
)
"""All calls, as a page lists them."""
