"""A simulated phone, account, vehicle and core, which answer every documented call as the SDK would.

A rehearsal is a plain value: what is true of the account (`State`, the machine's), and what only this world knows: PIN,
SMS codes, and the switches of each phone and of the core. `step()` decides what a call comes to, lets the machine
advance by it, and returns the message. Nothing here looks at a clock: `now` is an argument.

What the documents leave open is decided here, and marked "ours".
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from onboarding.findings import Word
from onboarding.findings import gettext_noop as _
from onboarding.mobile import sdk, spellings
from onboarding.mobile.errors import BY_NUMBER
from onboarding.mobile.machine import ASKS_FOR_SMS, OTPS, SENDS_CODE, Call, CarKey, Device, State, advance
from onboarding.mobile.outcomes import Kind, Outcome, StepState, hear, render
from onboarding.mobile.sdk import CarKeyStatus, Operation, Step, StepStatus, Type

SMS_SECONDS = 300
"""How long an SMS code is good for. Ours: the documents say that codes expire, not when."""
WRONG_PINS = 3
"""So many wrong PINs block the account. Ours."""
SECURITY_CODE_DAYS = 30
"""How long a CarKey's security code is good for. Ours."""
MAX_DEVICES = 8
MAX_SMS = 20
MAX_TEXT = 64
"""A rehearsal stays a small value, whatever is sent to it."""


class TooMany(ValueError):
    """A rehearsal has no room for a further phone, or a name in it is too long."""


@dataclass(frozen=True, slots=True)
class Sms:
    """An SMS in the simulated inbox. to: a phone number; purpose: phone, enrolment or pin; at: RFC 3339."""

    to: str
    code: str
    purpose: str
    at: str


@dataclass(frozen=True, slots=True)
class Phone:
    """The switches of one phone, and of the person who holds it.

    stale: its state at the provider of one-time passwords is out of date until the steps are reset.
    disabled: the provider has disabled it. pin_due: calls want a one-time password first.
    """

    bluetooth: bool = True
    location: bool = True
    paired: bool = True
    key_present: bool = True
    in_car: bool = True
    online: bool = True
    clock_right: bool = True
    stale: bool = False
    disabled: bool = False
    pin_due: bool = False


@dataclass(frozen=True, slots=True)
class Core:
    """The switches of the SDK's core and of what stands behind it. signed_in: whether somebody is."""

    configured: bool = True
    signed_in: bool = True
    quick: bool = True
    server_up: bool = True
    answers_readable: bool = True
    vehicle_reachable: bool = True
    signature_valid: bool = True


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One rehearsal. version: of the SDK. vin: the account's vehicle. association: its carAssociationID.

    number, pin: the account's trusted phone number and PIN, empty where it has none. wrong_pins: how many in a row.
    forced: the number of an error that the next call ends with, 0: none. seed: from which codes and ids are made.
    """

    version: str = "2.3"
    vin: str = "VR1AB12C3D4567890"
    association: str = "987654"
    seed: int = 1
    counter: int = 0
    number: str = ""
    pin: str = ""
    wrong_pins: int = 0
    forced: int = 0
    core: Core = field(default_factory=Core)
    phones: Mapping[str, Phone] = field(default_factory=dict)
    inbox: tuple[Sms, ...] = ()
    state: State = field(default_factory=lambda: fresh_account())

    def phone(self, name: str) -> Phone:
        """Return the switches of a phone; one that nobody has touched has them all as they have to be."""
        return self.phones.get(name, Phone())

    def switch(self, name: str, **switches: bool) -> "Rehearsal":
        """Return the rehearsal with switches of a phone set. Raises TypeError for one that does not exist, TooMany."""
        if name not in self.phones and len(self.phones) >= MAX_DEVICES:
            raise TooMany("phones")
        return replace(self, phones={**self.phones, name: replace(self.phone(name), **switches)})

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON column; `from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Rehearsal":
        """Read what `to_json` wrote."""
        return cls(
            **{
                **data,
                "core": Core(**data["core"]),
                "phones": {name: Phone(**phone) for name, phone in data["phones"].items()},
                "inbox": tuple(Sms(**sms) for sms in data["inbox"]),
                "state": State.from_json(data["state"]),
            }
        )


def fresh_account() -> State:
    """Return the state of an account on which nothing has been done yet, and of which everything is known."""
    return State(phone=False, blocked=False, pin=False)


def begin(version: str = "2.3", seed: int = 1, **values: Any) -> Rehearsal:
    """Return a new rehearsal. Raises ValueError for a version that the tables do not have."""
    if sdk.version(version) not in sdk.VERSIONS:
        raise ValueError(f"no version of the SDK: {version!r}")
    return Rehearsal(version=version, seed=seed, **values)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call in its world, while its outcome is being decided."""

    world: Rehearsal
    call: Call
    operation: Operation
    now: datetime

    @property
    def phone(self) -> Phone:
        return self.world.phone(self.call.device)

    @property
    def device(self) -> Device:
        return self.world.state.device(self.call.device)

    def text(self, name: str) -> str:
        return spellings.identifier(self.call.parameters.get(name))

    def uses(self, *apis: str) -> bool:
        return self.operation.api in apis


