"""Runs by the hundred while everything around them dies: is any lost, or done twice?

Two workers, of which one is killed with SIGKILL every 2 s, alternately, with its whole process group, and started
again. On the production broker Redis is emptied, killed and started again meanwhile, and PostgreSQL is restarted.
People ask for runs all the while, some with a key for this run only. Then it is quiet for as long as leases last, and
everything is counted: in the database, in the audit, and in what the mail server was handed.

A run that is handed to a worker in the middle of whose start it is killed proves little, so a worker is killed only
once it has come up. Exit code 1 if anything is lost or doubled. RUNS (1000) sets how many there are; KILL_EVERY (2) the
seconds between two kills; CHAOS_LIMIT (120) the seconds after which the killing stops, whatever is open; SEED (0) which
services fall when; ONE_TIME_KEYS (0.2) the share of runs with a key for this run only; CANCELLED (0) the share that
somebody tries to cancel; ANSWER_AFTER (0) the seconds that the fleet API takes. With KEEP=FOLDER, what went wrong is
kept there.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench import services
from bench.server import serve
from bench.validation import Files, credentials
from bench.workers import ROOT, Process, beat, embedded, worker
from onboarding.supervisor import tail

RUNS = int(os.environ.get("RUNS", "1000"))
KILL_EVERY = float(os.environ.get("KILL_EVERY", "2"))
SEED = int(os.environ.get("SEED", "0"))
ONE_TIME_KEYS = float(os.environ.get("ONE_TIME_KEYS", "0.2"))
CANCELLED = float(os.environ.get("CANCELLED", "0"))
ANSWER_AFTER = float(os.environ.get("ANSWER_AFTER", "0"))
LATER = 5
"""A run is cancelled when so many others have been asked for after it: some wait then, some run, some have ended."""
CHAOS_LIMIT = float(os.environ.get("CHAOS_LIMIT", "120"))
"""Seconds until the killing stops at the latest."""
QUIET_LIMIT, STALLED = 420.0, 90.0
"""Seconds until all must have ended after it, and without any progress."""
RESTARTS = 3
"""How often each service of the production set-up is restarted."""


@contextmanager
def processes(logs: Path) -> Iterator[tuple[list[Process], Process]]:
    """Run two workers and beat until the block ends."""
    workers = [worker(f"worker{number}", logs, queues="celery,schedule", concurrency=2) for number in (1, 2)]
    clock = beat(logs)
    try:
        for process in (*workers, clock):
            process.start()
        yield workers, clock
    finally:
        for process in (*workers, clock):
            process.kill()


def patiently(ask: Callable[[], int], until: float) -> int:
    """Ask the database; once more, and again, while it is down. until: by the monotonic clock."""
    from django.db import InterfaceError, OperationalError, connection

    while True:
        try:
            return ask()
        except (OperationalError, InterfaceError):
            if time.monotonic() > until:
                raise
            connection.close()
            time.sleep(0.2)


class People(threading.Thread):
    """They ask for one run of each set. Where the page said that it failed, they look, and click again."""

    def __init__(self, files: Files, owner: object, sets: list[object]) -> None:
        super().__init__(daemon=True)
        self.files, self.owner, self.sets = files, owner, sets
        self.asked, self.asked_again, self.slowest = 0, 0, 0.0
        self.cancelled, self.too_late = 0, 0

    def run(self) -> None:
        from django.db import connection

        chance = random.Random(SEED)
        for number, credential_set in enumerate(self.sets):
            self._click(partial(self._ask, credential_set))
            self.asked += 1
            if number >= LATER and chance.random() < CANCELLED:
                self._click(partial(self._cancel, self.sets[number - LATER]))
        connection.close()

    def _click(self, click: Callable[[], None]) -> None:
        from django.db import InterfaceError, OperationalError, connection

        while True:
            began = time.monotonic()
            try:
                click()
                break
            except (OperationalError, InterfaceError):
                self.asked_again += 1
                connection.close()
                time.sleep(0.5)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _ask(self, credential_set: object) -> None:
        from onboarding.partners.actors import Actor, ActorKind
        from onboarding.validation.flows import request_run
        from onboarding.validation.models import Run

        if Run.objects.filter(credential_set=credential_set).exists():
            return
        needs_key = credential_set.certificate_request.key is None
        request_run(
            credential_set,
            actor=Actor(ActorKind.MEMBER, self.owner.pk),
            key=self.files.key.read_bytes() if needs_key else None,
            passphrase=self.files.passphrase if needs_key else None,
        )

    def _cancel(self, credential_set: object) -> None:
        from onboarding.partners.actors import Actor, ActorKind
        from onboarding.validation.flows import cancel_run
        from onboarding.validation.models import Run

        run = Run.objects.select_related("key", "credential_set__application__organisation").get(
            credential_set=credential_set
        )
        if cancel_run(run, actor=Actor(ActorKind.MEMBER, self.owner.pk)):
            self.cancelled += 1
        else:
            self.too_late += 1


class Breaker:
    """What befalls the services, at moments that a seed fixes."""

    def __init__(self, redis: services.Redis | None, postgres: services.PostgreSQL | None) -> None:
        self.redis, self.postgres = redis, postgres
        self.done: Counter[str] = Counter()
        chance = random.Random(SEED)
        blows = [self._flush, self._restart_redis, self._restart_postgres] * RESTARTS if redis else []
        self._due = sorted(((chance.uniform(5, CHAOS_LIMIT / 2), blow) for blow in blows), key=lambda one: one[0])

    def look(self, elapsed: float) -> None:
        """Deal what is due. elapsed: seconds since the beginning."""
        while self._due and self._due[0][0] <= elapsed:
            blow = self._due.pop(0)[1]
            blow()
            self.done[blow.__name__.strip("_").replace("_", " ")] += 1

    def _flush(self) -> None:
        self.redis.flush()

    def _restart_redis(self) -> None:
        self.redis.stop(signal.SIGKILL)
        time.sleep(1)
        self.redis.start()

    def _restart_postgres(self) -> None:
        self.postgres.stop()
        time.sleep(1)
        self.postgres.start()

    @property
    def is_done(self) -> bool:
        """Whether all has been dealt."""
        return not self._due


def chaos(files: Files, breaker: Breaker, var: Path) -> bool:
    """Do it all on the set-up that the environment describes, and return whether nothing was lost or doubled."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.db import connection

    from bench.seed import credential_sets
    from onboarding.credentials.embedded_ca import sandbox_ca
    from onboarding.validation.models import Run

    sandbox_ca()
    owner, sets = credential_sets(files, RUNS, without_key=ONE_TIME_KEYS)
    connection.close()
    logs = var / "log"
    logs.mkdir()
    people = People(files, owner, sets)
    killed_at_work = kills = 0
    with processes(logs) as (workers, clock):
        deadline = time.monotonic() + services.START_LIMIT
        while not all(process.is_up for process in workers):
            if time.monotonic() > deadline:
                raise RuntimeError("\n".join(line for one in workers for line in tail(one.log)))
            time.sleep(0.1)
        began, next_kill = time.monotonic(), time.monotonic() + KILL_EVERY
        last_word = began
        people.start()

        def now() -> str:
            return f"{time.monotonic() - began:5.0f} s"

        def opened() -> int:
            return patiently(lambda: Run.objects.filter(state__in=Run.OPEN).count(), time.monotonic() + 60)

        def running() -> int:
            return patiently(lambda: Run.objects.filter(state=Run.State.RUNNING).count(), time.monotonic() + 60)

        while time.monotonic() - began < CHAOS_LIMIT:
            time.sleep(0.1)
            breaker.look(time.monotonic() - began)
            for process in (*workers, clock):
                process.keep_up()
            victim = workers[kills % 2]
            if time.monotonic() >= next_kill and victim.is_up:
                before = running()
                victim.kill()
                victim.start()
                kills, next_kill = kills + 1, time.monotonic() + KILL_EVERY
                killed_at_work += before > 0
                if time.monotonic() - last_word > 10:
                    last_word = time.monotonic()
                    print(f"  {now()}  asked for {people.asked}, open {opened()}, kills {kills}", flush=True)
            if not people.is_alive() and breaker.is_done and opened() == 0:
                break
        print(f"  {now()}  quiet: open {opened()}, kills {kills}", flush=True)
        deadline, stalled, before = time.monotonic() + QUIET_LIMIT, 0.0, -1
        while left := RUNS - people.asked + opened() + patiently(unsent_mails, deadline):
            if left != before:
                stalled, before = time.monotonic() + STALLED, left
            if time.monotonic() > min(deadline, stalled):
                break
            for process in (*workers, clock):
                process.keep_up()
            time.sleep(0.5)
        print(f"  {now()}  {f'{left} left' if left else 'all ended'}", flush=True)
        by_itself = sum(process.ended_by_itself for process in (*workers, clock))
    print(
        f"  workers killed {kills} times, {killed_at_work} of them while runs were under way; "
        f"workers or beat ended by themselves: {by_itself} times"
    )
    for what, times in breaker.done.items():
        print(f"  {what}: {times} times")
    print(f"  asked again after an error: {people.asked_again}; the slowest click took {people.slowest:.1f} s")
    if CANCELLED:
        print(f"  cancelled in between: {people.cancelled}; had ended already: {people.too_late}")
    return count()


