"""What happened to a chain that does not fit: edited, deleted, put in, put into another order, or another chain's.

Each entry's hash goes over the hash before it and over its position. So an entry that does not fit where it stands can
be tried elsewhere: where it fits is where it was recorded. One that fits nowhere, and whose hash a later one confirms,
was edited; what nothing confirms was put in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from onboarding.audit import chaining
from onboarding.audit.keys import AuditKey
from onboarding.audit.models import Chain, Entry
from onboarding.audit.walk import Walk
from onboarding.audit.wording import finding
from onboarding.findings import Finding

MOST_ROWS = 20_000
"""So many entries are looked at, from the first that does not fit; what comes after is named as one range."""

MOST_TRIES = 300_000
"""Hashes tried for one chain: some seconds'."""

FAR = 500
"""By how many positions a run of entries may have been moved to be recognised without the one before it."""

Say = Callable[..., Finding]


@dataclass(slots=True, eq=False)
class _Row:
    """One entry. origin: the position it was recorded at, 0 where that is not known. proven: its content, too."""

    position: int
    key_id: str
    mac: str
    values: list[Any]
    origin: int = 0
    proven: bool = False


def explain(walk: Walk, ring: Mapping[str, AuditKey]) -> list[Finding]:
    """Return what is wrong with a broken chain."""

    def say(code: str, first: int = 0, last: int | None = None, found: str = "") -> Finding:
        organisation = str(walk.organisation or "")
        return finding(code, chain=str(walk.chain), organisation=organisation, first=first, last=last, found=found)

    if walk.altered:
        if walk.altered[0][0] == 1 and (other := _whose(walk, ring)):
            return [say("swapped", first=1, last=walk.last, found=other)]
        found, reaches = _of_altered(walk, ring, say)
    else:
        found, reaches = [say("deleted", first, last) for first, last in walk.missing], walk.last
    should_reach = max([walk.length if walk.last < walk.length else 0, *walk.vouched])
    if reaches < should_reach:
        found.append(say("cut_off", reaches + 1, should_reach))
    elif not found and walk.rewritten:
        found.append(say("rewritten", walk.rewritten[0]))
    elif not found:
        found.append(say("head_differs", walk.last))
    return found


def _of_altered(walk: Walk, ring: Mapping[str, AuditKey], say: Say) -> tuple[list[Finding], int]:
    """Return what happened, and the last position that anything was recorded at."""
    rows = _load(walk)
    search = _Search(walk, ring, rows)
    search.run()
    origins = {row.origin: row for row in rows if row.origin}
    found = [say(code, row.position) for row in rows if (code := search.verdict(row))]
    reaches = max((row.origin for row in rows), default=0)
    for row in rows:
        if not row.origin:
            is_more = row.position in origins or row.position > walk.should_reach
            found.append(say("inserted" if is_more else "edited" if row.position < reaches else "forged", row.position))
            if not is_more:
                origins[row.position] = row
    begin = min([rows[0].position, *(first for first, _last in walk.missing)])
    found += [say("deleted", *one) for one in _ranges(set(range(begin, reaches)) - origins.keys())]
    reaches = max(origins, default=0)
    found += [say("deleted", first, last) for first, last in walk.missing if first > rows[-1].position]
    real = [row for row in rows if row.origin]
    if any(row.origin > after.origin for row, after in pairwise(real)):
        moved = [row.position for row in real if row.origin != row.position]
        found.append(say("reordered", min(moved), max(moved)))
    rest = [one for one in walk.altered if one[1] > rows[-1].position]
    if rest:
        found.append(say("altered", max(rest[0][0], rows[-1].position + 1), rest[-1][1]))
        reaches = walk.last
    return sorted(found, key=lambda one: int(one.params["first"])), max(reaches, 0 if rest else _end(rows, walk))


def _end(rows: Sequence[_Row], walk: Walk) -> int:
    """Return how far the chain reaches if what was looked at is not its end."""
    return walk.last if rows[-1].position < walk.last else 0


