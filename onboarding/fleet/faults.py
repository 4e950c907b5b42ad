"""The catalogue of faults: how each shows, where on the ladder it belongs, whose turn it is.

A fault is recognised by signs, strongest first, never by an exception's message: for the same alert OpenSSL
3.0 and 4.0 say different things. `error_signs` makes the signs of an exception, `response_signs` those of an
HTTP answer, and a row of `FAULTS` lists the signs that it answers to. What no row answers to is `unknown`,
with its full evidence.

Signs of an exception, from the innermost outwards; each may carry "@stage" (`onboarding.fleet.trace.Stage`), and a
row for the stage goes before a row for all stages:
    verify:N    the server's certificate failed OpenSSL's check N (X509_V_ERR_…)
    tls:REASON  OpenSSL's reason, without the prefix that names a version (SSLV3_ALERT_UNKNOWN_CA: UNKNOWN_CA)
    alert:N     number of the TLS alert received, for those that OpenSSL has no reason for
    verify:N+HINT  the same, where the certificates shown say more (`onboarding.fleet.server_chain.hints`)
    tls:REASON+HINT  likewise, unsent: the server asked for a certificate and we had none to send; named: it says that
                it takes certificates of the CA that signed ours
    gai:N       getaddrinfo's error            errno:NAME  the system's error
    tunnel:N    the proxy's answer to CONNECT  timeout     any wait that ended
    type:NAME   the exception's class          any         anything at all (only with a stage)
Signs of an answer:
    code:N      a JSON "code" or HTTP status that speaks of the client certificate; code:N+HINT, text:KEY+HINT as above
    text:KEY    a marker of MARKERS in the body, where servers have nothing better to recognise them by
    oauth:ERROR RFC 6749, section 5.2, with a status that such an error has
    app:N       the application's 5-digit code, and its first three digits
    gateway:N   the gateway's httpCode, which also stands for the status where the status is 200
    page:N      the HTTP status of a web page
    status:N    the HTTP status, and its class: status:4xx
    body:KIND   empty, html, not_utf8, not_json (of a 200, and of what a probe expects: `fleet.probes.judge`);
    shape       JSON of another shape than was asked for
"""

import errno
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from onboarding.fleet.checks import Rung, Turn
from onboarding.fleet.trace import Stage


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the catalogue.

    code: a key of `onboarding.fleet.messages.MESSAGES`. signs: what it answers to.
    transient: the same call may well succeed a little later.
    proven: the application itself answered, so login and client ID were accepted before it could say this.
    """

    code: str
    rung: Rung
    turn: Turn
    signs: tuple[str, ...]
    transient: bool = False
    proven: bool = False

    @property
    def is_spelled_out(self) -> bool:
        """Whether servers name it in so many words, which count more than the status they come with."""
        return any(sign.startswith(("code:", "text:")) for sign in self.signs)

    @property
    def is_about_client(self) -> bool:
        """Whether it is a token endpoint's verdict about a client: recognised, not recognised, not allowed to ask."""
        return self.rung == Rung.CLIENT_ID and any(sign.startswith("oauth:") for sign in self.signs)


def _after_offer(*signs: str) -> tuple[str, ...]:
    """Return signs for the stages in which the server has, or may have, our certificate before it."""
    return tuple(f"{sign}@{stage}" for sign in signs for stage in (Stage.OFFER, Stage.WAIT, Stage.REQUEST, Stage.BODY))


_BROKEN = (
    "tls:INTERNAL_ERROR", "tls:DECODE_ERROR", "tls:ILLEGAL_PARAMETER", "tls:UNEXPECTED_MESSAGE", "tls:BAD_RECORD_MAC",
    "tls:RECORD_OVERFLOW", "tls:MISSING_EXTENSION", "tls:UNSUPPORTED_EXTENSION", "tls:USER_CANCELLED",
    "tls:DH_KEY_TOO_SMALL", "alert:115", "alert:120",
)  # fmt: skip

