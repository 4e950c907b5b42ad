"""Servers on loopback, each wrong in its own way, to hold the client and the diagnosis against."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

Talk = Callable[[socket.socket], None]
Body = bytes | Mapping[str, object]


@dataclass
class Server:
    """A running server: where it is, and the head of each request that it read."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@contextlib.contextmanager
def serving(talk: Callable[[Server, socket.socket], None]) -> Iterator[Server]:
    """Run `talk` for each connection, in a thread of its own, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            talk(server, connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            server.connections += 1
            threads.append(threading.Thread(target=converse, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join()


def over_tls(context: ssl.SSLContext, talk: Callable[[Server, ssl.SSLSocket], None]) -> Callable[..., None]:
    """Shake hands, then talk."""

    def shake_hands(server: Server, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            talk(server, tls)

    return shake_hands


def replying(raw: bytes, after: Talk | None = None) -> Callable[[Server, socket.socket], None]:
    """Read one request, send these bytes, then do what `after` says."""

    def talk(server: Server, connection: socket.socket) -> None:
        server.requests.append(read_request(connection))
        connection.sendall(raw)
        if after:
            after(connection)

    return talk


def answering(status: int, body: Body, **headers: str) -> Callable[[Server, socket.socket], None]:
    """Read one request and answer it. A body that is not bytes is sent as JSON."""
    return replying(http(status, body, **headers))


def http(status: int, body: Body, **headers: str) -> bytes:
    """Return an HTTP answer as bytes. Header names with underscores for hyphens."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Because"]
    named = {"Content_Type": "application/json", "Content_Length": str(len(content)), "Connection": "close"}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in {**named, **headers}.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def read_request(connection: socket.socket) -> bytes:
    """Read a request: its head, and the body that its Content-Length announces."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


def read_client_hello(connection: socket.socket) -> None:
    """Wait until the client has begun to speak."""
    connection.recv(65536)


def wait_for_end(connection: socket.socket) -> None:
    """Say nothing until the client gives up."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def drip(connection: socket.socket, seconds: float = 10.0) -> None:
    """Send one byte every 50 ms."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.sendall(b"x")
        time.sleep(0.05)
