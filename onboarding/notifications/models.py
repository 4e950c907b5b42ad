"""The ledger of mails: what was sent to whom, and how it went."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.notifications.kinds import ALWAYS, KINDS, Category


class Mail(models.Model):
    """One mail. Sent at least once, always under the same Message-ID.

    kind: names the template. params: what it is filled with; plain values, never a secret.
    once: what it is about ("registration:…:approve"); a second mail of the same once to the same person is not made.
    subject, body: what somebody has written instead of the template's words; empty: the template's.
    application_id: of the application it is about, whose members see it in the ledger; none where it is personal.
    resends: the mail that this one repeats, at a person's wish, under a Message-ID of its own.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("On its way")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Not sent")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="mails")
    address = models.EmailField(max_length=254)
    language = models.CharField(max_length=5)
    params = models.JSONField(default=dict)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    application_id = models.UUIDField(null=True)
    resends = models.ForeignKey("self", models.SET_NULL, null=True, related_name="repeats")
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
            models.Index(fields=["-created_at"], condition=models.Q(state="failed"), name="mail_failed"),
            models.Index(fields=["application_id", "-created_at"], name="mail_application"),
            models.Index(fields=["user", "-created_at"], name="mail_user"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.address}"

    @property
    def category(self) -> Category:
        """What it is for."""
        return KINDS[self.kind]


class Muted(models.Model):
    """A category of mails that somebody does not want."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="muted_mails")
    category = models.CharField(max_length=20, choices=Category)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "category"], name="muted_once"),
            models.CheckConstraint(condition=~models.Q(category__in=sorted(ALWAYS)), name="muted_never_these"),
        ]

    def __str__(self) -> str:
        return self.category
