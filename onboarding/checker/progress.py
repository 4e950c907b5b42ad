"""The run as it is told in a terminal: one rung after the other, each with its explanation."""

import contextlib
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, TextIO

from onboarding.checker.cannot_run import CannotRun
from onboarding.checker.language import Translate
from onboarding.findings import gettext_noop as _
from onboarding.fleet.bundle import RESULTS, TURNS
from onboarding.fleet.checks import Check, Result
from onboarding.fleet.messages import words

_SETTLED = (Result.PASSED, Result.WARNING, Result.FAILED)
_INDENT = " " * 5
_FEWEST_COLUMNS, _MOST_COLUMNS = 40, 100
_TITLE_COLUMNS = 46


class Progress:
    """Says each rung when it is settled (`onboarding.fleet.diagnosis.OnCheck`)."""

    def __init__(self, translate: Translate, out: TextIO | None = None) -> None:
        self._translate = translate
        self._out = out or sys.stdout
        self._said: dict[str, tuple[str, object]] = {}
        self._width = max(_FEWEST_COLUMNS, min(shutil.get_terminal_size().columns, _MOST_COLUMNS))

    def __call__(self, checks: Sequence[Check]) -> None:
        for number, check in enumerate(checks, start=1):
            said = check.code, check.evidence.get("attempt")
            if self._said.get(check.rung) == said:
                continue
            if check.result in _SETTLED:
                self._said[check.rung] = said
                self._tell(number, check)
            elif check.code == "retrying":
                self._said[check.rung] = said
                self._write(_INDENT, words(check, self._translate).title)

    def finish(self, checks: Sequence[Check]) -> None:
        """Say the rungs that were never reached."""
        for number, check in enumerate(checks, start=1):
            if check.result == Result.NOT_REACHED:
                self._head(number, check)

    def line(self, text: str = "") -> None:
        """Say one line. Raises CannotRun if nobody takes it, as behind a pipe that was closed, or on a full disk."""
        try:
            print(text, file=self._out, flush=True)
        except OSError as error:
            _discard(self._out)
            said = self._translate(_("cannot write the result: {reason}"))
            raise CannotRun(said.format(reason=error.strerror or type(error).__name__)) from None

    def _tell(self, number: int, check: Check) -> None:
        said = words(check, self._translate)
        self._head(number, check)
        self._write(_INDENT, said.title)
        if check.result == Result.PASSED:
            return
        self._write(_INDENT, f"{self._translate(_('Whose turn'))}: {self._translate(TURNS[check.turn])}")
        if said.remedy:
            self._write(_INDENT, f"{self._translate(_('What to do'))}: {said.remedy}")
        for command in said.command.splitlines():
            self.line(f"{_INDENT}  {command}")  # in one piece, to be copied
        for name, value in check.evidence.items():
            self._write(_INDENT, f"  {name}: {value}")

    def _head(self, number: int, check: Check) -> None:
        title = words(check, self._translate).rung
        result = self._translate(RESULTS[check.result])
        if check.result == Result.FAILED:
            result = result.upper()
        ms = "" if check.ms is None else f"{check.ms:.0f} ms"
        self.line(f"{number:>3}. {title:<{_TITLE_COLUMNS}} {result:<11} {ms:>8}".rstrip())

    def _write(self, indent: str, text: str) -> None:
        self.line(textwrap.fill(text, self._width, initial_indent=indent, subsequent_indent=indent))


def _discard(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere: Python would complain of it once more when it ends."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def as_rows(checks: Sequence[Check], translate: Translate) -> list[dict[str, Any]]:
    """Return the checks for `--json`, with what to do in words."""
    rows = []
    for check in checks:
        to_mend = check.result in (Result.FAILED, Result.WARNING)
        said, row = words(check, translate), check.to_json()
        ms = row.pop("ms")
        remedy = f"{said.remedy} {said.command}".strip() if to_mend else ""
        rows.append({**row, "remedy": remedy, "ms": ms})
    return rows
