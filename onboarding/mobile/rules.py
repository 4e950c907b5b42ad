"""What an app must not do in which state: one table, read by the trace check, the rehearsal and the pages.

A rule looks at the state before a call and at the call; `broken()` returns a finding for each rule that it breaks.
What to say about each stands in `messages`, under the rule's code.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from onboarding.findings import Finding, Severity
from onboarding.mobile import sdk, spellings
from onboarding.mobile.errors import Handling
from onboarding.mobile.machine import (
    BLOCKED,
    ENROLS,
    LISTS,
    OTPS,
    SENDS_CODE,
    Call,
    Device,
    State,
)
from onboarding.mobile.sdk import STEP_TITLES, CarKeyStatus, Operation, Step, StepStatus, Type

Params = Mapping[str, str | int]
Verdict = Params | None
"""None: the rule is kept."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A call that is about to be made. now: when, None if nobody says. version: the SDK's, None if nobody says.

    platform: kotlin or swift, empty if nobody says. written: the API and the parameters' names as the app wrote them.
    """

    state: State
    call: Call
    operation: Operation
    now: datetime | None = None
    version: sdk.Version | None = None
    platform: str = ""
    api: str = ""
    names: tuple[str, ...] = ()

    @property
    def device(self) -> Device:
        """The phone that calls."""
        return self.state.device(self.call.device)

    def owed(self, handling: Handling) -> Iterator[tuple[str, int]]:
        """Yield what the phone owes of one kind: which call failed, with which code."""
        for of, debt in self.device.owed.items():
            if debt.handling == handling:
                yield of, debt.code


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. code: of its message and of the finding. source: the page of the documents that asks for it.

    elsewhere: whether it holds for calls, too, that are no part of service activation.
    """

    code: str
    severity: Severity
    source: str
    check: Callable[[Situation], Verdict]
    elsewhere: bool = False


def _first_by_association(at: Situation) -> Verdict:
    if at.operation.id == "steps_by_vin":
        return None if at.device.listed else {}
    if at.operation.id not in ("steps_again", "next_step") or at.device.listed:
        return None
    listing = at.state.listings.get(at.call.steps_id)
    return None if listing is not None else {}  # of another phone: that is the next rule's


def _not_shared(at: Situation) -> Verdict:
    listing = at.state.listings.get(at.call.steps_id) if at.call.steps_id else None
    if at.operation.id not in ("steps_again", "next_step") or listing is None or listing.device == at.call.device:
        return None
    return {"other": listing.device}


def _steps_id_known(at: Situation) -> Verdict:
    if at.operation.id not in ("steps_again", "next_step") or not at.device.listed or not at.call.steps_id:
        return None
    return None if at.call.steps_id in at.state.listings else {}


def _in_order(at: Situation) -> Verdict:
    wanted = at.operation.step
    if wanted is None:
        return None
    for step in map(Step, at.device.order):
        if step == wanted:
            return None
        if at.state.status(at.call.device, step) == StepStatus.TODO:
            return {"label": STEP_TITLES[step], "step": str(step)}
    return None


def _not_again(at: Situation) -> Verdict:
    step = at.operation.also or at.operation.step
    if not at.operation.completes or step is None or step == Step.MEDIUM_CAR_KEY:
        return None
    if at.device.owed or at.state.status(at.call.device, step) != StepStatus.ALREADY_DONE:
        return None
    return {"label": STEP_TITLES[step], "step": str(step)}


def _short_way_open(at: Situation) -> Verdict:
    registered = at.state.status(at.call.device, Step.TRUSTED_PHONE) == StepStatus.ALREADY_DONE
    enrolled = at.state.status(at.call.device, Step.DEVICE_ACTIVATION) == StepStatus.ALREADY_DONE
    return {} if at.operation.id == "enrol_with_phone" and registered and not enrolled else None


def _reset_after(at: Situation) -> Verdict:
    touched = at.operation.id in (*LISTS, "next_step", *OTPS) or at.operation.completes
    if not touched or (at.operation.id in LISTS and at.call.resets):
        return None
    return next(({"code": code} for _of, code in at.owed(Handling.RESET)), None)


def _removed_after(at: Situation) -> Verdict:
    if at.operation.id not in (*ENROLS, "sms_for_enrolment"):
        return None
    return next(({"code": code} for _of, code in at.owed(Handling.REMOVE)), None)


