"""Calls as code: each in both languages and in every version, read back by our own reader; nothing can break out."""

import json
import re
from pathlib import Path

import pytest

from onboarding.mobile import calls, rules, sdk, snippets, traces
from onboarding.mobile.machine import State
from onboarding.mobile.masking import is_secret
from onboarding.mobile.sdk import OPERATIONS, Operation, Step, Version, calls_of
from onboarding.mobile.snippets import LANGUAGES, RECORDED_SECRETS, NotInVersion, recorder, snippet

HOSTILE = ['"', "\\", "$x", "${x}", "\\(x)", "'", '")\nevil()', "a\u2028b", "é😀", "\x00", "*/", "//", "\ud800", "  "]


@pytest.mark.parametrize("version", sdk.VERSIONS, ids=lambda version: f"{version[0]}.{version[1]}")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_a_snippet_is_the_call_it_is_for_and_breaks_no_rule_of_form(
    operation: Operation, language: str, version: Version
) -> None:
    if version < operation.since:
        with pytest.raises(NotInVersion, match=r"2\.\d"):
            snippet(operation.id, language, version)
        return
    written = calls.find(snippet(operation.id, language, version))
    assert written is not None
    assert written.call.operation == operation
    at = rules.situation(State(), written.call, None, version, language, written.api, tuple(written.names))
    wrong = [finding for finding in rules.broken(at, rules.FORM) if finding.code != "vin_length"]
    assert wrong == []


def literals(code: str, language: str) -> list[str]:
    """Return what the string literals of a snippet mean, as the language has it."""
    found = re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)
    if language == "kotlin":
        return [json.loads(f'"{text}"') for text in (text.replace("\\$", "$") for text in found)]
    escapes = re.compile(r'\\(?:u\{([0-9a-f]+)\}|(["\\]))')
    return [escapes.sub(lambda one: chr(int(one[1], 16)) if one[1] else one[2], text) for text in found]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_is_one_literal_whatever_is_in_it(value: str, language: str) -> None:
    plain = snippet("steps_first", language, (2, 3), {"carAssociationID": "x"})
    code = snippet("steps_first", language, (2, 3), {"carAssociationID": value})
    assert code.isascii()
    assert len(code.splitlines()) == len(plain.splitlines())
    expected = "\ufffd" if value == "\ud800" and language == "swift" else value
    assert literals(code, language) == [expected if one == "x" else one for one in literals(plain, language)]
    if language == "kotlin":
        assert not re.search(r"(?<!\\)(?:\\\\)*\$", code)


def test_a_secret_is_a_variable_even_if_it_is_given() -> None:
    for operation in OPERATIONS:
        given = {one.name: "MARKER" for one in operation.parameters if is_secret(one.name)}
        for language in LANGUAGES:
            assert "MARKER" not in snippet(operation.id, language, sdk.NEWEST, given)


def test_versions_and_platforms_differ_where_the_documents_do() -> None:
    assert "vin" in snippet("carkey_status", "kotlin", (2, 2))
    assert "vin" not in snippet("carkey_status", "kotlin", (2, 3))
    assert "smsCode" in snippet("enrol", "swift", (2, 3))
    assert "smsCode" not in snippet("enrol", "kotlin", (2, 3))
    assert [one.id for one in calls_of(Step.MEDIUM_CAR_KEY, (2, 2))] == ["carkey_status", "activate_carkey"]
    assert calls_of(Step.MEDIUM_CAR_KEY, (2, 3))[0].id == "select_vehicle"


def test_a_boolean_is_a_boolean() -> None:
    for value in (True, "true"):
        assert '"resetSteps", true' in snippet("steps_again", "kotlin", (2, 3), {"resetSteps": value})
        assert '"resetSteps": true' in snippet("steps_again", "swift", (2, 3), {"resetSteps": value})
    assert '"resetSteps", false' in snippet("steps_again", "kotlin", (2, 3))


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        snippet("no_such", "kotlin", (2, 3))
    with pytest.raises(KeyError):
        snippet("enrol", "java", (2, 3))
    with pytest.raises(KeyError):
        recorder("java")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_recorder_writes_the_formats_fields_and_leaves_secrets_out(language: str) -> None:
    code = recorder(language)
    for name in set(traces.FIELDS) - {"account"}:
        assert f'"{name}"' in code, name
    for name in RECORDED_SECRETS:
        assert f'"{name}"' in code
    named = {one.name for operation in OPERATIONS for one in operation.parameters if is_secret(one.name)}
    assert {name.lower() for name in named} <= set(RECORDED_SECRETS)
    assert [code.count(opening) for opening in "{[("] == [code.count(closing) for closing in "}])"]
    assert "{secrets}" not in code


def test_the_recorders_stand_in_the_documentation() -> None:
    page = (Path(snippets.__file__).parents[2] / "docs" / "SDK_TRACES.md").read_text("utf-8")
    for language in LANGUAGES:
        assert f"```{language}\n{recorder(language)}```" in page
