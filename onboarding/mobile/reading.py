"""What one message of the SDK says: which it is, what it means, what to call next, and what is wrong with it.

`read()` takes whatever an app was handed, or its developer pasted: a message in any of the documents' spellings, its
result alone, a call in Kotlin or Swift, the body or the answer of the virtual-key token. Secrets are masked before
anything else looks at the text; only the masked text is kept.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.findings import Finding, Severity
from onboarding.mobile import calls, errors, rules, spellings, tolerant
from onboarding.mobile.masking import MASK, masked
from onboarding.mobile.outcomes import EVENT, FAILED, STATUSES, SUCCEEDED, Kind, Outcome, StepState, hear
from onboarding.mobile.sdk import STEP_CALLS, CarKeyStatus, Step, StepStatus
from onboarding.mobile.tolerant import Lines, Place, Value

CALL = "call"
"""The kind of a reading whose text is a call, not a message."""

MAX_SHOWN = 200
"""So many characters of a value are shown."""
MAX_FIELDS = 500


@dataclass(frozen=True, slots=True)
class Field:
    """One value of the message. path: where it stands ("result.stepsID"), as written; name: its one name.

    shown: the value as text, without secrets, at most MAX_SHOWN characters. known: whether the documents have it.
    """

    path: str
    name: str
    shown: str
    place: Place
    known: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says.

    text: it, without secrets. kind: a `Kind`, or CALL; empty where nothing could be read. meaning: what it says, in
    which state the user is, and, as its remedy, what to do; None where nothing could be read. next: calls to make next,
    by their ids, the first first. findings: what is wrong, suspicious or tolerated, in the order of the text; each has
    the parameters line, column and offset. steps: the steps it lists, in the order to do them.
    """

    text: str
    kind: str
    transaction: str
    outcome: Outcome | None
    meaning: Finding | None
    next: tuple[str, ...]
    fields: tuple[Field, ...]
    steps: tuple[StepState, ...]
    findings: tuple[Finding, ...]

    @property
    def readable(self) -> bool:
        """Whether there was a message, and all of it."""
        return bool(self.kind) and not any(finding.code in UNREADABLE for finding in self.findings)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong with it, and nothing suspicious; what is only tolerated is not wrong."""
        return self.readable and all(finding.severity == Severity.NOTE for finding in self.findings)


UNREADABLE: frozenset[str] = frozenset(
    {
        *("empty", "not_json", "not_text", "too_large", "too_deep", "too_many"),
        *("cut_off", "string_not_closed", "unexpected", "value_missing", "not_a_message", "nothing_known"),
    }
)
"""Findings after which no message is left to explain, or not all of one."""

_NOTED: frozenset[str] = frozenset(
    {"comment", "quotation_marks", "literal_spelling", "name_bare", "text_before", "text_after"}
)
"""Ways of writing that the documents' examples and their pages have, so that nothing is wrong with them."""


def read(text: str | bytes, now: datetime | None = None) -> Reading:
    """Read one message. Raises nothing, whatever it is given.

    text: at most 65,536 characters of it are looked into. now: an aware datetime, to tell whether a date has passed.
    """
    if isinstance(text, bytes):
        plain = _decoded(text)
        if plain is None:
            place = Place(0, 1, 1)
            return _nothing("", Finding("not_text", Severity.ERROR, "file", params=place.params()))
        text = plain
    return _Reader(masked(text[: tolerant.MAX_CHARACTERS + 1]), now).reading()


def _decoded(data: bytes) -> str | None:
    if len(data) > tolerant.MAX_CHARACTERS * 4:  # too large in any case, and possibly cut within a letter
        return data[: tolerant.MAX_CHARACTERS * 4].decode("utf-8", "replace")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _nothing(text: str, *findings: Finding) -> Reading:
    return Reading(text, "", "", None, None, (), (), (), findings)


Complaint = tuple[str, Severity, str] | None
"""What is the matter with a value: code, severity, what was expected. None: nothing."""


