"""The audit: append-only entries, chained by a keyed hash, one chain per organisation."""

import uuid

from django.db import models

from onboarding.audit.events import Event
from onboarding.partners.models import Organisation


class Chain(models.Model):
    """The head of one chain. `organisation` is null in the one chain of what concerns no partner.

    A chain outlives its organisation: what was recorded stays, under an id that nothing else has.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.OneToOneField(
        Organisation, models.DO_NOTHING, null=True, db_constraint=False, related_name="audit_chain"
    )
    length = models.PositiveBigIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(organisation=None), name="audit_one_chain_without_organisation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id or 'platform'}, {self.length} entries"


class Entry(models.Model):
    """One thing that happened. Written by `record()`, never changed.

    actor_id is a user's id without a foreign key: a person can be erased, the entry stays as it was signed.
    mac: HMAC-SHA-256, hex, over the entry's values and the mac before it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chain = models.ForeignKey(Chain, models.PROTECT, related_name="entries")
    position = models.PositiveBigIntegerField()
    event = models.CharField(max_length=60, choices=Event)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    application_id = models.UUIDField(null=True)
    data = models.JSONField(default=dict)
    partner_visible = models.BooleanField()
    occurred_at = models.DateTimeField()
    mac = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "position"], name="audit_position_once")]
        indexes = [
            models.Index(fields=["application_id", "occurred_at"], name="audit_application"),
            models.Index(fields=["subject_id", "occurred_at"], name="audit_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.event}"
