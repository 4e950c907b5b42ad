"""A company that is deleted in the moment in which another request writes about it, and the other way round.

Run on PostgreSQL by test_deciding_on_postgresql.py: SQLite has one writer.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from onboarding.memberships import members
from onboarding.partners.models import Organisation, User
from onboarding.registrations import flows
from onboarding.registrations.models import Application
from tests.conftest import member

pytestmark = pytest.mark.django_db(transaction=True)

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
