"""The requests that prove a credential set, which answers they take, and how these are read.

What each probe proves, and what it does not:
fleets (fleet owner): certificate, login, client ID and plan, in one call; nothing is left open.
user (end user): that the API lets the certificate in, and answers in its own words. Asked without a driver's token, it
    proves neither the client ID nor a right to anything. That it proves the certificate is our assumption.
token (end user): that the token endpoint recognises client ID and secret. Not that a driver can sign in and consent,
    nor that the redirect address is registered. That a refused code proves this is our assumption.
capabilities (both, for a vehicle that was named): that the API knows this vehicle, and what it can give. For an end
    user's application not that its driver has consented; that it answers without a token is our assumption.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from onboarding.fleet.client import Answer, Call
from onboarding.fleet.faults import (
    BY_CODE,
    OAUTH_STATUSES,
    Fault,
    classify_body,
    classify_response,
    effective_status,
    read_json,
)
from onboarding.fleet.target import CredentialMaterial, Target

# The API's guide asks for the first, its data are the second.
_ACCEPT = {"Accept": "application/json, application/hal+json"}
# An authorisation code that no server ever gave out: RFC 6749 lets a code hold these characters, and
# nobody's does.
IMPOSSIBLE_CODE = "onboarding-check.no-such-code"
_MAX_FLEETS = 2**31


def fleets_call(material: CredentialMaterial, target: Target) -> Call:
    """GET /fleets, with the partner login: the fleet owner's probe."""
    return Call(
        f"{target.api_url.rstrip('/')}/fleets",
        query={"client_id": material.client_id},
        headers=_ACCEPT,
        basic=(material.mzp or "", material.password or ""),
    )


def user_call(material: CredentialMaterial, target: Target) -> Call:
    """GET /user. Without a driver's bearer token it shows no more than whether the client certificate is let in."""
    bearer = {"Authorization": f"Bearer {target.access_token}"} if target.access_token else {}
    return Call(
        f"{target.api_url.rstrip('/')}/user",
        query={"client_id": material.client_id},
        headers={**_ACCEPT, "x-introspect-realm": target.realm or "", **bearer},
    )


def token_call(material: CredentialMaterial, target: Target) -> Call:
    """POST to the token endpoint with a code that cannot exist (RFC 6749, section 4.1.3).

    A server authenticates the client before it looks at the code (section 3.2.1): `invalid_client` means
    that it did not recognise the client, `invalid_grant` that it did.
    """
    return Call(
        target.token_url or "",
        headers={"Accept": "application/json"},
        basic=(material.client_id, material.client_secret or ""),
        form={"grant_type": "authorization_code", "code": IMPOSSIBLE_CODE},
    )


def capabilities_call(material: CredentialMaterial, target: Target) -> Call:
    """GET /vehicles/{vin}: what a vehicle that the partner named can do.

    In the fleet owner's API it is documented, with the partner login. In the end users' API it is named outside the
    specification only; it is asked without a token, since no driver has consented.
    """
    has_login = bool(material.password)
    return Call(
        f"{target.api_url.rstrip('/')}/vehicles/{quote(target.vin or '', safe='')}",
        query={"client_id": material.client_id},
        headers={**_ACCEPT, **({"x-introspect-realm": target.realm} if target.realm else {})},
        basic=(material.mzp or "", material.password or "") if has_login else None,
    )


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a vehicle can do. motorization: the server's word for it; data: how many kinds of data it gives."""

    motorization: str
    data: int


def read_capabilities(answer: Answer, vin: str) -> Capabilities | None:
    """Read the capabilities of this vehicle, ignoring fields we do not know. None where they are another's or none."""
    content = read_json(answer.body)
    if not isinstance(content, dict) or _text(content.get("vin")).upper() != vin.upper():
        return None
    found: Any = content
    for key in ("_embedded", "extension", "onboardCapabilities", "data"):
        found = found.get(key) if isinstance(found, dict) else None
    return Capabilities(_text(content.get("motorization")), len(found) if isinstance(found, list) else 0)


@dataclass(frozen=True, slots=True)
class Fleets:
    """What GET /fleets returned: how many there are in all, and the first one. Texts are the server's."""

    count: int
    first_id: str = ""
    first_name: str = ""


def read_fleets(answer: Answer) -> Fleets | None:
    """Read a page of fleets (a HAL collection), ignoring fields we do not know. None where it has another
    shape.
    """
    content = read_json(answer.body)
    if not isinstance(content, dict):
        return None
    total = content.get("total")
    fleets = _embedded(content)
    if fleets is None and total == 0:
        return Fleets(0)
    if fleets is None or not all(isinstance(fleet, dict) and _text(fleet.get("id")) for fleet in fleets):
        return None
    if not isinstance(total, int) or isinstance(total, bool):
        total = len(fleets)
    if not len(fleets) <= total < _MAX_FLEETS:
        return None
    if not fleets:
        return Fleets(total)
    return Fleets(total, _text(fleets[0]["id"]), _text(fleets[0].get("name")))


