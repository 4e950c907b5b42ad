"""manage.py check_trace: a recorded trace of SDK calls and messages, checked on the command line."""

from collections import Counter
from typing import IO, Any

from django.utils.translation import gettext

from onboarding.activation.findings_command import FindingsCommand, as_json, counted, told, verdict
from onboarding.findings import Finding
from onboarding.mobile import rules
from onboarding.mobile.traces import Report, check


class Command(FindingsCommand):
    """Check one trace. Exit code 0: nothing wrong; 1: rules are broken; 2: there is no trace to check."""

    help = (
        "Check a trace of SDK calls and messages (JSON lines, docs/SDK_TRACES.md) against the rules. "
        "Exit code: 0 nothing wrong, 1 violations, 2 unreadable."
    )
    what = "the trace"

    def examined(self, stream: IO[bytes]) -> tuple[dict[str, Any], list[str], int]:
        """Check the trace, line by line, as it comes."""
        report = check(stream)
        return _plain(report), _lines(report), verdict(report.clean, report.readable)


def _with_source(finding: Finding) -> dict[str, Any]:
    rule = rules.BY_CODE.get(finding.code)
    return {**as_json(finding), "source": rule.source if rule else ""}


def _plain(report: Report) -> dict[str, Any]:
    return {
        "readable": report.readable,
        "clean": report.clean,
        "lines": report.lines,
        "calls": report.calls,
        "messages": report.messages,
        "devices": list(report.devices),
        "findings": [_with_source(finding) for finding in report.findings],
        "further": report.further,
    }


def _lines(report: Report) -> list[str]:
    lines = []
    for finding in report.findings:
        lines += [*told(finding), ""]
    if report.further:
        lines.append(gettext("And {further} more.").format(further=report.further))
    summary = gettext("Lines: {lines}. Calls: {calls}. Messages: {messages}.").format(
        lines=report.lines, calls=report.calls, messages=report.messages
    )
    return [*lines, summary, counted(Counter(finding.severity for finding in report.findings))]
