"""The support bundle: everything that a car maker's support asks for about one run, and nothing that is secret."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onboarding.findings import gettext_noop as _
from onboarding.fleet.checks import Check, Result, Turn
from onboarding.fleet.evidence import MAX_TEXT, scrub
from onboarding.fleet.messages import words

# What support finds a call again by, in the order in which it asks for it: the fields of error bodies and headers.
REFERENCES = ("code", "httpCode", "error", "uuid", "timestamp", "transaction_id", "message", "httpMessage",
              "moreInformation", "error_description", "alert", "http_status")  # fmt: skip

RESULTS: Mapping[Result, str] = {
    Result.PASSED: _("passed"),
    Result.WARNING: _("warning"),
    Result.FAILED: _("failed"),
    Result.NOT_REACHED: _("not checked"),
    Result.RUNNING: _("running"),
}
TURNS: Mapping[Turn, str] = {
    Turn.PARTNER: _("partner"),
    Turn.MAKER: _("car maker"),
    Turn.OPERATOR: _("operator of the portal"),
    Turn.NETWORK: _("network"),
    Turn.NOBODY: _("nobody"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """Whose run it was. Times: ISO 8601 with offset. All may be empty but `environment` and `started_at`.

    reference: of the application. serial_number: of the client certificate, in hexadecimal. made_by: the program and
    its version.
    """

    environment: str
    started_at: str
    finished_at: str = ""
    reference: str = ""
    programme: str = ""
    mzp: str = ""
    client_id: str = ""
    serial_number: str = ""
    host: str = ""
    run: str = ""
    made_by: str = ""


# The fields of a case, with what they are called.
_CASE: Sequence[tuple[str, str]] = (
    ("run", _("Run")),
    ("reference", _("Application")),
    ("programme", _("Programme")),
    ("environment", _("Environment")),
    ("host", _("Host")),
    ("mzp", _("Partner login (MZP)")),
    ("client_id", _("Client ID")),
    ("serial_number", _("Certificate's serial number")),
    ("started_at", _("Began")),
    ("finished_at", _("Ended")),
    ("made_by", _("Made by")),
)


def as_data(
    case: Case, checks: Sequence[Check], facts: Mapping[str, str | int], clean: Callable[[str], str] = scrub
) -> dict[str, Any]:
    """Return the bundle as plain values for JSON.

    The evidence of a run has been cleaned when it was gathered, with the set's own secrets known
    (`onboarding.fleet.evidence.Redactor`). Here everything is gone over once more: by default for what looks like a
    secret, whoever's it is; pass the redactor's `clean` where there is one.
    """
    rows = [_row(check, clean) for check in checks]
    failed = next((row for row in rows if row["result"] == Result.FAILED), None)
    return {
        "case": {name: _safe(getattr(case, name), clean) for name, _label in _CASE},
        "result": str(Result.FAILED if failed else Result.PASSED),
        "references": _references(failed["evidence"]) if failed else {},
        "facts": {name: _safe(value, clean) for name, value in facts.items()},
        "checks": rows,
    }


def as_json(case: Case, checks: Sequence[Check], facts: Mapping[str, str | int]) -> str:
    """Return the bundle as JSON text."""
    return json.dumps(as_data(case, checks, facts), ensure_ascii=False, indent=2) + "\n"


def as_text(
    case: Case,
    checks: Sequence[Check],
    facts: Mapping[str, str | int],
    translate: Callable[[str], str] = str,
    clean: Callable[[str], str] = scrub,
) -> str:
    """Return the bundle as text to send. translate: gettext, or the identity for English."""
    data = as_data(case, checks, facts, clean)
    lines = [translate(_("Call of the fleet API: result for support")), ""]
    lines += _table((translate(label), data["case"][name]) for name, label in _CASE if data["case"][name])
    if data["references"]:
        lines += ["", translate(_("What the server said"))]
        lines += _table(data["references"].items())
    lines += ["", translate(_("Checks"))]
    for number, (check, row) in enumerate(zip(checks, data["checks"], strict=True), start=1):
        lines += _paragraph(number, check, row, translate, clean)
    if data["facts"]:
        lines += ["", translate(_("Facts"))]
        lines += _table(data["facts"].items())
    return "\n".join(lines) + "\n"


def _row(check: Check, clean: Callable[[str], str]) -> dict[str, Any]:
    row = check.to_json()
    return {**row, "evidence": {name: _safe(value, clean) for name, value in row["evidence"].items()}}


def _references(evidence: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: evidence[name] for name in REFERENCES if evidence.get(name)}


def _safe(value: str | int, clean: Callable[[str], str]) -> str | int:
    return clean(value)[:MAX_TEXT] if isinstance(value, str) else value


def _table(rows: Any) -> list[str]:
    pairs = [(str(label), str(value)) for label, value in rows]
    width = max((len(label) for label, _value in pairs), default=0)
    return [f"  {label:<{width}}  {value}" for label, value in pairs]


def _paragraph(
    number: int, check: Check, row: Mapping[str, Any], translate: Callable[[str], str], clean: Callable[[str], str]
) -> list[str]:
    said = words(Check(check.rung, check.code, check.result, check.turn, row["evidence"], check.ms), translate)
    ms = "" if check.ms is None else f", {check.ms:.0f} ms"
    lines = [f"{number:>3}. {said.rung}: {translate(RESULTS[check.result])} ({check.code}{ms})"]
    if check.result in (Result.FAILED, Result.WARNING, Result.PASSED):
        lines.append(f"     {clean(said.title)}")
    if check.result in (Result.FAILED, Result.WARNING):
        lines.append(f"     {translate(_('Whose turn'))}: {translate(TURNS[check.turn])}")
        lines += [f"     {name}: {value}" for name, value in row["evidence"].items()]
    return lines
