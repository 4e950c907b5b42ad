"""One HTTPS call with our own trust, our own client certificate, a deadline and a cap: `requests`, kept on a
short lead.

Differences from a plain `requests.get`, each measured:
1. only the given CA is trusted (its own adapter would add the public roots), and only names in the SAN count;
2. nothing is taken from the environment (no .netrc login, no proxy), no redirect is followed, nothing is
   retried;
3. under TLS 1.3 a refused client certificate shows at the first read, and is lost if we write first: so we
   listen first;
4. the deadline holds for the whole call, however slowly a server drips, and so does a cap on bytes, however much
   it sends.

The standard library, `requests` and what that needs: no more, since the offline checker carries this file.
"""

import _thread
import base64
import contextlib
import errno
import http.client
import os
import select
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPHeaderDict
from urllib3.response import HTTPResponse
from urllib3.util import parse_url

from onboarding.fleet import handshake
from onboarding.fleet.trace import Deadline, Stage, Trace

MAX_BODY_BYTES = 1024 * 1024
MAX_BYTES = MAX_BODY_BYTES + 256 * 1024
"""The most that is read of one connection, above TLS: the body, and what is said around it."""

HTTP_PORT, HTTPS_PORT = 80, 443

_FIRST_MULTICAST = 224  # the first byte from which on addresses are multicast, or reserved (RFC 1112, section 4)

MAX_CONNECT_SECONDS = 10.0
"""The longest that one address is given to take a connection."""

_CHUNK_BYTES = 16 * 1024
# How long a refusal is waited for under TLS 1.3: at least this, and at least this many times the time to
# connect.
_REFUSAL_WAIT_SECONDS = 0.25
_REFUSAL_WAIT_FACTOR = 3

# RFC 8446, sections 5.1 and 6; the same numbers in RFC 5246.
_CONTENT_ALERT = 21
_CONTENT_HANDSHAKE = 22
_CLOSE_NOTIFY = 0
_TLS13 = int(ssl.TLSVersion.TLSv1_3)


Address = tuple[socket.AddressFamily, tuple[Any, ...]]


class AnswerTooLarge(Exception):
    """The answer is longer than the cap. What came until then has been thrown away."""


class NameUnusable(OSError):
    """The name has addresses, but none that a server can have."""


class ProxyInvalid(ValueError):
    """The proxy's address cannot be used."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. basic: user and password, sent as UTF-8 (RFC 7617); form, content: a body, which makes it a POST.

    content: sent as it is; its media type is among the headers. once: it has an effect, so that it is never made again
    when it may have arrived.
    """

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    once: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class _Bounded:
    """Cuts every single read of a socket to what is left of the deadline and of the cap."""

    deadline: Deadline | None = None
    early: bytes = b""
    bytes_left = MAX_BYTES

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        if self.early:
            buffer[: len(self.early)] = self.early
            spoken, self.early = len(self.early), b""
            return spoken
        if self.deadline is not None:
            self.settimeout(self.deadline.remaining())  # type: ignore[attr-defined]
        if self.bytes_left <= 0:
            raise AnswerTooLarge
        size: int = super().recv_into(buffer, nbytes or len(buffer), flags)  # type: ignore[misc]
        self.bytes_left -= size
        return size


class _TcpSocket(_Bounded, socket.socket):
    pass


class _TlsSocket(_Bounded, ssl.SSLSocket):
    """Tells a reset from an end by looking below TLS first: before 3.11.9, with OpenSSL 3, Python takes the one for the
    other (python/cpython#115627).
    """

    is_at_end = False

    def read(self, *args: Any) -> Any:
        if not self.is_at_end and not self.pending():
            with contextlib.suppress(BlockingIOError):
                socket.socket.recv(self, 1, socket.MSG_PEEK)
            if self.deadline is not None and self.gettimeout():
                self.settimeout(self.deadline.remaining())
        data = super().read(*args)
        self.is_at_end = not data
        return data

    def send(self, data: Any, flags: int = 0) -> int:
        if select.select([self], [], [], 0)[0]:
            with contextlib.suppress(BlockingIOError):
                socket.socket.recv(self, 1, socket.MSG_PEEK)
        return super().send(data, flags)


