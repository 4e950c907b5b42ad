"""Many sets, one after another, against a fleet API that takes 200 ms to answer; and somebody who clicks meanwhile.

The sweep is the pure ladder in threads, spread over processes where there are many, with a key as the vault keeps it.
What the concurrency allows is measured, too: a single validation alone takes so long, so at a concurrency of 8 eight
times as many can end in that time. Threads share a processor, and so do client and server: processor time is counted
for each, and the bound that this machine's cores set is printed beside, for the ladder and for bare `ssl` with one GET
in its place.

The click is measured with a worker of each queue, as `make up` runs them, while the schedule's queue is full.
SETS_AT_8 (1000) and SETS_AT_50 (10000) say how many sets are swept.
"""

import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from bench.server import serve
from bench.validation import Files, bare, credentials, ladder
from bench.workers import Process, embedded, worker
from onboarding.pki.pkcs8 import encrypt_under_random

LATENCY = 0.2
SWEEPS = ((8, 1, int(os.environ.get("SETS_AT_8", "1000"))), (50, 2, int(os.environ.get("SETS_AT_50", "10000"))))
"""Concurrency, processes, sets."""
EFFICIENCY = 0.9
FLAT = 1.05
"""What the memory at the end may be of that at a tenth of the way."""
REGULAR, CLICKS = 400, 10
CLICK_LIMIT = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one process. Seconds, KiB, descriptors."""

    wall: float
    processor: float
    memory: tuple[int, int]
    descriptors: tuple[int, int]


def climb(files: Files, port: int, sets: int, threads: int) -> Figures:
    """Validate `sets` times, with so many threads, in this process."""
    material, numbers = files.material, counting()
    early: list[tuple[int, int]] = []

    def work() -> None:
        while (number := next(numbers)) < sets:
            ladder(material, port)
            if number == sets // 10:
                early.append(_held())

    workers = [threading.Thread(target=work) for _ in range(threads)]
    began, processor = time.perf_counter(), _processor_seconds()
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    wall, processor = time.perf_counter() - began, _processor_seconds() - processor
    (memory, descriptors), (memory_now, descriptors_now) = early[0], _held()
    return Figures(wall, processor, (memory, memory_now), (descriptors, descriptors_now))


def _held() -> tuple[int, int]:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024, len(os.listdir("/proc/self/fd"))


def _processor_seconds(whose: int = RUSAGE_SELF) -> float:
    used = getrusage(whose)
    return used.ru_utime + used.ru_stime


def alone(clock: Callable[[], float], work: Callable[[], object]) -> float:
    """Return what something takes when there is nothing else, in seconds by this clock."""
    times = []
    for _ in range(11):
        began = clock()
        work()
        times.append(clock() - began)
    return statistics.median(times[1:])


def bench_sweep(concurrency: int, processes: int, sets: int) -> bool:
    """Sweep, print, and return whether the goals are met."""
    share, threads = sets // processes, concurrency // processes
    with credentials(encrypt_under_random) as (files, server_file):
        with serve(server_file, files.ca, LATENCY) as port:
            material = files.material
            one = alone(time.perf_counter, lambda: ladder(material, port))
            least = alone(_processor_seconds, lambda: bare(files, port))
            with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
                jobs = [pool.submit(climb, files, port, share, threads) for _ in range(processes)]
                figures = [job.result() for job in jobs]
            ended = _processor_seconds(RUSAGE_CHILDREN)
        server = (_processor_seconds(RUSAGE_CHILDREN) - ended) / (share * processes)
    wall = max(figure.wall for figure in figures)
    done, allowed = share * processes / wall, concurrency / one
    used = sum(figure.processor for figure in figures) / (share * processes)
    memory = [sum(figure.memory[at] for figure in figures) for at in (0, 1)]
    leaked = sum(max(0, figure.descriptors[1] - figure.descriptors[0]) for figure in figures)
    cores = min(processes + 1, os.cpu_count() or 1)  # the server's process beside them
    print(
        f"{share * processes} sets at a concurrency of {concurrency} ({processes} x {threads} threads): {wall:.0f} s, "
        f"{done:.1f} a second\n"
        f"  one alone takes {one * 1e3:.0f} ms, so {allowed:.1f} a second are allowed; the load of this machine is "
        f"{os.getloadavg()[0]:.1f}\n"
        f"  processor time of one: ladder {used * 1e3:.1f} ms, server {server * 1e3:.1f} ms; so {cores} idle cores do "
        f"{min(processes / used, cores / (used + server)):.0f} a second at most, and with bare ssl ({least * 1e3:.1f} "
        f"ms) in place of the ladder {min(processes / least, cores / (least + server)):.0f}"
    )
    return all(
        [
            _goal("  of what the concurrency allows", done / allowed, done / allowed >= EFFICIENCY, f"{EFFICIENCY:g}"),
            _goal(
                f"  memory at the end : at 10 % ({memory[1] / 1024:.0f} MiB : {memory[0] / 1024:.0f} MiB)",
                memory[1] / memory[0],
                memory[1] <= memory[0] * FLAT,
                f"at most {FLAT:g}",
            ),
            _goal("  descriptors leaked", leaked, leaked == 0, "0"),
        ]
    )


def _goal(what: str, value: float, met: bool, goal: str) -> bool:
    print(f"{what:<58}{value:8.2f}   goal {goal}   {'met' if met else 'MISSED'}", flush=True)
    return met


@contextmanager
def _pair(logs: Path) -> Iterator[list[Process]]:
    pair = [
        worker("worker", logs, queues="celery", concurrency=2),
        worker("schedule", logs, queues="schedule", concurrency=1),
    ]
    try:
        for one in pair:
            one.start()
        deadline = time.monotonic() + 60
        while not all(one.is_up for one in pair):
            if time.monotonic() > deadline:
                raise RuntimeError("the workers did not start")
            time.sleep(0.1)
        yield pair
    finally:
        for one in pair:
            one.kill()


def bench_click() -> bool:
    """Click while the schedule's queue is full, and return whether each click starts in time."""
    with ExitStack() as stack:
        var = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="click-")))
        files, server_file = stack.enter_context(credentials())
        port = stack.enter_context(serve(server_file, files.ca, LATENCY))
        os.environ |= embedded(var, port)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from bench.seed import credential_sets
        from onboarding.credentials.embedded_ca import sandbox_ca
        from onboarding.partners.actors import SYSTEM, Actor, ActorKind
        from onboarding.validation.flows import request_run
        from onboarding.validation.models import Run

        sandbox_ca()
        owner, sets = credential_sets(files, REGULAR + CLICKS)
        (var / "log").mkdir()
        for regular in sets[CLICKS:]:
            request_run(regular, actor=SYSTEM)
        stack.enter_context(_pair(var / "log"))
        waits = []
        for mine in sets[:CLICKS]:
            run = request_run(mine, actor=Actor(ActorKind.MEMBER, owner.pk))
            while run.started_at is None:
                time.sleep(0.02)
                run.refresh_from_db()
            waits.append((run.started_at - run.created_at).total_seconds())
            time.sleep(0.5)
        swept = Run.objects.filter(origin=Run.Origin.SCHEDULE, state__in=Run.RESULTS).count()
        waiting = Run.objects.filter(origin=Run.Origin.SCHEDULE, state__in=Run.OPEN).count()
    print(
        f"{CLICKS} clicks while {waiting + swept} regular runs were in the queue, of which {swept} ended meanwhile: "
        f"started after {statistics.median(waits):.2f} s in the middle"
    )
    return _goal(
        "  the slowest click, seconds", max(waits), max(waits) <= CLICK_LIMIT and waiting > 0, f"{CLICK_LIMIT:g}"
    )


def main() -> int:
    """Run all, and return the exit code."""
    os.environ.pop("SSLKEYLOGFILE", None)
    met = [bench_sweep(*sweep) for sweep in SWEEPS if sweep[2]]
    met.append(bench_click())
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
