"""Rehearsing a failure from its page: who may, what a run meets then, and that it counts for nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from onboarding.audit.models import Entry
from onboarding.credentials import rehearsing
from onboarding.credentials.models import CredentialSet, SandboxClient
from onboarding.fleet.checks import Check, Result, Rung
from onboarding.fleet.diagnosis import Report
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.rehearsals import BY_NAME
from onboarding.validation import flows
from onboarding.web import journey
from tests.conftest import member
from tests.journey import approved, issued

FIRST = 9445


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User, settings: Any) -> CredentialSet:
    settings.SANDBOX_FAULT_PORTS = FIRST
    settings.SANDBOX_API_URL = "https://localhost:9443"
    return issued(owner, reviewer, issuer)


@pytest.fixture
def page(held: CredentialSet) -> str:
    return f"/applications/{held.application_id}/sandbox/rehearse/"


@pytest.fixture
def validate(held: CredentialSet) -> str:
    return f"/applications/{held.application_id}/sandbox/validate/"


def switched_on() -> str:
    return SandboxClient.objects.get().fault


def run(held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch, result: Result) -> dict[str, Any]:
    """Run with a diagnosis that ends so; return what it was called with."""
    seen: dict[str, Any] = {}
    check = Check(Rung.ANSWER, "rate_limited", result)

    def diagnose(material: Any, target: Any, **_options: Any) -> Report:
        seen.update(target=target)
        return Report(result, (check,), {"tls_version": "TLSv1.3"})

    monkeypatch.setattr(flows, "diagnose", diagnose)
    asked = flows.request_run(held, actor=member(owner))
    flows.execute(asked.pk)
    asked.refresh_from_db()
    return seen | {"run": asked}


def test_a_failure_is_switched_on_shown_where_one_validates_and_switched_off(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client], page: str, validate: str
) -> None:
    browser = signed_in(owner)
    assert "Rehearse a failure" in browser.get(validate).content.decode()
    assert browser.post(page, {"failure": "rate_limited_date"}).headers["Location"] == validate
    assert switched_on() == "rate_limited_date"
    shown = browser.get(validate).content.decode()
    assert "A failure is being rehearsed" in shown
    assert escape(BY_NAME["rate_limited_date"].title) in shown
    assert 'name="off"' in shown
    assert f"{SandboxClient.objects.get().client_id}~rate_limited_date" in browser.get(page).content.decode()
    assert browser.post(page, {"off": "1"}).headers["Location"] == validate
    assert switched_on() == ""
    assert "A failure is being rehearsed" not in browser.get(validate).content.decode()
    events = Entry.objects.filter(event__startswith="rehearsal:").order_by("position").values_list("event", flat=True)
    assert list(events) == ["rehearsal:begun", "rehearsal:ended"]


@pytest.mark.parametrize("chosen", ["", "no_such_failure", "token_answer_unexpected"])
def test_what_is_not_offered_is_not_switched_on(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client], page: str, chosen: str
) -> None:
    answer = signed_in(owner).post(page, {"failure": chosen})
    assert "Failure" in answer.content.decode()
    assert switched_on() == ""
    with pytest.raises(rehearsing.NotOffered):
        rehearsing.rehearse(held, chosen or "x", actor=member(owner))


def test_a_viewer_sees_it_and_cannot_switch(
    held: CredentialSet, owner: User, viewer: User, signed_in: Callable[[User], Client], page: str, validate: str
) -> None:
    rehearsing.rehearse(held, "bad_gateway", actor=member(owner))
    browser = signed_in(viewer)
    for address in (page, validate):
        shown = browser.get(address).content.decode()
        assert "A failure is being rehearsed" in shown
        assert 'name="off"' not in shown
    assert browser.post(page, {"off": "1"}).status_code == 403
    assert switched_on() == "bad_gateway"


def test_to_another_company_it_does_not_exist(
    held: CredentialSet, rival: User, signed_in: Callable[[User], Client], page: str
) -> None:
    browser = signed_in(rival)
    assert browser.get(page).status_code == 404
    assert browser.post(page, {"failure": "bad_gateway"}).status_code == 404
    assert switched_on() == ""


def test_there_is_none_in_the_car_makers_environments_or_before_the_credentials_are_here(
    owner: User, reviewer: User, signed_in: Callable[[User], Client], settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application = approved(owner, reviewer)
    browser = signed_in(owner)
    assert browser.get(f"/applications/{application.pk}/production/rehearse/").status_code == 404
    answer = browser.get(f"/applications/{application.pk}/sandbox/rehearse/")
    assert answer.headers["Location"] == f"/applications/{application.pk}/"


@pytest.mark.parametrize(
    ("name", "api_url", "proxy"),
    [
        ("rate_limited", "https://localhost:9443/connectedcar/v3", None),
        ("server_expired", "https://localhost:{port}/connectedcar/v3", None),
        ("proxy_forbids", "https://localhost:9443/connectedcar/v3", "http://localhost:{port}"),
        ("unreachable", "https://127.255.255.255:9443/connectedcar/v3", None),
    ],
)
def test_a_run_goes_where_the_failure_is_met(
    held: CredentialSet,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    api_url: str,
    proxy: str | None,
) -> None:
    rehearsing.rehearse(held, name, actor=member(owner))
    target = run(held, owner, monkeypatch, Result.FAILED)["target"]
    port = BY_NAME[name].port(FIRST) if BY_NAME[name].has_port else 0
    assert target.api_url == api_url.format(port=port)
    assert target.proxy == (proxy.format(port=port) if proxy else None)


def test_a_rehearsed_run_says_so_and_changes_nothing(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsing.rehearse(held, "fleets_listed_unknown_fields", actor=member(owner))
    passed = run(held, owner, monkeypatch, Result.PASSED)["run"]
    assert passed.rehearsal == "fleets_listed_unknown_fields"
    held.certificate_request.refresh_from_db()
    assert held.certificate_request.state == "issued"
    assert not Mail.objects.filter(kind="application_live").exists()
    shown = signed_in(owner).get(f"/runs/{passed.pk}/").content.decode()
    assert "This run met a rehearsed failure" in shown
    assert "You are live" not in shown


def test_what_is_live_stays_live_when_a_rehearsed_run_fails(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = run(held, owner, monkeypatch, Result.PASSED)["run"]
    rehearsing.rehearse(held, "server_error", actor=member(owner))
    assert journey.turn(journey.load(held.application)).title == "A failure is being rehearsed"
    run(held, owner, monkeypatch, Result.FAILED)
    rehearsing.rehearse(held, "", actor=member(owner))
    track = journey.track(held.application, "sandbox")
    assert track.run == track.good_run == good
    assert journey.track_turn(track).title == "Live in Sandbox"


def test_without_the_ports_what_needs_one_is_neither_offered_nor_met(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    rehearsing.rehearse(held, "server_expired", actor=member(owner))
    settings.SANDBOX_FAULT_PORTS = 0
    assert not any(rehearsal.has_port for rehearsal in rehearsing.offered("fleet_owner"))
    assert rehearsing.rehearsed(held) is None
    seen = run(held, owner, monkeypatch, Result.PASSED)
    assert seen["target"].api_url == "https://localhost:9443/connectedcar/v3"
    assert seen["run"].rehearsal == ""
