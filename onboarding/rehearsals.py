"""The failures that can be rehearsed: what each is called, in plain words, and the diagnosis that it must lead to.

One table, `REHEARSALS`. The portal offers them (`onboarding.credentials.rehearsing`), the sandbox plays them
(`onboarding.sandbox.faults`), `manage.py sandbox --list-faults` and docs/SANDBOX.md list them, and a test plays each
and compares. A name is a code of the ladder; further ways to the same diagnosis carry a suffix. What nobody can play
on one machine stands in `BY_TEST_ONLY`, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

from onboarding.findings import gettext_noop as _
from onboarding.fleet.checks import VIRTUAL_KEY, Result, Rung

SUFFIX = "~"
"""Stands between a client ID and the failure that the sandbox is to answer with: `<client ID>~rate_limited`."""


class Played(StrEnum):
    """Who plays a failure. answer: the API, whatever is asked. virtual_key: the API, where a virtual-key token is asked
    for. token: the token endpoint. port: a listener on a port of
    its own, to call in place of the API. proxy: likewise, to use as a proxy. address: nobody, the address is at fault.
    """

    ANSWER = "answer"
    VIRTUAL_KEY = "virtual_key"
    TOKEN = "token"  # noqa: S105 - who plays it
    PORT = "port"
    PROXY = "proxy"
    ADDRESS = "address"


_FAILS: Mapping[str, Result] = {"fleet_owner": Result.FAILED, "end_user": Result.FAILED}
_WARNS: Mapping[str, Result] = {"fleet_owner": Result.WARNING, "end_user": Result.WARNING}
_OWNER: Mapping[str, Result] = {"fleet_owner": Result.FAILED}
# The end users' probe of the API shows no more than that the certificate was let in, so what may pass is a warning.
_MILDER: Mapping[str, Result] = {"fleet_owner": Result.FAILED, "end_user": Result.WARNING}
_DRIVER: Mapping[str, Result] = {"end_user": Result.FAILED}
_NO_TOKEN: Mapping[str, Result] = {VIRTUAL_KEY: Result.FAILED}
_ODD_TOKEN: Mapping[str, Result] = {VIRTUAL_KEY: Result.WARNING}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One failure that can be rehearsed.

    name: the code, or the code with a suffix. rung, code: the check that must tell of it. title: what happens, a
    message to translate. results: by programme, how that check ends; other programmes cannot meet it. A request for a
    virtual-key token is asked of fleet owners' applications, has a ladder of its own, and so a result of its own.
    address: where to call, or the proxy to use, with {host} and {port} of the API; empty where it has a port.
    """

    name: str
    rung: Rung
    code: str
    title: str
    played: Played = Played.ANSWER
    results: Mapping[str, Result] = field(default_factory=lambda: _FAILS)
    address: str = ""

    @property
    def has_port(self) -> bool:
        """Whether it needs a port of its own."""
        return self.played in (Played.PORT, Played.PROXY) and not self.address

    def port(self, first: int) -> int:
        """Return its port, where the first of all is `first`. Raises ValueError if it has none."""
        return first + PORTS.index(self)

    def route(self, api_url: str, first_port: int) -> tuple[str, str | None]:
        """Return where to call in place of the sandbox's API, and through which proxy, to meet this failure."""
        where = urlsplit(api_url)
        host = where.hostname or "localhost"
        address = self.address.format(host=host, port=where.port or 443)
        if self.played == Played.PORT:
            return urlunsplit(where._replace(netloc=f"{host}:{self.port(first_port)}")), None
        if self.played == Played.PROXY:
            return api_url, address or f"http://{host}:{self.port(first_port)}"
        if self.played == Played.ADDRESS:
            return address + where.path, None
        return api_url, None


def _rows(
    rung: Rung, played: Played, results: Mapping[str, Result], *rows: tuple[str, str, str]
) -> tuple[Rehearsal, ...]:
    """Return rehearsals that have all that in common. rows: code, suffix of the name (empty for none), title."""
    return tuple(
        Rehearsal(f"{code}_{suffix}" if suffix else code, rung, code, title, played, results)
        for code, suffix, title in rows
    )