def unsent_mails() -> int:
    """Return how many mails of the ledger wait."""
    from onboarding.notifications.models import Mail

    return Mail.objects.filter(state=Mail.State.QUEUED).count()


def count() -> bool:
    """Count what came of it, print it, and return whether nothing was lost or doubled."""
    from onboarding.audit.events import Event
    from onboarding.audit.models import Entry
    from onboarding.credentials.models import CredentialSet
    from onboarding.notifications import outbox
    from onboarding.notifications.models import Mail
    from onboarding.validation.models import Run
    from onboarding.vault.models import Secret

    states = Counter(Run.objects.values_list("state", flat=True))
    attempts = Counter(Run.objects.values_list("attempt", flat=True))
    faults = Counter(Run.objects.filter(state=Run.State.FAILED).values_list("fault", flat=True))
    runs_of_set = Counter(Run.objects.values_list("credential_set_id", flat=True))
    ends = (Event.RUN_PASSED, Event.RUN_FAILED, Event.RUN_ABANDONED, Event.RUN_CANCELLED)
    results = Counter(Entry.objects.filter(event__in=ends).values_list("subject_id", flat=True))
    run_ids = set(Run.objects.values_list("pk", flat=True))
    handed = Counter(message["Message-ID"] for _, message in outbox.messages())
    ledger = dict(Mail.objects.values_list("message_id", "attempts"))
    live = set(Mail.objects.filter(kind="application_live").values_list("once", flat=True))
    passed = Run.objects.filter(state=Run.State.PASSED).values_list("credential_set_id", flat=True)
    twice = {message_id: times for message_id, times in handed.items() if times > 1}
    found: Mapping[str, int] = {
        "sets without exactly one run": CredentialSet.objects.count() - sum(n == 1 for n in runs_of_set.values()),
        "runs still open": sum(states[state] for state in Run.OPEN),
        "runs without exactly one result on record": sum(results[run_id] != 1 for run_id in run_ids),
        "results of no run": len(results.keys() - run_ids),
        "one-time keys left": Secret.objects.filter(kind=Secret.Kind.KEY_FOR_ONE_RUN).exclude(sealed=b"").count(),
        "passed, but no mail in the ledger": sum(f"live:{set_id}" not in live for set_id in passed),
        "mails never handed over": sum(message_id not in handed for message_id in ledger),
        "mails handed over but not in the ledger": sum(message_id not in ledger for message_id in handed),
        "mails not marked as sent": Mail.objects.exclude(state=Mail.State.SENT).count(),
        "mails handed over twice without a second attempt": sum(n > ledger.get(id_, 0) for id_, n in twice.items()),
    }
    print(f"  results: {dict(states)}; by number of attempts: {dict(sorted(attempts.items()))}")
    if faults:
        print(f"  failed with: {dict(faults)}")
    used = Secret.objects.filter(kind=Secret.Kind.KEY_FOR_ONE_RUN).count()
    print(f"  one-time keys used: {used}; mails in the ledger: {len(ledger)}")
    print(
        f"  mails handed over twice: {len(twice)} (the worker died after the mail server had the mail and before the "
        "ledger knew; the Message-ID is the same, by which mail programs show one)"
    )
    for what, number in found.items():
        if number:
            print(f"  WRONG: {what}: {number}")
    wrong = sum(found.values())
    print(
        f"{len(run_ids)} runs: {sum(results[run_id] == 1 for run_id in run_ids)} with exactly one result, "
        f"{found['runs still open']} open, {states[Run.State.ABANDONED]} given up, {found['one-time keys left']} keys "
        f"left, {len(ledger)} mails of which {len(twice)} twice, {wrong} wrong",
        flush=True,
    )
    return wrong == 0


