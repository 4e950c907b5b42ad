"""How fast the audit is verified: entries and memory, on SQLite and on PostgreSQL. `make bench-audit`, `ENTRIES=N`."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

CHAINS = 1_000
BATCH = 5_000
GOAL = 60.0
"""Seconds for a million entries."""


def seed(entries: int) -> None:
    """Write that many entries, chained as the portal does it, into CHAINS chains."""
    from onboarding.audit.models import Chain, Entry
    from onboarding.partners.models import Organisation

    organisations = [Organisation(name=f"Company {number}", country="FR") for number in range(CHAINS)]
    Organisation.objects.bulk_create(organisations, batch_size=BATCH)
    for number, organisation in enumerate(organisations):
        length = entries // CHAINS + (number < entries % CHAINS)
        chain = Chain(organisation=organisation, length=length)
        rows = list(_chained(chain, length))
        chain.head = rows[-1].mac if rows else ""
        chain.save(force_insert=True)
        Entry.objects.bulk_create(rows, batch_size=BATCH)


def _chained(chain: object, length: int) -> Iterator[object]:
    from onboarding.audit import chaining, keys
    from onboarding.audit.models import Entry

    key, previous, moment = keys.newest(), "", datetime(2026, 1, 1, tzinfo=UTC)
    actor, application = uuid4(), uuid4()
    for position in range(1, length + 1):
        entry = Entry(
            chain=chain,
            position=position,
            event="validation:passed",
            actor_kind="member",
            actor_id=actor,
            address="192.0.2.7",
            subject_type="run",
            subject_id=UUID(int=position),
            application_id=application,
            data={"environment": "production", "from": "running", "to": "passed"},
            partner_visible=True,
            occurred_at=moment + timedelta(seconds=position, microseconds=position),
            key_id=key.id,
        )
        values = [getattr(entry, name) for name in chaining.COLUMNS]
        entry.mac = previous = chaining.entry_mac(key.secret, key.id, chain.pk, chain.organisation_id, previous, values)
        yield entry


def measure(entries: int) -> int:
    """Run in a process of its own, with its own DATABASE_URL: migrate, seed, verify."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    from onboarding.audit import checkpoints, keys, verifying

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        seed(entries)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, worked = time.perf_counter(), time.process_time()
    outcome = verifying.verify(keys.ring())
    took, worked = time.perf_counter() - began, time.process_time() - worked
    assert outcome.is_whole, outcome
    assert outcome.entries == entries
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    began = time.perf_counter()
    made, _outcome = checkpoints.make()
    assert made is not None
    first = time.perf_counter() - began
    began = time.perf_counter()
    checkpoints.make()
    again = time.perf_counter() - began
    a_million = took / entries * 1_000_000
    print(
        f"{connection.vendor:<11} {entries:>9} entries in {outcome.chains} chains: verified in {took:.1f} s "
        f"({worked:.1f} s of one processor), {a_million:.1f} s a million (goal: {GOAL:.0f}), {more:+.0f} MiB at the "
        f"peak; first checkpoint {first:.1f} s, the next {again * 1000:.0f} ms",
        flush=True,
    )
    return int(a_million > GOAL)


def main() -> int:
    """Measure on SQLite, and on a PostgreSQL of its own where there is one."""
    from bench.services import PostgreSQL
    from tests.programs import find, private_folder

    failed = 0
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as folder:
        own = os.environ | {"VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "onboarding.settings"}
        command = [sys.executable, "-m", "bench.audit", "measure"]
        sqlite = own | {"DATABASE_URL": f"sqlite:///{folder}/db.sqlite3"}
        failed |= subprocess.run(command, env=sqlite, check=False).returncode
        if find("initdb") is None:
            print("postgresql  not on this machine")
            return failed
        with private_folder("bench-audit") as (place, user):
            server = PostgreSQL(place, user)
            server.start()
            try:
                failed |= subprocess.run(command, env=own | {"DATABASE_URL": server.url}, check=False).returncode
            finally:
                server.stop()
    return failed


if __name__ == "__main__":
    sys.exit(measure(int(os.environ.get("ENTRIES", "1000000"))) if sys.argv[1:] == ["measure"] else main())