class _Response(http.client.HTTPResponse):
    """Goes past every interim answer (RFC 9110, section 15.2), where its parent knows 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not HTTPStatus.PROCESSING <= status < HTTPStatus.OK:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Connection(http.client.HTTPConnection):
    """Connects stage by stage, noting each in the trace, and waits for a refusal before anything is
    written.
    """

    default_port = HTTPS_PORT
    response_class = _Response

    def __init__(self, host: str, port: int, *, context: ssl.SSLContext, trace: Trace, deadline: Deadline) -> None:
        super().__init__(host, port)
        self._context = context
        self._trace = trace
        self._deadline = deadline
        self._tunnel_to: tuple[str, int] | None = None

    def set_tunnel(self, host: str, port: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Go through this connection's host, a proxy, to another."""
        super().set_tunnel(host, port, headers)
        self._tunnel_to = host, port or self.default_port

    def connect(self) -> None:
        """Connect, through the proxy if there is one; shake hands; listen for a refusal.

        Raises OSError, of which ssl.SSLError and socket.gaierror are kinds; http.client.HTTPException.
        """
        trace = self._trace
        host, trace.port = self._tunnel_to or (self.host, self.port)
        trace.enter(Stage.PROXY if self._tunnel_to else Stage.RESOLVE)
        found = resolve(self.host, self.port, self._deadline)
        if not self._tunnel_to:
            trace.addresses = tuple(dict.fromkeys(str(sockaddr[0]) for _, sockaddr in found))
            found = [(family, sockaddr) for family, sockaddr in found if _is_usable(sockaddr[0])]
            if not found:
                raise NameUnusable("no address that a server can have")
            trace.enter(Stage.CONNECT)
        self.sock = self._connect_to_any(found)
        if self._tunnel_to:
            trace.enter(Stage.TUNNEL)
            self._ask_proxy()
        trace.enter(Stage.TLS)
        self.sock = tls = self._context.wrap_socket(self.sock, server_hostname=host)
        assert isinstance(tls, _TlsSocket)  # noqa: S101 - `new_context` says so
        tls.deadline = self._deadline
        trace.tls_version = tls.version() or ""
        cipher = tls.cipher()
        trace.cipher = cipher[0] if cipher else ""
        if trace.tls_version == "TLSv1.3":
            trace.enter(Stage.WAIT)
            self._wait_for_refusal(tls)
        trace.enter(Stage.REQUEST)

    def _ask_proxy(self) -> None:
        """Have the proxy open the way, and close its answer: Python before 3.11.4 leaves that open."""
        answers: list[http.client.HTTPResponse] = []

        def kept(*args: Any, **options: Any) -> http.client.HTTPResponse:
            answers.append(_Response(*args, **options))
            return answers[-1]

        self.response_class = kept  # type: ignore[assignment]
        try:
            self._tunnel()  # type: ignore[attr-defined]
        finally:
            self.response_class = _Response
            for answer in answers:
                answer.close()

    def _connect_to_any(self, found: list[Address]) -> socket.socket:
        failure: OSError = OSError("the name has no address")
        for number, (family, sockaddr) in enumerate(found):
            # Each address its share, so that one that swallows packets leaves time for the others and for the call.
            share = self._deadline.remaining() / (len(found) - number + 1)
            try:
                connected = self._open(family, sockaddr, min(share, MAX_CONNECT_SECONDS))
            except OSError as error:
                failure = error
                self._trace.unreached.append(f"{sockaddr[0]} ({_error_name(error)})")
            else:
                self._trace.address = str(sockaddr[0])
                return connected
        raise failure

    def _open(self, family: socket.AddressFamily, sockaddr: tuple[Any, ...], seconds: float) -> socket.socket:
        opened = _TcpSocket(family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.settimeout(seconds)
            opened.connect(sockaddr)
            opened.deadline = self._deadline
            opened.settimeout(self._deadline.remaining())
        except BaseException:
            opened.close()
            raise
        return opened

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


def resolve(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Return all addresses of a name, of IPv4 and IPv6, in the system's order.

    Raises socket.gaierror; TimeoutError at the deadline (the resolver itself knows none, so it works in a
    thread of its own, which is left to end by itself, unless the name is of this machine: RFC 6761, section 6.3).
    """
    if host == "localhost" or host.endswith(".localhost"):
        return _addresses(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    outcome: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            outcome.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            outcome.put(error)

    # Not threading.Thread, which waits until the thread has begun: that alone took as long as the name of a near host.
    _thread.start_new_thread(ask, ())
    try:
        found = outcome.get(timeout=deadline.remaining())
    except Empty:
        raise TimeoutError("the resolver did not answer in time") from None
    if isinstance(found, Exception):
        raise found
    return _addresses(found)


def _addresses(found: list[Any]) -> list[Address]:
    return [(family, sockaddr) for family, _, _, _, sockaddr in found]


def _is_usable(address: object) -> bool:
    """Whether a server can be at this address: 0.0.0.0 and the like are what name servers say to block a name."""
    text = str(address)
    if ":" in text:
        return text != "::" and not text.lower().startswith("ff")  # unspecified; multicast: RFC 4291, section 2.4
    return 0 < int(text.partition(".")[0]) < _FIRST_MULTICAST


def _error_name(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


class _Adapter(BaseAdapter):
    """Sends one request of `requests` on one connection, made for it with our context and closed with it.

    The adapter that `requests` brings would add the public roots to those of the context, keep connections, and wrap
    what goes wrong in a retry that is not ours.
    """

    def __init__(self, context: ssl.SSLContext, trace: Trace, deadline: Deadline) -> None:
        super().__init__()
        self._context = context
        self._trace = trace
        self._deadline = deadline
        self._connection: _Connection | None = None

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = True,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send it, through the proxy that `proxies` names for https.

        Trust is the context's and time the deadline's: `verify`, `cert` and `timeout` are not looked at.
        Raises InvalidSchema for anything but https, urllib3's LocationParseError, http.client's HTTPException, OSError.
        """
        url = parse_url(request.url or "")
        if url.scheme != "https" or not url.host:
            raise requests.exceptions.InvalidSchema("only https is spoken here")
        host, port, proxy = url.host.strip("[]"), url.port or HTTPS_PORT, (proxies or {}).get("https")
        connection = self._connection = _Connection(
            proxy.hostname if proxy else host,
            (proxy.port or HTTP_PORT) if proxy else port,
            context=self._context,
            trace=self._trace,
            deadline=self._deadline,
        )
        if proxy:
            connection.set_tunnel(host, port, headers=_proxy_login(proxy))
        with contextlib.suppress(BrokenPipeError):  # it has closed already, and may have said why: that is read next
            connection.request(request.method or "GET", request.path_url, request.body, request.headers)
        received = connection.getresponse()
        response = requests.Response()
        response.status_code, response.url, response.request = received.status, request.url or "", request
        response.raw = _plain_or_decoded(received, request.method)
        return response

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


def _plain_or_decoded(received: http.client.HTTPResponse, method: str | None) -> Any:
    """Return what `requests` reads the body from: urllib3 takes chunks apart and unpacks; most answers need neither."""
    if not received.chunked and received.getheader("Content-Encoding", "identity") == "identity":
        return received
    headers = HTTPHeaderDict(received.getheaders())
    return HTTPResponse(
        received,
        headers=headers,
        status=received.status,
        preload_content=False,
        original_response=received,
        request_method=method,
    )


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    return {"Proxy-Authorization": _basic(unquote(proxy.username), unquote(proxy.password or ""))}


CIPHERS = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
"""For TLS 1.2, in OpenSSL's words: what Python 3.10 and later offer (bpo-43998)."""


def new_context() -> ssl.SSLContext:
    """Return a context that trusts nobody yet: `trust` and `present` complete it.

    TLS 1.2 at least, and these ciphers: Python's own defaults from 3.10 on, but not where a distribution leaves both
    to OpenSSL, as Debian does. The same server gets the same verdict on every machine.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.hostname_checks_common_name = False
    context.sslsocket_class = _TlsSocket
    # Some servers ask for the certificate only once they know the path.
    context.post_handshake_auth = True
    return context


def trust(context: ssl.SSLContext, ca: str | bytes | None) -> None:
    """Trust the given CA certificates and no others: PEM as text, or DER, one after another; None: the public roots.

    Raises ssl.SSLError or ValueError for what holds no certificate.
    """
    if ca is None:
        context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    else:
        context.load_verify_locations(cadata=ca)


def present(context: ssl.SSLContext, certificate_pem: bytes, key_pem: bytes, key_passphrase: bytes) -> None:
    """Present a client certificate where a server asks for one. The key stays encrypted on its way to
    OpenSSL.

    Raises ssl.SSLError where certificate and key do not fit or cannot be read.
    """
    with _as_file(key_pem + b"\n" + certificate_pem) as path:
        # Always with a password: without one OpenSSL would ask for it on the terminal.
        context.load_cert_chain(path, password=key_passphrase)


def present_beside(context: ssl.SSLContext, certificate_pem: bytes, key_file: str, key_passphrase: bytes) -> None:
    """Do the same with a key that is in a file already, and stays there alone."""
    with _as_file(certificate_pem) as certificate_path:
        context.load_cert_chain(certificate_path, key_file, password=key_passphrase)


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Lend a content a path: in memory where the system can, else a file that only we may read."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("credential", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory() as folder:  # that only we may read
            path = os.path.join(folder, "credential")
            with open(path, "wb") as file:
                file.write(content)
            yield path


# The class in C that `ssl.SSLContext` wraps. Its setter takes the callback as it is; the wrapper's would turn five
# numbers into enumerations at each of some forty messages.
_RAW_CONTEXT: Any = ssl.SSLContext.__mro__[1]


def _set_callback(context: ssl.SSLContext, callback: Any) -> None:
    # A Python that has no such callback tells less: no alert numbers, no names of the CAs that are asked for.
    if hasattr(_RAW_CONTEXT, "_msg_callback"):
        _RAW_CONTEXT._msg_callback.__set__(context, callback)


def _watch(context: ssl.SSLContext, trace: Trace) -> None:
    """Note what Python does not tell, as it passes: certificates asked for, sent and shown, and alerts."""

    def on_message(_socket: Any, direction: str, version: int, content: int, kind: int, data: bytes) -> None:
        if content == _CONTENT_HANDSHAKE:
            is_tls13 = version == _TLS13
            if kind == handshake.CERTIFICATE and direction == "read":
                trace.server_chain = handshake.certificates(data, is_tls13)
            elif kind == handshake.CERTIFICATE:
                trace.certificate_sent = bool(handshake.certificates(data, is_tls13))
                if trace.stage == Stage.TLS:
                    trace.enter(Stage.OFFER)
            elif kind == handshake.CERTIFICATE_REQUEST and direction == "read":
                trace.certificate_requested = True
                trace.accepted_issuers = handshake.accepted_issuers(data, is_tls13)
                trace.tls_version = "TLSv1.3" if is_tls13 else "TLSv1.2"
        elif content == _CONTENT_ALERT and direction == "read" and len(data) == 2 and data[1] != _CLOSE_NOTIFY:
            trace.alert = data[1]

    _set_callback(context, on_message)


def send(call: Call, context: ssl.SSLContext, *, trace: Trace, deadline: Deadline, proxy: str | None = None) -> Answer:
    """Make one call on a connection of its own, and return its answer whatever its status.

    The context must not be in use by another call. Raises requests.RequestException, urllib3's HTTPError, OSError,
    AnswerTooLarge, ProxyInvalid (`onboarding.fleet.faults.classify` reads them); `trace` then says how far the call
    came.
    """
    trace.host = _host_of(call.url)
    _watch(context, trace)
    adapter = _Adapter(context, trace, deadline)
    try:
        return _exchange(adapter, call, trace, _checked_proxy(proxy, trace))
    finally:
        adapter.close()
        trace.finish()
        # Breaks the cycle context -> callback -> trace, so that the key goes when the call is over.
        _set_callback(context, None)


def _checked_proxy(proxy: str | None, trace: Trace) -> SplitResult | None:
    if proxy is None:
        return None
    try:
        parts = urlsplit(proxy)
        trace.proxy = f"{parts.hostname}:{parts.port or HTTP_PORT}"
    except ValueError:
        raise ProxyInvalid("malformed") from None
    if parts.scheme != "http" or not parts.hostname:
        raise ProxyInvalid("not http://host:port")
    return parts


def _host_of(url: str) -> str:
    """Return the host that a URL names, or all of it where it cannot be read."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _exchange(adapter: _Adapter, call: Call, trace: Trace, proxy: SplitResult | None) -> Answer:
    # No session: it would bring .netrc, redirects, cookies, and above all an adapter that sends logins over plain http.
    with adapter.send(_prepared(call), proxies={"https": proxy}) as response:
        trace.status, trace.answered_at = response.status_code, time.monotonic()
        trace.enter(Stage.BODY)
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise AnswerTooLarge
        if missing := getattr(response.raw, "length", None):  # http.client takes what there is for all there is
            raise http.client.IncompleteRead(bytes(body), missing)
        headers = {name.lower(): value for name, value in response.raw.headers.items()}
        return Answer(response.status_code, headers, bytes(body))


def _prepared(call: Call) -> requests.PreparedRequest:
    """Return the request, put together by hand: `prepare()` looks for cookies, hooks and files that there never are."""
    request = requests.PreparedRequest()
    request.method = "GET" if call.form is None and call.content is None else "POST"
    request.url = f"{call.url}?{urlencode(call.query)}" if call.query else call.url
    request.headers = CaseInsensitiveDict({"Accept-Encoding": "identity", "User-Agent": "fleet-onboarding"})
    request.headers.update(call.headers)
    if call.basic:
        request.headers["Authorization"] = _basic(*call.basic)
    if call.form is not None:
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.body = urlencode(call.form)
    if call.content is not None:
        request.headers["Content-Length"] = str(len(call.content))
        request.body = call.content
    return request


def _basic(user: str, password: str) -> str:
    """Return the value of an Authorization header, in UTF-8 (RFC 7617): `requests` would encode in Latin-1, or fail."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"
