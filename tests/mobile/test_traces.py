"""A trace as it is written by hand: its format, what is wrong with it, and how much of it is looked into."""

import io
import json
from typing import Any

import pytest

from onboarding.findings import Severity, explain
from onboarding.mobile import traces
from onboarding.mobile.messages import MESSAGES
from onboarding.mobile.traces import MAX_BYTES, MAX_LINE, MAX_LINES, Report, check

AT = "2030-01-01T08:00:00Z"
HEADER = {"trace": 1, "sdk": "2.3", "platform": "kotlin"}
LISTING = {"carAssociationID": "987654", "resetSteps": False, "stepsStatus": "all"}
ANSWER = {
    "transactionId": "t",
    "status": "SUCCEEDED",
    "result": {"stepsID": 132324, "trustedPhone": {"name": "trustedPhone", "status": "todo", "order": 1}},
}


def call(api: str = "pims.subscription.steps", method: str = "get", **more: Any) -> dict[str, Any]:
    return {"at": AT, "device": "A", "call": method, "api": api, "parameters": LISTING, **more}


def answer(message: Any = None, **more: Any) -> dict[str, Any]:
    return {"at": AT, "device": "A", "message": ANSWER if message is None else message, **more}


def trace(*lines: Any) -> str:
    return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)


def found(report: Report) -> list[tuple[str, object]]:
    for finding in report.findings:
        assert explain(finding, MESSAGES).title
    return [(finding.code, finding.params["line"]) for finding in report.findings]


def test_a_trace_that_is_right_is_clean() -> None:
    report = check(trace(HEADER, call(), answer()))
    assert (found(report), report.clean, report.readable) == ([], True, True)
    assert (report.lines, report.calls, report.messages, report.devices) == (3, 1, 1, ("A",))


def test_a_call_and_its_message_may_stand_on_one_line() -> None:
    assert check(trace(HEADER, {**call(), "message": ANSWER})).clean


def test_a_message_may_be_the_text_that_the_app_was_handed() -> None:
    assert check(trace(HEADER, call(), answer(json.dumps(ANSWER)))).clean
    assert check(trace(HEADER, call(), answer("{ // a comment\n" + json.dumps(ANSWER)[1:]))).clean


def test_messages_find_their_calls_by_id_in_any_order() -> None:
    carkey = call("pims.vehicle.carkey", id=2, parameters={"vin": "VR1AB12C3D4567890"})
    told = {"transactionId": "u", "status": "SUCCEEDED", "result": {"cvsStatus": "active", "isCarKeyVerified": "true"}}
    lines = [call(id=1), carkey, answer(id=1), answer(told, id=2)]
    checker = traces.Checker()
    for line in trace({"trace": 1, "sdk": "2.2"}, *lines).splitlines():
        checker.feed(line.encode())
    assert checker.report().clean
    state = checker.accounts[""].state
    assert (state.device("A").listing, state.carkey("A").status) == ("132324", "active")


def test_accounts_are_told_apart() -> None:
    other = {"stepsID": "132324", "resetSteps": False, "stepsStatus": "all"}
    lines = [call(), answer(), call(device="B", account="other", parameters=other)]
    assert [code for code, _line in found(check(trace(HEADER, *lines)))] == [
        *("first_by_association", "call_without_message")
    ]


def test_events_are_no_answers() -> None:
    event = {"transactionId": "t", "status": "RESULT", "result": {}}
    assert check(trace(HEADER, call(), answer(event), answer())).clean


