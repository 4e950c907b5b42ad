"""What is kept of service activation: reports on traces, as far as a partner attaches them."""

import uuid

from django.conf import settings
from django.db import models

from onboarding.partners.models import Organisation
from onboarding.registrations.models import Application


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
