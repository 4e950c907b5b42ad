"""A vehicle that the partner named: asked about once the set is proven, and never a reason to fail it."""

import dataclasses
import ssl

import pytest
import trustme

from onboarding.fleet.checks import Result, Rung
from onboarding.fleet.target import CredentialMaterial, Target
from tests.fleet.climbing import GATEWAY_401, by_rung, driver_target, run, target_of
from tests.fleet.conftest import FLEETS, context_of
from tests.fleet.servers import Server, answering, http, over_tls, read_request, serving

VIN = "VF3SANDBX00000001"
CAPABILITIES = {
    "vin": VIN,
    "motorization": "Electric",
    "_embedded": {"extension": {"onboardCapabilities": {"data": ["data:position", "data:telemetry"], "new": 1}}},
}


def with_vin(target: Target) -> Target:
    return dataclasses.replace(target, vin=VIN)


def run_with_vin(
    material: CredentialMaterial, mutual: ssl.SSLContext, status: int, body: object
) -> tuple[dict[str, object], Server]:
    def talk(server: Server, tls: ssl.SSLSocket) -> None:
        server.requests.append(read_request(tls))
        tls.sendall(http(200, FLEETS) if b"/fleets" in server.requests[-1] else http(status, body))  # type: ignore[arg-type]

    with serving(over_tls(mutual, talk)) as server:
        report = run(material, with_vin(target_of(server)))
    assert report.result == Result.PASSED
    return dict(by_rung(report)), server


def test_a_vehicle_that_can_be_asked_about_is_shown(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    checks, server = run_with_vin(material, mutual, 200, CAPABILITIES)
    check = checks[Rung.CAPABILITIES]
    assert (check.code, check.result) == ("capabilities_shown", Result.PASSED)  # type: ignore[attr-defined]
    assert (check.evidence["motorization"], check.evidence["data_kinds"]) == ("Electric", 2)  # type: ignore[attr-defined]
    assert server.requests[1].startswith(f"GET /connectedcar/v3/vehicles/{VIN}?client_id=client-7 ".encode())
    assert b"Authorization: Basic" in server.requests[1]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, {"code": 40499, "message": "no data for this context"}, "vehicle_not_found"),
        (403, {"code": 40300, "message": "not yours"}, "capabilities_not_open"),
        (401, GATEWAY_401, "capabilities_not_open"),
        (200, {"vin": "VF3SANDBX00000002"}, "capabilities_unreadable"),
        (200, b"[]", "capabilities_unreadable"),
        (500, b"", "server_error"),
        (495, b"", "client_certificate_refused_http"),
    ],
)
def test_what_is_wrong_with_one_vehicle_is_a_warning(
    material: CredentialMaterial, mutual: ssl.SSLContext, status: int, body: object, code: str
) -> None:
    check = run_with_vin(material, mutual, status, body)[0][Rung.CAPABILITIES]
    assert (check.code, check.result) == (code, Result.WARNING)  # type: ignore[attr-defined]


def test_a_vin_is_sent_as_one_part_of_the_path(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    with serving(over_tls(mutual, answering(200, FLEETS))) as server:
        run(material, dataclasses.replace(target_of(server), vin="../fleets?x=1"))
    assert server.requests[1].startswith(b"GET /connectedcar/v3/vehicles/..%2Ffleets%3Fx%3D1?client_id=client-7 ")


def test_without_a_vin_there_is_no_such_rung(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    with serving(over_tls(mutual, answering(200, FLEETS))) as server:
        assert Rung.CAPABILITIES not in by_rung(run(material, target_of(server)))


def test_for_an_end_users_application_it_is_asked_without_a_login_and_marked_as_our_assumption(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, server_certificate: trustme.LeafCert, ca: trustme.CA
) -> None:
    token_context = context_of(server_certificate, None)
    material = dataclasses.replace(driver_material, password=None)
    with (
        serving(over_tls(mutual, answering(401, GATEWAY_401))) as api,
        serving(over_tls(token_context, answering(400, {"error": "invalid_grant"}))) as token,
    ):
        report = run(material, with_vin(driver_target(api, token, ca)))
    assert report.result == Result.PASSED
    check = by_rung(report)[Rung.CAPABILITIES]
    assert (check.code, check.evidence["basis"]) == ("capabilities_not_open", "assumption")
    assert api.requests[1].startswith(b"GET /connectedcar/v4/vehicles/")
    assert b"uthorization" not in api.requests[1]
