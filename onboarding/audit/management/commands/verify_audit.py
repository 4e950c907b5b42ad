"""`manage.py verify_audit`: whether what was recorded is still what was recorded."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from onboarding.audit import checkpoints, documents, keys, verifying
from onboarding.audit.documents import BadCheckpoint, UnknownKey, Vouched
from onboarding.audit.verifying import Outcome
from onboarding.audit.wording import finding, in_words
from onboarding.findings import Finding

WHOLE, TAMPERED, CANNOT_RUN = 0, 1, 2


class Command(BaseCommand):
    """Exit code 0: whole; 1: tampered with; 2: it could not run, or not judge everything."""

    help = "Verify all chains of the audit, and hold them against checkpoints."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--checkpoint", metavar="FILE", help="an exported checkpoint to hold the chains against")
        parser.add_argument("--signature-only", action="store_true", help="only check the file; needs no database")
        parser.add_argument("--public-key", action="store_true", help="print what others check the signatures with")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Verify, report, and end with the exit code."""
        began = time.monotonic()
        try:
            ring = keys.ring()
            if options["public_key"]:
                for key in ring.values():
                    pem = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
                    self.stdout.write(pem.decode("ascii"), ending="")
                return
            given = self._given(options["checkpoint"], ring)
            if options["signature_only"]:
                if given is None:
                    raise BadCheckpoint("Name the file with --checkpoint.")
                sys.exit(self._signed(given, options))
            outcome = self._verify(ring, given)
        except (BadCheckpoint, UnknownKey, keys.NoAuditKey, OSError, DatabaseError) as error:
            sys.exit(self._cannot(str(error), options))
        sys.exit(self._report(outcome, time.monotonic() - began, options))

    def _given(self, path: str | None, ring: Any) -> Vouched | None:
        if path is None:
            return None
        try:
            return documents.read(Path(path).read_bytes(), ring)
        except (BadCheckpoint, UnknownKey) as error:
            raise type(error)(f"{path}: {error}") from None

    def _verify(self, ring: Any, given: Vouched | None) -> Outcome:
        kept: list[Vouched] = []
        found: list[Finding] = []
        try:
            if (last := checkpoints.latest(ring)) is not None:
                kept.append(last)
        except BadCheckpoint:
            number = checkpoints.last_number()
            found.append(finding("checkpoint_changed", first=number))
        outcome = verifying.verify(ring, [*kept, *([given] if given else [])])
        outcome.findings += [*found, *checkpoints.lost()]
        return outcome

    def _report(self, outcome: Outcome, seconds: float, options: Any) -> int:
        verdict = TAMPERED if outcome.findings else CANNOT_RUN if outcome.unjudged else WHOLE
        explained = [in_words(one) for one in outcome.findings]
        if options["json"]:
            document = {
                "result": ("whole", "tampered", "cannot_run")[verdict],
                "chains": outcome.chains,
                "entries": outcome.entries,
                "checkpoints": list(outcome.checkpoints),
                "seconds": round(seconds, 2),
                "findings": [
                    {"code": one.finding.code, **one.finding.params, "found": one.finding.found, "text": one.title}
                    for one in explained
                ],
                "unjudged": dict(outcome.unjudged),
            }
            self.stdout.write(json.dumps(document, indent=2))
            return verdict
        for one in explained:
            self.stdout.write(f"{_where(one.finding)}{one.title} {one.remedy}")
        for key_id, count in outcome.unjudged.items():
            self.stdout.write(
                f"{count} entries were made with the audit key {key_id}, which AUDIT_KEY does not hold: add the older "
                "key after the newer one, separated by a comma."
            )
        against = ", ".join(f"checkpoint {number}" for number in outcome.checkpoints) or "no checkpoint"
        size = f"{outcome.entries} entries in {outcome.chains} chains, held against {against}, in {seconds:.1f} s"
        words = ("Whole", f"Tampered with: {len(explained)} findings", "Not all of it could be judged")[verdict]
        self.stdout.write(f"{words}. {size}.")
        return verdict

    def _signed(self, given: Vouched, options: Any) -> int:
        entries = sum(head.length for head in given.heads.values())
        facts = {"number": given.number, "made_at": given.made_at.isoformat(), "chains": len(given.heads)}
        if options["json"]:
            self.stdout.write(json.dumps({"result": "signed", **facts, "entries": entries}, indent=2))
        else:
            moment = f"{given.made_at:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(
                f"The signature holds: checkpoint {given.number} of {moment}, {entries} entries in "
                f"{len(given.heads)} chains. The database was not looked at."
            )
        return WHOLE

    def _cannot(self, why: str, options: Any) -> int:
        if options["json"]:
            self.stdout.write(json.dumps({"result": "cannot_run", "error": why}, indent=2))
        else:
            self.stderr.write(f"Cannot verify. {why}")
        return CANNOT_RUN


def _where(one: Finding) -> str:
    if not one.params["chain"]:
        return ""
    organisation = one.params["organisation"]
    return f"Chain {one.params['chain']} ({f'organisation {organisation}' if organisation else 'no organisation'}): "