def _boolean(value: Value) -> Complaint:
    if isinstance(value.plain, bool):
        return None
    if spellings.boolean(value.plain) is not None:
        return "boolean_as_text", Severity.NOTE, "true, false"
    return "type_wrong", Severity.ERROR, "true, false"


def _number(value: Value) -> Complaint:
    if value.kind == "number" and isinstance(value.plain, int):
        return None
    if spellings.number(value.plain) is not None:
        return "number_as_text", Severity.NOTE, "123"
    return "type_wrong", Severity.ERROR, "123"


def _identifier(value: Value) -> Complaint:
    if value.kind == "number":
        return "id_as_number", Severity.NOTE, f'"{value.plain}"'
    return None if spellings.identifier(value.plain) else ("type_wrong", Severity.ERROR, '"…"')


def _text(value: Value) -> Complaint:
    return None if value.kind in ("string", "word") else ("type_wrong", Severity.ERROR, '"…"')


def _written(value: Value) -> Complaint:
    """PINs, codes and phone numbers: text, but the reference types them as numbers."""
    return None if value.kind in ("string", "number", "word") else ("type_wrong", Severity.ERROR, '"…"')


def _date(value: Value) -> Complaint:
    if spellings.instant(value.plain) is not None:
        return None
    return "date_wrong", Severity.WARNING, "2030-01-31T08:00:00.000Z"


def _vin(value: Value) -> Complaint:
    length = len(value.plain.strip()) if isinstance(value.plain, str) else 0
    if length == 18:
        return "vin_of_18", Severity.NOTE, "17"
    return None if length == 17 else ("vin_wrong", Severity.WARNING, "17")


def _seconds(value: Value) -> Complaint:
    if value.kind == "string" and spellings.number(value.plain) is not None:
        return None
    if value.kind == "number" and isinstance(value.plain, int) and value.plain >= 0:
        return "seconds_as_number", Severity.NOTE, f'"{value.plain}"'
    return "type_wrong", Severity.ERROR, '"3600"'


def _one_of(read_as: Callable[[object], object], *wanted: str) -> Callable[[Value], Complaint]:
    def check(value: Value) -> Complaint:
        known = read_as(value.plain) is not None
        return None if known else ("value_unknown", Severity.WARNING, ", ".join(wanted))

    return check


def _object(value: Value) -> Complaint:
    return None if value.kind == "object" else ("type_wrong", Severity.ERROR, "{…}")


_BLOCKED_VALUES = ("NotBlocked", "PinBlocked", "AccountBlocked", "Unknown", "false")

FIELDS: Mapping[str, Callable[[Value], Complaint]] = {
    "transactionId": _text,
    "status": _text,
    "result": lambda value: None,
    "error": _object,
    "code": _number,
    "label": _text,
    "stepsID": _identifier,
    **dict.fromkeys(map(str, Step), lambda value: None),  # an object, or, as trustedphoneNumber, a number or null
    "name": _text,
    "order": _number,
    "isCarKeyVerified": _boolean,
    "cvsStatus": _one_of(spellings.carkey_status, *CarKeyStatus),
    "maxReactivationDate": _date,
    "hasCarKey": _boolean,
    "vin": _vin,
    "securityCode": _text,
    "securityExpiration": _date,
    "isDeviceActivated": _boolean,
    "isAccountBlocked": _one_of(spellings.blocked, *_BLOCKED_VALUES),
    "phoneNumber": _written,
    "otp": _written,
    "username": _text,
    "token": _object,
    "access_token": _text,
    "token_signature": _text,
    "token_type": _one_of(lambda kind: str(kind).casefold() == "bearer" or None, "bearer"),
    "expires": _date,
    "expires_in": _seconds,
    "carToken": _object,
    "CarData": _text,
    "CarData_signature": _text,
    "duration": _seconds,
}
"""Every documented field of a message, and what its value has to be. null is allowed everywhere."""


