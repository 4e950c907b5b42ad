"""Looking again at what was declined."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.partners.modes import NotTheirsToDecide
from onboarding.registrations import flows, retention
from onboarding.registrations.models import Registration
from onboarding.web import journey
from onboarding.worklist.following import open_item
from tests.conftest import member, staff
from tests.journey import submitted

Browser = Callable[[User], Client]


@pytest.fixture
def declined(owner: User, reviewer: User) -> Registration:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    flows.decline(registration, reason="concept", note="Say who sees it.", actor=staff(reviewer))
    return registration


def test_whoever_reopens_it_has_it_again_as_it_was_sent(declined: Registration, second_reviewer: User) -> None:
    declined.submissions.update(decide_by=timezone.localdate() - timedelta(days=30))
    flows.reopen(declined, note="You were right.", actor=staff(second_reviewer))
    assert declined.state == "in_review"
    item = open_item(declined)
    assert item is not None
    assert item.assignee == second_reviewer
    assert declined.submissions.get().decide_by == item.due > timezone.localdate()
    body = str(render(Mail.objects.get(kind="registration_reopened")).body)
    assert "You were right." in body
    assert "nothing for you to do" in body
    assert "reviewing" in journey.turn(journey.load(declined.application)).title
    assert Entry.objects.get(event="registration:reopen").actor_id == second_reviewer.pk
    flows.approve(declined, mzp="MZP128745", actor=staff(second_reviewer))


def test_or_the_partner_changes_it_first(declined: Registration, owner: User, reviewer: User) -> None:
    flows.reopen(declined, note="Say it, and we look again.", changes=True, actor=staff(reviewer))
    assert declined.state == "changes_requested"
    assert open_item(declined) is None
    [mail] = Mail.objects.filter(kind__in=["registration_reopened", "registration_changes_requested"])
    assert "It is your turn." in str(render(mail).body)
    assert "Say it, and we look again." in journey.turn(journey.load(declined.application)).text
    answers = {"concept": "Dispatchers see where our vans are."}
    flows.save_answers(declined, answers, seen_version=declined.version, actor=member(owner))
    flows.submit(declined, actor=member(owner))
    assert declined.state == "submitted"


def test_what_was_said_when_it_was_declined_is_still_told(
    declined: Registration, owner: User, reviewer: User, signed_in: Browser
) -> None:
    flows.reopen(declined, note="You were right.", actor=staff(reviewer))
    shown = signed_in(owner).get(f"/applications/{declined.application_id}/submissions/").content.decode()
    assert "Say who sees it." in shown
    assert "Application reopened" in shown


def test_only_what_was_declined_is_reopened_and_only_by_those_who_decide(
    declined: Registration, owner: User, reviewer: User
) -> None:
    with pytest.raises(NotTheirsToDecide):
        flows.reopen(declined, note="Please.", actor=member(owner))
    flows.reopen(declined, note="Yes.", actor=staff(reviewer))
    with pytest.raises(IllegalTransition):
        flows.reopen(declined, note="Yes.", actor=staff(reviewer))


def test_an_erased_description_is_not_reopened_and_a_reopened_one_is_not_erased(
    declined: Registration, reviewer: User, signed_in: Browser
) -> None:
    long_ago = timezone.now() - timedelta(days=400)
    flows.reopen(declined, note="Yes.", actor=staff(reviewer))
    Registration.objects.update(state_since=long_ago)
    assert retention.erase_closed() == 0
    Registration.objects.update(state="declined")
    assert retention.erase_closed() == 1
    declined.refresh_from_db()
    with pytest.raises(flows.DescriptionErased):
        flows.reopen(declined, note="Yes.", actor=staff(reviewer))
    declined.refresh_from_db()
    assert declined.state == "declined"
    client, url = signed_in(reviewer), f"/desk/registrations/{declined.pk}/"
    shown = client.get(url).content.decode()
    assert "The description was erased" in shown
    assert f"{url}reopen/" not in shown
    assert client.post(f"{url}reopen/", {"changes": "no", "note": "Yes."}).status_code == 409


def test_from_the_page(declined: Registration, second_reviewer: User, signed_in: Browser) -> None:
    client, url = signed_in(second_reviewer), f"/desk/registrations/{declined.pk}/"
    assert "The description is kept until" in client.get(url).content.decode()
    wrong = client.post(f"{url}reopen/", {"changes": "no", "note": ""})
    assert (wrong.status_code, set(wrong.context["reopen"].errors)) == (422, {"note"})
    shown = client.post(f"{url}reopen/", {"changes": "no", "note": "You were right."}, follow=True).content.decode()
    assert "Reopened. The partner has been told why." in shown
    assert f'action="{url}approve/"' in shown
