"""All that a browser sends, and whether a private key is in it."""

import base64
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import BrowserContext, Page, Request, WebSocket

WINDOW = 24
"""Bytes of a secret number that are searched for: a coincidence is out of the question, a fragment is found."""


class Traffic:
    """Records what the pages of one browser context send: addresses, headers, bodies, web sockets."""

    def __init__(self, context: BrowserContext) -> None:
        self.sent: list[bytes] = []
        self.without_body: list[str] = []
        context.on("request", self._on_request)
        context.on("page", self._on_page)
        for page in context.pages:
            self._on_page(page)

    def holds(self, secrets: dict[str, bytes]) -> set[str]:
        """Return the names of the secrets of which a part was sent."""
        haystacks = [form for sent in self.sent for form in (sent, unquote_to_bytes(sent.replace(b"+", b" ")))]
        return {
            name
            for name, secret in secrets.items()
            for needle in _spellings(secret)
            if any(needle in haystack for haystack in haystacks)
        }

    def _on_page(self, page: Page) -> None:
        page.on("websocket", self._on_websocket)

    def _on_websocket(self, socket: WebSocket) -> None:
        self.sent.append(socket.url.encode())
        socket.on("framesent", lambda frame: self.sent.append(frame if isinstance(frame, bytes) else frame.encode()))

    def _on_request(self, request: Request) -> None:
        self.sent += [request.url.encode(), repr(request.headers).encode()]
        body = request.post_data_buffer
        if body is not None:
            self.sent.append(body)
        elif request.method not in ("GET", "HEAD"):
            self.without_body.append(f"{request.method} {request.url}")


def secrets_of(key: RSAPrivateKey, file: bytes, passphrase: str) -> dict[str, bytes]:
    """Return what must not be sent, by name: the key's secret numbers, its encodings, its file, its passphrase."""
    numbers = key.private_numbers()
    secret = {name: getattr(numbers, name) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}
    return {name: value.to_bytes((value.bit_length() + 7) // 8) for name, value in secret.items()} | {
        "PKCS#8": key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "encrypted file": base64.b64decode(b"".join(file.splitlines()[1:-1])),
        "passphrase": passphrase.encode(),
    }


def _spellings(secret: bytes) -> Iterator[bytes]:
    """Yield a part of a secret as it could stand in what is sent: raw, hexadecimal, base64 at each alignment."""
    middle = max(0, len(secret) // 2 - WINDOW)
    part = secret[middle : middle + WINDOW]
    yield part
    yield part.hex().encode()
    yield part.hex().upper().encode()
    for shift in range(3):
        whole = part[shift : shift + (len(part) - shift) // 3 * 3]
        yield base64.b64encode(whole)
        yield base64.urlsafe_b64encode(whole)
