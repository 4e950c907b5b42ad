"""Facts as pages show them: findings and checks in the reader's words, snippets ready to copy."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from onboarding.credentials import kit
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder
from onboarding.findings import Finding, Message, explain
from onboarding.fleet import messages as fleet_messages
from onboarding.fleet.checks import Check, Result, Rung, Turn, rungs
from onboarding.pki import messages as pki_messages
from onboarding.pki.certificates import BY_ID, CertificateReport, Claim
from onboarding.pki.instructions import Tool
from onboarding.programmes import PROGRAMMES, SANDBOX, KeyRule, profile
from onboarding.registrations.models import Application
from onboarding.rehearsals import BY_NAME, SUFFIX, Played, Rehearsal
from onboarding.validation.models import PartnerReport, Run
from onboarding.virtualkeys.models import TokenRequest

# What the fields of a check's evidence are called. Fields of error bodies keep the names the API gives them.
EVIDENCE_LABELS = {
    "accepted_issuers": gettext_noop("CAs whose certificates it takes"),
    "address": gettext_noop("Address"),
    "addresses": gettext_noop("Addresses"),
    "alert": gettext_noop("TLS alert"),
    "asked_seconds": gettext_noop("Seconds asked for"),
    "attempt": gettext_noop("Attempt"),
    "basis": gettext_noop("Rests on"),
    "certificates_shown": gettext_noop("Certificates shown"),
    "cipher": gettext_noop("Cipher"),
    "content_type": gettext_noop("Media type"),
    "data_kinds": gettext_noop("Kinds of data"),
    "driver": gettext_noop("Driver"),
    "errno": gettext_noop("System error"),
    "exception": gettext_noop("Error type"),
    "expected": gettext_noop("Expected"),
    "expires": gettext_noop("Ends"),
    "failed_with": gettext_noop("Failed with"),
    "field": gettext_noop("Field"),
    "first_fleet_id": gettext_noop("First fleet's id"),
    "first_fleet_name": gettext_noop("First fleet's name"),
    "fleets": gettext_noop("Fleets"),
    "found": gettext_noop("Found"),
    "host": gettext_noop("Host"),
    "http_status": gettext_noop("HTTP status"),
    "issuer": gettext_noop("Issuer"),
    "issuer_named": gettext_noop("Issuer among those"),
    "location": gettext_noop("Redirected to"),
    "missing": gettext_noop("Missing"),
    "motorization": gettext_noop("Motorization"),
    "not_valid_after": gettext_noop("Valid until"),
    "port": gettext_noop("Port"),
    "proxy": gettext_noop("Proxy"),
    "quotas": gettext_noop("Calls left/allowed"),
    "reason": gettext_noop("Reason"),
    "requested": gettext_noop("Certificate asked for"),
    "retry_after": gettext_noop("Retry after (s)"),
    "scope": gettext_noop("Scopes granted"),
    "seconds": gettext_noop("Seconds"),
    "sent": gettext_noop("Certificate sent"),
    "serial_number": gettext_noop("Certificate's serial number"),
    "server_issuer": gettext_noop("Issuer of the server's certificate"),
    "server_not_valid_after": gettext_noop("Server's certificate valid until"),
    "server_subject": gettext_noop("Server's certificate"),
    "server_time": gettext_noop("Time at the server"),
    "signed": gettext_noop("Signed"),
    "stage": gettext_noop("Stage"),
    "subject": gettext_noop("Subject"),
    "text": gettext_noop("Text"),
    "tls_version": gettext_noop("TLS version"),
    "token_type": gettext_noop("Type of token"),
    "transaction_id": gettext_noop("Transaction id"),
    "uncertain": gettext_noop("May have had its effect"),
    "unreached": gettext_noop("Not reached at"),
    "vehicles": gettext_noop("Vehicles"),
    "vin": gettext_noop("VIN, its last characters"),
    "verify_code": gettext_noop("Verification code"),
    "verify_message": gettext_noop("Verification"),
}

EVIDENCE_WORDS: Mapping[str | int, str] = {
    "yes": gettext_noop("yes"),
    "no": gettext_noop("no"),
    "assumption": gettext_noop("our assumption"),
}
"""Values of the evidence that are words; all others are shown as they were found."""


def environment_name(id_: str) -> str:
    """Return what an environment is called, whichever programme it is of; its id if none has it any more."""
    labels = {one.id: one.label for programme in PROGRAMMES for one in profile(programme).environments.values()}
    return _("Sandbox") if id_ == SANDBOX else _(labels.get(id_, id_))


def certificate_subject(request: CertificateRequest) -> dict[str, str]:
    """Return what the certificate says of its owner, which need not be what the CSR asked for."""
    rows = request.certificate_report.get("subject", ())
    return {row["attribute"]: row["has"] for row in rows if row["has"]} or request.subject


def subject_rows(
    application: Application, subject: Mapping[str, str], *, explained: bool = False
) -> list[dict[str, Any]]:
    """Return a certificate's subject, for the component `summary_list.html`, in the profile's order and words.

    explained: with what each attribute is, what to put there, and why.
    """
    return [
        {
            "key": f"{_(rule.label)} ({rule.attribute})",
            "attribute": rule.attribute,
            "value": subject[rule.attribute],
            "mono": True,
            "note": f"{_(rule.what)} {_(rule.put)} {_(rule.why)}" if explained else "",
        }
        for rule in application.profile.dn
        if rule.attribute in subject
    ]


def key_row(rule: KeyRule) -> dict[str, Any]:
    """Return which key the instructions make, for the component `summary_list.html`."""
    bits = rule.choices[0]
    accepted = _("What the documentation uses. Up to %(bits)s bits are accepted: put another number into the command.")
    return {
        "key": _("Key"),
        "value": _("%(type)s, %(bits)s bits") % {"type": rule.types[0], "bits": bits},
        "note": accepted % {"bits": rule.max_bits},
    }


def steps(tool: Tool, subject: Mapping[str, str], bits: int) -> list[dict[str, str]]:
    """Return the steps on the partner's machine, in the reader's words."""
    return [
        {"title": _(step.title), "text": _(step.text), "command": step.command, "file": step.file}
        for step in tool.steps(subject, bits)
    ]


EXAMPLE = ((Rung.NAME_RESOLUTION, 3), (Rung.TCP_CONNECT, 12), (Rung.SERVER_TLS, 25), (Rung.CLIENT_CERTIFICATE, 9),
           (Rung.AUTHENTICATION, 6), (Rung.ANSWER, 41))  # fmt: skip
"""Rungs and milliseconds of the ladder on the welcome page: what a run against a near server looks like."""


def example_ladder() -> list[dict[str, Any]]:
    """Return a made-up run that passed, for the component `ladder.html`."""
    return [
        {"number": number, "title": _(fleet_messages.RUNG_TITLES[rung]), "result": "passed", "ms": ms}
        for number, (rung, ms) in enumerate(EXAMPLE, start=1)
    ]


Address = Callable[[Mapping[str, Any]], str]
"""Makes of a finding's parameters the address of the certificate request that they name."""