# What only makes sense once the server has our certificate before it. Said earlier, it is about something else.
_ABOUT_CERTIFICATES = (
    "tls:DECRYPT_ERROR", "tls:DECRYPTION_FAILED", "tls:BAD_CERTIFICATE", "tls:UNSUPPORTED_CERTIFICATE",
    "tls:CERTIFICATE_REVOKED", "tls:CERTIFICATE_EXPIRED", "tls:CERTIFICATE_UNKNOWN", "tls:UNKNOWN_CA",
    "tls:CERTIFICATE_REQUIRED", "tls:NO_CERTIFICATE",
)  # fmt: skip

_KEY, _PROXY, _DNS, _TCP = Rung.KEY_PAIR, Rung.PROXY, Rung.NAME_RESOLUTION, Rung.TCP_CONNECT
_TLS, _CLIENT = Rung.SERVER_TLS, Rung.CLIENT_CERTIFICATE
_LOGIN, _ID, _ANSWER = Rung.AUTHENTICATION, Rung.CLIENT_ID, Rung.ANSWER
_PARTNER, _MAKER, _OPERATOR, _NETWORK = Turn.PARTNER, Turn.MAKER, Turn.OPERATOR, Turn.NETWORK

UNKNOWN = Fault("unknown", _ANSWER, _OPERATOR, ())

