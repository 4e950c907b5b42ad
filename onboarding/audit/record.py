"""Recording: one call beside each change, in its transaction."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from onboarding.audit.events import STAFF_ONLY, Event
from onboarding.audit.models import Chain, Entry
from onboarding.partners.actors import Actor
from onboarding.partners.models import Organisation


def record(
    event: Event,
    subject: models.Model,
    *,
    actor: Actor,
    organisation: Organisation | None,
    application_id: UUID | None = None,
    data: dict[str, Any] | None = None,
) -> Entry:
    """Append one entry to the organisation's chain, within the caller's transaction.

    subject: the row it is about. data: plain JSON values; never a secret, a name or an e-mail address.
    """
    with transaction.atomic():
        Chain.objects.get_or_create(organisation=organisation)
        # Locks the head on PostgreSQL; SQLite's transaction holds the one write lock already.
        chain = Chain.objects.select_for_update().get(organisation=organisation)
        entry = Entry(
            chain=chain,
            position=chain.length + 1,
            event=event,
            actor_kind=actor.kind,
            actor_id=actor.user_id,
            address=actor.address or None,
            subject_type=str(subject._meta.model_name),
            subject_id=subject.pk,
            application_id=application_id,
            data=data or {},
            partner_visible=event not in STAFF_ONLY,
            occurred_at=timezone.now(),
        )
        entry.mac = entry_mac(entry, chain.head)
        entry.save(force_insert=True)
        Chain.objects.filter(pk=chain.pk).update(length=entry.position, head=entry.mac)
    return entry


def entry_mac(entry: Entry, previous: str) -> str:
    """Return the HMAC-SHA-256 (hex) of an entry's values and of the mac before it, under AUDIT_KEY."""
    occurred_at: datetime = entry.occurred_at
    values = [
        previous,
        str(entry.chain_id),
        entry.position,
        str(entry.event),
        str(entry.actor_kind),
        str(entry.actor_id or ""),
        str(entry.address or ""),
        entry.subject_type,
        str(entry.subject_id),
        str(entry.application_id or ""),
        entry.data,
        entry.partner_visible,
        occurred_at.isoformat(),
    ]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(settings.AUDIT_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
