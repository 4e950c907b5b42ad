"""Reports of the offline checker: asked for with a nonce, read with suspicion, accepted once or refused by name."""

import base64
import binascii
import json
import math
import re
import secrets
import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.checker.build import FILE_NAME
from onboarding.checker.report import FORMAT, signed_bytes
from onboarding.credentials import flows as credentials
from onboarding.credentials import kit
from onboarding.credentials.environments import environment
from onboarding.credentials.models import CredentialSet
from onboarding.findings import Finding, Message, Severity
from onboarding.fleet.checks import OPTIONAL, Check, Result, Rung, Turn, rungs
from onboarding.fleet.evidence import MAX_TEXT, scrub
from onboarding.fleet.messages import MESSAGES
from onboarding.fleet.vin import masked
from onboarding.partners.actors import Actor
from onboarding.pki.certificates import load_certificates
from onboarding.programmes import SANDBOX
from onboarding.validation import telling
from onboarding.validation.models import PartnerReport

NONCE_IS_GOOD_FOR = timedelta(hours=24)

_AGAIN = _("Run the checker again, with the command from this page, and upload the report that it writes.")
_AS_WRITTEN = _("Upload the file that the checker wrote, as it is: fleet-check-report.json.")

REFUSALS: Mapping[str, Message] = {
    "report_not_json": Message(_("This is not a report of the offline checker: it is not JSON"), _AS_WRITTEN),
    "report_unreadable": Message(
        _("This is not a report of the offline checker: {found}"),
        _AS_WRITTEN,
    ),
    "report_of_other_version": Message(
        _("The report is of another version: {found}"), _("Download the checker again from this page, and run that.")
    ),
    "report_contradicts_itself": Message(_("The report's result is not that of its checks"), _AGAIN),
    "report_without_nonce": Message(
        _("The report has no nonce, so it cannot be told when it was made"),
        _("Run the checker with the command from this page: --nonce is part of it."),
    ),
    "report_for_other_set": Message(_("The report was asked for elsewhere: its nonce is not one of this page"), _AGAIN),
    "report_stale": Message(_("The report is stale: its nonce is older than 24 hours"), _AGAIN),
    "report_replayed": Message(
        _("This report, or another with the same nonce, was accepted before"),
        _("Reload this page for a new command, and run the checker again."),
    ),
    "report_tampered": Message(
        _("The report was changed after it was signed, or another key signed it"),
        _("Upload the report as the checker wrote it, signed with the key of this certificate."),
    ),
    "report_of_other_certificate": Message(
        _("The report is about another certificate"), _("Run the checker with the certificate from this page.")
    ),
    "report_of_other_programme": Message(_("The report is about another programme"), _AGAIN),
    "report_of_other_client": Message(
        _("The report is about another client ID"),
        _("Run the checker with the client ID that is stored here, or store the one that is right."),
    ),
    "report_of_other_login": Message(_("The report is about another partner login"), _AGAIN),
    "report_of_other_address": Message(_("The report is about another address of the fleet API"), _AGAIN),
}
"""Why a report is refused."""

_FIELDS: Mapping[str, int] = {
    "format": 40, "checker": 20, "programme": 40, "api_url": 300, "client_id": 120, "login": 40, "started_at": 40,
    "finished_at": 40, "result": 10, "nonce": 120,
}  # fmt: skip
_CHECK_FIELDS = frozenset({"rung", "code", "result", "turn", "evidence", "ms"})
_SETTLED = frozenset({Result.PASSED, Result.WARNING, Result.FAILED, Result.NOT_REACHED})
_EVIDENCE_NAME = re.compile(r"[A-Za-z_]{1,40}")
_HEX = re.compile(r"[0-9a-f]{0,64}")
_MAX_EVIDENCE = 40
_MAX_NUMBER = 2**53
_MAX_MS = 3_600_000.0
_MAX_SIGNATURE = 1024


class ReportRefused(Exception):
    """The report is not accepted; the finding, worded by REFUSALS, says why. Nothing was kept."""

    def __init__(self, code: str, found: str = "", expected: str = "") -> None:
        super().__init__(code)
        self.finding = Finding(code, Severity.ERROR, "report", found, expected)


def new_nonce(credential_set: CredentialSet) -> str:
    """Return a nonce for a report about this set. It says itself when it was made; what was used is a row."""
    return _signer(credential_set).sign(secrets.token_hex(8))


