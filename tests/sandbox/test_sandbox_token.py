"""The token endpoint tells who knows its client secret from who does not."""

import json
from datetime import UTC, datetime

import pytest

from onboarding.sandbox import token
from onboarding.sandbox.exchange import FORM, ApiRequest
from tests.sandbox.doubles import KnownCredential, MemoryRegistry, basic

REGISTRY = MemoryRegistry(
    [
        KnownCredential("u1", "end_user", "MZP1", "", secret="sécret"),
        KnownCredential("c1", "fleet_owner", "MZP1", "", secret="sécret"),
    ]
)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CODE = b"grant_type=authorization_code&code=none&redirect_uri=https%3A%2F%2Fapp.example%2F"


def post(body=CODE, *, user="u1", secret="sécret", content_type=FORM, **headers):
    given = {"authorization": basic(user, secret), "content-type": content_type} | headers
    return token.answer(ApiRequest("POST", token.TOKEN_PATH, headers=given, body=body), REGISTRY, NOW)


def error(response) -> tuple:
    return response.status, json.loads(response.body)["error"]


@pytest.mark.parametrize("body", [CODE, b"grant_type=refresh_token&refresh_token=none"])
def test_a_known_client_with_a_code_or_token_that_cannot_exist_gets_invalid_grant(body):
    response = post(body)
    assert error(response) == (400, "invalid_grant")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("user", "secret"), [("u1", "wrong"), ("u1", ""), ("nobody", "sécret"), ("c1", "sécret"), ("", "")]
)
def test_who_does_not_know_the_secret_gets_invalid_client(user, secret):
    response = post(user=user, secret=secret)
    assert error(response) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_client_credentials_in_the_form_are_not_basic_authentication():
    assert error(post(CODE + b"&client_id=u1&client_secret=s", authorization="")) == (401, "invalid_client")


@pytest.mark.parametrize("grant_type", ["client_credentials", "password", "AUTHORIZATION_CODE"])
def test_another_grant_type_is_unsupported(grant_type):
    assert error(post(f"grant_type={grant_type}&code=x".encode())) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"code=none",
        b"grant_type=authorization_code",
        b"grant_type=authorization_code&code=",
        b"grant_type=refresh_token&code=none",
        CODE + b"&grant_type=refresh_token",
        b"\xff\xfe",
        b"&".join(b"a%d=1" % number for number in range(30)),
    ],
)
def test_an_incomplete_doubled_or_garbled_form_is_an_invalid_request(body):
    assert error(post(body)) == (400, "invalid_request")


def test_json_is_not_a_form():
    body = json.dumps({"grant_type": "authorization_code", "code": "x"}).encode()
    assert error(post(body, content_type="application/json")) == (400, "invalid_request")


def test_only_post_makes_tokens_and_only_get_asks_for_a_sign_of_life():
    for method, path, allowed in (("GET", token.TOKEN_PATH, "POST"), ("POST", token.HEALTH_PATH, "GET")):
        response = token.answer(ApiRequest(method, path), REGISTRY, NOW)
        assert (response.status, response.headers["Allow"]) == (405, allowed)


def test_the_sign_of_life_needs_no_credentials():
    response = token.answer(ApiRequest("GET", token.HEALTH_PATH), REGISTRY, NOW)
    assert (response.status, json.loads(response.body)) == (200, {"sandbox": "ok"})
    assert token.answer(ApiRequest("GET", "/"), REGISTRY, NOW).status == 404
