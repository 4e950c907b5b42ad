"""Recording: one call beside each change, in its transaction."""

from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from onboarding.audit import chaining, keys
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

    subject: the row it is about. data: plain JSON values, no fractions; never a secret, a name or an e-mail address.
    """
    with transaction.atomic():
        chain = hold_chain(organisation)
        key = keys.newest()
        entry = Entry(
            chain=chain,
            position=chain.length + 1,
            event=str(event),
            actor_kind=str(actor.kind),
            actor_id=actor.user_id,
            address=chaining.plain_address(actor.address),
            subject_type=str(subject._meta.model_name),
            subject_id=subject.pk,
            application_id=application_id,
            data=chaining.plain(data or {}),
            partner_visible=event not in STAFF_ONLY,
            occurred_at=chaining.plain_instant(timezone.now()),
            key_id=key.id,
        )
        values = [getattr(entry, name) for name in chaining.COLUMNS]
        entry.mac = chaining.entry_mac(key.secret, key.id, chain.pk, chain.organisation_id, chain.head, values)
        entry.save(force_insert=True)
        Chain.objects.filter(pk=chain.pk).update(length=entry.position, head=entry.mac)
    return entry


def hold_chain(organisation: Organisation | None) -> Chain:
    """Let nobody else append to the organisation's chain until the surrounding transaction ends.

    On PostgreSQL by the row of its head; SQLite's transaction holds the one write lock already. Rows are locked in the
    order of application, registration, chain, card: who locks in another order may wait for one who waits for them.
    """
    Chain.objects.get_or_create(organisation=organisation)
    return Chain.objects.select_for_update().get(organisation=organisation)


def platform_chain() -> Chain:
    """Return the chain of what concerns no partner: the subject of what is about the portal as a whole."""
    return Chain.objects.get_or_create(organisation=None)[0]
