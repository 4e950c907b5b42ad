"""The words of a mail before it goes: which would be made, and what somebody has written instead.

Verbs say nothing of this: they call `notify()`. Around them `collecting()` tells which mails they made, and `worded()`
has those mails say something else than their templates.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from onboarding.notifications.models import Mail

Which = tuple[str, str]
"""Kind and language: all mails of one kind in one language have the same words."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a mail says. subject: one line. body: plain text, without the footer."""

    subject: str
    body: str


_made: ContextVar[list[Mail] | None] = ContextVar("made", default=None)
_instead: ContextVar[Mapping[Which, Words]] = ContextVar("instead", default={})  # noqa: B039 — never changed


@contextmanager
def collecting() -> Iterator[list[Mail]]:
    """Collect the mails that are made within."""
    found: list[Mail] = []
    before = _made.set(found)
    try:
        yield found
    finally:
        _made.reset(before)


@contextmanager
def worded(words: Mapping[Which, Words]) -> Iterator[None]:
    """Give these words to the mails that are made within, instead of their templates'."""
    before = _instead.set(words)
    try:
        yield
    finally:
        _instead.reset(before)


def words_of(kind: str, language: str) -> Words | None:
    """Return what mails of this kind are to say instead, if somebody has written that."""
    return _instead.get().get((kind, language))


def made(mail: Mail) -> None:
    """Say that a mail was made."""
    if (found := _made.get()) is not None:
        found.append(mail)
