"""The mobile SDK rehearsed over HTTP, as an app's tests would do it; and what the API says to whatever else is sent."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from jsonschema import Draft202012Validator

from onboarding.activation import rehearsing, worlds
from onboarding.activation.models import Rehearsal
from onboarding.mobile import rehearsal as pure
from onboarding.mobile.errors import ERRORS
from onboarding.mobile.sdk import OPERATIONS, VERSIONS
from onboarding.mobile.situations import SITUATIONS, offered
from onboarding.mobile.traces import check
from onboarding.partners.models import User
from onboarding.web import sdk_openapi
from onboarding.web.sdk_clients import CLIENTS, clients
from onboarding.web.sdk_problems import KINDS
from onboarding.web.views import sdk as views
from tests.conftest import member
from tests.journey import described
from tests.mobile.walking import ASSOCIATION, NUMBER, PIN, STEPS, VIN, GivesUp, Guide

LISTING = {"resetSteps": False, "stepsStatus": "all"}
SMS, ENROLMENT, OTP = (f"pims.authentication.{name}" for name in ("smscode", "enrollment", "otp"))
ACCOUNT, PHONE, PINCODE = (f"pims.authentication.{name}" for name in ("account", "trustedphonenumber", "pincode"))
CARKEY = "pims.vehicle.carkey"


class Api:
    """A rehearsal, driven by a program that has its address and its token."""

    def __init__(self, rehearsal: Rehearsal, token: str) -> None:
        self.client, self.base = Client(enforce_csrf_checks=True), f"/sandbox/sdk/rehearsals/{rehearsal.pk}"
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str = "") -> Any:
        return self.client.get(self.base + path, headers=self.headers)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        raw = body if isinstance(body, (bytes, str)) else json.dumps({} if body is None else body)
        asked = {"content_type": "application/json", "headers": self.headers, **kwargs}
        return self.client.post(self.base + path, raw, **asked)

    def call(self, method: str, api: str, device: str = "phone-1", **parameters: Any) -> dict[str, Any]:
        response = self.post("/calls", {"device": device, "method": method, "api": api, "parameters": parameters})
        assert response.status_code == 200, response.content
        return response.json()

    def code(self, *args: Any, **parameters: Any) -> int:
        message = self.call(*args, **parameters)
        return message["error"]["code"] if message["status"] == "FAILED" else 0

    def made(self, call: dict[str, Any]) -> int:
        return self.code(call["method"], call["api"], call["device"], **call["parameters"])

    @property
    def state(self) -> Any:
        return self.get().json()

    @property
    def sms(self) -> str:
        return self.state["inbox"][-1]["code"]


def opened(owner: User, version: str = "2.3") -> Api:
    asked: dict[str, Any] = {"name": "App", "version": version, "by": owner, "actor": member(owner)}
    begun = rehearsing.begin(described(owner), **asked)
    return Api(begun, rehearsing.make_token(begun, actor=member(owner)))


@pytest.fixture
def api(owner: User) -> Api:
    return opened(owner)


def test_every_documented_call_is_answered_as_the_sdk_would(api: Api) -> None:
    association = {"carAssociationID": ASSOCIATION, **LISTING}
    assert api.code("set", "pims.authentication.user", action="login") == 0
    first = api.call("get", STEPS, **association)["result"]
    steps_id = str(first.pop("stepsID"))
    assert [(one["name"], one["status"], one["order"]) for one in first.values()] == [
        ("trustedPhone", "todo", 1),
        ("deviceActivation", "todo", 2),
        ("mediumCarKey", "todo", 3),
    ]
    assert list(api.call("get", "pims.subscription.step", stepsID=steps_id)["result"]) == ["trustedPhone"]
    assert api.code("get", STEPS, vin=VIN, **LISTING) == 0
    assert api.code("get", PHONE) == 2307
    # 1: the trusted phone, by a code that comes by SMS
    assert api.code("get", SMS, type="phoneNumberCertification", phoneNumber=NUMBER) == 0
    assert api.code("set", SMS, type="addPhoneNumber", smsCode=api.sms, phoneNumber=NUMBER) == 0
    assert api.call("get", PHONE)["result"] == {"phoneNumber": NUMBER}
    # 2: the phone, by a code and a PIN
    strong = {"actionType": "strong"}
    assert api.call("get", ACCOUNT, **strong, type="isDeviceActivated")["result"] == {"isDeviceActivated": False}
    assert api.call("get", ACCOUNT, **strong, type="isAccountBlocked")["result"] == {"isAccountBlocked": "NotBlocked"}
    assert api.code("get", SMS, type="enrollment") == 0
    checked = api.call("set", SMS, action="enrollment", smsCode=api.sms)
    assert checked["result"] == {"status": "NotEnrolled"}
    assert api.code("set", ENROLMENT, action="enroll", pinCode=PIN) == 0
    assert api.call("get", OTP, action="withPIN", pinCode=PIN)["result"]["otp"]
    assert api.code("get", OTP, action="withoutPIN") == 0
    # 3: the CarKey, in the car
    assert api.code("set", "pims.vehicle.vin", vin=VIN) == 0
    assert api.call("get", CARKEY)["result"]["cvsStatus"] == "unknown"
    activated = api.call("set", CARKEY)["result"]
    assert set(activated) == {"hasCarKey", "vin", "securityCode", "securityExpiration"}
    assert api.call("get", CARKEY)["result"]["isCarKeyVerified"] == "true"
    assert api.call("get", "pims.subscription.step", stepsID=steps_id)["result"] is None
    assert api.code("get", STEPS, stepsID=steps_id, resetSteps=True, stepsStatus="todo") == 0
    # Beside the steps
    assert api.code("get", SMS, type="phoneNumberCertification", phoneNumber="0698765432") == 0
    assert api.code("set", SMS, type="modifyPhoneNumber", smsCode=api.sms, phoneNumber="0698765432") == 0
    assert api.code("get", SMS, type="resetPIN") == 0
    assert api.code("set", PINCODE, action="reset", pinCode="5678", smsCode=api.sms) == 0
    assert api.code("set", PINCODE, action="update", oldPIN="5678", newPIN="4321") == 0
    assert api.code("set", ENROLMENT, action="remove") == 0
    assert api.code("subscribe", "pims.vehicle.doors") == api.code("unsubscribe", "pims.vehicle.doors") == 0
    made = set(Rehearsal.objects.get().log.values_list("operation", flat=True))
    assert {one.id for one in OPERATIONS} - made == {"enrol_with_phone"}  # with a phone number the short way is closed
    assert api.get("/check").json()["calls"] == api.state["calls"]


def test_the_short_way_registers_and_enrols_in_one_call(owner: User) -> None:
    api = opened(owner, "2.1")
    api.call("get", SMS, type="phoneNumberCertification", phoneNumber=NUMBER)
    short = {"action": "enrollWithPhoneNumber", "pinCode": PIN, "smsCode": api.sms, "phoneNumber": NUMBER}
    assert api.code("set", ENROLMENT, **short) == 0
    assert api.code("set", ENROLMENT, **short) == 2390


def test_each_documented_error_is_provoked_by_its_number(api: Api) -> None:
    for error in ERRORS:
        assert api.post("/provoke", {"number": error.number}).json()["state"]["next_error"] == error.number
        message = api.call("get", STEPS, carAssociationID=ASSOCIATION, **LISTING)
        assert message["error"] == {"code": error.number, "label": error.label}
    assert api.state["next_error"] is None


@pytest.mark.parametrize("version", ["2.0", "2.3"])
def test_each_situation_leads_to_its_error(owner: User, version: str) -> None:
    api = opened(owner, version)
    for situation in (one for _title, rows in offered(version) for one in rows):
        api.post("/reset")
        answer = api.post("/provoke", {"situation": situation.id})
        if answer.status_code == 409:
            _until(api, answer.json()["needs"], "phone-2" if situation.id == "foreign_steps_id" else "phone-1")
            answer = api.post("/provoke", {"situation": situation.id})
        codes = [api.made(call) for call in answer.json()["calls"]]
        assert codes == [0] * (len(codes) - 1) + [situation.number], situation.id


def _until(api: Api, wanted: str, device: str) -> None:
    """Make the calls that the state names as the next ones, until one of them was made."""
    api.post("/phones", {"name": device})
    for _ in range(12):
        phone = next(one for one in api.state["phones"] if one["name"] == device)
        assert api.made(phone["next_call"]) == 0
        if Rehearsal.objects.get().log.last().operation == wanted:  # type: ignore[union-attr]
            return
    raise AssertionError(wanted)


def test_switches_are_the_phones_the_cores_and_the_accounts(api: Api) -> None:
    changed = api.post(
        "/switches",
        {
            "phones": {"phone-1": {"bluetooth": False}, "phone-2": {"online": False}},
            "core": {"server_up": False},
            "account": {"blocked": True, "carkey": "suspended"},
        },
    ).json()
    assert [(one["name"], one["switches"]["bluetooth"], one["switches"]["online"]) for one in changed["phones"]] == [
        ("phone-1", False, True),
        ("phone-2", True, False),
    ]
    assert not changed["core"]["server_up"]
    assert changed["account"]["blocked"]
    assert changed["account"]["carkey"] == "suspended"
    assert changed["account"]["max_reactivation_date"] > changed["now"]


def _walk(api: Api, seed: int, version: str) -> None:
    """An app that does as the documents say, on two phones, with things going wrong on the way."""
    random = Random(seed)
    apps = {name: Guide(name, version).onboard() for name in ("A", "B")}
    answers: dict[str, Any] = dict.fromkeys(apps)
    busy, calls = "", 0
    while apps and calls < 45:
        name = busy if busy in apps else random.choice(sorted(apps))
        try:
            wish = apps[name].send(answers[name])
        except (StopIteration, GivesUp):
            del apps[name]
            busy = ""
            continue
        if callable(wish):  # the person looks at the inbox, or puts things right
            world = worlds.load(Rehearsal.objects.get().world)
            wanted = answers[name] = wish(world)
            if wanted != world:
                phones = {one: asdict(phone) for one, phone in wanted.phones.items()}
                api.post("/switches", {"phones": phones, "core": asdict(wanted.core)})
            continue
        method, path, parameters = wish
        busy = name if path not in (STEPS, "pims.subscription.step") else ""
        if random.random() < 0.2:
            api.post("/provoke", {"number": random.choice([2000, 2201, 2203, 2204, 2006])})
        answers[name] = api.call(method, path, name, **parameters)
        calls += 1


@pytest.mark.parametrize(("seed", "version"), [(1, "2.3"), (2, "2.0"), (3, "2.2")])
def test_the_trace_of_a_good_app_is_one_in_which_the_rules_find_nothing(owner: User, seed: int, version: str) -> None:
    api = opened(owner, version)
    _walk(api, seed, version)
    answer = api.get("/trace")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    report = check(answer.content)
    assert report.clean, report.findings
    assert report.calls == report.messages == api.state["calls"] > 10
    assert api.get("/check").json()["clean"]


def test_what_an_app_does_wrong_is_found_in_its_trace(api: Api) -> None:
    api.call("get", "pims.subscription.steps ", stepsID="1", resetStep=False, stepsStatus="all")
    found = {one["code"] for one in api.get("/check").json()["findings"]}
    assert {"api_misspelt", "parameter_misspelt", "first_by_association"} <= found


def test_without_its_token_a_rehearsal_is_closed(api: Api, owner: User, rival: User, client: Client) -> None:
    foreign = opened(rival)
    for headers, status, code in (
        ({}, 401, "token_missing"),
        ({"Authorization": "Bearer"}, 401, "token_missing"),
        ({"Authorization": "Bearer nothing"}, 401, "token_wrong"),
        ({"Authorization": "Basic " + api.headers["Authorization"][7:]}, 401, "token_wrong"),
        (foreign.headers, 404, "not_found"),
    ):
        for answer in (client.get(api.base, headers=headers), client.post(api.base + "/reset", headers=headers)):
            assert (answer.status_code, answer.json()["code"]) == (status, code)
    missing = client.get(f"/sandbox/sdk/rehearsals/{uuid.uuid4()}", headers=api.headers)
    assert missing.json() == foreign.client.get(api.base, headers=foreign.headers).json()
    rehearsing.make_token(Rehearsal.objects.get(pk=api.base[-36:]), actor=member(owner))
    assert api.get().json()["code"] == "token_wrong"


def test_no_cookie_is_looked_at_and_none_is_set(api: Api, owner: User) -> None:
    api.client.force_login(owner)
    api.headers = {}
    assert api.get().status_code == 401
    assert not api.post("/reset").cookies


BAD: tuple[tuple[str, Any, int, str], ...] = (
    ("/calls", b"{", 400, "not_json"),
    ("/calls", b"[]", 400, "not_json"),
    ("/calls", b"\xff", 400, "not_json"),
    ("/calls", b'{"method": "get", "method": "set"}', 400, "not_json"),
    ("/calls", b'{"api": NaN}', 400, "not_json"),
    ("/calls", b'{"api": 1e999}', 400, "not_json"),
    ("/calls", b'{"a":' * 30_000 + b"1" + b"}" * 30_000, 413, "too_large"),
    ("/calls", b'{"a":' * 8_000 + b"1" + b"}" * 8_000, 400, "not_json"),
    ("/calls", b" " * 70_000, 413, "too_large"),
    ("/calls", {}, 422, "field_missing"),
    ("/calls", {"method": "get"}, 422, "field_missing"),
    ("/calls", {"method": "push", "api": "x"}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": 1}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x" * 65}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x\x00"}, 422, "field_wrong"),
    ("/calls", b'{"method": "get", "api": "\\ud800"}', 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x", "more": 1}, 422, "field_unknown"),
    ("/calls", {"method": "get", "api": "x", "device": "../x"}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x", "device": "x" * 33}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x", "parameters": []}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x", "parameters": {"a": {"b": 1}}}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x", "parameters": {"a": "x" * 65}}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x", "parameters": {"a": 10**30}}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x", "parameters": {"a": 1.5}}, 422, "field_wrong"),
    ("/calls", {"method": "get", "api": "x", "parameters": dict.fromkeys("abcdefghijk", 1)}, 422, "field_wrong"),
    ("/phones", {}, 422, "field_missing"),
    ("/phones", {"name": " "}, 422, "field_wrong"),
    ("/switches", {"phones": []}, 422, "field_wrong"),
    ("/switches", {"phones": {"phone-1": {"warp": True}}}, 422, "field_unknown"),
    ("/switches", {"phones": {"phone-1": {"online": "no"}}}, 422, "field_wrong"),
    ("/switches", {"core": {"pin": "1234"}}, 422, "field_unknown"),
    ("/switches", {"account": 1}, 422, "field_wrong"),
    ("/switches", {"account": {"pin": "1"}}, 422, "field_unknown"),
    ("/switches", {"account": {"blocked": "no"}}, 422, "field_wrong"),
    ("/switches", {"account": {"carkey": ["active"]}}, 422, "field_wrong"),
    ("/provoke", {}, 422, "field_missing"),
    ("/provoke", {"number": 1}, 422, "field_wrong"),
    ("/provoke", {"number": True}, 422, "field_wrong"),
    ("/provoke", {"situation": "flood"}, 422, "field_wrong"),
    ("/clock", {"advance_seconds": -1}, 422, "field_wrong"),
    ("/clock", {"advance_seconds": 10**9}, 422, "field_wrong"),
    ("/reset", {"all": True}, 422, "field_unknown"),
)


def test_whatever_is_sent_is_answered_with_what_is_wrong_and_what_to_do(api: Api) -> None:
    before = Rehearsal.objects.values().get()
    for path, body, status, code in BAD:
        answer = api.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, body, answer.content)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["what"]
        assert answer.json()["remedy"]
        assert "{" not in answer.json()["what"] + answer.json()["remedy"]
    assert Rehearsal.objects.values().get() == before


def test_a_form_is_no_json_and_a_method_is_named_that_would_do(api: Api) -> None:
    form = api.post("/calls", "method=get", content_type="application/x-www-form-urlencoded")
    assert (form.status_code, form.json()["code"]) == (415, "not_json_type")
    pieces = api.post("/calls", {}, headers=api.headers | {"Transfer-Encoding": "chunked"})
    assert (pieces.status_code, pieces.json()["code"]) == (411, "length_missing")
    wrong = api.get("/calls")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")


def test_one_phone_too_many_and_one_call_too_many_are_said_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(pure.MAX_DEVICES + 1):
        last = api.post("/phones", {"name": f"another {number}"})
    assert last.json()["code"] == "too_many_phones"
    monkeypatch.setattr(rehearsing, "MAX_CALLS", 0)
    assert api.post("/calls", {"method": "get", "api": "x"}).json()["code"] == "log_full"


def test_a_world_of_another_version_wants_a_reset(api: Api) -> None:
    Rehearsal.objects.update(world={"format": 0})
    assert api.get().json()["code"] == "unreadable"
    assert api.post("/reset").status_code == 200
    assert api.get().status_code == 200


def test_a_rehearsal_answers_so_many_requests_a_minute(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PER_MINUTE", 2)
    monkeypatch.setattr(views, "WRONG_PER_MINUTE", 1)
    answers = [api.get().status_code for _ in range(4)]
    assert answers[-1] == 429
    assert api.get().headers["Retry-After"] == "60"
    api.headers = {}
    assert [api.get().status_code for _ in range(4)][-1] == 429


def test_problems_are_worded_in_the_language_that_is_asked_for(api: Api) -> None:
    api.headers["Accept-Language"] = "fr"
    answer = api.post("/calls", {})
    assert answer.headers["Content-Language"] == "fr"
    assert "manque" in answer.json()["what"]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _valid(schema: str, value: Any) -> None:
    document = sdk_openapi.document()
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    errors = [f"{list(one.absolute_path)}: {one.message}" for one in Draft202012Validator(whole).iter_errors(value)]
    assert errors == []


def test_the_description_for_programs_is_whole_and_names_every_address(client: Client) -> None:
    document = client.get("/sandbox/sdk/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert {one.rpartition("/")[2] for one in _references(document)} <= set(document["components"]["schemas"])
    id_ = uuid.uuid4()
    served = {reverse(name, args=[id_]) for name in vars(views) if name.startswith("sdk_") and name != "sdk_openapi"}
    assert {f"/sandbox/sdk{path}".replace("{rehearsal}", str(id_)) for path in document["paths"]} == served
    verbs = [verb for path in document["paths"].values() for name, verb in path.items() if name in ("get", "post")]
    assert len({one["operationId"] for one in verbs}) == len(verbs)
    assert set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(KINDS)


def test_what_is_answered_is_as_it_is_described(api: Api) -> None:
    _valid("State", api.state)
    _valid("Message", api.call("get", STEPS, carAssociationID=ASSOCIATION, **LISTING))
    _valid("Message", api.call("get", CARKEY))
    _valid("Report", api.get("/check").json())
    _valid("Problem", api.post("/calls", {}).json())
    provoked = api.post("/provoke", {"situation": "not_paired"}).json()
    _valid("State", provoked["state"])
    for call in provoked["calls"]:
        _valid("Call", call)
    _valid("Provocation", {"number": 2317})
    _valid("Provocation", {"situation": "blocked", "device": "phone-1"})


def test_the_documentation_has_every_situation_every_address_and_the_clients(api: Api) -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "SDK_REHEARSAL.md").read_text("utf-8")
    documented = re.findall(r"^\| `(\w+)` \| (\d+|–) \| (.*) \|$", text, re.M)
    assert documented == [(one.id, str(one.number or "–"), one.title) for one in SITUATIONS]
    paths = {path.removeprefix("/rehearsals/{rehearsal}") for path in sdk_openapi.document()["paths"]} - {""}
    assert set(re.findall(r"^\| `(?:GET|POST)` \| `(/\w+)`", text, re.M)) == paths
    base = "https://portal.example/sandbox/sdk/rehearsals/0b5f0a1e-6d0f-4f6e-9d0c-2f6c1a7b9e11"
    assert all(code.format(base=base) in text for _label, code in CLIENTS)


def test_the_curl_example_sends_what_the_api_takes(api: Api) -> None:
    body = re.search(r"--data '(.*)'", clients(Rehearsal.objects.get())[0]["code"], re.S)
    assert body
    assert api.post("/calls", body[1]).json()["status"] == "SUCCEEDED"


def test_every_version_of_the_sdk_can_be_rehearsed(owner: User) -> None:
    for version in VERSIONS:
        api = opened(owner, ".".join(map(str, version)))
        code = api.code("set", "pims.vehicle.vin", vin=VIN)
        assert code == (0 if version >= (2, 3) else 2002)