WRONG: list[tuple[str, int, list[Any]]] = [
    ("trace_line_not_json", 2, [HEADER, "{", call(), answer()]),
    ("trace_line_not_json", 2, [HEADER, "2030-01-01 started", call(), answer()]),
    ("trace_line_not_object", 2, [HEADER, "[1]", call(), answer()]),
    ("trace_line_unknown", 2, [HEADER, {"at": AT}, call(), answer()]),
    ("trace_version_unknown", 1, [{"trace": 2}, call(), answer()]),
    ("trace_sdk_unknown", 1, [{"trace": 1, "sdk": "newest"}, call(), answer()]),
    ("trace_time_wrong", 2, [HEADER, call(at="noon"), answer()]),
    ("trace_time_backwards", 3, [HEADER, call(), answer(at="2029-01-01T00:00:00Z")]),
    ("trace_call_incomplete", 2, [HEADER, {"at": AT, "call": "get"}, call(), answer()]),
    ("trace_call_incomplete", 2, [HEADER, {"at": AT, "call": "fetch", "api": "x"}, call(), answer()]),
    ("trace_parameters_wrong", 2, [HEADER, call("x", parameters=[1]), answer()]),
    ("trace_message_unreadable", 3, [HEADER, call(), answer([1])]),
    ("trace_message_unreadable", 3, [HEADER, call(), answer("done")]),
    ("message_without_call", 4, [HEADER, call(), answer(), answer()]),
    ("message_without_call", 3, [HEADER, call(id=1), answer(id=2), answer(id=1)]),
    ("call_unknown", 2, [HEADER, call("pims.authentication.smscode", parameters={"type": "other"}), answer()]),
    ("trace_line_too_long", 2, [HEADER, " " * MAX_LINE + "{}", call(), answer()]),
]


