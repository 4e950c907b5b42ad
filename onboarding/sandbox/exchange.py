"""What goes in and out of the sandbox, free of any web framework."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class Peer:
    """The client certificate that came with a connection, and the connection's TLS parameters.

    fingerprint_sha256: of the DER certificate, lower-case hexadecimal. subject: as in RFC 4514.
    """

    common_name: str
    serial_number: int
    fingerprint_sha256: str
    subject: str
    tls_version: str
    cipher: str


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request.

    path: decoded. query: decoded pairs, in their order. headers: names in lower case.
    peer: None on the listener that asks for no certificate.
    origin: scheme, host and port, as the client named them.
    transaction_id: 32 hexadecimal digits, new for each request.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: Peer | None = None
    origin: str = "https://localhost"
    transaction_id: str = "0" * 32

    def values(self, name: str) -> list[str]:
        """Return all values of a query parameter."""
        return [value for key, value in self.query if key == name]

    @property
    def is_form(self) -> bool:
        """Whether the body is declared as a form."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower() == FORM


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """One response; `headers` includes Content-Type where there is a body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def with_headers(self, extra: Mapping[str, str]) -> "ApiResponse":
        """Return the same response with further headers."""
        return ApiResponse(self.status, {**self.headers, **extra}, self.body)


class Ending(Enum):
    """How a scripted answer ends. hold: the connection stays open, and nothing more comes."""

    CLOSE = "close"
    RESET = "reset"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Script:
    """An answer that no HTTP server would give: what is sent inside TLS, byte by byte.

    steps: bytes to send, or seconds to wait; read as they are played, so they may be many.
    """

    steps: Iterable[bytes | float]
    ending: Ending = Ending.CLOSE


class Refusal(Exception):
    """A request is answered with this error and goes no further."""

    def __init__(self, response: ApiResponse) -> None:
        super().__init__(response.status)
        self.response = response


FORM = "application/x-www-form-urlencoded"
