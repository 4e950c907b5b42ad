"""A virtual-key token: the request, what its answer holds, and the run up the ladder that fetches it.

Source: the page on the virtual key, published until December 2019. Its texts and its example contradict one another:
`access_token` is a UUID here and Base64 there, fields are nested or flat, the type is written in two ways. So the
request follows the example, and the answer is read in each shape.

The request has an effect, the token. So it goes out once: nothing is repeated from the moment on at which it may have
arrived. Until then, while no connection stands, what may pass is tried again as in any run.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from onboarding.fleet import diagnosis, probes
from onboarding.fleet.checks import VIRTUAL_KEY, Check, Result, Rung, Turn
from onboarding.fleet.client import Answer, Call
from onboarding.fleet.faults import read_json
from onboarding.fleet.material import MakeChecks
from onboarding.fleet.retry import POLICY, Policy
from onboarding.fleet.target import CredentialMaterial, Programme, Target

PATH = "/fleets/virtualkey/smartaccess/token"
DEFAULT_SECONDS = 24 * 3600
"""What the documents call the default, and mark as required all the same."""
LONGEST_SECONDS = 366 * 24 * 3600
"""No limit is documented. Nobody means more than a year: whoever says so has mistaken the unit."""
MAX_CHARACTERS = 16_384
"""Of CarData, and of its signature. No size is documented; the examples have eight."""

TOLERANCE = timedelta(seconds=60)
"""By which `expires` and `expires_in`, or what was asked for and what came, may differ."""


class BadBase64(ValueError):
    """A text is not what the SDK hands out. code: empty, too_long, url_safe, characters or cut_off; found: where it is
    about characters, those that Base64 does not have.
    """

    def __init__(self, code: str, found: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.found = found


_OTHERS = re.compile(r"[^A-Za-z0-9+/=]")


def read_base64(text: str) -> str:
    """Return a Base64 text without the line breaks and blanks that pasting brings. Raises BadBase64.

    Nothing else is changed: it is signed, and what it holds is the car maker's secret.
    """
    if len(text) > 2 * MAX_CHARACTERS:
        raise BadBase64("too_long")
    found = "".join(text.split()).strip("\"'")
    if not found:
        raise BadBase64("empty")
    if len(found) > MAX_CHARACTERS:
        raise BadBase64("too_long")
    strange = dict.fromkeys(_OTHERS.findall(found))
    if strange and strange.keys() <= {"-", "_"}:
        raise BadBase64("url_safe", " ".join(strange))
    if strange:
        raise BadBase64("characters", " ".join([one for one in strange if one.isprintable()][:5]))
    try:
        decoded = base64.b64decode(found, validate=True)
    except binascii.Error:
        raise BadBase64("cut_off") from None
    if not decoded:
        raise BadBase64("empty")
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """What a token is asked for with. seconds: how long it is to be good. Its repr shows nothing."""

    car_data: str = field(repr=False)
    signature: str = field(repr=False)
    seconds: int = DEFAULT_SECONDS

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no check may show."""
        return self.car_data, self.signature


def body(asked: Asked) -> bytes:
    """Return the request's body as the documents' example has it: the duration is a text."""
    content = {
        "carToken": {"CarData": asked.car_data, "CarData_signature": asked.signature},
        "duration": str(asked.seconds),
    }
    return json.dumps(content, separators=(",", ":")).encode("ascii")


def call(material: CredentialMaterial, target: Target, asked: Asked) -> Call:
    """POST the request, with the partner login. It is made once."""
    return Call(
        f"{target.api_url.rstrip('/')}{PATH}",
        query={"client_id": material.client_id},
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        basic=(material.mzp or "", material.password or ""),
        content=body(asked),
        once=True,
    )


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it came. Its repr shows no secret.

    expires: when it ends; None where the answer does not say, or not so that it can be read. signature: of the token,
    by whoever granted it; empty where there was none. remarks: codes of what is odd about the answer.
    """

    value: str = field(repr=False)
    kind: str
    expires: datetime | None
    signature: str = field(default="", repr=False)
    remarks: tuple[str, ...] = ()


class NoToken(ValueError):
    """The answer holds no token. code: of the catalogue's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read(answer: Answer, asked: Asked, now: datetime) -> Token:
    """Read an answer. now: aware; when it came. Raises NoToken.

    Taken as well as what the example shows: the fields without their nesting, as the documents' table has them, times
    in any form of ISO 8601, seconds as a number, the type in any case.
    """
    content = read_json(answer.body)
    if not isinstance(content, dict):
        raise NoToken("virtual_key_of_other_shape")
    nested = content.get("token")
    if isinstance(nested, dict):
        fields, remarks = nested, []
    elif isinstance(nested, str) or "access_token" in content:
        fields, remarks = {"access_token": nested, **content}, ["virtual_key_flattened"]
    elif nested is not None:
        raise NoToken("virtual_key_of_other_shape")
    else:
        raise NoToken("virtual_key_missing")
    value = fields.get("access_token")
    if value is None or value == "":
        raise NoToken("virtual_key_missing")
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise NoToken("virtual_key_unreadable")
    kind, signature = fields.get("token_type"), content.get("token_signature", fields.get("token_signature"))
    if not isinstance(kind, str) or kind.strip().lower() != "bearer":
        remarks.append("virtual_key_of_other_type" if kind else "virtual_key_without_type")
    if not isinstance(signature, str) or not signature.strip():
        remarks.append("virtual_key_unsigned")
        signature = ""
    expires, doubts = _expiry(fields, asked, now)
    shown = kind.strip() if isinstance(kind, str) else ""
    return Token(value.strip(), shown[:40], expires, signature.strip(), (*remarks, *doubts))


