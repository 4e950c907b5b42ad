"""One table each of calls, steps, errors, rules and words; nothing in one that another does not have."""

import re
import string
from pathlib import Path

import pytest

from onboarding.findings import Severity
from onboarding.mobile import messages, reading, rules, sdk, traces
from onboarding.mobile.errors import BY_NUMBER, ERRORS, Handling, code
from onboarding.mobile.machine import PATHS, RESOLVES, Call
from onboarding.mobile.messages import MESSAGES
from onboarding.mobile.outcomes import Kind, Outcome
from onboarding.mobile.sdk import CARKEY_REQUIREMENTS, OPERATIONS, SERVICES, STEP_TASKS, STEP_TITLES, Step

PACKAGE = Path(messages.__file__).parent


def test_each_code_that_is_found_has_words_and_each_word_is_used() -> None:
    source = "\n".join(path.read_text("utf-8") for path in PACKAGE.glob("*.py") if path.name != "messages.py")
    source += "\n".join(path.read_text("utf-8") for path in PACKAGE.parent.glob("activation/*.py"))
    made = {code(error.number) for error in ERRORS}
    made |= {f"next_is_{step}" for step in Step} | {f"carkey_{status}" for status in sdk.CarKeyStatus}
    for word in MESSAGES:
        assert word in made or f'"{word}"' in source, word
    named = set(re.findall(r'(?:note|once|end|_said|stop)\(\s*"([a-z_]+)"', source))
    assert named <= set(MESSAGES)
    assert set(rules.BY_CODE) <= set(MESSAGES)
    assert set(MESSAGES) >= reading.UNREADABLE


def test_a_template_is_filled_from_what_there_is() -> None:
    always = {"found", "expected", "field", "line", "column", "offset", "device"}
    given = {
        "code", "left", "until", "label", "step", "other", "times", "parameter", "wanted", "written", "version",
        "since", "length", "api", "why",
    }  # fmt: skip
    for message in MESSAGES.values():
        for template in (message.title, message.remedy):
            names = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
            assert names <= always | given, template


def test_each_row_names_its_source() -> None:
    for row in (*OPERATIONS, *ERRORS, *rules.RULES, *SERVICES, *CARKEY_REQUIREMENTS):
        assert re.match(r"(steps|enrolment|otp|carkey|changelog|reference|authentication)\b", row.source), row


def test_each_step_has_its_words_and_the_calls_that_do_it() -> None:
    assert set(STEP_TITLES) == set(STEP_TASKS) == set(Step)
    for step in Step:
        assert any(operation.completes and step in (operation.step, operation.also) for operation in OPERATIONS)
        meaning, following = reading.mean(
            Outcome(Kind.NEXT_STEP, steps=(reading.StepState(step, sdk.StepStatus.TODO, 1),))
        )
        assert meaning.code == f"next_is_{step}"
        assert any(sdk.BY_ID[one].completes for one in following)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_each_call_is_told_from_all_others_by_its_parameters(operation: sdk.Operation) -> None:
    parameters = {one.name: one.example or "x" for one in operation.parameters}
    assert Call.of("A", operation.method, operation.api, parameters).operation == operation
    assert Call.of("A", f"pims.{operation.method}", f" {operation.api} ", parameters).operation == operation
    assert operation.errors <= set(BY_NUMBER)


def test_a_call_whose_choosing_value_is_unknown_is_none_of_the_table() -> None:
    assert Call.of("A", "set", sdk.ENROLMENT_API, {"action": "other"}).operation is None
    assert Call.of("A", "get", sdk.ACCOUNT_API, {"actionType": "basic", "type": "username"}).operation is None
    missing = Call.of("A", "get", sdk.OTP_API, {}).operation
    assert missing is not None
    assert missing.id == "otp_with_pin"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"action": "addPhoneNumber", "smsCode": "1", "phoneNumber": "1"}, "add_phone"),
        ({"type": "addPhoneNumber", "smsCode": "1", "phoneNumber": "1"}, "add_phone"),
        ({"action": "enrollment", "smsCode": "1"}, "check_sms"),
    ],
)
def test_type_and_action_are_the_same_where_the_documents_differ(written: dict[str, str], meant: str) -> None:
    operation = Call.of("A", "set", sdk.SMS_API, written).operation
    assert operation is not None
    assert operation.id == meant


def test_each_way_of_handling_an_error_leads_somewhere_that_settles_it() -> None:
    assert set(PATHS) == set(RESOLVES)
    for handling, path in PATHS.items():
        assert RESOLVES[handling] <= path
        assert path <= set(sdk.BY_ID)
    for error in ERRORS:
        assert isinstance(error.handling, Handling)
        assert not error.next or error.next in sdk.BY_ID


def test_a_rule_finds_an_error_or_a_warning() -> None:
    assert {rule.severity for rule in rules.BY_CODE.values()} == {Severity.ERROR, Severity.WARNING}
    assert len(rules.BY_CODE) == len(rules.RULES)


@pytest.mark.parametrize(
    ("text", "version"),
    [("2.3", (2, 3)), ("v2.3.X", (2, 3)), (" 2.10.1 ", (2, 10)), ("2", None), ("x.y", None), ("", None), ("2.²", None)],
)
def test_a_version_is_read_from_its_text(text: str, version: tuple[int, int] | None) -> None:
    assert sdk.version(text) == version


def test_the_page_on_traces_says_what_the_code_does() -> None:
    page = (PACKAGE.parent.parent / "docs" / "SDK_TRACES.md").read_text("utf-8")
    tables = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    written = {row[0]: row[1:] for row in tables}
    assert {name for name in written if name in traces.FIELDS} == set(traces.FIELDS)
    for rule in rules.BY_CODE.values():
        assert written[rule.code] == [str(rule.severity), rule.source, MESSAGES[rule.code].title]
    for one in ("error_not_handled", "ends_with_error", "call_without_message", "carkey_not_reactivated"):
        assert written[one][1] == MESSAGES[one].title
    codes = [row[1] for row in tables if re.fullmatch(r"\d{4}(, \d{4})*", row[1])]
    assert codes == [
        ", ".join(str(error.number) for error in ERRORS if error.handling == handling) for handling in Handling
    ]
    assert (traces.MAX_BYTES, traces.MAX_LINES, traces.MAX_LINE) == (10 * 2**20, 100_000, 2**16)
    examples = [line for line in page.splitlines() if line.startswith(('{"trace"', '{"at"'))]
    report = traces.check("\n".join(examples))
    assert (report.clean, report.lines, report.findings) == (True, 3, ())