def _address(code: str, suffix: str, rung: Rung, title: str, address: str) -> Rehearsal:
    return Rehearsal(f"{code}_{suffix}" if suffix else code, rung, code, title, Played.ADDRESS, _FAILS, address)


_ALERTS: tuple[tuple[str, str, str], ...] = (
    ("client_certificate_not_sent", "", _("The server says that it got no client certificate")),
    ("client_certificate_not_sent", "tls12", _("The server says that it got no client certificate (TLS 1.2)")),
    ("client_ca_unknown", "", _("The server does not know the CA of your certificate")),
    ("client_ca_unknown", "tls12", _("The server does not know the CA of your certificate (TLS 1.2)")),
    ("client_certificate_expired", "", _("The server says that your certificate has expired")),
    ("client_certificate_expired", "tls12", _("The server says that your certificate has expired (TLS 1.2)")),
    ("client_certificate_bad", "", _("The server refuses your certificate as bad")),
    ("client_certificate_bad", "tls12", _("The server refuses your certificate as bad (TLS 1.2)")),
    ("client_certificate_revoked", "", _("The server says that your certificate is revoked")),
    ("client_certificate_revoked", "tls12", _("The server says that your certificate is revoked (TLS 1.2)")),
    ("client_certificate_unsupported", "", _("The server says that your certificate is of the wrong kind")),
    (
        "client_certificate_unsupported",
        "tls12",
        _("The server says that your certificate is of the wrong kind (TLS 1.2)"),
    ),
    ("client_certificate_unknown", "", _("The server refuses your certificate for a reason of its own")),
    ("client_certificate_unknown", "tls12", _("The server refuses your certificate for a reason of its own (TLS 1.2)")),
    ("client_access_denied", "", _("The server knows your certificate and denies access")),
    ("client_access_denied", "tls12", _("The server knows your certificate and denies access (TLS 1.2)")),
    ("client_signature_refused", "", _("The server says that your signature does not fit the certificate")),
    (
        "client_signature_refused",
        "tls12",
        _("The server says that your signature does not fit the certificate (TLS 1.2)"),
    ),
    ("client_handshake_failure", "", _("The server ends the handshake once it has seen your certificate")),
    (
        "client_handshake_failure",
        "tls12",
        _("The server ends the handshake once it has seen your certificate (TLS 1.2)"),
    ),
)
"""What a server can say about a client certificate: in the handshake under TLS 1.2, else after it."""

