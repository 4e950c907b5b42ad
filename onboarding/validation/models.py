"""Validation runs: attempts to call the fleet API with a credential set; and what partners report of their own."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.credentials.models import CredentialSet
from onboarding.fleet.checks import Result, Turn
from onboarding.leases import Work
from onboarding.partners.models import Organisation
from onboarding.vault.models import Secret


class Run(Work):
    """One attempt.

    checks: the ladder as it stands, a list of plain values (`onboarding.fleet.checks.Check`).
    facts: what a passed run showed: TLS version, cipher, subject of the client certificate, fleets; and under REHEARSAL
    the name of the failure that was rehearsed with it, if one was: such a run proves nothing about the set.
    key, vin: for this run only, sealed, and destroyed with it; without them it needs neither.
    origin: who asked, a person or the schedule. requested_by: None for the schedule, and for people who were erased.
    progress: counts what was written into the run, so that a page can ask whether there is anything new.

    Written with the result, so that failures can be looked up by cause; empty where nothing failed:
    stopped_at: the rung. fault: the code of its check. turn: whose. refused: whether it must not be repeated by itself.
    shared: whether the fault can be that of many. failing_since: when the first run failed after the last good one.
    stands: whether it failed, and no later result of its set has taken its place; a rehearsed failure never stands.
    So who asks what fails at present reads as many rows as there are failures, however long the history is.
    """

    class State(models.TextChoices):
        QUEUED = Work.QUEUED, _("Waiting for a worker")
        RUNNING = Work.RUNNING, _("Running")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        ABANDONED = "abandoned", _("Given up")
        CANCELLED = "cancelled", _("Cancelled")

    class Origin(models.TextChoices):
        PERSON = "person", _("Somebody")
        SCHEDULE = "schedule", _("Regular check")

    RESULTS = (State.PASSED, State.FAILED)

    credential_set = models.ForeignKey(CredentialSet, models.PROTECT, related_name="runs")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.PERSON)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    key = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    vin = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    checks = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    progress = models.PositiveIntegerField(default=0)
    stopped_at = models.CharField(max_length=30, blank=True)
    fault = models.CharField(max_length=60, blank=True)
    turn = models.CharField(max_length=10, blank=True)
    refused = models.BooleanField(default=False)
    shared = models.BooleanField(default=False)
    failing_since = models.DateTimeField(null=True)
    stands = models.BooleanField(default=False)

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
            models.Index(fields=["created_at"], condition=models.Q(state__in=["passed", "failed"]), name="run_results"),
            models.Index(
                fields=["credential_set", "-created_at"], condition=models.Q(state="passed"), name="run_good_history"
            ),
            # What fails at present: by cause, since when, and of which set.
            models.Index(
                fields=["fault", "stopped_at", "-created_at"], condition=models.Q(stands=True), name="run_failing_cause"
            ),
            models.Index(fields=["failing_since"], condition=models.Q(stands=True), name="run_failing_since"),
            models.Index(fields=["credential_set"], condition=models.Q(stands=True), name="run_failing_set"),
        ]

    def __str__(self) -> str:
        return f"{self.credential_set}: {self.state}"

    @property
    def rehearsal(self) -> str:
        """The failure that was rehearsed with it, a name of `onboarding.rehearsals`; empty for none."""
        return str(self.facts.get(self.REHEARSAL, ""))

    @property
    def lent(self) -> tuple[Secret, ...]:
        """What was given for this run only, and goes with it."""
        return tuple(secret for secret in (self.key, self.vin) if secret is not None)

    @property
    def is_partners_turn(self) -> bool:
        """Whether the partner is who can do something about a failure; also where nobody else is named."""
        return self.turn in ("", Turn.PARTNER, Turn.NOBODY)

    @property
    def ms(self) -> float | None:
        """How long its last attempt took, in milliseconds; None before it ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds() * 1000)

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.credential_set.organisation


class PartnerReport(models.Model):
    """What the offline checker found beside the partner's key, as the partner reports it. Never changed.

    A signature proves who reports, not that the call succeeded. nonce: what the page gave out for it, good once.
    signed: with the key of the set's certificate; an unsigned report is shown, and proves nothing.
    result, checks: as in a run, every check settled or not reached. began_at, ended_at: by the partner's clock.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    credential_set = models.ForeignKey(CredentialSet, models.PROTECT, related_name="reports")
    nonce = models.CharField(max_length=120, unique=True)
    signed = models.BooleanField()
    result = models.CharField(max_length=10)
    checks = models.JSONField(default=list)
    checker_version = models.CharField(max_length=20)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    received_from = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["credential_set", "-received_at"], name="report_history")]

    def __str__(self) -> str:
        return f"{self.credential_set}: reported {self.result}"

    @property
    def proves(self) -> bool:
        """Whether the set is live by it: signed, and passed."""
        return self.signed and self.result == Result.PASSED

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.credential_set.organisation
