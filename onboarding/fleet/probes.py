"""The requests that prove a credential set, and how their answers are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from onboarding.fleet.client import Answer, Call
from onboarding.fleet.faults import read_json
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
    """GET /user without a bearer token: shows no more than whether the client certificate is let in."""
    return Call(
        f"{target.api_url.rstrip('/')}/user",
        query={"client_id": material.client_id},
        headers={**_ACCEPT, "x-introspect-realm": target.realm or ""},
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


def _embedded(content: Mapping[str, Any]) -> list[Any] | None:
    embedded = content.get("_embedded")
    if not isinstance(embedded, dict):
        return None
    # Some collections of this API write their key with a capital.
    found = next((value for key, value in embedded.items() if key.lower() == "fleets"), None)
    return found if isinstance(found, list) else None


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""
