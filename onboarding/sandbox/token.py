"""The token endpoint of the end users' API, and the sandbox's sign of life: TLS without client certificate.

Errors as in RFC 6749, section 5.2. Codes come from the portal's page on which an invented driver consents;
who is recognised and brings another gets `invalid_grant`, which proves the client ID and its secret.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import parse_qs

from onboarding.oauth.grants import GrantRefused, Tokens
from onboarding.sandbox import virtual_keys
from onboarding.sandbox.access import basic_credentials
from onboarding.sandbox.exchange import ApiRequest, ApiResponse, Refusal, Script
from onboarding.sandbox.faults.answers import TOKEN_ANSWERS
from onboarding.sandbox.faults.choosing import chosen, split
from onboarding.sandbox.registry import Grants, NoGrants, Registry
from onboarding.sandbox.shapes import body, gateway_error

TOKEN_PATH = "/am/oauth2/access_token"  # noqa: S105 — a path
REVOKE_PATH = "/am/oauth2/token/revoke"
HEALTH_PATH = "/healthz"
KEY_PATH = "/virtual-key.pem"
PROGRAMME = "end_user"

# By grant type: the parameter that it brings.
GRANTS = {"authorization_code": "code", "refresh_token": "refresh_token"}
NO_GRANTS = NoGrants()

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
BASIC = {"WWW-Authenticate": 'Basic realm="oauth2", charset="UTF-8"'}


def answer(
    request: ApiRequest, registry: Registry, now: datetime, *, fault: str = "", grants: Grants = NO_GRANTS
) -> ApiResponse | Script:
    """Answer one request of the listener that asks for no certificate. fault: the failure that all callers meet."""
    routes: Mapping[str, tuple[str, Callable[[], ApiResponse | Script]]] = {
        TOKEN_PATH: ("POST", lambda: _token(request, registry, grants, now, fault)),
        REVOKE_PATH: ("POST", lambda: _revoke(request, registry, grants, now)),
        HEALTH_PATH: ("GET", _health),
        KEY_PATH: ("GET", _virtual_keys),
    }
    if request.path not in routes:
        return gateway_error(HTTPStatus.NOT_FOUND, "No resource matches this path.")
    method, handle = routes[request.path]
    if request.method != method:
        return gateway_error(HTTPStatus.METHOD_NOT_ALLOWED, f"Only {method} here.", {"Allow": method})
    try:
        return handle()
    except Refusal as refusal:
        return refusal.response


def _health() -> ApiResponse:
    return body(HTTPStatus.OK, {"sandbox": "ok"}).with_headers(NO_STORE)


def _virtual_keys() -> ApiResponse:
    """Return the public half of the key that signs virtual-key tokens."""
    return ApiResponse(HTTPStatus.OK, {"Content-Type": "application/x-pem-file"}, virtual_keys.public_key_pem())


def _token(request: ApiRequest, registry: Registry, grants: Grants, now: datetime, fault: str) -> ApiResponse | Script:
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
    realm = "".join(request.values("realm")[:1])
    try:
        if grant_type == "refresh_token":
            return _given(grants.refresh(client_id, form["refresh_token"], realm, now))
        return _given(grants.exchange(client_id, form["code"], form.get("redirect_uri", ""), now))
    except GrantRefused as refused:
        raise _error(refused.error, str(refused)) from None


def _given(tokens: Tokens) -> ApiResponse:
    """Return tokens as RFC 6749, section 5.1, has them; scopes as the documentation joins them."""
    content = {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": tokens.lifetime,
        "scope": ",".join(tokens.scopes),
    }
    return body(HTTPStatus.OK, content).with_headers(NO_STORE)


def _revoke(request: ApiRequest, registry: Registry, grants: Grants, now: datetime) -> ApiResponse:
    """Take a token away. Both names that the documentation gives the field are read (RFC 7009, section 2)."""
    client_id, secret = basic_credentials(request) or ("", "")
    known = [credential for credential in registry.find(client_id) if credential.programme == PROGRAMME]
    if not any(credential.secret_is(secret) for credential in known):
        raise _error("invalid_client", "client authentication failed", HTTPStatus.UNAUTHORIZED, BASIC)
    form = _form(request)
    token = form.get("token") or form.get("refresh_token")
    if not token:
        raise _error("invalid_request", "token is missing")
    grants.revoke(client_id, token, now)
    return body(HTTPStatus.OK, {}).with_headers(NO_STORE)


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
