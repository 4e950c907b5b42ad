"""What was noted wrongly of outside is noted again: the history keeps both."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials import chasing, recording
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.registrations import correcting
from onboarding.registrations.models import Application, Dispatch
from tests.alone.conftest import ago
from tests.alone.stages import approved, sent, with_csr
from tests.conftest import member

pytestmark = pytest.mark.django_db


def entry(application: Application, event: str) -> Entry:
    return Entry.objects.get(application_id=application.pk, event=event)


def test_day_and_reference_of_a_dossier_are_corrected_twice_and_nothing_is_lost(owner: User) -> None:
    application = sent(owner, days=9)
    noted = entry(application, Event.REGISTRATION_SUBMITTED)
    for outside in (ago(8, "SR-4712"), ago(7, "")):
        correcting.correct(application, noted, outside=outside, actor=member(owner))
        dispatch = Dispatch.objects.get()
        assert (dispatch.sent_on, dispatch.reference) == (outside.on, outside.reference)
        assert correcting.current(noted) == outside
    first, second = Entry.objects.filter(event=Event.OUTSIDE_CORRECTED).order_by("position")
    assert (first.data["was_on"], first.data["was_reference"]) == (ago(9).on.isoformat(), "SR-4711")
    assert (second.data["was_on"], second.data["was_reference"]) == (ago(8).on.isoformat(), "SR-4712")
    noted.refresh_from_db()
    assert noted.data["happened_on"] == ago(9).on.isoformat()
    with pytest.raises(correcting.NothingNew):
        correcting.correct(application, noted, outside=ago(7, ""), actor=member(owner))
    assert Entry.objects.filter(event=Event.OUTSIDE_CORRECTED).count() == 2


def test_reminders_follow_the_day_that_counts(owner: User) -> None:
    application = sent(owner, days=20)
    chasing.remind()
    assert Mail.objects.filter(kind="chase").count() == 1
    assert Dispatch.objects.get().reminded_at_days == 10
    noted = entry(application, Event.REGISTRATION_SUBMITTED)
    correcting.correct(application, noted, outside=ago(1), actor=member(owner))
    assert Dispatch.objects.get().reminded_at_days == 0
    chasing.remind()
    assert Mail.objects.filter(kind="chase").count() == 1


def test_of_several_csrs_the_one_that_the_entry_is_about_is_corrected(owner: User) -> None:
    application = approved(owner)
    request = with_csr(application, owner)
    recording.send_csr(request, outside=ago(1, "CSR-1"), actor=member(owner))
    correcting.correct(application, entry(application, Event.CSR_SENT), outside=ago(0, "CSR-2"), actor=member(owner))
    assert Dispatch.objects.get(certificate_request_id=request.pk).reference == "CSR-2"
    assert Dispatch.objects.get(submission__isnull=False).reference == "SR-4711"


def test_it_is_corrected_from_the_history_which_tells_both(
    owner: User, viewer: User, rival: User, signed_in: Callable[[User], Client]
) -> None:
    application = approved(owner)
    noted = entry(application, Event.REGISTRATION_APPROVED)
    history, page = (
        f"/applications/{application.pk}/history/",
        f"/applications/{application.pk}/history/{noted.pk}/correct/",
    )
    client = signed_in(owner)
    assert page in client.get(history).content.decode()
    assert page not in signed_in(viewer).get(history).content.decode()
    assert 'value="SR-4711"' in client.get(page).content.decode()
    future = timezone.localdate() + timedelta(days=1)
    wrong = client.post(page, {"on": future.isoformat(), "reference": "SR-99"})
    assert wrong.status_code == 422
    assert "still to come" in wrong.content.decode()
    assert 'value="SR-99"' in wrong.content.decode()
    assert client.post(page, {"on": ago(1).on.isoformat(), "reference": "SR-99"}).headers["Location"] == history
    text = client.get(history).content.decode()
    assert "reference SR-99" in text
    assert "before: On" in text
    assert "reference SR-4711" in text
    [correction] = Entry.objects.filter(event=Event.OUTSIDE_CORRECTED)
    for nothing in (correction, Entry.objects.filter(event=Event.APPLICATION_CREATED).get()):
        assert client.get(f"{history}{nothing.pk}/correct/").status_code == 404
    assert signed_in(rival).get(page).status_code == 404
    assert signed_in(viewer).post(page, {"on": ago(1).on.isoformat()}).status_code == 403