def explain_findings(
    findings: Iterable[Finding | Mapping[str, Any]],
    address: Address | None = None,
    *,
    catalogue: Mapping[str, Message] = pki_messages.MESSAGES,
) -> list[dict[str, Any]]:
    """Return findings in the reader's words, for the component `findings.html`.

    address: where the reader finds a certificate request that a finding names.
    """
    result = []
    for item in findings:
        finding = item if isinstance(item, Finding) else Finding.from_json(item)
        words = explain(finding, catalogue, _)
        result.append(
            {
                "severity": str(finding.severity),
                "field": finding.field,
                # Said twice, it would only be in the way; beside what was expected it is there to compare.
                "found": finding.found if finding.expected or finding.found not in words.title else "",
                "expected": finding.expected,
                "title": words.title,
                "remedy": words.remedy,
                "command": words.command,
                "href": address(finding.params) if address and "request_id" in finding.params else "",
            }
        )
    return result


def certificate_report(
    report: CertificateReport | Mapping[str, Any], application: Application, address: Address | None = None
) -> dict[str, Any]:
    """Return a certificate's check in the reader's words, for the component `certificate_report.html`.

    report: fresh, or as it was stored.
    """
    data = report.to_json() if isinstance(report, CertificateReport) else report
    facts = data["facts"]
    checks = []
    for number, checked in enumerate(data["checks"], start=1):
        check = BY_ID[checked["id"]]
        findings = explain_findings(checked["findings"], address)
        differs = check.id == "subject" and bool(findings)
        checks.append(
            {
                "number": number,
                "title": _(check.title),
                "result": checked["result"],
                "fact": _(check.fact).format(**facts) if check.fact and facts else "",
                "difference": _difference(data["subject"], application) if differs else [],
                # The table says what differs; what is left is what to do, and that is the same for each attribute.
                "remedy": findings[0]["remedy"] if differs else "",
                "findings": [] if differs else findings,
            }
        )
    return {"fit": data["fit"], "checks": checks, "count": len(checks), "clean": not any(map(_says_something, checks))}


