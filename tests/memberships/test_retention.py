"""What is over is kept for as long as the operator says, and no longer; to look twice is safe."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.memberships import retention as coming
from onboarding.memberships.models import Invitation, JoinRequest
from onboarding.notifications import retention as mails
from onboarding.notifications.models import Mail
from onboarding.partners.models import Organisation, User
from onboarding.registrations import flows, retention
from onboarding.registrations.models import Application, Registration
from onboarding.validation import retention as runs
from onboarding.validation.models import Run
from tests.conftest import staff
from tests.journey import ANSWERS, issued, submitted

LONG_AGO = timedelta(days=500)


@pytest.fixture
def declined(owner: User, reviewer: User) -> Registration:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    flows.decline(registration, reason="data", note="Position is not needed.", actor=staff(reviewer))
    return registration


def age(registration: Registration, by: timedelta = LONG_AGO) -> None:
    Registration.objects.filter(pk=registration.pk).update(state_since=timezone.now() - by)


def test_a_description_that_came_to_nothing_is_erased_after_the_time_and_its_history_stays(
    declined: Registration,
) -> None:
    age(declined)
    assert retention.erase_closed() == 1
    declined.refresh_from_db()
    assert (declined.state, declined.answers, declined.note) == ("declined", {}, "")
    assert [one.answers for one in declined.submissions.all()] == [{}]
    application = Application.objects.get()
    assert str(application) == application.reference
    assert ANSWERS["concept"] not in str(list(Registration.objects.values()) + list(Entry.objects.values()))
    assert Entry.objects.filter(application_id=application.pk, event="registration:submit").exists()


def test_to_look_twice_erases_and_records_once(declined: Registration) -> None:
    age(declined)
    assert (retention.erase_closed(), retention.erase_closed()) == (1, 0)
    assert Entry.objects.filter(event="registration:erased").count() == 1


def test_before_the_time_nothing_is_erased_and_the_end_is_known(declined: Registration, settings: Any) -> None:
    age(declined, timedelta(days=364))
    assert retention.erase_closed() == 0
    until = retention.kept_until(Registration.objects.get(pk=declined.pk))
    assert until is not None
    assert timedelta(hours=23) < until - timezone.now() < timedelta(hours=25)
    settings.RETAIN_CLOSED_DAYS = 0
    age(declined)
    assert retention.erase_closed() == 0
    assert retention.kept_until(declined) is None


def test_what_goes_on_is_never_erased(owner: User) -> None:
    registration = submitted(owner).registration
    age(registration)
    assert retention.erase_closed() == 0
    assert retention.kept_until(registration) is None


def test_old_mails_go_and_those_that_wait_stay(owner: User, settings: Any) -> None:
    submitted(owner)
    Mail.objects.update(created_at=timezone.now() - LONG_AGO)
    assert mails.delete_old() == 0
    Mail.objects.update(state="sent")
    settings.RETAIN_MAIL_DAYS = 0
    assert mails.delete_old() == 0
    settings.RETAIN_MAIL_DAYS = 365
    assert (mails.delete_old(), mails.delete_old(), Mail.objects.count()) == (1, 0, 0)


def test_the_last_mail_to_somebody_erased_goes_a_day_after_it_went_out(owner: User, settings: Any) -> None:
    settings.RETAIN_MAIL_DAYS = 0
    submitted(owner)
    Mail.objects.update(kind="account_erased", state="sent")
    assert mails.delete_old() == 0
    Mail.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert mails.delete_old() == 1


def test_old_runs_go_save_those_by_which_a_set_is_judged(
    owner: User, reviewer: User, issuer: User, settings: Any
) -> None:
    held = issued(owner, reviewer, issuer)
    made = [
        Run.objects.create(credential_set=held, state=state, facts=facts)
        for state, facts in (
            ("failed", {}),
            ("passed", {}),
            ("passed", {"rehearsal": "x"}),
            ("failed", {}),
            ("failed", {}),
            ("cancelled", {}),
        )
    ]
    for number, run in enumerate(made):
        Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - LONG_AGO + timedelta(hours=number))
    settings.RETAIN_RUN_DAYS = 0
    assert runs.delete_old() == 0
    settings.RETAIN_RUN_DAYS = 400
    assert (runs.delete_old(), runs.delete_old()) == (3, 0)
    assert set(Run.objects.values_list("pk", flat=True)) == {made[1].pk, made[4].pk, made[5].pk}


def test_invitations_and_requests_that_are_over_are_kept_for_a_month(
    owner: User, viewer: User, partner: Organisation
) -> None:
    now = timezone.now()
    for days, state in ((31, "open"), (29, "open"), (31, "accepted"), (29, "withdrawn")):
        then = now - timedelta(days=days)
        Invitation.objects.create(
            organisation=partner,
            email=f"{days}{state}@x.example",
            role="viewer",
            language="en",
            state=state,
            expires_at=then,
            ended_at=None if state == "open" else then,
        )
    JoinRequest.objects.create(organisation=partner, user=viewer, domain="x", state="declined",
                               state_since=now - timedelta(days=31))  # fmt: skip
    JoinRequest.objects.create(organisation=partner, user=owner, domain="x")
    assert (coming.delete_old(), coming.delete_old()) == (3, 0)
