"""The fleet API itself: which path is answered with what. One table of routes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from onboarding.enrolment.drivers import DRIVERS, Driver
from onboarding.oauth.grants import Granted
from onboarding.programmes import brands, profile
from onboarding.sandbox import shapes, virtual_keys
from onboarding.sandbox.access import BEARER, NOT_AUTHENTICATED, admit, client_id, unauthorized
from onboarding.sandbox.exchange import ApiRequest, ApiResponse, Peer, Refusal, Script
from onboarding.sandbox.faults.answers import ANSWERS, CHANGES, Changing
from onboarding.sandbox.faults.choosing import chosen, split
from onboarding.sandbox.fleetdata import Fleet, Vehicle, fleets_of, shared_vehicle, status, vehicles_of
from onboarding.sandbox.limits import RateLimiter
from onboarding.sandbox.registry import Grants, NoGrants, Registry

ACCEPTABLE = ("*/*", "application/*", "application/json", "application/hal+json", "application/vnd.geo+json")
NO_SUCH_PATH = "No resource matches this path."
TOO_MANY = "The rate limit is exceeded; see Retry-After."
OTHER_REALM = "The access token is of another realm: x-introspect-realm must be that of the driver's brand."
NOT_GRANTED = "The driver did not grant what this needs: {scope}."
NO_GRANTS = NoGrants()

# What a vehicle's telemetry can hold in the sandbox, as the scopes that the API lists for it.
ONBOARD_DATA = (
    "data:telemetry:vehicle:ignition",
    "data:telemetry:vehicle:energies",
    "data:telemetry:vehicle:odometer",
    "data:telemetry:vehicle:kinetic",
    "data:telemetry:vehicle:doorsState",
    "data:telemetry:vehicle:battery",
    "data:telemetry:privacy",
    "data:position",
)


@dataclass(frozen=True, slots=True)
class Call:
    """An admitted request. values: what the path's placeholders stand for. grants: where drivers' tokens are known."""

    request: ApiRequest
    client_id: str
    values: Mapping[str, str]
    now: datetime
    grants: Grants = NO_GRANTS

    @property
    def base(self) -> str:
        """The API's path, as far as /fleets or /vehicles."""
        return profile("fleet_owner").api_path

    @property
    def fleets(self) -> tuple[Fleet, ...]:
        """The caller's fleets."""
        return fleets_of(self.client_id)

    def fleet(self) -> Fleet:
        """Return the fleet that the path names. Raises Refusal."""
        for fleet in self.fleets:
            if fleet.id == self.values["fid"]:
                return fleet
        raise self.absent(shapes.NO_DATA, "no data for this context")

    def vehicle(self, code: int, message: str) -> tuple[Fleet, Vehicle]:
        """Return the vehicle that the path names, with its fleet. Raises Refusal with that code."""
        fleet = self.fleet()
        for vehicle in fleet.vehicles:
            if vehicle.id == self.values["vid"]:
                return fleet, vehicle
        raise self.absent(code, message)

    def granted(self, scope: str = "") -> Granted:
        """Return what the driver granted whose token came along. scope: without which there is no answer.

        Raises Refusal (RFC 6750, section 3.1).
        """
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized(NOT_AUTHENTICATED, BEARER)
        found = self.grants.whose(self.client_id, token.strip(), self.now)
        realm = self.request.headers.get("x-introspect-realm", "").split("/")[0]
        if found is None or realm != brands()[found.brand].realm:
            challenge = {name: f'{value}, error="invalid_token"' for name, value in BEARER.items()}
            raise unauthorized(NOT_AUTHENTICATED if found is None else OTHER_REALM, challenge)
        if scope and scope not in found.scopes:
            challenge = {
                name: f'{value}, error="insufficient_scope", scope="{scope}"' for name, value in BEARER.items()
            }
            raise Refusal(shapes.gateway_error(HTTPStatus.FORBIDDEN, NOT_GRANTED.format(scope=scope), challenge))
        return found

    def own_vehicle(self, granted: Granted) -> Vehicle:
        """Return the driver's vehicle that the path names. Raises Refusal."""
        for each in _of_driver(granted):
            if each.id == self.values["id"]:
                return each
        raise self.absent(shapes.NO_VEHICLE, "no vehicle found")

    def absent(self, code: int, message: str) -> Refusal:
        """Return the error to raise."""
        return Refusal(shapes.application_error(code, message, self.request, self.now))

    def page(self, only: str = "") -> tuple[shapes.PageRequest, str]:
        """Return the part of the collection that is asked for, and its tokens' scope. Raises Refusal."""
        scope = f"{self.client_id} {self.request.path}"
        try:
            return shapes.PageRequest.read(self.request, scope, only), scope
        except shapes.BadParameter as error:
            raise self.absent(shapes.BAD_PARAMETER, str(error)) from None


