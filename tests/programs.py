"""The programs that tests are held against: found on this machine, run privately, or skipped by name and
reason.

With CI=true or CI_NO_SKIP=1 nothing may be skipped: a skip, for whatever reason, is a failure there.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
import redis

from onboarding.supervisor import end_with_parent, tail
from tests.ports import free_port

# What tests/conftest.py takes over.
__all__ = [
    "chromium_path",
    "postgres_url",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "redis_url",
]

START_LIMIT = 20.0
"""Seconds that a private server has to answer."""

SEARCHED_FOLDERS = dict.fromkeys(("haproxy", "nginx"), "/usr/sbin:/usr/local/sbin")
"""Where else to look than on PATH, which for ordinary users leaves out the folders of system programs."""


def _newest_postgresql(program: str) -> str | None:
    found = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    newest_first = sorted(found, key=lambda path: float(path.parts[-3]), reverse=True)
    return next(map(str, newest_first), None)


def find(program: str) -> str | None:
    """Return the path of a program, or None."""
    names = ("chromium", "chromium-browser", "google-chrome") if program == "chromium" else (program,)
    for name in names:
        if found := shutil.which(name) or shutil.which(name, path=SEARCHED_FOLDERS.get(name, "")):
            return found
    return _newest_postgresql(program) if program in ("initdb", "postgres") else None


def require(program: str) -> str:
    """Return the path of a program; skip the test, by the program's name, where it is missing."""
    found = find(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def skipping_is_failing() -> bool:
    """Return whether this run must leave nothing out."""
    return os.environ.get("CI_NO_SKIP") == "1" or os.environ.get("CI") == "true"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Honour `@pytest.mark.needs("keytool", …)`."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            require(program)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test into a failure where nothing may be skipped."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole file into a failure where nothing may be skipped."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and skipping_is_failing():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}: nothing may be skipped in this run"


@contextmanager
def private_folder(name: str) -> Iterator[tuple[Path, dict[str, object]]]:
    """Yield an empty folder, and the Popen arguments that make a program run as its owner: never as root."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    user: dict[str, object] = {}
    if os.geteuid() == 0:
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        account = known.get("postgres") or known["nobody"]
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        yield folder, user
    finally:
        shutil.rmtree(folder)


@contextmanager
def _server(
    command: Sequence[str],
    folder: Path,
    user: dict[str, object],
    answers: Callable[[], object],
    errors: type[Exception],
) -> Iterator[None]:
    """Run a server until the block ends; enter the block once `answers()` no longer raises `errors`."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(end_with_parent, os.getpid()),
            **user,  # type: ignore[call-overload]
        )
    try:
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                answers()
                break
            except errors:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{command[0]} did not start:\n" + "\n".join(tail(log)), pytrace=False)
                time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private PostgreSQL: the URL of a database whose user may create others."""
    initdb, postgres = require("initdb"), require("postgres")
    port = free_port()
    with private_folder("postgres") as (folder, user):
        data = folder / "data"
        subprocess.run(
            [initdb, "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            cwd=folder,
            check=True,
            capture_output=True,
            **user,  # type: ignore[call-overload]
        )
        address = [f"--port={port}", "--listen_addresses=127.0.0.1", "--unix_socket_directories="]
        command = [postgres, "-D", str(data), *address, "--fsync=off"]
        url = f"postgresql://app@127.0.0.1:{port}/postgres"
        with _server(command, folder, user, lambda: psycopg.connect(url).close(), psycopg.OperationalError):
            yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A private Redis that keeps nothing."""
    program = require("redis-server")
    port = free_port()
    with private_folder("redis") as (folder, user):
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        url = f"redis://127.0.0.1:{port}/0"

        def answers() -> None:
            with redis.Redis.from_url(url) as client:
                client.ping()

        with _server(command, folder, user, answers, redis.ConnectionError):
            yield url


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the browser is."""
    return require("chromium")
