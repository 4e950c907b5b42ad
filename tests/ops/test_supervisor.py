"""All parts, or none: nothing is left behind, whoever ends first."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onboarding.supervisor import Part, Supervisor, tail

PATIENT = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PATIENT}"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('child', child.pid, flush=True)\n"
    "time.sleep(600)"
)


def part(name: str, program: str, *, outlives_others: bool = False) -> Part:
    return Part(name, (sys.executable, "-c", program), outlives_others)


def supervise(tmp_path: Path, *parts: Part, grace: float = 5.0) -> Supervisor:
    return Supervisor(parts, tmp_path / "log", tmp_path, os.environ, grace)


def until(condition: Callable[[], object], limit: float = 20.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def printed(supervisor: Supervisor, part: Part) -> list[str]:
    return tail(supervisor.log(part))


@pytest.fixture
def signals_to_ourselves() -> Iterator[Callable[[int, float], None]]:
    """Return a function that sends this process a signal after some seconds."""
    timers: list[threading.Timer] = []

    def send(number: int, after: float) -> None:
        timers.append(threading.Timer(after, os.kill, (os.getpid(), number)))
        timers[-1].start()

    yield send
    for timer in timers:
        timer.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_watch_and_stops_every_part(
    tmp_path: Path, signals_to_ourselves: Callable[[int, float], None], number: int
) -> None:
    one, two = part("one", PATIENT), part("two", PATIENT)
    supervisor = supervise(tmp_path, one, two)
    with supervisor.stopping():
        supervisor.start()
        until(lambda: printed(supervisor, one) and printed(supervisor, two))
        pids = [process.pid for process in supervisor.running]
        assert all(map(alive, pids))
        signals_to_ourselves(number, 0.2)
        assert supervisor.watch() is None
        assert supervisor.asked_to_stop
    assert not any(map(alive, pids))


def test_one_part_can_be_started_anew_while_the_others_go_on(tmp_path: Path) -> None:
    steady, hung = part("steady", PATIENT), part("hung", PATIENT)
    supervisor = supervise(tmp_path, steady, hung)
    with supervisor.stopping():
        supervisor.start()
        until(lambda: printed(supervisor, hung) == ["up"])
        before = [process.pid for process in supervisor.running]
        supervisor.restart(hung)
        until(lambda: printed(supervisor, hung) == ["up", "up"])
        after = [process.pid for process in supervisor.running]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert not any(map(alive, (*before, *after)))


def test_children_of_parts_are_stopped_too(tmp_path: Path) -> None:
    parent = part("parent", PARENT)
    supervisor = supervise(tmp_path, parent)
    with supervisor.stopping():
        supervisor.start()
        until(lambda: printed(supervisor, parent))
        grandchild = int(printed(supervisor, parent)[0].split()[1])
        assert alive(grandchild)
    until(lambda: not alive(grandchild), 2)


def test_the_end_of_one_part_is_named_with_its_code_and_stops_the_others(tmp_path: Path) -> None:
    steady, dying = part("steady", PATIENT), part("dying", "import sys; print('out of paper'); sys.exit(3)")
    supervisor = supervise(tmp_path, steady, dying)
    with supervisor.stopping():
        supervisor.start()
        pids = [process.pid for process in supervisor.running]
        death = supervisor.watch()
    assert death is not None
    assert (death.part, death.code) == (dying, 3)
    assert printed(supervisor, dying) == ["out of paper"]
    assert not any(map(alive, pids))


def test_a_part_that_was_killed_reports_the_signal(tmp_path: Path) -> None:
    supervisor = supervise(tmp_path, part("victim", KILLED))
    with supervisor.stopping():
        supervisor.start()
        death = supervisor.watch()
    assert death is not None
    assert death.code == 128 + signal.SIGKILL


def test_a_part_that_ignores_the_request_is_killed_after_the_grace(tmp_path: Path) -> None:
    stubborn = part("stubborn", STUBBORN)
    supervisor = supervise(tmp_path, stubborn, grace=0.5)
    with supervisor.stopping():
        supervisor.start()
        until(lambda: printed(supervisor, stubborn))
        [pid] = [process.pid for process in supervisor.running]
        began = time.monotonic()
    assert 0.5 <= time.monotonic() - began < 5
    assert not alive(pid)


def test_what_the_others_use_is_stopped_after_them(tmp_path: Path) -> None:
    tell = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    time.sleep({pause})\n"
        "    print(time.monotonic(), flush=True)\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('up', flush=True)\n"
        "time.sleep(600)"
    )
    base = part("base", tell.format(pause=0), outlives_others=True)
    user = part("user", tell.format(pause=0.5))
    supervisor = supervise(tmp_path, base, user)
    with supervisor.stopping():
        supervisor.start()
        until(lambda: printed(supervisor, base) and printed(supervisor, user))
    assert float(printed(supervisor, user)[1]) < float(printed(supervisor, base)[1])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_parts_end_when_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from onboarding.supervisor import Part, Supervisor\n"
        f"part = Part('one', (sys.executable, '-c', {PATIENT!r}))\n"
        f"supervisor = Supervisor((part,), Path({str(tmp_path)!r}), Path({str(tmp_path)!r}), os.environ)\n"
        "supervisor.start()\n"
        "print(*(process.pid for process in supervisor.running), flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        until(lambda: tail(tmp_path / "one.log"))
        process.kill()
    until(lambda: not alive(child), 5)


def test_the_tail_of_a_log_is_its_last_lines_and_nothing_where_there_is_no_log(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert tail(log, lines=2) == ["line 98", "line 99"]
    assert tail(tmp_path / "missing.log") == []
