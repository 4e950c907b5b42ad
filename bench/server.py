"""A fleet API in a process of its own that asks for client certificates and always gives the same answer."""

import contextlib
import json
import selectors
import socket
import ssl
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

FLEETS = {
    "_links": {"self": {"href": "https://localhost/connectedcar/v3/fleets"}},
    "total": 1,
    "totalPage": 1,
    "currentPage": 1,
    "_embedded": {"fleets": [{"id": "5f0c", "name": "North depot", "createdAt": "2024-05-02T08:00:00Z"}]},
}

BODY = json.dumps(FLEETS).encode()


@contextlib.contextmanager
def serve(server_file: Path, ca_file: Path, pause: float = 0.0) -> Iterator[int]:
    """Start the server and yield its port; it ends with the block. pause: seconds before each answer."""
    command = [sys.executable, "-m", "bench.server", server_file, ca_file, str(pause)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def main(server_file: str, ca_file: str, pause: str) -> None:
    """Answer for ever, in one thread: what is measured shares the processor with it, so it does as little as it can."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    context.load_verify_locations(ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    due: deque[tuple[float, ssl.SSLSocket]] = deque()
    while True:
        wait = max(0.0, due[0][0] - time.monotonic()) if due else None
        for key, _ in selector.select(wait):
            if key.fileobj is listener:
                with contextlib.suppress(OSError):
                    tcp, _ = listener.accept()
                    tcp.setblocking(False)
                    tls = context.wrap_socket(tcp, server_side=True, do_handshake_on_connect=False)
                    selector.register(tls, selectors.EVENT_READ)
            elif (has_asked := _listen(key.fileobj)) is not None:
                selector.unregister(key.fileobj)
                if has_asked:
                    due.append((time.monotonic() + float(pause), key.fileobj))
                else:
                    key.fileobj.close()
        while due and due[0][0] <= time.monotonic():
            _answer(due.popleft()[1])


def _listen(tls: Any) -> bool | None:
    """Go on with a conversation, and return whether there is a request; None: not yet. They fit into one record."""
    try:
        tls.do_handshake()
        return b"\r\n\r\n" in tls.recv(65536)
    except ssl.SSLWantReadError:
        return None
    except OSError:
        return False


def _answer(tls: ssl.SSLSocket) -> None:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\nContent-Length: {len(BODY)}\r\n"
        f"Date: {formatdate(usegmt=True)}\r\nX-RateLimit-Limit-1: 50000\r\nX-RateLimit-Remaining-1: 49999\r\n"
        "Connection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError), tls:
        tls.sendall(head.encode() + BODY)


if __name__ == "__main__":
    main(*sys.argv[1:])
