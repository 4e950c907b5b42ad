"""A recorded trace of calls and messages, checked line by line by the machine that drives the rehearsal.

The format is JSON lines: docs/SDK_TRACES.md. A trace is read as a stream, bounded in bytes, lines and line length, and
each line is masked before any of it is kept.
"""

import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO, Any

from onboarding.findings import Finding, Severity
from onboarding.mobile import rules, sdk, spellings, tolerant
from onboarding.mobile.errors import BY_NUMBER
from onboarding.mobile.machine import PATHS, Call, State, advance
from onboarding.mobile.masking import cleaned, masked
from onboarding.mobile.outcomes import EVENT, NO_NUMBER, Outcome, hear
from onboarding.mobile.sdk import EVERYWHERE, CarKeyStatus

MAX_BYTES = 10 * 1024 * 1024
MAX_LINE = 64 * 1024
"""Bytes; a longer line is named and gone past."""
MAX_LINES = 100_000
MAX_FINDINGS = 1_000
"""So many are kept; further ones are counted."""
MAX_OPEN = 100
"""So many calls can wait for their message at a time."""
MAX_NAMES = 100
"""So many phones, and so many accounts, are told apart."""
MAX_DEVICE_NAME = 64

NOBODY = "device"
"""The phone of lines that name none."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a trace shows.

    findings: in the order of the lines; each has the parameters line and column. further: how many were not kept.
    lines, calls, messages: how many there were. devices: the phones, in the order of their first line.
    readable: whether there was a trace at all.
    """

    findings: tuple[Finding, ...]
    further: int
    lines: int
    calls: int
    messages: int
    devices: tuple[str, ...]
    readable: bool

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong; notes are not wrong."""
        return self.readable and not self.further and all(one.severity == Severity.NOTE for one in self.findings)


@dataclass(slots=True)
class _Open:
    """A call whose message has not come yet."""

    call: Call
    line: int
    number: str


@dataclass(slots=True)
class _Account:
    """One account's state, and on which line an error came that is still owed, by phone and call."""

    state: State = field(default_factory=State)
    owed_since: dict[str, dict[str, int]] = field(default_factory=dict)
    suspended_at: dict[str, int] = field(default_factory=dict)


FIELDS: Mapping[str, str] = {
    "trace": "version of the format",
    "sdk": "version of the SDK",
    "platform": "kotlin or swift",
    "at": "time",
    "account": "account",
    "device": "phone",
    "id": "number of the call",
    "call": "method",
    "api": "API",
    "parameters": "parameters",
    "message": "message",
}
"""What a line can have; all else is kept out and named once."""