REHEARSALS: tuple[Rehearsal, ...] = (
    # The proxy
    Rehearsal(
        "proxy_invalid",
        Rung.PROXY,
        "proxy_invalid",
        _("The proxy's address does not say http"),
        Played.PROXY,
        _FAILS,
        "socks5://{host}:{port}",
    ),
    *_rows(
        Rung.PROXY,
        Played.PROXY,
        _FAILS,
        ("proxy_unreachable", "", _("The proxy is not there")),
        ("proxy_silent", "", _("The proxy takes the connection and says nothing")),
        ("proxy_hung_up", "", _("The proxy hangs up")),
        ("proxy_not_http", "", _("The proxy is none: it speaks SSH")),
        ("proxy_wants_login", "", _("The proxy wants a login")),
        ("proxy_forbids", "", _("The proxy forbids the way to the API")),
        ("proxy_refused", "", _("The proxy refuses to open a way")),
    ),
    # The name
    _address(
        "url_invalid", "", Rung.NAME_RESOLUTION, _("The address has a port that is no number"), "https://{host}:port"
    ),
    _address(
        "url_invalid", "plain", Rung.NAME_RESOLUTION, _("The address says http, not https"), "http://{host}:{port}"
    ),
    # An IPv6 address on an interface that does not exist: the resolver says "no such name", and asks nobody.
    _address(
        "name_unknown", "", Rung.NAME_RESOLUTION, _("There is no such name"), "https://[fe80::1%25no-such-link]:{port}"
    ),
    _address(
        "name_unusable",
        "",
        Rung.NAME_RESOLUTION,
        _("The name leads to 0.0.0.0, as where it is blocked"),
        "https://0.0.0.0:{port}",
    ),
    # The way there
    *_rows(
        Rung.TCP_CONNECT,
        Played.PROXY,
        _FAILS,
        ("proxy_cannot_reach", "", _("The proxy cannot reach the API")),
    ),
    *_rows(
        Rung.TCP_CONNECT,
        Played.PORT,
        _FAILS,
        ("connection_refused", "", _("Nothing listens on the port")),
        ("connect_timeout", "", _("Nobody answers on the port, as behind a firewall that drops packets")),
    ),
    # The broadcast address of the loopback network: the system refuses by itself.
    _address(
        "unreachable", "", Rung.TCP_CONNECT, _("There is no route to the address"), "https://127.255.255.255:{port}"
    ),
    # The server's TLS
    *_rows(
        Rung.SERVER_TLS,
        Played.PORT,
        _FAILS,
        ("handshake_timeout", "", _("The server takes the connection and says nothing")),
        ("handshake_timeout", "halfway", _("The server falls silent in the middle of the handshake")),
        ("handshake_timeout", "at_offer", _("The server asks for your certificate, then falls silent (TLS 1.2)")),
        ("reset_in_handshake", "", _("The connection is reset in the handshake")),
        ("closed_in_handshake", "", _("The server hangs up in the handshake")),
        ("not_tls", "", _("Plain HTTP on the port, no TLS")),
        ("not_tls", "ssh", _("SSH on the port, no TLS")),
        ("tls_version_mismatch", "", _("The server speaks TLS 1.1 only")),
        ("no_common_cipher", "", _("The server knows no cipher that you know")),
        ("server_name_refused", "", _("The server does not know its own name")),
        ("handshake_denied", "", _("The server denies access before it has seen your certificate")),
        ("handshake_broken", "", _("The server reports an internal error in the handshake")),
        ("server_self_signed", "", _("The server's certificate is self-signed")),
        ("server_unknown_root", "", _("The server's certificate and its root are of a CA unknown to you")),
        ("server_unknown_ca", "", _("The server's certificate is of a CA unknown to you")),
        ("server_public_ca", "", _("The server's certificate is of a public CA, where the private one is pinned")),
        ("server_ca_namesake", "", _("The server's certificate is of another CA with the name of yours")),
        ("server_chain_incomplete", "", _("The server leaves its intermediate certificate out")),
        ("server_not_yet_valid", "", _("The server's certificate is not valid yet")),
        ("server_expired", "", _("The server's certificate has expired")),
        ("server_wrong_name", "", _("The server's certificate is for another name")),
        ("server_wrong_name", "common_name", _("The server's name is in the common name only")),
        ("server_wrong_purpose", "", _("The server's certificate is one for clients")),
        ("server_weak", "", _("The server's key is too short: RSA with 1024 bits")),
        ("server_ca_invalid", "", _("The server's certificate is signed by one that may not sign")),
        ("server_certificate_malformed", "", _("The signature of the server's certificate is wrong")),
        ("server_untrusted", "", _("The server's certificate demands something that nobody knows")),
    ),
    # The client certificate
    *_rows(
        Rung.CLIENT_CERTIFICATE,
        Played.PORT,
        _WARNS,
        ("client_certificate_not_requested", "", _("The server asks for no client certificate")),
    ),
    *_rows(Rung.CLIENT_CERTIFICATE, Played.PORT, _FAILS, *_ALERTS),
    *_rows(
        Rung.CLIENT_CERTIFICATE,
        Played.PORT,
        _FAILS,
        ("client_handshake_broken", "", _("The server reports an internal error about your certificate")),
        (
            "client_handshake_broken",
            "tls12",
            _("The server reports an internal error about your certificate (TLS 1.2)"),
        ),
        ("closed_without_reason", "", _("The server hangs up after the handshake without a word")),
        ("closed_without_reason", "notify", _("The server ends TLS properly after the handshake, and says no more")),
        ("closed_without_reason", "tls12", _("The server hangs up after the handshake without a word (TLS 1.2)")),
        ("reset_without_reason", "", _("The connection is reset after the handshake")),
        ("reset_without_reason", "tls12", _("The connection is reset after the handshake (TLS 1.2)")),
        ("closed_at_offer", "", _("The server hangs up on seeing your certificate (TLS 1.2)")),
        ("closed_at_offer", "reset", _("The connection is reset on seeing your certificate (TLS 1.2)")),
    ),
    *_rows(
        Rung.CLIENT_CERTIFICATE,
        Played.ANSWER,
        _FAILS,
        ("closed_without_reason", "after_request", _("The server takes the request and hangs up")),
        ("reset_without_reason", "after_request", _("The server takes the request and resets the connection")),
        ("client_certificate_missing_http", "", _("496: no client certificate")),
        ("client_certificate_missing_http", "nginx", _("400: no client certificate, as nginx says it")),
        ("client_certificate_refused_http", "", _("495: client certificate refused")),
        ("client_certificate_refused_http", "json", _("200, and a body with the code 495")),
        ("client_certificate_refused_http", "nginx", _("400: client certificate refused, as nginx says it")),
    ),
    # Login and client ID
    *_rows(
        Rung.AUTHENTICATION,
        Played.ANSWER,
        _OWNER,
        ("login_refused", "", _("401 of the gateway: security checks not passed")),
        ("login_refused", "empty", _("401 without a body")),
        ("application_unauthorised", "", _("401 of the application (code 40100)")),
    ),
    *_rows(
        Rung.CLIENT_ID,
        Played.ANSWER,
        _OWNER,
        ("gateway_forbids", "", _("403 of the gateway")),
        ("forbidden", "", _("403 without a body")),
    ),
    *_rows(
        Rung.CLIENT_ID,
        Played.ANSWER,
        _FAILS,
        ("client_id_missing", "", _("400 of the gateway: no client ID")),
        ("client_id_refused", "", _("401 of the gateway: client ID invalid")),
        ("client_not_subscribed", "", _("401 of the gateway: not registered to a plan")),
        ("client_not_subscribed", "403", _("403 of the gateway: not registered to a plan")),
    ),
    # The answer: how it arrives
    *_rows(
        Rung.ANSWER,
        Played.ANSWER,
        _FAILS,
        ("answer_timeout", "", _("The server takes the request and never answers")),
        ("answer_stalled", "", _("The answer stops in the middle, and the connection stays open")),
        ("answer_stalled", "drip", _("The answer comes one byte at a time")),
        ("answer_cut_off", "", _("The answer breaks off in the middle")),
        ("answer_cut_off", "chunk", _("The answer breaks off between two chunks")),
        ("answer_cut_off", "reset", _("The connection is reset in the middle of the answer")),
        ("answer_garbled", "", _("The answer says that it is gzip, and is not")),
        ("answer_too_large", "", _("The answer is announced as a gigabyte")),
        ("answer_too_large", "endless", _("The answer does not end, and does not say how long it is")),
        ("not_http", "", _("What answers inside TLS is not HTTP")),
        ("headers_too_large", "", _("The answer has a header line of 100 kB")),
        ("headers_too_large", "many", _("The answer has 200 headers")),
    ),
    # The answer: what the application says
    *_rows(
        Rung.ANSWER,
        Played.ANSWER,
        _OWNER,
        ("forbidden_page", "", _("403 with a web page")),
        ("application_forbids", "", _("403 of the application (code 40300)")),
        ("no_status", "", _("404 of the application: no status for the vehicle (code 40400)")),
        ("no_vehicle", "", _("404 of the application: no vehicle (code 40410)")),
        ("no_data", "", _("404 of the application: no data (code 40499)")),
        ("application_finds_nothing", "", _("404 of the application, with a code that is not published")),
        ("application_refuses_request", "", _("400 of the application (code 40000)")),
        ("bad_request", "", _("400 of the gateway")),
    ),
    *_rows(
        Rung.ANSWER,
        Played.ANSWER,
        _FAILS,
        ("empty_answer", "", _("200 without a body")),
        ("empty_answer", "204", _("204, no content")),
        ("html_answer", "", _("200 with a web page")),
        ("not_json", "", _("200, and a text that is not JSON")),
        ("not_json", "cut", _("200, and JSON that breaks off, its length in order")),
        ("not_json", "number", _("200, and JSON with a number that JSON does not know (NaN)")),
        ("not_json", "xml", _("200, and XML")),
        ("not_utf8", "", _("200, and JSON in Latin-1")),
        ("wrong_shape", "", _("200, and JSON of another shape")),
        ("wrong_address", "", _("404 of the gateway: no such path")),
        ("wrong_address", "page", _("404 with a web page")),
        ("wrong_address", "method", _("405: the method is not allowed")),
        ("not_acceptable", "", _("406: nothing acceptable")),
        (
            "plain_http_to_tls",
            "",
            _("What stands behind the server is spoken to in plain HTTP and wants TLS (400, as nginx says it)"),
        ),
        (
            "plain_http_to_tls",
            "status",
            _("What stands behind the server is spoken to in plain HTTP and wants TLS (497)"),
        ),
        ("network_wants_login", "", _("511: the network wants a login first")),
        ("network_wants_login", "proxy", _("407 of a proxy that nobody set")),
        ("misdirected", "", _("421: the server does not serve this name")),
        ("redirected", "", _("302 to a login page")),
        ("redirected", "permanently", _("308 to another address")),
        ("unexpected_status", "", _("418: a status that nobody expects")),
    ),
    Rehearsal(
        "unexpected_media_type",
        Rung.ANSWER,
        "unexpected_media_type",
        _("200, and fleets that are said to be plain text"),
        results={"fleet_owner": Result.WARNING},
    ),
    Rehearsal(
        "no_fleets",
        Rung.ANSWER,
        "no_fleets",
        _("200, and an empty list of fleets"),
        results={"fleet_owner": Result.WARNING},
    ),
    Rehearsal(
        "fleets_listed_unknown_fields",
        Rung.ANSWER,
        "fleets_listed",
        _("200, with fields that nobody knows, to be ignored"),
        results={"fleet_owner": Result.PASSED},
    ),
    *_rows(
        Rung.ANSWER,
        Played.ANSWER,
        _MILDER,
        ("vin_lookup_failed", "", _("500 of the application: VIN lookup failed (code 50038)")),
        ("application_error", "", _("500 of the application (code 50000)")),
        ("request_timeout", "", _("408: the request took too long")),
        ("rate_limited", "", _("429 of the gateway; Retry-After in seconds")),
        ("rate_limited", "date", _("429 of the gateway; Retry-After as a date")),
        ("rate_limited", "older_headers", _("429 of the gateway, with the older rate limit headers")),
        ("rate_limited", "application", _("429 of the application (code 42900)")),
        ("server_error", "", _("500 with a web page")),
        ("bad_gateway", "", _("502 with a web page")),
        ("unavailable", "", _("503; Retry-After in seconds")),
        ("gateway_timeout", "", _("504 with a web page")),
    ),
    # The virtual-key token
    *_rows(
        Rung.TOKEN,
        Played.VIRTUAL_KEY,
        _NO_TOKEN,
        ("virtual_key_missing", "", _("A good answer to the request for a virtual key, and no token in it")),
        ("virtual_key_unreadable", "", _("A virtual-key token that is a number")),
    ),
    *_rows(
        Rung.TOKEN,
        Played.VIRTUAL_KEY,
        _ODD_TOKEN,
        ("virtual_key_flattened", "", _("A virtual-key token whose fields are not nested")),
        ("virtual_key_of_other_type", "", _("A virtual-key token of another type than “bearer”")),
        ("virtual_key_without_type", "", _("A virtual-key token that does not say of what type it is")),
        ("virtual_key_unsigned", "", _("A virtual-key token without a signature")),
    ),
    *_rows(
        Rung.EXPIRY,
        Played.VIRTUAL_KEY,
        _ODD_TOKEN,
        ("virtual_key_expired", "", _("A virtual-key token that ended yesterday")),
        ("virtual_key_expiry_missing", "", _("A virtual-key token that does not say until when it is good")),
        ("virtual_key_expiry_unreadable", "", _("A virtual-key token whose end cannot be read")),
        ("virtual_key_expiries_differ", "", _("A virtual-key token with two ends that differ")),
        ("virtual_key_of_other_duration", "", _("A virtual-key token for half as long as was asked for")),
        ("virtual_key_expiry_once", "", _("A virtual-key token that names its end as an instant only")),
    ),
    # What the answer says beside
    *_rows(
        Rung.RATE_LIMITS,
        Played.ANSWER,
        {"fleet_owner": Result.WARNING},
        ("rate_limits_low", "", _("200, and little of the day's quota is left")),
        ("rate_limits_low", "older_header", _("200, and little of the quota is left, in the older style of header")),
    ),
    *_rows(
        Rung.CLOCK,
        Played.ANSWER,
        {"fleet_owner": Result.WARNING},
        ("clock_behind", "", _("200, and the server's clock is an hour ahead of yours")),
        ("clock_ahead", "", _("200, and the server's clock is an hour behind yours")),
    ),
    *_rows(
        Rung.SERVER_TLS,
        Played.PORT,
        _FAILS,
        ("unknown", "", _("Something that is in no table: an alert with a number of its own")),
    ),
    # The token endpoint
    *_rows(
        Rung.CLIENT_ID,
        Played.TOKEN,
        _DRIVER,
        ("client_unrecognised", "", _("invalid_client: client ID or secret wrong")),
        ("grant_not_allowed", "", _("unauthorized_client: not allowed to ask in this way")),
        ("grant_not_allowed", "type", _("unsupported_grant_type")),
    ),
    *_rows(
        Rung.TOKEN_ENDPOINT,
        Played.TOKEN,
        _DRIVER,
        ("token_request_refused", "", _("invalid_request: the request is wrong")),
        ("token_request_refused", "scope", _("invalid_scope")),
        ("token_endpoint_failing", "", _("server_error, with a 500")),
        ("token_endpoint_failing", "busy", _("temporarily_unavailable, with a 503")),
        ("token_answer_unexpected", "", _("A token, for a code that does not exist")),
        ("unavailable", "token", _("503 of the token endpoint")),
        ("html_answer", "token", _("A web page of the token endpoint")),
        ("answer_cut_off", "token", _("The token endpoint's answer breaks off")),
    ),
)

