"""A server that ends the handshake with any alert we like: as plain bytes under TLS 1.2, sealed under TLS 1.3.

Python's `ssl` cannot send an alert of one's choice. Under TLS 1.3 it is sealed with the server's own key, which it
writes down for debuggers (RFC 8446, sections 5.2 and 7.3).
"""

import hashlib
import hmac
import socket
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.fleet.servers import Server, wait_for_end

_FATAL, _ALERT, _APPLICATION_DATA = 2, 21, 23


def alerting(context: ssl.SSLContext, alert: int) -> Callable[[Server, socket.socket], None]:
    """Refuse by this alert once the client has shown its certificate. The context must ask for one."""

    def talk(_: Server, connection: socket.socket) -> None:
        with tempfile.TemporaryDirectory() as folder:
            keys = Path(folder) / "keys"
            context.num_tickets = 0  # so that the alert is the first record under the key of application data
            context.keylog_filename = str(keys)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            server = context.wrap_bio(incoming, outgoing, server_side=True)
            if context.maximum_version == ssl.TLSVersion.TLSv1_2:
                _exchange(connection, server, incoming, outgoing)  # up to ServerHelloDone; then the client's flight
                connection.recv(65536)
                connection.sendall(bytes((_ALERT, 3, 3, 0, 2, _FATAL, alert)))
            else:
                while not _exchange(connection, server, incoming, outgoing):
                    incoming.write(connection.recv(65536))
                connection.sendall(_sealed(_traffic_secret(keys), bytes((_FATAL, alert, _ALERT))))
            context.keylog_filename = None  # type: ignore[assignment]
            wait_for_end(connection)

    return talk


def _exchange(
    connection: socket.socket, server: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
) -> bool:
    """Go as far in the handshake as what has come allows; return whether it is over."""
    if not incoming.pending:
        incoming.write(connection.recv(65536))
    try:
        server.do_handshake()
    except ssl.SSLWantReadError:
        return False
    finally:
        connection.sendall(outgoing.read())
    return True


def _traffic_secret(keys: Path) -> bytes:
    lines = [line.split() for line in keys.read_text().splitlines()]
    return bytes.fromhex(next(line[2] for line in lines if line[0] == "SERVER_TRAFFIC_SECRET_0"))


def _sealed(secret: bytes, content: bytes) -> bytes:
    """Return a record under TLS_AES_256_GCM_SHA384, OpenSSL's first choice, with sequence number 0."""
    head = bytes((_APPLICATION_DATA, 3, 3)) + (len(content) + 16).to_bytes(2, "big")
    return head + AESGCM(_expand(secret, b"key", 32)).encrypt(_expand(secret, b"iv", 12), content, head)


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(full),)) + full + b"\x00"
    return hmac.new(secret, info + b"\x01", hashlib.sha384).digest()[:length]
