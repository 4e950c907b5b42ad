"""The page of the virtual-key token: what it takes, what it says of what it cannot take, and the token, shown once."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.diagnosis import Report
from onboarding.fleet.virtual_key import Asked, Obtained, Token
from onboarding.partners.models import User
from onboarding.registrations import flows as registrations
from onboarding.validation.models import Run
from onboarding.virtualkeys import flows
from onboarding.virtualkeys.models import TokenRequest
from tests.conftest import member, staff
from tests.journey import issued

SignIn = Callable[[User], Client]
CAR_DATA, SIGNATURE, TOKEN = "c2VjcmV0LWNhci1kYXRh", "c2VjcmV0LXNpZ25hdHVyZQ==", "VGhpcyBpcyBhIHNlY3JldCB0b2tlbg=="
GIVEN = {"car_data": CAR_DATA, "car_data_signature": SIGNATURE, "amount": "24", "unit": "hours"}
MESSAGE = json.dumps(
    {"status": "SUCCEEDED", "result": {"carToken": {"CarData": CAR_DATA, "CarData_signature": SIGNATURE}}}
)
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    """A live set."""
    held = issued(owner, reviewer, issuer)
    now = timezone.now()
    Run.objects.create(credential_set=held, state="passed", started_at=now, finished_at=now)
    return held


def page(held: CredentialSet) -> str:
    return reverse("virtual_key", args=[held.application_id, "sandbox"])


def at(name: str, request: TokenRequest) -> str:
    return reverse(name, args=[request.credential_set.application_id, "sandbox", request.pk])


def text(response: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", response.content.decode()))


def granted(held: CredentialSet, user: User, monkeypatch: pytest.MonkeyPatch, **token: Any) -> TokenRequest:
    values = {"value": TOKEN, "kind": "bearer", "expires": timezone.now() + timedelta(hours=26), "signature": "c2ln"}
    checks = (Check(Rung.ANSWER, "virtual_key_answered", Result.PASSED, evidence={"host": "h", "http_status": 200}),)
    obtained = Obtained(Report(Result.PASSED, checks), Token(**(values | token)))
    monkeypatch.setattr(flows, "obtain", lambda *_args, on_request, **_options: (on_request(), obtained)[1])
    request = flows.ask(held, Asked(CAR_DATA, SIGNATURE, 3600), actor=member(user))
    flows.execute(request.pk)
    request.refresh_from_db()
    return request


# --- What it takes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        GIVEN,
        GIVEN | {"car_data": f" {CAR_DATA[:8]}\r\n{CAR_DATA[8:]} "},
        GIVEN | {"car_data": "", "car_data_signature": "", "sdk_answer": MESSAGE},
        GIVEN | {"car_data": MESSAGE, "car_data_signature": ""},
        GIVEN | {"car_data": "", "car_data_signature": "", "sdk_file": SimpleUploadedFile("a.json", MESSAGE.encode())},
    ],
    ids=["pasted", "with line breaks", "the answer", "the answer in the wrong box", "a file"],
)
def test_both_values_are_taken_in_whatever_form_they_are_at_hand(
    given: dict[str, Any], held: CredentialSet, owner: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Asked] = []

    def obtain(_material: Any, _target: Any, one: Asked, **_options: Any) -> Obtained:
        asked.append(one)
        return Obtained(Report(Result.FAILED, ()))

    response = signed_in(owner).post(page(held), given)
    request = TokenRequest.objects.get()
    assert response.headers["Location"] == at("virtual_key_request", request)
    monkeypatch.setattr(flows, "obtain", obtain)
    flows.execute(request.pk)
    assert asked == [Asked(CAR_DATA, SIGNATURE, 86_400)]


@pytest.mark.parametrize(
    ("amount", "unit", "seconds"), [("90", "minutes", 5400), ("24", "hours", 86_400), ("366", "days", 31_622_400)]
)
def test_a_duration_is_said_in_human_units(
    amount: str, unit: str, seconds: int, held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    signed_in(owner).post(page(held), GIVEN | {"amount": amount, "unit": unit})
    assert TokenRequest.objects.get().seconds == seconds


NO_VALUES = {"car_data": "", "car_data_signature": ""}


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        (NO_VALUES, "car_data", "Here there is none"),
        ({"car_data_signature": " \n "}, "car_data_signature", "Here there is none"),
        ({"car_data": "SGVs-G8_"}, "car_data", "it holds - _"),
        ({"car_data": "SGVs*bG8="}, "car_data", "not Base64: it holds *"),
        ({"car_data": "SGVsbG8"}, "car_data", "not whole"),
        ({"car_data_signature": "A" * 20_000}, "car_data_signature", "longer than 16384"),
        ({"car_data": "A" * 70_000}, "car_data", "longer than 16384"),
        ({"car_data": "\x00\u202e"}, "car_data", ""),
        ({"sdk_answer": MESSAGE}, "sdk_answer", "Give it once"),
        (NO_VALUES | {"sdk_answer": "hello"}, "sdk_answer", "CarData and CarData_signature cannot be found"),
        (NO_VALUES | {"sdk_answer": '{"CarData": "QQ=="}'}, "sdk_answer", "CarData_signature cannot be found"),
        (NO_VALUES | {"sdk_answer": f"[{MESSAGE}, {MESSAGE.replace('c2V', 'YWJ')}]"}, "sdk_answer", "two vehicles"),
        (NO_VALUES | {"sdk_answer": MESSAGE.replace("==", "")}, "sdk_answer", "CarData_signature: This is not whole"),
        (NO_VALUES | {"sdk_file": SimpleUploadedFile("a", b"\xff\xfe\x00")}, "sdk_file", "This file is no text"),
        (NO_VALUES | {"sdk_file": SimpleUploadedFile("a", b"")}, "sdk_file", "empty"),
        (NO_VALUES | {"sdk_file": SimpleUploadedFile("a", b" " * 70_000)}, "sdk_file", "larger than 64 KiB"),
        ({"amount": "0"}, "amount", "write 1 or more"),
        ({"amount": "-3"}, "amount", "write 1 or more"),
        ({"amount": "400", "unit": "days"}, "amount", "longer than a year"),
        ({"amount": "9" * 30}, "amount", "longer than a year"),
        ({"amount": "1.5"}, "amount", "whole number"),
        ({"amount": "9" * 5000}, "amount", ""),
        ({"amount": ""}, "amount", "for how long"),
        ({"unit": "weeks"}, "unit", "weeks"),
    ],
)
def test_what_cannot_be_taken_is_said_beside_its_field_and_what_was_typed_stays(
    given: dict[str, Any], field: str, said: str, held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    response = signed_in(owner).post(page(held), GIVEN | given)
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert said in text(response)
    assert f'href="#id_{field}' in response.content.decode()
    for name in ("car_data", "car_data_signature", "sdk_answer"):
        typed = (GIVEN | given).get(name, "").strip()
        assert not typed or "\x00" in typed or typed in html.unescape(response.content.decode())
    assert "no-store" in response.headers["Cache-Control"]
    assert not TokenRequest.objects.exists()


def test_a_key_that_is_kept_elsewhere_is_lent_for_the_request_or_the_request_is_made_beside_it(
    held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    CertificateRequest.objects.filter(pk=held.certificate_request_id).update(key=None, custody="own")
    client = signed_in(owner)
    shown = text(client.get(page(held)))
    assert "this request needs it once" in shown
    assert 'id="beside"' in shown
    assert "CAR_DATA" in shown
    assert "Choose the private key's file." in text(client.post(page(held), GIVEN))
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = rsa.generate_private_key(65537, 2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    refused = client.post(page(held), GIVEN | {"key": SimpleUploadedFile("key.pem", pem), "passphrase": ""})
    assert (refused.status_code, TokenRequest.objects.count()) == (422, 0)
    assert CAR_DATA in text(refused)


# --- Who may --------------------------------------------------------------------------------------------------


def test_the_live_page_of_a_fleet_owner_offers_it_and_no_other_programmes_does(
    held: CredentialSet, owner: User, reviewer: User, issuer: User, signed_in: SignIn
) -> None:
    driver = issued(owner, reviewer, issuer, "end_user", mzp="MZP128746")
    now = timezone.now()
    Run.objects.create(credential_set=driver, state="passed", started_at=now, finished_at=now)
    client = signed_in(owner)
    assert page(held) in text(client.get(reverse("live", args=[held.application_id, "sandbox"])))
    assert "virtual-key" not in text(client.get(reverse("live", args=[driver.application_id, "sandbox"])))
    assert client.get(page(driver)).status_code == 404


def test_before_it_is_live_it_leads_back(held: CredentialSet, owner: User, signed_in: SignIn) -> None:
    Run.objects.all().delete()
    response = signed_in(owner).post(page(held), GIVEN)
    assert response.headers["Location"] == reverse("application", args=[held.application_id])
    assert not TokenRequest.objects.exists()


def test_a_viewer_reads_the_history_and_asks_for_nothing(
    held: CredentialSet, owner: User, viewer: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = granted(held, owner, monkeypatch)
    client = signed_in(viewer)
    assert "Ask for a token" not in text(client.get(page(held)))
    assert at("virtual_key_request", request) in text(client.get(page(held)))
    assert client.post(page(held), GIVEN).status_code == 403
    assert client.post(at("virtual_key_cancel", request)).status_code == 403
    assert client.get(at("virtual_key_token", request)).status_code == 404


def test_a_suspended_application_says_so_and_asks_for_nothing(
    held: CredentialSet, owner: User, reviewer: User, signed_in: SignIn
) -> None:
    registrations.suspend(held.application.registration, reason="misuse", note="Why?", actor=staff(reviewer))
    client = signed_in(owner)
    assert "No token can be asked for" in text(client.get(page(held)))
    assert "No token can be asked for" in text(client.post(page(held), GIVEN))
    assert not TokenRequest.objects.exists()


def test_a_second_click_leads_to_the_request_that_waits_and_too_many_say_when_the_next_may_come(
    held: CredentialSet, owner: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(owner)
    first, second = (client.post(page(held), GIVEN) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    request = TokenRequest.objects.get()
    client.post(at("virtual_key_cancel", request))
    request.refresh_from_db()
    assert request.state == "cancelled"
    monkeypatch.setattr(flows, "MOST", 1)
    refused = client.post(page(held), GIVEN)
    assert refused.status_code == 422
    assert "the next has to wait until" in text(refused)
    assert CAR_DATA in text(refused)


# --- The token ------------------------------------------------------------------------------------------------


def test_the_token_is_shown_once_to_who_asked_and_is_on_no_other_page(
    held: CredentialSet, owner: User, colleague: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = granted(held, owner, monkeypatch)
    client, other = signed_in(owner), signed_in(colleague)
    assert "Show the token" in text(client.get(at("virtual_key_request", request)))
    assert "to nobody else" in text(other.get(at("virtual_key_request", request)))
    assert other.post(at("virtual_key_token", request)).status_code == 404
    assert TOKEN not in text(client.get(at("virtual_key_token", request)))
    shown = client.post(at("virtual_key_token", request))
    assert TOKEN in text(shown)
    assert "c2ln" in text(shown)
    assert "no-store" in shown.headers["Cache-Control"]
    again = client.post(at("virtual_key_token", request), follow=True)
    assert "shown once" in text(again)
    for where in (at("virtual_key_request", request), page(held), at("virtual_key_calendar", request)):
        assert TOKEN not in text(client.get(where))
    assert "It is not kept here" in text(client.get(at("virtual_key_request", request)))
    history = text(client.get(reverse("application_history", args=[held.application_id])))
    assert "Virtual-key token shown" in history
    assert TOKEN not in history


def test_whoever_signed_in_long_ago_proves_to_be_themselves_first(
    held: CredentialSet, owner: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    request = granted(held, owner, monkeypatch)
    client = signed_in(owner)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    for response in (client.get(at("virtual_key_token", request)), client.post(at("virtual_key_token", request))):
        assert response.headers["Location"].startswith(reverse("account_reauthenticate"))
    request.refresh_from_db()
    assert request.can_be_shown(timezone.now())


def test_its_end_is_told_counted_down_and_goes_into_a_calendar(
    held: CredentialSet, owner: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = granted(held, owner, monkeypatch)
    client = signed_in(owner)
    shown = text(client.get(at("virtual_key_request", request)))
    assert re.search(r'data-ends-at="[^"]+" data-over="over">1 d 01:59:\d\d</span> left', shown)
    calendar = client.get(at("virtual_key_calendar", request))
    assert calendar.headers["Content-Type"].startswith("text/calendar")
    [event] = Calendar.from_ical(calendar.content).walk("VEVENT")
    assert event["dtstart"].dt == request.expires_at.replace(microsecond=0)  # type: ignore[union-attr]
    assert event.walk("VALARM")[0]["trigger"].dt == -timedelta(minutes=30)
    ended = granted(held, owner, monkeypatch, expires=timezone.now() - timedelta(hours=1))
    assert "over" in text(client.get(at("virtual_key_request", ended)))
    without = granted(held, owner, monkeypatch, expires=None, signature="", kind="")
    assert "the answer does not say" in text(client.get(at("virtual_key_request", without)))
    assert client.get(at("virtual_key_calendar", without)).status_code == 404


@pytest.mark.parametrize(
    ("state", "more", "said"),
    [
        ("queued", {}, "Waiting for a worker"),
        ("failed", {}, "No token was granted"),
        ("unknown", {}, "What came of it is not known"),
        ("abandoned", {}, "The request was given up"),
        ("cancelled", {}, "The request was cancelled"),
        ("cancelled", {"fault": "closed"}, "the application was suspended"),
    ],
)
def test_each_end_says_what_happened_and_what_to_do(
    state: str, more: dict[str, str], said: str, held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    check = Check(Rung.ANSWER, "virtual_key_request_refused", Result.FAILED, Turn.PARTNER, {"http_status": 400})
    request = TokenRequest.objects.create(
        credential_set=held, requested_by=owner, seconds=5400, state=state, checks=[check.to_json()], **more
    )
    client = signed_in(owner)
    shown = text(client.get(at("virtual_key_request", request)))
    assert said in shown
    assert "90 minutes" in shown
    is_open = state == "queued"
    assert ("hx-get" in shown, '<meta http-equiv="refresh"' in shown) == (is_open, is_open)
    fragment = client.get(at("virtual_key_request", request), **HTMX)
    assert "<html" not in fragment.content.decode()
    if is_open:
        seen = re.search(r"\?seen=([^\"]+)", fragment.content.decode())
        assert seen is not None
        assert client.get(at("virtual_key_request", request), {"seen": seen[1]}, **HTMX).status_code == 204


def test_the_snippets_hold_no_secret_and_say_the_duration_as_a_text(
    held: CredentialSet, owner: User, signed_in: SignIn
) -> None:
    shown = text(signed_in(owner).get(page(held)))
    assert '"duration": "86400"' in shown
    assert "virtualkey/smartaccess/token?client_id=" in shown
    assert "FLEET_PASSWORD:?" in shown
