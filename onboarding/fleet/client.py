"""One HTTPS call with our own trust, our own client certificate, a deadline and a cap: `requests`, kept on a
short lead.

Differences from a plain `requests.get`, each measured:
1. only the given CA is trusted (`cert_verify` would add the public roots), and only names in the SAN count;
2. nothing is taken from the environment (no .netrc login, no proxy), no redirect is followed, nothing is
   retried;
3. under TLS 1.3 a refused client certificate shows at the first read, and is lost if we write first: so we
   listen first;
4. the deadline holds for the whole call, however slowly a server drips, and the body is read up to a cap.
"""

import contextlib
import os
import select
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography import x509
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from onboarding.fleet.trace import Deadline, Stage, Trace
from onboarding.pki import names

MAX_BODY_BYTES = 1024 * 1024
_CHUNK_BYTES = 16 * 1024
# How long a refusal is waited for under TLS 1.3: at least this, and at least this many times the time to
# connect.
_REFUSAL_WAIT_SECONDS = 0.25
_REFUSAL_WAIT_FACTOR = 3

# RFC 8446, sections 4 and 5.1; the same numbers in RFC 5246.
_CONTENT_ALERT = 21
_CONTENT_HANDSHAKE = 22
_HANDSHAKE_CERTIFICATE_REQUEST = 13


class AnswerTooLarge(Exception):
    """The answer's body is longer than the cap. What came until then has been thrown away."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. basic: user and password, sent as UTF-8 (RFC 7617); form: makes it a POST."""

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class _Bounded:
    """Cuts every single read of a socket to what is left of the deadline."""

    deadline: Deadline | None = None
    early: bytes = b""

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        if self.early:
            buffer[: len(self.early)] = self.early
            size, self.early = len(self.early), b""
            return size
        if self.deadline is not None:
            self.settimeout(self.deadline.remaining())  # type: ignore[attr-defined]
        return super().recv_into(buffer, nbytes or len(buffer), flags)  # type: ignore[misc,no-any-return]


class _TcpSocket(_Bounded, socket.socket):
    pass


class _TlsSocket(_Bounded, ssl.SSLSocket):
    pass


