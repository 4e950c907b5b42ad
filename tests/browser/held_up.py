"""Holding a part of the product up, as a slow fleet API or a busy worker would, for a look at what is under way."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.walkthrough.instance import Instance

COMMANDS = {"sandbox": b"manage.py\0sandbox\0", "worker": b"celery\0-A\0onboarding\0worker\0"}
"""What the command of each part contains."""


@contextmanager
def held_up(running: Instance, part: str = "sandbox") -> Iterator[None]:
    """Stop a part of the instance for as long as the block lasts; connections and orders wait meanwhile."""
    processes = _processes_of(running, part)
    _tell(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _tell(processes, signal.SIGCONT)


def _tell(processes: list[int], what: signal.Signals) -> None:
    for process in processes:
        os.kill(process, what)


def _processes_of(running: Instance, part: str) -> list[int]:
    """Return the ids of a part's processes: known by its command, and by the instance's folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        if COMMANDS[part] in command and f"VAR_DIR={running.var}\0".encode() in environment:
            found.append(int(folder.name))
    if not found:
        raise LookupError(f"the instance has no {part}")
    return found
