"""Holding the sandbox up, as a slow fleet API would, for a look at a validation that is under way."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.walkthrough.instance import Instance


@contextmanager
def held_up(running: Instance) -> Iterator[None]:
    """Stop the instance's sandbox from answering for as long as the block lasts; connections wait meanwhile."""
    process = _sandbox_of(running)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def _sandbox_of(running: Instance) -> int:
    """Return the process id of the instance's sandbox: known by its command, and by the instance's folder."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        if command.endswith(b"manage.py\0sandbox\0") and f"VAR_DIR={running.var}\0".encode() in environment:
            return int(folder.name)
    raise LookupError("the instance has no sandbox")