def fleets(call: Call) -> ApiResponse:
    """GET /fleets."""
    page, scope = call.page()
    return shapes.collection(call.request, "fleets", [_fleet(call, each) for each in call.fleets], page, scope)


def fleet(call: Call) -> ApiResponse:
    """GET /fleets/{fid}."""
    return shapes.hal(_fleet(call, call.fleet()))


def vehicles(call: Call) -> ApiResponse:
    """GET /fleets/{fid}/vehicles."""
    its_fleet = call.fleet()
    page, scope = call.page(only="".join(call.request.values("vinPrefix")[:1]))
    found = [each for each in its_fleet.vehicles if each.vin.startswith(page.only)]
    if not found:
        raise call.absent(shapes.NO_VEHICLE, "no vehicle found")
    items = [_vehicle(call, its_fleet, each) for each in found]
    return shapes.collection(call.request, "vehicles", items, page, scope)


def vehicle(call: Call) -> ApiResponse:
    """GET /fleets/{fid}/vehicles/{vid}."""
    return shapes.hal(_vehicle(call, *call.vehicle(shapes.NO_VEHICLE, "no vehicle found")))


def vehicle_status(call: Call) -> ApiResponse:
    """GET /fleets/{fid}/vehicles/{vid}/status."""
    its_fleet, its_vehicle = call.vehicle(shapes.NO_STATUS, "status for this vehicle not found")
    links = {
        "self": shapes.link(call.request, call.request.path),
        "vehicle": shapes.link(call.request, call.request.path.removesuffix("/status")),
        "fleet": shapes.link(call.request, f"{call.base}/fleets/{its_fleet.id}"),
    }
    return shapes.hal({"_links": links, **status(its_vehicle, call.now)})


def capabilities(call: Call) -> ApiResponse:
    """GET /vehicles/{vin}: of the caller's own vehicles, and of the one that is shown to all."""
    own = [each for its_fleet in call.fleets for each in its_fleet.vehicles]
    for each in (*own, shared_vehicle()):
        if each.vin == call.values["vin"]:
            extension = {"branding": _branding(each), "onboardCapabilities": {"data": list(ONBOARD_DATA)}}
            return shapes.hal(
                {
                    "vin": each.vin,
                    "motorization": each.motorization,
                    "createdAt": shapes.rfc3339(each.created_at),
                    "_embedded": {"extension": extension},
                }
            )
    raise call.absent(shapes.NO_DATA, "no data for this context")


def virtual_key(call: Call) -> ApiResponse:
    """POST /fleets/virtualkey/smartaccess/token."""
    try:
        seconds = virtual_keys.read(call.request)
    except virtual_keys.BadRequest as error:
        raise call.absent(shapes.BAD_PARAMETER, str(error)) from None
    return virtual_keys.granted(seconds, call.now)


def user(call: Call) -> ApiResponse:
    """GET /user of the end users' API: whose token it is, with their vehicles."""
    granted = call.granted()
    driver = DRIVERS[granted.driver]
    path = f"{profile('end_user').api_path}/user"
    return shapes.hal(
        {
            "_links": {
                "self": shapes.link(call.request, path),
                "vehicles": shapes.link(call.request, f"{path}/vehicles"),
            },
            "email": driver.email,
            "firstName": driver.first_name,
            "lastName": driver.last_name,
            "createdAt": shapes.rfc3339(call.now),
            "_embedded": {"Vehicles": [_own(call, each) for each in _of_driver(granted)]},
        }
    )