def other_certificate(claim: Claim) -> str:
    """Say that the files that were given hold a certificate for another request, too."""
    return _(
        "There is a certificate for %(application)s (%(reference)s, %(login)s) in the same file: take it in there."
    ) % asdict(claim)


def _says_something(check: Mapping[str, Any]) -> bool:
    return bool(check["findings"] or check["difference"])


def _difference(rows: Iterable[Mapping[str, Any]], application: Application) -> list[dict[str, Any]]:
    """Return the subject side by side, for the component `subject_difference.html`."""
    labels = {rule.attribute: f"{_(rule.label)} ({rule.attribute})" for rule in application.profile.dn}
    return [{**row, "label": labels.get(row["attribute"], row["attribute"])} for row in rows]


def key_order_steps(order: KeyOrder) -> list[dict[str, Any]]:
    """Return how far an open order is, for the component `ladder.html`; steps to come are there too."""
    steps = list(KeyOrder.Step)
    reached = steps.index(KeyOrder.Step(order.step)) + 1 if order.state == KeyOrder.State.RUNNING else 0
    titles = [_("Wait for a worker"), *(step.label for step in steps)]
    return [
        {
            "number": number + 1,
            "title": title,
            "result": "passed" if number < reached else "running" if number == reached else "not_reached",
            "label": _("Done") if number < reached else _("Waiting") if number == reached == 0 else "",
            "ms": None,
        }
        for number, title in enumerate(titles)
    ]


def ladder(run: Run | PartnerReport) -> list[dict[str, Any]]:
    """Return a run's or report's checks in the reader's words, for the component `ladder.html`, with rungs to come."""
    checks = [Check.from_json(row) for row in run.checks]
    if isinstance(run, PartnerReport) or not run.is_open:  # it may have been ended in the middle of a check
        unsettled = (Result.RUNNING, Result.NOT_REACHED)
        checks = [
            Check(one.rung, "not_reached", Result.NOT_REACHED) if one.result in unsettled else one for one in checks
        ]
    has_vehicle = isinstance(run, Run) and run.vin_id is not None
    optional = (Rung.CAPABILITIES,) if has_vehicle else ()
    ahead = [] if checks else rungs(run.credential_set.application.programme, optional)
    return rungs_in_words(checks, ahead)


