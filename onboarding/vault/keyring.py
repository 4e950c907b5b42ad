"""The ring of master keys: the newest seals, all open."""

import base64
import binascii
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def parse_keys(entries: Iterable[str]) -> Mapping[str, bytes]:
    """Read "id:base64 of 32 bytes" entries, newest first. Raises ImproperlyConfigured naming what is wrong."""
    keys: dict[str, bytes] = {}
    for entry in entries:
        name, _, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not name or len(key) != 32 or name in keys:
            raise ImproperlyConfigured(
                f"VAULT_KEYS: the entry {name or '(no id)'!r} must be a new id, a colon, and base64 of 32 bytes. "
                'Make one with: echo "k1:$(openssl rand -base64 32)"'
            )
        keys[name] = key
    return keys


def master_keys() -> Mapping[str, bytes]:
    """Return the ring: key id to 32 bytes, the newest first."""
    return parse_keys(settings.VAULT_KEYS)