def user_vehicles(call: Call) -> ApiResponse:
    """GET /user/vehicles."""
    page, scope = call.page()
    items = [_own(call, each) for each in _of_driver(call.granted())]
    return shapes.collection(call.request, "vehicles", items, page, scope)


def user_vehicle(call: Call) -> ApiResponse:
    """GET /user/vehicles/{id}."""
    return shapes.hal(_own(call, call.own_vehicle(call.granted())))


def user_status(call: Call) -> ApiResponse:
    """GET /user/vehicles/{id}/status: what was not granted is left out."""
    granted = call.granted()
    found = status(call.own_vehicle(granted), call.now)
    left = {
        name: value for name, value in found.items() if _SHOWN_WITH.get(name, "data:telemetry") in ("", *granted.scopes)
    }
    links = {
        "self": shapes.link(call.request, call.request.path),
        "vehicle": shapes.link(call.request, call.request.path.removesuffix("/status")),
    }
    return shapes.hal({"_links": links, **left})


_SHOWN_WITH = {"vin": "", "createdAt": "", "updatedAt": "", "lastPosition": "data:position"}
"""The scope with which each part of a status is shown; all others with data:telemetry."""


def user_position(call: Call) -> ApiResponse:
    """GET /user/vehicles/{id}/lastPosition, for which the driver must have granted the position."""
    found = call.own_vehicle(call.granted("data:position"))
    return shapes.body(HTTPStatus.OK, status(found, call.now)["lastPosition"], shapes.GEO_JSON)


def _of_driver(granted: Granted) -> tuple[Vehicle, ...]:
    driver: Driver = DRIVERS[granted.driver]
    return vehicles_of(driver.id, granted.brand, driver.vehicles)


def _own(call: Call, each: Vehicle) -> dict[str, Any]:
    user_path = f"{profile('end_user').api_path}/user"
    path = f"{user_path}/vehicles/{each.id}"
    return {
        "_links": {
            "self": shapes.link(call.request, path),
            "user": shapes.link(call.request, user_path),
            "status": shapes.link(call.request, f"{path}/status"),
            "lastPosition": shapes.link(call.request, f"{path}/lastPosition"),
        },
        "id": each.id,
        "vin": each.vin,
        "motorization": each.motorization,
        "brand": each.brand.name,
        "label": each.label,
        "createdAt": shapes.rfc3339(each.created_at),
    }


@dataclass(frozen=True, slots=True)
class Route:
    """A path of one programme's API. changes: what becomes of its good answer, by the name of a failure."""

    programme: str
    pattern: re.Pattern[str]
    handle: Callable[[Call], ApiResponse]
    method: str = "GET"
    changes: Mapping[str, Changing] = field(default_factory=lambda: CHANGES)


def _route(programme: str, path: str, handle: Callable[[Call], ApiResponse], **more: Any) -> Route:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", profile(programme).api_path + path)
    return Route(programme, re.compile(pattern), handle, **more)


ROUTES = (
    _route("fleet_owner", "/fleets", fleets),
    _route("fleet_owner", "/fleets/{fid}", fleet),
    _route("fleet_owner", "/fleets/{fid}/vehicles", vehicles),
    _route("fleet_owner", "/fleets/{fid}/vehicles/{vid}", vehicle),
    _route("fleet_owner", "/fleets/{fid}/vehicles/{vid}/status", vehicle_status),
    _route("fleet_owner", "/vehicles/{vin}", capabilities),
    _route("fleet_owner", virtual_keys.PATH, virtual_key, method="POST", changes={**CHANGES, **virtual_keys.CHANGES}),
    _route("end_user", "/user", user),
    _route("end_user", "/user/vehicles", user_vehicles),
    _route("end_user", "/user/vehicles/{id}", user_vehicle),
    _route("end_user", "/user/vehicles/{id}/status", user_status),
    _route("end_user", "/user/vehicles/{id}/lastPosition", user_position),
    _route("end_user", "/vehicles/{vin}", capabilities),
)


