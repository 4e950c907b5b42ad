"""Figures over everything, for pages that must not wait for them.

Where they are small they are exact and of now. Where they are so large that counting takes a while, each sweep of the
schedule counts, and pages show what it found: a minute ago, at most KEPT seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from django.core.cache import cache

log = structlog.get_logger(__name__)

MANY = 2000
"""From so many on a figure is kept."""
KEPT = 300
"""Seconds."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Figure(Generic[Value]):
    """One figure. count: from the database. size: how many things it is about."""

    name: str
    count: Callable[[], Value]
    size: Callable[[Value], int]

    def __call__(self) -> Value:
        """Return it."""
        try:
            known: Value | None = cache.get(self._key)
        except Exception as error:  # a cache that is down costs time, not the page
            log.warning("the cache does not answer", error=repr(error))
            return self.count()
        return self.anew() if known is None else known

    def anew(self) -> Value:
        """Count it anew, and keep it for those who ask next if it took a while."""
        found = self.count()
        if self.size(found) >= MANY:
            cache.set(self._key, found, KEPT)
        else:
            cache.delete(self._key)
        return found

    @property
    def _key(self) -> str:
        return f"figure:{self.name}"
