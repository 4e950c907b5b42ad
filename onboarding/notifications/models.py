"""The ledger of mails: what was sent to whom, and how it went."""

import uuid

from django.conf import settings
from django.db import models


class Mail(models.Model):
    """One mail. Sent at least once, always under the same Message-ID.

    kind: names the templates. params: what they are filled with; plain values, never a secret.
    once: what it is about ("registration:…:approve"); a second mail of the same once to the same person is not made.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="mails")
    address = models.EmailField(max_length=254)
    language = models.CharField(max_length=5)
    params = models.JSONField(default=dict)
    once = models.CharField(max_length=120)
    message_id = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["once", "address"], name="mail_once")]
        indexes = [
            models.Index(fields=["not_before"], condition=models.Q(state="queued"), name="mail_queued"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.address}"
