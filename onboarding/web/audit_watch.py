"""The audit is watched: checkpoints are made and exported, all of it is verified, and administrators told if it is not
whole. Settings that changed since the last start are recorded.

What is due is known by the rows, not by a clock that a restart would set back.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from onboarding.audit import checkpoints, keys, verifying
from onboarding.audit.documents import BadCheckpoint, UnknownKey
from onboarding.audit.events import Event
from onboarding.audit.models import Checkpoint, Entry, Verification
from onboarding.audit.record import platform_chain, record
from onboarding.audit.verifying import Outcome
from onboarding.audit.wording import finding
from onboarding.notifications.mails import notify
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import StaffRole
from onboarding.partners.people import staff

log = structlog.get_logger(__name__)

TIME_LIMIT = 4 * 3600
"""Seconds that a verification may take: some hundred million entries."""

KEPT_FINDINGS = 100
TOLD_FINDINGS = 10
KEPT_VERIFICATIONS = 400

WATCHED = (
    "PORTAL_MODE",
    "DEMO",
    "DEBUG",
    "PUBLIC_URL",
    "STAFF_SECOND_FACTOR",
    "SEPARATE_DUTIES",
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_EMAIL_DOMAIN",
    "OIDC_SECOND_FACTOR",
    "OIDC_ROLE_CLAIM",
    "OIDC_ROLES",
    "KEY_CUSTODIES",
    "FLEET_ENVIRONMENTS",
    "SANDBOX",
    "REVALIDATE_HOURS",
    "REVIEW_TARGET_DAYS",
    "JOIN_OWNERS_DAYS",
    "LINK_DAYS",
    "RETAIN_CLOSED_DAYS",
    "RETAIN_MAIL_DAYS",
    "RETAIN_RUN_DAYS",
    "AUDIT_CHECKPOINT_HOURS",
    "AUDIT_VERIFY_HOURS",
)
"""Settings whose change is recorded; none of them holds a secret."""


def watch() -> None:
    """Do what is due."""
    note_settings()
    last = Checkpoint.objects.order_by("-number").values_list("made_at", flat=True).first()
    if _due(last, settings.AUDIT_CHECKPOINT_HOURS):
        make_checkpoint()
    began = Verification.objects.order_by("-began_at").values_list("began_at", flat=True).first()
    if _due(began, settings.AUDIT_VERIFY_HOURS):
        verify_all()


def make_checkpoint() -> None:
    """Make a checkpoint and export it; if what is new is not whole, tell of it instead."""
    began = timezone.now()
    try:
        made, outcome = checkpoints.make()
    except IntegrityError:
        return  # another worker was quicker
    except (BadCheckpoint, UnknownKey, keys.NoAuditKey) as error:
        log.error("no checkpoint of the audit", error=str(error))
        return
    if made is None:
        _keep(Verification(began_at=began), outcome)
        return
    try:
        checkpoints.export()
    except OSError as error:  # the next time it is tried again
        log.error("checkpoints of the audit not exported", error=f"{type(error).__name__}: {error}")


def verify_all() -> Verification:
    """Verify everything, against the latest checkpoint; keep how it went, and tell of it if something is not whole."""
    row = Verification.objects.create(began_at=timezone.now())
    found = checkpoints.lost()
    try:
        ring = keys.ring()
        try:
            kept = checkpoints.latest(ring)
        except BadCheckpoint:
            kept = None
            found.append(finding("checkpoint_changed", first=checkpoints.last_number()))
        outcome = verifying.verify(ring, [kept] if kept else [])
    except (UnknownKey, keys.NoAuditKey) as error:
        row.error, outcome = str(error)[:300], Outcome()
    outcome.findings += found
    if outcome.unjudged:
        row.error = f"AUDIT_KEY does not hold: {', '.join(outcome.unjudged)}"[:300]
    _keep(row, outcome)
    return row


def note_settings() -> None:
    """Record which settings are other ones than those recorded last."""
    now = {name: _as_text(getattr(settings, name)) for name in WATCHED}
    last = Entry.objects.filter(event=Event.SETTINGS_CHANGED).order_by("-occurred_at").first()
    before: Mapping[str, str] = last.data["settings"] if last else {}
    if before != now:
        changed = {name: [before.get(name, ""), value] for name, value in now.items() if before.get(name) != value}
        data = {"settings": now, "changed": changed if last else {}}
        record(Event.SETTINGS_CHANGED, platform_chain(), actor=SYSTEM, organisation=None, data=data)


def _keep(row: Verification, outcome: Outcome) -> None:
    row.ended_at = timezone.now()
    row.chains, row.entries = outcome.chains, outcome.entries
    row.checkpoint = max(outcome.checkpoints, default=0)
    row.total = len(outcome.findings)
    row.findings = [one.to_json() for one in outcome.findings[:KEPT_FINDINGS]]
    with transaction.atomic():
        row.save()
        old = Verification.objects.order_by("-began_at").values_list("pk", flat=True)[KEPT_VERIFICATIONS:]
        Verification.objects.filter(pk__in=list(old)).delete()
        if row.total:
            _tell(row)


def _tell(row: Verification) -> None:
    """Write to administrators and auditors, once a day about the same."""
    same = hashlib.sha256(repr(row.findings).encode()).hexdigest()[:16]
    notify(
        "audit_tampered",
        staff(StaffRole.Role.ADMINISTRATOR, StaffRole.Role.AUDITOR),
        once=f"audit:{same}:{row.began_at:%Y%m%d}",
        params={
            "findings": row.findings[:TOLD_FINDINGS],
            "total": row.total,
            "when": f"{row.began_at:%Y-%m-%d %H:%M} UTC",
        },
    )


def _due(last: datetime | None, hours: float) -> bool:
    return bool(hours) and (last is None or last <= timezone.now() - timedelta(hours=hours))


def _as_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