class _Reader:
    """One reading of a text that holds no secret any more."""

    def __init__(self, text: str, now: datetime | None) -> None:
        self.text = text
        self.now = now
        self.lines = Lines(text)
        self.findings: list[Finding] = []

    def note(
        self, code: str, severity: Severity, at: int, field: str = "", found: str = "", expected: str = ""
    ) -> None:
        place = self.lines.place(min(at, len(self.text)))
        self.findings.append(Finding(code, severity, field, _shown(found), expected, place.params()))

    def reading(self) -> Reading:
        call = calls.find(self.text)
        if call is not None:
            return self._of_call(call)
        document = tolerant.parse(self.text)
        for oddity in document.oddities:
            severity = Severity.NOTE if oddity.code in _NOTED else Severity.WARNING
            if oddity.fatal or oddity.code == "second_message":
                severity = Severity.ERROR
            self.note(oddity.code, severity, oddity.start, "file", oddity.found)
        root = document.root
        if root is None:
            return _nothing(self.text, *self.findings)
        if root.kind == "array" and document.trouble is None:
            root = self._of_array(root)
        if root is None or root.kind != "object":
            return _nothing(self.text, *self.findings)
        return self._of_message(root)

    def _of_array(self, root: Value) -> Value | None:
        """Take the first message of a list of them."""
        first = next((value for value in root.items if value.kind == "object"), None)
        if first is None:
            self.note("not_a_message", Severity.ERROR, root.start, "file", str(len(root.items)))
        elif len(root.items) > 1:
            following = root.items[root.items.index(first) + 1 :] or root.items
            self.note("second_message", Severity.ERROR, following[0].start, "file")
        return first

    def _of_call(self, written: calls.Written) -> Reading:
        call = written.call
        at = rules.situation(rules.State(), call, api=written.api, names=tuple(written.names))
        for finding in rules.broken(at, rules.FORM):
            where = written.names.get(str(finding.params.get("written", "")).strip("“”"), written.at)
            params = {name: value for name, value in finding.params.items() if name != "device"}
            self.findings.append(replace(finding, params={**self.lines.place(where).params(), **params}))
        operation = call.operation
        if operation is None:
            meaning = Finding("call_elsewhere", Severity.NOTE, call.api, found=call.api)
            return Reading(self.text, CALL, "", None, meaning, (), (), (), tuple(self.findings))
        meaning = Finding("call_read", Severity.NOTE, call.api, found=call.api, params={"label": operation.title})
        return Reading(self.text, CALL, "", None, meaning, (operation.id,), (), (), tuple(self.findings))

    def _of_message(self, root: Value) -> Reading:
        outcome = hear(tolerant.plain(root))
        fields = tuple(self._fields(root))
        if outcome.kind == Kind.UNKNOWN and not any(field.known for field in fields):
            self.note("nothing_known", Severity.ERROR, root.start, "file")
        if any(finding.code in UNREADABLE for finding in self.findings):
            return replace(_nothing(self.text, *self._sorted()), fields=fields)
        top = _members(root)
        self._envelope(top, outcome)
        self._steps(root)
        self._carkey(outcome, root)
        steps = tuple(sorted(outcome.steps, key=lambda one: (_rank(one), list(Step).index(one.step))))
        meaning, following = mean(outcome, self.now)
        transaction = top["transactionId"][1].plain if "transactionId" in top else ""
        return Reading(
            self.text,
            str(outcome.kind),
            transaction if isinstance(transaction, str) else "",
            outcome,
            meaning,
            following,
            fields,
            steps,
            self._sorted(),
        )

    def _sorted(self) -> tuple[Finding, ...]:
        return tuple(sorted(self.findings, key=lambda finding: int(finding.params["offset"])))

    def _fields(self, root: Value) -> Iterator[Field]:
        """Yield every value, with what is the matter with it and with its name noted."""
        todo: list[tuple[str, Value]] = [("", root)]
        count = 0
        while todo:
            path, value = todo.pop(0)
            seen: set[str] = set()
            for written, inner in value.members:
                count += 1
                if count > MAX_FIELDS:
                    return
                text = str(written.plain)
                where = _shown(f"{path}.{text}" if path else text)
                name = spellings.name(text)
                self._name(where, text, name, written, seen)
                known = name in FIELDS
                if known and inner.plain is None and inner.kind == "literal":
                    pass
                elif known:
                    complaint = FIELDS[name](inner)
                    if complaint:
                        code, severity, expected = complaint
                        self.note(code, severity, inner.start, where, self._as_written(inner), expected)
                yield Field(where, _shown(name), _shown(self._as_written(inner)), self.lines.place(inner.start), known)
                if inner.kind in ("object", "array"):
                    todo.append((where, inner))
            for index, inner in enumerate(value.items):
                if inner.kind in ("object", "array"):
                    todo.append((f"{path}[{index}]", inner))

    def _name(self, where: str, text: str, name: str, written: Value, seen: set[str]) -> None:
        if name in seen:
            self.note("name_twice", Severity.WARNING, written.start, where, text)
        seen.add(name)
        if name not in FIELDS:
            self.note("field_unknown", Severity.NOTE, written.start, where, text)
        elif text != text.strip():
            self.note("name_blanks", Severity.NOTE, written.start, where, text, name)
        elif not spellings.is_usual(text):
            self.note("name_spelling", Severity.NOTE, written.start, where, text, name)

    def _as_written(self, value: Value) -> str:
        if value.kind in ("object", "array"):
            return "{…}" if value.kind == "object" else f"[{len(value.items)}]"
        return str(value.plain) if value.kind in ("string", "word") else self.text[value.start : value.end]

    def _envelope(self, top: Mapping[str, tuple[Value, Value]], outcome: Outcome) -> None:
        """Look at what every message has: transactionId, status, and a result or an error."""
        if not top.keys() & {"result", "error", "transactionId"}:
            if outcome.kind not in (Kind.VIRTUAL_KEY, Kind.CAR_TOKEN, Kind.UNKNOWN):
                self.note("envelope_missing", Severity.NOTE, 0, "transactionId")
            return
        if "transactionId" not in top:
            self.note("transaction_missing", Severity.WARNING, 0, "transactionId")
        if "status" not in top:
            self.note("status_missing", Severity.WARNING, 0, "status")
            return
        value = top["status"][1]
        status = value.plain.strip().upper() if isinstance(value.plain, str) else ""
        if status not in STATUSES:
            self.note(
                "status_unknown", Severity.ERROR, value.start, "status", self._as_written(value), ", ".join(STATUSES)
            )
        failed = "error" in top and top["error"][1].plain is None and top["error"][1].kind != "object"
        has_error = "error" in top and not failed
        if (status in (SUCCEEDED, EVENT) and has_error) or (status == FAILED and not has_error):
            self.note("status_contradicts", Severity.ERROR, value.start, "status", status)
        if status == SUCCEEDED and "result" not in top and not has_error:
            self.note("result_missing", Severity.NOTE, value.start, "result")
        if has_error:
            self._error(top["error"][1], outcome)

    def _error(self, error: Value, outcome: Outcome) -> None:
        code = _members(error).get("code")
        if code is None:
            self.note("code_missing", Severity.ERROR, error.start, "error.code")
        elif outcome.code not in errors.BY_NUMBER and outcome.code >= 0:
            self.note("code_unknown", Severity.WARNING, code[1].start, "error.code", str(outcome.code))

    def _steps(self, root: Value) -> None:
        """Look at the steps of a list: each its name, its status, a place of its own, and none done before its turn."""
        result = _members(root).get("result")
        container = result[1] if result and result[1].kind == "object" else root
        listed: list[tuple[Step, Value, Mapping[str, tuple[Value, Value]]]] = []
        for name, (_written, value) in _members(container).items():
            step = spellings.step(name)
            if step and value.kind == "object":
                listed.append((step, value, _members(value)))
        orders: dict[int, Step] = {}
        for step, value, parts in listed:
            where = f"{step}"
            if "name" in parts and spellings.step(parts["name"][1].plain) != step:
                self.note(
                    "step_name_differs",
                    Severity.WARNING,
                    parts["name"][1].start,
                    where,
                    self._as_written(parts["name"][1]),
                    str(step),
                )
            if "status" not in parts:
                self.note("step_status_missing", Severity.ERROR, value.start, where)
            elif spellings.step_status(parts["status"][1].plain) is None:
                found = parts["status"][1]
                self.note(
                    "value_unknown",
                    Severity.ERROR,
                    found.start,
                    where,
                    self._as_written(found),
                    ", ".join(StepStatus),
                )
            order = spellings.number(parts["order"][1].plain) if "order" in parts else None
            if order is None:
                if len(listed) > 1:
                    self.note("step_order_missing", Severity.WARNING, value.start, where)
            elif order in orders:
                self.note("step_order_twice", Severity.WARNING, parts["order"][1].start, where, str(order))
            else:
                orders[order] = step
        self._in_order(listed)

    def _in_order(self, listed: list[tuple[Step, Value, Mapping[str, tuple[Value, Value]]]]) -> None:
        def order(one: tuple[Step, Value, Mapping[str, tuple[Value, Value]]]) -> int:
            number = spellings.number(one[2]["order"][1].plain) if "order" in one[2] else None
            return list(Step).index(one[0]) + 1 if number is None else number

        todo: Step | None = None
        for step, value, parts in sorted(listed, key=order):
            status = spellings.step_status(parts["status"][1].plain) if "status" in parts else None
            if status == StepStatus.TODO and todo is None:
                todo = step
            elif status == StepStatus.ALREADY_DONE and todo is not None:
                self.note("step_done_early", Severity.WARNING, value.start, str(step), str(step), str(todo))

    def _carkey(self, outcome: Outcome, root: Value) -> None:
        if outcome.kind != Kind.CARKEY or outcome.flag is None or outcome.carkey is None:
            return
        if outcome.flag != (outcome.carkey == CarKeyStatus.ACTIVE) and outcome.carkey != CarKeyStatus.UNKNOWN:
            self.note(
                "carkey_contradicts",
                Severity.WARNING,
                root.start,
                "isCarKeyVerified",
                str(outcome.flag).lower(),
                str(outcome.carkey),
            )


