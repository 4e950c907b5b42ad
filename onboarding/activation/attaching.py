"""Reports on traces: attached to an application for staff to see, and taken off it again.

A report is made when a trace is checked, and kept only when somebody attaches it. The trace is never kept.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from onboarding.activation.models import TraceReport
from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.findings import Finding, Severity
from onboarding.mobile import traces
from onboarding.partners.actors import Actor
from onboarding.registrations.models import Application

MOST_ATTACHED = 50
"""So many reports an application can have."""
MOST_EXCERPTS = 300
"""Of so many lines an excerpt is kept."""


class TooMany(Exception):
    """The application has as many reports as it can have. Nothing was changed."""


class AttachedAlready(Exception):
    """This report is attached. report: the one that is."""

    def __init__(self, report: TraceReport) -> None:
        super().__init__()
        self.report = report


@dataclass(frozen=True, slots=True)
class Checked:
    """A trace's report, before it is kept. findings: each with the excerpt of its line.

    lines, calls, messages, devices, further, readable: as in `traces.Report`. size: of the trace, in bytes.
    """

    trace_sha256: str
    size: int
    lines: int
    calls: int
    messages: int
    devices: tuple[str, ...]
    findings: tuple[tuple[Finding, str], ...]
    further: int
    readable: bool
    checked_at: datetime

    @property
    def counts(self) -> Mapping[Severity, int]:
        """How many findings of each severity are listed."""
        return Counter(finding.severity for finding, _excerpt in self.findings)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong; notes are not wrong."""
        wrong = self.counts[Severity.ERROR] + self.counts[Severity.WARNING] + self.further
        return self.readable and not wrong

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {
            "trace_sha256": self.trace_sha256,
            "size": self.size,
            "lines": self.lines,
            "calls": self.calls,
            "messages": self.messages,
            "devices": list(self.devices),
            "findings": [finding.to_json() | {"excerpt": excerpt} for finding, excerpt in self.findings],
            "further": self.further,
            "readable": self.readable,
            "checked_at": self.checked_at.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Checked":
        """Read what `to_json` wrote."""
        return cls(
            **{
                **data,
                "devices": tuple(data["devices"]),
                "findings": findings_of(data["findings"]),
                "checked_at": datetime.fromisoformat(data["checked_at"]),
            }
        )


def findings_of(rows: list[dict[str, Any]]) -> tuple[tuple[Finding, str], ...]:
    """Read findings, each with its excerpt, out of a report's plain values."""
    return tuple((Finding.from_json({k: v for k, v in row.items() if k != "excerpt"}), row["excerpt"]) for row in rows)


def check(trace: IO[bytes], now: datetime) -> Checked:
    """Check a trace. The stream is read from its beginning, three times at most; it can be wound back."""
    report = traces.check(trace)
    trace.seek(0)
    lines = list(dict.fromkeys(int(finding.params["line"]) for finding in report.findings))
    excerpts = traces.excerpts(trace, lines[:MOST_EXCERPTS])
    trace.seek(0)
    digest = hashlib.file_digest(trace, "sha256").hexdigest()  # type: ignore[arg-type]
    return Checked(
        digest,
        trace.tell(),
        report.lines,
        report.calls,
        report.messages,
        report.devices,
        tuple((finding, excerpts.get(int(finding.params["line"]), "")) for finding in report.findings),
        report.further,
        report.readable,
        now,
    )


def attach(application: Application, checked: Checked, *, app_version: str, actor: Actor) -> TraceReport:
    """Attach a report to an application. Raises AttachedAlready, TooMany."""
    counts = checked.counts
    try:
        with transaction.atomic():
            if attached_to(application).count() >= MOST_ATTACHED:
                raise TooMany
            report = TraceReport.objects.create(
                application=application,
                app_version=app_version,
                trace_sha256=checked.trace_sha256,
                size=checked.size,
                lines=checked.lines,
                calls=checked.calls,
                messages=checked.messages,
                devices=list(checked.devices),
                findings=checked.to_json()["findings"],
                further=checked.further,
                errors=counts[Severity.ERROR],
                warnings=counts[Severity.WARNING],
                notes=counts[Severity.NOTE],
                checked_at=checked.checked_at,
                attached_by_id=actor.user_id,
            )
            _record(Event.TRACE_ATTACHED, report, actor)
    except IntegrityError:
        raise AttachedAlready(
            TraceReport.objects.get(application=application, trace_sha256=checked.trace_sha256, app_version=app_version)
        ) from None
    return report


def attached_to(application: Application) -> QuerySet[TraceReport]:
    """Return an application's reports, the latest first, without their findings."""
    return TraceReport.objects.filter(application=application).defer("findings").order_by("-attached_at")


def detach(report: TraceReport, *, actor: Actor) -> None:
    """Take a report off its application: it is erased; the history says that it was there."""
    with transaction.atomic():
        if TraceReport.objects.select_for_update().filter(pk=report.pk).exists():
            _record(Event.TRACE_DETACHED, report, actor)
            TraceReport.objects.filter(pk=report.pk).delete()


def _record(event: Event, report: TraceReport, actor: Actor) -> None:
    record(
        event,
        report,
        actor=actor,
        organisation=report.organisation,
        application_id=report.application_id,
        data={
            "trace_sha256": report.trace_sha256,
            "errors": report.errors,
            "warnings": report.warnings,
        },
    )