def failure(number: int) -> Outcome:
    """Return the outcome of a call that ends with an error of the SDK."""
    return Outcome(Kind.ERROR, number, label=BY_NUMBER[number].label if number in BY_NUMBER else "Unknown error")


def step(world: Rehearsal, call: Call, now: datetime) -> tuple[Rehearsal, dict[str, Any]]:
    """Make a call in a rehearsal: return the rehearsal after it, and the message that the SDK hands to the app.

    now: an aware datetime. The same world, call and time make the same message. Raises TooMany; no other call raises.
    """
    if call.device not in world.state.devices and len(world.state.devices) >= MAX_DEVICES:
        raise TooMany("phones")
    texts = [call.device, call.method, call.api, *(str(value) for value in call.parameters.values())]
    if any(len(text) > MAX_TEXT for text in texts) or len(call.parameters) > 10:
        raise TooMany("text")
    world = replace(world, counter=world.counter + 1)
    transaction = f"{_random(world).getrandbits(48):012x}"
    message = render(decide(world, call, now), transaction)
    outcome = hear(message)  # the machine goes by what was said, as it does for a trace
    world = _remember(replace(world, forced=0), call, outcome, now)
    state = advance(world.state, call, outcome)
    return replace(world, state=state), message


def _random(world: Rehearsal) -> random.Random:
    return random.Random(world.seed * 1_000_003 + world.counter)  # noqa: S311 - a rehearsal is to be repeatable


def decide(world: Rehearsal, call: Call, now: datetime) -> Outcome:
    """Return what a call comes to: the first reason to fail of the table, else what it was made for."""
    operation = call.operation
    if world.forced:
        return failure(world.forced)
    if call.method == "subscribe" and call.api in world.state.device(call.device).subscriptions:
        return failure(2005)
    if call.method in ("subscribe", "unsubscribe"):
        return Outcome(Kind.NOTHING)
    version = sdk.version(world.version) or sdk.NEWEST
    if operation is None or version < operation.since:
        known = any(
            one.api == call.api and one.method == call.method and one.since <= version for one in sdk.OPERATIONS
        )
        return failure(2102 if known else 2002)
    asked = _Asked(world, call, operation, now)
    for number, fails in REASONS:
        if fails(asked):
            return failure(number)
    return _success(asked)


def _missing(asked: _Asked) -> bool:
    version = sdk.version(asked.world.version) or sdk.NEWEST
    return any(
        one.required and asked.call.parameters.get(one.name) in (None, "") for one in asked.operation.takes(version)
    )


def _invalid(asked: _Asked) -> bool:
    for one in asked.operation.parameters:
        value = asked.call.parameters.get(one.name)
        if value is None:
            continue
        if one.type == Type.BOOLEAN and spellings.boolean(value) is None:
            return True
        if one.type == Type.TEXT and not spellings.identifier(value):
            return True
        if one.one_of and value not in one.one_of:
            return True
        if one.name == "carAssociationID" and value != asked.world.association:
            return True
    return False


def _wrong_vin(asked: _Asked) -> bool:
    vin = asked.call.parameters.get("vin")
    return asked.operation.id == "select_vehicle" and vin != asked.world.vin


def _no_vehicle(asked: _Asked) -> bool:
    """From 2.3 on a vehicle has to be selected first. Ours: the core is then not configured for the call."""
    new = (sdk.version(asked.world.version) or sdk.NEWEST) >= (2, 3)
    return new and asked.uses(sdk.CARKEY_API) and not asked.device.vehicle


def _sms(asked: _Asked) -> Sms | None:
    """Return the latest SMS for what the code is sent for."""
    purpose = {"reset_pin": "pin", "check_sms": "enrolment"}.get(asked.operation.id, "phone")
    return next((sms for sms in reversed(asked.world.inbox) if sms.purpose == purpose), None)


