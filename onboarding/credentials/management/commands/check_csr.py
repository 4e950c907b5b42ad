"""manage.py check_csr: the check of the upload form, on the command line."""

import errno
import io
import json
import os
import sys
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext

from onboarding.findings import Explanation, Finding, Severity, explain
from onboarding.pki import files
from onboarding.pki.csr import CsrReport, check_csr
from onboarding.pki.known import contact_findings
from onboarding.pki.messages import MESSAGES
from onboarding.pki.subject import visible
from onboarding.programmes import PROGRAMMES, profile

FIT, NOT_FIT, UNREADABLE = 0, 1, 2


class Command(BaseCommand):
    """Check one CSR. Exit code 0: fit; 1: not fit; 2: could not be read. The database is not touched."""

    help = "Check a certificate signing request against a programme's rules. Exit code: 0 fit, 1 not fit, 2 unreadable."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", help="the CSR; - reads standard input")
        parser.add_argument("--programme", required=True, choices=PROGRAMMES)
        parser.add_argument("--mzp", help="the partner login that CN has to be")
        parser.add_argument(
            "--contact",
            action="append",
            metavar="EMAIL",
            help="a verified address of the company; warns of a CSR that has none of them. Can be given several times",
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, check, print, and exit."""
        if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that lacks a letter shows its code instead
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            data = _read(options["file"])
        except OSError as error:
            why = {"why": error.strerror or ""}
            finding = Finding("file_missing", Severity.ERROR, "file", options["file"], params=why)
            report = CsrReport(None, {}, None, None, (finding,))
        else:
            report = check_csr(data, profile(options["programme"]), mzp=options["mzp"])
            if contacts := options["contact"]:
                known = contact_findings(report.subject.get("emailAddress", ""), contacts)
                report = replace(report, findings=(*report.findings, *known))
        explanations = [explain(finding, MESSAGES, gettext) for finding in report.findings]
        try:
            if options["json"]:
                self.stdout.write(json.dumps(_plain(report, explanations), ensure_ascii=False, indent=2))
            else:
                self._print(report, explanations)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read the report has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FIT if report.fit else NOT_FIT if report.readable else UNREADABLE)

    def _print(self, report: CsrReport, explanations: list[Explanation]) -> None:
        if report.subject:
            self.stdout.write(", ".join(f"{short}={visible(value)}" for short, value in report.subject.items()))
        for explanation in explanations:
            finding = explanation.finding
            self.stdout.write(f"\n{finding.severity}: {finding.field}: {explanation.title}")
            self.stdout.write(f"  {explanation.remedy}")
            for line in explanation.command.splitlines():
                self.stdout.write(f"  $ {line}")
        if report.fit:
            verdict = gettext("This CSR is fit to be submitted.")
        else:
            verdict = gettext("This CSR cannot be submitted.")
        self.stdout.write(f"\n{verdict}")


def _read(name: str) -> bytes:
    """Read at most one byte more than is looked into: enough to see that a file is too large."""
    if name == "-":
        if sys.stdin is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return sys.stdin.buffer.read(files.MAX_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(files.MAX_BYTES + 1)


def _plain(report: CsrReport, explanations: list[Explanation]) -> dict[str, Any]:
    return {
        "fit": report.fit,
        "subject": report.subject,
        "key": report.key,
        "findings": [
            {
                "code": explanation.finding.code,
                "severity": str(explanation.finding.severity),
                "field": explanation.finding.field,
                "found": explanation.finding.found,
                "expected": explanation.finding.expected,
                "remedy": explanation.remedy,
                "command": explanation.command,
            }
            for explanation in explanations
        ],
    }
