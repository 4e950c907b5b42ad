"""Reminders to ask the car maker how things stand."""

from datetime import date, timedelta
from typing import Any

import pytest

from onboarding.credentials import chasing, recording
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.registrations.models import Dispatch
from tests.alone.conftest import ago
from tests.alone.stages import MZP, approved, fresh, sent, with_csr
from tests.conftest import member
from tests.journey import described

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 11, 20)


def at(dispatch: Dispatch, day: date) -> None:
    Dispatch.objects.filter(pk=dispatch.pk).update(sent_on=day)


def chased() -> list[Mail]:
    return list(Mail.objects.filter(kind="chase").order_by("created_at"))


def test_it_is_due_once_its_working_days_are_over_and_only_once(owner: User, viewer: User) -> None:
    sent(owner)
    at(Dispatch.objects.get(), FRIDAY)
    assert chasing.remind(FRIDAY + timedelta(days=6)) == 0  # a Thursday, four working days later
    assert chasing.remind(FRIDAY + timedelta(days=7)) == 1
    assert chasing.remind(FRIDAY + timedelta(days=7)) == 0
    assert [mail.address for mail in chased()] == [owner.email]
    assert chasing.remind(FRIDAY + timedelta(days=14)) == 1


def test_a_portal_that_slept_for_long_writes_once_about_the_latest(owner: User) -> None:
    sent(owner)
    at(Dispatch.objects.get(), FRIDAY)
    assert chasing.remind(FRIDAY + timedelta(days=200)) == 1
    assert [mail.params["days"] for mail in chased()] == [10]


def test_an_answer_ends_it_and_the_csr_has_a_clock_of_its_own(owner: User) -> None:
    application = approved(owner)
    request = with_csr(application, owner)
    recording.send_csr(request, outside=ago(0, "C-7"), actor=member(owner))
    for dispatch in Dispatch.objects.all():
        at(dispatch, FRIDAY)
    assert chasing.remind(FRIDAY + timedelta(days=7)) == 1
    message = render(chased()[0])
    assert "Their reference: C-7" in message.body
    assert f"/applications/{application.pk}/production/dossier/" in message.body


def test_what_went_along_with_the_description_is_not_asked_for_twice(owner: User) -> None:
    application = described(owner)
    recording.record_login(application, mzp=MZP, outside=ago(20), actor=member(owner))
    with_csr(fresh(application), owner)
    registration = application.registration
    recording.send_description(
        registration,
        csrs=recording.csrs_to_send(application),
        seen_version=registration.version,
        outside=ago(30),
        actor=member(owner),
    )
    assert chasing.remind() == 1
    recording.record_approval(registration, mzp=MZP, outside=ago(1), actor=member(owner))
    assert chasing.remind() == 1


def test_a_description_sent_again_is_waited_for_from_then_on(owner: User) -> None:
    registration = sent(owner, days=60).registration
    flows.request_changes(registration, note="More.", outside=ago(1), actor=member(owner))
    assert chasing.remind() == 0
    recording.send_description(registration, seen_version=registration.version, outside=ago(0), actor=member(owner))
    assert chasing.remind() == 0


def test_a_hub_chases_nobody_and_so_does_an_empty_setting(owner: User, settings: Any) -> None:
    sent(owner, days=60)
    settings.CHASE_AFTER_DAYS = []
    assert chasing.remind() == 0
    settings.CHASE_AFTER_DAYS = [1]
    settings.PORTAL_MODE = "hub"
    assert chasing.remind() == 0
