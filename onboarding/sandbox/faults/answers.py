"""The failures that are an answer to a request: what the API, or the token endpoint, says in place of the truth."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from itertools import chain, repeat
from typing import Any

from onboarding.sandbox import shapes
from onboarding.sandbox.access import BASIC, NO_CLIENT_ID, NO_PLAN, NOT_AUTHENTICATED, UNKNOWN_CLIENT
from onboarding.sandbox.exchange import ApiRequest, ApiResponse, Ending, Script

WAIT_SECONDS = 30
"""What a caller is told to wait, in `Retry-After`."""

GIGABYTE = 1024**3
MOST_BYTES = 64 * 1024**2
"""What of a gigabyte is really sent, to a client that reads it."""

DRIP_SECONDS = 0.2

Failing = Callable[[ApiRequest, datetime], ApiResponse | Script]

HTML = "text/html; charset=utf-8"
TOO_MANY = "Rate Limit exceeded"
_BEGUN: Mapping[str, Any] = {"total": 2, "totalPage": 1, "currentPage": 1, "_embedded": {"fleets": []}}


def _gateway(status: int, reason: str, **headers: str) -> Failing:
    return lambda _request, _now: shapes.gateway_error(status, reason, _named(headers))


def _application(code: int, message: str, **headers: str) -> Failing:
    return lambda request, now: shapes.application_error(code, message, request, now).with_headers(_named(headers))


def _json(status: int, content: Mapping[str, Any], **headers: str) -> Failing:
    return lambda _request, _now: shapes.body(status, content).with_headers(_named(headers))


def _text(status: int, media_type: str, text: str, **headers: str) -> Failing:
    return lambda _request, _now: ApiResponse(status, {"Content-Type": media_type, **_named(headers)}, text.encode())


def _page(status: int, title: str, **headers: str) -> Failing:
    """A web page, as servers before the API make them."""
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<h1>{title}</h1>\r\n</body>\r\n</html>\r\n"
    return _text(status, HTML, page, **headers)


def _empty(status: int, **headers: str) -> Failing:
    return lambda _request, _now: ApiResponse(status, _named(headers))


def _script(*steps: bytes | float, ending: Ending = Ending.CLOSE) -> Failing:
    return lambda _request, _now: Script(steps, ending)


def _endless(head: bytes, part: bytes) -> Failing:
    """As much of it as anybody should read."""
    return lambda _request, _now: Script(chain([head], repeat(part, MOST_BYTES // len(part))))


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _head(*headers: str) -> bytes:
    lines = ("HTTP/1.1 200 OK", f"Content-Type: {shapes.HAL}", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _redirect(status: int, path: str) -> Failing:
    return lambda request, _now: ApiResponse(status, {"Location": f"{request.origin}{path}"})


def _until_a_date(_request: ApiRequest, now: datetime) -> ApiResponse:
    date = format_datetime(now + timedelta(seconds=WAIT_SECONDS), usegmt=True)
    return shapes.gateway_error(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY, {**_USED_UP, "Retry-After": date})


_BODY = json.dumps(_BEGUN).encode("ascii")
_IN_LATIN_1 = '{"total": 1, "_embedded": {"fleets": [{"id": "1", "name": "Dépôt"}]}}'.encode("latin-1")
_CHUNK = b"%x\r\n%s\r\n" % (len(_BODY), _BODY)
_LENGTH = f"Content-Length: {len(_BODY) * 2}"
_CHUNKED = "Transfer-Encoding: chunked"
_FILLING = b" " * 16_384
_USED_UP: Mapping[str, str] = {
    "X-RateLimit-Limit-1": "50000",
    "X-RateLimit-Remaining-1": "0",
    "X-RateLimit-Limit-2": "200",
    "X-RateLimit-Remaining-2": "200",
    "X-RateLimit-Reset": str(WAIT_SECONDS),
}
_OLDER_HEADERS: Mapping[str, str] = {
    "X-RateLimit-Limit": "name=rate-limit-1,150;",
    "X-RateLimit-Remaining": "name=rate-limit-1,0;",
}
_OF_CERTIFICATES = {"code": "495", "message": "Invalid or expired client certificate"}
_RETRY = {"Retry_After": str(WAIT_SECONDS)}

ANSWERS: Mapping[str, Failing] = {
    # About the connection
    "closed_without_reason_after_request": _script(),
    "reset_without_reason_after_request": _script(ending=Ending.RESET),
    "client_certificate_missing_http": _page(496, "496 SSL Certificate Required"),
    "client_certificate_missing_http_nginx": _page(400, "400 No required SSL certificate was sent"),
    "client_certificate_refused_http": lambda _request, _now: shapes.certificate_error(),
    "client_certificate_refused_http_json": _json(200, _OF_CERTIFICATES),
    "client_certificate_refused_http_nginx": _page(400, "400 The SSL certificate error"),
    # Login and client ID
    "login_refused": _gateway(401, NOT_AUTHENTICATED, **BASIC),
    "login_refused_empty": _empty(401, **BASIC),
    "application_unauthorised": _application(40100, "not authenticated"),
    "client_id_missing": _gateway(400, NO_CLIENT_ID),
    "client_id_refused": _gateway(401, UNKNOWN_CLIENT),
    "client_not_subscribed": _gateway(401, NO_PLAN),
    "client_not_subscribed_403": _gateway(403, NO_PLAN),
    "gateway_forbids": _gateway(403, "The client may not use this API."),
    "forbidden": _empty(403),
    # How it arrives
    "answer_timeout": _script(ending=Ending.HOLD),
    "answer_stalled": _script(_head(_LENGTH) + _BODY, ending=Ending.HOLD),
    "answer_stalled_drip": lambda _request, _now: Script(_dripping(_head(f"Content-Length: {GIGABYTE}"))),
    "answer_cut_off": _script(_head(_LENGTH) + _BODY),
    "answer_cut_off_chunk": _script(_head(_CHUNKED) + _CHUNK),
    "answer_cut_off_reset": _script(_head(_LENGTH) + _BODY, ending=Ending.RESET),
    "answer_garbled": _text(200, shapes.HAL, "not gzip at all", Content_Encoding="gzip"),
    "answer_too_large": _endless(_head(f"Content-Length: {GIGABYTE}"), _FILLING),
    "answer_too_large_endless": _endless(_head(_CHUNKED), b"%x\r\n%s\r\n" % (len(_FILLING), _FILLING)),
    "not_http": _script(b"+OK this is a mail server\r\n"),
    "headers_too_large": _script(_head(f"X-Long: {'x' * 100_000}")),
    "headers_too_large_many": _script(_head(*(f"X-Number-{number}: 1" for number in range(200)))),
    # What it says
    "forbidden_page": _page(403, "403 Forbidden"),
    "application_forbids": _application(40300, "this fleet is not yours"),
    "no_status": _application(shapes.NO_STATUS, "status for this vehicle not found"),
    "no_vehicle": _application(shapes.NO_VEHICLE, "no vehicle found"),
    "no_data": _application(shapes.NO_DATA, "no data for this context"),
    "application_finds_nothing": _application(40477, "nothing found"),
    "application_refuses_request": _application(shapes.BAD_PARAMETER, "a parameter does not make sense"),
    "bad_request": _gateway(400, "The request is malformed."),
    "wrong_shape": _json(200, {"vehicles": [{"vin": "VF3SANDBX00000001"}]}),
    "no_fleets": _json(200, {**_BEGUN, "total": 0, "totalPage": 0}),
    "vin_lookup_failed": _application(50038, "account VIN lookup failed"),
    "application_error": _application(shapes.INTERNAL, "internal error"),
    "wrong_address": _gateway(404, "No resource matches this path."),
    "wrong_address_page": _page(404, "404 Not Found"),
    "wrong_address_method": _page(405, "405 Not Allowed", Allow="POST"),
    "not_acceptable": _page(406, "406 Not Acceptable"),
    "plain_http_to_tls": _page(400, "400 The plain HTTP request was sent to HTTPS port"),
    "plain_http_to_tls_status": _page(497, "497 HTTP Request Sent to HTTPS Port"),
    "network_wants_login": _page(511, "511 Network Authentication Required"),
    "network_wants_login_proxy": _page(407, "407 Proxy Authentication Required"),
    "misdirected": _page(421, "421 Misdirected Request"),
    "request_timeout": _page(408, "408 Request Time-out"),
    "rate_limited": _gateway(429, TOO_MANY, **_USED_UP, **_RETRY),
    "rate_limited_date": _until_a_date,
    "rate_limited_older_headers": _gateway(429, TOO_MANY, **_OLDER_HEADERS),
    "rate_limited_application": _application(42900, "too many requests", **_USED_UP, **_RETRY),
    "server_error": _page(500, "500 Internal Server Error"),
    "bad_gateway": _page(502, "502 Bad Gateway"),
    "unavailable": _gateway(503, "The service is being maintained.", **_RETRY),
    "gateway_timeout": _page(504, "504 Gateway Time-out"),
    "redirected": _redirect(302, "/login"),
    "redirected_permanently": _redirect(308, "/connectedcar/v9"),
    "empty_answer": _empty(200),
    "empty_answer_204": _empty(204),
    "html_answer": _page(200, "Sign in to this network"),
    "not_json_number": _text(200, shapes.JSON, '{"total": NaN, "_embedded": {"fleets": []}}'),
    "not_json_xml": _text(200, "application/xml", "<?xml version='1.0'?><fleets total='2'/>"),
    "not_utf8": lambda _request, _now: ApiResponse(200, {"Content-Type": shapes.JSON}, _IN_LATIN_1),
    "not_json": _text(200, shapes.JSON, "total=2"),
    "not_json_cut": _text(200, shapes.JSON, _BODY.decode("ascii")[:40]),
    "unexpected_status": _page(418, "418 I am a teapot"),
}
"""What the API answers, by the failure's name."""

