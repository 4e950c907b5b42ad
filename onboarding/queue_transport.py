"""The embedded queue: Celery messages as files in one folder, for an installation without a broker.

kombu's own `filesystem` transport writes a message in place, so that a consumer can read half of it, and
takes one by moving it into the system's temporary folder, which need not be on the same disk. Here a message
appears whole, and is taken by exactly one consumer: both are a rename within one file system. A message that
was taken is gone; what a killed worker held comes back through the sweeps, never through the queue.

Each queue is a folder of its own, and is listed once for BATCH messages: so a long queue neither delays another nor
costs more the longer it is.

There is no fanout, so worker events and remote control must be off. Bindings are kept by each connection: who
sends to a queue declares it first, as Celery and kombu do.
"""

import heapq
import os
import time
import uuid
from collections import deque
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

ALIAS = "atomic-filesystem"
"""The URL scheme: `atomic-filesystem://localhost`, with the transport option `queue_folder`."""

MAX_WAIT = 0.25
"""Seconds."""
BATCH = 100


def register() -> None:
    """Make `atomic-filesystem://` known to kombu."""
    TRANSPORT_ALIASES[ALIAS] = f"{__name__}:Transport"


class Channel(virtual.Channel):
    """A channel whose messages are put and taken by renaming."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        folder = Path(self.connection.client.transport_options["queue_folder"])
        self.messages = _folder(folder / "messages")
        self.drafts = _folder(folder / "drafts")
        self.taken = _folder(folder / "taken")

        self._queues: dict[str, Path] = {}
        self._ahead: dict[str, deque[str]] = {}

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        # Twenty digits hold any time in nanoseconds, so that the names sort by age.
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}"
        draft = self.drafts / name
        draft.write_text(dumps(message), "utf-8")
        draft.rename(self._queue(queue) / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        ahead = self._ahead.setdefault(queue, deque())
        if not ahead:
            ahead.extend(heapq.nsmallest(BATCH, os.listdir(self._queue(queue))))
        while ahead:
            name = ahead.popleft()
            mine = self.taken / name
            try:
                (self._queue(queue) / name).rename(mine)
            except FileNotFoundError:  # another consumer was quicker
                continue
            text = mine.read_text("utf-8")
            mine.unlink()
            return loads(text)
        raise Empty

    def _size(self, queue: str) -> int:
        return len(os.listdir(self._queue(queue)))

    def _purge(self, queue: str) -> int:
        names = os.listdir(self._queue(queue))
        for name in names:
            (self._queue(queue) / name).unlink(missing_ok=True)
        return len(names)

    def _queue(self, queue: str) -> Path:
        """Return the folder of a queue's messages; the oldest has the name that sorts first."""
        if queue not in self._queues:
            self._queues[queue] = _folder(self.messages / queue)
        return self._queues[queue]


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(f"{path} is not writable")
    return path


class Transport(virtual.Transport):
    """`atomic-filesystem://`. Transport option: `queue_folder`, a path; made where it is missing."""

    Channel = Channel
    driver_type = driver_name = ALIAS

    def driver_version(self) -> str:
        """Return nothing of interest; kombu asks."""
        return "1"

    def drain_events(self, connection: Any, timeout: Any = None, **kwargs: Any) -> Any:
        """Wait for a message for `timeout` seconds, but never longer than MAX_WAIT. Raises TimeoutError.

        A worker looks for a request to stop only between two waits, and asks for 2 s each.
        """
        return super().drain_events(connection, timeout=min(timeout or MAX_WAIT, MAX_WAIT), **kwargs)
