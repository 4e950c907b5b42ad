"""Virtual-key tokens of the sandbox: random, good for nothing, and signed so that a program can practise checking one.

The signature is Ed25519 (RFC 8032), over the token, a line break, and its end, as the answer writes both. What the
maker signs, and how, is not published. The key follows from SECRET_KEY, so that it stays the same while the sandbox
comes and goes; its public half is at `/virtual-key.pem` of the token endpoint's listener.
"""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from onboarding.sandbox.exchange import ApiRequest, ApiResponse
from onboarding.sandbox.shapes import body, rfc3339

PATH = "/fleets/virtualkey/smartaccess/token"
DEFAULT_SECONDS = 86_400
LONGEST_SECONDS = 366 * 86_400  # the sandbox's own: the maker names none
TOKEN_BYTES = 32


class BadRequest(ValueError):
    """The body is not what this request takes; the text says why, and holds nothing of it."""


def read(request: ApiRequest) -> int:
    """Check the body, and return for how many seconds a token is asked. Raises BadRequest."""
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadRequest("the body must be JSON") from None
    car_token = content.get("carToken") if isinstance(content, dict) else None
    if not isinstance(car_token, dict):
        raise BadRequest("carToken is missing")
    for name in ("CarData", "CarData_signature"):
        value = car_token.get(name)
        if not isinstance(value, str) or not value:
            raise BadRequest(f"carToken.{name} is missing")
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest(f"carToken.{name} is not Base64") from None
    return _seconds(content.get("duration", DEFAULT_SECONDS))


def _seconds(duration: object) -> int:
    """Read a duration: the documents write it as a text, and call it a number."""
    if isinstance(duration, str) and duration.isascii() and duration.lstrip("-").isdigit():
        duration = int(duration[:20])
    if not isinstance(duration, int) or isinstance(duration, bool):
        raise BadRequest("duration must be a whole number of seconds")
    if not 0 < duration <= LONGEST_SECONDS:
        raise BadRequest(f"duration must be from 1 to {LONGEST_SECONDS} seconds")
    return duration


def granted(seconds: int, now: datetime) -> ApiResponse:
    """Return the answer with a new token."""
    token = base64.b64encode(secrets.token_bytes(TOKEN_BYTES)).decode("ascii")
    expires = rfc3339(now + timedelta(seconds=seconds))
    content = {
        "token": {"access_token": token, "expires": expires, "expires_in": str(seconds), "token_type": "bearer"},
        "token_signature": base64.b64encode(_signing_key().sign(signed_bytes(token, expires))).decode("ascii"),
    }
    return body(HTTPStatus.OK, content).with_headers({"Cache-Control": "no-store"})


def signed_bytes(token: str, expires: str) -> bytes:
    """Return what the signature is over."""
    return f"{token}\n{expires}".encode("ascii")


def public_key_pem() -> bytes:
    """Return what a signature is checked with."""
    return _signing_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _signing_key() -> Ed25519PrivateKey:
    seed = hmac.digest(settings.SECRET_KEY.encode(), b"onboarding sandbox: virtual-key tokens", "sha256")
    return Ed25519PrivateKey.from_private_bytes(seed)


Alter = Callable[[dict[str, Any], datetime], Mapping[str, Any]]


def _altered(alter: Alter, response: ApiResponse, now: datetime) -> ApiResponse:
    return body(response.status, alter(json.loads(response.body), now))


def _with(**fields: Any) -> Callable[[ApiResponse, datetime], ApiResponse]:
    """Put other values into the token, or take out those that are None."""

    def alter(content: dict[str, Any], _now: datetime) -> Mapping[str, Any]:
        token = {name: value for name, value in (content["token"] | fields).items() if value is not None}
        return content | {"token": token}

    return partial(_altered, alter)


def _for(content: dict[str, Any], now: datetime, *, times: float, both: bool = True) -> Mapping[str, Any]:
    """Let the token be good for so many times as long as was asked for; both: in either field."""
    seconds = int(int(content["token"]["expires_in"]) * times)
    token = content["token"] | {"expires": rfc3339(now + timedelta(seconds=seconds))}
    return content | {"token": token | ({"expires_in": str(seconds)} if both else {})}


_YESTERDAY = -86_400

CHANGES: Mapping[str, Callable[[ApiResponse, datetime], ApiResponse]] = {
    "virtual_key_missing": partial(_altered, lambda content, _now: {"token_signature": content["token_signature"]}),
    "virtual_key_unreadable": _with(access_token=8_128),
    "virtual_key_flattened": partial(
        _altered, lambda content, _now: content["token"] | {"token_signature": content["token_signature"]}
    ),
    "virtual_key_of_other_type": _with(token_type="mac"),  # noqa: S106 - a type
    "virtual_key_without_type": _with(token_type=None),
    "virtual_key_unsigned": partial(_altered, lambda content, _now: {"token": content["token"]}),
    "virtual_key_expired": partial(
        _altered,
        lambda content, now: (
            content
            | {
                "token": content["token"]
                | {"expires": rfc3339(now + timedelta(seconds=_YESTERDAY)), "expires_in": str(_YESTERDAY)}
            }
        ),
    ),
    "virtual_key_expiry_missing": _with(expires=None, expires_in=None),
    "virtual_key_expiry_unreadable": _with(expires="tomorrow", expires_in="a day"),
    "virtual_key_expiries_differ": partial(_altered, partial(_for, times=2, both=False)),
    "virtual_key_of_other_duration": partial(_altered, partial(_for, times=0.5)),
    "virtual_key_expiry_once": _with(expires_in=None),
}
"""What becomes of a good answer, by the failure's name."""