class Checker:
    """One check: `feed()` it lines, then take the `report()`."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.further = 0
        self.lines = self.calls = self.messages = self.events = 0
        self.accounts: dict[str, _Account] = {}
        self.open: dict[str, list[_Open]] = {}
        self.devices: dict[str, None] = {}
        self.version: sdk.Version | None = None
        self.platform = ""
        self.now: datetime | None = None
        self.told: set[str] = set()

    def note(
        self, code: str, severity: Severity, line: int, field: str = "trace", found: str = "", **params: str | int
    ) -> None:
        """Keep a finding about a line."""
        self._keep(Finding(code, severity, field, found, params={"line": line, "column": 1, **params}))

    def once(self, code: str, severity: Severity, line: int, field: str = "trace", found: str = "") -> None:
        """Keep a finding about the first line that it holds for."""
        if (code + found) not in self.told and len(self.told) < MAX_FINDINGS:
            self.told.add(code + found)
            self.note(code, severity, line, field, found)

    def _keep(self, finding: Finding) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)
        elif finding.severity != Severity.NOTE:
            self.further += 1

    def feed(self, raw: bytes) -> None:
        """Look at one line, without its end. Raises nothing."""
        self.lines += 1
        number = self.lines
        if len(raw) > MAX_LINE:
            self.note("trace_line_too_long", Severity.ERROR, number, found=str(len(raw)))
            return
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            self.note("trace_not_utf8", Severity.ERROR, number)
            return
        if not text.strip():
            return
        line = self._parsed(text, number)
        if line is not None:
            self._line(line, number)

    def _parsed(self, text: str, number: int) -> dict[str, Any] | None:
        """Return a line's object: by the standard library where it can, else by the reader that is tolerant."""
        try:
            value = cleaned(json.loads(text))
        except (ValueError, RecursionError):
            text = masked(text)
            document = tolerant.parse(text)
            trouble = document.trouble
            if document.root is None or trouble is not None:
                place = tolerant.Lines(text).place(trouble.start if trouble else 0)
                params: dict[str, str | int] = {"line": number, "column": place.column}
                self._keep(Finding("trace_line_not_json", Severity.ERROR, "trace", params=params))
                return None
            for oddity in document.oddities:
                self.once("trace_line_tolerated", Severity.NOTE, number, found=oddity.code)
            value = tolerant.plain(document.root)
        if not isinstance(value, dict):
            self.note("trace_line_not_object", Severity.ERROR, number)
            return None
        return value

    def _line(self, line: dict[str, Any], number: int) -> None:
        for name in line:
            if name not in FIELDS:
                self.once("trace_field_unknown", Severity.NOTE, number, found=str(name)[:40])
        if "trace" in line or "sdk" in line or "platform" in line:
            self._header(line, number)
        self._time(line, number)
        device = self._name(line.get("device"), NOBODY, self.devices)
        account = self._name(line.get("account"), "", self.accounts)
        known = self.accounts.setdefault(account, _Account())
        if "call" in line or "api" in line:
            self._call(line, number, known, f"{account}\n{device}", device)
        if "message" in line:
            self._message(line, number, known, f"{account}\n{device}")
        if not line.keys() & {"call", "api", "message", "trace", "sdk", "platform"}:
            self.note("trace_line_unknown", Severity.ERROR, number)

    def _name(self, value: object, default: str, known: Mapping[str, object]) -> str:
        """Return a short name; all beyond a number of them are one, so that state stays bounded."""
        name = spellings.identifier(value)[:MAX_DEVICE_NAME] or default
        name = "".join(letter if letter.isprintable() else "�" for letter in name)
        if name not in known and len(known) >= MAX_NAMES:
            return "…"
        return name

    def _header(self, line: dict[str, Any], number: int) -> None:
        if "trace" in line and spellings.number(line["trace"]) != 1:
            self.note("trace_version_unknown", Severity.WARNING, number, found=str(line["trace"])[:40])
        if "sdk" in line:
            self.version = sdk.version(spellings.identifier(line["sdk"]))
            if self.version is None:
                self.note("trace_sdk_unknown", Severity.WARNING, number, found=str(line["sdk"])[:40])
        if "platform" in line:
            platform = spellings.identifier(line["platform"]).casefold()
            self.platform = {"android": "kotlin", "ios": "swift"}.get(platform, platform)

    def _time(self, line: dict[str, Any], number: int) -> None:
        if "at" not in line:
            if line.keys() & {"call", "message"}:
                self.once("trace_time_missing", Severity.NOTE, number)
            return
        now = spellings.instant(line["at"])
        if now is None:
            self.once("trace_time_wrong", Severity.WARNING, number, found=str(line["at"])[:40])
        elif self.now is not None and now < self.now:
            self.note("trace_time_backwards", Severity.WARNING, number)
        self.now = now if now is not None and (self.now is None or now > self.now) else self.now

    def _call(self, line: dict[str, Any], number: int, account: _Account, key: str, device: str) -> None:
        method, api = line.get("call"), line.get("api")
        if not isinstance(method, str) or not spellings.method(method) or not isinstance(api, str) or not api.strip():
            self.note("trace_call_incomplete", Severity.ERROR, number)
            return
        given = line.get("parameters")
        parameters = given if isinstance(given, dict) else {}
        if given is not None and not isinstance(given, dict):
            self.note("trace_parameters_wrong", Severity.ERROR, number)
        self.calls += 1
        self.devices.setdefault(device)
        call = Call.of(device, method, api, parameters)
        if call.operation is None and call.api in sdk.APIS and call.method in ("get", "set"):
            self.note("call_unknown", Severity.WARNING, number, call.api, call.api)
        at = rules.situation(
            account.state, call, self.now, self.version, self.platform, api, tuple(str(name) for name in parameters)
        )
        for finding in rules.broken(at):
            self._keep(replace(finding, params={"line": number, "column": 1, **finding.params}))
        waiting = self.open.setdefault(key, [])
        waiting.append(_Open(call, number, spellings.identifier(line.get("id"))))
        if len(waiting) > MAX_OPEN:
            waiting.pop(0)

    def _message(self, line: dict[str, Any], number: int, account: _Account, key: str) -> None:
        message = line["message"]
        if isinstance(message, str):
            document = tolerant.parse(message)
            message = tolerant.plain(document.root) if document.root is not None else None
        if not isinstance(message, dict):
            self.note("trace_message_unreadable", Severity.ERROR, number)
            return
        self.messages += 1
        status = message.get("status")
        if isinstance(status, str) and status.strip().upper() == EVENT:
            self.events += 1
            return
        of = self._answered(key, spellings.identifier(line.get("id")))
        if of is None:
            self.note("message_without_call", Severity.WARNING, number)
            return
        self._learn(account, of, hear(message), number)

    def _answered(self, key: str, number: str) -> _Open | None:
        """Return the call that a message belongs to: the one of its id, else the latest that waits."""
        waiting = self.open.get(key, [])
        for index in range(len(waiting) - 1, -1, -1):
            if not number or waiting[index].number == number:
                return waiting.pop(index)
        return None

    def _learn(self, account: _Account, of: _Open, outcome: Outcome, number: int) -> None:
        operation = of.call.operation
        if outcome.code and outcome.code not in BY_NUMBER:
            found = "" if outcome.code == NO_NUMBER else str(outcome.code)
            self.note("error_code_unknown", Severity.NOTE, number, of.call.api, found)
        elif outcome.code and operation and outcome.code not in operation.errors | EVERYWHERE:
            self.note("error_not_documented", Severity.NOTE, number, of.call.api, str(outcome.code))
        account.state = advance(account.state, of.call, outcome)
        device = account.state.device(of.call.device)
        since = account.owed_since.get(of.call.device, {})
        account.owed_since[of.call.device] = {call: since.get(call, number) for call in device.owed}
        if operation and operation.id == "carkey_status":
            account.suspended_at[device.vehicle] = number

    def stop(self, code: str) -> None:
        """End before the trace does, since it is larger than what is looked into."""
        self.note(code, Severity.ERROR, self.lines + 1)

    def report(self) -> Report:
        """Return what was found, once the last line has been fed."""
        readable = self.calls + self.messages > 0
        if not readable:
            self.note("trace_empty", Severity.ERROR, max(self.lines, 1))
        for account in self.accounts.values():
            self._leftovers(account)
        for waiting in self.open.values():
            for one in waiting:
                if one.call.method in ("get", "set"):
                    self.note("call_without_message", Severity.NOTE, one.line, one.call.api, device=one.call.device)
        findings = sorted(self.findings, key=lambda finding: int(finding.params["line"]))
        return Report(
            tuple(findings), self.further, self.lines, self.calls, self.messages, tuple(self.devices), readable
        )

    def _leftovers(self, account: _Account) -> None:
        """What is still open at the end: errors that nobody handled, suspended CarKeys whose date has passed."""
        for name, device in account.state.devices.items():
            for call, owed in device.owed.items():
                if owed.handling not in PATHS:
                    continue
                severity = Severity.WARNING if owed.strayed else Severity.NOTE
                code = "error_not_handled" if owed.strayed else "ends_with_error"
                line = account.owed_since.get(name, {}).get(call, self.lines)
                self.note(code, severity, line, "error", str(owed.code), device=name)
        for vehicle, key in account.state.carkeys.items():
            until = spellings.instant(key.until)
            late = until is not None and self.now is not None and self.now > until
            if key.status == CarKeyStatus.SUSPENDED and late:
                line = account.suspended_at.get(vehicle, self.lines)
                self.note("carkey_not_reactivated", Severity.ERROR, line, sdk.CARKEY_API, until=key.until)


