"""The message reader's page: every documented message, whatever else is pasted, and no secret on any page."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings

from onboarding.findings import explain
from onboarding.mobile.messages import MESSAGES
from onboarding.mobile.reading import read
from onboarding.partners.models import User
from onboarding.web.marking import listing
from tests.journey import described
from tests.mobile.test_bad_input import TEXT
from tests.mobile.test_reading import CALLS, READINGS, TOKEN, failed, message, steps

Paste = Callable[[str], str]


@pytest.fixture
def paste(owner: User, viewer: User, signed_in: Callable[[User], Client]) -> Paste:
    """Return a function that a viewer pastes a text with; it returns the page, its entities decoded."""
    client, url = signed_in(viewer), f"/applications/{described(owner).pk}/activation/reader/"

    def sent(text: str) -> str:
        response = client.post(url, {"private_message": text})
        assert response.status_code == 200, response.status_code
        return html.unescape(response.content.decode())

    return sent


def test_every_message_of_the_documents_is_explained(paste: Paste) -> None:
    for name, text, _kind, _meaning, following, remarks in READINGS:
        page = paste(text)
        meaning = read(text, timezone.now()).meaning
        assert meaning is not None
        assert explain(meaning, MESSAGES).title in page, name
        for call in following:
            assert f'id="call-{call}-next"' in page, name
        for remark in remarks:
            assert f'finding__field mono">{remark}<' in page, name


def test_every_call_of_the_documents_is_named_and_shown_as_it_should_be(paste: Paste) -> None:
    for code, operation, _remarks in CALLS:
        assert f'id="call-{operation}-next"' in paste(code)


def test_what_is_wrong_is_marked_at_its_place_and_leads_there_and_back(paste: Paste) -> None:
    page = paste(steps().replace('"SUCCEEDED"', '"SUCCEDED"'))
    assert 'href="#place-1">Line 1, column 36</a>' in page
    assert '<a class="place place--error" href="#finding-1" id="place-1">"SUCCEDED"<sup>1</sup></a>' in page


def test_the_next_call_is_filled_in_with_what_the_message_says(paste: Paste) -> None:
    page = paste(message({"stepsID": 132324, "trustedPhone": {"status": "alreadyDone"}}))
    assert "no step is left" in page.lower()
    assert 'Pair("resetSteps", true)' in paste(failed(2317))


SECRETS = ["c2h" + "hemFtCg", "4711471", "0612345678", "VR1AB12C3D4567890"]


@pytest.mark.parametrize(
    "text",
    [
        message({"hasCarKey": "true", "securityCode": SECRETS[0], "vin": SECRETS[3]}),
        message({"phoneNumber": SECRETS[2], "otp": SECRETS[1]})[:-3],
        f'pims.set("pims.authentication.enrollment", mapOf("action" to "enroll", "pinCode" to "{SECRETS[1]}"))',
        json.dumps(TOKEN).replace("bWFya2Vy", SECRETS[0]),
        f"Authorization: Bearer {SECRETS[0]}",
    ],
)
def test_a_secret_that_is_pasted_is_nowhere_on_the_page(text: str, paste: Paste) -> None:
    page = paste(text)
    assert not [secret for secret in SECRETS if secret in page]


WRONG = {
    "nothing but blanks": (" \r\n", "empty"),
    "no JSON": ("<html><body>Bad gateway</body></html>", "not_json"),
    "half a message": (steps()[:90], "cut_off"),
    "two messages": (steps() + "\r\n" + failed(2317), "second_message"),
    "an array of 100,000": (json.dumps([1] * 100_000), "too_large"),
    "deep nesting": ('{"result":' * 5_000, "too_deep"),
    "wrong types": (message({"stepsID": {"a": 1}, "trustedPhone": {"status": 1, "order": "x"}}), "type_wrong"),
    "an unknown field": (message({"hasCarKey": True, "colour": "red"}), "field_unknown"),
    "a NUL": (message(None) + "\x00", "text_after"),
    "one long line": ("{" + '"a":1,' * 9_000, "too_many"),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_has_a_finding_and_never_an_error_of_ours(name: str, paste: Paste) -> None:
    text, code = WRONG[name]
    page = paste(text)
    assert f'finding__field mono">{code}<' in page
    assert len(page) < 300_000
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_nothing_pasted_is_said_beside_the_field(paste: Paste) -> None:
    assert "Paste a message, or choose an example." in paste("")


@pytest.mark.parametrize("example", ["steps", "next", "nothing", "carkey", "activated", "error"])
def test_each_example_can_be_read(example: str, owner: User, signed_in: Callable[[User], Client]) -> None:
    url = f"/applications/{described(owner).pk}/activation/reader/"
    page: Any = signed_in(owner).post(url, {"example": example}).content.decode()
    assert "Nothing wrong with it" in page


@settings(max_examples=30, deadline=None)
@given(text=TEXT)
def test_the_listing_is_the_text_and_marks_each_finding_once(text: str) -> None:
    reading = read(text)
    shown = listing(reading.text, reading.findings)
    lines = ["".join(part.text for part in line.parts) for line in shown.lines]
    plain = re.split(r"\r\n|\r|\n", reading.text)
    assert [line.replace("◂", "") for line in lines] == [line.replace("◂", "") for line in plain]
    numbers = [number for line in shown.lines for part in line.parts for number in part.numbers]
    assert sorted(numbers) == [number for number, one in enumerate(reading.findings, 1) if "offset" in one.params]