TOKEN_ANSWERS: Mapping[str, Failing] = {
    "client_unrecognised": _json(401, {"error": "invalid_client"}),
    "grant_not_allowed": _json(400, {"error": "unauthorized_client"}),
    "grant_not_allowed_type": _json(400, {"error": "unsupported_grant_type"}),
    "token_request_refused": _json(400, {"error": "invalid_request"}),
    "token_request_refused_scope": _json(400, {"error": "invalid_scope"}),
    "token_endpoint_failing": _json(500, {"error": "server_error"}),
    "token_endpoint_failing_busy": _json(503, {"error": "temporarily_unavailable"}, **_RETRY),
    "token_answer_unexpected": _json(200, {"access_token": "c2FuZGJveA", "token_type": "Bearer", "expires_in": 60}),
    "unavailable_token": _page(503, "503 Service Unavailable", **_RETRY),
    "html_answer_token": _page(200, "Sign in to this network"),
    "answer_cut_off_token": _script(_head(_LENGTH) + _BODY),
}
"""What the token endpoint answers, by the failure's name."""


def _with(response: ApiResponse, _now: datetime, **headers: str) -> ApiResponse:
    return response.with_headers(_named(headers))


def _with_unknown_fields(response: ApiResponse, _now: datetime) -> ApiResponse:
    """Fields that no description has, at each level."""
    content = json.loads(response.body)
    content |= {"x-new": {"since": "tomorrow"}, "_links": content.get("_links", {}) | {"x-new": {"href": "#"}}}
    for items in content.get("_embedded", {}).values():
        for item in items if isinstance(items, list) else ():
            item["xNew"] = True
    return ApiResponse(response.status, response.headers, json.dumps(content).encode("utf-8"))


