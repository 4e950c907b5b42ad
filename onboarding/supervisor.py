"""Runs the parts of the product as children of one process: all of them, or none.

Each part leads a session of its own, so that Ctrl-C in the terminal reaches only the supervisor, which then
asks the leaders alone to stop (a Celery worker must be able to finish with its pool), waits, and ends
whatever is left of their groups. The end of one part ends all. Should the supervisor itself be killed, Linux
asks its children to stop.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

GRACE = 10.0
"""Seconds that a part has to stop by itself."""
POLL = 0.1
"""Seconds between two looks at the parts."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Part:
    """One program to run.

    name: also that of its log file. outlives_others: the others use it, so it is stopped after them.
    """

    name: str
    command: tuple[str, ...]
    outlives_others: bool = False


@dataclass(frozen=True, slots=True)
class Death:
    """A part that ended by itself. code: its exit code, or 128 + the signal that killed it."""

    part: Part
    code: int


def end_with_parent(parent: int) -> None:
    """Ask Linux to send this process SIGTERM when the thread that started it ends. To be run between fork and
    exec.

    parent: the process id of who starts it.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)


def tail(path: Path, lines: int = 15, size: int = 16_384) -> list[str]:
    """Return the last `lines` lines of a text file; none if it is missing. size: bytes read at most."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


class Supervisor:
    """Starts parts, watches them, stops them. Use `with supervisor.stopping():` around everything it does."""

    def __init__(
        self,
        parts: Sequence[Part],
        log_folder: Path,
        working_folder: Path,
        environment: Mapping[str, str],
        grace: float = GRACE,
    ) -> None:
        """log_folder: each part writes NAME.log there, anew at each start. grace: seconds."""
        self.parts = tuple(parts)
        self.log_folder = log_folder
        self.working_folder = working_folder
        self.environment = dict(environment)
        self.grace = grace
        self._signals = 0
        self._running: dict[Part, subprocess.Popen[bytes]] = {}

    @property
    def running(self) -> Sequence["subprocess.Popen[bytes]"]:
        """The leaders of what was started and not stopped yet, in order of start."""
        return tuple(self._running.values())

    def log(self, part: Part) -> Path:
        """Return the file that holds what `part` printed."""
        return self.log_folder / f"{part.name}.log"

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGHUP as a wish to stop; on leaving, stop every part and wait until none
        is left.
        """
        before = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    @property
    def asked_to_stop(self) -> bool:
        """Whether a signal has asked for the end."""
        return self._signals > 0

    def start(self) -> None:
        """Start every part, in order."""
        self.log_folder.mkdir(parents=True, exist_ok=True)
        for part in self.parts:
            self.log(part).write_bytes(b"")
            self._start(part)

    def restart(self, part: Part) -> None:
        """Stop one part, as `stop` does, and start it again; its log goes on."""
        self._stop_wave([self._running[part]])
        self._start(part)

    def _start(self, part: Part) -> None:
        with self.log(part).open("ab") as log:
            self._running[part] = subprocess.Popen(  # noqa: S603 — our own programs
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.working_folder,
                env=self.environment,
                start_new_session=True,
                preexec_fn=partial(end_with_parent, os.getpid()),
            )

    def watch(self, until: Callable[[], bool] = lambda: False) -> Death | None:
        """Return the first part that ends; None once a stop is asked for, or `until` says so."""
        while not self.asked_to_stop:
            for part, process in self._running.items():
                if (code := _exit_code(process)) is not None:
                    return Death(part, code)
            if until():
                return None
            time.sleep(POLL)
        return None

    def stop(self) -> None:
        """Stop what runs: SIGTERM to the leaders, then, after the grace, SIGKILL to what is left of their
        groups.

        A further signal while it waits ends the grace.
        """
        for outlives in (False, True):
            wave = [process for part, process in self._running.items() if part.outlives_others is outlives]
            self._stop_wave(wave)
        self._running.clear()

    def _stop_wave(self, wave: Sequence["subprocess.Popen[bytes]"]) -> None:
        def left() -> list["subprocess.Popen[bytes]"]:
            return [process for process in wave if _exit_code(process) is None]

        for process in left():
            os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        patience = self._signals
        while left() and time.monotonic() < deadline and self._signals == patience:
            time.sleep(POLL)
        for process in wave:
            # Also where the leader has ended well: it may have left children behind. The number of its group
            # cannot have been given to somebody else, because the leader is waited for only after this.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _exit_code(process: "subprocess.Popen[bytes]") -> int | None:
    """Return the code that the process ended with, 128 + the signal if one killed it; None while it runs.

    Leaves the process to be waited for.
    """
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status