def answer(
    request: ApiRequest,
    registry: Registry,
    limiter: RateLimiter,
    now: datetime,
    *,
    fault: str = "",
    asks_for_certificate: bool = True,
    grants: Grants = NO_GRANTS,
) -> ApiResponse | Script:
    """Answer one request of the API's listener.

    fault: the failure that all callers meet. asks_for_certificate: whether the listener asks for client certificates.
    grants: what drivers granted.
    """
    try:
        response = _route_and_handle(request, registry, limiter, now, fault, asks_for_certificate, grants)
    except Refusal as refusal:
        response = refusal.response
    if isinstance(response, Script) or request.peer is None:
        return response
    return response.with_headers(_seen(request.peer))


def _route_and_handle(
    request: ApiRequest,
    registry: Registry,
    limiter: RateLimiter,
    now: datetime,
    fault: str,
    asks_for_certificate: bool,
    grants: Grants,
) -> ApiResponse | Script:
    if fault in ANSWERS:
        return ANSWERS[fault](request, now)
    route, match = _find(request)
    if request.method != route.method:
        refused = shapes.application_error(shapes.METHOD_NOT_ALLOWED, f"only {route.method} here", request, now)
        raise Refusal(refused.with_headers({"Allow": route.method}))
    caller, named = split(client_id(request))
    known = registry.find(caller)
    fault = fault or chosen(named, known)
    if fault in ANSWERS:
        return ANSWERS[fault](request, now)
    admit(request, route.programme, known, asks_for_certificate=asks_for_certificate)
    allowance = limiter.take(caller, now)
    if allowance.is_exhausted:
        raise Refusal(shapes.gateway_error(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY, allowance.headers))
    try:
        _require_acceptable(request, now)
        response = route.handle(Call(request, caller, match.groupdict(), now, grants))
    except Refusal as refusal:
        response = refusal.response
        fault = ""
    response = response.with_headers(allowance.headers)
    return route.changes[fault](response, now) if fault in route.changes else response


def _find(request: ApiRequest) -> tuple[Route, re.Match[str]]:
    for route in ROUTES:
        if match := route.pattern.fullmatch(request.path):
            return route, match
    raise Refusal(shapes.gateway_error(HTTPStatus.NOT_FOUND, NO_SUCH_PATH))


def _require_acceptable(request: ApiRequest, now: datetime) -> None:
    accepted = [item.split(";")[0].strip().lower() for item in request.headers.get("accept", "*/*").split(",")]
    if not any(item in ACCEPTABLE for item in accepted):
        message = "Accept must allow application/hal+json or application/json"
        raise Refusal(shapes.application_error(shapes.NOT_ACCEPTABLE, message, request, now))


def _seen(peer: Peer) -> dict[str, str]:
    """Return the sandbox's own headers, which the maker's API does not have: whom it saw, and how."""
    return {
        "X-Sandbox-Client-Subject": peer.subject,
        "X-Sandbox-TLS": f"{peer.tls_version} {peer.cipher}",
    }


def _fleet(call: Call, its_fleet: Fleet) -> dict[str, Any]:
    path = f"{call.base}/fleets/{its_fleet.id}"
    return {
        "_links": {
            "self": shapes.link(call.request, path),
            "vehicles": shapes.link(call.request, f"{path}/vehicles"),
        },
        "id": its_fleet.id,
        "name": its_fleet.name,
        "description": its_fleet.description,
        "createdAt": shapes.rfc3339(its_fleet.created_at),
    }


def _vehicle(call: Call, its_fleet: Fleet, each: Vehicle) -> dict[str, Any]:
    fleet_path = f"{call.base}/fleets/{its_fleet.id}"
    path = f"{fleet_path}/vehicles/{each.id}"
    content = {
        "_links": {
            "self": shapes.link(call.request, path),
            "fleet": shapes.link(call.request, fleet_path),
            "status": shapes.link(call.request, f"{path}/status"),
        },
        "id": each.id,
        "vin": each.vin,
        "motorization": each.motorization,
        "brand": each.brand.name,
        "createdAt": shapes.rfc3339(each.created_at),
    }
    if "branding" in call.request.values("extension"):
        content["_embedded"] = {"extension": {"branding": _branding(each)}}
    return content


def _branding(each: Vehicle) -> dict[str, str]:
    return {"brand": each.brand.name, "label": each.label}