def _at_another_time(difference: timedelta, response: ApiResponse, now: datetime) -> ApiResponse:
    return response.with_headers({"Date": format_datetime(now + difference, usegmt=True)})


Changing = Callable[[ApiResponse, datetime], ApiResponse]

CHANGES: Mapping[str, Changing] = {
    "unexpected_media_type": partial(_with, Content_Type="text/plain; charset=utf-8"),
    "fleets_listed_unknown_fields": _with_unknown_fields,
    "rate_limits_low": partial(_with, X_RateLimit_Remaining_1="3"),
    "rate_limits_low_older_header": partial(
        _with, X_RateLimit_Limit="name=rate-limit-1,150;", X_RateLimit_Remaining="name=rate-limit-1,3;"
    ),
    "clock_behind": partial(_at_another_time, timedelta(hours=1)),
    "clock_ahead": partial(_at_another_time, timedelta(hours=-1)),
}
"""What becomes of a good answer of the API, by the failure's name."""


def _dripping(head: bytes) -> Iterator[bytes | float]:
    yield head
    yield from _flat(repeat((DRIP_SECONDS, b" "), int(60 / DRIP_SECONDS)))


def _flat(pairs: Iterable[tuple[float, bytes]]) -> Iterator[bytes | float]:
    for pair in pairs:
        yield from pair
