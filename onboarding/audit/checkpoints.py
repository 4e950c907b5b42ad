"""Checkpoints: made at intervals, kept in the database, exported as files, and read again to verify with.

A checkpoint vouches only for what was verified since the one before: otherwise it would sign for what somebody had cut
off a minute earlier. Its row is written first and its file after that, so that a file without a row means that the
database was set back.
"""

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from onboarding.audit import documents, keys, verifying
from onboarding.audit.documents import Head, Vouched
from onboarding.audit.keys import AuditKey
from onboarding.audit.models import Chain, Checkpoint
from onboarding.audit.verifying import Outcome
from onboarding.audit.wording import finding
from onboarding.findings import Finding

KEPT = 48
"""How many the database keeps. Files are for whoever runs the portal to keep, and never deleted."""

_NAME = re.compile(r"audit-(\d{8,})\.jsonl")


def make() -> tuple[Checkpoint | None, Outcome]:
    """Verify what was recorded since the last checkpoint, and sign a new one unless something is wrong.

    Raises BadCheckpoint or UnknownKey if the last one cannot be read, and NoAuditKey.
    """
    ring = keys.ring()
    before = latest(ring)
    outcome = verifying.verify_since(ring, before) if before else verifying.verify(ring)
    outcome.findings += lost()
    if not outcome.is_whole:
        return None, outcome
    last = Checkpoint.objects.order_by("-number").first()
    heads = Chain.objects.order_by("pk").values_list("pk", "organisation_id", "length", "head")
    number, made_at = (last.number if last else 0) + 1, timezone.now()
    document, chains, entries = documents.write(
        ((pk, Head(organisation, length, head)) for pk, organisation, length, head in heads.iterator()),
        number=number,
        previous=last.digest if last else "",
        made_at=made_at,
        key=keys.newest(),
    )
    with transaction.atomic():
        # A second process that came as far finds the number taken.
        made = Checkpoint.objects.create(
            number=number,
            made_at=made_at,
            chains=chains,
            entries=entries,
            digest=documents.digest(document),
            document=document,
        )
        Checkpoint.objects.filter(number__lte=number - KEPT).delete()
    return made, outcome


def export() -> list[Path]:
    """Write each checkpoint that the folder does not have yet; return the new files. Raises OSError."""
    folder = Path(settings.AUDIT_CHECKPOINT_DIR)
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    there = set(_exported(folder))
    written = []
    for number in Checkpoint.objects.order_by("number").values_list("number", flat=True):
        if number not in there:
            document = Checkpoint.objects.values_list("document", flat=True).get(number=number)
            if _write(folder / f"audit-{number:08}.jsonl", document):
                written.append(folder / f"audit-{number:08}.jsonl")
    return written


def latest(ring: Mapping[str, AuditKey]) -> Vouched | None:
    """Return the last checkpoint that the database keeps, None if there is none. Raises BadCheckpoint, UnknownKey."""
    last = Checkpoint.objects.order_by("-number").first()
    return documents.read(last.document.encode("ascii", "replace"), ring) if last else None


def last_number() -> int:
    """Return the number of the last checkpoint that the database keeps, 0 if there is none."""
    return Checkpoint.objects.order_by("-number").values_list("number", flat=True).first() or 0


def lost() -> list[Finding]:
    """Return a finding if a checkpoint was exported that the database does not know: it was set back."""
    exported = max(_exported(Path(settings.AUDIT_CHECKPOINT_DIR)), default=0)
    last = last_number()
    return [finding("checkpoint_lost", first=last, last=exported)] if exported > last else []


def _exported(folder: Path) -> list[int]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [int(match[1]) for name in names if (match := _NAME.fullmatch(name))]


def _write(path: Path, document: str) -> bool:
    """Write a file whole or not at all, and never over another."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".audit-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o440)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True