def _code_expired(asked: _Asked) -> bool:
    sms = _sms(asked) if asked.operation.id in SENDS_CODE else None
    if sms is None or sms.code != asked.text("smsCode"):
        return False
    return asked.now >= datetime.fromisoformat(sms.at) + timedelta(seconds=SMS_SECONDS)


def _code_wrong(asked: _Asked) -> bool:
    if asked.operation.id not in SENDS_CODE:
        return False
    sms = _sms(asked)
    wrong_number = "phoneNumber" in asked.call.parameters and sms is not None and sms.to != asked.text("phoneNumber")
    return sms is None or sms.code != asked.text("smsCode") or wrong_number


def _no_phone(asked: _Asked) -> bool:
    needs = ("phone_number", "sms_for_enrolment", "sms_for_pin")
    return asked.operation.id in needs and not asked.world.state.phone


def _phone_there(asked: _Asked) -> bool:
    return asked.operation.id in ("add_phone", "enrol_with_phone") and bool(asked.world.state.phone)


def _unknown_list(asked: _Asked) -> bool:
    if asked.operation.id not in ("steps_again", "next_step"):
        return False
    listing = asked.world.state.listings.get(asked.call.steps_id)
    return listing is None or listing.device != asked.call.device


def _pin_wrong(asked: _Asked) -> bool:
    if not asked.world.pin:
        return asked.operation.id in ("otp_with_pin", "update_pin")
    given = {"enrol": "pinCode", "otp_with_pin": "pinCode", "update_pin": "oldPIN"}.get(asked.operation.id)
    return given is not None and asked.text(given) != asked.world.pin


def _enrolment_not_proven(asked: _Asked) -> bool:
    """The SMS code has to be sent before the PIN. Ours: the documents name no code for it."""
    return asked.operation.id == "enrol" and asked.device.sms != "enrolment"


def _enrols(asked: _Asked) -> bool:
    return asked.operation.id in ("check_sms", "enrol", "enrol_with_phone")


def _strong(asked: _Asked) -> bool:
    return asked.operation.id in (*OTPS, "reset_pin", "update_pin")


def _carkey(asked: _Asked) -> bool:
    return asked.operation.id == "activate_carkey"


def _goes_out(asked: _Asked) -> bool:
    """Whether the call leaves the phone. What asks only the phone's own state does not."""
    return asked.operation.id not in ("next_step", "is_device_activated", "is_account_blocked", "select_vehicle")


REASONS: tuple[tuple[int, Callable[[_Asked], bool]], ...] = (
    (2301, lambda asked: not asked.world.core.signed_in and asked.operation.id != "sign_in"),
    (2006, lambda asked: not asked.world.core.configured or _no_vehicle(asked)),
    (2101, _missing),
    (2102, _invalid),
    (2366, _wrong_vin),
    (2346, lambda asked: asked.operation.id == "next_step" and _unknown_list(asked)),
    (2102, _unknown_list),  # a list by a stepsID that is unknown on this phone; 2346 is documented for the next step
    (2202, lambda asked: _goes_out(asked) and not asked.phone.online),
    (2201, lambda asked: _goes_out(asked) and not asked.world.core.quick),
    (2204, lambda asked: _goes_out(asked) and not asked.world.core.server_up),
    (2203, lambda asked: _goes_out(asked) and not asked.world.core.answers_readable),
    (2302, lambda asked: asked.phone.pin_due and asked.operation.api.startswith("pims.vehicle.")),
    (2307, _no_phone),
    (2390, _phone_there),
    (2306, _code_expired),
    (2305, _code_wrong),
    (2317, lambda asked: _enrols(asked) and bool(asked.world.state.blocked)),
    (2310, lambda asked: _strong(asked) and bool(asked.world.state.blocked)),
    (2312, lambda asked: _strong(asked) and (asked.phone.disabled or not asked.device.activated)),
    (2317, lambda asked: _strong(asked) and asked.phone.stale),
    (2308, lambda asked: _enrolment_not_proven(asked) or _pin_wrong(asked)),
    (2315, lambda asked: asked.operation.id == "update_pin" and asked.text("newPIN") == asked.world.pin),
    (2341, lambda asked: _carkey(asked) and not (asked.phone.location and asked.phone.bluetooth)),
    (2342, lambda asked: _carkey(asked) and not asked.phone.paired),
    (2354, lambda asked: _carkey(asked) and not (asked.phone.key_present and asked.phone.in_car)),
    (2356, lambda asked: _carkey(asked) and not asked.phone.clock_right),
    (2205, lambda asked: _carkey(asked) and not asked.world.core.vehicle_reachable),
    (2355, lambda asked: _carkey(asked) and not asked.world.core.signature_valid),
)
"""Why a call fails, and with which code: the first that holds, in this order."""


