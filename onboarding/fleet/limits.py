"""What an answer's headers say beside the answer: how many calls are left, and what time it is there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

LITTLE = 0.1
"""The share of a quota below which little is left."""

_HEADER = re.compile(r"x-ratelimit-(limit|remaining)(?:-(\d{1,3}))?")
_NAMED = re.compile(r"name=([^,;]{1,64}),\s*(\d{1,15})")
_BURST = "2"
_PERIODS = {"1": "24 h", _BURST: "1 s"}


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit. name: the number of its header ("1" a day's quota, "2" a second's burst), or the name it is given.

    limit, left: in calls; None where it is not said.
    """

    name: str
    limit: int | None = None
    left: int | None = None

    @property
    def per(self) -> str:
        """Of what the calls are counted: "24 h" and "1 s" are read in any language; else the name as it is given."""
        return _PERIODS.get(self.name, self.name)

    @property
    def is_low(self) -> bool:
        """Whether little is left. A burst refills within a second and is never low."""
        if self.left is None or self.name == _BURST:
            return False
        return self.left == 0 or (self.limit is not None and self.left <= self.limit * LITTLE)

    def __str__(self) -> str:
        left, limit = ("?" if number is None else f"{number}" for number in (self.left, self.limit))
        return f"{left}/{limit} ({self.per})"


def read_quotas(headers: Mapping[str, str]) -> Sequence[Quota]:
    """Read the limits of an answer, in the style documented (`X-RateLimit-Remaining-1: 49999`) and in the one seen.

    Seen is `X-RateLimit-Limit: name=rate-limit-1,150;`. Header names in lower case. What cannot be read is left out.
    """
    found: dict[str, dict[str, int]] = {}
    for header, value in headers.items():
        if "ratelimit" not in header or (match := _HEADER.fullmatch(header)) is None:
            continue
        kind, number = match.groups()
        plain = value.strip()
        if re.fullmatch(r"[0-9]{1,15}", plain):
            found.setdefault(number or "1", {})[kind] = int(plain)
        for name, count in _NAMED.findall(value):
            found.setdefault(name, {})[kind] = int(count)
    return [Quota(name, row.get("limit"), row.get("remaining")) for name, row in found.items()]


def seconds_ahead(headers: Mapping[str, str], now: datetime, took: float) -> int | None:
    """Return by how many seconds the server's clock is ahead of ours, negative if it is behind; None: it says no time.

    now: ours, aware, when the answer came. took: seconds since the call began; what lies within it and within the
    header's own second (RFC 9110, section 6.6.1) is no difference.
    """
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=timezone.utc)  # noqa: UP017 - Python 3.10
    ahead = (theirs - now).total_seconds()
    if -took - 1 <= ahead <= 1:
        return 0
    return round(ahead)
