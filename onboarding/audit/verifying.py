"""Whether the audit is whole: all chains in one pass, one entry in memory at a time.

What is compared: each entry with its keyed hash, positions without a gap, the chain's own length and head, and the
heads that checkpoints vouch for. Why something does not fit is asked afterwards, of broken chains alone (`explaining`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db import connection, transaction
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast

from onboarding.audit import chaining, explaining, guards
from onboarding.audit.chaining import IDS
from onboarding.audit.documents import Head, Vouched
from onboarding.audit.keys import AuditKey
from onboarding.audit.models import Chain, Entry
from onboarding.audit.walk import Walk
from onboarding.audit.wording import finding
from onboarding.findings import Finding

FETCHED = 2000
"""Rows fetched at a time."""

MOST_FINDINGS = 1000
"""After so many nothing more is explained: the audit is gone rather than edited."""

_OF_ENTRIES = ("key_id", "mac", *chaining.COLUMNS)


@dataclass(slots=True)
class Outcome:
    """What a verification found.

    checkpoints: the numbers of those it was held against. unjudged: how many entries were made with a key that
    AUDIT_KEY does not hold, by the key's id.
    """

    chains: int = 0
    entries: int = 0
    checkpoints: tuple[int, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    unjudged: Counter[str] = field(default_factory=Counter)

    @property
    def is_whole(self) -> bool:
        """Whether all was judged, and nothing was found."""
        return not self.findings and not self.unjudged

    def add(self, walk: Walk, ring: Mapping[str, AuditKey]) -> None:
        """Count a chain that was walked, and explain what is wrong with it."""
        self.chains += 1
        self.entries += walk.entries
        self.unjudged += walk.unjudged
        if walk.is_broken and len(self.findings) < MOST_FINDINGS:
            self.findings += explaining.explain(walk, ring)


def verify(ring: Mapping[str, AuditKey], vouched: Sequence[Vouched] = ()) -> Outcome:
    """Check all chains, and hold them against checkpoints.

    Reads one state of the database, and stops nobody from writing meanwhile.
    """
    outcome = Outcome(checkpoints=tuple(one.number for one in vouched))
    if unguarded := guards.missing():
        outcome.findings.append(finding("unguarded", found=", ".join(unguarded)))
    unseen = {chain: head for one in vouched for chain, head in one.heads.items()}
    # On PostgreSQL a cursor of the server's, which needs a transaction; on SQLite one would hold up all who write.
    with transaction.atomic() if connection.vendor == "postgresql" else nullcontext():
        for walk in _walks(ring, vouched):
            outcome.add(walk, ring)
            unseen.pop(walk.chain, None)
        outcome.findings += _removed(unseen)
        outcome.findings += _orphans()
    return outcome


def verify_since(ring: Mapping[str, AuditKey], before: Vouched) -> Outcome:
    """Check what was recorded since a checkpoint, and that what it vouches for is still where it was."""
    outcome = Outcome(checkpoints=(before.number,))
    unseen = dict(before.heads)
    for row in Chain.objects.order_by("pk").iterator(chunk_size=FETCHED):
        known = unseen.pop(row.pk, Head(row.organisation_id, 0, ""))
        if known == Head(row.organisation_id, row.length, row.head):
            outcome.chains += 1
            continue
        walk = Walk(row.pk, row.organisation_id, row.length, row.head, ring, {known.length: known.head})
        entries = row.entries.filter(position__gte=known.length).order_by("position").values_list(*_OF_ENTRIES)
        rows = entries.iterator(chunk_size=FETCHED)
        if known.length:
            walk.resume(known, next(rows, None))
        for key_id, mac, *values in rows:
            walk.feed(key_id, mac, values)
        outcome.add(walk, ring)
    outcome.findings += _removed(unseen)
    return outcome


def _walks(ring: Mapping[str, AuditKey], vouched: Sequence[Vouched]) -> Iterator[Walk]:
    """Walk each chain. One query, so that all of it is of one moment; chains without entries are in it, too."""
    # Ids as the database writes them: to make UUIDs of six columns takes as long as all the rest.
    columns = (Cast(f"entries__{name}", CharField()) if name in IDS else f"entries__{name}" for name in _OF_ENTRIES)
    chains = Chain.objects.order_by("pk", "entries__position")
    rows = chains.values_list(Cast("pk", CharField()), Cast("organisation_id", CharField()), "length", "head", *columns)
    for (id_, of, length, head), entries in groupby(rows.iterator(chunk_size=FETCHED), itemgetter(0, 1, 2, 3)):
        chain, organisation = UUID(id_), UUID(of) if of else None
        heads = [one.heads[chain] for one in vouched if chain in one.heads]
        walk = Walk(chain, organisation, length, head, ring, {one.length: one.head for one in heads})
        for row in entries:
            if row[6] is not None:  # a chain without entries is one row without an entry
                walk.feed(row[4], row[5], row[6:])
        yield walk


def _removed(unseen: Mapping[UUID, Head]) -> list[Finding]:
    return [
        finding("chain_removed", chain=str(chain), organisation=str(gone.organisation or ""), first=1, last=gone.length)
        for chain, gone in list(unseen.items())[:MOST_FINDINGS]
    ]


def _orphans() -> list[Finding]:
    lost = Entry.objects.exclude(Exists(Chain.objects.filter(pk=OuterRef("chain_id"))))
    counts = Counter(lost.values_list("chain_id", flat=True)[: MOST_FINDINGS * 10])
    return [finding("orphans", chain=str(chain), first=1, last=count) for chain, count in counts.items()]