def _steps(asked: _Asked, resets: bool) -> dict[Step, StepStatus]:
    """Return the steps as a list of this phone has them: done ones stay done until they are reset (steps: Cache)."""
    state, name = asked.world.state, asked.call.device
    really = {
        Step.TRUSTED_PHONE: bool(state.phone),
        Step.DEVICE_ACTIVATION: bool(state.device(name).activated) and not asked.phone.disabled,
        Step.MEDIUM_CAR_KEY: any(key.status == CarKeyStatus.ACTIVE for key in state.carkeys.values()),
    }
    listing = state.listings.get(state.device(name).listing)
    kept = dict(listing.statuses) if listing and not resets else {}
    return {
        one: StepStatus.ALREADY_DONE if done or kept.get(str(one)) == StepStatus.ALREADY_DONE else StepStatus.TODO
        for one, done in really.items()
    }


def _listed(asked: _Asked) -> Outcome:
    statuses = _steps(asked, asked.call.resets)
    wanted = asked.call.parameters["stepsStatus"]
    number = asked.call.steps_id or asked.device.listing or str(100_000 + _random(asked.world).randrange(900_000))
    steps = tuple(
        StepState(one, statuses[one], order)
        for order, one in enumerate(Step, start=1)
        if wanted in ("all", str(statuses[one]))
    )
    return Outcome(Kind.STEPS, steps_id=number, steps=steps)


def _next(asked: _Asked) -> Outcome:
    """Return the next step. Its order is 1, as in the documents' example: the rank among what remains."""
    statuses = _steps(asked, resets=False)
    coming = next((one for one in Step if statuses[one] == StepStatus.TODO), None)
    if coming is None:
        return Outcome(Kind.NOTHING)
    return Outcome(Kind.NEXT_STEP, steps=(StepState(coming, StepStatus.TODO, 1),))


def _carkey_told(asked: _Asked) -> Outcome:
    key = asked.world.state.carkeys.get(asked.call.vin or asked.device.vehicle, CarKey(str(CarKeyStatus.UNKNOWN)))
    status = CarKeyStatus(key.status or "unknown")
    return Outcome(
        Kind.CARKEY, flag=status == CarKeyStatus.ACTIVE, carkey=status, until=spellings.instant(key.until) or None
    )


def _success(asked: _Asked) -> Outcome:
    state = asked.world.state
    match asked.operation.id:
        case "steps_first" | "steps_again" | "steps_by_vin":
            return _listed(asked)
        case "next_step":
            return _next(asked)
        case "is_device_activated":
            return Outcome(Kind.DEVICE, flag=bool(state.device(asked.call.device).activated))
        case "is_account_blocked":
            return Outcome(Kind.ACCOUNT, blocked="pin_blocked" if state.blocked else "not_blocked")
        case "phone_number":
            return Outcome(Kind.PHONE, flag=True, text=asked.world.number)
        case "check_sms":
            return Outcome(Kind.ENROLMENT, flag=bool(asked.world.pin))
        case "otp_with_pin" | "otp_without_pin":
            return Outcome(Kind.OTP)
        case "carkey_status":
            return _carkey_told(asked)
        case "activate_carkey":
            until = asked.now + timedelta(days=SECURITY_CODE_DAYS)
            return Outcome(Kind.CARKEY_ACTIVATED, flag=True, until=until, text=asked.world.vin)
    return Outcome(Kind.NOTHING)