class _Search:
    """Finds out for each entry where it was recorded."""

    def __init__(self, walk: Walk, ring: Mapping[str, AuditKey], rows: list[_Row]) -> None:
        self.walk, self.ring, self.rows = walk, ring, rows
        self.tries = 0
        self.at: dict[int, _Row] = {}
        self.after = {id(row): after for row, after in pairwise(rows)}

    def run(self) -> None:
        """Set `origin` and `proven` wherever they can be told."""
        rows, walk = self.rows, self.walk
        before: _Row | None = None
        for row in rows:
            if row.position == 1 and self.fits(row, "", 1):
                self.place(row, 1, proven=True)
            elif before is None and row.position > 1:
                self.place(row, row.position, proven=True)  # the last one that fitted; or nothing is known before it
            elif before is not None and before.position != row.position - 1:
                self.place(row, row.position, proven=True)  # it follows a gap: it cannot be judged
            elif before is not None and self.fits(row, before.mac, row.position):
                if not before.origin:
                    self.place(before, before.position, proven=False)
                self.place(row, row.position, proven=True)
            before = row
        if 1 not in self.at and rows[0].position == 1:
            self.follow("", 1, rows[0])
        for row in list(self.at.values()):
            self.follow(row.mac, row.origin + 1, self.after.get(id(row)))
        for row, after in pairwise(rows):
            if not after.origin and (origin := self.moved(row, after)):
                if origin - 1 not in self.at:
                    self.place(row, origin - 1, proven=False)
                self.place(after, origin, proven=True)
                self.follow(after.mac, origin + 1, self.after.get(id(after)))
        last = rows[-1]
        if not last.origin and last.mac == walk.vouched.get(last.position):
            self.place(last, last.position, proven=False)

    def follow(self, mac: str, position: int, likely: _Row | None) -> None:
        """Look for the entry that was recorded after a hash, and for those after it. likely: tried first."""
        while position not in self.at:
            others = (row for row in self.rows if row is not likely) if self.tries < MOST_TRIES else ()
            candidates: Iterable[_Row] = (*([likely] if likely else []), *others)
            row = next((one for one in candidates if not one.origin and self.fits(one, mac, position)), None)
            if row is None:
                return
            self.place(row, position, proven=True)
            mac, position, likely = row.mac, position + 1, self.after.get(id(row))

    def moved(self, row: _Row, after: _Row) -> int:
        """Return where an entry was recorded if it still follows the one before it; 0 if it does not."""
        for distance in range(1, FAR + 1):
            for origin in (after.position + distance, after.position - distance):
                if self.tries < MOST_TRIES and origin > 1 and self.fits(after, row.mac, origin):
                    return origin
        return 0

    def fits(self, row: _Row, before: str, position: int) -> bool:
        """Tell whether an entry was recorded after that hash and at that position."""
        key = self.ring.get(row.key_id)
        self.tries += 1
        if key is None:
            return False
        values = [*row.values]
        values[chaining.POSITION] = position
        walk = self.walk
        return chaining.entry_mac(key.secret, key.id, walk.chain, walk.organisation, before, values) == row.mac

    def verdict(self, row: _Row) -> str:
        """Return what became of an entry whose hash is real, but was not seen to fit its content; "" for nothing.

        What followed a deleted one cannot be judged, and need not be named; what follows one whose own hash is not real
        can hide a change, and is named.
        """
        if not row.origin or row.proven:
            return ""
        if row.origin == 1 or row.origin - 1 in self.at:
            before = self.at[row.origin - 1].mac if row.origin > 1 else ""
            return "" if self.fits(row, before, row.origin) else "edited"
        return "unproven" if any(one.position == row.origin - 1 and not one.origin for one in self.rows) else ""

    def place(self, row: _Row, origin: int, *, proven: bool) -> None:
        row.origin, row.proven = origin, proven
        self.at[origin] = row


def _load(walk: Walk) -> list[_Row]:
    """Return the entries from the last one that fits before the first that does not."""
    entries = Entry.objects.filter(chain_id=walk.chain, position__gte=walk.altered[0][0] - 1).order_by("position")
    rows = entries.values_list("key_id", "mac", *chaining.COLUMNS)[:MOST_ROWS]
    return [_Row(values[chaining.POSITION], key_id, mac, values) for key_id, mac, *values in rows]


def _whose(walk: Walk, ring: Mapping[str, AuditKey]) -> str:
    """Return whose entries these are, if the first one is another chain's or another organisation's first; else ""."""
    first = (
        Entry.objects.filter(chain_id=walk.chain, position=1).values_list("key_id", "mac", *chaining.COLUMNS).first()
    )
    key = ring.get(first[0]) if first else None
    if first is None or key is None:
        return ""
    for chain, organisation in Chain.objects.values_list("pk", "organisation_id").iterator():
        for place in ((chain, organisation), (walk.chain, organisation), (chain, walk.organisation)):
            if chaining.entry_mac(key.secret, key.id, *place, "", first[2:]) == first[1]:
                return str(organisation or "platform") if place[1] != walk.organisation else str(chain)
    return ""


def _ranges(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Return numbers as ranges, first and last."""
    found: list[tuple[int, int]] = []
    for position in sorted(positions):
        if found and found[-1][1] == position - 1:
            found[-1] = (found[-1][0], position)
        else:
            found.append((position, position))
    return found