def command(credential_set: CredentialSet, nonce: str) -> str:
    """Return the command that checks this set beside its key, filled in; secrets are asked for by the checker."""
    values = kit.values_of(credential_set)
    options = {
        "programme": values.programme,
        "url": values.api_url,
        "cert": kit.LEAF_FILE,
        "key": kit.KEY_FILE,
        "ca": kit.CA_FILE,
        "client-id": values.client_id,
    }
    if values.login:
        options["login"] = values.login  # without a password, too, the certificate's common name is compared with it
    if "client_secret" in values.needs:
        application = credential_set.application
        where = environment(application.profile, credential_set.environment)
        options |= {"token-url": where.token_url.format(domain=application.brand.domain), "realm": values.realm}
        if where.id == SANDBOX:
            options["token-ca"] = kit.CA_FILE
    words = [f"--{name} {shlex.quote(value)}" for name, value in (options | {"nonce": nonce}).items()]
    return " ".join(["python3", FILE_NAME, *words])


def accept(credential_set: CredentialSet, data: bytes, *, actor: Actor) -> PartnerReport:
    """Accept a report about this set. If it is signed and passed, the set is live, and its certificate in use.

    Raises ReportRefused.
    """
    report, signature = _read(data)
    checks = _checks(report, credential_set)
    _is_about(credential_set, report)
    if signature is not None and not _verifies(credential_set, report, signature):
        raise ReportRefused("report_tampered")
    _is_fresh(credential_set, report["nonce"])
    try:
        with transaction.atomic():
            accepted = PartnerReport.objects.create(
                credential_set=credential_set,
                nonce=report["nonce"],
                signed=signature is not None,
                result=report["result"],
                checks=[check.to_json() for check in checks],
                checker_version=report["checker"],
                began_at=_moment(report, "started_at"),
                ended_at=_moment(report, "finished_at"),
                received_from_id=actor.user_id,
            )
            record(
                Event.REPORT_ACCEPTED,
                accepted,
                actor=actor,
                organisation=credential_set.organisation,
                application_id=credential_set.application_id,
                data={
                    "environment": credential_set.environment,
                    "result": accepted.result,
                    "signed": accepted.signed,
                },
            )
            if accepted.proves and credentials.activate(credential_set.certificate_request, actor=actor):
                telling.tell_live("application_live_reported", credential_set)
    except IntegrityError:
        raise ReportRefused("report_replayed") from None
    return accepted


def _read(data: bytes) -> tuple[dict[str, Any], bytes | None]:
    """Read the file: the report, every field of the right kind and length, and its signature, if it has one."""
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise ReportRefused("report_not_json") from None
    if not isinstance(content, dict) or content.keys() != {"report", "signature"}:
        _refuse("report, signature")
    report, written = content["report"], content["signature"]
    if not isinstance(report, dict):
        _refuse("report")
    if report.get("format") != FORMAT:
        raise ReportRefused("report_of_other_version", _shown(report.get("format")), FORMAT)
    if report.keys() != {*_FIELDS, "certificate", "checks"}:
        _refuse(", ".join(sorted({*_FIELDS, "certificate", "checks"} ^ report.keys()))[:MAX_TEXT])
    for name, longest in _FIELDS.items():
        if not isinstance(report[name], str) or len(report[name]) > longest or not report[name].isprintable():
            _refuse(name)
    certificate = report["certificate"]
    if not isinstance(certificate, dict) or certificate.keys() != {"serial_number", "sha256"}:
        _refuse("certificate")
    if not all(isinstance(value, str) and _HEX.fullmatch(value) for value in certificate.values()):
        _refuse("certificate")
    if _moment(report, "finished_at") < _moment(report, "started_at"):
        _refuse("finished_at")
    return report, _signature(written)


def _signature(written: object) -> bytes | None:
    if written is None:
        return None
    try:
        if not isinstance(written, str) or len(written) > 2 * _MAX_SIGNATURE:
            raise ValueError
        return base64.b64decode(written, validate=True)
    except (ValueError, binascii.Error):
        _refuse("signature")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: two readers could read two reports."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice")
    return result


