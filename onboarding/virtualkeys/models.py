"""Requests for virtual-key tokens: who asked, for how long, how it ended. The token itself is here for minutes only."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.credentials.models import CredentialSet
from onboarding.leases import Work
from onboarding.partners.models import Organisation
from onboarding.vault.models import Secret


class TokenRequest(Work):
    """One request.

    seconds: for how long a token was asked. car_token, key: CarData with its signature, and a private key that is not
    kept here: for this request only, sealed, and destroyed when it ends.
    sent_at: when the request went out; from then on it is never sent again, whatever happens here.
    token: what was granted, with its signature; sealed until its requester has looked at it, or until kept_until.
    shown_at: when that was. token_type, signed, expires_at: what the answer said of it; the latter None for nothing.
    checks, facts, progress, stopped_at, fault, turn: as in a validation run.
    """

    class State(models.TextChoices):
        QUEUED = Work.QUEUED, _("Waiting for a worker")
        RUNNING = Work.RUNNING, _("Running")
        GRANTED = "granted", _("Granted")
        FAILED = "failed", _("No token")
        UNKNOWN = "unknown", _("Unknown")
        ABANDONED = "abandoned", _("Given up")
        CANCELLED = "cancelled", _("Cancelled")

    CLOSED = "closed"
    """In place of a fault: the application was suspended, or the credentials went out of use, before it was sent."""
    REHEARSAL = "rehearsal"

    credential_set = models.ForeignKey(CredentialSet, models.PROTECT, related_name="token_requests")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    seconds = models.PositiveIntegerField()
    car_token = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    key = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField(null=True)
    token = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    kept_until = models.DateTimeField(null=True)
    shown_at = models.DateTimeField(null=True)
    token_type = models.CharField(max_length=40, blank=True)
    signed = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True)
    checks = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    progress = models.PositiveIntegerField(default=0)
    stopped_at = models.CharField(max_length=30, blank=True)
    fault = models.CharField(max_length=60, blank=True)
    turn = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credential_set"],
                condition=models.Q(state__in=["queued", "running"]),
                name="token_request_one_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["credential_set", "-created_at"], name="token_request_history"),
            models.Index(
                fields=["created_at"], condition=models.Q(state__in=["queued", "running"]), name="token_request_open"
            ),
            models.Index(fields=["kept_until"], condition=models.Q(token__isnull=False), name="token_request_kept"),
            models.Index(fields=["created_at"], name="token_request_age"),
        ]

    def __str__(self) -> str:
        return f"{self.credential_set}: {self.state}"

    @property
    def rehearsal(self) -> str:
        """The failure that was rehearsed with it, a name of `onboarding.rehearsals`; empty for none."""
        return str(self.facts.get(self.REHEARSAL, ""))

    @property
    def lent(self) -> tuple[Secret, ...]:
        """What was given for this request only, and goes with it."""
        return tuple(secret for secret in (self.car_token, self.key) if secret is not None)

    def can_be_shown(self, now: datetime) -> bool:
        """Whether its token is still here to be looked at."""
        return self.token_id is not None and self.kept_until is not None and now < self.kept_until

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
