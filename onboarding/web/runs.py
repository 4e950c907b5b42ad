"""Runs as pages and mails show them: how long each check took, what has changed, and what support is sent."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from onboarding.fleet import messages as fleet_messages
from onboarding.fleet.bundle import Case
from onboarding.fleet.checks import Check, Result
from onboarding.validation.difference import Difference, differences
from onboarding.validation.models import Run
from onboarding.web.presenting import EVIDENCE_LABELS, whose_turn

RESULT_WORDS: Mapping[str, str] = {
    Result.PASSED: gettext_noop("Passed"),
    Result.WARNING: gettext_noop("Warning"),
    Result.FAILED: gettext_noop("Failed"),
}
BAR_HEIGHT = 28
"""CSS pixels of the slowest run's bar."""


def rung_title(rung: str) -> str:
    """Return a rung's title in the reader's words; empty for none."""
    return _(fleet_messages.RUNG_TITLES[rung]) if rung in fleet_messages.RUNG_TITLES else rung


def cause_title(code: str) -> str:
    """Return what a check's code means, where it is not about one run: what only its evidence tells is left open."""
    message = fleet_messages.MESSAGES.get(code)
    if message is None:
        return code or _("Unknown")
    return _(message.title).format_map(_Open())


class _Open(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return _OPEN.get(key, "…")


_OPEN = {"host": gettext_noop("the server")}


def check_in_words(row: Mapping[str, Any]) -> dict[str, str]:
    """Return a stored check as a mail says it: rung, title, remedy, whose turn."""
    check = Check.from_json(row)
    said = fleet_messages.words(check, _)
    return {"rung": said.rung, "title": said.title, "remedy": said.remedy, "whose": whose_turn(check.turn)}


def history(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return runs for the table of the validate page."""
    return [
        {
            "run": run,
            "stopped_at": rung_title(run.stopped_at),
            "ms": run.ms,
            "by": _by_whom(run),
        }
        for run in runs
    ]


def _by_whom(run: Run) -> str:
    if run.origin == Run.Origin.SCHEDULE:
        return _("Regular check")
    return str(run.requested_by) if run.requested_by else _("A former member")


def latency(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return how long each check took in these runs, with one bar a run, the oldest first; empty for fewer than two.

    The bars of one check share a scale; the figures beside them say the same in words.
    """
    shown = sorted(
        (run for run in runs if run.state in Run.RESULTS and not run.rehearsal), key=lambda run: run.created_at
    )
    if len(shown) < 2:
        return []
    ladders = [{row["rung"]: row for row in run.checks} for run in shown]
    order = {rung: None for ladder in reversed(ladders) for rung in ladder}
    rows = []
    for rung in order:
        checks = [ladder.get(rung) for ladder in ladders]
        measured = [check["ms"] for check in checks if check and check["ms"] is not None]
        if len(measured) > 1:
            rows.append(
                {
                    "title": rung_title(rung),
                    "last": measured[-1],
                    "median": median(measured),
                    "slowest": max(measured),
                    "bars": _bars(checks, max(measured)),
                }
            )
    return rows


def _bars(checks: Sequence[Mapping[str, Any] | None], slowest: float) -> list[dict[str, Any]]:
    """Place one bar for each check that was measured; x and width in per cent."""
    step = 100 / len(checks)
    bars = []
    for index, check in enumerate(checks):
        if check is None or check["ms"] is None:
            continue
        height = max(2.0, BAR_HEIGHT * check["ms"] / (slowest or 1))
        bars.append(
            {
                "x": f"{index * step + step * 0.15:.2f}%",
                "width": f"{step * 0.7:.2f}%",
                "y": f"{BAR_HEIGHT - height:.1f}",
                "height": f"{height:.1f}",
                "result": check["result"],
            }
        )
    return bars


def comparison(run: Run, good: Run | None) -> list[dict[str, str]] | None:
    """Return what changed from the last good run to this one; None where there is nothing to compare."""
    if good is None or run.state != Run.State.FAILED:
        return None
    before, now = ([Check.from_json(row) for row in one.checks] for one in (good, run))
    return [_in_words(found) for found in differences(before, now)]


def _in_words(found: Difference) -> dict[str, str]:
    words = {"rung": rung_title(found.rung), "before": str(found.before), "after": str(found.after)}
    if found.what == "result":
        shown = {name: _(RESULT_WORDS.get(words[name], words[name])) for name in ("before", "after")}
        return words | shown | {"what": _("Result")}
    if found.what == "time":
        times = {"before": f"{found.before:.0f} ms", "after": f"{found.after:.0f} ms"}
        return words | times | {"what": _("Time taken")}
    return words | {"what": _(EVIDENCE_LABELS.get(found.what, found.what))}


def support_case(run: Run) -> Case:
    """Return whose run it was, for the bundle that support is sent."""
    held = run.credential_set
    hosts = (row["evidence"].get("host") for row in run.checks)
    return Case(
        environment=held.environment,
        started_at=(run.started_at or run.created_at).isoformat(),
        finished_at=run.finished_at.isoformat() if run.finished_at else "",
        reference=held.application.reference,
        programme=str(held.application.get_programme_display()),
        mzp=held.certificate_request.partner_login.mzp,
        client_id=held.client_id,
        serial_number=held.certificate_request.serial_number,
        host=str(next((host for host in hosts if host), "")),
        run=str(run.pk),
        made_by=settings.PORTAL_NAME,
    )