FAULTS: tuple[Fault, ...] = (
    # The address
    Fault(
        "url_invalid",
        _DNS,
        _OPERATOR,
        (
            "type:LocationParseError",
            "type:InvalidURL",
            "type:InvalidSchema",
            "type:MissingSchema",
            "type:UnicodeError",
            "type:UnicodeEncodeError",
        ),
    ),
    # Our own key and certificate, as OpenSSL reads them
    Fault("key_mismatch", _KEY, _PARTNER, ("tls:KEY_VALUES_MISMATCH@load", "tls:KEY_TYPE_MISMATCH@load")),
    Fault("key_type_mismatch", _KEY, _PARTNER, ("tls:NO_CERTIFICATE_ASSIGNED@load",)),
    Fault("key_too_small", _KEY, _PARTNER, ("tls:EE_KEY_TOO_SMALL@load",)),
    Fault("credential_unreadable", _KEY, _PARTNER, ("type:SSLError@load",)),
    # The operator's proxy
    Fault("proxy_invalid", _PROXY, _OPERATOR, ("type:ProxyInvalid", "type:InvalidProxyURL")),
    Fault("proxy_wants_login", _PROXY, _OPERATOR, ("tunnel:407@tunnel",)),
    Fault("proxy_forbids", _PROXY, _OPERATOR, ("tunnel:403@tunnel",)),
    Fault(
        "proxy_cannot_reach",
        _TCP,
        _NETWORK,
        ("tunnel:502@tunnel", "tunnel:503@tunnel", "tunnel:504@tunnel"),
        transient=True,
    ),
    Fault("proxy_refused", _PROXY, _OPERATOR, ("tunnel@tunnel",)),
    Fault("proxy_silent", _PROXY, _OPERATOR, ("timeout@tunnel",), transient=True),
    Fault(
        "proxy_not_http",
        _PROXY,
        _OPERATOR,
        ("type:BadStatusLine@tunnel", "type:UnknownProtocol@tunnel", "type:LineTooLong@tunnel"),
    ),
    Fault("proxy_hung_up", _PROXY, _OPERATOR, ("any@tunnel",), transient=True),
    Fault("proxy_unreachable", _PROXY, _OPERATOR, ("any@proxy",), transient=True),
    # Name
    Fault("name_unknown", _DNS, _OPERATOR, (f"gai:{socket.EAI_NONAME}",)),
    Fault("name_without_address", _DNS, _OPERATOR, (f"gai:{socket.EAI_NODATA}",)),
    Fault("name_unusable", _DNS, _OPERATOR, ("type:NameUnusable",)),
    Fault("resolver_failing", _DNS, _NETWORK, (f"gai:{socket.EAI_AGAIN}",), transient=True),
    Fault("resolver_failed", _DNS, _NETWORK, (f"gai:{socket.EAI_FAIL}",)),
    Fault("resolver_timeout", _DNS, _NETWORK, ("timeout@resolve",), transient=True),
    # TCP
    Fault("connection_refused", _TCP, _OPERATOR, ("errno:ECONNREFUSED",), transient=True),
    Fault("unreachable", _TCP, _NETWORK, ("errno:EHOSTUNREACH", "errno:ENETUNREACH"), transient=True),
    Fault("connect_timeout", _TCP, _NETWORK, ("timeout@connect",), transient=True),
    Fault("reset_at_connect", _TCP, _NETWORK, ("errno:ECONNRESET@connect",), transient=True),
    # Handshake, before the server has asked for our certificate
    Fault("handshake_timeout", _TLS, _NETWORK, ("timeout@tls", "timeout@offer"), transient=True),
    Fault("reset_in_handshake", _TLS, _NETWORK, ("errno:ECONNRESET@tls", "errno:EPIPE@tls"), transient=True),
    Fault(
        "closed_in_handshake",
        _TLS,
        _NETWORK,
        (
            "type:SSLEOFError@tls",
            "type:SSLZeroReturnError@tls",
            "type:RemoteDisconnected@tls",
            "tls:UNEXPECTED_EOF_WHILE_READING@tls",
        ),
        transient=True,
    ),
    Fault(
        "not_tls",
        _TLS,
        _OPERATOR,
        (
            "tls:WRONG_VERSION_NUMBER",
            "tls:HTTP_REQUEST",
            "tls:HTTPS_PROXY_REQUEST",
            "tls:UNKNOWN_PROTOCOL",
            "tls:PACKET_LENGTH_TOO_LONG",
            "tls:RECORD_LAYER_FAILURE",
        ),
    ),
    Fault(
        "tls_version_mismatch",
        _TLS,
        _MAKER,
        ("tls:PROTOCOL_VERSION", "tls:UNSUPPORTED_PROTOCOL", "tls:INAPPROPRIATE_FALLBACK"),
    ),
    Fault(
        "no_common_cipher",
        _TLS,
        _MAKER,
        (
            "tls:HANDSHAKE_FAILURE@tls",
            "tls:INSUFFICIENT_SECURITY",
            "tls:NO_SHARED_CIPHER",
            "tls:NO_CIPHERS_AVAILABLE",
        ),
    ),
    Fault("server_name_refused", _TLS, _OPERATOR, ("tls:UNRECOGNIZED_NAME",)),
    Fault("handshake_denied", _TLS, _MAKER, ("tls:ACCESS_DENIED@tls",)),
    Fault("handshake_broken", _TLS, _MAKER, (*_BROKEN, *(f"{sign}@{Stage.TLS}" for sign in _ABOUT_CERTIFICATES))),
    # The server's certificate, held against the pinned CA
    Fault(
        "server_public_ca",
        _TLS,
        _PARTNER,
        ("verify:18+public", "verify:19+public", "verify:20+public", "verify:21+public"),
    ),
    Fault("server_ca_namesake", _TLS, _PARTNER, ("verify:19+namesake", "verify:20+namesake", "verify:21+namesake")),
    Fault("server_chain_incomplete", _TLS, _PARTNER, ("verify:20+alone", "verify:21+alone")),
    Fault("server_self_signed", _TLS, _PARTNER, ("verify:18",)),
    Fault("server_unknown_root", _TLS, _PARTNER, ("verify:19",)),
    Fault("server_unknown_ca", _TLS, _PARTNER, ("verify:20", "verify:21")),
    Fault("ca_is_intermediate", _TLS, _PARTNER, ("verify:2",)),
    Fault("server_not_yet_valid", _TLS, _MAKER, ("verify:9",)),
    Fault("server_expired", _TLS, _MAKER, ("verify:10",)),
    Fault("server_wrong_name", _TLS, _OPERATOR, ("verify:62", "verify:64")),
    Fault("server_wrong_purpose", _TLS, _MAKER, ("verify:26",)),
    Fault("server_weak", _TLS, _MAKER, ("verify:66", "verify:67", "verify:68")),
    Fault("server_ca_invalid", _TLS, _MAKER, ("verify:79", "verify:24", "verify:25")),
    Fault("server_revoked", _TLS, _MAKER, ("verify:23",)),
    Fault("server_crl_missing", _TLS, _OPERATOR, ("verify:3", "verify:12")),
    Fault("server_certificate_malformed", _TLS, _MAKER, ("verify:7", "verify:85", "verify:89", "verify:92")),
    Fault("server_untrusted", _TLS, _MAKER, ("verify",)),
    # Our certificate: refused in the handshake under TLS 1.2, at the first read under TLS 1.3
    Fault(
        "client_certificate_not_sent",
        _CLIENT,
        _PARTNER,
        (
            "tls:CERTIFICATE_REQUIRED",
            "tls:NO_CERTIFICATE",
            # Servers had no alert of its own for this before TLS 1.3 (RFC 5246, section 7.4.6).
            "tls:HANDSHAKE_FAILURE+unsent",
            "tls:BAD_CERTIFICATE+unsent",
            "tls:CERTIFICATE_UNKNOWN+unsent",
            "code:496+unsent",
            "text:no_certificate+unsent",
        ),
    ),
    Fault("client_chain_unverified", _CLIENT, _MAKER, ("tls:UNKNOWN_CA+named",)),
    Fault("client_ca_unknown", _CLIENT, _PARTNER, ("tls:UNKNOWN_CA",)),
    Fault("client_certificate_expired", _CLIENT, _PARTNER, ("tls:CERTIFICATE_EXPIRED",)),
    Fault("client_certificate_bad", _CLIENT, _PARTNER, ("tls:BAD_CERTIFICATE",)),
    Fault("client_certificate_revoked", _CLIENT, _MAKER, ("tls:CERTIFICATE_REVOKED",)),
    Fault("client_certificate_unsupported", _CLIENT, _MAKER, ("tls:UNSUPPORTED_CERTIFICATE",)),
    Fault("client_certificate_unknown", _CLIENT, _MAKER, ("tls:CERTIFICATE_UNKNOWN",)),
    Fault("client_access_denied", _CLIENT, _MAKER, ("tls:ACCESS_DENIED",)),
    Fault("client_signature_refused", _CLIENT, _PARTNER, ("tls:DECRYPT_ERROR", "tls:DECRYPTION_FAILED")),
    Fault("client_handshake_failure", _CLIENT, _MAKER, ("tls:HANDSHAKE_FAILURE",)),
    Fault("client_handshake_broken", _CLIENT, _MAKER, _after_offer(*_BROKEN)),
    Fault(
        "closed_without_reason",
        _CLIENT,
        _MAKER,
        (
            "type:RemoteDisconnected",
            "type:ConnectionAbortedError",
            "type:SSLEOFError",
            "type:SSLZeroReturnError",
            "tls:UNEXPECTED_EOF_WHILE_READING",
        ),
        transient=True,
    ),
    Fault(
        "reset_without_reason",
        _CLIENT,
        _MAKER,
        ("errno:ECONNRESET", "errno:EPIPE", "errno:ECONNABORTED", "errno:ESHUTDOWN"),
        transient=True,
    ),
    Fault(
        "closed_at_offer",
        _CLIENT,
        _MAKER,
        (
            "errno:ECONNRESET@offer",
            "errno:EPIPE@offer",
            "type:SSLEOFError@offer",
            "type:SSLZeroReturnError@offer",
            "tls:UNEXPECTED_EOF_WHILE_READING@offer",
        ),
        transient=True,
    ),
    # The same, said in HTTP
    Fault("client_certificate_missing_http", _CLIENT, _PARTNER, ("code:496", "text:no_certificate")),
    Fault("client_certificate_refused_http", _CLIENT, _MAKER, ("code:495", "text:bad_certificate")),
    Fault("plain_http_to_tls", _ANSWER, _MAKER, ("code:497", "text:plain_http")),
    # Waiting and reading
    Fault("answer_timeout", _ANSWER, _MAKER, ("timeout@wait", "timeout@request"), transient=True),
    Fault("answer_stalled", _ANSWER, _NETWORK, ("timeout@body",), transient=True),
    Fault("answer_cut_off", _ANSWER, _NETWORK, ("any@body",), transient=True),
    Fault("answer_garbled", _ANSWER, _MAKER, ("type:DecodeError@body", "type:InvalidChunkLength@body")),
    Fault("answer_too_large", _ANSWER, _MAKER, ("type:AnswerTooLarge", "type:AnswerTooLarge@body")),
    Fault("headers_too_large", _ANSWER, _MAKER, ("type:LineTooLong", "type:HTTPException")),
    Fault(
        "not_http",
        _ANSWER,
        _OPERATOR,
        (
            "type:BadStatusLine",
            "type:UnknownProtocol",
            "type:InvalidHeader",
        ),
    ),
    # The token endpoint (RFC 6749, section 5.2)
    Fault("client_unrecognised", _ID, _PARTNER, ("oauth:invalid_client",)),
    Fault("grant_not_allowed", _ID, _MAKER, ("oauth:unauthorized_client", "oauth:unsupported_grant_type")),
    Fault("invalid_grant", _ID, Turn.NOBODY, ("oauth:invalid_grant",)),
    Fault("token_request_refused", _ANSWER, _OPERATOR, ("oauth:invalid_request", "oauth:invalid_scope")),
    Fault(
        "token_endpoint_failing",
        _ANSWER,
        _MAKER,
        ("oauth:server_error", "oauth:temporarily_unavailable"),
        transient=True,
    ),
    # The gateway, before the application
    Fault("client_id_missing", _ID, _OPERATOR, ("text:client_id_missing",)),
    Fault("client_not_subscribed", _ID, _MAKER, ("text:not_subscribed",)),
    Fault("client_id_refused", _ID, _PARTNER, ("text:client_id_refused",)),
    Fault("login_refused", _LOGIN, _PARTNER, ("gateway:401", "status:401")),
    Fault("gateway_forbids", _ID, _MAKER, ("gateway:403",)),
    # The application
    Fault("application_unauthorised", _LOGIN, _PARTNER, ("app:401",)),
    Fault("application_forbids", _ANSWER, _MAKER, ("app:403",), proven=True),
    Fault("forbidden_page", _ANSWER, _MAKER, ("page:403",)),
    Fault("forbidden", _ID, _MAKER, ("status:403",)),
    Fault("no_status", _ANSWER, _PARTNER, ("app:40400",), proven=True),
    Fault("no_vehicle", _ANSWER, _MAKER, ("app:40410",), proven=True),
    Fault("no_data", _ANSWER, _MAKER, ("app:40499",), proven=True),
    Fault("vin_lookup_failed", _ANSWER, _MAKER, ("app:50038",), transient=True, proven=True),
    Fault("application_refuses_request", _ANSWER, _OPERATOR, ("app:400",), proven=True),
    Fault("application_finds_nothing", _ANSWER, _MAKER, ("app:404",), proven=True),
    Fault("application_error", _ANSWER, _MAKER, ("app:500",), transient=True, proven=True),
    # Plain statuses
    Fault("bad_request", _ANSWER, _OPERATOR, ("status:400",)),
    Fault("wrong_address", _ANSWER, _OPERATOR, ("gateway:404", "status:404", "status:405", "status:410")),
    Fault("not_acceptable", _ANSWER, _OPERATOR, ("status:406",)),
    Fault("request_timeout", _ANSWER, _MAKER, ("status:408",), transient=True),
    Fault("network_wants_login", _ANSWER, _OPERATOR, ("status:407", "status:511")),
    Fault("misdirected", _ANSWER, _OPERATOR, ("status:421",)),
    Fault("rate_limited", _ANSWER, _PARTNER, ("gateway:429", "app:429", "status:429"), transient=True),
    Fault("server_error", _ANSWER, _MAKER, ("status:500",), transient=True),
    Fault("bad_gateway", _ANSWER, _MAKER, ("status:502",), transient=True),
    Fault("unavailable", _ANSWER, _MAKER, ("status:503",), transient=True),
    Fault("gateway_timeout", _ANSWER, _MAKER, ("status:504",), transient=True),
    Fault(
        "redirected",
        _ANSWER,
        _OPERATOR,
        ("status:301", "status:302", "status:303", "status:307", "status:308"),
    ),
    Fault("empty_answer", _ANSWER, _MAKER, ("status:204", "body:empty")),
    Fault("html_answer", _ANSWER, _OPERATOR, ("body:html",)),
    Fault("not_utf8", _ANSWER, _MAKER, ("body:not_utf8",)),
    Fault("not_json", _ANSWER, _MAKER, ("body:not_json",)),
    Fault("wrong_shape", _ANSWER, _MAKER, ("shape",)),
    Fault(
        "unexpected_status",
        _ANSWER,
        _MAKER,
        ("status:1xx", "status:2xx", "status:3xx", "status:4xx", "status:5xx"),
    ),
)

