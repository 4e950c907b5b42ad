"""What `read_message` and `check_trace` have in common: a file or standard input in, findings out, three exit codes."""

import errno
import io
import json
import os
import sys
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext

from onboarding.findings import Explanation, Finding, Severity, explain
from onboarding.mobile.messages import MESSAGES

CLEAN, VIOLATIONS, UNREADABLE = 0, 1, 2


def in_words(finding: Finding) -> Explanation:
    """Put a finding into words of the active language."""
    return explain(finding, MESSAGES, gettext)


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values, its words included, and its place as far as it has one."""
    said = in_words(finding)
    place = {name: finding.params[name] for name in ("line", "column", "offset", "device") if name in finding.params}
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        **place,
        "field": finding.field,
        "found": finding.found,
        "expected": finding.expected,
        "what": said.title,
        "remedy": said.remedy,
    }


def verdict(clean: bool, readable: bool) -> int:
    """Return the exit code."""
    return UNREADABLE if not readable else CLEAN if clean else VIOLATIONS


class FindingsCommand(BaseCommand, ABC):
    """Reads a file, prints a report, and exits. The database is not touched."""

    requires_system_checks = []
    requires_migrations_checks = False
    what = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", help=f"{self.what}; - reads standard input")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    @abstractmethod
    def examined(self, stream: IO[bytes]) -> tuple[dict[str, Any], list[str], int]:
        """Return the report as plain values, the same as lines to print, and the exit code."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, check, print, and exit."""
        if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that lacks a letter shows its code instead
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            with _opened(options["file"]) as stream:
                report, lines, code = self.examined(stream)
        except OSError as error:
            finding = Finding(
                "file_unread", Severity.ERROR, "file", options["file"], params={"why": error.strerror or ""}
            )
            report, lines, code = {"readable": False, "findings": [as_json(finding)]}, list(told(finding)), UNREADABLE
        try:
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) if options["json"] else "\n".join(lines))
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read the report has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(code)


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        if sys.stdin is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def told(finding: Finding) -> Iterator[str]:
    """Yield a finding as lines to print: place, severity, what, and what to do."""
    said, params = in_words(finding), finding.params
    place = f"{params['line']}:{params.get('column', 1)}: " if "line" in params else ""
    yield f"{place}{finding.severity}: {said.title} [{finding.code}]"
    if said.remedy:
        yield f"  {said.remedy}"


def counted(findings: Mapping[Severity, int]) -> str:
    """Return the last line of a report: how much was found."""
    return gettext("Errors: {errors}. Warnings: {warnings}. Notes: {notes}.").format(
        errors=findings[Severity.ERROR], warnings=findings[Severity.WARNING], notes=findings[Severity.NOTE]
    )