def rungs_in_words(checks: Iterable[Check], ahead: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return checks in the reader's words, for the component `ladder.html`, with rungs to come."""
    rows = [(check.rung, _check(check)) for check in checks] + [(rung, dict(_AHEAD)) for rung in ahead]
    return [
        {"number": number, "title": _(fleet_messages.RUNG_TITLES[rung]), **row}
        for number, (rung, row) in enumerate(rows, start=1)
    ]


_AHEAD = {"result": "not_reached", "ms": None}


def _check(check: Check) -> dict[str, Any]:
    if check.code in ("running", "not_reached"):
        return {"result": str(check.result), "ms": None}
    words = fleet_messages.words(check, _)
    to_mend = check.result in (Result.FAILED, Result.WARNING)
    return {
        "open": check.result == Result.RUNNING,  # it waits for a further attempt, and says so
        "result": str(check.result),
        "ms": check.ms,
        "detail": words.title,
        "evidence": [
            {
                "label": _(EVIDENCE_LABELS.get(name, name)),
                "value": _(EVIDENCE_WORDS[value]) if value in EVIDENCE_WORDS else value,
            }
            for name, value in check.evidence.items()
        ],
        "whose": whose_turn(check.turn) if to_mend else "",
        "remedy": words.remedy if to_mend else "",
    }


FACTS = (
    ("tls_version", gettext_noop("TLS version")),
    ("cipher", gettext_noop("Cipher")),
    ("client_certificate_seen", gettext_noop("Your certificate, as the sandbox saw it")),
    ("client_certificate_subject", gettext_noop("Your certificate")),
    ("server_subject", gettext_noop("Server's certificate")),
    ("fleets", gettext_noop("Fleets returned")),
    ("first_fleet_name", gettext_noop("First fleet")),
)
"""What a run showed, in the order of the page."""


def run_facts(run: Run) -> list[dict[str, Any]]:
    """Return what a passed run showed, for the component `summary_list.html`."""
    if run.state != Run.State.PASSED:
        return []
    return [
        {"key": _(label), "value": run.facts[name], "mono": name not in ("fleets", "first_fleet_name")}
        for name, label in FACTS
        if name in run.facts
    ]


def rehearsal_title(run: Run | TokenRequest) -> str:
    """Return what was rehearsed with a run, empty for nothing."""
    if not run.rehearsal:
        return ""
    known = BY_NAME.get(run.rehearsal)
    return _(known.title) if known else run.rehearsal


def how_to_meet(rehearsal: Rehearsal, client_id: str) -> list[dict[str, Any]]:
    """Return where a program of the partner's own meets a failure, for the component `summary_list.html`."""
    api_url, proxy = rehearsal.route(settings.SANDBOX_API_URL, settings.SANDBOX_FAULT_PORTS)
    if proxy is not None:
        return [{"key": _("Through the proxy"), "value": proxy, "mono": True}]
    if rehearsal.played in (Played.PORT, Played.ADDRESS):
        return [{"key": _("At the address"), "value": api_url, "mono": True}]
    return [
        {"key": _("At the usual address, while it is on"), "value": client_id, "mono": True},
        {"key": _("At any time, with the client ID"), "value": f"{client_id}{SUFFIX}{rehearsal.name}", "mono": True},
    ]


def whose_turn(turn: Turn, *, to_staff: bool = False) -> str:
    """Say whose turn it is, to a partner or to staff."""
    return {
        Turn.PARTNER: _("The partner's") if to_staff else _("Yours"),
        Turn.MAKER: settings.OPERATOR_NAME,
        Turn.OPERATOR: _("Whoever runs this portal"),
        Turn.NETWORK: _("Whoever runs the network between here and there"),
        Turn.NOBODY: _("Nobody's"),
    }[turn]


def snippets(credential_set: CredentialSet) -> list[dict[str, str]]:
    """Return curl and Python for the first own call. They work as they stand, in a folder with the three files.

    Secrets come from environment variables, never from the snippet.
    """
    values = kit.values_of(credential_set)
    return [
        {
            "id": f"snippet-{name}",
            "label": label,
            "language": language,
            "code": kit.example(file, values, certificate_file=kit.LEAF_FILE).strip(),
        }
        for name, label, language, file in (
            ("curl", "curl", "shell", "run.sh"),
            ("python", "Python", "python", "fleet_call.py"),
        )
    ]
