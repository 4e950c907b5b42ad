"""A text by its lines, with what was found in it marked at its place.

The text has no secret any more when it comes here: `onboarding/mobile/masking.py` keeps every place.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from onboarding.findings import Finding

MOST_LINES = 400
MOST_CHARACTERS = 20_000
"""So much of a text is shown; what is found behind it has no mark, but its line and column all the same."""
LONGEST_MARK = 60

_MARKED = re.compile(r'"(?:[^"\\\r\n]|\\.)*"?|[\w.+•-]+|[^\s]')
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line. numbers: of the findings that it is the place of, from 1; none where nothing was found."""

    text: str
    numbers: tuple[int, ...] = ()
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. number: from 1."""

    number: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What of a text is shown. more: whether there is more of it. marked: the numbers of the findings with a mark."""

    lines: tuple[Line, ...]
    more: bool
    marked: frozenset[int]


def listing(text: str, findings: Sequence[Finding]) -> Listing:
    """Return a text by its lines, the place of each finding marked. findings: with the parameter offset."""
    shown = text[:MOST_CHARACTERS]
    at: dict[int, list[int]] = defaultdict(list)
    for number, finding in enumerate(findings, 1):
        if "offset" in finding.params:
            at[int(finding.params["offset"])].append(number)
    lines: list[Line] = []
    marked: set[int] = set()
    start = 0
    for end, following in [*((one.start(), one.end()) for one in _BREAK.finditer(shown)), (len(shown), len(shown) + 1)]:
        if len(lines) == MOST_LINES:
            return Listing(tuple(lines), True, frozenset(marked))
        parts = _parts(shown, start, end, {place: at[place] for place in at if start <= place < following}, findings)
        marked.update(number for part in parts for number in part.numbers)
        lines.append(Line(len(lines) + 1, parts))
        start = following
    return Listing(tuple(lines), len(text) > len(shown), frozenset(marked))


def _parts(text: str, start: int, end: int, at: dict[int, list[int]], findings: Sequence[Finding]) -> tuple[Part, ...]:
    parts: list[Part] = []
    position = start
    for place in sorted(at):
        numbers = at[place]
        if place < position:  # within the mark before
            last = parts.pop()
            parts.append(Part(last.text, (*last.numbers, *numbers), last.severity))
            continue
        if place > position:
            parts.append(Part(text[position : min(place, end)]))
        found = _MARKED.match(text, place, end)
        position = min(found.end(), place + LONGEST_MARK) if found else min(place, end)
        # At the end of a line, or of the text, there is no letter to mark.
        letters = text[place:position] if found else "◂"
        parts.append(Part(letters, tuple(numbers), str(findings[numbers[0] - 1].severity)))
    if position < end:
        parts.append(Part(text[position:end]))
    return tuple(parts)
