"""The CarKey's page: its statuses, how long there is time, and what the two messages say."""

import html
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.mobile.sdk import BY_ID, CARKEY_REQUIREMENTS, CarKeyStatus
from onboarding.partners.models import User
from onboarding.web import carkeys
from tests.journey import described
from tests.mobile.test_reading import ACTIVATED, CARKEY, failed, message, steps

Paste = Callable[..., str]
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def url(owner: User) -> str:
    return f"/applications/{described(owner).pk}/activation/carkey/"


@pytest.fixture
def paste(url: str, viewer: User, signed_in: Callable[[User], Client]) -> Paste:
    """Return a function that a viewer pastes one or two messages with; it returns the page, its entities decoded."""
    client = signed_in(viewer)

    def sent(get: str = "", set_: str = "") -> str:
        response = client.post(url, {"private_get": get, "private_set": set_})
        assert response.status_code == 200
        return html.unescape(response.content.decode())

    return sent


def suspended(**ahead: float) -> str:
    until = (timezone.now() + timedelta(**ahead)).isoformat()
    return message({"isCarKeyVerified": "false", "cvsStatus": "suspended", "maxReactivationDate": until})


def test_each_status_and_each_error_of_the_calls_is_on_the_page(paste: Paste) -> None:
    assert set(carkeys.STATUSES) == set(CarKeyStatus)
    page = paste()
    assert "Paste one of the two messages, or both." in page
    for call in ("select_vehicle", "carkey_status", "activate_carkey"):
        for number in BY_ID[call].errors:
            assert f'id="error-{number}"' in page


def test_a_suspended_carkey_says_how_many_days_are_left(paste: Paste) -> None:
    page = paste(suspended(days=5, hours=3, minutes=30))
    assert "5 days, 3 hours left" in page
    assert "data-until=" in page
    assert "countdown--near" not in page
    assert "countdown--near" in paste(suspended(days=1))


def test_a_suspended_carkey_whose_date_has_passed_says_so(paste: Paste) -> None:
    page = paste(suspended(days=-2, hours=-1))
    assert "over since 2 days, 1 hour" in page
    assert "the time to reactivate it ended" in page


@pytest.mark.parametrize("status", CarKeyStatus)
def test_each_status_says_whose_turn_it_is(status: CarKeyStatus, paste: Paste) -> None:
    page = paste(message({**CARKEY, "cvsStatus": str(status)}))
    told = carkeys.STATUSES[status]
    assert f"said--{told.tone}" in page
    assert f"<dd>{told.turn}</dd>" in page


def test_an_activation_is_told_without_its_security_code(paste: Paste) -> None:
    page = paste(set_=message({**ACTIVATED, "securityCode": "bm90IHNo" + "b3du"}))
    assert "bm90IHNo" not in page
    assert ACTIVATED["vin"] not in page
    assert "masked, and stored nowhere" in page


def test_both_messages_are_read_and_what_belongs_elsewhere_is_named(paste: Paste) -> None:
    page = paste(steps(), failed(2342))
    assert "This is not the answer to get pims.vehicle.carkey: A list of steps." in page
    assert '<a href="#error-2342">2342</a>' in page


@pytest.mark.parametrize("text", ["{", "[" * 50_000, json.dumps([1] * 100_000), "\x00", "<html>", message({"vin": 3})])
def test_bad_input_is_told_and_never_an_error_of_ours(text: str, paste: Paste) -> None:
    assert 'class="said said--' in paste(text, text[:1000])


@pytest.mark.parametrize(
    ("until", "span", "is_over"),
    [
        (NOW + timedelta(days=1, hours=1, minutes=59), "1 day, 1 hour", False),
        (NOW + timedelta(days=3), "3 days", False),
        (NOW + timedelta(minutes=20), "less than an hour", False),
        (NOW, "less than an hour", True),
        (NOW - timedelta(hours=5), "5 hours", True),
    ],
)
def test_what_is_left_is_told_in_days_and_hours(until: datetime, span: str, is_over: bool) -> None:
    left = carkeys.left(until, NOW)
    assert left is not None
    assert (left["span"], left["is_over"]) == (span, is_over)


def test_the_checklist_has_each_requirement(url: str, viewer: User, signed_in: Callable[[User], Client]) -> None:
    page = html.unescape(signed_in(viewer).get(f"{url}checklist/").text)
    assert all(one.title in page for one in CARKEY_REQUIREMENTS)
