"""The bodies and headers of the fleet API: HAL resources and collections, and its three kinds of error.

Source: the public API description (B2B v3, B2C v4), and bodies that its users have reported.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from onboarding.sandbox.exchange import ApiRequest, ApiResponse

HAL = "application/hal+json; charset=utf-8"
JSON = "application/json; charset=utf-8"
GEO_JSON = "application/vnd.geo+json; charset=utf-8"
MAX_PAGE_SIZE = 60

# Application errors: HTTP status and two digits. The first three are the maker's own, as its users have seen
# them; the others are the sandbox's, since the maker publishes no list.
NO_STATUS = 40400
NO_VEHICLE = 40410
NO_DATA = 40499
BAD_PARAMETER = 40000
METHOD_NOT_ALLOWED = 40500
NOT_ACCEPTABLE = 40600
INTERNAL = 50000

# Not of the HTTP standard: the status that servers use for a refused client certificate.
CERTIFICATE_REFUSED = 495


class BadParameter(ValueError):
    """A query parameter does not make sense; the text says which and why."""


def rfc3339(moment: datetime) -> str:
    """Return an instant as the API writes it, in UTC and whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def body(status: int, content: Mapping[str, Any], media_type: str = JSON) -> ApiResponse:
    """Return a response with a JSON body."""
    return ApiResponse(status, {"Content-Type": media_type}, json.dumps(content, ensure_ascii=False).encode("utf-8"))


def hal(content: Mapping[str, Any]) -> ApiResponse:
    """Return a resource or a collection."""
    return body(HTTPStatus.OK, content, HAL)


def link(request: ApiRequest, path: str, **query: str) -> dict[str, str]:
    """Return a HAL link. Like the maker's, it carries no client_id: the caller adds it."""
    return {"href": f"{request.origin}{path}" + (f"?{urlencode(query)}" if query else "")}


def gateway_error(status: int, reason: str, headers: Mapping[str, str] | None = None) -> ApiResponse:
    """Return an error of the gateway, which stands before the application. `httpCode` is a string there."""
    content = {"httpCode": str(status), "httpMessage": HTTPStatus(status).phrase, "moreInformation": reason}
    return body(status, content).with_headers(headers or {})


def application_error(code: int, message: str, request: ApiRequest, now: datetime) -> ApiResponse:
    """Return an error of the application. code: HTTP status and two digits."""
    content = {"code": code, "uuid": request.transaction_id, "message": message, "timestamp": rfc3339(now)}
    return body(code // 100, content)


def certificate_error() -> ApiResponse:
    """Return what a caller sees whose certificate is of the right CA, but not the one for this client ID."""
    return body(CERTIFICATE_REFUSED, {"code": "495", "message": "Invalid or expired client certificate"})


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a collection is asked for.

    offset: of the first item. size: items per page. only: the filter that applies, empty for none.
    """

    offset: int
    size: int
    only: str = ""

    @classmethod
    def read(cls, request: ApiRequest, scope: str, only: str = "") -> "PageRequest":
        """Read pageToken, else pageSize. A token holds all that it needs, the filter too, so it wins.

        scope: to what collection of what client a token belongs.
        Raises BadParameter.
        """
        tokens, sizes = request.values("pageToken"), request.values("pageSize")
        if tokens:
            return cls._from_token(tokens[0], scope)
        if not sizes:
            return cls(0, MAX_PAGE_SIZE, only)
        if not (sizes[0].isascii() and sizes[0].isdigit() and 1 <= int(sizes[0][:9]) <= MAX_PAGE_SIZE):
            raise BadParameter(f"pageSize must be a whole number from 1 to {MAX_PAGE_SIZE}")
        return cls(0, int(sizes[0]), only)

    def token(self, scope: str) -> str:
        """Return this page's opaque token: a checksum, which binds it to its collection, and counters."""
        counters = json.dumps([self.offset, self.size, self.only], separators=(",", ":")).encode()
        return _checksum(scope, counters) + base64.urlsafe_b64encode(counters).decode("ascii").rstrip("=")

    @classmethod
    def _from_token(cls, token: str, scope: str) -> "PageRequest":
        checksum, text = token[:32], token[32:]
        try:
            counters = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (ValueError, binascii.Error):
            counters = b""
        if not counters or _checksum(scope, counters) != checksum:
            raise BadParameter("pageToken is not one that this collection gave out; follow _links.next")
        return cls(*json.loads(counters))


def _checksum(scope: str, counters: bytes) -> str:
    return hashlib.sha256(scope.encode("utf-8") + b"\0" + counters).hexdigest()[:32]


def collection(
    request: ApiRequest, key: str, items: Sequence[Mapping[str, Any]], page: PageRequest, scope: str
) -> ApiResponse:
    """Return one page of `items` as a HAL collection under `_embedded.{key}`."""
    total = len(items)
    offsets = {"self": page.offset, "first": 0}
    if page.offset + page.size < total:
        offsets["next"] = page.offset + page.size
    if page.offset:
        offsets["prev"] = max(0, page.offset - page.size)
    offsets["last"] = (max(total, 1) - 1) // page.size * page.size

    def at(offset: int) -> dict[str, str]:
        return link(request, request.path, pageToken=PageRequest(offset, page.size, page.only).token(scope))

    return hal(
        {
            "_links": {name: at(offset) for name, offset in offsets.items()},
            "total": total,
            "totalPage": -(-total // page.size),
            "currentPage": page.offset // page.size + 1,
            "_embedded": {key: list(items[page.offset : page.offset + page.size])},
        }
    )
