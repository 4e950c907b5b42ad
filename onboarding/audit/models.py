"""The audit: append-only entries, chained by a keyed hash, one chain per organisation."""

import uuid

from django.db import models

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
    event: a value of Event. address: the network address it came from; empty for the system.
    mac: HMAC-SHA-256, hex, over the entry's values and the mac before it, by the key `key_id`; see `chaining`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chain = models.ForeignKey(Chain, models.PROTECT, related_name="entries")
    position = models.PositiveBigIntegerField()
    event = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    address = models.CharField(max_length=45, blank=True)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    application_id = models.UUIDField(null=True)
    data = models.JSONField(default=dict)
    partner_visible = models.BooleanField()
    occurred_at = models.DateTimeField()
    key_id = models.CharField(max_length=8)
    mac = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "position"], name="audit_position_once")]
        # Each ends in what the pages are sorted by, so that a page costs the same however long the history is.
        indexes = [
            models.Index(fields=["occurred_at", "id"], name="audit_latest"),
            models.Index(fields=["chain", "occurred_at", "id"], name="audit_chain_latest"),
            models.Index(fields=["event", "occurred_at", "id"], name="audit_event_latest"),
            models.Index(fields=["actor_id", "occurred_at", "id"], name="audit_actor_latest"),
            models.Index(fields=["address", "occurred_at", "id"], name="audit_address_latest"),
            models.Index(fields=["application_id", "occurred_at", "id"], name="audit_application"),
            models.Index(fields=["subject_id", "occurred_at"], name="audit_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.event}"


class Checkpoint(models.Model):
    """The heads and lengths of all chains at one moment, signed; see `checkpoints`. The latest few are kept.

    document: as it was exported, whole. digest: its SHA-256, hex, which the next one names.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    made_at = models.DateTimeField()
    chains = models.PositiveBigIntegerField()
    entries = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    document = models.TextField()

    def __str__(self) -> str:
        return f"checkpoint {self.number}"


class Verification(models.Model):
    """How one check of all chains went.

    checkpoint: the number of the one that it was held against, 0 if there was none. findings: as `Finding.to_json`
    gives them, the first of them; total: how many there were. error: why it could not run.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    chains = models.PositiveBigIntegerField(default=0)
    entries = models.PositiveBigIntegerField(default=0)
    checkpoint = models.PositiveBigIntegerField(default=0)
    findings = models.JSONField(default=list)
    total = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["began_at"], name="audit_verified_at")]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}: {self.total} findings"

    @property
    def is_whole(self) -> bool:
        """Whether it ran to its end and found nothing."""
        return self.ended_at is not None and not self.error and not self.total