class _Connection(HTTPSConnection):
    """Connects stage by stage, noting each in the trace, and waits for a refusal before anything is
    written.
    """

    def __init__(self, *args: Any, trace: Trace, deadline: Deadline, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._trace = trace
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        trace, host, port = self._trace, self._dns_host, self.port or self.default_port
        through_proxy = self._tunnel_host is not None
        trace.port = self._tunnel_port or port
        trace.enter(Stage.PROXY if through_proxy else Stage.RESOLVE)
        try:
            found = resolve(host, port, self._deadline)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no answer about the name in time") from error
        trace.addresses = tuple(dict.fromkeys(str(sockaddr[0]) for _, sockaddr in found))
        if not through_proxy:
            trace.enter(Stage.CONNECT)
        failure: OSError = OSError("the name has no address")
        for family, sockaddr in found:
            try:
                connected = self._open(family, sockaddr)
            except OSError as error:
                failure = error
                continue
            trace.address = str(sockaddr[0])
            self.sock = connected  # known from here on, so that it is closed should an observer raise
            if not through_proxy:
                trace.enter(Stage.TLS)
            return connected
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time") from failure
        raise NewConnectionError(self, "no connection") from failure

    def _open(self, family: socket.AddressFamily, sockaddr: tuple[Any, ...]) -> socket.socket:
        opened = _TcpSocket(family, socket.SOCK_STREAM)
        try:
            for option in self.socket_options or ():
                opened.setsockopt(*option)
            opened.deadline = self._deadline
            opened.settimeout(self._deadline.remaining())
            opened.connect(sockaddr)
        except BaseException:
            opened.close()
            raise
        return opened

    def _tunnel(self) -> None:
        super()._tunnel()
        self._trace.enter(Stage.TLS)

    def connect(self) -> None:
        super().connect()
        trace = self._trace
        if isinstance(self.sock, _TlsSocket):
            self.sock.deadline = self._deadline
            _note_peer(self.sock, trace)
            if trace.tls_version == "TLSv1.3":
                trace.enter(Stage.WAIT)
                self._wait_for_refusal(self.sock)
        trace.enter(Stage.REQUEST)

    def _wait_for_refusal(self, tls: _TlsSocket) -> None:
        """Give the server time to refuse our certificate. Raises the ssl.SSLError that names its alert.

        A server that closes after its refusal makes our write fail, and then the alert can no longer be read.
        """
        connect_seconds = self._trace.ms.get(Stage.CONNECT, 0.0) / 1000
        wait = max(_REFUSAL_WAIT_SECONDS, _REFUSAL_WAIT_FACTOR * connect_seconds)
        readable, _, _ = select.select([tls], [], [], min(wait, self._deadline.remaining()))
        if not readable and not tls.pending():
            return
        tls.settimeout(0)
        try:
            first = tls.recv(1)
        except ssl.SSLWantReadError:
            return  # only session tickets came
        finally:
            tls.settimeout(self._deadline.remaining())
        if not first:
            raise ConnectionAbortedError("closed after the handshake, without a word")
        tls.early = first  # it speaks before it is spoken to: keep what it says


def resolve(host: str, port: int, deadline: Deadline) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    """Return all addresses of a name, in the system's order.

    Raises socket.gaierror; TimeoutError at the deadline (the resolver itself knows none, so it works in a
    thread of its own, which is left to end by itself).
    """
    outcome: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            outcome.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            outcome.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = outcome.get(timeout=deadline.remaining())
    except Empty:
        raise TimeoutError("the resolver did not answer in time") from None
    if isinstance(found, Exception):
        raise found
    return [(family, sockaddr) for family, _, _, _, sockaddr in found]


def _note_peer(tls: ssl.SSLSocket, trace: Trace) -> None:
    trace.tls_version = tls.version() or ""
    cipher = tls.cipher()
    trace.cipher = cipher[0] if cipher else ""
    der = tls.getpeercert(binary_form=True)
    if der:
        certificate = x509.load_der_x509_certificate(der)
        trace.server_subject = names.render(certificate.subject)
        trace.server_not_valid_after = certificate.not_valid_after_utc.isoformat()


class _Adapter(HTTPAdapter):
    """Gives `requests` our context and our connection, and keeps its own trust out of it."""

    def __init__(self, context: ssl.SSLContext, trace: Trace, deadline: Deadline) -> None:
        self._context = context
        self._connection_arguments = {"trace": trace, "deadline": deadline}
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if not isinstance(pool, HTTPSConnectionPool):
            raise requests.exceptions.InvalidSchema("only https is spoken here")
        pool.ConnectionCls = _Connection
        pool.conn_kw.update(self._connection_arguments)
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave trust to the context: the inherited method would add the public roots to the pinned CA."""


def new_context() -> ssl.SSLContext:
    """Return a context that trusts nobody yet: `trust` and `present` complete it. One call, one context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.sslsocket_class = _TlsSocket
    return context


def trust(context: ssl.SSLContext, ca_pem: bytes | None) -> None:
    """Trust the given CA certificates and no others; None: the public roots.

    Raises ssl.SSLError or ValueError for a CA file that holds no certificate.
    """
    if ca_pem is None:
        context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    else:
        context.load_verify_locations(cadata=ca_pem.decode("ascii"))


def present(context: ssl.SSLContext, certificate_pem: bytes, key_pem: bytes, key_passphrase: bytes) -> None:
    """Present a client certificate where a server asks for one. The key stays encrypted on its way to
    OpenSSL.

    Raises ssl.SSLError where certificate and key do not fit or cannot be read.
    """
    with _as_file(certificate_pem) as certificate_path, _as_file(key_pem) as key_path:
        # Always with a password: without one OpenSSL would ask for it on the terminal.
        context.load_cert_chain(certificate_path, key_path, password=key_passphrase)


@contextlib.contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Lend bytes a path, in memory where the system can, else a file that only we may read."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("credential", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield file.name


def _watch(context: ssl.SSLContext, trace: Trace) -> None:
    """Note the server's request for our certificate, and its alerts, as they pass.

    Python says neither whether a certificate was asked for nor, for some alerts, their number; its message
    callback does. Where a Python has no such callback the attribute is simply never called.
    """

    def on_message(_socket: Any, direction: str, version: Any, content: int, kind: int, data: bytes) -> None:
        if direction != "read":
            return
        if content == _CONTENT_ALERT and len(data) == 2:
            trace.alert = data[1]
        elif content == _CONTENT_HANDSHAKE and kind == _HANDSHAKE_CERTIFICATE_REQUEST:
            trace.certificate_requested = True
            trace.tls_version = getattr(version, "name", "").replace("_", ".")
            trace.enter(Stage.OFFER)

    context._msg_callback = on_message  # type: ignore[attr-defined]


def send(call: Call, context: ssl.SSLContext, *, trace: Trace, deadline: Deadline, proxy: str | None = None) -> Answer:
    """Make one call on a connection of its own, and return its answer whatever its status.

    The context must be fresh. Raises requests.RequestException, urllib3's HTTPError, OSError, AnswerTooLarge
    (`onboarding.fleet.faults.classify` reads them); `trace` then says how far the call came.
    """
    trace.host = _host_of(call.url)
    _watch(context, trace)
    with requests.Session() as session:
        session.trust_env = False
        session.adapters.clear()  # above all the one that would send a login over plain http
        session.mount("https://", _Adapter(context, trace, deadline))
        try:
            return _exchange(session, call, trace, deadline, proxy)
        finally:
            trace.finish()
            # Breaks the cycle context -> callback -> trace, so that the key goes when the call is over.
            context._msg_callback = None  # type: ignore[attr-defined]


def _host_of(url: str) -> str:
    """Return the host that a URL names, or all of it where it cannot be read."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _exchange(session: requests.Session, call: Call, trace: Trace, deadline: Deadline, proxy: str | None) -> Answer:
    # Bytes, since requests would encode text as Latin-1 and fail on anything else.
    basic = HTTPBasicAuth(call.basic[0].encode(), call.basic[1].encode()) if call.basic else None
    with session.request(
        "GET" if call.form is None else "POST",
        call.url,
        params=call.query,
        headers={"Accept-Encoding": "identity", "User-Agent": "fleet-onboarding", **call.headers},
        data=call.form,
        auth=basic,
        allow_redirects=False,
        stream=True,
        timeout=deadline.remaining(),
        proxies={"https": proxy} if proxy else None,
    ) as response:
        trace.status = response.status_code
        trace.enter(Stage.BODY)
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise AnswerTooLarge
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, bytes(body))
