"""The keys of the audit: a ring, the newest first. That one is used, all of them are believed.

A key's id is made from the key, so that there is nothing to name and nothing to mistake. Each entry and each checkpoint
says by which key it was made.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

ID_LENGTH = 8


class NoAuditKey(Exception):
    """AUDIT_KEY holds no key."""


@dataclass(frozen=True, slots=True)
class AuditKey:
    """One key. secret: what entries are chained with; checkpoints are signed with a key that is derived from it."""

    id: str
    secret: bytes

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs checkpoints: whoever has its public half can check them, and make none."""
        return Ed25519PrivateKey.from_private_bytes(_derived(self.secret, "checkpoint signature"))

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The public half."""
        return self.signing_key.public_key()


def ring() -> Mapping[str, AuditKey]:
    """Return all keys by their ids, the newest first. Raises NoAuditKey."""
    return _ring(settings.AUDIT_KEY)


def newest() -> AuditKey:
    """Return the key that is used now. Raises NoAuditKey."""
    return next(iter(ring().values()))


@cache
def _ring(text: str) -> Mapping[str, AuditKey]:
    secrets = [part.strip().encode() for part in text.split(",") if part.strip()]
    if not secrets:
        raise NoAuditKey("AUDIT_KEY holds no key.")
    keys = [AuditKey(_derived(secret, "id").hex()[:ID_LENGTH], secret) for secret in secrets]
    return {key.id: key for key in keys}


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"onboarding audit: {purpose}".encode(), "sha256")
