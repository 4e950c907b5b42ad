"""A checkpoint as a document: JSON lines, the last of which is a signature over all lines before it. Knows no database.

The first line says what it is, the lines between name a chain each, with its length and its head. Whoever keeps one
elsewhere can show that a chain was cut off, taken away or written anew since, even by somebody who has the audit key:
the chain that is there now does not pass through the head that was signed then.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature

from onboarding.audit.keys import AuditKey

FORMAT = 1


class BadCheckpoint(Exception):
    """The file is no checkpoint, or its signature does not hold. The text says why."""


class UnknownKey(Exception):
    """The checkpoint was signed with a key that AUDIT_KEY does not hold."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain had come. organisation: None for the chain of what concerns no partner."""

    organisation: UUID | None
    length: int
    head: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """A checkpoint that was read and whose signature holds."""

    number: int
    made_at: datetime
    heads: Mapping[UUID, Head]


def write(
    heads: Iterable[tuple[UUID, Head]], *, number: int, previous: str, made_at: datetime, key: AuditKey
) -> tuple[str, int, int]:
    """Return a signed document, and how many chains and entries it vouches for. previous: the last one's digest."""
    lines, chains, entries = io.StringIO(), 0, 0
    for chain, head in heads:
        chains += 1
        entries += head.length
        row = {"chain": str(chain), "organisation": str(head.organisation or ""), "length": head.length}
        lines.write(_line({**row, "head": head.head}))
    first = {
        "audit_checkpoint": FORMAT,
        "number": number,
        "made_at": made_at.isoformat(),
        "previous": previous,
        "chains": chains,
        "entries": entries,
        "key": key.id,
    }
    body = _line(first) + lines.getvalue()
    signature = key.signing_key.sign(body.encode("ascii")).hex()
    return body + _line({"signature": signature}), chains, entries


def digest(document: str) -> str:
    """Return what the next checkpoint names this one by."""
    return hashlib.sha256(document.encode("ascii", "replace")).hexdigest()


def read(document: bytes, ring: Mapping[str, AuditKey]) -> Vouched:
    """Return what a document vouches for. Raises BadCheckpoint and UnknownKey; believes nothing that is not signed."""
    body, newline, last = document.rstrip(b"\n").rpartition(b"\n")
    lines = body.split(b"\n")
    try:
        first, signature = json.loads(lines[0]), bytes.fromhex(json.loads(last)["signature"])
        key_id, chains = str(first["key"]), int(first["chains"])
        if first["audit_checkpoint"] != FORMAT:
            raise BadCheckpoint(f"It is a checkpoint of a form that is not known here: {first['audit_checkpoint']}.")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadCheckpoint("It is no checkpoint, or it was cut off.") from None
    if key_id not in ring:
        raise UnknownKey(f"It was signed with the audit key {key_id}, which AUDIT_KEY does not hold.")
    try:
        ring[key_id].public_key.verify(signature, body + newline)
    except InvalidSignature:
        raise BadCheckpoint("Its signature does not hold: it was changed after it was signed.") from None
    rows = [json.loads(line) for line in lines[1:]]
    heads = {
        UUID(row["chain"]): Head(UUID(row["organisation"]) if row["organisation"] else None, row["length"], row["head"])
        for row in rows
    }
    if len(heads) != chains:
        raise BadCheckpoint("It does not hold as many chains as it says.")
    return Vouched(int(first["number"]), datetime.fromisoformat(first["made_at"]), heads)


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"), ensure_ascii=True) + "\n"