def _expiry(fields: Mapping[str, Any], asked: Asked, now: datetime) -> tuple[datetime | None, list[str]]:
    """Return when the token ends, and what is odd about it. Of two that differ the earlier counts."""
    at, seconds = _moment(fields.get("expires")), _seconds(fields.get("expires_in"))
    by_seconds = now + timedelta(seconds=seconds) if seconds is not None else None
    known = [moment for moment in (at, by_seconds) if moment is not None]
    unreadable = (at is None and "expires" in fields) or (by_seconds is None and "expires_in" in fields)
    if not known:
        return None, ["virtual_key_expiry_unreadable" if unreadable else "virtual_key_expiry_missing"]
    expires = min(known)
    doubts = []
    if expires <= now:
        doubts.append("virtual_key_expired")
    if at and by_seconds and abs(at - by_seconds) > TOLERANCE:
        doubts.append("virtual_key_expiries_differ")
    elif not doubts and abs(expires - now - timedelta(seconds=asked.seconds)) > TOLERANCE:
        doubts.append("virtual_key_of_other_duration")
    if unreadable:
        doubts.append("virtual_key_expiry_unreadable")
    elif len(known) == 1:
        doubts.append("virtual_key_expiry_once")
    return expires, doubts


_FAR = 100 * LONGEST_SECONDS


def _seconds(value: object) -> int | None:
    """Read a number of seconds, written as a number or as a text."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,12}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _FAR:
        return None
    return int(value) if value == int(value) else None


def _moment(value: object) -> datetime | None:
    """Read a time; one without a zone is taken as UTC, as the API writes all others."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_TAKEN = probes.Expected(lambda answer, _target: True if isinstance(read_json(answer.body), dict) else None)
EXPECTED: Mapping[int, probes.Expected] = {200: _TAKEN, 201: _TAKEN}
"""The answers that are read on: JSON, of whatever shape. The documents name no status; 201 is what a token made could
come with.
"""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a fault means here, where that is not what it means of a call that reads."""

    code: str
    turn: Turn


MEANINGS: Mapping[str, Meaning] = {
    **dict.fromkeys(
        ("bad_request", "application_refuses_request"), Meaning("virtual_key_request_refused", Turn.PARTNER)
    ),
    **dict.fromkeys(("gateway_forbids", "forbidden"), Meaning("virtual_key_not_allowed", Turn.MAKER)),
    "application_forbids": Meaning("virtual_key_vehicle_forbidden", Turn.MAKER),
    "wrong_address": Meaning("virtual_key_not_offered", Turn.MAKER),
    **dict.fromkeys(
        ("no_status", "no_vehicle", "no_data", "application_finds_nothing"),
        Meaning("virtual_key_vehicle_unknown", Turn.PARTNER),
    ),
    "wrong_shape": Meaning("virtual_key_of_other_shape", Turn.MAKER),
}
"""By the fault's code. All others mean what they always mean (`onboarding.fleet.faults`)."""

_REMARKS: Mapping[str, Rung] = {
    "virtual_key_flattened": Rung.TOKEN,
    "virtual_key_of_other_type": Rung.TOKEN,
    "virtual_key_without_type": Rung.TOKEN,
    "virtual_key_unsigned": Rung.TOKEN,
    "virtual_key_expired": Rung.EXPIRY,
    "virtual_key_expiry_missing": Rung.EXPIRY,
    "virtual_key_expiry_unreadable": Rung.EXPIRY,
    "virtual_key_expiries_differ": Rung.EXPIRY,
    "virtual_key_of_other_duration": Rung.EXPIRY,
    "virtual_key_expiry_once": Rung.EXPIRY,
}
"""Where each oddity is told of. With one the token is handed over all the same, since it was granted."""

