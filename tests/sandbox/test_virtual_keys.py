"""Virtual-key tokens of the sandbox: what it takes, what it refuses, and a signature that others can check."""

import base64
import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from onboarding.sandbox import token, virtual_keys
from onboarding.sandbox.exchange import ApiRequest, ApiResponse
from tests.sandbox.doubles import MZP, PASSWORD, MemoryRegistry, basic
from tests.sandbox.test_sandbox_api import NOW, V3, ask, error, read

PATH = f"{V3}{virtual_keys.PATH}"
CAR_TOKEN = {"CarData": "SGVsbG8=", "CarData_signature": "V29ybGQ="}


def post(content: object, **other: object) -> ApiResponse:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return ask(PATH, **({"method": "POST", "body": body} | other))


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [({"duration": "3600"}, 3600), ({"duration": 60}, 60), ({}, 86_400), ({"duration": "31622400"}, 31_622_400)],
)
def test_a_token_is_granted_for_as_long_as_is_asked_and_for_a_day_where_nothing_is_said(
    duration: dict[str, object], seconds: int
) -> None:
    response = post({"carToken": CAR_TOKEN, **duration})
    content = read(response)
    assert (response.status, set(content)) == (200, {"token", "token_signature"})
    assert content["token"]["expires_in"] == str(seconds)
    assert content["token"]["expires"] == (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert content["token"]["token_type"] == "bearer"
    assert len(base64.b64decode(content["token"]["access_token"], validate=True)) == virtual_keys.TOKEN_BYTES
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"carToken=1", "JSON"),
        (b"[" * 5000, "JSON"),
        ([], "carToken is missing"),
        ({}, "carToken is missing"),
        ({"carToken": "SGVsbG8="}, "carToken is missing"),
        ({"carToken": {"CarData": "SGVsbG8="}}, "CarData_signature is missing"),
        ({"carToken": CAR_TOKEN | {"CarData": ""}}, "CarData is missing"),
        ({"carToken": CAR_TOKEN | {"CarData": 7}}, "CarData is missing"),
        ({"carToken": CAR_TOKEN | {"CarData": "SGVs-G8="}}, "CarData is not Base64"),
        ({"carToken": CAR_TOKEN | {"CarData_signature": "V29ybGQ"}}, "CarData_signature is not Base64"),
        *(
            ({"carToken": CAR_TOKEN, "duration": wrong}, "duration")
            for wrong in ("0", 0, -1, "-5", "", "1h", 1.5, None, True, [], "9" * 400, 31_622_401)
        ),
    ],
)
def test_what_makes_no_sense_is_a_bad_request_that_says_which_part(content: object, said: str) -> None:
    response = post(content)
    assert (response.status, read(response)["code"]) == (400, 40000)
    assert said in read(response)["message"]
    assert "SGVs-G8" not in read(response)["message"]


def test_who_may_not_call_gets_no_token_and_nothing_is_granted_by_get() -> None:
    good = {"carToken": CAR_TOKEN}
    assert error(post(good, headers={"authorization": basic(MZP, "wrong")}))[0] == 401
    assert error(post(good, client_id="nobody"))[0] == 401
    assert error(post(good, client_id="revoked")) == (495, "495")
    assert error(ask(PATH)) == (405, 40500)
    assert ask(PATH).headers["Allow"] == "POST"


def test_no_two_tokens_are_alike() -> None:
    assert len({read(post({"carToken": CAR_TOKEN}))["token"]["access_token"] for _ in range(3)}) == 3


@pytest.mark.needs("openssl")
def test_openssl_can_check_the_signature_with_the_published_key_and_finds_a_changed_end(tmp_path: Path) -> None:
    content = read(post({"carToken": CAR_TOKEN}))
    answer = token.answer(ApiRequest("GET", token.KEY_PATH), MemoryRegistry(), NOW)
    (tmp_path / "virtual-key.pem").write_bytes(answer.body)
    (tmp_path / "signature.bin").write_bytes(base64.b64decode(content["token_signature"]))
    key = ("-pubin", "-inkey", "virtual-key.pem")
    verify = ("openssl", "pkeyutl", "-verify", *key, "-rawin", "-in", "signed.txt", "-sigfile", "signature.bin")
    ended = {}
    for expires in (content["token"]["expires"], "2099-01-01T00:00:00Z"):
        (tmp_path / "signed.txt").write_text(f"{content['token']['access_token']}\n{expires}")
        ended[expires] = subprocess.run(verify, cwd=tmp_path, capture_output=True).returncode
    assert list(ended.values()) == [0, 1]


def test_a_changed_answer_is_still_json_and_others_routes_are_not_changed() -> None:
    for name in virtual_keys.CHANGES:
        assert isinstance(read(post({"carToken": CAR_TOKEN}, client_id=f"c1~{name}")), dict)
        assert ask(f"{V3}/fleets", client_id=f"c1~{name}").status == 200


def test_the_password_is_looked_at_before_the_body() -> None:
    assert post({}, headers={"authorization": basic(MZP, PASSWORD + "x")}).status == 401
