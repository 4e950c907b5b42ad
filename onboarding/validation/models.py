"""Validation runs: attempts to call the fleet API with a credential set."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.credentials.models import CredentialSet
from onboarding.partners.models import Organisation
from onboarding.vault.models import Secret


class Run(models.Model):
    """One attempt. The row is the truth; the queue only says "look".

    checks: the ladder as it stands, a list of plain values (`onboarding.fleet.checks.Check`).
    facts: what a passed run showed: TLS version, cipher, subject of the client certificate, fleets; and under REHEARSAL
    the name of the failure that was rehearsed with it, if one was: such a run proves nothing about the set.
    lease: names the worker that has it; lease_until: when others may take it over. key: for this run only.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        ABANDONED = "abandoned", _("Given up")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    credential_set = models.ForeignKey(CredentialSet, models.PROTECT, related_name="runs")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    key = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    checks = models.JSONField(default=list)
    facts = models.JSONField(default=dict)

    OPEN = (State.QUEUED, State.RUNNING)
    REHEARSAL = "rehearsal"

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credential_set"],
                condition=models.Q(state__in=["queued", "running"]),
                name="run_one_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["credential_set", "-created_at"], name="run_history"),
            models.Index(fields=["created_at"], condition=models.Q(state__in=["queued", "running"]), name="run_open"),
        ]

    def __str__(self) -> str:
        return f"{self.credential_set}: {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in self.OPEN

    @property
    def rehearsal(self) -> str:
        """The failure that was rehearsed with it, a name of `onboarding.rehearsals`; empty for none."""
        return str(self.facts.get(self.REHEARSAL, ""))

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.credential_set.organisation
