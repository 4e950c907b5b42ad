"""The end users' API with a driver's token: what was granted is shown, and nothing else."""

import json
from datetime import UTC, datetime

import pytest

from onboarding.oauth.grants import Granted
from onboarding.sandbox import api, token
from onboarding.sandbox.exchange import FORM, ApiRequest, ApiResponse, Peer
from onboarding.sandbox.limits import RateLimiter
from tests.sandbox.doubles import KnownCredential, MemoryGrants, MemoryRegistry, basic

V4 = "/connectedcar/v4"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PRINT = "ab" * 32
REGISTRY = MemoryRegistry([KnownCredential(name, "end_user", "MZP1", PRINT, secret="s") for name in ("u1", "u2")])


def grants(*scopes: str, driver: str = "camille", brand: str = "peugeot") -> MemoryGrants:
    return MemoryGrants(tokens={"good": ("u1", Granted(driver, brand, scopes))})


def ask(
    path: str, known: MemoryGrants, *, bearer: str = "good", realm: str = "clientsB2CPeugeot", client_id: str = "u1"
) -> ApiResponse:
    headers = {"authorization": f"Bearer {bearer}", "x-introspect-realm": realm}
    asked = ApiRequest("GET", V4 + path, (("client_id", client_id),), headers, peer=Peer("", 1, PRINT, "", "", ""))
    answered = api.answer(asked, REGISTRY, RateLimiter(), NOW, grants=known)
    assert isinstance(answered, ApiResponse)
    return answered


def content(answered: ApiResponse) -> dict:
    assert answered.status == 200, answered.body
    return json.loads(answered.body)


def test_get_user_shows_the_driver_with_vehicles_of_their_brand() -> None:
    shown = content(ask("/user", grants()))
    assert (shown["firstName"], shown["email"]) == ("Camille", "camille@drivers.example")
    (vehicle,) = shown["_embedded"]["Vehicles"]
    assert vehicle["brand"] == "Peugeot"
    assert content(ask("/user/vehicles", grants()))["_embedded"]["vehicles"] == [vehicle]
    assert content(ask(f"/user/vehicles/{vehicle['id']}", grants())) == vehicle


def test_a_driver_without_a_vehicle_has_an_account_and_nothing_in_it() -> None:
    known = grants(driver="robin")
    assert content(ask("/user", known))["_embedded"]["Vehicles"] == []
    assert content(ask("/user/vehicles", known))["total"] == 0
    assert ask("/user/vehicles/ab", known).status == 404


@pytest.mark.parametrize(
    "wrong",
    [{"bearer": "bad"}, {"bearer": ""}, {"client_id": "u2"}, {"realm": "clientsB2COpel"}],
    ids=["token", "no token", "client", "realm"],
)
def test_a_token_opens_nothing_to_another_client_or_with_another_realm(wrong: dict[str, str]) -> None:
    answered = ask("/user", grants(), **wrong)
    assert answered.status == 401
    assert answered.headers["WWW-Authenticate"].startswith("Bearer ")


def test_the_documents_long_form_of_the_realm_is_taken_too() -> None:
    assert ask("/user", grants(), realm="clientsB2CPeugeot/OTPPeugeot").status == 200


def test_what_was_not_granted_is_left_out_or_refused() -> None:
    id_ = content(ask("/user", grants()))["_embedded"]["Vehicles"][0]["id"]
    status, position = f"/user/vehicles/{id_}/status", f"/user/vehicles/{id_}/lastPosition"
    assert "lastPosition" not in content(ask(status, grants("data:telemetry")))
    assert content(ask(status, grants("data:position"))).keys() == {
        "_links", "vin", "createdAt", "updatedAt", "lastPosition",
    }  # fmt: skip
    refused = ask(position, grants("data:telemetry"))
    assert refused.status == 403
    assert 'error="insufficient_scope", scope="data:position"' in refused.headers["WWW-Authenticate"]
    assert content(ask(position, grants("data:position")))["type"] == "Feature"


def post(path: str, form: bytes, known: MemoryGrants, secret: str = "s") -> ApiResponse:
    headers = {"authorization": basic("u1", secret), "content-type": FORM}
    answered = token.answer(ApiRequest("POST", path, headers=headers, body=form), REGISTRY, NOW, grants=known)
    assert isinstance(answered, ApiResponse)
    return answered


@pytest.mark.parametrize("field", ["token", "refresh_token"])
def test_a_token_is_revoked_by_either_name_that_the_documents_give_the_field(field: str) -> None:
    known = grants()
    assert post(token.REVOKE_PATH, f"{field}=good".encode(), known).status == 200
    assert ask("/user", known).status == 401


def test_who_does_not_know_the_secret_revokes_nothing() -> None:
    known = grants()
    assert post(token.REVOKE_PATH, b"token=good", known, secret="wrong").status == 401
    assert post(token.REVOKE_PATH, b"other=good", known).status == 400
    assert ask("/user", known).status == 200
