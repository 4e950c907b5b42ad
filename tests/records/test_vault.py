"""Secrets: sealed to their row, opened by any key of the ring, gone when destroyed."""

import base64
import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from onboarding.partners.models import Organisation
from onboarding.vault.keyring import parse_keys
from onboarding.vault.models import Secret
from onboarding.vault.seal import CannotOpen, EncryptedKey, destroy_secret, open_key, open_secret, seal_key, seal_secret


def new_key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture
def secret(partner: Organisation) -> Secret:
    return seal_secret(partner, Secret.Kind.PASSWORD, b"open sesame")


def test_a_sealed_secret_opens_and_its_row_does_not_show_it(secret: Secret) -> None:
    stored = Secret.objects.get(pk=secret.pk)
    assert open_secret(stored) == b"open sesame"
    assert b"sesame" not in bytes(stored.sealed)


def test_sealing_twice_gives_different_ciphertexts(partner: Organisation) -> None:
    first, second = (seal_secret(partner, Secret.Kind.PASSWORD, b"same") for _ in range(2))
    assert bytes(first.sealed) != bytes(second.sealed)


@pytest.mark.parametrize("moved", ["row", "organisation", "kind"])
def test_a_ciphertext_moved_elsewhere_does_not_open(secret: Secret, rival_partner: Organisation, moved: str) -> None:
    other = Secret.objects.get(pk=secret.pk)
    if moved == "row":
        other = seal_secret(secret.organisation, Secret.Kind.PASSWORD, b"another")
        other.sealed = secret.sealed
    elif moved == "organisation":
        other.organisation = rival_partner
    else:
        other.kind = Secret.Kind.CLIENT_SECRET
    with pytest.raises(CannotOpen) as caught:
        open_secret(other)
    assert "sesame" not in str(caught.value)


def test_an_altered_ciphertext_does_not_open(secret: Secret) -> None:
    altered = bytearray(secret.sealed)
    altered[-1] ^= 1
    secret.sealed = bytes(altered)
    with pytest.raises(CannotOpen):
        open_secret(secret)


def test_a_destroyed_secret_is_gone_and_its_row_stays(secret: Secret) -> None:
    destroy_secret(secret)
    destroy_secret(secret)
    stored = Secret.objects.get(pk=secret.pk)
    assert bytes(stored.sealed) == b""
    assert stored.destroyed_at is not None
    with pytest.raises(CannotOpen):
        open_secret(stored)


def test_after_resealing_the_old_master_key_is_not_needed(partner: Organisation, settings: object) -> None:
    old, new = new_key("old"), new_key("new")
    settings.VAULT_KEYS = [old]
    secret = seal_key(partner, Secret.Kind.PRIVATE_KEY, EncryptedKey(b"PEM", b"\x00\x01"))
    settings.VAULT_KEYS = [new, old]
    assert open_key(Secret.objects.get(pk=secret.pk)) == EncryptedKey(b"PEM", b"\x00\x01")
    call_command("reseal")
    settings.VAULT_KEYS = [new]
    assert open_key(Secret.objects.get(pk=secret.pk)) == EncryptedKey(b"PEM", b"\x00\x01")


def test_without_its_master_key_a_secret_does_not_open_and_the_key_is_named(secret: Secret, settings: object) -> None:
    settings.VAULT_KEYS = [new_key("other")]
    with pytest.raises(CannotOpen, match="local"):
        open_secret(secret)


@pytest.mark.parametrize("entry", ["", "k1", "k1:", "k1:short", f":{base64.b64encode(bytes(32)).decode()}", "k1:&&&&"])
def test_a_malformed_master_key_is_named_at_once_without_its_value(entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="VAULT_KEYS") as caught:
        parse_keys([entry])
    assert "short" not in str(caught.value)
