"""A company that is deleted in the moment in which another request of it writes: a clear page, and nothing by half."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client

from onboarding.memberships import members
from onboarding.partners.models import Membership, Organisation, User
from onboarding.registrations import flows
from onboarding.registrations.models import Application
from tests.conftest import member

Work = Callable[[], Any]


def meanwhile(work: Work) -> Callable[[], HttpResponse]:
    """Begin `work` on a connection of its own, and wait until it waits for this one. Returns what waits for its end."""
    done: list[HttpResponse] = []

    def run() -> None:
        try:
            done.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while thread.is_alive() and time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                break
            time.sleep(0.02)

    def end() -> HttpResponse:
        thread.join(20)
        assert done, "it did not end"
        return done[0]

    return end


@pytest.fixture
def on_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one transaction write at a time; tests/stack asks this on PostgreSQL")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("on_postgresql")
def test_in_the_moment_of_the_deletion_an_application_is_begun_for_nothing_and_that_is_said(
    partner: Organisation, owner: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(owner)
    form = {"organisation": str(partner.pk), "programme": "fleet_owner"}
    with transaction.atomic():
        members.delete_organisation(partner, actor=member(owner))
        ended = meanwhile(lambda: client.post("/applications/new/", form))
    answer = ended()
    assert answer.status_code == 410
    assert "It was deleted meanwhile" in answer.content.decode()
    assert not Application.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("on_postgresql")
def test_in_the_moment_of_a_beginning_the_deletion_finds_the_application_and_says_so(
    partner: Organisation, owner: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(owner)
    with transaction.atomic():
        flows.start_application(partner, "fleet_owner", actor=member(owner))
        ended = meanwhile(lambda: client.post(f"/organisation/{partner.pk}/delete/"))
    assert ended().status_code == 302
    assert "Not deleted: the company has applications" in client.get("/").content.decode()
    assert Application.objects.get().organisation == partner


@pytest.mark.django_db(transaction=True)
def test_a_reference_to_what_is_gone_is_said_on_either_database(
    partner: Organisation, owner: User, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(owner)

    def start(organisation: Organisation, *_given: Any, **_more: Any) -> None:
        with transaction.atomic():
            Membership.objects.create(organisation_id=owner.pk, user=owner, role="viewer")  # no such organisation

    monkeypatch.setattr("onboarding.web.views.application.flows.start_application", start)
    answer = client.post("/applications/new/", {"organisation": str(partner.pk), "programme": "fleet_owner"})
    assert answer.status_code == 410


@pytest.mark.parametrize("gone", [True, False])
def test_a_row_that_is_missed_is_only_excused_where_the_company_is_gone(
    partner: Organisation,
    owner: User,
    colleague: User,
    signed_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
    gone: bool,
) -> None:
    client = signed_in(owner)

    def missing(*_given: Any, **_more: Any) -> None:
        if gone:
            Organisation.objects.filter(pk=partner.pk).delete()
        raise Membership.DoesNotExist

    monkeypatch.setattr("onboarding.web.views.organisation.members.leave", missing)
    if gone:
        assert client.post(f"/organisation/{partner.pk}/leave/").status_code == 410
    else:
        with pytest.raises(ObjectDoesNotExist):
            client.post(f"/organisation/{partner.pk}/leave/")


@pytest.mark.django_db(transaction=True)
def test_other_mistakes_of_ours_stay_mistakes(
    partner: Organisation, owner: User, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(owner)

    def start(*_given: Any, **_more: Any) -> None:
        Membership.objects.create(organisation=partner, user=owner, role="owner")  # a second time

    monkeypatch.setattr("onboarding.web.views.application.flows.start_application", start)
    with pytest.raises(IntegrityError):
        client.post("/applications/new/", {"organisation": str(partner.pk), "programme": "fleet_owner"})
