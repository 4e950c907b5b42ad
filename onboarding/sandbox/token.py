"""The token endpoint of the end users' API, and the sandbox's sign of life: TLS without client certificate.

Errors as in RFC 6749, section 5.2. Nobody can sign in and consent here, so no authorisation code and no
refresh token exists: who is recognised gets `invalid_grant`, which proves the client ID and its secret.
"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import parse_qs

from onboarding.sandbox import virtual_keys
from onboarding.sandbox.access import basic_credentials
from onboarding.sandbox.exchange import ApiRequest, ApiResponse, Refusal, Script
from onboarding.sandbox.faults.answers import TOKEN_ANSWERS
from onboarding.sandbox.faults.choosing import chosen, split
from onboarding.sandbox.registry import Registry
from onboarding.sandbox.shapes import body, gateway_error

TOKEN_PATH = "/am/oauth2/access_token"  # noqa: S105 — a path
HEALTH_PATH = "/healthz"
KEY_PATH = "/virtual-key.pem"
PROGRAMME = "end_user"

# By grant type: the parameter that it brings, which is never one that we gave out.
GRANTS = {"authorization_code": "code", "refresh_token": "refresh_token"}

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
BASIC = {"WWW-Authenticate": 'Basic realm="oauth2", charset="UTF-8"'}


def answer(request: ApiRequest, registry: Registry, now: datetime, *, fault: str = "") -> ApiResponse | Script:
    """Answer one request of the listener that asks for no certificate. fault: the failure that all callers meet."""
    routes = {TOKEN_PATH: ("POST", _token), HEALTH_PATH: ("GET", _health), KEY_PATH: ("GET", _virtual_keys)}
    if request.path not in routes:
        return gateway_error(HTTPStatus.NOT_FOUND, "No resource matches this path.")
    method, handle = routes[request.path]
    if request.method != method:
        return gateway_error(HTTPStatus.METHOD_NOT_ALLOWED, f"Only {method} here.", {"Allow": method})
    try:
        return handle(request, registry, now, fault)
    except Refusal as refusal:
        return refusal.response


def _health(_request: ApiRequest, _registry: Registry, _now: datetime, _fault: str) -> ApiResponse:
    return body(HTTPStatus.OK, {"sandbox": "ok"}).with_headers(NO_STORE)


def _virtual_keys(_request: ApiRequest, _registry: Registry, _now: datetime, _fault: str) -> ApiResponse:
    """Return the public half of the key that signs virtual-key tokens."""
    return ApiResponse(HTTPStatus.OK, {"Content-Type": "application/x-pem-file"}, virtual_keys.public_key_pem())


def _token(request: ApiRequest, registry: Registry, now: datetime, fault: str) -> ApiResponse | Script:
    given, secret = basic_credentials(request) or ("", "")
    client_id, named = split(given)
    known = [credential for credential in registry.find(client_id) if credential.programme == PROGRAMME]
    fault = fault or chosen(named, known)
    if fault in TOKEN_ANSWERS:
        return TOKEN_ANSWERS[fault](request, now)
    if not any(credential.secret_is(secret) for credential in known):
        status = HTTPStatus.UNAUTHORIZED
        raise _error("invalid_client", "client authentication failed", status, BASIC)
    form = _form(request)
    grant_type = form.get("grant_type")
    if not grant_type:
        raise _error("invalid_request", "grant_type is missing")
    if grant_type not in GRANTS:
        raise _error("unsupported_grant_type", f"grant_type must be one of: {', '.join(GRANTS)}")
    if not form.get(GRANTS[grant_type]):
        raise _error("invalid_request", f"{GRANTS[grant_type]} is missing")
    raise _error("invalid_grant", f"this {GRANTS[grant_type]} does not exist or has expired")


def _form(request: ApiRequest) -> dict[str, str]:
    """Return the form's parameters, none of which may come twice (RFC 6749, section 3.2). Raises Refusal."""
    if not request.is_form:
        raise _error("invalid_request", "the body must be application/x-www-form-urlencoded")
    try:
        fields = parse_qs(request.body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise _error("invalid_request", "the body is not a form") from None
    for name, values in fields.items():
        if len(values) > 1:
            raise _error("invalid_request", f"{name!a} is given more than once")
    return {name: values[0] for name, values in fields.items()}


def _error(
    error: str,
    description: str,
    status: int = HTTPStatus.BAD_REQUEST,
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    content = {"error": error, "error_description": description}
    return Refusal(body(status, content).with_headers({**NO_STORE, **(headers or {})}))
