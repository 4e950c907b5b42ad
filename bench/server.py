"""A fleet API in a process of its own that asks for client certificates and always gives the same answer."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

FLEETS = {
    "_links": {"self": {"href": "https://localhost/connectedcar/v3/fleets"}},
    "total": 1,
    "totalPage": 1,
    "currentPage": 1,
    "_embedded": {"fleets": [{"id": "5f0c", "name": "North depot", "createdAt": "2024-05-02T08:00:00Z"}]},
}


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
    """Answer for ever, each connection in a thread of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    context.load_verify_locations(ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_converse, args=(context, connection, float(pause)), daemon=True).start()


def _converse(context: ssl.SSLContext, connection: socket.socket, pause: float) -> None:
    with contextlib.suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as tls:
        request = b""
        while b"\r\n\r\n" not in request:
            more = tls.recv(65536)
            if not more:
                return
            request += more
        time.sleep(pause)
        body = json.dumps(FLEETS).encode()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\nContent-Length: {len(body)}\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nX-RateLimit-Limit-1: 50000\r\nX-RateLimit-Remaining-1: 49999\r\n"
            "Connection: close\r\n\r\n"
        )
        tls.sendall(head.encode() + body)


if __name__ == "__main__":
    main(*sys.argv[1:])