def _members(value: Value) -> dict[str, tuple[Value, Value]]:
    return {spellings.name(str(name.plain)): (name, inner) for name, inner in value.members}


def _rank(state: StepState) -> int:
    return list(Step).index(state.step) + 1 if state.order is None else state.order


def _shown(text: str) -> str:
    """Return a value for a page: one line, no control characters, not too long."""
    plain = "".join(letter if letter.isprintable() or letter == MASK else "�" for letter in text[: MAX_SHOWN + 1])
    return plain if len(plain) <= MAX_SHOWN else f"{plain[: MAX_SHOWN - 1]}…"


Meaning = tuple[Finding, tuple[str, ...]]

_FOR_CARKEY: Mapping[CarKeyStatus | None, tuple[str, ...]] = {
    CarKeyStatus.ACTIVE: ("next_step",),
    CarKeyStatus.SUSPENDED: ("activate_carkey",),
    CarKeyStatus.DISABLED: ("activate_carkey",),
    CarKeyStatus.UNKNOWN: ("activate_carkey",),
    None: ("carkey_status",),
}

_PLAIN: Mapping[tuple[Kind, bool | None], tuple[str, tuple[str, ...]]] = {
    (Kind.DEVICE, True): ("device_activated", ("next_step",)),
    (Kind.DEVICE, False): ("device_not_activated", ("is_account_blocked", "phone_number")),
    (Kind.DEVICE, None): ("device_unclear", ("is_device_activated",)),
    (Kind.PHONE, True): ("phone_registered", ("sms_for_enrolment",)),
    (Kind.PHONE, False): ("phone_absent", ("sms_for_phone", "add_phone")),
    (Kind.ENROLMENT, True): ("pin_there", ("enrol",)),
    (Kind.ENROLMENT, False): ("pin_absent", ("enrol",)),
    (Kind.CARKEY_ACTIVATED, True): ("carkey_activated", ("next_step",)),
    (Kind.CARKEY_ACTIVATED, False): ("carkey_refused", ("carkey_status",)),
    (Kind.CARKEY_ACTIVATED, None): ("carkey_unclear", ("carkey_status",)),
    (Kind.USER, True): ("signed_in", ()),
    (Kind.USER, False): ("signed_out", ()),
}
"""By kind and flag: what a message means, and the calls to make next."""