def _checks(report: Mapping[str, Any], credential_set: CredentialSet) -> list[Check]:
    """Return the checks, their texts cleaned. Raises ReportRefused unless they are a whole ladder of this programme."""
    programme = credential_set.application.programme
    if report["programme"] != programme:
        raise ReportRefused("report_of_other_programme", report["programme"], programme)
    rows = report["checks"]
    if not isinstance(rows, list) or len(rows) > len(Rung):
        _refuse("checks")
    checks = [_check(number, row) for number, row in enumerate(rows, start=1)]
    climbed = [check.rung for check in checks]
    if climbed != [str(rung) for rung in rungs(programme, OPTIONAL.intersection(climbed))]:
        _refuse("checks")
    results = {check.result for check in checks}
    ended = Result.FAILED if Result.FAILED in results else Result.PASSED
    if report["result"] != ended or (ended == Result.PASSED and Result.NOT_REACHED in results):
        raise ReportRefused("report_contradicts_itself")
    return checks


def _check(number: int, row: object) -> Check:
    where = f"checks, {number}"
    if not isinstance(row, dict) or row.keys() != _CHECK_FIELDS:
        _refuse(where)
    evidence, ms = row["evidence"], row["ms"]
    known = all(isinstance(row[name], str) for name in ("rung", "code", "result", "turn"))
    if not known or row["rung"] not in set(Rung) or row["code"] not in MESSAGES or row["turn"] not in set(Turn):
        _refuse(where)
    if row["result"] not in _SETTLED:
        _refuse(where)
    if ms is not None and (not _is_number(ms) or not math.isfinite(ms) or not 0 <= ms <= _MAX_MS):
        _refuse(where)
    if not isinstance(evidence, dict) or len(evidence) > _MAX_EVIDENCE:
        _refuse(where)
    found: dict[str, str | int] = {}
    for name, value in evidence.items():
        if not _EVIDENCE_NAME.fullmatch(name):
            _refuse(where)
        if isinstance(value, str) and len(value) <= MAX_TEXT:
            found[name] = masked(value) if name == "vin" else _clean(value)
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_NUMBER:
            found[name] = value
        else:
            _refuse(where)
    return Check(row["rung"], row["code"], Result(row["result"]), Turn(row["turn"]), found, ms)


def _is_about(credential_set: CredentialSet, report: Mapping[str, Any]) -> None:
    """Raise ReportRefused unless the report is about this set: certificate, client ID, login, address."""
    request = credential_set.certificate_request
    api_url = environment(credential_set.application.profile, credential_set.environment).api_url
    needs_login = "mzp" in credential_set.application.profile.credentials
    login = request.partner_login.mzp if needs_login or report["login"] else ""
    for code, found, expected in (
        ("report_of_other_certificate", report["certificate"]["sha256"], request.certificate_sha256),
        ("report_of_other_client", report["client_id"], credential_set.client_id),
        ("report_of_other_login", report["login"], login),
        ("report_of_other_address", report["api_url"].rstrip("/"), api_url.rstrip("/")),
    ):
        if found != expected:
            raise ReportRefused(code, _clean(found), expected)


def _verifies(credential_set: CredentialSet, report: Mapping[str, Any], signature: bytes) -> bool:
    """Whether the key of the set's certificate made this signature."""
    leaf = load_certificates(credential_set.certificate_request.certificate_pem.encode("ascii"))[0]
    key, signed = leaf.public_key(), signed_bytes(report)
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(signature, signed, padding.PKCS1v15(), SHA256())
            case ec.EllipticCurvePublicKey():
                key.verify(signature, signed, ec.ECDSA(SHA256()))
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def _is_fresh(credential_set: CredentialSet, nonce: str) -> None:
    """Raise ReportRefused unless we gave this nonce out for this set, lately, and it was not used."""
    if not nonce:
        raise ReportRefused("report_without_nonce")
    if PartnerReport.objects.filter(nonce=nonce).exists():
        raise ReportRefused("report_replayed")
    try:
        _signer(credential_set).unsign(nonce, max_age=NONCE_IS_GOOD_FOR)
    except SignatureExpired:
        raise ReportRefused("report_stale") from None
    except BadSignature:
        raise ReportRefused("report_for_other_set") from None


def _signer(credential_set: CredentialSet) -> TimestampSigner:
    return TimestampSigner(salt=f"partner-report:{credential_set.pk}")


def _moment(report: Mapping[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(report[name])
    except ValueError:
        _refuse(name)
    if moment.tzinfo is None:
        _refuse(name)
    return moment


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _clean(text: str) -> str:
    """Return a text without what looks secret, and without what cannot be shown."""
    return scrub("".join(character if character.isprintable() else " " for character in text))


def _shown(value: object) -> str:
    return _clean(value[:40]) if isinstance(value, str) else "–"


def _refuse(found: str) -> NoReturn:
    raise ReportRefused("report_unreadable", found)
