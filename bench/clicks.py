"""Somebody clicks while 100,000 messages stand in the schedule's queue: does the click start within a second?

On both set-ups, with a worker for each queue as `make up` and docker-compose run them. The messages are put straight
into the queue: the portal itself never lets so many stand there (BACKLOG in onboarding/validation/schedule.py). The
schedule's worker is busy throughout; each regular run that it finds is carried out against an API that takes 200 ms.
MESSAGES sets how many there are. Exit code 1 if a click starts late.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

from bench import services
from bench.server import serve
from bench.validation import credentials
from bench.workers import ROOT, embedded, worker
from onboarding.supervisor import tail

MESSAGES = int(os.environ.get("MESSAGES", "100000"))
REGULAR, CLICKS = 200, 10
LATENCY, CLICK_LIMIT = 0.2, 1.0
"""Seconds."""


def one(mode: str) -> bool:
    """Measure one set-up, in a process of its own: settings are read once."""
    with ExitStack() as stack:
        var = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clicks-")))
        files, server_file = stack.enter_context(credentials())
        port = stack.enter_context(serve(server_file, files.ca, LATENCY))
        os.environ |= embedded(var, port)
        if mode == "production":
            redis = stack.enter_context(services.running(services.Redis, "redis"))
            postgres = stack.enter_context(services.running(services.PostgreSQL, "postgres"))
            os.environ |= {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from bench.seed import credential_sets
        from onboarding.celery import INTERACTIVE, SCHEDULE, app, waiting
        from onboarding.credentials.embedded_ca import sandbox_ca
        from onboarding.partners.actors import SYSTEM, Actor, ActorKind
        from onboarding.validation.flows import VALIDATE, request_run
        from onboarding.validation.models import Run

        sandbox_ca()
        owner, sets = credential_sets(files, REGULAR + CLICKS)
        for regular in sets[CLICKS:]:
            request_run(regular, actor=SYSTEM)
        began = time.monotonic()
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(MESSAGES):
                app.send_task(VALIDATE, args=(str(uuid.uuid4()),), queue=SCHEDULE, producer=producer)
        print(f"  {MESSAGES} messages put in {time.monotonic() - began:.0f} s", flush=True)
        logs = var / "log"
        logs.mkdir()
        pair = [worker(name, logs, queues=name, concurrency=2) for name in (INTERACTIVE, SCHEDULE)]
        for process in pair:
            process.start()
            stack.callback(process.kill)
        deadline = time.monotonic() + services.START_LIMIT * 2
        while not all(process.is_up for process in pair):
            if time.monotonic() > deadline:
                raise RuntimeError("\n".join(line for process in pair for line in tail(process.log)))
            time.sleep(0.1)
        before, waits = waiting(SCHEDULE), []
        for mine in sets[:CLICKS]:
            run = request_run(mine, actor=Actor(ActorKind.MEMBER, owner.pk))
            while run.started_at is None:
                time.sleep(0.02)
                run.refresh_from_db()
            waits.append((run.started_at - run.created_at).total_seconds())
            time.sleep(0.5)
        left = waiting(SCHEDULE)
        done = Run.objects.filter(origin=Run.Origin.SCHEDULE, state__in=Run.RESULTS).count()
        well = max(waits) <= CLICK_LIMIT and left > 0
        print(
            f"{mode}: {CLICKS} clicks while {before} to {left} messages stood in the other queue and {done} of "
            f"{REGULAR} regular runs ended: started after {statistics.median(waits):.2f} s, the slowest after "
            f"{max(waits):.2f} s   goal at most {CLICK_LIMIT:g}   {'met' if well else 'MISSED'}",
            flush=True,
        )
        return well


def main() -> int:
    """Measure both set-ups, and return the exit code."""
    wanted = sys.argv[1:] or ["embedded", "production"]
    if "production" in wanted and (absent := services.missing()):
        print(f"production set-up left out: {', '.join(absent)} not installed")
        wanted.remove("production")
    codes = [
        subprocess.run([sys.executable, "-m", "bench.clicks", "--one", mode], cwd=ROOT).returncode for mode in wanted
    ]
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(not one(sys.argv[2]) if sys.argv[1:2] == ["--one"] else main())