_OF_KIND: Mapping[Kind, tuple[str, tuple[str, ...]]] = {
    Kind.NOTHING: ("done_or_nothing_left", ()),
    Kind.OTP: ("otp_given", ()),
    Kind.EVENT: ("event", ()),
    Kind.VIRTUAL_KEY: ("virtual_key", ()),
    Kind.CAR_TOKEN: ("car_token", ()),
    Kind.UNKNOWN: ("message_unknown", ()),
}

_OF_BLOCKED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "not_blocked": ("account_open", ("phone_number",)),
    "pin_blocked": ("account_pin_blocked", ("remove_enrolments",)),
    "account_blocked": ("account_blocked", ("remove_enrolments",)),
}


def mean(outcome: Outcome, now: datetime | None = None) -> Meaning:
    """Return what an outcome means, and the calls to make next. now: to tell whether a date has passed."""
    if outcome.kind in (Kind.STEPS, Kind.NEXT_STEP):
        return _mean_steps(outcome)
    if outcome.kind == Kind.ERROR:
        error = errors.BY_NUMBER.get(outcome.code)
        if error is None:
            return _said("error_unknown"), ()
        return _said(errors.code(error.number), found=str(error.number)), (error.next,) if error.next else ()
    if outcome.kind == Kind.CARKEY:
        return _mean_carkey(outcome, now)
    if outcome.kind == Kind.ACCOUNT:
        code, following = _OF_BLOCKED.get(outcome.blocked, ("account_unclear", ("is_account_blocked",)))
        return _said(code), following
    code, following = _PLAIN.get((outcome.kind, outcome.flag)) or _OF_KIND.get(outcome.kind, _OF_KIND[Kind.UNKNOWN])
    return _said(code), following


