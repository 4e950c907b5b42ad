"""The rate limits that the fleet API announces: a daily quota and a burst per second, per client ID."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds, refilled evenly (a token bucket stands for the sliding window)."""

    requests: int
    seconds: int


# The sandbox's own figures; each partner's plan sets the real ones.
LIMITS = (Limit(50_000, 86_400), Limit(200, 1))


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request. wait: seconds until the next may come, 0 if it may come at once."""

    headers: Mapping[str, str]
    wait: int

    @property
    def is_exhausted(self) -> bool:
        """Whether this request is one too many."""
        return self.wait > 0


@dataclass(slots=True)
class RateLimiter:
    """Counts the requests of each client ID, in memory. Safe to share between threads."""

    limits: tuple[Limit, ...] = LIMITS
    _buckets: dict[str, list[_Bucket]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, client_id: str, now: datetime) -> Allowance:
        """Count one request. A refused one uses nothing up."""
        at = now.timestamp()
        with self._lock:
            buckets = self._buckets.setdefault(client_id, [_Bucket(limit.requests, at) for limit in self.limits])
            for bucket, limit in zip(buckets, self.limits, strict=True):
                refill = max(0.0, at - bucket.at) * limit.requests / limit.seconds
                bucket.left, bucket.at = min(limit.requests, bucket.left + refill), at
            waits = [
                (1 - bucket.left) * limit.seconds / limit.requests
                for bucket, limit in zip(buckets, self.limits, strict=True)
            ]
            wait = max(0, ceil(max(waits)))
            if not wait:
                for bucket in buckets:
                    bucket.left -= 1
            headers = {}
            for number, (bucket, limit) in enumerate(zip(buckets, self.limits, strict=True), start=1):
                headers[f"X-RateLimit-Limit-{number}"] = str(limit.requests)
                headers[f"X-RateLimit-Remaining-{number}"] = str(int(bucket.left))
        if wait:
            headers |= {"X-RateLimit-Reset": str(wait), "Retry-After": str(wait)}
        return Allowance(headers, wait)