BY_CODE: Mapping[str, Fault] = {fault.code: fault for fault in (*FAULTS, UNKNOWN)}
_BY_SIGN: Mapping[str, Fault] = {sign: fault for fault in FAULTS for sign in fault.signs}

# What servers say in a body and nowhere else: key, statuses, pattern.
MARKERS: tuple[tuple[str, frozenset[int], re.Pattern[str]], ...] = (
    ("no_certificate", frozenset({400}), re.compile(r"no required ssl certificate", re.I)),
    ("bad_certificate", frozenset({400}), re.compile(r"ssl certificate error", re.I)),
    ("plain_http", frozenset({400}), re.compile(r"plain http request .* https port", re.I | re.S)),
    (
        "client_id_missing",
        frozenset({400}),
        re.compile(
            r"\bno client[ _-]?id\b|client[ _-]?id .*missing|"
            r"missing .*client[ _-]?id",
            re.I,
        ),
    ),
    ("not_subscribed", frozenset({401, 403}), re.compile(r"\bplan\b", re.I)),
    ("client_id_refused", frozenset({401, 403}), re.compile(r"client[ _-]?id or secret", re.I)),
)

NOT_JSON = object()

_VERSION_PREFIX = re.compile(r"^(SSLV3|TLSV13|TLSV1)_(ALERT_)?")
_TUNNEL_STATUS = re.compile(r"^Tunnel connection failed: (\d{3})\b")
_MARKER_BYTES = 4096
_XML = re.compile(rb"\s*<(\?xml|\w+:)", re.I)
_CERTIFICATE_CODES = frozenset({"495", "496", "497"})

