"""The workers' signs of life, one for each queue, where the web processes see them: in the cache that all share."""

import time

from django.conf import settings
from django.core.cache import cache

from onboarding.celery import INTERACTIVE, SCHEDULE

QUEUES = (INTERACTIVE, SCHEDULE)
KEPT = 24 * 3600
"""Seconds."""


def mark(queue: str = INTERACTIVE) -> None:
    """Note that a worker of this queue is alive now."""
    cache.set(_key(queue), time.time(), KEPT)


def forget() -> None:
    """Drop the last signs: what counts is the workers that start next."""
    cache.delete_many([_key(queue) for queue in QUEUES])


def age(queue: str = INTERACTIVE) -> float | None:
    """Return the seconds since the last sign of life; None if there is none."""
    marked: float | None = cache.get(_key(queue))
    return None if marked is None else max(0.0, time.time() - marked)


def _key(queue: str) -> str:
    return f"worker-heartbeat-{queue}"


def limit() -> float:
    """Return the age, in seconds, at which the worker counts as gone.

    A worker whose every process is in the longest possible validation gives no sign until one of them is
    over.
    """
    longest: float = settings.VALIDATION_DEADLINE
    return longest + 10.0


def is_fresh(queue: str = INTERACTIVE) -> bool:
    """Return whether a worker of this queue is there, as far as its signs of life tell."""
    last = age(queue)
    return last is not None and last <= limit()
