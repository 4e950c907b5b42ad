"""Sealing and opening secrets: AES-256-GCM, with the row's identity as associated data.

The associated data is organisation, row id and kind, so that a ciphertext moved to another row does not open.
"""

import json
import os
import secrets
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction
from django.utils import timezone

from onboarding.partners.models import Organisation
from onboarding.pki.pkcs8 import encrypt_under_random
from onboarding.vault.keyring import master_keys
from onboarding.vault.models import Secret

NONCE_BYTES = 12


class CannotOpen(Exception):
    """The secret does not open: destroyed, moved, altered, or its master key is not on the ring."""


class EncryptedKey(NamedTuple):
    """A private key as it is sealed: PKCS#8 PEM, encrypted under a random passphrase."""

    pem: bytes
    passphrase: bytes


def encrypted(key: PrivateKeyTypes) -> EncryptedKey:
    """Return a private key as it is sealed: once opened it is still encrypted, and so it goes to where it is used."""
    passphrase = secrets.token_hex(32).encode("ascii")
    return EncryptedKey(encrypt_under_random(key, passphrase), passphrase)


def seal_secret(organisation: Organisation | None, kind: Secret.Kind, plaintext: bytes) -> Secret:
    """Seal `plaintext` under the newest master key and return the saved row."""
    secret = Secret(organisation=organisation, kind=kind)
    _seal(secret, plaintext)
    secret.save(force_insert=True)
    return secret


def open_secret(secret: Secret) -> bytes:
    """Return the plaintext. Raises CannotOpen, without a word of it."""
    key = master_keys().get(secret.master_key)
    if key is None:
        raise CannotOpen(f"{secret}: master key {secret.master_key!r} is not in VAULT_KEYS")
    sealed = bytes(secret.sealed)
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _identity(secret))
    except (InvalidTag, ValueError):
        raise CannotOpen(f"{secret}: destroyed, moved or altered") from None


def destroy_secret(secret: Secret) -> None:
    """Erase the content; the row stays. Safe to call twice."""
    Secret.objects.filter(pk=secret.pk, destroyed_at=None).update(sealed=b"", destroyed_at=timezone.now())


def seal_key(organisation: Organisation | None, kind: Secret.Kind, key: EncryptedKey) -> Secret:
    """Seal an encrypted private key together with its passphrase."""
    text = json.dumps({"pem": key.pem.decode("ascii"), "passphrase": key.passphrase.hex()})
    return seal_secret(organisation, kind, text.encode("ascii"))


def open_key(secret: Secret) -> EncryptedKey:
    """Return what `seal_key` sealed. Raises CannotOpen."""
    content = json.loads(open_secret(secret))
    return EncryptedKey(content["pem"].encode("ascii"), bytes.fromhex(content["passphrase"]))


def reseal(secret_id: UUID) -> bool:
    """Bring one secret under the newest master key; False if it is there already or was destroyed meanwhile."""
    newest = next(iter(master_keys()))
    with transaction.atomic():
        secret = Secret.objects.select_for_update().filter(pk=secret_id, destroyed_at=None).first()
        if secret is None or secret.master_key == newest:
            return False
        _seal(secret, open_secret(secret))
        secret.save(update_fields=["master_key", "sealed"])
    return True


def _seal(secret: Secret, plaintext: bytes) -> None:
    secret.master_key, key = next(iter(master_keys().items()))
    nonce = os.urandom(NONCE_BYTES)
    secret.sealed = nonce + AESGCM(key).encrypt(nonce, plaintext, _identity(secret))


def _identity(secret: Secret) -> bytes:
    return f"{secret.organisation_id}|{secret.pk}|{secret.kind}".encode()