def read_user(answer: Answer) -> bool | None:
    """Read what GET /user returns: a HAL resource. None where it is something else."""
    content = read_json(answer.body)
    is_hal = isinstance(content, dict) and any(isinstance(content.get(key), dict) for key in ("_links", "_embedded"))
    return True if is_hal else None


def read_driver(answer: Answer) -> dict[str, str | int]:
    """Read whose account GET /user shows: their name, and how many vehicles are in it."""
    content = read_json(answer.body)
    fields = content if isinstance(content, dict) else {}
    embedded = fields.get("_embedded")
    found = embedded.items() if isinstance(embedded, dict) else ()
    # The API writes this key with a capital.
    vehicles: Any = next((value for key, value in found if key.lower() == "vehicles"), None)
    name = " ".join(filter(None, (_text(fields.get("firstName")), _text(fields.get("lastName")))))
    return {"driver": name, "vehicles": len(vehicles) if isinstance(vehicles, list) else 0}


# Of these an error of the application, of the gateway, or of OAuth has at least one.
_REFUSAL_FIELDS = ("code", "httpCode", "moreInformation", "message", "error")


def read_refusal(answer: Answer) -> bool | None:
    """Read a refusal in the API's own words: an error as JSON, or a challenge for a bearer token without a body, which
    is how a call without one is to be answered (RFC 6750, section 3.1). None where it is something else.
    """
    if not answer.body.strip():
        return True if answer.headers.get("www-authenticate", "").lower().startswith("bearer") else None
    content = read_json(answer.body)
    says = isinstance(content, dict) and any(_text(content.get(name)) for name in _REFUSAL_FIELDS)
    return True if says else None


def read_token(answer: Answer) -> bool | None:
    """Read an access token's answer (RFC 6749, section 5.1), whose token is not kept. None where it is none."""
    content = read_json(answer.body)
    return True if isinstance(content, dict) and _text(content.get("access_token")) else None


def read_token_error(answer: Answer) -> str | None:
    """Read a token endpoint's error (RFC 6749, section 5.2). None where it is something else."""
    content = read_json(answer.body)
    error = content.get("error") if isinstance(content, dict) else None
    return error if isinstance(error, str) and error else None


@dataclass(frozen=True, slots=True)
class Expected:
    """An answer that a probe takes. read: returns None for a body of another shape.

    is_verdict: the answer is an error, and which one it is, is what was asked.
    """

    read: Callable[[Answer, Target], object | None]
    is_verdict: bool = False


_REFUSED = Expected(lambda answer, _: read_refusal(answer))
_NOT_SHOWN = Expected(lambda answer, _: read_refusal(answer), is_verdict=True)
_TOKEN_REFUSED = Expected(lambda answer, _: read_token_error(answer), is_verdict=True)

EXPECTED: Mapping[str, Mapping[int, Expected]] = {
    "fleets": {200: Expected(lambda answer, _: read_fleets(answer))},
    "user": {200: Expected(lambda answer, _: read_user(answer)), **dict.fromkeys((400, 401, 403), _REFUSED)},
    "token": {200: Expected(lambda answer, _: read_token(answer)), **dict.fromkeys(OAUTH_STATUSES, _TOKEN_REFUSED)},
    "capabilities": {
        200: Expected(lambda answer, target: read_capabilities(answer, target.vin or "")),
        **dict.fromkeys((401, 403, 404), _NOT_SHOWN),
    },
}
"""The answers that each probe takes, by status."""


def judge(taken: Mapping[int, Expected], answer: Answer, target: Target, hints: Sequence[str] = ()) -> Fault | None:
    """Return the fault that an answer shows; None for one that has status and shape of what was asked.

    taken: the answers that the call takes, by status. hints: what else is known of our certificate (see the head of
    `onboarding.fleet.faults`).
    """
    fault = classify_response(answer.status, answer.headers, answer.body, hints)
    expected = taken.get(effective_status(answer.status, read_json(answer.body)))
    if expected is None or (fault is not None and fault.is_spelled_out):
        return fault or BY_CODE["unexpected_status"]
    if expected.read(answer, target) is None:
        return classify_body(answer.headers, answer.body)
    return fault if expected.is_verdict else None


def is_called_json(answer: Answer) -> bool:
    """Whether the media type says JSON, in any of its forms; so does an answer without a body."""
    return not answer.body.strip() or "json" in answer.headers.get("content-type", "").lower()


def _embedded(content: Mapping[str, Any]) -> list[Any] | None:
    embedded = content.get("_embedded")
    if not isinstance(embedded, dict):
        return None
    # Some collections of this API write their key with a capital.
    found = next((value for key, value in embedded.items() if key.lower() == "fleets"), None)
    return found if isinstance(found, list) else None


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""
