"""The ladder: which checks a run makes, in which order, and what one check says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onboarding.findings import Word


class Rung(Word):
    """One step of the ladder. The texts are in `onboarding.fleet.messages.RUNG_TITLES`."""

    COMPLETE = "complete"
    KEY_PAIR = "key_pair"
    CERTIFICATE = "certificate"
    COMMON_NAME = "common_name"
    PROXY = "proxy"
    NAME_RESOLUTION = "name_resolution"
    TCP_CONNECT = "tcp_connect"
    SERVER_TLS = "server_tls"
    CLIENT_CERTIFICATE = "client_certificate"
    AUTHENTICATION = "authentication"
    CLIENT_ID = "client_id"
    ANSWER = "answer"
    TOKEN_ENDPOINT = "token_endpoint"  # noqa: S105 - the name of a rung
    TOKEN = "token"  # noqa: S105
    EXPIRY = "expiry"
    CAPABILITIES = "capabilities"
    RATE_LIMITS = "rate_limits"
    CLOCK = "clock"


class Result(Word):
    """How a check ended. A warning does not end a run; not_reached says that nothing was proven either
    way.
    """

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    NOT_REACHED = "not_reached"
    RUNNING = "running"


class Turn(Word):
    """Who can do something about it. operator: whoever runs this portal and set its addresses."""

    PARTNER = "partner"
    MAKER = "maker"
    OPERATOR = "operator"
    NETWORK = "network"
    NOBODY = "nobody"


_SET = (Rung.COMPLETE, Rung.KEY_PAIR, Rung.CERTIFICATE, Rung.COMMON_NAME)
_CONNECTION = (Rung.PROXY, Rung.NAME_RESOLUTION, Rung.TCP_CONNECT, Rung.SERVER_TLS, Rung.CLIENT_CERTIFICATE)
_LAST = (Rung.CAPABILITIES, Rung.RATE_LIMITS, Rung.CLOCK)

VIRTUAL_KEY = "virtual_key"
"""The ladder of a request for a virtual-key token."""

RUNGS: Mapping[str, tuple[Rung, ...]] = {
    "fleet_owner": (*_SET, *_CONNECTION, Rung.AUTHENTICATION, Rung.CLIENT_ID, Rung.ANSWER, *_LAST),
    # Before a driver has consented there is no bearer token: the API's answer proves no more than that the
    # certificate was let in, so the client ID and secret are asked about at the token endpoint.
    "end_user": (*_SET, *_CONNECTION, Rung.ANSWER, Rung.TOKEN_ENDPOINT, Rung.CLIENT_ID, *_LAST),
    # Not a programme, but a request with effect of one of them (`onboarding.fleet.virtual_key`).
    VIRTUAL_KEY: (*_SET, *_CONNECTION, Rung.AUTHENTICATION, Rung.CLIENT_ID, Rung.ANSWER, Rung.TOKEN, Rung.EXPIRY,
                  Rung.RATE_LIMITS, Rung.CLOCK),
}  # fmt: skip
"""Every rung of a programme's ladder, in its order; those of `OPTIONAL` only where there is something to check."""

OPTIONAL = frozenset({Rung.PROXY, Rung.CAPABILITIES})


def rungs(programme: str, optional: Iterable[Rung] = ()) -> tuple[Rung, ...]:
    """Return the rungs of one run, with those optional ones. Raises KeyError for a programme that does not exist."""
    left_out = OPTIONAL.difference(optional)
    return tuple(rung for rung in RUNGS[programme] if rung not in left_out)


Evidence = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Check:
    """What one rung of one run says.

    rung: a value of Rung. code: what was found, a key of `onboarding.fleet.messages.MESSAGES`.
    evidence: plain facts, never secret; the messages are filled from it. ms: time taken, None where none was
    measured.
    """

    rung: str
    code: str
    result: Result
    turn: Turn = Turn.NOBODY
    evidence: Evidence = field(default_factory=dict)
    ms: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON column; `from_json` reads them back."""
        return {
            "rung": str(self.rung),
            "code": self.code,
            "result": str(self.result),
            "turn": str(self.turn),
            "evidence": dict(self.evidence),
            "ms": self.ms,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Check":
        """Read what `to_json` wrote. Raises ValueError for a result or turn that does not exist."""
        return cls(**{**data, "result": Result(data["result"]), "turn": Turn(data["turn"])})


REFUSALS = frozenset({401, 403})
"""HTTP statuses that are never answered by calling again: it could lock the partner's account at the car maker."""


def ended_in_refusal(checks: Iterable[Check]) -> bool:
    """Whether a run ended because a login, a client or a call was refused: it must not be repeated by itself."""
    return any(
        check.result == Result.FAILED
        and (check.rung in (Rung.AUTHENTICATION, Rung.CLIENT_ID) or check.evidence.get("http_status") in REFUSALS)
        for check in checks
    )


_OF_THE_PARTNER_ALONE = frozenset({Turn.PARTNER, Turn.NOBODY})
_OF_EVERYBODY = frozenset({Rung.PROXY, Rung.NAME_RESOLUTION, Rung.TCP_CONNECT, Rung.SERVER_TLS})


def can_be_shared(check: Check) -> bool:
    """Whether a failure like this may have one cause for many partners: the way to the server, or the server.

    Also where each of them could do something about it: a server whose certificate is of another CA now fails for all.
    """
    return check.rung in _OF_EVERYBODY or check.turn not in _OF_THE_PARTNER_ALONE