@pytest.mark.parametrize(("code", "line", "lines"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_wrong_with_a_line_is_named(code: str, line: int, lines: list[Any]) -> None:
    report = check(trace(*lines))
    assert (code, line) in found(report)
    assert (report.clean, report.readable) == (False, True)


NOTED: list[tuple[str, int, list[Any]]] = [
    ("trace_time_missing", 2, [HEADER, {"call": "get", "api": "x"}, {"message": {"status": "SUCCEEDED"}}]),
    ("trace_field_unknown", 2, [HEADER, call(battery=5), answer()]),
    ("trace_line_tolerated", 2, [HEADER, json.dumps(call())[:-1] + ",}", answer()]),
    ("call_without_message", 2, [HEADER, call()]),
    ("error_code_unknown", 3, [HEADER, call(), answer({"status": "FAILED", "error": {"code": 9}})]),
    ("error_not_documented", 3, [HEADER, call(), answer({"status": "FAILED", "error": {"code": "2390"}})]),
    ("ends_with_error", 3, [HEADER, call(), answer({"status": "FAILED", "error": {"code": 2312}})]),
]


@pytest.mark.parametrize(("code", "line", "lines"), NOTED, ids=[row[0] for row in NOTED])
def test_what_is_only_worth_a_note_leaves_a_trace_clean(code: str, line: int, lines: list[Any]) -> None:
    report = check(trace(*lines))
    assert (code, line) in found(report)
    assert report.clean


def test_what_is_no_utf_8_is_named() -> None:
    report = check(trace(HEADER, call(), answer()).encode() + b"\n{\xff}\n")
    assert found(report) == [("trace_not_utf8", 4)]


@pytest.mark.parametrize("nothing", ["", "\n\n", "{}", json.dumps(HEADER), "<html>", "\x00"])
def test_a_file_without_calls_and_messages_is_no_trace(nothing: str) -> None:
    report = check(nothing)
    assert (report.readable, report.clean) == (False, False)
    assert "trace_empty" in [code for code, _line in found(report)]


class Endless(io.RawIOBase):
    """A stream that never ends, and counts what was read of it."""

    def __init__(self, line: bytes) -> None:
        self.line, self.read_bytes = line, 0

    def readline(self, size: int | None = -1) -> bytes:
        piece = self.line[: size if size and size > 0 else None]
        self.read_bytes += len(piece)
        return piece


@pytest.mark.parametrize("line", [b" " * 60_000 + b"\n", b"x" * 10**6], ids=["long lines", "no line ends"])
def test_no_more_is_read_than_is_looked_into(line: bytes) -> None:
    stream = Endless(line)
    report = check(stream)  # type: ignore[arg-type]
    assert MAX_BYTES < stream.read_bytes <= MAX_BYTES + MAX_LINE + 2
    assert "trace_too_large" in [code for code, _line in found(report)]
    assert not report.clean


def test_a_trace_of_too_many_lines_says_where_it_was_left() -> None:
    report = check(trace(call(), answer()) + "\n" * (MAX_LINES + 5))
    assert found(report)[-1] == ("trace_too_many_lines", MAX_LINES + 1)


def test_findings_beyond_a_number_are_counted() -> None:
    report = check(trace(call(), answer(), *["x"] * (traces.MAX_FINDINGS + 7)))
    assert (len(report.findings), report.further, report.clean) == (traces.MAX_FINDINGS, 7, False)


def test_state_stays_bounded_whatever_names_a_trace_has() -> None:
    checker = traces.Checker()
    for number in range(3 * traces.MAX_NAMES):
        line = {**call(device=f"d{number}", account=f"a{number}"), "message": ANSWER}
        checker.feed(json.dumps(line).encode())
    assert len(checker.accounts) <= traces.MAX_NAMES + 1
    assert len(checker.report().devices) <= traces.MAX_NAMES + 1


def test_no_secret_is_kept_of_a_trace() -> None:
    otp = call("pims.authentication.otp", parameters={"action": "withPIN", "pinCode": "MARKER"})
    told = {"status": "SUCCEEDED", "result": {"otp": "MARKER", "securityCode": "MARKER"}}
    checker = traces.Checker()
    for line in (otp, answer(told), call(parameters={"pinCode": "MARKER", "MARKER": 1, "otp": "MARKER"})):
        checker.feed(json.dumps(line).encode())
    kept = repr((checker.report(), checker.accounts))
    assert "MARKER" not in kept.replace("MARKER=1", "")


def test_rules_about_versions_wait_for_a_version() -> None:
    carkey = call("pims.vehicle.carkey", parameters={"vin": "VR1AB12C3D4567890"})
    told = {"transactionId": "t", "status": "SUCCEEDED", "result": {"cvsStatus": "active"}}
    assert check(trace(carkey, answer(told))).clean
    assert check(trace({"sdk": "2.2"}, carkey, answer(told))).clean
    assert [code for code, _line in found(check(trace({"sdk": "2.3"}, carkey, answer(told))))] == [
        *("parameter_gone", "vehicle_not_selected")
    ]
    assert [code for code, _line in found(check(trace({"sdk": "2.2"}, call("pims.vehicle.carkey"), answer(told))))] == [
        "parameter_missing"
    ]


def test_an_error_that_the_app_handles_is_not_held_against_it() -> None:
    otp = call("pims.authentication.otp", parameters={"action": "withPIN", "pinCode": "1"})
    refused = answer({"transactionId": "t", "status": "FAILED", "error": {"code": "2317", "label": "x"}})
    given = answer({"transactionId": "t", "status": "SUCCEEDED", "result": {"otp": "x"}})
    reset = call(parameters={"stepsID": "132324", "resetSteps": True, "stepsStatus": "all"})
    start = [HEADER, call(), answer(), otp, refused]
    assert check(trace(*start, reset, answer(), otp, given)).clean
    assert ("reset_missing", 6) in found(check(trace(*start, otp, given)))
    half = check(trace(*start, call(parameters={**LISTING, "resetSteps": "false"}), answer(), otp, given))
    assert [code for code, _line in found(half) if code == "reset_missing"] == ["reset_missing"] * 2
    assert half.findings[0].severity == Severity.WARNING


def test_the_order_is_that_of_the_list() -> None:
    names = ("mediumCarKey", "trustedPhone", "deviceActivation")
    steps = {name: {"name": name, "status": "todo", "order": order} for order, name in enumerate(names, start=1)}
    listed = {"transactionId": "t", "status": "SUCCEEDED", "result": {"stepsID": 1, **steps}}
    activate = call("pims.vehicle.carkey", "set", parameters={})
    sms = call("pims.authentication.smscode", parameters={"type": "enrollment"})
    assert "out_of_order" not in [code for code, _line in found(check(trace(call(), answer(listed), activate)))]
    assert ("out_of_order", 3) in found(check(trace(call(), answer(listed), sms)))
    assert ("out_of_order", 3) in found(check(trace(call(), answer(), activate)))
