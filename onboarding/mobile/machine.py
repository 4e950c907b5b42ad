"""The state machine of service activation: one account, its phones, its lists of steps, its CarKeys.

`advance()` is the only way from one state to the next. It takes a call and its outcome, wherever that comes from:
the rehearsal decides it, the trace check hears it. A state is a plain value, and `to_json()` writes it as such.

What nobody has said yet is None or absent. A trace begins in `State()`, where nothing is known; a rehearsal begins in
a state in which everything is.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2s
from typing import Any, TypeVar

from onboarding.mobile import sdk, spellings
from onboarding.mobile.errors import BY_NUMBER, Handling
from onboarding.mobile.masking import cleaned, is_secret
from onboarding.mobile.outcomes import Kind, Outcome
from onboarding.mobile.sdk import CarKeyStatus, Operation, Step, StepStatus

MOST = 100
"""So many lists of steps, vehicles, subscriptions and open errors are kept, the latest of each; no app has as many."""

Kept = TypeVar("Kept")


def _kept(known: Mapping[str, Kept], name: str, value: Kept) -> dict[str, Kept]:
    """Return what is known with one thing more, the oldest left out where there are too many."""
    more = {**known, name: value}
    if len(more) > MOST:
        del more[next(iter(more))]
    return more


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the SDK, by one phone. parameters: under their one name, see `spellings`.

    operation: which call of the table it is; None: one that has nothing to do with service activation.
    """

    device: str
    method: str
    api: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    operation: Operation | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        texts = {name: str(value) for name, value in self.parameters.items()}
        object.__setattr__(self, "operation", sdk.operation(self.method, self.api, texts))

    @classmethod
    def of(cls, device: str, method: str, api: str, parameters: Mapping[str, Any] | None = None) -> "Call":
        """Return a call from what was written, in whatever documented spelling."""
        named: dict[str, Any] = {}
        for written, value in (parameters or {}).items():
            name = spellings.name(str(written))
            named[name] = spellings.value(value) if name in ("type", "action", "actionType") else value
        method, api = spellings.method(method), spellings.api(api)
        # The reference chooses by `action` what the pages choose by `type`.
        if api == sdk.SMS_API and method == "set" and named.get("action") in ("addPhoneNumber", "modifyPhoneNumber"):
            named.setdefault("type", named.pop("action"))
        return cls(device, method, api, named)

    @property
    def steps_id(self) -> str:
        """The stepsID that it names."""
        return spellings.identifier(self.parameters.get("stepsID"))

    @property
    def resets(self) -> bool:
        """Whether it asks for the steps to be reset."""
        return spellings.boolean(self.parameters.get("resetSteps")) is True

    @property
    def vin(self) -> str:
        """The vehicle that it names, by the last four characters: more of a VIN is not kept."""
        vin = self.parameters.get("vin")
        return vin.strip()[-4:] if isinstance(vin, str) else ""

    @property
    def fingerprint(self) -> str:
        """What it asks for, to tell whether another asks for the same; empty where that would need a secret.

        Of what is masked, as in a trace: so a call and its line in a trace have the same.
        """
        if any(is_secret(name) for name in self.parameters):
            return ""
        asked = "&".join(f"{name}={cleaned(self.parameters[name], name)}" for name in sorted(self.parameters))
        return blake2s(asked.encode("utf-8", "replace"), digest_size=8).hexdigest()

    @property
    def identity(self) -> str:
        """The operation's id, or the method and the API of another call."""
        return self.operation.id if self.operation else f"{self.method} {self.api}"


