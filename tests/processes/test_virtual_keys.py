"""Requests for virtual-key tokens: sent once whatever happens, the token shown once, to who asked, or erased."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from onboarding import leases
from onboarding.audit.models import Entry
from onboarding.credentials import rehearsing
from onboarding.credentials.models import CredentialSet
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.diagnosis import Report
from onboarding.fleet.virtual_key import Asked, Obtained, Token
from onboarding.memberships import export
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.registrations import flows as registrations
from onboarding.validation.flows import KeyNeeded
from onboarding.vault.models import Secret
from onboarding.virtualkeys import flows, retention
from onboarding.virtualkeys.models import TokenRequest
from tests.conftest import member, staff
from tests.journey import issued

CAR_DATA, SIGNATURE, TOKEN = "c2VjcmV0LWNhci1kYXRh", "c2VjcmV0LXNpZ25hdHVyZQ==", "VGhpcyBpcyBhIHNlY3JldCB0b2tlbg=="
ASKED = Asked(CAR_DATA, SIGNATURE, 3600)
EXPIRES = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
GOOD = (Check(Rung.ANSWER, "virtual_key_answered", Result.PASSED, evidence={"host": "h", "http_status": 200}),)
BAD = (Check(Rung.ANSWER, "virtual_key_request_refused", Result.FAILED, Turn.PARTNER, {"http_status": 400}),)
LOST = (Check(Rung.ANSWER, "answer_timeout", Result.FAILED, Turn.MAKER, {"host": "h", "uncertain": "yes"}),)


class Obtaining:
    """Stands in for the call. sends: whether the request goes out; before: what happens meanwhile."""

    def __init__(self, checks: tuple[Check, ...] = GOOD, token: Token | None = None, **more: Any) -> None:
        self.result = Obtained(Report(checks[0].result, checks), token)
        self.more = more
        self.calls: list[Asked] = []
        self.sent = 0

    def __call__(self, material: Any, target: Any, asked: Asked, *, on_request: Any, **_options: Any) -> Obtained:
        self.calls.append(asked)
        self.more.get("before", lambda: None)()
        on_request()
        self.sent += 1
        self.more.get("after", lambda: None)()
        return self.result


GRANTED = Token(TOKEN, "bearer", EXPIRES, "c2ln")


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    return issued(owner, reviewer, issuer)


def obtaining(monkeypatch: pytest.MonkeyPatch, *args: Any, **more: Any) -> Obtaining:
    made = Obtaining(*args, **more)
    monkeypatch.setattr(flows, "obtain", made)
    return made


def granted(held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch) -> TokenRequest:
    obtaining(monkeypatch, GOOD, GRANTED)
    request = flows.ask(held, ASKED, actor=member(owner))
    flows.execute(request.pk)
    request.refresh_from_db()
    assert request.state == "granted"
    return request


def test_a_granted_token_is_sealed_shown_once_to_who_asked_and_erased(
    held: CredentialSet, owner: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = granted(held, owner, monkeypatch)
    assert (request.token_type, request.expires_at, request.signed, request.seconds) == ("bearer", EXPIRES, True, 3600)
    assert request.can_be_shown(timezone.now())
    with pytest.raises(flows.NothingToShow):
        flows.show(request, actor=member(colleague))
    shown = flows.show(request, actor=member(owner))
    assert (shown.token, shown.signature) == (TOKEN, "c2ln")
    assert TOKEN not in repr(shown)
    with pytest.raises(flows.NothingToShow):
        flows.show(request, actor=member(owner))
    request.refresh_from_db()
    assert request.shown_at is not None
    assert not request.can_be_shown(timezone.now())
    assert not Secret.objects.filter(kind__in=["virtual_key", "car_token"]).exclude(sealed=b"").exists()
    assert Mail.objects.get(kind="secret_revealed", address=owner.email).params["what"] == "virtual_key_token"


def test_a_token_that_nobody_comes_for_is_erased_by_the_sweep(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = granted(held, owner, monkeypatch)
    flows.sweep()
    assert Secret.objects.get(kind="virtual_key").sealed
    TokenRequest.objects.update(kept_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(flows.NothingToShow):
        flows.show(request, actor=member(owner))
    flows.sweep()
    flows.sweep()
    request.refresh_from_db()
    assert (request.token, request.shown_at, request.state) == (None, None, "granted")
    assert not bytes(Secret.objects.get(kind="virtual_key").sealed)


def test_what_is_recorded_names_no_secret_and_the_vocabulary_tells_the_story(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch, nothing_queued: list[Any]
) -> None:
    written: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        written.append(repr(params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        flows.show(granted(held, owner, monkeypatch), actor=member(owner))
    everything = "".join(written) + repr(nothing_queued)
    assert not [secret for secret in (CAR_DATA, SIGNATURE, TOKEN) if secret in everything]
    entries = Entry.objects.filter(event__startswith="virtual_key:").order_by("position")
    assert [(entry.event, entry.actor_kind) for entry in entries] == [
        ("virtual_key:requested", "member"),
        ("virtual_key:granted", "system"),
        ("virtual_key:shown", "member"),
    ]
    assert entries[0].data == {"environment": "sandbox", "seconds": 3600}


@pytest.mark.parametrize(("checks", "state"), [(BAD, "failed"), (LOST, "unknown")])
def test_without_a_token_it_says_whether_one_may_exist(
    checks: tuple[Check, ...], state: str, held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    obtaining(monkeypatch, checks)
    request = flows.ask(held, ASKED, actor=member(owner))
    flows.execute(request.pk)
    request.refresh_from_db()
    assert (request.state, request.fault, request.token) == (state, checks[0].code, None)
    assert Entry.objects.filter(event=f"virtual_key:{state}").count() == 1
    assert not bytes(Secret.objects.get(kind="car_token").sealed)


def test_it_is_sent_once_however_often_the_queue_says_look(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = flows.ask(held, ASKED, actor=member(owner))
    made = obtaining(monkeypatch, GOOD, GRANTED, after=lambda: flows.execute(request.pk))
    for _ in range(3):
        flows.execute(request.pk)
    assert (made.sent, made.calls) == (1, [ASKED])


def test_a_worker_that_is_lost_after_sending_leaves_it_unknown_and_it_is_not_sent_again(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = flows.ask(held, ASKED, actor=member(owner))

    def die() -> None:
        raise SystemExit

    made = obtaining(monkeypatch, GOOD, GRANTED, after=die)
    with pytest.raises(SystemExit):
        flows.execute(request.pk)
    TokenRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    flows.sweep()
    flows.execute(request.pk)
    request.refresh_from_db()
    assert (request.state, made.sent) == ("unknown", 1)
    assert not bytes(Secret.objects.get(kind="car_token").sealed)


def test_a_worker_that_is_lost_before_sending_is_followed_by_another(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = flows.ask(held, ASKED, actor=member(owner))

    def die() -> None:
        raise SystemExit

    obtaining(monkeypatch, GOOD, GRANTED, before=die)
    with pytest.raises(SystemExit):
        flows.execute(request.pk)
    TokenRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    flows.sweep()
    made = obtaining(monkeypatch, GOOD, GRANTED)
    flows.execute(request.pk)
    request.refresh_from_db()
    assert (request.state, request.attempt, made.sent) == ("granted", 2, 1)


def test_a_worker_that_comes_back_too_late_hands_no_token_over(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = flows.ask(held, ASKED, actor=member(owner))

    def swept() -> None:
        TokenRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        flows.sweep()

    obtaining(monkeypatch, GOOD, GRANTED, after=swept)
    flows.execute(request.pk)
    request.refresh_from_db()
    assert (request.state, request.token) == ("unknown", None)
    assert not Secret.objects.filter(kind="virtual_key").exclude(sealed=b"").exists()


def test_it_can_be_cancelled_until_it_goes_out_and_then_nothing_is_sent(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = flows.ask(held, ASKED, actor=member(owner))
    made = obtaining(monkeypatch, GOOD, GRANTED, before=lambda: flows.cancel(request, actor=member(owner)))
    flows.execute(request.pk)
    request.refresh_from_db()
    assert (request.state, made.sent) == ("cancelled", 0)
    late = flows.ask(held, ASKED, actor=member(owner))
    outcome: list[bool] = []
    obtaining(monkeypatch, GOOD, GRANTED, after=lambda: outcome.append(flows.cancel(late, actor=member(owner))))
    flows.execute(late.pk)
    late.refresh_from_db()
    assert (outcome, late.state) == ([False], "granted")


def test_one_at_a_time_and_the_second_learns_which(held: CredentialSet, owner: User, colleague: User) -> None:
    first = flows.ask(held, ASKED, actor=member(owner))
    with pytest.raises(flows.UnderWay) as second:
        flows.ask(held, Asked("QQ==", "QQ==", 60), actor=member(colleague))
    assert second.value.request == first
    assert TokenRequest.objects.count() == 1


def test_so_many_an_hour_and_no_more(held: CredentialSet, owner: User) -> None:
    for _ in range(flows.MOST):
        flows.cancel(flows.ask(held, ASKED, actor=member(owner)), actor=member(owner))
    with pytest.raises(flows.TooMany) as refused:
        flows.ask(held, ASKED, actor=member(owner))
    assert refused.value.until == TokenRequest.objects.earliest("created_at").created_at + flows.WITHIN
    TokenRequest.objects.update(created_at=timezone.now() - flows.WITHIN)
    flows.ask(held, ASKED, actor=member(owner))


def test_a_suspended_application_asks_for_nothing_and_what_waits_is_not_sent(
    held: CredentialSet, owner: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = flows.ask(held, ASKED, actor=member(owner))
    registrations.suspend(held.application.registration, reason="misuse", note="Why?", actor=staff(reviewer))
    made = obtaining(monkeypatch, GOOD, GRANTED)
    flows.execute(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.fault, made.sent) == ("cancelled", TokenRequest.CLOSED, 0)
    with pytest.raises(flows.ApplicationClosed):
        flows.ask(held, ASKED, actor=member(owner))


def test_credentials_out_of_use_and_other_programmes_have_no_such_token(
    held: CredentialSet, owner: User, reviewer: User, issuer: User
) -> None:
    driver = issued(owner, reviewer, issuer, "end_user", mzp="MZP128746")
    CredentialSet.objects.filter(pk=held.pk).update(retired_at=timezone.now())
    held.refresh_from_db()
    for one in (held, driver):
        with pytest.raises(flows.NotOffered):
            flows.ask(one, ASKED, actor=member(owner))


def test_a_key_that_is_not_here_is_lent_for_one_request(held: CredentialSet, owner: User) -> None:
    held.certificate_request.key_id = None
    with pytest.raises(KeyNeeded):
        flows.ask(held, ASKED, actor=member(owner))
    assert not TokenRequest.objects.exists()


def test_the_portals_own_trouble_is_told_as_such(held: CredentialSet, owner: User, settings: Any) -> None:
    request = flows.ask(held, ASKED, actor=member(owner))
    settings.SANDBOX = False
    flows.execute(request.pk)
    request.refresh_from_db()
    assert (request.state, request.fault, request.turn) == ("failed", "set_cannot_be_opened", "operator")
    assert [check["rung"] for check in request.checks][-4:] == ["token", "expiry", "rate_limits", "clock"]


def test_a_rehearsed_failure_of_a_token_is_met_by_its_request_and_by_no_validation(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsing.rehearse(held, "virtual_key_flattened", actor=member(owner))
    request = granted(held, owner, monkeypatch)
    assert request.rehearsal == "virtual_key_flattened"
    assert rehearsing.rehearsed(held) is None
    rehearsing.rehearse(held, "bad_gateway", actor=member(owner))
    assert rehearsing.rehearsed(held) is not None


def test_a_sweep_wakes_what_was_forgotten_and_gives_up_in_the_end(
    held: CredentialSet, owner: User, nothing_queued: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    request = flows.ask(held, ASKED, actor=member(owner))
    TokenRequest.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    with django_capture_on_commit_callbacks(execute=True):
        flows.sweep()
    assert (flows.ASK, (str(request.pk),)) in nothing_queued
    TokenRequest.objects.update(
        state="running", attempt=leases.MAX_ATTEMPTS, lease_until=timezone.now() - timedelta(seconds=1)
    )
    flows.sweep()
    request.refresh_from_db()
    assert request.state == "abandoned"


def test_old_requests_go_and_those_that_are_open_or_not_old_stay(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    old = granted(held, owner, monkeypatch)
    flows.show(old, actor=member(owner))
    new = granted(held, owner, monkeypatch)
    settings.RETAIN_RUN_DAYS = 30
    TokenRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert retention.delete_old() == 1
    assert list(TokenRequest.objects.all()) == [new]
    settings.RETAIN_RUN_DAYS = 0
    assert retention.delete_old() == 0


def test_the_export_of_a_person_names_their_requests_and_no_token(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(held, owner, monkeypatch)
    document = export.export(owner, actor=member(owner))
    [row] = document["virtual_key_tokens_asked_for"]
    assert (row["state"], row["seconds"], row["expires_at"]) == ("granted", 3600, "2030-01-01T12:00:00+00:00")
    assert TOKEN not in json.dumps(document)
