"""manage.py read_message and check_trace: three exit codes, words and JSON."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import translation

from tests.mobile.breaking import BREAKS, broken
from tests.mobile.test_reading import ACTIVATED, failed, message, steps
from tests.mobile.walking import walk, written


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as ended:
        call_command(*args)
    return ended.value.code, capsys.readouterr().out


READ = [
    (steps(), 0, []),
    (failed(2317), 0, []),
    (message({"cvsStatus": "sleeping"}), 1, ["value_unknown"]),
    (message(None) + message(None), 1, ["second_message"]),
    (message(None)[:20], 2, ["cut_off"]),
    ("<html>", 2, ["not_json"]),
    ("", 2, ["empty"]),
]


@pytest.mark.parametrize(("text", "code", "wrong"), READ, ids=[str(row[2] or row[1]) + row[0][:6] for row in READ])
def test_a_message_is_read_from_a_file_and_from_standard_input(
    text: str,
    code: int,
    wrong: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "message").write_text(text)
    ended, out = run(capsys, "read_message", str(tmp_path / "message"), "--json")
    report = json.loads(out)
    assert (ended, report["readable"], report["clean"]) == (code, code < 2, code == 0)
    found = [finding for finding in report["findings"] if finding["severity"] != "note"]
    assert [finding["code"] for finding in found] == wrong
    for finding in report["findings"]:
        assert {"code", "severity", "line", "column", "offset", "field", "what", "remedy"} <= set(finding)
        assert finding["what"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run(capsys, "read_message", "-", "--json") == (ended, out)
    assert run(capsys, "read_message", str(tmp_path / "message"))[0] == code


def test_a_reading_says_what_it_means_and_what_to_call_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "message").write_text(steps())
    report = json.loads(run(capsys, "read_message", str(tmp_path / "message"), "--json")[1])
    assert (report["kind"], report["transaction"], report["meaning"]["code"]) == (
        *("steps", "t-1", "next_is_deviceActivation"),
    )
    assert [step["name"] for step in report["steps"]] == ["trustedPhone", "deviceActivation", "mediumCarKey"]
    assert (report["next"][0]["call"], report["next"][0]["api"]) == ("get", "pims.authentication.account")
    said = run(capsys, "read_message", str(tmp_path / "message"))[1]
    assert report["meaning"]["what"] in said
    assert "get pims.authentication.account" in said


def test_a_secret_in_a_message_is_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "message").write_text(message(ACTIVATED))
    for options in ([], ["--json"]):
        assert "c2FuZGJveA" not in run(capsys, "read_message", str(tmp_path / "message"), *options)[1]


def test_a_trace_is_clean_broken_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from random import Random

    walked = walk(4, phones=2, trouble=0)
    made = broken(walked.lines(), "carkey_again", Random(1))
    assert made is not None
    lines, line = made
    (tmp_path / "good").write_bytes(written(walked.lines()))
    (tmp_path / "bad").write_bytes(written(lines))
    (tmp_path / "none").write_text("hello")
    for name, code in (("good", 0), ("bad", 1), ("none", 2), ("missing", 2), (".", 2)):
        ended, out = run(capsys, "check_trace", str(tmp_path / name), "--json")
        report = json.loads(out)
        assert (ended, report["readable"]) == (code, code < 2)
        for finding in report["findings"]:
            assert {"code", "severity", "field", "what", "remedy"} <= set(finding)
    ended, out = run(capsys, "check_trace", str(tmp_path / "bad"), "--json")
    again = next(finding for finding in json.loads(out)["findings"] if finding["code"] == "carkey_again")
    assert (again["line"], again["source"]) == (line, "carkey: Activate CarKey")
    ended, out = run(capsys, "check_trace", str(tmp_path / "bad"))
    assert f"{line}:1: error:" in out
    assert "carkey_again" in BREAKS


def test_a_trace_comes_through_standard_input_as_a_stream(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(written(walk(5, trouble=0).lines()))))
    assert run(capsys, "check_trace", "-", "--json")[0] == 0


def test_a_report_is_in_the_language_that_is_active(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "message").write_text("")
    with translation.override("fr"):
        french = json.loads(run(capsys, "read_message", str(tmp_path / "message"), "--json")[1])
    english = json.loads(run(capsys, "read_message", str(tmp_path / "message"), "--json")[1])
    assert french["findings"][0]["what"] != english["findings"][0]["what"]
