"""The pages of a renewal, and the dates for a calendar."""

from collections.abc import Callable

import icalendar
import pytest
from django.test import Client
from django.urls import reverse

from onboarding.credentials import flows
from onboarding.credentials.models import CredentialSet
from onboarding.partners.models import User
from tests.conftest import member
from tests.journey import issued

SignIn = Callable[[User], Client]


@pytest.fixture
def in_use(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    held = issued(owner, reviewer, issuer)
    flows.activate(held.certificate_request, actor=member(owner))
    return held


def page(name: str, held: CredentialSet) -> str:
    return reverse(name, args=[held.application_id, "sandbox"])


def test_it_begins_on_its_page_goes_on_with_the_key_and_is_given_up_there(
    in_use: CredentialSet, colleague: User, signed_in: SignIn
) -> None:
    client = signed_in(colleague)
    renew = page("certificate_renew", in_use)
    assert "Begin the renewal" in client.get(renew).content.decode()
    begun = client.post(renew, follow=True)
    assert begun.redirect_chain[-1][0] == page("key", in_use)
    assert in_use.certificate_request.subject["L"] in begun.content.decode()
    assert "A renewal is on its way" in client.get(renew).content.decode()
    assert client.get(page("certificate", in_use)).status_code == 200, "the one in use is still there"
    assert client.get(page("credentials", in_use)).status_code == 200
    client.post(renew, {"give_up": "1"})
    assert "Begin the renewal" in client.get(renew).content.decode()


def test_the_days_to_keep_are_read_by_a_calendar(in_use: CredentialSet, viewer: User, signed_in: SignIn) -> None:
    answer = signed_in(viewer).get(page("certificate_calendar", in_use))
    assert answer.headers["Content-Type"].startswith("text/calendar")
    begin, end = icalendar.Calendar.from_ical(answer.content).events
    assert in_use.certificate_request.not_valid_after is not None
    assert end.start == in_use.certificate_request.not_valid_after.date()
    assert (end.start - begin.start).days == 60
    assert begin["uid"] != end["uid"]
    assert end.alarms.times[0].trigger is not None
    again = signed_in(viewer).get(page("certificate_calendar", in_use))
    assert [event["uid"] for event in icalendar.Calendar.from_ical(again.content).events] == [begin["uid"], end["uid"]]
