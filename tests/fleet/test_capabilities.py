"""A vehicle that the partner named: asked about once the set is proven, and never a reason to fail it."""

import dataclasses
import ssl

import pytest
import trustme

from onboarding.fleet import vin
from onboarding.fleet.checks import Result, Rung
from onboarding.fleet.messages import words
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
        (404, {"httpCode": "404", "httpMessage": "Not Found"}, "capabilities_not_offered"),
        (404, b"<html>", "html_answer"),
        (404, b"", "empty_answer"),
        (403, b"<html>", "html_answer"),
        (401, b"please sign in", "not_json"),
        (401, {"httpCode": "401", "moreInformation": "not registered to a plan"}, "client_not_subscribed"),
        (200, {"vin": "VF3SANDBX00000002"}, "wrong_shape"),
        (200, b"[]", "wrong_shape"),
        (200, b"", "empty_answer"),
        (200, b"<html>", "html_answer"),
        (200, b'{"vin": "VF3SAND', "not_json"),
        (204, b"", "empty_answer"),
        (302, b"", "redirected"),
        (500, b"", "server_error"),
        (495, b"", "client_certificate_refused_http"),
    ],
)
def test_what_is_wrong_with_one_vehicle_is_a_warning(
    material: CredentialMaterial, mutual: ssl.SSLContext, status: int, body: object, code: str
) -> None:
    check = run_with_vin(material, mutual, status, body)[0][Rung.CAPABILITIES]
    assert (check.code, check.result) == (code, Result.WARNING)  # type: ignore[attr-defined]


def test_what_a_server_says_of_the_vehicle_is_shown_without_its_vin(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    bodies = (
        {"code": 40499, "message": f"no data for {VIN}, {VIN.lower()} or vf3Sandbx00000001"},
        f"<html>{VIN} {VIN}</html>".encode(),
        {"httpCode": "404", "moreInformation": f"/vehicles/{VIN} matches nothing"},
    )
    for body in bodies:
        report = run_with_vin(material, mutual, 404, body)[0]
        check = report[Rung.CAPABILITIES]
        assert check.evidence["vin"] == "…0001"  # type: ignore[attr-defined]
        shown = repr([dict(one.evidence) for one in report.values()])  # type: ignore[attr-defined]
        assert VIN[:-4].lower() not in shown.lower()
        assert "…0001" in shown


def test_capabilities_that_are_not_called_json_are_a_warning(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    def talk(server: Server, tls: ssl.SSLSocket) -> None:
        is_fleets = b"/fleets" in read_request(tls)
        tls.sendall(http(200, FLEETS) if is_fleets else http(200, CAPABILITIES, Content_Type="text/html"))

    with serving(over_tls(mutual, talk)) as server:
        check = by_rung(run(material, with_vin(target_of(server))))[Rung.CAPABILITIES]
    assert (check.code, check.result) == ("unexpected_media_type", Result.WARNING)


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
    assert check.evidence["vin"] == "…0001"
    assert api.requests[1].startswith(b"GET /connectedcar/v4/vehicles/")
    assert b"uthorization" not in api.requests[1]


def test_a_vehicle_shown_without_a_token_is_not_said_to_have_a_drivers_consent(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, server_certificate: trustme.LeafCert, ca: trustme.CA
) -> None:
    def talk(_server: Server, tls: ssl.SSLSocket) -> None:
        tls.sendall(http(401, GATEWAY_401) if b"/user?" in read_request(tls) else http(200, CAPABILITIES))

    with (
        serving(over_tls(mutual, talk)) as api,
        serving(over_tls(context_of(server_certificate, None), answering(400, {"error": "invalid_grant"}))) as token,
    ):
        check = by_rung(run(driver_material, with_vin(driver_target(api, token, ca))))[Rung.CAPABILITIES]
    assert (check.code, check.evidence["basis"]) == ("capabilities_shown_without_token", "assumption")
    assert "does not show that its driver has consented" in words(check).title


@pytest.mark.parametrize("typed", [VIN, VIN.lower(), f" {VIN[:3]} {VIN[3:9]}\u00a0{VIN[9:]}\n"])
def test_a_vin_is_read_however_it_is_written(typed: str) -> None:
    assert vin.read(typed) == VIN


@pytest.mark.parametrize(
    ("typed", "characters", "length"),
    [
        ("", "", 0),
        (VIN[:-1], "", 16),
        (VIN + "0", "", 18),
        ("VF3SANDBXOOOOOOIq", "OIq", 17),
        ("VF3-SANDBX-000001", "-", 17),
        ("VF3SANDBX0000000\u0661", "\u0661", 17),
        ("VF3\u017fANDBX00000001", "\u017f", 17),
    ],
)
def test_what_is_no_vin_is_refused_with_what_is_wrong(typed: str, characters: str, length: int) -> None:
    with pytest.raises(vin.BadVin) as refused:
        vin.read(typed)
    assert (refused.value.characters, refused.value.length) == (characters, length)
