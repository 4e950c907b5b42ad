"""Ports of the loopback interface for servers that tests start.

They come from below the range that the system gives to outgoing connections, and each test process has a slice of its
own: so nothing that runs beside a test takes a port between the moment it is found free and the server's start.
"""

import os
import socket
import zlib
from contextlib import suppress
from itertools import count as counting

_FIRST, _LAST = 20_000, 32_000
_SLICE = 600
_WORKER = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or "0")
_SESSION = zlib.crc32(os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())).encode())
"""Another session on this machine most likely has other slices."""
_next = counting(os.getpid() * 7)


def free_ports(count: int) -> list[int]:
    """Return `count` consecutive ports that nobody listens on, none of which this process was given before."""
    start = _FIRST + (_SESSION + _WORKER) * _SLICE % (_LAST - _FIRST)
    while True:
        ports = [start + next(_next) % _SLICE for _ in range(count)]
        if ports == list(range(ports[0], ports[0] + count)) and all(map(_is_free, ports)):
            return ports


def free_port() -> int:
    """Return one such port."""
    return free_ports(1)[0]


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        probe.listen()
        return True
    return False
