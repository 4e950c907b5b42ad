"""Celery's programs, each started as a group of its own, on a set-up that the environment describes."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from onboarding.supervisor import end_with_parent, tail

ROOT = Path(__file__).resolve().parents[1]
CELERY = (sys.executable, "-m", "celery", "-A", "onboarding")
# Loud: it says when it is ready. The rest is as `make up` runs it.
OPTIONS = ("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat")


def embedded(var: Path, port: int) -> dict[str, str]:
    """Return the variables of a private portal on SQLite and the folder; its sandbox is whatever listens on `port`."""
    return {
        "DJANGO_SETTINGS_MODULE": "bench.hurried_settings",
        "VAR_DIR": str(var),
        "DEMO": "0",
        "SANDBOX": "1",
        "SANDBOX_API_URL": f"https://localhost:{port}",
        "VALIDATION_DEADLINE": os.environ.get("VALIDATION_DEADLINE", "15"),
        "REVALIDATE_HOURS": "0",
        "EMAIL_URL": "",
        "DATABASE_URL": f"sqlite:///{var / 'db.sqlite3'}",
        "REDIS_URL": "",
    }


class Process:
    """A worker, or beat: one process group, started anew each time it is gone."""

    def __init__(self, name: str, command: tuple[str, ...], logs: Path) -> None:
        self.name, self.command, self.logs = name, command, logs
        self.starts, self.ended_by_itself = 0, 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the latest start printed."""
        return self.logs / f"{self.name}.{self.starts}.log"

    @property
    def is_up(self) -> bool:
        """Whether it takes work."""
        return self.process is not None and self.process.poll() is None and b" ready" in self.log.read_bytes()

    def start(self) -> None:
        """Start it, as the leader of a group of its own."""
        self.starts += 1
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(end_with_parent, os.getpid()),
            )

    def keep_up(self) -> None:
        """Start it again if it ended by itself."""
        if self.process is None or self.process.poll() is not None:
            if self.process is not None:
                self.ended_by_itself += 1
                print(
                    f"  {self.name} ended by itself (code {self.process.returncode}):", *tail(self.log, 3), sep="\n    "
                )
            self.start()

    def kill(self) -> None:
        """SIGKILL to the whole group, the pool included."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def worker(name: str, logs: Path, *, queues: str, concurrency: int) -> Process:
    """Return a worker. queues: by name, joined by commas."""
    options = ("-Q", queues, "-n", f"{name}@%h", "--concurrency", str(concurrency), *OPTIONS)
    return Process(name, (*CELERY, "worker", *options), logs)


def beat(logs: Path) -> Process:
    """Return the clock."""
    return Process("beat", (*CELERY, "beat"), logs)
