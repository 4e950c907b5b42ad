"""Nothing that is pasted or uploaded raises, takes long, or keeps a secret."""

import json
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from onboarding.findings import explain
from onboarding.mobile import tolerant, traces
from onboarding.mobile.machine import Call, State, advance
from onboarding.mobile.masking import MASK, cleaned, masked
from onboarding.mobile.messages import MESSAGES
from onboarding.mobile.outcomes import hear
from onboarding.mobile.reading import read

SECONDS = 2.0

NAMES = [
    *("transactionId", "status", "result", "error", "code", "stepsID", "trustedPhone", "order", "name", "cvsStatus"),
    *("hasCarKey", "vin", "phoneNumber", "isAccountBlocked", "pinCode"),
    *("device", "call", "api", "message", "parameters", "at", "id", "trace", "sdk"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
SCRAPS = [*"{}[]:,\"'\\/*#\n \ufeff“", "true", "null", "1", "-", "\ud800", "pinCode", "pims.get(", "//"]
PIECES = st.lists(st.sampled_from(SCRAPS), max_size=60).map("".join)
TEXT = PIECES | st.text(max_size=80) | JSON.map(json.dumps) | JSON.map(lambda value: json.dumps(value)[:-1])


@settings(max_examples=80, deadline=None)
@given(text=TEXT | st.binary(max_size=80))
def test_the_reader_reads_anything_and_explains_what_it_finds(text: str | bytes) -> None:
    reading = read(text)
    for finding in (*reading.findings, *([reading.meaning] if reading.meaning else [])):
        assert explain(finding, MESSAGES).title
    assert reading.readable or reading.findings
    reading.text.encode()
    json.dumps([finding.to_json() for finding in reading.findings], ensure_ascii=False).encode()


@settings(max_examples=60, deadline=None)
@given(text=TEXT)
def test_masking_keeps_every_place_and_is_done_once(text: str) -> None:
    once = masked(text)
    assert len(once) == len(text)
    assert [letter.isspace() for letter in once if letter in "\r\n"] == [True for letter in text if letter in "\r\n"]
    assert masked(once) == once


@settings(max_examples=60, deadline=None)
@given(value=JSON, device=st.text(max_size=3), method=st.text(max_size=3) | st.sampled_from(["get", "set"]))
def test_the_machine_takes_any_call_and_any_message(value: object, device: str, method: str) -> None:
    parameters = value if isinstance(value, dict) else {}
    state = State()
    for api in ("pims.subscription.steps", "pims.vehicle.carkey", "x"):
        state = advance(state, Call.of(device, method, api, parameters), hear(value))
    assert State.from_json(state.to_json()) == state


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()), max_size=8))
def test_a_trace_may_hold_anything(lines: list[bytes]) -> None:
    report = traces.check(b"\n".join(lines))
    for finding in report.findings:
        assert explain(finding, MESSAGES).title
        assert finding.params["line"] >= 1


@settings(max_examples=60, deadline=None)
@given(value=JSON)
def test_json_is_read_as_json(value: object) -> None:
    text = json.dumps({"v": value})
    assume("NaN" not in text and "Infinity" not in text)
    document = tolerant.parse(text)
    assert document.trouble is None
    assert document.root is not None
    expected = json.loads(text, parse_float=str, parse_int=lambda digits: int(digits) if len(digits) < 31 else digits)
    assert json.dumps(tolerant.plain(document.root)) == json.dumps(tolerant_form(expected))


def tolerant_form(value: object) -> object:
    """Half surrogate pairs are replaced; all else is as JSON has it."""
    if isinstance(value, str):
        return tolerant.whole(value)
    if isinstance(value, list):
        return [tolerant_form(one) for one in value]
    if isinstance(value, dict):
        return {tolerant.whole(name): tolerant_form(one) for name, one in value.items()}
    return value


STRETCHED = [
    "[" * 65_000, '{"a":' * 13_000, '"' * 65_000, "'\\" * 32_000, "/*" * 32_000, "a " * 32_000, "{" + "a:1 " * 16_000,
    "// \n{" * 13_000, "x " * 30_000 + "{", "pin " * 16_000, '"pin' * 16_000, "eyJ" * 21_000, "-----BEGIN " * 5_900,
    "pin" + " " * 60_000, "pin:" + '"' * 60_000, "\\" * 60_000 + '"', "pims.get(" * 7_000, "Pair(" * 13_000,
    'pims.get("a",' + '"b":' * 15_000,
    '{"pin":[' + "1," * 9_000, '{"a":"' + "\\u0031" * 10_000 + '"}', "[" + "0," * 32_000,
]  # fmt: skip


@pytest.mark.parametrize("text", STRETCHED, ids=range(len(STRETCHED)))
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    read(text)
    assert time.process_time() - started < SECONDS


SECRETS = [
    '{"pinCode": "MARKER"}', '{"pinCode": 123456789}', "{'smsCode': 'MARKER'}", '{"otp":"MARKER"', '"otp" : "MARKER',
    'Pair("pinCode", "MARKER")', '"smsCode" to "MARKER"', '"pinCode": "MARKER",', "?pinCode=MARKER&x=1", "PIN: MARKER",
    "sms code = MARKER", '{"p\\u0069nCode": "MARKER"}', '{"pinCode": ["MARKER", {"x": "MARKER"}]}',
    '{"oldPIN":"MARKER"}', '{"newPIN": "MARKER"}', '{"access_token": "MARKER"}', '{"token_signature": "MARKER"}',
    '{"CarData": "MARKER"}', '{"CarData_signature": "MARKER"}', "Authorization: Bearer MARKER-MARKER",
    "Authorization: Basic MARKERMARKER",
    '"{\\"pinCode\\":\\"MARKER\\"}"', '{"message": "{\\"pinCode\\": \\"MARKER\\"}"}', "eyJMARKERabcd.eyJMARKER.MARKER",
    "-----BEGIN PRIVATE KEY-----\nMARKER\n-----END PRIVATE KEY-----", '{"password": "MARKER"}',
    '{"securityCode":"MARKER"}', '{"phoneNumber": "MARKER0000"}', '{"vin": "MARKER00000000000"}',
    '{"login": "MARKER@example.com"}',
]  # fmt: skip


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_masked_in_whatever_notation_it_is_named(text: str) -> None:
    hidden = masked(text)
    assert "MARKER" not in hidden
    assert "123456789" not in hidden
    assert MASK in hidden
    assert "MARKER" not in repr(read(text))


def test_what_is_no_secret_stays() -> None:
    for text in (
        '{"transactionId": "otp", "status": "SUCCEEDED", "result": {"isCarKeyVerified": "true"}}',
        '{"action": "withPIN", "type": "resetPIN", "isAccountBlocked": "PinBlocked", "otp": null}',
        "spinning: 5, pinned: 6",
    ):
        assert masked(text) == text


def test_masked_json_stays_json_and_parsed_values_are_masked_alike() -> None:
    value = {"pinCode": 1234, "smsCode": 7, "vin": "VR1AB12C3D4567890", "x": {"otp": ["1", 22], "n": 5, "b": True}}
    assert json.loads(masked(json.dumps(value))) == {
        "pinCode": "••", "smsCode": 0, "vin": "•••••••••••••7890", "x": {"otp": ["•", ""], "n": 5, "b": True},
    }  # fmt: skip
    assert cleaned(value) == {
        "pinCode": "••••", "smsCode": "•", "vin": "•••••••••••••7890", "x": {"otp": ["•", "••"], "n": 5, "b": True},
    }  # fmt: skip
