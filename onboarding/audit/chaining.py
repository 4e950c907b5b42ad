"""How one entry is bound to the one before: values in, a keyed hash out. Knows no database.

The hash goes over one JSON array, in which nothing can be read in two ways: each value has its place, texts are quoted,
names inside `data` are sorted. It holds the id of the chain and of its organisation, so that neither entries nor whole
chains can change places, and the position, so that none can move within its chain.
"""

import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from uuid import UUID

COLUMNS = (
    "id",
    "position",
    "event",
    "actor_kind",
    "actor_id",
    "address",
    "subject_type",
    "subject_id",
    "application_id",
    "data",
    "partner_visible",
    "occurred_at",
)
"""What of an entry is bound, in this order; beside it the key's id, the chain, its organisation and the hash before."""

IDS = frozenset({"id", "actor_id", "subject_id", "application_id"})
"""Those that are ids: UUIDs, or their text in any form."""

POSITION = COLUMNS.index("position")

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def entry_mac(
    secret: bytes, key_id: str, chain: UUID, organisation: UUID | None, previous: str, values: Sequence[Any]
) -> str:
    """Return the HMAC-SHA-256, hex, of an entry. values: those of COLUMNS. previous: the hash before, or ""."""
    (id_, position, event, actor_kind, actor_id, address, subject_type, subject_id, application_id, data, seen, at) = (
        values
    )
    text = _encode(
        [
            previous,
            key_id,
            _hex(chain),
            _hex(organisation),
            _hex(id_),
            position,
            str(event),
            str(actor_kind),
            _hex(actor_id),
            address,
            subject_type,
            _hex(subject_id),
            _hex(application_id),
            data,
            seen,
            at.isoformat(),
        ]
    )
    return hmac.digest(secret, text.encode("ascii"), "sha256").hex()


def _hex(id_: UUID | str | None) -> str:
    """Return an id as 32 hexadecimal digits, however a database wrote it; "" for none."""
    return str(id_).replace("-", "") if id_ else ""


def plain(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` as every database gives it back.

    Raises ValueError for fractions, which databases write in many ways, and TypeError for what is no JSON.
    """
    return dict(json.loads(_encode(data), parse_float=_no_fraction))


def plain_address(text: str) -> str:
    """Return a network address in its one form: no zone, small letters, IPv4 where it is; "" for what is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped: IPv4Address | None = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def plain_instant(instant: datetime) -> datetime:
    """Return an instant in UTC, in which entries are hashed."""
    return instant.astimezone(UTC)


def _no_fraction(text: str) -> float:
    raise ValueError(f"{text}: the audit takes whole numbers and texts only")
