"""Conversations that go wrong below HTTP: what a listener does with a connection of a client.

TLS is shaken by OpenSSL, its records carried to and fro by us, so that a conversation can end at any byte.
"""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial

from onboarding.sandbox.faults.alerts import Alert, plain, sealed
from onboarding.sandbox.server import HOLD_SECONDS, reset
from onboarding.sandbox.tls import Contexts

_READ_BYTES = 65_536
_CLOSE_SECONDS = 2.0
_TYPE_CHANGE_CIPHER_SPEC = 20
_TYPE_ALERT = 21
_TLS12, _TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Gone(Exception):
    """The client has hung up."""


class Wire:
    """One connection of a client. contexts: for a server that is as it should be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, contexts: Contexts) -> None:
        self._contexts = contexts
        self._reader = reader
        self._writer = writer

    def context(self, version: ssl.TLSVersion) -> ssl.SSLContext:
        """Return the context of a server of one version. It sends no session tickets: what it says next comes first."""
        context = self._contexts.further()
        context.minimum_version = context.maximum_version = version
        context.num_tickets = 0
        return context

    async def read(self) -> bytes:
        """Return what comes next. Raises Gone."""
        data = await self._reader.read(_READ_BYTES)
        if not data:
            raise Gone
        return data

    async def write(self, data: bytes) -> None:
        """Send."""
        self._writer.write(data)
        await self._writer.drain()

    async def hold(self) -> None:
        """Say nothing, whatever comes, until the client hangs up or HOLD_SECONDS have passed."""
        await self._ignore(HOLD_SECONDS)

    async def close(self) -> None:
        """Hang up, with FIN. What still comes is read, since the system would answer it with RST."""
        self._writer.write_eof()
        await self._ignore(_CLOSE_SECONDS)

    def reset(self) -> None:
        """Hang up, with RST."""
        reset(self._writer.transport)

    async def begin(self, context: ssl.SSLContext) -> "Handshake":
        """Take the client's first words, and return a handshake whose answer has not been sent."""
        handshake = Handshake(context)
        while not handshake.advance():
            handshake.receive(await self.read())
        return handshake

    async def shake_hands(self, context: ssl.SSLContext) -> "Handshake":
        """Finish a handshake. Raises Gone; a client that is refused is told why, and hangs up (TellingSSLObject)."""
        handshake = await self.begin(context)
        while not handshake.is_done:
            await self.write(handshake.take())
            handshake.receive(await self.read())
            handshake.advance()
        await self.write(handshake.take())
        return handshake

    async def see_certificate(self) -> None:
        """Under TLS 1.2: shake hands as far as the client's own flight, in which its certificate comes. Raises Gone."""
        await self.write((await self.begin(self.context(_TLS12))).take())
        received = b""
        while _TYPE_CHANGE_CIPHER_SPEC not in (types := set(_record_types(received))):
            if _TYPE_ALERT in types:
                raise Gone
            received += await self.read()

    async def _ignore(self, seconds: float) -> None:
        with suppress(Gone, OSError, TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self.read()


class Handshake:
    """A server's handshake in memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.is_done = False

    def receive(self, data: bytes) -> None:
        """Take what the client sent."""
        self._incoming.write(data)

    def advance(self) -> bool:
        """Go on as far as possible; tell whether there is something to send. Raises ssl.SSLError."""
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            self.is_done = True
        return self._outgoing.pending > 0

    def take(self) -> bytes:
        """Return what is to be sent, once."""
        return self._outgoing.read()


async def silence(wire: Wire) -> None:
    """Take the connection, and say nothing."""
    await wire.hold()


async def half_a_flight(wire: Wire) -> None:
    """Begin to answer the client's first words, and fall silent."""
    flight = (await wire.begin(wire.context(_TLS13))).take()
    await wire.write(flight[: len(flight) // 2])
    await wire.hold()


async def silence_at_offer(wire: Wire) -> None:
    """Ask for the certificate, and fall silent when it comes."""
    await wire.see_certificate()
    await wire.hold()


async def reset_at_hello(wire: Wire) -> None:
    """Reset on the client's first words."""
    await wire.read()
    wire.reset()


async def close_at_hello(wire: Wire) -> None:
    """Hang up on the client's first words."""
    await wire.read()
    await wire.close()


async def say(words: bytes, wire: Wire) -> None:
    """Answer the client's first words with these."""
    await wire.read()
    await wire.write(words)
    await wire.close()


async def refuse_tls12(alert: Alert, wire: Wire) -> None:
    """Refuse the client's certificate in the handshake."""
    await wire.see_certificate()
    await wire.write(plain(alert))
    await wire.close()


async def refuse_tls13(alert: Alert, wire: Wire) -> None:
    """Refuse the client's certificate once the handshake is over, as servers do then."""
    context = wire.context(_TLS13)
    with _session_secrets(context) as secret:
        suite, _version, _bits = (await wire.shake_hands(context)).tls.cipher() or ("", "", 0)
        record = sealed(alert, secret("SERVER_TRAFFIC_SECRET_0"), suite)
    await wire.write(record)
    await wire.close()


async def close_at_offer(wire: Wire) -> None:
    """Hang up on seeing the client's certificate."""
    await wire.see_certificate()
    await wire.close()


async def reset_at_offer(wire: Wire) -> None:
    """Reset on seeing the client's certificate."""
    await wire.see_certificate()
    wire.reset()


async def close_after(version: ssl.TLSVersion, wire: Wire) -> None:
    """Hang up after the handshake."""
    await wire.shake_hands(wire.context(version))
    await wire.close()


async def notify_after(version: ssl.TLSVersion, wire: Wire) -> None:
    """End TLS properly after the handshake, and hang up."""
    handshake = await wire.shake_hands(wire.context(version))
    with suppress(ssl.SSLWantReadError):
        handshake.tls.unwrap()
    await wire.write(handshake.take())
    await wire.close()


async def reset_after(version: ssl.TLSVersion, wire: Wire) -> None:
    """Reset after the handshake."""
    await wire.shake_hands(wire.context(version))
    wire.reset()


async def answer_as_proxy(answer: bytes, wire: Wire) -> None:
    """Answer a CONNECT."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _READ_BYTES:
        head += await wire.read()
    await wire.write(answer)
    await wire.close()


Talk = Callable[[Wire], Awaitable[None]]

_REFUSALS: Mapping[str, Alert] = {
    "client_certificate_not_sent": Alert.CERTIFICATE_REQUIRED,
    "client_ca_unknown": Alert.UNKNOWN_CA,
    "client_certificate_expired": Alert.CERTIFICATE_EXPIRED,
    "client_certificate_bad": Alert.BAD_CERTIFICATE,
    "client_certificate_revoked": Alert.CERTIFICATE_REVOKED,
    "client_certificate_unsupported": Alert.UNSUPPORTED_CERTIFICATE,
    "client_certificate_unknown": Alert.CERTIFICATE_UNKNOWN,
    "client_access_denied": Alert.ACCESS_DENIED,
    "client_signature_refused": Alert.DECRYPT_ERROR,
    "client_handshake_failure": Alert.HANDSHAKE_FAILURE,
    "client_handshake_broken": Alert.INTERNAL_ERROR,
}


def _proxy(status: str, *headers: str) -> Talk:
    lines = (f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "Connection: close")
    return partial(answer_as_proxy, ("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))


TALKS: Mapping[str, Talk] = {
    "handshake_timeout": silence,
    "handshake_timeout_halfway": half_a_flight,
    "handshake_timeout_at_offer": silence_at_offer,
    "reset_in_handshake": reset_at_hello,
    "closed_in_handshake": close_at_hello,
    "not_tls": partial(say, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    "not_tls_ssh": partial(say, b"SSH-2.0-OpenSSH_9.2\r\n"),
    "server_name_refused": partial(say, plain(Alert.UNRECOGNIZED_NAME)),
    "handshake_denied": partial(say, plain(Alert.ACCESS_DENIED)),
    "handshake_broken": partial(say, plain(Alert.INTERNAL_ERROR)),
    "unknown": partial(say, plain(Alert.NOBODYS)),
    **{code: partial(refuse_tls13, alert) for code, alert in _REFUSALS.items()},
    **{f"{code}_tls12": partial(refuse_tls12, alert) for code, alert in _REFUSALS.items()},
    "closed_without_reason": partial(close_after, _TLS13),
    "closed_without_reason_notify": partial(notify_after, _TLS13),
    "closed_without_reason_tls12": partial(close_after, _TLS12),
    "reset_without_reason": partial(reset_after, _TLS13),
    "reset_without_reason_tls12": partial(reset_after, _TLS12),
    "closed_at_offer": close_at_offer,
    "closed_at_offer_reset": reset_at_offer,
    "proxy_silent": silence,
    "proxy_hung_up": close_at_hello,
    "proxy_not_http": partial(say, b"SSH-2.0-OpenSSH_9.2\r\n"),
    "proxy_wants_login": _proxy("407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="sandbox"'),
    "proxy_forbids": _proxy("403 Forbidden"),
    "proxy_cannot_reach": _proxy("502 Bad Gateway"),
    "proxy_refused": _proxy("405 Method Not Allowed", "Allow: GET"),
}
"""What each failure's listener says, by the failure's name."""


@contextmanager
def _session_secrets(context: ssl.SSLContext) -> Iterator[Callable[[str], bytes]]:
    """Let the secrets of the context's one connection be asked for, by the labels of the NSS key log format."""
    descriptor = os.memfd_create("session-secrets", os.MFD_CLOEXEC)
    try:
        context.keylog_filename = f"/proc/self/fd/{descriptor}"

        def secret(label: str) -> bytes:
            lines = [line.split(" ") for line in os.pread(descriptor, _READ_BYTES, 0).decode("ascii").splitlines()]
            return next(bytes.fromhex(line[-1]) for line in lines if line[0] == label)

        yield secret
    finally:
        os.close(descriptor)


def _record_types(data: bytes) -> Iterator[int]:
    """Yield the content types of the whole records that `data` begins with (RFC 5246, section 6.2.1)."""
    while len(data) >= 5 and len(data) >= (end := 5 + int.from_bytes(data[3:5])):
        yield data[0]
        data = data[end:]
