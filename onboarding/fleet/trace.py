"""What one connection did: how far it came, how long each stage took, and whom it met."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from onboarding.findings import Word
from onboarding.fleet.der import read_certificate


class Stage(Word):
    """How far a call came. The same error means different things at different stages.

    load: our own certificate and key. proxy: reaching the operator's proxy; tunnel: asking it for a way to the
    server (CONNECT). tls: the handshake, until our certificate goes out, or the word that we have none; offer: from
    then on, until the handshake is over. wait: under TLS 1.3, for a refusal. request: from the request to the end of
    the answer's headers. body: after them.
    """

    LOAD = "load"
    RESOLVE = "resolve"
    PROXY = "proxy"
    TUNNEL = "tunnel"
    CONNECT = "connect"
    TLS = "tls"
    OFFER = "offer"
    WAIT = "wait"
    REQUEST = "request"
    BODY = "body"


class Deadline:
    """An overall limit that every wait of a run is cut to. Counts monotonic seconds from its making."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, zero or less when there are none."""
        return self._end - time.monotonic()

    def remaining(self) -> float:
        """Return the seconds left, always above zero. Raises TimeoutError when there are none."""
        left = self.left()
        if left <= 0:
            raise TimeoutError("the deadline of this run has passed")
        return left


@dataclass(slots=True)
class Trace:
    """A record that a connection fills while it works.

    on_stage: called whenever a stage is entered, in the thread that makes the call.
    ms: milliseconds per stage left. addresses: all that the name has; address: the one that took the connection;
    unreached: those tried before it, each with the error. proxy: host and port of the proxy, if any.
    alert: number of the last TLS alert received (RFC 8446, section 6), close_notify aside.
    certificate_requested: whether the server asked for a client certificate; accepted_issuers: from which CAs, where
    it said so; certificate_sent: whether one was sent then, None where it did not come to that.
    server_chain: the certificates that the server showed, DER, its own first.
    status: of the HTTP answer, once its headers are here; answered_at: then, in
    monotonic seconds.
    """

    host: str = ""
    port: int = 0
    on_stage: Callable[[Stage], None] = lambda _stage: None
    stage: Stage = Stage.LOAD
    ms: dict[Stage, float] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    address: str = ""
    unreached: list[str] = field(default_factory=list)
    proxy: str = ""
    tls_version: str = ""
    cipher: str = ""
    certificate_requested: bool = False
    certificate_sent: bool | None = None
    accepted_issuers: tuple[str, ...] = ()
    server_chain: Sequence[bytes] = ()
    alert: int | None = None
    status: int | None = None
    answered_at: float = 0.0
    _entered: float = field(default_factory=time.perf_counter)

    def enter(self, stage: Stage) -> None:
        """Leave the present stage, noting how long it took, and enter another."""
        self._leave()
        self.stage = stage
        self.on_stage(stage)

    def finish(self) -> None:
        """Note how long the last stage took."""
        self._leave()

    @property
    def may_have_arrived(self) -> bool:
        """Whether the request began to go out: from then on nobody here knows what the server made of it."""
        return self.stage in (Stage.REQUEST, Stage.BODY)

    @property
    def server(self) -> dict[str, str]:
        """Whom the server claims to be, by its certificate, trusted or not: server_subject, server_issuer, and
        server_not_valid_after (ISO 8601, UTC); nothing where it showed none that can be read.
        """
        return dict(_describe(self.server_chain[0])) if self.server_chain else {}

    @property
    def server_names(self) -> str:
        """The names that the server's certificate is for, "none" where it has none; empty where none can be read."""
        try:
            return ", ".join(read_certificate(self.server_chain[0]).names) or "none"
        except (IndexError, ValueError):
            return ""

    def _leave(self) -> None:
        now = time.perf_counter()
        self.ms[self.stage] = self.ms.get(self.stage, 0.0) + (now - self._entered) * 1000
        self._entered = now


@lru_cache(maxsize=64)
def _describe(der: bytes) -> Mapping[str, str]:
    """Say whom a certificate is of. Kept, since few servers are called often."""
    try:
        leaf = read_certificate(der)
        return {
            "server_subject": leaf.subject,
            "server_issuer": leaf.issuer,
            "server_not_valid_after": leaf.not_valid_after.isoformat(),
        }
    except (IndexError, ValueError):
        return {}
