"""`manage.py up`: the whole product under one supervisor."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from onboarding.rehearsals import PORTS
from onboarding.supervisor import Part, Supervisor
from onboarding.web import heartbeat
from onboarding.web.management.commands.up import (
    BEAT,
    REGULAR,
    SANDBOX,
    WEB,
    WORKER,
    Command,
    SilentWorkers,
    StartError,
    check_ports,
    is_well,
    only_one,
)
from tests.ports import free_ports

PROJECT = Path(__file__).resolve().parents[2]
START, STOP = 120, 60
"""Seconds, on a busy machine."""


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield


def environment(var: Path, port: int, sandbox_port: int) -> Mapping[str, str]:
    ours = ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "EMAIL_URL", "SANDBOX_API_URL", "SANDBOX_TOKEN_URL")
    ours += ("SANDBOX_FAULT_PORTS", "PYTHONUNBUFFERED")  # the greeting has to come through a pipe without it
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return inherited | {"VAR_DIR": str(var), "PORT": str(port), "SANDBOX_PORT": str(sandbox_port), "DEMO": "1"}


def test_free_ports_are_in_order(settings: Settings) -> None:
    settings.PORT, settings.SANDBOX_PORT, _, settings.SANDBOX_FAULT_PORTS, *_ = free_ports(3 + len(PORTS))
    settings.SANDBOX = True
    check_ports()


@pytest.mark.parametrize(("variable", "number"), [("PORT", 0), ("SANDBOX_PORT", 1), ("SANDBOX_PORT", 2)])
def test_a_taken_port_is_named_with_the_variable_that_changes_it(
    settings: Settings, variable: str, number: int
) -> None:
    ports = free_ports(3)
    settings.PORT, settings.SANDBOX_PORT = ports[:2]
    settings.SANDBOX, settings.SANDBOX_FAULT_PORTS = True, 0
    named = rf"Port {ports[number]} is not free .* {variable}=\d+ make up"
    with taken(ports[number]), pytest.raises(StartError, match=named):
        check_ports()


def test_a_taken_port_for_failures_is_named_too(settings: Settings) -> None:
    settings.PORT, settings.SANDBOX_PORT, _, *faults = free_ports(3 + len(PORTS))
    settings.SANDBOX, settings.SANDBOX_FAULT_PORTS = True, faults[0]
    named = rf"Port {faults[-1]} is not free .* SANDBOX_FAULT_PORTS={faults[-1] + 1} make up"
    with taken(faults[-1]), pytest.raises(StartError, match=named):
        check_ports()


def test_without_a_sandbox_its_ports_do_not_matter(settings: Settings) -> None:
    settings.PORT, settings.SANDBOX_PORT = free_ports(2)
    settings.SANDBOX = False
    with taken(settings.SANDBOX_PORT):
        check_ports()


def test_two_cannot_run_on_the_same_data(tmp_path: Path) -> None:
    lock = tmp_path / "var" / "up.lock"
    with only_one(lock), pytest.raises(StartError, match=f"as process {os.getpid()}"), only_one(lock):
        pass
    with only_one(lock):
        pass


def test_well_is_only_what_says_so_of_every_part() -> None:
    assert is_well({"web": "ok", "worker": "ok"})
    assert not is_well({"web": "ok", "worker": "no sign of life"})
    assert not is_well({})


def test_what_does_not_answer_in_time_is_shown_with_the_end_of_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor((WEB, WORKER, BEAT, SANDBOX), tmp_path, tmp_path, {})
    for part in supervisor.parts:
        supervisor.log(part).write_text(f"{part.name} has lost its way\n")
    errors = StringIO()
    Command(stderr=errors).explain_late(supervisor, {"web": "ok", "worker": "no sign of life", "sandbox": "ok"})
    assert "- worker: no sign of life" in errors.getvalue()
    shown = [part.name for part in supervisor.parts if f"{part.name} has lost its way" in errors.getvalue()]
    assert shown == ["worker", "beat"]


class Recorder(Supervisor):
    """Notes what it is asked to start anew."""

    def __init__(self, folder: Path) -> None:
        super().__init__((WORKER, REGULAR), folder, folder, {})
        self.anew: list[Part] = []

    def restart(self, part: Part) -> None:
        self.anew.append(part)


@pytest.mark.parametrize(
    ("silent", "looks", "anew"),
    [
        ([], 10, []),
        (["celery"], 2, []),  # it may be about to give one
        (["celery"], 3, [WORKER]),
        (["schedule"], 4, [REGULAR]),
        (["celery", "schedule"], 3, [WORKER, REGULAR]),
        (["celery"], 6, [WORKER, WORKER]),
    ],
)
def test_a_worker_that_stays_silent_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: list[str], looks: int, anew: list[Part]
) -> None:
    monkeypatch.setattr(heartbeat, "is_fresh", lambda queue: queue not in silent)
    supervisor, said = Recorder(tmp_path), StringIO()
    times = iter(5.0 * turn for turn in range(-1, looks))
    watchman = SilentWorkers(supervisor, said.write, clock=lambda: next(times))
    assert not any(watchman() for _ in range(looks))
    assert supervisor.anew == anew
    assert said.getvalue().count("takes no work") == len(anew)


def test_a_cache_that_is_down_makes_no_worker_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_queue: str) -> bool:
        raise ConnectionError

    monkeypatch.setattr(heartbeat, "is_fresh", down)
    supervisor = Recorder(tmp_path)
    times = iter(5.0 * turn for turn in range(-1, 10))
    watchman = SilentWorkers(supervisor, print, clock=lambda: next(times))
    assert not any(watchman() for _ in range(10))
    assert supervisor.anew == []


def test_a_taken_port_gives_one_line_and_starts_nothing(tmp_path: Path) -> None:
    port, sandbox_port, _ = free_ports(3)
    with taken(port):
        result = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=PROJECT,
            env=environment(tmp_path, port, sandbox_port),
            capture_output=True,
            text=True,
            timeout=START,
            check=False,
        )
    assert result.returncode == 1
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert f"Port {port} is not free" in line
    assert not (tmp_path / "log").exists()


class Running:
    """One `manage.py up` on a folder of its own, seen from outside."""

    def __init__(self, var: Path) -> None:
        self.port, self.sandbox_port, *_ = free_ports(3 + len(PORTS))
        self.var = var
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=PROJECT,
            env=environment(var, self.port, self.sandbox_port),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def greeting(self) -> str:
        """Wait until it is ready; what it printed until then."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                return "".join(lines)
        raise AssertionError(self.process.communicate()[1])

    def health(self) -> tuple[int, dict[str, str]]:
        caller = HTTPConnection("127.0.0.1", self.port, timeout=30)
        caller.request("GET", "/healthz", headers={"Host": f"localhost:{self.port}"})
        answer = caller.getresponse()
        checks = json.load(answer)["checks"]
        caller.close()
        return answer.status, checks

    def pids(self) -> dict[int, str]:
        """Return the processes that run on our folder, with their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and f"VAR_DIR={self.var}\0".encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        return found

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Stop it; its exit code, and what it said about errors."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=STOP)
        return self.process.returncode, errors


@contextmanager
def running(var: Path) -> Iterator[Running]:
    it = Running(var)
    try:
        yield it
    finally:
        if it.process.poll() is None:
            it.process.send_signal(signal.SIGTERM)
            it.process.communicate(timeout=STOP)


@pytest.mark.stack
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_answers_prints_the_logins_and_leaves_nothing_behind_and_a_second_start_keeps_the_data(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as first:
        greeting = first.greeting()
        assert f"http://localhost:{first.port}" in greeting
        logins = json.loads((tmp_path / "demo-logins.json").read_text())
        assert all(login["email"] in greeting and login["password"] in greeting for login in logins)
        assert first.health() == (
            200,
            {"web": "ok", "database": "ok", "queue": "ok", "worker": "ok", "schedule": "ok", "sandbox": "ok"},
        )
        assert len(first.pids()) >= 6
        assert first.end() == (0, "")
        assert first.pids() == {}
    with running(tmp_path) as second:
        greeting = second.greeting()
        assert all(login["password"] in greeting for login in logins)
        when_the_sandbox_hangs_it_is_named_and_when_it_dies_everything_stops_with_its_code(second)


def when_the_sandbox_hangs_it_is_named_and_when_it_dies_everything_stops_with_its_code(it: Running) -> None:
    """A part of the test above, which has one running already."""
    [sandbox] = [pid for pid, command in it.pids().items() if "manage.py sandbox" in command]
    os.kill(sandbox, signal.SIGSTOP)
    began = time.monotonic()
    status, checks = it.health()
    assert time.monotonic() - began < 30  # bounded, on a busy machine too; the part itself never answers
    os.kill(sandbox, signal.SIGKILL)
    assert status == 503
    assert [name for name, result in checks.items() if result != "ok"] == ["sandbox"]
    code, errors = it.ended()
    assert code == 128 + signal.SIGKILL
    assert errors.startswith("sandbox ended by itself")
    assert "Sandbox ready" in errors
    assert it.pids() == {}
