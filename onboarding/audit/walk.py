"""One way along one chain, from its first entry to its last. Knows no database."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from onboarding.audit.chaining import POSITION, entry_mac
from onboarding.audit.documents import Head
from onboarding.audit.keys import AuditKey


class Walk:
    """What does not fit along the way.

    altered: ranges of positions, first and last, whose entries are not what their hashes were made for.
    missing: ranges of positions that are not there, with others after them.
    rewritten: positions at which a checkpoint vouches for another hash.
    unjudged: how many entries were made with a key that is not in the ring, by its id. Only at the beginning of a
    chain, where an older key may have been: later on it is nobody's key.
    vouched: the hashes that checkpoints vouch for, by position.
    """

    def __init__(
        self,
        chain: UUID,
        organisation: UUID | None,
        length: int,
        head: str,
        ring: Mapping[str, AuditKey],
        vouched: Mapping[int, str],
    ) -> None:
        self.chain, self.organisation, self.length, self.head = chain, organisation, length, head
        self.vouched = {position: mac for position, mac in vouched.items() if position}
        self.altered: list[list[int]] = []
        self.missing: list[list[int]] = []
        self.rewritten: list[int] = []
        self.unjudged: Counter[str] = Counter()
        self.entries = 0
        self.last, self.last_mac = 0, ""
        self._ring = ring
        self._knows_a_key = False

    @property
    def should_reach(self) -> int:
        """How far the chain goes by its own word, and by the checkpoints'."""
        return max([self.length, *self.vouched])

    @property
    def is_broken(self) -> bool:
        """Whether anything does not fit."""
        faults = self.altered or self.missing or self.rewritten
        return bool(faults) or self.last != self.should_reach or self.last_mac != self.head

    def resume(self, known: Head, row: Sequence[Any] | None) -> None:
        """Go on from an entry that was checked before. row: what stands there now, as hash and values."""
        self._knows_a_key = True
        if row is None and self.length < known.length:
            self.last, self.last_mac = self.length, self.head
            return
        if row is None or row[2 + POSITION] != known.length:
            self.missing.append([known.length, known.length])
        elif row[1] != known.head:
            self.rewritten.append(known.length)
        self.last, self.last_mac = known.length, row[1] if row else known.head

    def feed(self, key_id: str, mac: str, values: Sequence[Any]) -> None:
        """Go on by one entry. values: those of COLUMNS."""
        position = values[POSITION]
        key = self._ring.get(key_id)
        self.entries += 1
        if position != self.last + 1:
            self.missing.append([self.last + 1, position - 1])  # and nothing is known of the hash before this one
        elif key is None and not self._knows_a_key:
            self.unjudged[key_id] += 1
        elif key is None or mac != entry_mac(key.secret, key_id, self.chain, self.organisation, self.last_mac, values):
            self._alter(position)
        self._knows_a_key = self._knows_a_key or key is not None
        if self.vouched.get(position, mac) != mac:
            self.rewritten.append(position)
        self.last, self.last_mac = position, mac

    def _alter(self, position: int) -> None:
        if self.altered and self.altered[-1][1] == position - 1:
            self.altered[-1][1] = position
        else:
            self.altered.append([position, position])
