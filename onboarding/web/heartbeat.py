"""The worker's sign of life, where the web processes can see it: in the cache that all processes share."""

import time

from django.conf import settings
from django.core.cache import cache

KEY = "worker-heartbeat"
KEPT = 24 * 3600
"""Seconds."""


def mark() -> None:
    """Note that the worker is alive now."""
    cache.set(KEY, time.time(), KEPT)


def forget() -> None:
    """Drop the last sign: what counts is the worker that starts next."""
    cache.delete(KEY)


def age() -> float | None:
    """Return the seconds since the last sign of life; None if there is none."""
    marked: float | None = cache.get(KEY)
    return None if marked is None else max(0.0, time.time() - marked)


def limit() -> float:
    """Return the age, in seconds, at which the worker counts as gone.

    A worker whose every process is in the longest possible validation gives no sign until one of them is
    over.
    """
    longest: float = settings.VALIDATION_DEADLINE
    return longest + 10.0


def is_fresh() -> bool:
    """Return whether a worker is there, as far as its signs of life tell."""
    last = age()
    return last is not None and last <= limit()