OAUTH_STATUSES = frozenset({400, 401})
"""With these a token endpoint says what is wrong with a client or its request (RFC 6749, section 5.2)."""
_OAUTH_TROUBLE = frozenset({"server_error", "temporarily_unavailable"})


def classify(
    error: BaseException, stage: Stage | None = None, alert: int | None = None, hints: Sequence[str] = ()
) -> Fault:
    """Return the fault that an exception of `onboarding.fleet.client` shows; UNKNOWN for one that no row
    answers to.

    stage: how far the call came. alert: the number of the last TLS alert received. hints: what else is known, of the
    certificates that the server showed or of ours (see the head of this file).
    """
    signs = tuple(error_signs(error, alert, hints))
    staged = (*(f"{sign}@{stage}" for sign in signs), f"any@{stage}")
    return next((_BY_SIGN[sign] for sign in (*staged, *signs) if sign in _BY_SIGN), UNKNOWN)


def error_chain(error: BaseException) -> tuple[BaseException, ...]:
    """Return an exception and all that it carries (reason, arguments, cause), the innermost first."""
    chain: list[BaseException] = []
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        if any(current is seen for seen in chain):
            continue
        chain.append(current)
        carried = (getattr(current, "reason", None), *current.args, current.__cause__)
        waiting.extend(item for item in carried if isinstance(item, BaseException))
    return tuple(reversed(chain))


