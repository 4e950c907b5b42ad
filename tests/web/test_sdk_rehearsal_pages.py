"""The page of a rehearsal: driven by a browser that knows no script, watched by viewers, closed to everybody else."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onboarding.activation import rehearsing, worlds
from onboarding.activation.models import Rehearsal
from onboarding.audit.models import Entry
from onboarding.mobile.errors import ERRORS
from onboarding.mobile.sdk import BY_ID, OPERATIONS
from onboarding.mobile.situations import SITUATIONS, call, upcoming
from onboarding.mobile.traces import check
from onboarding.partners.models import User
from onboarding.web.rehearsal_page import CORE_LABELS, OFF_LABELS, PHONE_LABELS
from onboarding.web.sdk_bodies import DEVICE
from tests.conftest import member
from tests.journey import described

HTMX = {"HX-Request": "true"}


@pytest.fixture
def begun(owner: User) -> Rehearsal:
    return rehearsing.begin(described(owner), name="First", version="2.3", by=owner, actor=member(owner))


@pytest.fixture
def page(begun: Rehearsal) -> str:
    return f"/applications/{begun.application_id}/activation/rehearsal/{begun.pk}/"


class Page:
    """The page in a browser, and its forms, each found as a browser would find it."""

    def __init__(self, client: Client, url: str) -> None:
        self.client, self.url, self.phone, self.shown = client, url, "phone-1", ""
        self.open()

    def open(self, query: str = "") -> "Page":
        self.shown = self.client.get(f"{self.url}?phone={self.phone}{query}").content.decode()
        return self

    def send(self, verb: str, **fields: str) -> "Page":
        response = self.client.post(f"{self.url}{verb}/", {"phone": self.phone, **fields}, follow=True)
        assert response.status_code == 200, (verb, fields, response.status_code)
        self.shown = response.content.decode()
        return self

    def post(self, verb: str, **fields: str) -> "Page":
        """Send, and do not look at what is shown then."""
        assert self.client.post(f"{self.url}{verb}/", {"phone": self.phone, **fields}).status_code == 302
        return self

    def choose(self, call: str) -> "Page":
        return self.open(f"&call={call}")

    def make(self, follow: bool = True) -> "Page":
        """Send the form of the call that the page offers, filled in as it is."""
        form = re.search(r'<form[^>]*/call/".*?</form>', self.shown, re.S)
        assert form, "the page offers no call"
        values = dict(re.findall(r'<input type="(?:hidden|text)" name="(\w+)" value="([^"]*)"', form[0]))
        for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', form[0], re.S):
            values[name] = re.search(r'<option value="(\w*)" selected', options)[1]  # type: ignore[index]
        values.pop("phone")
        return self.send("call", **values) if follow else self.post("call", **values)

    @property
    def code(self) -> int:
        """What the core said last."""
        said = re.search(r'id="answer".*?(FAILED \d+|SUCCEEDED)', self.shown, re.S)
        assert said, "the core has said nothing"
        return int(said[1].split()[-1]) if said[1] != "SUCCEEDED" else 0


@pytest.fixture
def browser(owner: User, page: str, signed_in: Callable[[User], Client]) -> Page:
    return Page(signed_in(owner), page)


def onboarded(browser: Page) -> Page:
    while "All steps are done" not in browser.shown:
        browser.make()
        assert browser.code == 0
    return browser


def test_one_button_leads_through_all_steps_to_their_end(browser: Page) -> None:
    onboarded(browser)
    log = Rehearsal.objects.get().log
    assert list(log.values_list("operation", flat=True)) == [
        "steps_first",
        "sms_for_phone",
        "add_phone",
        "sms_for_enrolment",
        "check_sms",
        "enrol",
        "select_vehicle",
        "carkey_status",
        "activate_carkey",
    ]
    assert "The rules find nothing wrong." in browser.shown
    assert browser.shown.count("is-done") == 3


def test_every_call_of_the_version_can_be_chosen_and_made(browser: Page) -> None:
    onboarded(browser)
    for operation in OPERATIONS:
        browser.choose(operation.id).make(follow=False)
        assert Rehearsal.objects.get().log.last().operation == operation.id  # type: ignore[union-attr]


def test_a_call_of_a_newer_version_is_not_offered(owner: User, signed_in: Callable[[User], Client]) -> None:
    old = rehearsing.begin(described(owner), name="Old", version="2.0", by=owner, actor=member(owner))
    browser = Page(signed_in(owner), f"/applications/{old.application_id}/activation/rehearsal/{old.pk}/")
    assert "call=enrol_with_phone" not in browser.shown
    assert "call=select_vehicle" not in browser.shown
    assert "call=carkey_status" in browser.shown


def test_each_situation_is_provoked_and_met(browser: Page, begun: Rehearsal) -> None:
    for situation in SITUATIONS:
        row = rehearsing.reset(begun)
        device = "phone-2" if situation.id == "foreign_steps_id" else "phone-1"
        row, last = rehearsing.add_phone(row, device), ""
        while needs := situation.needs(worlds.load(row.world), "phone-1"):
            assert needs in BY_ID
            operation = upcoming(worlds.load(row.world), device, last)
            assert operation
            last, one = operation.id, call(worlds.load(row.world), device, operation.id)
            row, _made = rehearsing.call(row, device, one.method, one.api, one.parameters)
        browser.post("provoke", situation=situation.id).post("meet", situation=situation.id)
        assert begun.log.last().code == situation.number, situation.id  # type: ignore[union-attr]


def test_what_was_provoked_is_said_with_the_calls_that_meet_it(browser: Page) -> None:
    assert "First: SMS code to prove a phone number" in browser.shown
    browser.send("provoke", situation="not_paired")
    assert "To meet error 2342, the app calls:" in browser.shown
    assert browser.shown.count("Not paired") == 1
    browser.send("meet", situation="not_paired")
    assert browser.code == 2342
    assert "Ask the person to pair phone and vehicle by Bluetooth" in browser.shown


def test_each_error_is_provoked_by_its_number(browser: Page, begun: Rehearsal) -> None:
    for error in ERRORS:
        browser.post("number", number=str(error.number)).post("call", call="steps_first")
        assert begun.log.last().code == error.number  # type: ignore[union-attr]
    assert "The next call ends with error 2000." in browser.send("number", number="2000").shown
    assert "The next call ends with" not in browser.send("number", never="1").shown


def test_each_switch_is_set_by_its_button_and_back(browser: Page) -> None:
    for verb, labels in (("switch", PHONE_LABELS), ("core", CORE_LABELS)):
        for name in labels:
            pressed = re.search(rf'name="switch" value="({name}:(?:on|off))"', browser.shown)
            assert pressed, name
            browser.post(verb, switch=pressed[1])
    assert browser.open().shown.count("switch--odd") == len(PHONE_LABELS) + len(CORE_LABELS)
    browser.send("put-right")
    assert (
        worlds.load(Rehearsal.objects.get().world).phone("phone-1")
        == type(worlds.load(Rehearsal.objects.get().world).phone("x"))()
    )
    assert browser.send("blocked", switch="blocked:on").shown.count("Unblock the account") == 1
    browser.send("carkey", carkey="suspended")
    assert re.search(r"Suspended.*?Reactivate it within 6 d 23 h", browser.shown, re.S)
    browser.send("wait", seconds=str(8 * 24 * 3600))
    assert "The date to reactivate it has passed" in browser.shown


def test_what_the_app_does_wrong_is_said_beside_the_answer_and_in_the_trace(browser: Page) -> None:
    browser.choose("steps_first").make().choose("activate_carkey").make()
    assert "The app should not have made this call" in browser.shown
    assert browser.shown.count("A later step was begun while “Trusted phone” is still to do.") == 2


def test_a_field_that_cannot_be_sent_is_said_so_and_nothing_typed_is_lost(browser: Page) -> None:
    sent = {"phone": "phone-1", "call": "steps_first", "carAssociationID": "9" * 65, "stepsStatus": "maybe"}
    response = browser.client.post(f"{browser.url}call/", sent)
    shown = response.content.decode()
    assert response.status_code == 422
    assert "9" * 65 in shown
    assert 'class="error-summary"' in shown
    assert not Rehearsal.objects.get().calls
    named = browser.client.post(f"{browser.url}phones/", {"phone": "phone-1", "name": "../x"})
    assert named.status_code == 422
    assert "../x" in named.content.decode()
    assert not DEVICE.match("../x")


BAD_FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("call", {"call": "nothing"}),
    ("call", {"call": "steps_first", "phone": "phone-9"}),
    ("meet", {"situation": "flood"}),
    ("provoke", {"situation": "flood"}),
    ("provoke", {"situation": "offline", "phone": "../x"}),
    ("number", {"number": "1"}),
    ("number", {"number": "x"}),
    ("switch", {"switch": "warp:on"}),
    ("switch", {"switch": "online:maybe"}),
    ("switch", {"switch": "online:on", "phone": "phone-9"}),
    ("core", {"switch": "online:on"}),
    ("blocked", {}),
    ("carkey", {"carkey": "lost"}),
    ("wait", {"seconds": "-1"}),
    ("put-right", {"phone": "phone-9"}),
    ("explode", {}),
)


def test_a_form_that_no_page_has_changes_nothing(browser: Page) -> None:
    for verb, fields in BAD_FORMS:
        response = browser.client.post(f"{browser.url}{verb}/", {"phone": "phone-1", **fields})
        assert response.status_code == 404, (verb, fields)
    assert Rehearsal.objects.get().revision == 0


def test_what_comes_too_late_is_said_and_leads_back(browser: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsing, "MAX_CALLS", 1)
    browser.make()
    assert "As many calls as a rehearsal keeps" in browser.shown
    browser.send("call", call="steps_first")
    assert "a rehearsal keeps no more" in browser.shown
    assert "Something has to be done before" in browser.send("provoke", situation="wrong_pin").shown
    Rehearsal.objects.update(world={})
    assert "This rehearsal cannot be read any more" in browser.open().shown
    assert "What the core said" in browser.send("reset").shown


def test_with_htmx_only_the_part_comes_that_changed_and_the_answer_is_spoken(browser: Page) -> None:
    sent = {"phone": "phone-1", "call": "steps_first"}
    response = browser.client.post(f"{browser.url}call/", sent, headers=HTMX)
    shown = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in shown
    assert 'hx-swap-oob="innerHTML:#said"' in shown
    assert "FAILED 2101" in shown
    back = browser.client.get(browser.url, headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert "<html" in back.content.decode()
    assert "HX-Request" in back.headers["Vary"]
    wrong = browser.client.post(f"{browser.url}call/", sent | {"carAssociationID": "9" * 65}, headers=HTMX)
    assert "field__error" in wrong.content.decode()


def test_the_page_says_when_something_was_done_elsewhere(browser: Page, begun: Rehearsal) -> None:
    quiet = browser.client.get(f"{browser.url}?phone=phone-1&news=0", headers=HTMX)
    assert quiet.status_code == 204
    rehearsing.wait(begun, 60)
    told = browser.client.get(f"{browser.url}?phone=phone-1&news=0", headers=HTMX).content.decode()
    assert "Something was done in this rehearsal meanwhile" in told
    assert f'href="{browser.url}?phone=phone-1"' in told


def test_the_token_is_shown_once(browser: Page) -> None:
    response = browser.client.post(f"{browser.url}token/", {"phone": "phone-1"})
    token = re.search(r"sdk_[\w-]{43}", response.content.decode())
    assert token
    assert "no-store" in response.headers["Cache-Control"]
    assert token[0] not in browser.open().shown
    state = Client().get(
        f"/sandbox/sdk/rehearsals/{Rehearsal.objects.get().pk}", headers={"Authorization": f"Bearer {token[0]}"}
    )
    assert state.json()["name"] == "First"
    assert Entry.objects.filter(event="sdk_rehearsal:token").exists()


def test_the_trace_can_be_taken_along(browser: Page) -> None:
    browser.make().make()
    response = browser.client.get(f"{browser.url}trace.jsonl")
    assert "attachment" in response.headers["Content-Disposition"]
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert [json.loads(line).get("id", 0) for line in content.splitlines()] == [0, 1, 1, 2, 2]
    assert check(content).clean


def test_rehearsals_are_begun_in_a_draft_and_there_are_only_a_few(
    owner: User, signed_in: Callable[[User], Client]
) -> None:
    application = described(owner)
    client, url = signed_in(owner), f"/applications/{application.pk}/activation/rehearsal/"
    assert url in client.get(f"/applications/{application.pk}/").content.decode()
    for number in range(rehearsing.MOST):
        assert client.post(url, {"name": f"R{number}", "version": "2.2"}).status_code == 302
    assert "at most 5 rehearsals" in client.get(url).content.decode()
    refused = client.post(url, {"name": "More", "version": "2.2"})
    assert refused.status_code == 422
    assert client.post(url, {"name": "", "version": "9.9"}).status_code == 422
    assert Rehearsal.objects.count() == rehearsing.MOST


def test_an_ended_rehearsal_is_gone(browser: Page) -> None:
    assert "The rehearsal is ended" in browser.send("end").shown
    assert browser.client.get(browser.url).status_code == 404
    assert browser.client.post(f"{browser.url}reset/").status_code == 404


def test_viewers_watch_and_others_see_nothing(
    browser: Page, viewer: User, rival: User, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    browser.make()
    watching = signed_in(viewer)
    shown = watching.get(browser.url).content.decode()
    assert "What the core said" in shown
    main = shown[shown.index("<main") : shown.index("</main>")]
    assert "<button" not in re.sub(r"<button[^>]*data-copy.*?</button>", "", main, flags=re.S)
    assert watching.post(f"{browser.url}reset/").status_code == 403
    for other in (rival, reviewer):
        client = signed_in(other)
        for address in (browser.url, f"{browser.url}trace.jsonl"):
            assert client.get(address).status_code == 404
        assert client.post(f"{browser.url}reset/").status_code == 404


def test_a_rehearsal_of_another_application_is_not_found_under_this_one(browser: Page, owner: User) -> None:
    other = described(owner)
    foreign = browser.url.replace(str(Rehearsal.objects.get().application_id), str(other.pk))
    assert browser.client.get(foreign).status_code == 404
    assert browser.client.post(f"{foreign}end/").status_code == 404
    assert Rehearsal.objects.exists()


def test_a_long_rehearsal_costs_as_many_queries_as_a_short_one(browser: Page) -> None:
    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as made:
            browser.open()
        return len(made)

    browser.make()
    browser.open()
    before = queries()
    onboarded(browser).send("phones", name="phone-2")
    assert queries() == before


def test_each_switch_that_is_off_has_a_word_of_its_own() -> None:
    usual: Any = worlds.World().phone("x")
    assert set(OFF_LABELS) == {name for name in PHONE_LABELS if getattr(usual, name)}