def one(mode: str) -> bool:
    """Run one set-up, in a process of its own: settings are read once."""
    with ExitStack() as stack:
        var = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        files, server_file = stack.enter_context(credentials())
        port = stack.enter_context(serve(server_file, files.ca, ANSWER_AFTER))
        redis = postgres = None
        os.environ |= embedded(var, port)
        if mode == "production":
            redis = stack.enter_context(services.running(services.Redis, "redis"))
            postgres = stack.enter_context(services.running(services.PostgreSQL, "postgres"))
            os.environ |= {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        well = chaos(files, Breaker(redis, postgres), var)
        if not well and (kept := os.environ.get("KEEP")):
            subprocess.run(["cp", "-r", var, kept], check=True)
        return well


def main() -> int:
    """Run both set-ups, one after the other, and return the exit code."""
    modes = {"embedded": "embedded (SQLite, folder)", "production": "production (PostgreSQL, Redis)"}
    wanted = sys.argv[1:] or list(modes)
    if "production" in wanted and (absent := services.missing()):
        print(f"production set-up left out: {', '.join(absent)} not installed")
        wanted.remove("production")
    codes = []
    for mode in wanted:
        print(f"{modes[mode]}: {RUNS} runs", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", "bench.chaos", "--one", mode], cwd=ROOT).returncode)
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(not one(sys.argv[2]) if sys.argv[1:2] == ["--one"] else main())
