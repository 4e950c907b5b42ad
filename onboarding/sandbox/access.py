"""Who may call: the gateway's checks, in its order, and what it answers to whom it turns away.

1. The request names one client ID, as a query parameter.
2. The client ID is known, and registered to a plan of this API.
3. The client certificate is the one issued with that client ID.
4. Fleet owner: Basic authentication with the MZP and its password. End user: a realm.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import parse_qs

from onboarding.programmes import profile
from onboarding.sandbox.exchange import ApiRequest, Refusal
from onboarding.sandbox.registry import Credential
from onboarding.sandbox.shapes import certificate_error, gateway_error

NO_CLIENT_ID = "No client id: add the query parameter client_id."
CLIENT_ID_IN_BODY = (
    "No client id in the query: client_id came as the body of a GET. With curl, add --get, so that "
    "--data-urlencode makes a query."
)
TWO_CLIENT_IDS = "The query parameter client_id must be given once."
UNKNOWN_CLIENT = "Invalid client id or secret."
NO_PLAN = "The client is not registered to a plan of this API."
NOT_AUTHENTICATED = "The request did not pass the security checks."
BASIC = {"WWW-Authenticate": 'Basic realm="connectedcar", charset="UTF-8"'}
BEARER = {"WWW-Authenticate": 'Bearer realm="connectedcar"'}


def admit(
    request: ApiRequest, programme: str, known: Sequence[Credential], *, asks_for_certificate: bool = True
) -> Credential:
    """Return the credential set that the request came with. Raises Refusal.

    known: those of its client ID. asks_for_certificate: whether the listener does.
    """
    if not known:
        raise unauthorized(UNKNOWN_CLIENT)
    planned = [credential for credential in known if credential.programme == programme]
    if not planned:
        raise unauthorized(NO_PLAN)
    fingerprint = request.peer.fingerprint_sha256 if request.peer else ""
    issued = [credential for credential in planned if fingerprint and credential.certificate_sha256 == fingerprint]
    if not asks_for_certificate:
        issued = planned
    if not issued:
        raise Refusal(certificate_error())
    AUTHENTICATION[programme](request, issued[0])
    return issued[0]


def basic_credentials(request: ApiRequest) -> tuple[str, str] | None:
    """Return user and password of Basic authentication (RFC 7617, UTF-8), None if absent or garbled."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def client_id(request: ApiRequest) -> str:
    """Return what the request says its client ID is. Raises Refusal."""
    given = request.values("client_id")
    if len(given) == 1 and given[0]:
        return given[0]
    if len(given) > 1:
        raise Refusal(gateway_error(HTTPStatus.BAD_REQUEST, TWO_CLIENT_IDS))
    in_body = request.is_form and "client_id" in parse_qs(request.body.decode("utf-8", "replace"))
    raise Refusal(gateway_error(HTTPStatus.BAD_REQUEST, CLIENT_ID_IN_BODY if in_body else NO_CLIENT_ID))


def _mzp_and_password(request: ApiRequest, credential: Credential) -> None:
    user, password = basic_credentials(request) or ("", "")
    is_user = hmac.compare_digest(user.encode("utf-8"), credential.mzp.encode("utf-8"))
    if not (credential.password_is(password) and is_user):
        raise unauthorized(NOT_AUTHENTICATED, BASIC)


def _realm(request: ApiRequest, credential: Credential) -> None:
    realms = [brand.realm for brand in profile(credential.programme).brands]
    # The documentation also writes the realm with a suffix, "…/OTP<Brand>".
    if request.headers.get("x-introspect-realm", "").split("/")[0] not in realms:
        reason = f"The header x-introspect-realm must name a realm: {', '.join(realms)}."
        raise Refusal(gateway_error(HTTPStatus.BAD_REQUEST, reason))


AUTHENTICATION: Mapping[str, Callable[[ApiRequest, Credential], None]] = {
    "fleet_owner": _mzp_and_password,
    "end_user": _realm,
}


def unauthorized(reason: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """Return the gateway's 401, to raise."""
    return Refusal(gateway_error(HTTPStatus.UNAUTHORIZED, reason, headers))