def _said(code: str, found: str = "", **params: str | int) -> Finding:
    return Finding(code, Severity.NOTE, "message", found, params=params)


def _mean_steps(outcome: Outcome) -> Meaning:
    todo = sorted((one for one in outcome.steps if one.status == StepStatus.TODO), key=_rank)
    if not todo:
        done = bool(outcome.steps) and all(one.status == StepStatus.ALREADY_DONE for one in outcome.steps)
        return _said("steps_done" if done or not outcome.steps else "steps_unclear"), () if done else ("next_step",)
    step = todo[0].step
    return _said(f"next_is_{step}", left=len(todo)), STEP_CALLS[step]


def _mean_carkey(outcome: Outcome, now: datetime | None) -> Meaning:
    status = outcome.carkey
    if status is None:
        code = "carkey_active" if outcome.flag else "carkey_unclear"
        return _said(code), _FOR_CARKEY[CarKeyStatus.ACTIVE if outcome.flag else None]
    code = f"carkey_{status}"
    until = outcome.until.isoformat(timespec="minutes").replace("+00:00", "Z") if outcome.until else "–"
    if status == CarKeyStatus.SUSPENDED and outcome.until and now and now > outcome.until:
        code = "carkey_suspended_late"
    return _said(code, until=until), _FOR_CARKEY[status]
