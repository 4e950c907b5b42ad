"""What the fleet API answers, and in which order it checks who calls."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from onboarding.programmes import SANDBOX_VIN
from onboarding.sandbox import api, shapes
from onboarding.sandbox.exchange import ApiRequest, ApiResponse, Peer
from onboarding.sandbox.fleetdata import fleets_of, status
from onboarding.sandbox.limits import Limit, RateLimiter
from tests.sandbox.doubles import MZP, PASSWORD, KnownCredential, MemoryRegistry, basic

NOW = datetime(2031, 3, 5, 12, 30, 15, tzinfo=UTC)
PEER = Peer(MZP, 7, "ab" * 32, f"CN={MZP}", "TLSv1.3", "TLS_AES_256_GCM_SHA384")
REGISTRY = MemoryRegistry(
    [
        KnownCredential("c1", "fleet_owner", MZP, "ab" * 32, password=PASSWORD),
        KnownCredential("c2", "fleet_owner", MZP, "ab" * 32, password=PASSWORD),
        KnownCredential("revoked", "fleet_owner", MZP, "", password=PASSWORD),
        KnownCredential("u1", "end_user", MZP, "ab" * 32, secret="s"),
    ]
)
V3, V4 = "/connectedcar/v3", "/connectedcar/v4"
REALM = {"x-introspect-realm": "clientsB2CPeugeot"}


def ask(path, *query, client_id="c1", headers=None, limiter=None, now=NOW, **other) -> ApiResponse:
    given = {"authorization": basic(MZP, PASSWORD), "accept": "application/json"} | (headers or {})
    pairs = ((("client_id", client_id),) if client_id else ()) + query
    request = ApiRequest("GET", path, pairs, given, peer=PEER, origin="https://sandbox.example")
    return api.answer(replace(request, **other), REGISTRY, limiter or RateLimiter(), now)


def read(response: ApiResponse) -> dict:
    return json.loads(response.body)


def error(response: ApiResponse) -> tuple:
    content = read(response)
    return response.status, content.get("code", content.get("moreInformation"))


def follow(href: str, client_id="c1") -> ApiResponse:
    url = urlsplit(href)
    assert url.netloc == "sandbox.example"
    return ask(url.path, *parse_qsl(url.query), client_id=client_id)


def vehicles_path(client_id="c1") -> str:
    return f"{V3}/fleets/{fleets_of(client_id)[0].id}/vehicles"


# --- What it answers ----------------------------------------------------------------------------------------


def test_fleets_come_as_a_hal_collection_with_counts_and_links():
    response = ask(f"{V3}/fleets")
    content = read(response)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/hal+json; charset=utf-8"
    assert content["total"] == len(content["_embedded"]["fleets"]) == len(fleets_of("c1"))
    assert (content["totalPage"], content["currentPage"]) == (1, 1)
    assert set(content["_links"]) == {"self", "first", "last"}


def test_every_link_of_fleets_vehicles_and_status_leads_somewhere():
    todo, seen = [f"https://sandbox.example{V3}/fleets"], set()
    while todo:
        href = todo.pop()
        response = follow(href)
        assert response.status == 200, href
        seen.add(href)
        content = read(response)
        items = [content, *(item for items in content.get("_embedded", {}).values() for item in items)]
        links = {link["href"] for item in items for link in item["_links"].values()}
        todo += links - seen - set(todo)
    count = sum(len(fleet.vehicles) for fleet in fleets_of("c1"))
    assert sum(href.endswith("/status") for href in seen) == count


def test_the_same_client_sees_the_same_fleet_and_another_client_another():
    assert ask(f"{V3}/fleets").body == ask(f"{V3}/fleets").body
    ids = {client: {fleet.id for fleet in fleets_of(client)} for client in ("c1", "c2")}
    assert ids["c1"].isdisjoint(ids["c2"])


def test_a_fleet_of_another_client_does_not_exist():
    assert error(ask(f"{V3}/fleets/{fleets_of('c2')[0].id}")) == (404, 40499)
    assert ask(f"{V3}/fleets/{fleets_of('c2')[0].id}", client_id="c2").status == 200


def test_walking_the_pages_visits_each_vehicle_once_and_goes_back_again():
    page = read(ask(vehicles_path(), ("pageSize", "5")))
    seen, visited = [], [page]
    while True:
        seen += [vehicle["vin"] for vehicle in page["_embedded"]["vehicles"]]
        if "next" not in page["_links"]:
            break
        page = read(follow(page["_links"]["next"]["href"]))
        visited.append(page)
    assert seen == [vehicle.vin for vehicle in fleets_of("c1")[0].vehicles]
    assert [page["currentPage"] for page in visited] == list(range(1, page["totalPage"] + 1))
    assert page["_links"]["last"] == page["_links"]["self"]
    assert read(follow(page["_links"]["prev"]["href"])) == visited[-2]
    assert read(follow(page["_links"]["first"]["href"])) == visited[0]


def test_a_page_token_keeps_the_filter_it_was_made_with():
    prefix = fleets_of("c1")[0].vehicles[0].vin[:3]
    page = read(ask(vehicles_path(), ("vinPrefix", prefix), ("pageSize", "1")))
    again = read(follow(page["_links"]["self"]["href"]))
    assert again == page
    assert page["total"] == sum(vehicle.vin.startswith(prefix) for vehicle in fleets_of("c1")[0].vehicles)


def test_a_page_token_of_another_client_or_an_altered_one_is_refused():
    token = dict(parse_qsl(urlsplit(read(ask(f"{V3}/fleets"))["_links"]["self"]["href"]).query))["pageToken"]
    assert ask(f"{V3}/fleets", ("pageToken", token)).status == 200
    assert error(ask(f"{V3}/fleets", ("pageToken", token), client_id="c2")) == (400, 40000)
    for wrong in (token[:-1], "0" + token[1:] if token[0] != "0" else "1" + token[1:], "x", "", "é" * 40):
        assert error(ask(f"{V3}/fleets", ("pageToken", wrong))) == (400, 40000)


@pytest.mark.parametrize("size", ["1", "60"])
def test_a_page_size_within_bounds_is_accepted(size):
    assert ask(vehicles_path(), ("pageSize", size)).status == 200


@pytest.mark.parametrize("size", ["0", "61", "-1", "ten", "", "²", "1.5", "9" * 5000])
def test_a_page_size_out_of_bounds_is_a_bad_parameter(size):
    assert error(ask(vehicles_path(), ("pageSize", size))) == (400, 40000)


def test_what_does_not_exist_is_said_with_the_apis_own_codes():
    fleet = f"{V3}/fleets/{fleets_of('c1')[0].id}"
    expected = {
        f"{V3}/fleets/nothing": 40499,
        f"{fleet}/vehicles/nothing": 40410,
        f"{fleet}/vehicles/nothing/status": 40400,
        f"{V3}/vehicles/VF3SANDBX99999999": 40499,
    }
    assert {path: error(ask(path)) for path in expected} == {path: (404, code) for path, code in expected.items()}
    assert error(ask(vehicles_path(), ("vinPrefix", "ZZZ"))) == (404, 40410)


def test_an_application_error_carries_code_uuid_message_and_timestamp():
    response = ask(f"{V3}/fleets/nothing", transaction_id="f" * 32)
    assert read(response) == {
        "code": 40499,
        "uuid": "f" * 32,
        "message": "no data for this context",
        "timestamp": "2031-03-05T12:30:15Z",
    }
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_vehicle_is_found_by_its_identification_number_with_what_it_can_do():
    vehicle = fleets_of("c1")[-1].vehicles[-1]
    content = read(ask(f"{V3}/vehicles/{vehicle.vin}"))
    assert (content["vin"], content["motorization"]) == (vehicle.vin, vehicle.motorization)
    assert "data:position" in content["_embedded"]["extension"]["onboardCapabilities"]["data"]


def test_one_vehicle_can_be_asked_about_by_all_with_a_token_or_without():
    for path, client in ((V3, "c1"), (V4, "u1")):
        headers = REALM | {"authorization": ""} if path == V4 else None
        content = read(ask(f"{path}/vehicles/{SANDBOX_VIN}", client_id=client, headers=headers))
        assert (content["vin"], content["motorization"]) == (SANDBOX_VIN, "Electric")
        absent = f"{path}/vehicles/VF3SANDBX0000000Z"
        assert error(ask(absent, client_id=client, headers=headers)) == (404, shapes.NO_DATA)


def test_branding_comes_only_to_who_asks_for_it():
    plain = read(ask(vehicles_path()))["_embedded"]["vehicles"][0]
    branded = read(ask(vehicles_path(), ("extension", "branding")))["_embedded"]["vehicles"][0]
    assert "_embedded" not in plain
    assert branded["_embedded"]["extension"]["branding"]["brand"] == plain["brand"]


def test_vehicle_identification_numbers_are_well_formed_and_unique():
    for client in map(str, range(30)):
        vins = [vehicle.vin for fleet in fleets_of(client) for vehicle in fleet.vehicles]
        assert len(set(vins)) == len(vins)
        assert all(len(vin) == 17 and not set("IOQ") & set(vin) and "SANDBX" in vin for vin in vins)
        assert 1 <= len(fleets_of(client)) <= 3


def test_a_vehicles_state_stays_possible_through_a_whole_week():
    for vehicle in fleets_of("c1")[0].vehicles:
        states = [status(vehicle, NOW + timedelta(minutes=20 * step)) for step in range(7 * 72 + 1)]
        mileages = [state["odometer"]["mileage"] for state in states]
        assert mileages == sorted(mileages)
        assert mileages[-1] - mileages[0] == pytest.approx(5 * vehicle.daily_km, abs=1)
        for state in states:
            assert all(0 < energy["level"] <= 100 and energy["autonomy"] >= 0 for energy in state["energies"])
            assert state["kinetic"]["speed"] >= 0
            assert (state["kinetic"]["speed"] > 0) == state["kinetic"]["moving"]
            longitude, latitude = state["lastPosition"]["geometry"]["coordinates"]
            assert abs(longitude - vehicle.depot[0]) < 1
            assert abs(latitude - vehicle.depot[1]) < 1
        assert {state["ignition"]["type"] for state in states} == {"Start", "Stop"}


# --- Whom it lets in ----------------------------------------------------------------------------------------


def test_a_missing_client_id_is_a_bad_request():
    status_code, reason = error(ask(f"{V3}/fleets", client_id=""))
    assert status_code == 400
    assert "client_id" in reason
    assert "--get" not in reason


def test_a_client_id_in_the_body_of_a_get_is_answered_with_the_remedy():
    headers = {"content-type": "application/x-www-form-urlencoded"}
    status_code, reason = error(ask(f"{V3}/fleets", client_id="", headers=headers, body=b"client_id=c1"))
    assert status_code == 400
    assert "--get" in reason


def test_two_client_ids_are_refused():
    assert error(ask(f"{V3}/fleets", ("client_id", "c2")))[0] == 400


def test_gateway_errors_have_the_gateways_shape():
    assert read(ask(f"{V3}/fleets", client_id="nobody")) == {
        "httpCode": "401",
        "httpMessage": "Unauthorized",
        "moreInformation": "Invalid client id or secret.",
    }


def test_a_client_id_of_the_other_programme_is_not_registered_to_a_plan():
    assert "plan" in error(ask(f"{V3}/fleets", client_id="u1"))[1]
    assert "plan" in error(ask(f"{V4}/user", client_id="c1", headers=REALM))[1]


@pytest.mark.parametrize(
    ("client_id", "peer"),
    [("c1", replace(PEER, fingerprint_sha256="cd" * 32)), ("revoked", replace(PEER, fingerprint_sha256=""))],
)
def test_another_certificate_of_the_same_ca_is_refused_before_the_password_is_looked_at(client_id, peer):
    response = ask(f"{V3}/fleets", client_id=client_id, peer=peer, headers={"authorization": "garbage"})
    assert response.status == 495
    assert read(response) == {"code": "495", "message": "Invalid or expired client certificate"}


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer x",
        "Basic",
        "Basic !!!",
        "Basic /w==",
        basic("MZP128745", "wrong"),
        basic("MZP1", PASSWORD),
    ],
)
def test_wrong_basic_authentication_is_a_401_of_the_gateway(authorization):
    response = ask(f"{V3}/fleets", headers={"authorization": authorization})
    assert response.status == 401
    assert read(response)["httpCode"] == "401"
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_the_end_users_api_without_a_bearer_token_answers_401_to_a_known_client():
    response = ask(f"{V4}/user", client_id="u1", headers=REALM | {"authorization": ""})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("realm", [{}, {"x-introspect-realm": "nowhere"}])
def test_the_end_users_api_needs_a_realm(realm):
    status_code, reason = error(ask(f"{V4}/user", client_id="u1", headers=realm))
    assert status_code == 400
    assert "clientsB2CPeugeot" in reason


def test_a_path_that_is_none_is_not_found_and_another_method_is_not_allowed():
    assert error(ask("/connectedcar/v2/fleets"))[0] == 404
    response = ask(f"{V3}/fleets", method="POST")
    assert error(response) == (405, 40500)
    assert response.headers["Allow"] == "GET"


def test_only_json_is_on_offer():
    assert error(ask(f"{V3}/fleets", headers={"accept": "text/csv"})) == (406, 40600)
    assert ask(f"{V3}/fleets", headers={"accept": "text/html, */*;q=0.8"}).status == 200


def test_every_answer_says_whom_the_sandbox_saw():
    for response in (ask(f"{V3}/fleets"), ask(f"{V3}/fleets", client_id=""), ask("/nothing")):
        assert response.headers["X-Sandbox-Client-Subject"] == f"CN={MZP}"
        assert response.headers["X-Sandbox-TLS"] == "TLSv1.3 TLS_AES_256_GCM_SHA384"


# --- How often ----------------------------------------------------------------------------------------------


def test_answers_announce_both_limits_and_count_down():
    limiter = RateLimiter((Limit(10, 86_400), Limit(5, 1)))
    first, second = (ask(f"{V3}/fleets", limiter=limiter).headers for _ in range(2))
    assert (first["X-RateLimit-Limit-1"], first["X-RateLimit-Limit-2"]) == ("10", "5")
    assert (first["X-RateLimit-Remaining-1"], second["X-RateLimit-Remaining-1"]) == ("9", "8")
    assert (first["X-RateLimit-Remaining-2"], second["X-RateLimit-Remaining-2"]) == ("4", "3")
    assert "Retry-After" not in first


def test_an_exhausted_limit_answers_429_and_opens_again_after_retry_after():
    limiter = RateLimiter((Limit(100, 86_400), Limit(2, 10)))
    assert [ask(f"{V3}/fleets", limiter=limiter).status for _ in range(3)] == [200, 200, 429]
    refused = ask(f"{V3}/fleets", limiter=limiter)
    assert read(refused)["httpCode"] == "429"
    assert refused.headers["X-RateLimit-Remaining-2"] == "0"
    assert refused.headers["X-RateLimit-Reset"] == refused.headers["Retry-After"] == "5"
    assert ask(f"{V3}/fleets", limiter=limiter, client_id="c2").status == 200
    later = NOW + timedelta(seconds=int(refused.headers["Retry-After"]))
    assert ask(f"{V3}/fleets", limiter=limiter, now=later).status == 200


def test_who_is_turned_away_uses_nothing_up():
    limiter = RateLimiter((Limit(1, 86_400),))
    assert ask(f"{V3}/fleets", limiter=limiter, headers={"authorization": ""}).status == 401
    assert ask(f"{V3}/fleets", limiter=limiter).status == 200
