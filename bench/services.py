"""A private PostgreSQL and a private Redis that can be stopped and started again, each in a folder of its own."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import redis

from onboarding.supervisor import end_with_parent
from tests.ports import free_port
from tests.programs import find, private_folder

START_LIMIT = 30.0
"""Seconds."""
PROGRAMS = ("initdb", "postgres", "redis-server")


def missing() -> list[str]:
    """Return the names of the programs that are not on this machine."""
    return [name for name in PROGRAMS if find(name) is None]


class Service(ABC):
    """One server."""

    url = ""

    def __init__(self, command: Sequence[str], folder: Path, user: dict[str, object]) -> None:
        self._command, self._folder, self._user = command, folder, user
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def answers(self) -> None:
        """Ask it something. Raises psycopg.OperationalError or redis.ConnectionError while it does not answer."""

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError if it does not."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(end_with_parent, os.getpid()),
                **self._user,
            )
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                return self.answers()
            except (psycopg.OperationalError, redis.ConnectionError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self._folder / "log").read_text(errors="replace")[-2000:]) from None
                time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it by a signal, and wait for it. PostgreSQL throws everybody out at SIGINT."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None


class PostgreSQL(Service):
    """A database server; it answers at `url`, with one database."""

    def __init__(self, folder: Path, user: dict[str, object]) -> None:
        port, data = free_port(), folder / "data"
        self.url = f"postgresql://app@127.0.0.1:{port}/postgres"
        subprocess.run(
            [_path("initdb"), "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            cwd=folder, check=True, capture_output=True, **user,
        )  # fmt: skip
        address = [f"--port={port}", "--listen_addresses=127.0.0.1", "--unix_socket_directories="]
        super().__init__([_path("postgres"), "-D", str(data), *address, "--fsync=off"], folder, user)

    def answers(self) -> None:
        psycopg.connect(self.url).close()


class Redis(Service):
    """A broker that keeps nothing when it ends."""

    def __init__(self, folder: Path, user: dict[str, object]) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        command = [
            _path("redis-server"),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        super().__init__(command, folder, user)

    def answers(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.ping()

    def flush(self) -> None:
        """Throw away everything that waits in it."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


@contextmanager
def running(kind: type[Service], name: str) -> Iterator[Service]:
    """Run one until the block ends."""
    with private_folder(name) as (folder, user):
        service = kind(folder, user)  # type: ignore[call-arg]
        service.start()
        try:
            yield service
        finally:
            service.stop()


def _path(program: str) -> str:
    found = find(program)
    if found is None:
        raise RuntimeError(f"{program} is not installed")
    return found