def check(trace: bytes | str | IO[bytes]) -> Report:
    """Check a trace: JSON lines, as a stream or whole. Raises nothing but what the stream raises.

    Looks into at most MAX_BYTES and MAX_LINES of it, and says so where there is more; no more is read, and never more
    than a line is held.
    """
    if isinstance(trace, str):
        trace = tolerant.whole(trace).encode()
    stream = io.BytesIO(trace) if isinstance(trace, bytes) else trace
    checker = Checker()
    size, within_line = 0, False
    while piece := stream.readline(MAX_LINE + 2):
        size += len(piece)
        if size > MAX_BYTES:
            checker.stop("trace_too_large")
            break
        if checker.lines >= MAX_LINES:
            checker.stop("trace_too_many_lines")
            break
        if not within_line:
            checker.feed(piece.rstrip(b"\r\n"))
        within_line = not piece.endswith(b"\n")
    return checker.report()


MAX_EXCERPT = 240
"""Characters."""


def excerpts(trace: IO[bytes], lines: Collection[int]) -> dict[int, str]:
    """Return these lines of a trace, without secrets and not too long, by their numbers. They count as in `check`."""
    found: dict[int, str] = {}
    number, within_line = 0, False
    while len(found) < len(lines) and (piece := trace.readline(MAX_LINE + 2)):
        if not within_line:
            number += 1
            if number in lines:
                found[number] = _excerpt(piece)
        within_line = not piece.endswith(b"\n")
    return found


def _excerpt(raw: bytes) -> str:
    text = raw[:MAX_LINE].decode("utf-8", "replace").strip("\ufeff \t\r\n")
    try:
        text = json.dumps(cleaned(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = masked(text[: 16 * MAX_EXCERPT])
    shown = "".join(letter if letter.isprintable() else " " for letter in tolerant.whole(text[: MAX_EXCERPT + 1]))
    return shown if len(shown) <= MAX_EXCERPT else f"{shown[: MAX_EXCERPT - 1]}…"


def record(
    call: Call, message: Mapping[str, Any], at: datetime, number: int, account: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two lines of a trace that a call and its message make, as plain values without secrets."""
    common: dict[str, Any] = {"at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "device": call.device}
    if account:
        common["account"] = account
    common["id"] = number
    asked = {**common, "call": call.method, "api": call.api, "parameters": dict(call.parameters)}
    return cleaned(asked), cleaned({**common, "message": dict(message)})
