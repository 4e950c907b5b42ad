"""What the sandbox's identity provider knows: drivers' consents, their codes and tokens; and walks through them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.credentials.models import CredentialSet
from onboarding.leases import Work
from onboarding.partners.models import Organisation
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret


class Consent(models.Model):
    """What an invented driver granted an application in the sandbox. Codes and tokens are kept as SHA-256 alone.

    client_id, redirect_uri: what the code is bound to. brand: whose identity provider it was. driver: a key of
    `drivers.DRIVERS`. scopes: those that were granted.
    exchanged_at: when the code was exchanged; it is good once. revoked_at: when a code came a second time: nothing that
    hangs on it works any more (RFC 6749, section 4.1.2). A refresh gives a new refresh token in the old one's place.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="sandbox_consents")
    client_id = models.CharField(max_length=120)
    brand = models.CharField(max_length=20)
    redirect_uri = models.TextField()
    driver = models.CharField(max_length=40)
    scopes = models.JSONField(default=list)
    given_at = models.DateTimeField()
    code_sha256 = models.CharField(max_length=64, unique=True)
    code_until = models.DateTimeField()
    exchanged_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    access_sha256 = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 — unique, and absent at first
    access_until = models.DateTimeField(null=True)
    refresh_sha256 = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001
    refresh_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["application", "given_at"], name="consent_application"),
            models.Index(fields=["given_at"], name="consent_age"),
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.driver}"


class Walk(Work):
    """One walk through a driver's consent in the sandbox, from the page that asks to a first GET /user.

    state_sha256: of the state that was sent. scopes: those asked for; granted: those that the callback named.
    code: what came back, sealed until it is exchanged, and destroyed then. error: what came back in its place.
    checks: the ladder, as in a validation run. facts: what the calls showed; answer: the body of GET /user, whose
    driver is an invented one.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Waiting for the driver")
        QUEUED = Work.QUEUED, _("Waiting for a worker")
        RUNNING = Work.RUNNING, _("Running")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        REFUSED = "refused", _("Not granted")
        ABANDONED = "abandoned", _("Given up")

    credential_set = models.ForeignKey(CredentialSet, models.CASCADE, related_name="walks")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    brand = models.CharField(max_length=20)
    redirect_uri = models.TextField()
    scopes = models.JSONField(default=list)
    granted = models.JSONField(default=list)
    state_sha256 = models.CharField(max_length=64)
    code = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    error = models.CharField(max_length=60, blank=True)
    checks = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    progress = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["credential_set", "-created_at"], name="walk_history"),
            models.Index(fields=["created_at"], condition=models.Q(state__in=["queued", "running"]), name="walk_open"),
        ]

    def __str__(self) -> str:
        return f"{self.credential_set}: {self.state}"

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.credential_set.organisation