def _same_again(handling: Handling) -> Callable[[Situation], Verdict]:
    """A rule against making the same call again while something else is due."""

    def check(at: Situation) -> Verdict:
        return next(({"code": code} for of, code in at.owed(handling) if of == at.call.identity), None)

    return check


def _changed_after(at: Situation) -> Verdict:
    for of, debt in at.device.owed.items():
        same = of == at.operation.id and debt.fingerprint and debt.fingerprint == at.call.fingerprint
        if same and debt.handling in (Handling.CHANGE, Handling.DONE):
            return {"code": debt.code}
    return None


def _listed_after(at: Situation) -> Verdict:
    if at.operation.id not in ("steps_again", "next_step"):
        return None
    for of, debt in at.device.owed.items():
        if debt.handling == Handling.LISTING and of == at.operation.id and debt.fingerprint == at.call.fingerprint:
            return {"code": debt.code}
    return None


def _new_code_after(at: Situation) -> Verdict:
    if at.operation.id not in SENDS_CODE:
        return None
    return next(({"code": code} for _of, code in at.owed(Handling.SMS)), None)


def _code_was_asked_for(at: Situation) -> Verdict:
    if at.operation.id not in SENDS_CODE or any(at.owed(Handling.SMS)):
        return None
    wanted = {"reset_pin": "pin", "check_sms": "enrolment"}.get(at.operation.id, "phone")
    return None if at.device.sms == wanted else {}


def _otp_once(at: Situation) -> Verdict:
    return {"times": at.device.otp_failures} if at.operation.id in OTPS and at.device.otp_failures > 1 else None


def _not_blocked(at: Situation) -> Verdict:
    told = at.device.told.get("account") == BLOCKED and at.state.blocked is not False
    return {} if told and at.operation.id in (*ENROLS, "sms_for_enrolment") else None


def _carkey_once(at: Situation) -> Verdict:
    active = at.state.carkey(at.call.device).status == CarKeyStatus.ACTIVE
    return {} if at.operation.id == "activate_carkey" and active else None


def _carkey_checked(at: Situation) -> Verdict:
    key = at.state.carkey(at.call.device)
    fresh = not key.checked and key.status != CarKeyStatus.ACTIVE
    return {} if at.operation.id == "activate_carkey" and fresh else None


def _carkey_in_time(at: Situation) -> Verdict:
    key = at.state.carkey(at.call.device)
    until = spellings.instant(key.until)
    if at.operation.id != "activate_carkey" or key.status != CarKeyStatus.SUSPENDED or not (until and at.now):
        return None
    return {"until": key.until} if at.now > until else None


def _vehicle_selected(at: Situation) -> Verdict:
    carkey = at.operation.api == sdk.CARKEY_API
    return {} if carkey and at.version and at.version >= (2, 3) and not at.device.vehicle else None


def _version_has_it(at: Situation) -> Verdict:
    if at.version is None or at.version >= at.operation.since:
        return None
    return {"since": ".".join(map(str, at.operation.since)), "version": ".".join(map(str, at.version))}


def _parameter_gone(at: Situation) -> Verdict:
    if at.version is None:
        return None
    gone = [one.name for one in at.operation.parameters if at.version > one.until and one.name in at.call.parameters]
    return {"parameter": gone[0], "version": ".".join(map(str, at.version))} if gone else None


def _parameters_there(at: Situation) -> Verdict:
    """Without a version, a parameter is asked for only if all versions want it."""
    wanted = [
        one.name
        for one in at.operation.takes(at.version or sdk.NEWEST, at.platform)
        if one.required and one.name not in at.call.parameters
    ]
    return {"parameter": wanted[0]} if wanted else None


def _parameters_typed(at: Situation) -> Verdict:
    for one in at.operation.parameters:
        value = at.call.parameters.get(one.name)
        if value is None:
            continue
        if one.type == Type.BOOLEAN and not isinstance(value, bool):
            return {"parameter": one.name, "wanted": "true, false"}
        if one.type == Type.TEXT and not isinstance(value, str):
            return {"parameter": one.name, "wanted": '"…"'}
        if one.one_of and value not in one.one_of:
            return {"parameter": one.name, "wanted": ", ".join(one.one_of)}
    return None


def _vin_whole(at: Situation) -> Verdict:
    vin = at.call.parameters.get("vin")
    return {"length": len(vin.strip())} if isinstance(vin, str) and len(vin.strip()) != 17 else None


def _api_spelt(at: Situation) -> Verdict:
    return {"written": f"“{at.api}”", "wanted": at.call.api} if at.api and at.api != at.call.api else None


