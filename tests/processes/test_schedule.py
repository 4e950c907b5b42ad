"""Regular checks: what is due and when, what is left alone, who is written to, and how failures are told apart."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.credentials.models import CredentialSet, PartnerPassword, SandboxClient
from onboarding.credentials.sets import store_credentials
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.diagnosis import Report
from onboarding.notifications import mails
from onboarding.notifications.models import Mail
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import Membership, Organisation, User
from onboarding.registrations.models import Application
from onboarding.validation import failures, figures, flows, retention, schedule
from onboarding.validation.models import Run
from tests.conftest import member
from tests.journey import issued

DAY = timedelta(hours=24)
GOOD = Check(Rung.COMPLETE, "set_complete", Result.PASSED)
REFUSED = Check(
    Rung.AUTHENTICATION, "login_refused", Result.FAILED, Turn.PARTNER, {"host": "api.example", "http_status": 401}
)
DOWN = Check(Rung.ANSWER, "unavailable", Result.FAILED, Turn.MAKER, {"host": "api.example", "http_status": 503})
RESTING = Check(Rung.ANSWER, "no_status", Result.FAILED, Turn.PARTNER, {"host": "api.example"})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Check], None]:
    """Return a function that makes every run from now on end with this check."""

    def answer(check: Check) -> None:
        result = Result.FAILED if check.result == Result.FAILED else Result.PASSED
        monkeypatch.setattr(flows, "diagnose", lambda *_a, **_o: Report(result, (check,)))

    return answer


@pytest.fixture
def live(owner: User, reviewer: User, issuer: User, answers: Callable[[Check], None]) -> CredentialSet:
    """A set in vault custody that was validated once, and long ago."""
    held = issued(owner, reviewer, issuer)
    answers(GOOD)
    flows.execute(flows.request_run(held, actor=member(owner)).pk)
    age(held, 2 * DAY)
    Mail.objects.all().delete()
    held.refresh_from_db()
    return held


def age(held: CredentialSet, by: timedelta) -> None:
    """Let time pass."""
    for run in held.runs.all():
        held.runs.filter(pk=run.pk).update(created_at=run.created_at - by, finished_at=run.created_at - by)
    then = timezone.now() - by - timedelta(minutes=1)
    CredentialSet.objects.filter(pk=held.pk).update(changed_at=then)
    PartnerPassword.objects.update(updated_at=then)


def checked(held: CredentialSet) -> Run:
    """Carry out one regular check."""
    run = flows.request_run(CredentialSet.objects.get(pk=held.pk), actor=SYSTEM)
    flows.execute(run.pk)
    run.refresh_from_db()
    return run


def due(now: datetime | None = None) -> list[CredentialSet]:
    return schedule.due("sandbox", now or timezone.now(), 100)


def test_a_live_set_whose_last_run_is_older_than_the_interval_is_due(live: CredentialSet) -> None:
    assert due() == [live]


def test_asking_makes_one_run_of_the_schedule_in_its_own_queue(
    live: CredentialSet, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "onboarding.celery.app.send_task", lambda name, **options: sent.append({"name": name, **options})
    )
    with django_capture_on_commit_callbacks(execute=True):
        assert [schedule.sweep(), schedule.sweep()] == [1, 0]
    run = live.runs.get(state="queued")
    assert (run.origin, run.requested_by) == ("schedule", None)
    assert sent == [{"name": flows.VALIDATE, "args": (str(run.pk),), "queue": "schedule"}]


def test_a_person_does_not_wait_in_the_schedules_queue(
    live: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    schedule.sweep()
    sent: list[str] = []
    monkeypatch.setattr("onboarding.celery.app.send_task", lambda _name, **options: sent.append(options["queue"]))
    with django_capture_on_commit_callbacks(execute=True):
        run = flows.request_run(live, actor=member(owner))
    assert sent == ["celery"]
    assert (run.origin, run.requested_by, live.runs.filter(state="queued").count()) == ("person", owner, 1)


def test_what_waits_in_the_schedules_queue_is_woken_there_and_not_too_soon(
    live: CredentialSet, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    schedule.sweep()
    sent: list[str] = []
    monkeypatch.setattr("onboarding.celery.app.send_task", lambda _name, **options: sent.append(options["queue"]))
    for waited in (timedelta(minutes=1), timedelta(minutes=6)):
        live.runs.filter(state="queued").update(created_at=timezone.now() - waited)
        with django_capture_on_commit_callbacks(execute=True):
            flows.sweep()
    assert sent == ["schedule"]


def test_the_queue_of_the_schedule_stays_short(live: CredentialSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "BACKLOG", 0)
    assert schedule.sweep() == 0
    assert due() == [live]  # later


def test_sets_are_spread_over_the_interval_by_their_ids() -> None:
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    for hour in range(24):
        one = UUID(int=hour * 2**128 // 24 + 2**120)
        first, last = (schedule._place(midnight + timedelta(hours=hour, minutes=late), DAY) for late in (0, 30))
        assert first < one < last


def test_a_set_is_due_once_when_the_hand_passes_its_place(live: CredentialSet) -> None:
    midnight = datetime(2026, 1, 2, tzinfo=UTC)
    place = live.pk.int / 2**128
    moment = midnight + place * DAY
    live.runs.update(created_at=moment - timedelta(hours=5))
    assert due(moment - timedelta(minutes=1)) == []
    assert due(moment + timedelta(minutes=1)) == [live]
    live.runs.update(created_at=moment + timedelta(minutes=1))
    assert due(moment + timedelta(minutes=2)) == []
    assert due(moment + timedelta(hours=20)) == []


def test_a_check_that_was_missed_is_made_up_for(live: CredentialSet) -> None:
    now = timezone.now()
    live.runs.update(created_at=now - DAY - timedelta(minutes=1))
    assert due(now) == [live]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [("0", None), ("24,sandbox:0", None), ("0,sandbox:12", timedelta(hours=12)), ("6", timedelta(hours=6))],
)
def test_the_interval_is_the_environments_and_0_switches_it_off(
    settings: Any, live: CredentialSet, hours: str, expected: timedelta | None
) -> None:
    settings.REVALIDATE_HOURS = hours
    assert schedule.interval("sandbox") == expected
    assert due() == ([live] if expected else [])


def test_a_set_that_has_never_been_live_is_not_on_the_schedule(owner: User, reviewer: User, issuer: User) -> None:
    issued(owner, reviewer, issuer)
    assert due() == []


@pytest.mark.parametrize("reason", ["retired", "superseded", "key elsewhere", "rehearses"])
def test_a_set_that_is_not_to_be_called_with_is_left_alone(live: CredentialSet, reason: str) -> None:
    request = type(live.certificate_request).objects.filter(pk=live.certificate_request_id)
    match reason:
        case "retired":
            CredentialSet.objects.update(retired_at=timezone.now())
        case "superseded":
            request.update(state="superseded")
        case "key elsewhere":
            request.update(key=None)
        case "rehearses":
            SandboxClient.objects.update(fault="login_refused")
    assert due() == []


@pytest.mark.parametrize("comeback", ["client ID", "password", "somebody's click"])
def test_a_set_that_was_refused_leaves_the_schedule_until_it_changes_or_somebodys_run_passes(
    live: CredentialSet, owner: User, answers: Callable[[Check], None], comeback: str
) -> None:
    answers(REFUSED)
    assert checked(live).refused
    age(live, 2 * DAY)
    assert due() == []
    match comeback:
        case "client ID":
            store_credentials(live, client_id="another", actor=member(owner))
        case "password":
            store_credentials(live, password="another", actor=member(owner))
        case _:
            answers(GOOD)
            flows.execute(flows.request_run(live, actor=member(owner)).pk)
            live.runs.update(created_at=timezone.now() - 2 * DAY)
            live.runs.filter(state="passed").update(created_at=timezone.now() - DAY * 1.5)
    assert due() == [live]


def test_a_set_that_fails_otherwise_stays_on_the_schedule(
    live: CredentialSet, answers: Callable[[Check], None]
) -> None:
    answers(DOWN)
    assert not checked(live).refused
    age(live, 2 * DAY)
    assert due() == [live]


def test_a_set_that_turns_bad_makes_one_mail_and_one_more_when_it_is_well_again(
    live: CredentialSet, owner: User, answers: Callable[[Check], None]
) -> None:
    for check in (RESTING, RESTING, DOWN, GOOD, GOOD, RESTING):
        answers(check)
        checked(live)
    sent = Mail.objects.filter(address=owner.email, kind__startswith="validation").order_by("created_at")
    assert list(sent.values_list("kind", flat=True)) == [
        "validation_failing",
        "validation_recovered",
        "validation_failing",
    ]


def test_the_mail_says_what_happened_whose_turn_it_is_and_what_to_do(
    live: CredentialSet, answers: Callable[[Check], None]
) -> None:
    answers(RESTING)
    run = checked(live)
    message = mails.render(Mail.objects.get(kind="validation_failing"))
    assert message.subject == "Stopped working: Depot dashboard in sandbox"
    for said in (
        f"failed at {run.finished_at:%Y-%m-%d %H:%M} UTC",
        "The API answers",
        "Whose turn: Yours",
        "What to do: ",
        f"/runs/{run.pk}/",
    ):
        assert said in message.body
    answers(GOOD)
    checked(live)
    assert "passed again" in mails.render(Mail.objects.get(kind="validation_recovered")).body


def test_who_clicked_gets_no_mail_about_what_she_sees(
    live: CredentialSet, owner: User, answers: Callable[[Check], None]
) -> None:
    answers(RESTING)
    flows.execute(flows.request_run(live, actor=member(owner)).pk)
    checked(live)
    answers(GOOD)
    checked(live)
    assert not Mail.objects.filter(kind__startswith="validation").exists()


def test_a_regular_check_is_on_record_where_it_finds_a_change(
    live: CredentialSet, answers: Callable[[Check], None]
) -> None:
    before = list(Entry.objects.values_list("pk", flat=True))
    for check in (GOOD, DOWN, DOWN, GOOD, GOOD):
        answers(check)
        checked(live)
    recorded = Entry.objects.filter(event__startswith="validation").exclude(pk__in=before).order_by("position")
    assert list(recorded.values_list("event", flat=True)) == ["validation:turned_bad", "validation:turned_good"]


def test_it_is_remembered_since_when_a_set_fails(live: CredentialSet, answers: Callable[[Check], None]) -> None:
    answers(DOWN)
    first = checked(live)
    assert checked(live).failing_since == first.failing_since
    answers(GOOD)
    assert checked(live).failing_since is None
    answers(DOWN)
    assert checked(live).failing_since != first.failing_since


def copies(live: CredentialSet, number: int) -> list[CredentialSet]:
    """Give other companies a live set each; what is in it does not matter, since no call is made."""
    made = []
    for index in range(number):
        other = Organisation.objects.create(name=f"Partner {index}", country="FR")
        person = User.objects.create_user(f"owner@partner{index}.example", "x", name="Owner")
        Membership.objects.create(organisation=other, user=person, role="owner")
        application = Application.objects.create(organisation=other, programme="fleet_owner", name=f"App {index}")
        request = type(live.certificate_request).objects.get(pk=live.certificate_request_id)
        request.pk, request._state.adding, request.application = UUID(int=index + 1), True, application
        request.save()
        held = CredentialSet.objects.create(
            application=application, environment="sandbox", certificate_request=request, client_id=f"client-{index}"
        )
        Run.objects.create(credential_set=held, state="passed", started_at=timezone.now(), finished_at=timezone.now())
        made.append(held)
    return made


@pytest.fixture
def many(live: CredentialSet, monkeypatch: pytest.MonkeyPatch) -> list[CredentialSet]:
    monkeypatch.setattr(flows, "material_of", lambda *_args: None)
    return [live, *copies(live, 7)]


def test_a_fault_that_companies_share_is_one_incident(
    many: list[CredentialSet], reviewer: User, answers: Callable[[Check], None]
) -> None:
    answers(DOWN)
    for held in many[:4]:
        checked(held)
    (cause,) = failures.causes()
    assert (cause.fault, cause.sets, cause.organisations, cause.incident) == ("unavailable", 4, 4, True)
    assert Mail.objects.filter(kind="platform_incident", address=reviewer.email).count() == 1
    known = [mails.render(mail).body for mail in Mail.objects.filter(kind="validation_failing").order_by("created_at")]
    assert ["it is not yours" in body for body in known] == [False, False, True, True]


def test_a_fault_that_is_the_partners_own_is_no_incident_however_many_have_it(
    many: list[CredentialSet], answers: Callable[[Check], None]
) -> None:
    answers(REFUSED)
    for held in many[:5]:
        checked(held)
    (cause,) = failures.causes()
    assert (cause.organisations, cause.incident) == (5, False)
    assert not Mail.objects.filter(kind="platform_incident").exists()


def test_half_of_the_sets_looked_at_make_an_incident_too(
    many: list[CredentialSet], answers: Callable[[Check], None]
) -> None:
    Run.objects.exclude(credential_set__in=many[:3]).delete()
    answers(DOWN)
    checked(many[0])
    assert not failures.causes()[0].incident
    checked(many[1])
    assert failures.causes()[0].incident  # 2 of 3


def test_what_failed_long_ago_makes_no_incident(many: list[CredentialSet], answers: Callable[[Check], None]) -> None:
    answers(DOWN)
    for held in many[:4]:
        checked(held)
    Run.objects.update(created_at=timezone.now() - failures.WINDOW - timedelta(minutes=1))
    Run.objects.filter(state="passed").update(created_at=timezone.now() - 2 * DAY)
    (cause,) = failures.causes()
    assert (cause.sets, cause.incident) == (4, False)


def test_a_set_that_is_well_again_or_out_of_use_or_rehearses_does_not_fail(
    many: list[CredentialSet], answers: Callable[[Check], None]
) -> None:
    answers(DOWN)
    for held in many[1:3]:
        checked(held)
    SandboxClient.objects.update(fault="login_refused")
    assert checked(many[0]).rehearsal == "login_refused"
    assert failures.causes()[0].sets == 2
    CredentialSet.objects.filter(pk=many[1].pk).update(retired_at=timezone.now())
    answers(GOOD)
    checked(many[2])
    assert failures.causes() == []


def test_of_a_set_that_fails_again_and_again_only_the_latest_result_stands(
    live: CredentialSet, answers: Callable[[Check], None]
) -> None:
    answers(DOWN)
    checked(live)
    last = checked(live)
    assert list(live.runs.filter(stands=True)) == [last]
    answers(GOOD)
    checked(live)
    assert not live.runs.filter(stands=True).exists()


def test_a_sweep_looks_at_few_sets_and_the_next_ones_at_the_others(
    many: list[CredentialSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    type(many[0].certificate_request).objects.update(state="active")
    Run.objects.update(created_at=timezone.now() - 3 * DAY)
    monkeypatch.setattr(schedule, "LOOKED_AT", 3)
    monkeypatch.setattr(schedule, "JUST_NOW", timedelta(milliseconds=1))
    looks = [due() for _ in range(3)]
    assert [len(found) for found in looks] == [3, 3, 3]
    assert {held for found in looks for held in found} == set(many)


def test_the_walk_does_not_go_on_before_all_that_was_found_was_asked_for(
    many: list[CredentialSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    type(many[0].certificate_request).objects.update(state="active")
    Run.objects.update(created_at=timezone.now() - 3 * DAY)
    monkeypatch.setattr(schedule, "LOOKED_AT", 4)
    monkeypatch.setattr(schedule, "JUST_NOW", timedelta(milliseconds=1))
    first = schedule.due("sandbox", timezone.now(), 2)
    Run.objects.filter(credential_set__in=first).update(created_at=timezone.now())
    second = schedule.due("sandbox", timezone.now(), 4)
    assert len(first) == len(second) == 2
    Run.objects.filter(credential_set__in=second).update(created_at=timezone.now())
    assert {*first, *second, *schedule.due("sandbox", timezone.now(), 5)} == set(many)


def test_a_figure_over_very_many_is_kept_until_it_is_counted_anew(
    many: list[CredentialSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    type(many[0].certificate_request).objects.update(state="active")
    assert schedule.on_schedule() == 8
    monkeypatch.setattr(figures, "MANY", 7)
    assert schedule.on_schedule() == 8
    CredentialSet.objects.filter(pk=many[0].pk).update(retired_at=timezone.now())
    assert [schedule.on_schedule(), schedule.on_schedule.anew(), schedule.on_schedule()] == [8, 7, 7]


def test_staff_see_incidents_before_what_single_partners_have_to_mend(
    many: list[CredentialSet], auditor: User, signed_in: Callable[[User], Client], answers: Callable[[Check], None]
) -> None:
    answers(DOWN)
    for held in many[:3]:
        checked(held)
    answers(RESTING)
    run = checked(many[4])
    page = signed_in(auditor).get("/desk/health/").content.decode()
    assert "4 sets of credentials fail at present." in page
    assert page.index("Incident") < page.index(f"/runs/{run.pk}/")
    assert "The partner&#x27;s" in page or "The partner's" in page


def old_runs(held: CredentialSet, *states: str) -> list[Run]:
    """Regular checks of a set, a day apart, the last of them 100 days ago."""
    made: list[Run] = []
    for days, state in enumerate(reversed(states), start=100):
        run = Run.objects.create(credential_set=held, state=state, origin="schedule")
        Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(days=days))
        made.insert(0, run)
    return made


def test_old_checks_are_forgotten_bit_by_bit(
    live: CredentialSet, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETAIN_RUN_DAYS = 99
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    old_runs(live, "failed", "failed", "failed", "failed", "failed")
    forgotten = [retention.delete_old() for _ in range(4)]
    assert sum(forgotten) == 5
    assert max(forgotten) == 2
