"""Sealed secrets. Only `onboarding.vault.seal` reads or writes `sealed`."""

import uuid

from django.db import models

from onboarding.partners.models import Organisation


class Secret(models.Model):
    """One secret, a VIN or a vehicle's CarData, sealed under a master key. Once destroyed, the row stays without
    content, for the record.

    organisation: whose it is; null for the operator's own (the embedded CA's key) and people's (second factors).
    sealed: 12-byte nonce and AES-256-GCM ciphertext; empty once destroyed.
    """

    class Kind(models.TextChoices):
        PRIVATE_KEY = "private_key"
        CLIENT_SECRET = "client_secret"  # noqa: S105 — a kind, not a secret
        PASSWORD = "password"  # noqa: S105
        AUTHORITY_KEY = "authority_key"
        KEY_FOR_ONE_RUN = "key_for_one_run"
        VIN_FOR_ONE_RUN = "vin_for_one_run"
        CAR_TOKEN = "car_token"  # noqa: S105
        VIRTUAL_KEY = "virtual_key"
        CODE_FOR_ONE_WALK = "code_for_one_walk"
        SECOND_FACTOR = "second_factor"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="secrets")
    kind = models.CharField(max_length=20, choices=Kind)
    master_key = models.CharField(max_length=40)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["master_key"], name="secret_master_key")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