def error_signs(error: BaseException, alert: int | None = None, hints: Sequence[str] = ()) -> Iterator[str]:
    """Yield the signs of an exception, those of the innermost first (see the head of this file)."""
    for inner in error_chain(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            yield from _with_hints(f"verify:{inner.verify_code}", hints)
            yield "verify"
        elif isinstance(inner, ssl.SSLError):
            if inner.reason:
                yield from _with_hints(f"tls:{normal_reason(inner.reason)}", hints)
            if alert is not None:
                yield f"alert:{alert}"
        elif isinstance(inner, socket.gaierror):
            yield f"gai:{inner.errno}"
        elif isinstance(inner, TimeoutError):
            yield "timeout"
        elif isinstance(inner, OSError) and inner.errno is not None:
            yield f"errno:{errno.errorcode.get(inner.errno, inner.errno)}"
        elif isinstance(inner, OSError) and (tunnel := _TUNNEL_STATUS.match(str(inner))):
            # http.client tells the proxy's status in this text and nowhere else.
            yield f"tunnel:{tunnel[1]}"
            yield "tunnel"
        yield f"type:{type(inner).__name__}"


def _with_hints(sign: str, hints: Sequence[str]) -> Iterator[str]:
    yield from (f"{sign}+{hint}" for hint in hints)
    yield sign


def normal_reason(reason: str) -> str:
    """Return OpenSSL's reason without the prefix that names a protocol version ("TLSV13_ALERT_…")."""
    return _VERSION_PREFIX.sub("", reason)


def classify_response(status: int, headers: Mapping[str, str], body: bytes, hints: Sequence[str] = ()) -> Fault | None:
    """Return the fault that an HTTP answer shows, None for a 200 that carries JSON. Header names in lower
    case. hints: what else is known of our certificate (see the head of this file).
    """
    for sign in response_signs(status, headers, body, hints):
        if sign in _BY_SIGN:
            return _BY_SIGN[sign]
    return None if effective_status(status, read_json(body)) == 200 else UNKNOWN


def response_signs(status: int, headers: Mapping[str, str], body: bytes, hints: Sequence[str] = ()) -> Iterator[str]:
    """Yield the signs of an HTTP answer, the strongest first (see the head of this file)."""
    answer = read_json(body)
    fields = answer if isinstance(answer, dict) else {}
    said, by_gateway = str(fields.get("code", "")), str(fields.get("httpCode", ""))
    for value in (said, by_gateway, str(status)):
        if value in _CERTIFICATE_CODES:
            yield from _with_hints(f"code:{value}", hints)
    effective = effective_status(status, answer)
    error = fields.get("error")
    if isinstance(error, str) and (effective in OAUTH_STATUSES or (effective >= 500 and error in _OAUTH_TROUBLE)):
        yield f"oauth:{error}"
    if effective != 200:
        text = body[:_MARKER_BYTES].decode("utf-8", "replace")
        for key, statuses, pattern in MARKERS:
            if effective in statuses and pattern.search(text):
                yield from _with_hints(f"text:{key}", hints)
    if re.fullmatch(r"[1-5]\d{4}", said):
        yield f"app:{said}"
        yield f"app:{said[:3]}"
    if by_gateway:
        yield f"gateway:{by_gateway}"
    if effective == 200:
        if not body.strip() or answer is NOT_JSON:
            yield _body_sign(headers, body)
    else:
        if answer is NOT_JSON and is_html(headers, body):
            yield f"page:{effective}"
        yield f"status:{effective}"
        yield f"status:{effective // 100}xx"


def classify_body(headers: Mapping[str, str], body: bytes) -> Fault:
    """Return the fault of a body that is not what was asked for: empty, a web page, no JSON, or of another shape."""
    return _BY_SIGN[_body_sign(headers, body)]


def _body_sign(headers: Mapping[str, str], body: bytes) -> str:
    if not body.strip():
        return "body:empty"
    if read_json(body) is not NOT_JSON:
        return "shape"
    if is_html(headers, body):
        return "body:html"
    return "body:not_utf8" if _is_json_but_for_its_encoding(body) else "body:not_json"


def effective_status(status: int, answer: Any) -> int:
    """Return the status that an answer speaks of: some gateways put theirs into the body of a 200.

    answer: the body, as `read_json` returns it.
    """
    said = str(answer.get("httpCode", "")) if isinstance(answer, dict) else ""
    return int(said) if status == 200 and re.fullmatch(r"[1-5][0-9]{2}", said) else status


def read_json(body: bytes) -> Any:
    """Return a body read as JSON, NOT_JSON where it is something else."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return NOT_JSON


def _refuse_constant(name: str) -> NoReturn:
    """Take no NaN and no Infinity, which Python writes and JSON does not know (RFC 8259, section 6)."""
    raise ValueError(f"{name} is not JSON")


def _is_json_but_for_its_encoding(body: bytes) -> bool:
    """Whether this would be JSON, were it in UTF-8, as it has to be (RFC 8259, section 8.1)."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return read_json(body.decode("latin-1").encode("utf-8")) is not NOT_JSON
    return False


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an answer is a web page, by its media type or its first bytes. Other XML is none."""
    media_type = headers.get("content-type", "").lower()
    return "html" in media_type or (body.lstrip()[:1] == b"<" and not (_XML.match(body) or "xml" in media_type))