@dataclass(frozen=True, slots=True)
class Owed:
    """What an app owes after an error, before it makes the call again.

    strayed: whether it has done something else meanwhile that does not lead there.
    """

    handling: str
    code: int
    fingerprint: str = ""
    strayed: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of steps that an answer gave to a phone, under its stepsID. statuses: by the name of the step."""

    device: str
    statuses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CarKey:
    """What is known of the account's CarKey for one vehicle. until: before when to reactivate it, RFC 3339 or empty."""

    status: str = ""
    checked: bool = False
    until: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of one phone.

    activated: what is so, told or not. told: what this phone has been told, or has done itself: by step its status, and
    by "account" whether it is blocked; another phone's doings are not part of it. vehicle: the one it has selected or
    named, by its last four characters. sms: what the SMS code is for that is on its way: phone, enrolment, pin, or
    empty. listed: whether it has listed the steps by carAssociationID. listing: the stepsID of its latest list.
    order: of the steps, as its latest list of all of them has it; until then the documented one.
    otp_failures: how many OTPs in a row ended in an error that a reset of the steps is the answer to. owed: by the id
    of the call that failed. subscriptions: to which APIs.
    """

    activated: bool | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    vehicle: str = ""
    sms: str = ""
    listed: bool = False
    order: tuple[str, ...] = tuple(map(str, Step))
    listing: str = ""
    otp_failures: int = 0
    owed: Mapping[str, Owed] = field(default_factory=dict)
    subscriptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one account. phone, blocked, pin: None where nobody has said."""

    phone: bool | None = None
    blocked: bool | None = None
    pin: bool | None = None
    carkeys: Mapping[str, CarKey] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)

    def device(self, name: str) -> Device:
        """Return what is known of a phone."""
        return self.devices.get(name, Device())

    def carkey(self, device: str) -> CarKey:
        """Return what is known of the CarKey for the vehicle that a phone has selected."""
        return self.carkeys.get(self.device(device).vehicle, CarKey())

    def status(self, device: str, step: Step) -> StepStatus | None:
        """Return whether a step is done, as far as a phone has been told; None: it has not."""
        told = self.device(device).told.get(str(step))
        return StepStatus(told) if told else None

    def next_step(self, device: str) -> Step | None:
        """Return the first step that is still to do, as far as a phone has been told."""
        order = map(Step, self.device(device).order)
        return next((step for step in order if self.status(device, step) == StepStatus.TODO), None)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON column; `from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        """Read what `to_json` wrote."""
        devices = {
            name: Device(
                **{
                    **device,
                    "owed": {call: Owed(**owed) for call, owed in device["owed"].items()},
                    "order": tuple(device["order"]),
                    "subscriptions": tuple(device["subscriptions"]),
                }
            )
            for name, device in data["devices"].items()
        }
        return cls(
            data["phone"],
            data["blocked"],
            data["pin"],
            {vin: CarKey(**key) for vin, key in data["carkeys"].items()},
            devices,
            {number: Listing(**listing) for number, listing in data["listings"].items()},
        )


LISTS = ("steps_first", "steps_again", "steps_by_vin")
ENROLS = ("check_sms", "enrol", "enrol_with_phone")
SENDS_CODE = ("add_phone", "modify_phone", "check_sms", "enrol_with_phone", "reset_pin")
ASKS_FOR_SMS: Mapping[str, str] = {"sms_for_phone": "phone", "sms_for_enrolment": "enrolment", "sms_for_pin": "pin"}
OTPS = ("otp_with_pin", "otp_without_pin")

PATHS: Mapping[str, frozenset[str]] = {
    Handling.RESET: frozenset({*LISTS, "next_step"}),
    Handling.REMOVE: frozenset({"remove_enrolments", "is_account_blocked", "is_device_activated"}),
    Handling.PIN: frozenset(OTPS),
    Handling.SMS: frozenset(ASKS_FOR_SMS),
    Handling.PHONE: frozenset({"phone_number", "sms_for_phone", "add_phone", "enrol_with_phone"}),
    Handling.LISTING: frozenset({"steps_first"}),
    Handling.SIGN_IN: frozenset({"sign_in"}),
}
"""By how an error is handled: the calls that lead there. Those of no row are handled without a call of the table."""

RESOLVES: Mapping[str, frozenset[str]] = {
    Handling.RESET: frozenset(LISTS),
    Handling.REMOVE: frozenset({"remove_enrolments"}),
    Handling.PIN: frozenset(OTPS),
    Handling.SMS: frozenset(ASKS_FOR_SMS),
    Handling.PHONE: frozenset({"add_phone", "enrol_with_phone"}),
    Handling.LISTING: frozenset({"steps_first"}),
    Handling.SIGN_IN: frozenset({"sign_in"}),
}
"""By how an error is handled: the calls whose success settles it."""


def handling(code: int, operation: Operation | None) -> Handling:
    """Return how an error is handled after a call. 2317 after an enrolment is not what it is after an OTP."""
    if code == 2317 and operation is not None and operation.id in ENROLS:
        return Handling.REMOVE
    return BY_NUMBER[code].handling if code in BY_NUMBER else Handling.RETRY


def advance(state: State, call: Call, outcome: Outcome) -> State:
    """Return the state after a call that came to an outcome. Pure, and total: no call and no outcome raises."""
    operation = call.operation
    device = state.device(call.device)
    device = replace(device, owed=_owed(device.owed, call, operation, outcome))
    if call.vin and call.api in (sdk.VIN_API, sdk.CARKEY_API) and outcome.succeeded:
        device = replace(device, vehicle=call.vin)
    if call.method == "subscribe" and outcome.succeeded and call.api not in device.subscriptions:
        device = replace(device, subscriptions=(*device.subscriptions, call.api)[-MOST:])
    if call.method == "unsubscribe" and outcome.succeeded:
        device = replace(device, subscriptions=tuple(api for api in device.subscriptions if api != call.api))
    state = _with(state, call.device, device)
    if operation is None:
        return state
    if not outcome.succeeded:
        return _failed(state, call, operation, outcome)
    return _succeeded(state, call, operation, outcome)


def _with(state: State, name: str, device: Device) -> State:
    return replace(state, devices={**state.devices, name: device})


def _owed(owed: Mapping[str, Owed], call: Call, operation: Operation | None, outcome: Outcome) -> Mapping[str, Owed]:
    """Return what is owed after a call: what it settled is gone, what it failed of is new.

    Of calls that are no part of service activation, only those count that want a sign-in or an OTP.
    """
    left: dict[str, Owed] = {}
    identity = call.identity
    for of, debt in owed.items():
        settles = identity in RESOLVES.get(debt.handling, frozenset())
        if debt.handling == Handling.RESET:
            settles = settles and call.resets
        changed = of == identity and debt.handling == Handling.CHANGE and debt.fingerprint != call.fingerprint
        if changed or (outcome.succeeded and (settles or of == identity)):
            continue
        leads = of == identity or identity in PATHS.get(debt.handling, frozenset())
        left[of] = debt if debt.strayed or leads else replace(debt, strayed=True)
    if outcome.succeeded:
        return left
    due = handling(outcome.code, operation)
    if operation is None and due not in (Handling.PIN, Handling.SIGN_IN):
        return left
    return _kept(left, identity, Owed(str(due), outcome.code, call.fingerprint))


BLOCKED = "blocked"


def _tell(state: State, name: str, told: Mapping[str, str]) -> State:
    device = state.device(name)
    return _with(state, name, replace(device, told={**device.told, **told}))


def _done(step: Step, done: bool = True) -> dict[str, str]:
    return {str(step): str(StepStatus.ALREADY_DONE if done else StepStatus.TODO)}


def _failed(state: State, call: Call, operation: Operation, outcome: Outcome) -> State:
    name, device = call.device, state.device(call.device)
    if operation.id in OTPS and handling(outcome.code, operation) == Handling.RESET:
        state = _with(state, name, replace(device, otp_failures=device.otp_failures + 1))
    if outcome.code == 2306 and operation.id in SENDS_CODE:
        return _with(state, name, replace(state.device(name), sms=""))
    if outcome.code == 2307:
        return _tell(replace(state, phone=False), name, _done(Step.TRUSTED_PHONE, done=False))
    if outcome.code == 2390:
        return _tell(replace(state, phone=True), name, _done(Step.TRUSTED_PHONE))
    if outcome.code == 2310:
        return _tell(replace(state, blocked=True), name, {"account": BLOCKED})
    return state


def _succeeded(state: State, call: Call, operation: Operation, outcome: Outcome) -> State:
    name, device = call.device, state.device(call.device)
    match operation.id:
        case "steps_first" | "steps_again" | "steps_by_vin":
            return _listed(state, call, operation, outcome)
        case "next_step":
            return _told_next(state, call, outcome)
        case "is_device_activated" if outcome.flag is not None:
            state = _with(state, name, replace(device, activated=outcome.flag))
            return _tell(state, name, _done(Step.DEVICE_ACTIVATION, outcome.flag))
        case "is_account_blocked":
            blocked = {"not_blocked": False, "pin_blocked": True, "account_blocked": True}.get(outcome.blocked)
            return _tell(replace(state, blocked=blocked), name, {"account": BLOCKED if blocked else ""})
        case "phone_number":
            there = outcome.kind == Kind.PHONE and bool(outcome.flag)
            return _tell(replace(state, phone=there), name, _done(Step.TRUSTED_PHONE, there))
        case "sms_for_phone" | "sms_for_enrolment" | "sms_for_pin":
            return _with(state, name, replace(device, sms=ASKS_FOR_SMS[operation.id]))
        case "add_phone" | "modify_phone":
            state = replace(_with(state, name, replace(device, sms="")), phone=True)
            return _tell(state, name, _done(Step.TRUSTED_PHONE))
        case "check_sms" if outcome.kind == Kind.ENROLMENT:
            return replace(state, pin=outcome.flag)
        case "enrol" | "enrol_with_phone":
            enrolled = replace(device, sms="", activated=True, otp_failures=0)
            state = _tell(replace(_with(state, name, enrolled), pin=True), name, _done(Step.DEVICE_ACTIVATION))
            if operation.id == "enrol":
                return state
            return _tell(replace(state, phone=True), name, _done(Step.TRUSTED_PHONE))
        case "remove_enrolments":
            devices = {one: replace(known, activated=False, sms="") for one, known in state.devices.items()}
            listings = {
                number: _without(listing, Step.DEVICE_ACTIVATION) if listing.device == name else listing
                for number, listing in state.listings.items()
            }
            state = replace(state, devices=devices, listings=listings, blocked=False)
            return _tell(state, name, {**_done(Step.DEVICE_ACTIVATION, done=False), "account": ""})
        case "reset_pin":
            return replace(_with(state, name, replace(device, sms="")), pin=True)
        case "otp_with_pin" | "otp_without_pin":
            return _with(state, name, replace(device, otp_failures=0))
        case "carkey_status":
            until = outcome.until.isoformat() if outcome.until else ""
            key = CarKey(str(outcome.carkey or ""), checked=True, until=until)
            state = replace(state, carkeys=_kept(state.carkeys, device.vehicle, key))
            return _tell(state, name, _done(Step.MEDIUM_CAR_KEY, outcome.carkey == CarKeyStatus.ACTIVE))
        case "activate_carkey" if outcome.flag is not False:
            key = replace(state.carkey(name), status=str(CarKeyStatus.ACTIVE), until="")
            state = replace(state, carkeys=_kept(state.carkeys, device.vehicle, key))
            return _tell(state, name, _done(Step.MEDIUM_CAR_KEY))
    return state


def _without(listing: Listing, step: Step) -> Listing:
    """Forget that a step was done: who removes all enrolments knows that a list which says so is out of date."""
    return replace(listing, statuses={name: status for name, status in listing.statuses.items() if name != str(step)})


def _listed(state: State, call: Call, operation: Operation, outcome: Outcome) -> State:
    """Take in a list of steps. What a filter leaves out has the other status."""
    device = state.device(call.device)
    number = outcome.steps_id or call.steps_id
    wanted = call.parameters.get("stepsStatus")
    left_out = {"todo": StepStatus.ALREADY_DONE, "alreadyDone": StepStatus.TODO}.get(str(wanted))
    statuses = {str(one.step): str(one.status) for one in outcome.steps if one.status}
    if left_out:
        statuses = {str(step): str(left_out) for step in Step} | statuses
    if outcome.kind != Kind.STEPS:
        statuses = {str(step): str(StepStatus.ALREADY_DONE) for step in Step} if outcome.kind == Kind.NOTHING else {}
    if call.resets:
        device = replace(device, activated=_seen(statuses, Step.DEVICE_ACTIVATION))
        state = replace(state, phone=_seen(statuses, Step.TRUSTED_PHONE))
    listed = device.listed or operation.id == "steps_first"
    told = {**device.told, **statuses}
    ranked = sorted((one.order, str(one.step)) for one in outcome.steps if one.order is not None)
    order = tuple(name for _rank, name in ranked) if len(ranked) == len(Step) else device.order
    state = _with(state, call.device, replace(device, listed=listed, listing=number, told=told, order=order))
    return replace(state, listings=_kept(state.listings, number, Listing(call.device, statuses)))


def _seen(statuses: Mapping[str, str], step: Step) -> bool | None:
    """Return what a list that was reset says: it is no longer what it once was, but what is."""
    return {"alreadyDone": True, "todo": False}.get(statuses.get(str(step), ""))


def _told_next(state: State, call: Call, outcome: Outcome) -> State:
    """Take in the next step: those before it are done, and all are where there is none."""
    known = state.listings.get(call.steps_id)
    if known is None or known.device != call.device:
        return state
    coming = outcome.steps[0].step if outcome.steps else None
    order = [Step(name) for name in state.device(call.device).order]
    before = order if coming is None else order[: order.index(coming)]
    statuses = {**known.statuses, **{str(step): str(StepStatus.ALREADY_DONE) for step in before}}
    if coming is not None:
        statuses[str(coming)] = str(StepStatus.TODO)
    state = _tell(state, call.device, statuses)
    return replace(state, listings=_kept(state.listings, call.steps_id, replace(known, statuses=statuses)))