def _parameters_spelt(at: Situation) -> Verdict:
    names = {one.name for one in at.operation.parameters}
    for written in at.names:
        name = spellings.name(written)
        if name in names and written != name:
            return {"written": f"“{written}”", "wanted": name}
    return None


def _not_twice(at: Situation) -> Verdict:
    return {"api": at.call.api} if at.call.method == "subscribe" and at.call.api in at.device.subscriptions else None


ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

RULES: tuple[Rule, ...] = (
    Rule("api_misspelt", WARNING, "carkey; steps: Cache", _api_spelt),
    Rule("parameter_misspelt", WARNING, "steps: Steps Status, Cache", _parameters_spelt),
    Rule("parameter_missing", ERROR, "reference: each call", _parameters_there),
    Rule("parameter_type", WARNING, "reference: each call", _parameters_typed),
    Rule("vin_length", WARNING, "carkey: Check Carkey status", _vin_whole),
    Rule("version_too_old", ERROR, "changelog", _version_has_it),
    Rule("parameter_gone", WARNING, "changelog: 2.3", _parameter_gone),
    Rule("first_by_association", ERROR, "steps: First List Request", _first_by_association),
    Rule("steps_id_shared", ERROR, "steps: Update the List", _not_shared),
    Rule("steps_id_unknown", ERROR, "steps: Update the List", _steps_id_known),
    Rule("out_of_order", ERROR, "steps: Steps Order", _in_order),
    Rule("done_already", WARNING, "steps: Steps Status", _not_again),
    Rule("short_way_closed", ERROR, "enrolment: Enrollment Process", _short_way_open),
    Rule("code_not_asked_for", WARNING, "enrolment: 4 and 5", _code_was_asked_for),
    Rule("account_is_blocked", ERROR, "enrolment: 2", _not_blocked),
    Rule("reset_missing", ERROR, "steps: Cache; otp: Error 2317 & 2312", _reset_after),
    Rule("otp_again_and_again", WARNING, "otp: Error 2317 & 2312", _otp_once),
    Rule("removal_missing", ERROR, "enrolment: 8 and A", _removed_after),
    Rule("pin_missing", ERROR, "otp: When should I request an OTP?", _same_again(Handling.PIN), elsewhere=True),
    Rule("sign_in_missing", ERROR, "steps: Security", _same_again(Handling.SIGN_IN), elsewhere=True),
    Rule("phone_missing", ERROR, "enrolment: 3", _same_again(Handling.PHONE)),
    Rule("new_code_missing", ERROR, "enrolment: 4 and 5", _new_code_after),
    Rule("listing_missing", ERROR, "steps: Update the List", _listed_after),
    Rule("repeated_unchanged", WARNING, "reference: Errors", _changed_after),
    Rule("vehicle_not_selected", ERROR, "changelog: 2.3", _vehicle_selected),
    Rule("carkey_not_checked", WARNING, "carkey: Check Carkey status", _carkey_checked),
    Rule("carkey_again", ERROR, "carkey: Activate CarKey", _carkey_once),
    Rule("carkey_too_late", ERROR, "reference: get pims.vehicle.carkey", _carkey_in_time),
    Rule("subscribed_twice", WARNING, "reference: Errors", _not_twice, elsewhere=True),
)
"""The rules about one call, in the order in which they are told."""

FORM: tuple[Rule, ...] = RULES[:7]
"""Those about a call's own words, which hold in every state."""

BY_CODE: Mapping[str, Rule] = {rule.code: rule for rule in RULES}

_NO_OPERATION = Operation("other", sdk.Method.SUBSCRIBE, "", "", "")


def situation(
    state: State,
    call: Call,
    now: datetime | None = None,
    version: sdk.Version | None = None,
    platform: str = "",
    api: str = "",
    names: tuple[str, ...] = (),
) -> Situation:
    """Return the situation of a call."""
    return Situation(state, call, call.operation or _NO_OPERATION, now, version, platform, api, names)


def broken(at: Situation, rules: tuple[Rule, ...] = RULES) -> list[Finding]:
    """Return a finding for each rule that a call breaks, in the order of the table; its field is the API."""
    findings = []
    for rule in rules:
        verdict = rule.check(at) if at.call.operation or rule.elsewhere else None
        if verdict is not None:
            params = {"device": at.call.device, **verdict}
            findings.append(Finding(rule.code, rule.severity, at.call.api, params=params))
    return findings
