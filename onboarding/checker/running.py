"""The run itself: the ladder climbed with progress, its result printed, and a report written where one is wanted."""

import argparse
import functools
import hashlib
import json
import sys
from datetime import datetime, timezone

from onboarding.checker import VERSION, report
from onboarding.checker.cannot_run import CannotRun
from onboarding.checker.language import Translate
from onboarding.checker.progress import Progress, as_rows
from onboarding.findings import gettext_noop as _
from onboarding.fleet.checks import Result
from onboarding.fleet.der import Malformed, read_certificate
from onboarding.fleet.diagnosis import Report, diagnose
from onboarding.fleet.offline_material import OfflineChecks
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.pki import files
from onboarding.pki.files import Kind


def run(options: argparse.Namespace, material: CredentialMaterial, target: Target, translate: Translate) -> bool:
    """Climb the ladder; return whether it passed. Raises CannotRun if result or report cannot be written."""
    progress = Progress(translate)
    began = datetime.now(timezone.utc)  # noqa: UP017 - Python 3.10
    if not options.json:
        progress.line(f"fleet-check {VERSION}: {options.programme}, {options.url}\n")
    found = diagnose(
        material,
        target,
        checks=functools.partial(OfflineChecks, key_file=options.key),
        now=began,
        deadline=options.deadline,
        on_check=(lambda _checks: None) if options.json else progress,
    )
    passed = found.result == Result.PASSED
    if options.json:
        rows = as_rows(found.checks, translate)
        progress.line(json.dumps({"result": str(found.result), "checks": rows}, indent=2, ensure_ascii=False))
    else:
        progress.finish(found.checks)
        said = _("Passed: these credentials work.") if passed else _("Failed. The check above says what to do.")
        progress.line(f"\n{translate(said)}")
    if path := options.report or (report.DEFAULT_NAME if options.nonce else ""):
        said = _write_report(path, options, material, found, began, translate)
        if options.json:
            sys.stderr.write(f"{said}\n")
        else:
            progress.line(said)
    return passed


def _write_report(
    path: str,
    options: argparse.Namespace,
    material: CredentialMaterial,
    found: Report,
    began: datetime,
    translate: Translate,
) -> str:
    """Write the report, and return what to say of it."""
    made = report.make(
        programme=options.programme,
        api_url=options.url,
        client_id=options.client_id,
        login=options.login,
        certificate=_certificate_facts(material.certificate_pem),
        started_at=began.isoformat(),
        finished_at=datetime.now(timezone.utc).isoformat(),  # noqa: UP017 - Python 3.10
        result=found.result,
        checks=found.checks,
        nonce=options.nonce,
    )
    signature = report.sign(report.signed_bytes(made), options.key, material.key_passphrase)
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(report.sealed(made, signature))
    except OSError as error:
        said = translate(_("cannot write {file}: {reason}"))
        raise CannotRun(said.format(file=path, reason=error.strerror or type(error).__name__)) from None
    if signature:
        return translate(_("The report is in {file}, signed with your private key.")).format(file=path)
    said = _("The report is in {file}. It is not signed: there is no openssl here, or it could not use your key.")
    return translate(said).format(file=path)


def _certificate_facts(data: bytes) -> dict[str, str]:
    """Return serial number and fingerprint of the first certificate that is no CA's, empty where none can be read."""
    held = files.items(data) if len(data) <= files.MAX_BYTES else ()
    try:
        certificates = [read_certificate(item.der) for item in held if item.kind is Kind.CERTIFICATE]
        leaf = min(certificates, key=lambda one: one.is_ca)
    except (Malformed, ValueError, IndexError):
        return {"serial_number": "", "sha256": ""}
    return {"serial_number": f"{leaf.serial_number:x}", "sha256": hashlib.sha256(leaf.der).hexdigest()}