def _remember(world: Rehearsal, call: Call, outcome: Outcome, now: datetime) -> Rehearsal:
    """Keep what only this world knows: SMS codes, the PIN, the number, what a reset of the steps mends."""
    operation = call.operation
    if operation is None:
        return world
    texts = {name: spellings.identifier(value) for name, value in call.parameters.items()}
    phone = world.phone(call.device)
    if not outcome.succeeded:
        if outcome.code == 2308 and "pinCode" in texts:
            wrong = world.wrong_pins + 1
            state = replace(world.state, blocked=True) if wrong >= WRONG_PINS else world.state
            world = replace(world, wrong_pins=wrong, state=state)
        return world
    if purpose := ASKS_FOR_SMS.get(operation.id):
        code = f"{_random(world).randrange(10**8):08d}"
        sms = Sms(texts.get("phoneNumber") or world.number, code, purpose, now.isoformat())
        world = replace(world, inbox=(*world.inbox, sms)[-MAX_SMS:])
    if operation.id in SENDS_CODE and texts.get("phoneNumber"):
        world = replace(world, number=texts["phoneNumber"])
    if operation.id in ("enrol", "enrol_with_phone", "reset_pin"):
        world = replace(world, pin=texts["pinCode"], wrong_pins=0)
    if operation.id == "update_pin":
        world = replace(world, pin=texts["newPIN"], wrong_pins=0)
    if operation.id == "sign_in":
        world = replace(world, core=replace(world.core, signed_in=True))
    if operation.id == "remove_enrolments":
        world = replace(world, wrong_pins=0)
    if operation.id in OTPS:
        world = replace(world, wrong_pins=0).switch(call.device, pin_due=False)
    if operation.id in ("enrol", "enrol_with_phone") and phone.disabled:
        world = world.switch(call.device, disabled=False)
    if call.resets and phone.stale:
        world = world.switch(call.device, stale=False)
    return world


class Means(Word):
    """What provokes an error: a switch of the phone, a switch of the core, what the app sends, or its number alone."""

    PHONE = "phone"
    CORE = "core"
    CALL = "call"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Provocation:
    """How an error is met in a rehearsal. switches: to set to these; title: what to do, a text to translate."""

    number: int
    means: Means
    title: str
    switches: Mapping[str, bool] = field(default_factory=dict)


def _phone(number: int, title: str, **switches: bool) -> Provocation:
    return Provocation(number, Means.PHONE, title, switches)


def _core(number: int, title: str, **switches: bool) -> Provocation:
    return Provocation(number, Means.CORE, title, switches)


def _app(number: int, title: str) -> Provocation:
    return Provocation(number, Means.CALL, title)


PROVOCATIONS: tuple[Provocation, ...] = (
    _app(2005, _("Subscribe twice to the same API.")),
    _app(2002, _("Call an API that this SDK version does not have.")),
    _core(2006, _("The core is not configured."), configured=False),
    _app(2101, _("Leave a parameter out.")),
    _app(2102, _("Give a parameter a value that it cannot have.")),
    _core(2201, _("The connection is slow."), quick=False),
    _phone(2202, _("The phone is offline."), online=False),
    _core(2203, _("The server's answer cannot be read."), answers_readable=False),
    _core(2204, _("The server is down."), server_up=False),
    _core(2205, _("The vehicle cannot be reached."), vehicle_reachable=False),
    _core(2301, _("Nobody is signed in."), signed_in=False),
    _phone(2302, _("Calls want a one-time password."), pin_due=True),
    _app(2305, _("Send a wrong SMS code.")),
    _app(2306, _("Send an SMS code after five minutes.")),
    _app(2307, _("Ask for the enrolment code before there is a phone number.")),
    _app(2308, _("Send a wrong PIN.")),
    _app(2310, _("Send a wrong PIN three times, then ask for an OTP.")),
    _phone(2312, _("The phone is disabled."), disabled=True),
    _app(2315, _("Change the PIN to the same one.")),
    _phone(2317, _("The phone's state is out of date."), stale=True),
    _phone(2341, _("Location is off."), location=False),
    _phone(2341, _("Bluetooth is off."), bluetooth=False),
    _phone(2342, _("The phone is not paired with the vehicle."), paired=False),
    _app(2346, _("Ask for the next step with another phone's stepsID.")),
    _phone(2354, _("The key is elsewhere."), key_present=False),
    _phone(2354, _("The person is outside the car."), in_car=False),
    _core(2355, _("The vehicle's signature is not valid."), signature_valid=False),
    _phone(2356, _("The phone's clock is wrong."), clock_right=False),
    _app(2366, _("Select a vehicle that is not the account's.")),
    _app(2390, _("Register a phone number where there is one.")),
    *(
        Provocation(number, Means.NUMBER, _("Only by its number."))
        for number in (2000, 2001, 2003, 2004, 2309, 2311, 2313, 2314, 2316, 2344)
    ),
)
"""Every error code, and how it is met. Each can be met by its number, too: `Rehearsal.forced`."""