CODES = frozenset({meaning.code for meaning in MEANINGS.values()} | _REMARKS.keys()) | {
    "virtual_key_missing",
    "virtual_key_unreadable",
    "virtual_key_read",
    "virtual_key_expiry_read",
}
"""Every code of this module."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """How a request ended. token: None where none was granted, as far as anybody here knows."""

    report: diagnosis.Report
    token: Token | None = None

    @property
    def is_uncertain(self) -> bool:
        """Whether a token may have been granted that nobody received."""
        return self.token is None and any(check.evidence.get("uncertain") == "yes" for check in self.report.checks)


@dataclass(frozen=True, slots=True)
class _Asking:
    """The programme of such a run: the set's, with a ladder and a probe of its own."""

    credentials: tuple[str, ...]
    id: str = VIRTUAL_KEY
    probes: tuple[str, ...] = (VIRTUAL_KEY,)


def asking(programme: Programme) -> Programme:
    """Return what a run for a token has to know of the programme."""
    return _Asking(tuple(programme.credentials))


def obtain(
    material: CredentialMaterial,
    target: Target,
    asked: Asked,
    *,
    checks: MakeChecks,
    now: datetime,
    deadline: float,
    on_request: Callable[[], None] = lambda: None,
    on_check: diagnosis.OnCheck = lambda _checks: None,
    policy: Policy = POLICY,
) -> Obtained:
    """Ask for a token, explaining each step as `onboarding.fleet.diagnosis.diagnose` does.

    on_request: called when the connection stands, before the request goes out; what it raises keeps it from going.
    Otherwise as `diagnose`.
    """
    found: list[Token] = []
    report = diagnosis.diagnose(
        replace(material, programme=asking(material.programme)),
        target,
        checks=checks,
        now=now,
        deadline=deadline,
        on_check=on_check,
        policy=policy,
        by_name={VIRTUAL_KEY: partial(_probe, asked, on_request, found)},
        secrets=asked.secrets,
    )
    return Obtained(report, found[0] if found else None)


def _probe(asked: Asked, on_request: Callable[[], None], found: list[Token], run: diagnosis.Run) -> None:
    """Settle the rungs from the login to the token's end."""
    outcome, answer = run.api_call(EXPECTED, call(run.material, run.target, asked), on_request)
    fault = outcome.fault
    if fault is None or fault.proven:
        run.accept_login(outcome)
    if fault is not None:
        meaning = MEANINGS.get(fault.code, Meaning(fault.code, fault.turn))
        rung = fault.rung if run.ladder.has(fault.rung) else Rung.ANSWER
        said = {**run.said(outcome), "asked_seconds": asked.seconds}
        check = Check(rung, meaning.code, Result.FAILED, meaning.turn, said)
        run.stop(check, outcome.ms if rung == Rung.ANSWER else None)
    said = run.said(outcome)
    try:
        token = read(answer, asked, run.now())
    except NoToken as none:
        run.ladder.settle(_answered(answer, said), outcome.ms)
        run.stop(Check(Rung.TOKEN, none.code, Result.FAILED, Turn.MAKER, {**said, "uncertain": "yes"}))
    found.append(token)
    run.ladder.settle(_answered(answer, said), outcome.ms)
    for check in _told(token, asked):
        run.ladder.settle(check)


def _answered(answer: Answer, said: Mapping[str, str | int]) -> Check:
    if not probes.is_called_json(answer):
        return Check(Rung.ANSWER, "unexpected_media_type", Result.WARNING, Turn.MAKER, {"content_type": "", **said})
    return Check(Rung.ANSWER, "virtual_key_answered", Result.PASSED, evidence=said)


def _told(token: Token, asked: Asked) -> Iterator[Check]:
    """Say of a token what is odd about it, or that nothing is; the remark that counts most, at each rung."""
    evidence: Mapping[Rung, Mapping[str, str | int]] = {
        Rung.TOKEN: {"token_type": token.kind, "signed": "yes" if token.signature else "no"},
        Rung.EXPIRY: {
            "expires": token.expires.strftime("%Y-%m-%dT%H:%M:%SZ") if token.expires else "",
            "asked_seconds": asked.seconds,
        },
    }
    for rung, good in ((Rung.TOKEN, "virtual_key_read"), (Rung.EXPIRY, "virtual_key_expiry_read")):
        shown = {name: value for name, value in evidence[rung].items() if value != ""}
        remark = next((one for one in token.remarks if _REMARKS[one] == rung), None)
        if remark is None:
            yield Check(rung, good, Result.PASSED, evidence=shown)
        else:
            yield Check(rung, remark, Result.WARNING, Turn.MAKER, shown)
