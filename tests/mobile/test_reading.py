"""Every message, result and call that the documents on service activation, CarKey and virtual keys show, read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from onboarding.findings import Severity, explain
from onboarding.mobile.errors import ERRORS
from onboarding.mobile.messages import MESSAGES
from onboarding.mobile.reading import MAX_SHOWN, Reading, read
from onboarding.mobile.sdk import BY_ID

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def message(result: Any, **more: Any) -> str:
    return json.dumps({"transactionId": "t-1", "status": "SUCCEEDED", "result": result, **more})


def failed(code: Any, label: str = "x") -> str:
    return json.dumps({"transactionId": "t-1", "status": "FAILED", "error": {"code": code, "label": label}})


def step(name: str, status: str, order: int) -> dict[str, Any]:
    return {"name": name, "status": status, "order": order}


def steps(phone: str = "alreadyDone", device: str = "todo", key: str = "todo", spelt: str = "trustedPhone") -> str:
    return message(
        {
            "stepsID": 132324,
            spelt: step(spelt, phone, 1),
            "deviceActivation": step("deviceActivation", device, 2),
            "mediumCarKey": step("mediumCarKey", key, 3),
        }
    )


CARKEY = {"isCarKeyVerified": "true", "cvsStatus": "active", "maxReactivationDate": "2031-07-29T22:25:09.898Z"}
ACTIVATED = {
    "hasCarKey": "true",
    "vin": "VR1AB12C3D45678909",
    "securityCode": "c2FuZGJveA==",
    "securityExpiration": "2031-07-29T22:25:09.898Z",
}
TOKEN = {
    "token": {
        "access_token": "bWFya2Vy",
        "expires": "2031-01-01T00:00:00Z",
        "expires_in": "3600",
        "token_type": "bearer",
    },
    "token_signature": "bWFya2Vy",
}
CAR_TOKEN = {"carToken": {"CarData": "bWFya2Vy", "CarData_signature": "bWFya2Vy"}, "duration": "3600"}

# What it is, what it means, what to call next, and which remarks there are.
READINGS: list[tuple[str, str, str, str, tuple[str, ...], set[str]]] = [
    ("list", steps(), "steps", "next_is_deviceActivation", ("is_device_activated",), {"id_as_number"}),
    ("list of 2023", steps(spelt="trusterPhoneNumber"), "steps", "next_is_deviceActivation", ("is_device_activated",),
     {"id_as_number", "name_spelling"}),
    ("list in lower case", steps(spelt="trustedphone"), "steps", "next_is_deviceActivation", ("is_device_activated",),
     {"id_as_number", "name_spelling"}),
    ("list at its begin", steps("todo"), "steps", "next_is_trustedPhone", ("sms_for_phone", "add_phone"),
     {"id_as_number"}),
    ("list at its last step", steps(device="alreadyDone"), "steps", "next_is_mediumCarKey", ("select_vehicle",),
     {"id_as_number"}),
    ("list that is done", steps(device="alreadyDone", key="alreadyDone"), "steps", "steps_done", (), {"id_as_number"}),
    ("next step", message({"deviceActivation": step("deviceActivation", "todo", 1)}), "next_step",
     "next_is_deviceActivation", ("is_device_activated",), set()),
    ("no next step", message(None), "nothing", "done_or_nothing_left", (), set()),
    ("CarKey", message(CARKEY), "carkey", "carkey_active", ("next_step",), {"boolean_as_text"}),
    ("CarKey, typed", message({**CARKEY, "isCarKeyVerified": True}), "carkey", "carkey_active", ("next_step",), set()),
    ("CarKey unknown", message({**CARKEY, "isCarKeyVerified": False, "cvsStatus": "unknown"}), "carkey",
     "carkey_unknown", ("activate_carkey",), set()),
    ("CarKey suspended", message({**CARKEY, "isCarKeyVerified": False, "cvsStatus": "suspended"}), "carkey",
     "carkey_suspended", ("activate_carkey",), set()),
    ("CarKey suspended too long", message({**CARKEY, "isCarKeyVerified": False, "cvsStatus": "Suspended",
     "maxReactivationDate": "2021-07-29T22:25:09.898Z"}), "carkey", "carkey_suspended_late", ("activate_carkey",),
     set()),
    ("CarKey disabled", message({**CARKEY, "isCarKeyVerified": False, "cvsStatus": "disabled"}), "carkey",
     "carkey_disabled", ("activate_carkey",), set()),
    ("activation", message(ACTIVATED), "carkey_activated", "carkey_activated", ("next_step",),
     {"boolean_as_text", "vin_of_18"}),
    ("activation refused", message({**ACTIVATED, "hasCarKey": False, "vin": "VR1AB12C3D4567890"}), "carkey_activated",
     "carkey_refused", ("carkey_status",), set()),
    ("device", message({"isDeviceActivated": False}), "device", "device_not_activated", ("is_account_blocked",), set()),
    ("device activated", message({"isDeviceActivated": True}), "device", "device_activated", ("next_step",), set()),
    *(
        (f"account {value}", message({"isAccountBlocked": value}), "account", meaning, following, set())
        for value, meaning, following in (
            (False, "account_open", ("phone_number",)),
            ("NotBlocked", "account_open", ("phone_number",)),
            ("PinBlocked", "account_pin_blocked", ("remove_enrolments",)),
            ("PINBlocked", "account_pin_blocked", ("remove_enrolments",)),
            ("AccountBlocked", "account_blocked", ("remove_enrolments",)),
            ("Unknown", "account_unclear", ("is_account_blocked",)),
        )
    ),
    ("phone number", message({"phoneNumber": "0612345678"}), "phone", "phone_registered", ("sms_for_enrolment",),
     set()),
    ("no phone number", message({"trustedphoneNumber": None}), "phone", "phone_absent", ("sms_for_phone",),
     {"name_spelling"}),
    ("PIN there", message({"status": "AlreadyEnrolled"}), "enrolment", "pin_there", ("enrol",), set()),
    ("PIN absent", message({"status": "NotEnrolled"}), "enrolment", "pin_absent", ("enrol",), set()),
    ("OTP", message({"otp": "123456"}), "otp", "otp_given", (), set()),
    ("virtual key", json.dumps(TOKEN), "virtual_key", "virtual_key", (), set()),
    ("car token", json.dumps(CAR_TOKEN), "car_token", "car_token", (), set()),
    ("event", json.dumps({"transactionId": "t", "status": "RESULT", "result": {"a": 1}}), "event", "event", (),
     {"field_unknown"}),
    ("result alone", json.dumps(CARKEY), "carkey", "carkey_active", ("next_step",),
     {"boolean_as_text", "envelope_missing"}),
    ("with comments", message({"deviceActivation": step("deviceActivation", "todo", 1)}).replace(
        '{"deviceActivation"', '{ // if it is next\n"deviceActivation"').replace("}}}", "}\n// else null\n}}"),
     "next_step", "next_is_deviceActivation", ("is_device_activated",), {"comment"}),
    ("as a page shows it", "1\n2\n3\n// representation as JSON\n" + message(CARKEY) + "\n\nfalse", "carkey",
     "carkey_active", ("next_step",), {"text_before", "text_after", "boolean_as_text"}),
    ("trailing comma", message(CARKEY).replace("}}", ",}}"), "carkey", "carkey_active", ("next_step",),
     {"comma_extra", "boolean_as_text"}),
    ("other quotation marks", message(CARKEY).replace('"', "'"), "carkey", "carkey_active", ("next_step",),
     {"quotation_marks", "boolean_as_text"}),
    ("blanks in a name", message(CARKEY).replace("cvsStatus", "cvsStatus "), "carkey", "carkey_active", ("next_step",),
     {"name_blanks", "boolean_as_text"}),
]  # fmt: skip


def codes(reading: Reading) -> set[str]:
    return {finding.code for finding in reading.findings}


@pytest.mark.parametrize(
    ("text", "kind", "meaning", "following", "remarks"), [row[1:] for row in READINGS], ids=[row[0] for row in READINGS]
)
def test_a_documented_message_is_explained(
    text: str, kind: str, meaning: str, following: tuple[str, ...], remarks: set[str]
) -> None:
    reading = read(text, NOW)
    assert (reading.kind, reading.meaning and reading.meaning.code) == (kind, meaning)
    assert reading.next[: len(following)] == following
    assert all(one in BY_ID for one in reading.next)
    assert codes(reading) == remarks
    assert reading.readable
    assert explain(reading.meaning, MESSAGES).title


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.number)
def test_every_error_is_explained_whether_its_code_is_a_number_or_text(error: Any) -> None:
    as_number, as_text = read(failed(error.number, error.label)), read(failed(str(error.number)))
    assert as_number.meaning == as_text.meaning
    assert (as_number.clean, codes(as_number), codes(as_text)) == (True, set(), {"number_as_text"})
    assert getattr(as_number.outcome, "code", 0) == error.number
    said = explain(as_number.meaning, MESSAGES)  # type: ignore[arg-type]
    assert (said.title, said.remedy) == (error.title, error.remedy)


def test_the_steps_come_in_the_order_to_do_them() -> None:
    shuffled = json.loads(steps())
    shuffled["result"] = dict(reversed(shuffled["result"].items()))
    assert [str(one.step) for one in read(json.dumps(shuffled)).steps] == [
        *("trustedPhone", "deviceActivation", "mediumCarKey")
    ]


CALLS = [
    ('pims.get("pims.subscription.steps", mapOf( /* parameters */ Pair("carAssociationID", "987654"), '
     'Pair("resetSteps", false), Pair("stepsStatus", "all"))) { message -> }', "steps_first", set()),
    ('pims.get(api: "pims.subscription.steps",\n  parameters: [\n "stepsID": "132324",\n "resetSteps": false,\n'
     ' "stepsStatus": "all"\n ]) { (message) in }', "steps_again", set()),
    ('pims.get("pims.subscription.step", mapOf(Pair("stepsID", "132324")))', "next_step", set()),
    ('pims.get("pims.vehicle.carkey ", mapOf(Pair("vin", "VR1AB12C3D4567890")))', "carkey_status", {"api_misspelt"}),
    ('pims.set(api: "pims.vehicle.carkey ") { (message) in }', "activate_carkey", {"api_misspelt"}),
    ('pims.get("pims.vehicle.steps", mapOf("stepsId" to "1", "resetSteps" to true, "stepStatus" to "todo"))',
     "steps_again", {"api_misspelt", "parameter_misspelt"}),
    ('pims.get("pims.subscription.steps", mapOf(Pair("stepsID", 132324), Pair("resetSteps", "true")))', "steps_again",
     {"parameter_missing", "parameter_type"}),
    ('pims.get(api: "pims.authentication.otp", parameters: ["action": "withPIN", "pinCode": "123456"])', "otp_with_pin",
     set()),
    ('pims.set("pims.authentication.enrollment", mapOf(Pair("action", "enrollWithPhoneNumber"), '
     'Pair("pinCode", "424242"), Pair("smsCode", "2424"), Pair("phoneNumber", "0123456789")))', "enrol_with_phone",
     set()),
    ('pims.set(api: "pims.vehicle.vin", parameters: ["vin": "VR1AB12C3D45678909"])', "select_vehicle", {"vin_length"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "operation", "remarks"), CALLS, ids=[row[1] for row in CALLS])
def test_a_call_in_kotlin_or_swift_is_recognised_and_its_words_are_checked(
    code: str, operation: str, remarks: set[str]
) -> None:
    reading = read(code)
    assert (reading.kind, reading.next, codes(reading)) == ("call", (operation,), remarks)
    for finding in reading.findings:
        assert explain(finding, MESSAGES).remedy


# What is wrong with a message, where, and how badly.
WRONG: list[tuple[str, str, Severity, str]] = [
    (message({**CARKEY, "cvsStatus": "sleeping"}), "value_unknown", Severity.WARNING, '"sleeping"'),
    (message({**CARKEY, "isCarKeyVerified": 5}), "type_wrong", Severity.ERROR, "5,"),
    (message({**CARKEY, "isCarKeyVerified": "false"}), "carkey_contradicts", Severity.WARNING, "{"),
    (message({**CARKEY, "maxReactivationDate": "tomorrow"}), "date_wrong", Severity.WARNING, '"tomorrow"'),
    (message({**ACTIVATED, "vin": "VR1"}), "vin_wrong", Severity.WARNING, '"•••"'),
    (message({"isAccountBlocked": "perhaps"}), "value_unknown", Severity.WARNING, '"perhaps"'),
    (steps("done"), "value_unknown", Severity.ERROR, '"done"'),
    (steps("todo", "alreadyDone"), "step_done_early", Severity.WARNING, '{"name": "deviceActivation"'),
    (steps().replace('"order": 2', '"order": 1'), "step_order_twice", Severity.WARNING, None),  # type: ignore[list-item]
    (steps().replace('"name": "mediumCarKey"', '"name": "other"'), "step_name_differs", Severity.WARNING, '"other"'),
    (steps().replace('"status": "todo", ', ""), "step_status_missing", Severity.ERROR, '{"name": "deviceActivation"'),
    (steps().replace(', "order": 3', ""), "step_order_missing", Severity.WARNING, '{"name": "mediumCarKey"'),
    (failed(9999), "code_unknown", Severity.WARNING, "9999"),
    (failed([]), "type_wrong", Severity.ERROR, "[]"),
    (json.dumps({"transactionId": "t", "status": "FAILED", "error": {}}), "code_missing", Severity.ERROR, "{}"),
    (json.dumps({"transactionId": "t", "status": "FAILED", "result": None}), "status_contradicts", Severity.ERROR,
     '"FAILED"'),
    (message(None, error={"code": 2000, "label": ""}), "status_contradicts", Severity.ERROR, '"SUCCEEDED"'),
    (json.dumps({"transactionId": "t", "status": "DONE", "result": None}), "status_unknown", Severity.ERROR, '"DONE"'),
    (json.dumps({"status": "SUCCEEDED", "result": None}), "transaction_missing", Severity.WARNING, "{"),
    (json.dumps({"transactionId": "t", "result": None}), "status_missing", Severity.WARNING, "{"),
    ('{"status": "SUCCEEDED", "transactionId": "t", "result": null, "result": {}}', "name_twice", Severity.WARNING,
     '"result": {}'),
    (message(None) + "\n" + message(None), "second_message", Severity.ERROR, '\n{"'),
    (f"[{message(None)}, {message(None)}]", "second_message", Severity.ERROR, ' {"transactionId"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "severity", "at"), WRONG, ids=[row[1] for row in WRONG])
def test_what_is_wrong_is_pointed_at_by_its_place(text: str, code: str, severity: Severity, at: str | None) -> None:
    reading = read(text, NOW)
    finding = next(one for one in reading.findings if one.code == code)
    assert finding.severity == severity
    assert (reading.readable, reading.clean) == (True, False)
    offset, line, column = (int(finding.params[name]) for name in ("offset", "line", "column"))
    assert reading.text.splitlines()[line - 1][column - 1 :] == reading.text[offset:].splitlines()[0]
    if at is not None:
        assert reading.text[offset:].startswith(at.strip())
    assert explain(finding, MESSAGES).title


UNREADABLE = [
    ("", "empty"), (" \n", "empty"), ("<html></html>", "not_json"), ("hello", "not_json"),
    (message(None)[:-1], "cut_off"), (message(CARKEY)[:60], "cut_off"), ('{"a": "b', "cut_off"),
    ("{}", "nothing_known"), ('{"x": {"y": 1}}', "nothing_known"),
    ("[1, 2, 3]", "not_a_message"), ("[]", "not_a_message"), ("[" * 100, "too_deep"), ('{"a":' * 100, "too_deep"),
    ("[" + "0," * 100_000 + "0]", "too_large"), ("[" + "0," * 20_000 + "0]", "too_many"), ('{"a" 1}', "unexpected"),
    ('{"a": }', "value_missing"), ('{"a"}', "value_missing"), ('{"a": 1]', "unexpected"),
    ('{"a": "b\n"}', "string_not_closed"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), UNREADABLE, ids=[row[1] for row in UNREADABLE])
def test_what_is_no_whole_message_is_unreadable_and_says_why(text: str, code: str) -> None:
    reading = read(text)
    assert (reading.readable, reading.clean, reading.kind, reading.meaning) == (False, False, "", None)
    assert code in codes(reading)
    for finding in reading.findings:
        said = explain(finding, MESSAGES)
        assert said.title
        assert said.remedy or finding.severity == Severity.NOTE


def test_bytes_are_read_as_utf_8_or_utf_16_and_nothing_else() -> None:
    assert read(message(None).encode("utf-8-sig")).clean
    assert read(message(None).encode("utf-16")).clean
    assert codes(read(b"\xff\xfe\x00")) == {"not_text"}
    assert codes(read(b"{\xe9}")) == {"not_text"}


def test_a_field_that_the_documents_do_not_have_is_kept_and_named() -> None:
    reading = read(message({**CARKEY, "mileage": 12, "deep": {"x": ["y"]}}))
    unknown = {field.path: field.shown for field in reading.fields if not field.known}
    assert unknown == {"result.mileage": "12", "result.deep": "{…}", "result.deep.x": "[1]"}
    assert {finding.field for finding in reading.findings if finding.code == "field_unknown"} == set(unknown)
    assert reading.clean


def test_a_value_is_shown_on_one_line_and_cut() -> None:
    reading = read(message({"x": "a\u0000\n" + "b" * 1000}))
    shown = next(field.shown for field in reading.fields if field.path == "result.x")
    assert shown.startswith("a��bb")
    assert len(shown) == MAX_SHOWN


def test_secrets_are_not_kept() -> None:
    for text in (message(ACTIVATED), json.dumps(TOKEN), json.dumps(CAR_TOKEN), message({"otp": "123456"})):
        kept = repr(read(text))
        for secret in ("c2FuZGJveA", "bWFya2Vy", "123456", "VR1AB12C3D4"):
            assert secret not in kept
