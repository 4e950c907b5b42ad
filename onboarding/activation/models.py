"""What is kept of service activation: rehearsals, with what was called in them, and reports on traces."""

import uuid

from django.conf import settings
from django.db import models

from onboarding.mobile import sdk
from onboarding.partners.models import Organisation
from onboarding.registrations.models import Application

VERSIONS = [(text, text) for text in (".".join(map(str, one)) for one in reversed(sdk.VERSIONS))]


class Rehearsal(models.Model):
    """One rehearsal.

    version: of the SDK. world: everything in it, see `worlds`. revision: counts its changes; of two that begin from the
    same one, one has to begin again. calls: how many there are. ahead: by so many seconds its clock is ahead of ours.
    token_sha256: of the token that its API asks for, in hexadecimal; empty where there is none. used_at: when something
    was last done in it; what nobody uses is deleted, see retention.py.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="rehearsals")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=60)
    version = models.CharField(max_length=8, choices=VERSIONS)
    world = models.JSONField()
    revision = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    ahead = models.PositiveBigIntegerField(default=0)
    token_sha256 = models.CharField(max_length=64, blank=True)
    token_made_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["token_sha256"], condition=~models.Q(token_sha256=""), name="rehearsal_token_is_its_own"
            )
        ]
        indexes = [models.Index(fields=["used_at"], name="rehearsal_used")]

    def __str__(self) -> str:
        return self.name

    @property
    def organisation(self) -> Organisation:
        """The company whose it is."""
        return self.application.organisation


class RehearsedCall(models.Model):
    """One call in a rehearsal, and its message: two lines of a trace, in which secrets are masked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rehearsal = models.ForeignKey(Rehearsal, models.CASCADE, related_name="log")
    number = models.PositiveIntegerField()
    operation = models.CharField(max_length=30, blank=True)
    asked = models.JSONField()
    answered = models.JSONField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["rehearsal", "number"], name="rehearsed_call_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.asked.get('api', '')}"

    @property
    def code(self) -> int:
        """The number of its error, 0 where it succeeded."""
        error = self.answered["message"].get("error") or {}
        return int(error.get("code", 0))


class TraceReport(models.Model):
    """What the check of a recorded trace found, attached to an application for staff to see. Never changed.

    The trace itself is not kept. trace_sha256: of its bytes, in hex, so that its partner can tell which it was.
    app_version: what the partner calls that build of the app; may be empty. sdk: the version the trace names, or empty.
    findings: as `onboarding.findings` writes them, at most `traces.MAX_FINDINGS`, each with `excerpt`, its line without
    secrets. further: how many there were beyond. errors, warnings, notes: of all that were listed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="trace_reports")
    app_version = models.CharField(max_length=60, blank=True)
    trace_sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    calls = models.PositiveIntegerField()
    messages = models.PositiveIntegerField()
    devices = models.JSONField(default=list)
    findings = models.JSONField(default=list)
    further = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    warnings = models.PositiveIntegerField(default=0)
    notes = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField()
    attached_at = models.DateTimeField(auto_now_add=True)
    attached_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "trace_sha256", "app_version"], name="trace_attached_once")
        ]
        indexes = [models.Index(fields=["application", "-attached_at"], name="traces_of_application")]

    def __str__(self) -> str:
        return f"{self.application}: {self.app_version or self.trace_sha256[:8]}"

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; notes are not wrong."""
        return not self.errors and not self.warnings and not self.further

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.application.organisation