BY_NAME: Mapping[str, Rehearsal] = {rehearsal.name: rehearsal for rehearsal in REHEARSALS}
PORTS: tuple[Rehearsal, ...] = tuple(rehearsal for rehearsal in REHEARSALS if rehearsal.has_port)
"""Those that have a port of their own, in the order of the ports."""

OWN_FILES = "It lies in the credential set's own files, not in what a server does."
RESOLVER = "Only a name server could play it."
NO_LISTS = "Nothing here reads revocation lists of servers; a client that does would see it."

NO_NAMES = "Python's TLS servers do not name the CAs whose certificates they take; others do."

BY_TEST_ONLY: Mapping[str, str] = {
    "key_mismatch": OWN_FILES,
    "key_type_mismatch": OWN_FILES,
    "key_too_small": OWN_FILES,
    "credential_unreadable": OWN_FILES,
    "ca_is_intermediate": OWN_FILES,
    "name_without_address": RESOLVER,
    "resolver_failing": RESOLVER,
    "resolver_failed": RESOLVER,
    "resolver_timeout": RESOLVER,
    "reset_at_connect": "The system tells of a reset at that moment as of a refusal.",
    "client_chain_unverified": NO_NAMES,
    "server_revoked": NO_LISTS,
    "server_crl_missing": NO_LISTS,
    "invalid_grant": "It is the good answer of the token endpoint.",
}
"""Codes of the catalogue that nothing offers, and why. Tests make them with what stands in for the cause."""
