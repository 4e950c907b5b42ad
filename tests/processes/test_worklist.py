"""What waits for staff has a card; who has it decides on it."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.credentials import flows as certificate_flows
from onboarding.credentials import issuing
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, Organisation, StaffRole, User
from onboarding.partners.people import OwnOrganisation
from onboarding.registrations import flows, logins
from onboarding.registrations.retention import erase_closed
from onboarding.web.journey.saying import day_in_words
from onboarding.worklist import assigning, queue
from onboarding.worklist.digest import send_digests
from onboarding.worklist.models import UNDATED, Item
from onboarding.worklist.search import searchable, words
from tests.conftest import member, staff
from tests.journey import approved, described, submitted, with_key


def waiting(stage: str) -> Item:
    return Item.objects.get(stage=stage, closed_at=None)


# --- Cards


def test_a_draft_waits_for_nobody_of_the_staff(owner: User) -> None:
    described(owner)
    assert not Item.objects.exists()


def test_a_submission_opens_a_card_and_the_decision_closes_it(owner: User, reviewer: User) -> None:
    application = submitted(owner)
    card = waiting("review")
    assert (card.reference, card.title, card.programme) == (application.reference, "Depot dashboard", "fleet_owner")
    assert card.due_on == application.registration.submissions.get().decide_by
    flows.take(application.registration, actor=staff(reviewer))
    flows.approve(application.registration, mzp="MZP128745", actor=staff(reviewer))
    card.refresh_from_db()
    assert (card.outcome, card.assignee) == ("registration:approve", reviewer)
    assert card.closed_at is not None


def test_each_round_of_changes_has_a_card_of_its_own(owner: User, reviewer: User) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    flows.request_changes(registration, note="Say which vans.", actor=staff(reviewer))
    assert not Item.objects.filter(closed_at=None).exists()
    flows.submit(registration, actor=member(owner))
    assert Item.objects.count() == 2
    assert waiting("review").assignee is None


def test_a_csr_waits_until_the_certificate_is_there(owner: User, reviewer: User, issuer: User) -> None:
    request = with_key(owner, reviewer)
    assert waiting("csr").environment == "sandbox"
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    assert Item.objects.get(stage="csr").outcome == "certificate_request:issue"


def test_the_partner_reads_by_when_a_csr_is_to_be_signed(owner: User, reviewer: User, settings: Any) -> None:
    settings.ISSUE_TARGET_DAYS = 3
    request = with_key(owner, reviewer)
    client = Client()
    client.force_login(owner)
    for page in (f"/applications/{request.application_id}/", "/"):
        text = client.get(page).content.decode()
        assert "to be decided by" in text
        assert day_in_words(waiting("csr").due_on) in text
    Item.objects.update(due_on=UNDATED)
    assert "to be decided by" not in client.get(f"/applications/{request.application_id}/").content.decode()


def test_a_csr_that_is_taken_back_waits_no_more(owner: User, reviewer: User) -> None:
    certificate_flows.restart(with_key(owner, reviewer), actor=member(owner))
    assert Item.objects.get(stage="csr").outcome == "certificate_request:restart"


def test_a_claimed_login_waits_until_it_is_decided(owner: User, reviewer: User, partner: Organisation) -> None:
    login = logins.claim_login(partner, "MZP700001", actor=member(owner))
    assert waiting("login").title == "MZP700001"
    logins.reject_login(login, actor=staff(reviewer))
    assert Item.objects.get(stage="login").outcome == "partner_login:rejected"


def test_what_cannot_be_submitted_leaves_no_card(owner: User) -> None:
    application = described(owner, concept="")
    with pytest.raises(flows.Incomplete):
        flows.submit(application.registration, actor=member(owner))
    assert not Item.objects.exists()


def test_without_a_target_there_is_no_date(owner: User, settings: Any) -> None:
    settings.REVIEW_TARGET_DAYS = 0
    submitted(owner)
    card = waiting("review")
    assert (card.due_on, card.due, card.is_overdue(date(2090, 1, 1))) == (UNDATED, None, False)


def test_an_erased_description_is_not_found_any_more(owner: User, settings: Any) -> None:
    registration = submitted(owner).registration
    flows.withdraw(registration, actor=member(owner))
    type(registration).objects.update(state_since=timezone.now() - timedelta(days=settings.RETAIN_CLOSED_DAYS + 1))
    erase_closed()
    card = Item.objects.get()
    assert (card.title, card.search) == ("", "")
    assert card.outcome == "registration:withdraw"


# --- Who has it


def test_only_whoever_has_it_decides(owner: User, reviewer: User, second_reviewer: User) -> None:
    registration = submitted(owner).registration
    with pytest.raises(assigning.NotHeld) as nobody:
        flows.decline(registration, reason="data", note="x", actor=staff(reviewer))
    assert nobody.value.holder is None
    flows.take(registration, actor=staff(reviewer))
    with pytest.raises(assigning.NotHeld) as somebody:
        flows.approve(registration, mzp="MZP128745", actor=staff(second_reviewer))
    assert somebody.value.holder == reviewer
    assert registration.state == "in_review"


def test_handing_over_is_mailed_recorded_and_hidden_from_partners(
    owner: User, reviewer: User, second_reviewer: User
) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    flows.assign(registration, second_reviewer, actor=staff(reviewer))
    flows.decline(registration, reason="data", note="Too much.", actor=staff(second_reviewer))
    assert Mail.objects.get(kind="work_assigned").address == second_reviewer.email
    entries = Entry.objects.filter(event="work:assigned").order_by("position")
    assert [entry.data["to"] for entry in entries] == [str(reviewer.pk), str(second_reviewer.pk)]
    assert not any(entry.partner_visible for entry in entries)


def test_what_is_given_back_can_be_taken_by_another(owner: User, reviewer: User, second_reviewer: User) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    flows.release(registration, actor=staff(reviewer))
    assert (registration.state, waiting("review").assignee) == ("submitted", None)
    flows.take(registration, actor=staff(second_reviewer))
    assert waiting("review").assignee == second_reviewer


def test_of_two_who_take_it_at_once_one_has_it(owner: User, reviewer: User, second_reviewer: User) -> None:
    registration = submitted(owner).registration
    same = type(registration).objects.get(pk=registration.pk)
    flows.take(registration, actor=staff(reviewer))
    with pytest.raises(IllegalTransition):
        flows.take(same, actor=staff(second_reviewer))
    assert waiting("review").assignee == reviewer


def test_of_two_who_hand_it_over_at_once_one_does(
    owner: User, reviewer: User, issuer: User, second_reviewer: User
) -> None:
    with_key(owner, reviewer)
    mine, theirs = waiting("csr"), waiting("csr")
    assigning.assign(mine, issuer, actor=staff(issuer))
    third = User.objects.create_user("third@maker.example")
    StaffRole.objects.create(user=third, role="issuer")
    with pytest.raises(assigning.MovedOn):
        assigning.assign(theirs, third, actor=staff(third))
    assert waiting("csr").assignee == issuer


def test_nobody_has_what_their_role_does_not_do(owner: User, reviewer: User, issuer: User) -> None:
    with_key(owner, reviewer)
    with pytest.raises(assigning.CannotHave):
        assigning.assign(waiting("csr"), reviewer, actor=staff(issuer))


def test_nobody_has_what_their_own_company_asks_for(owner: User, reviewer: User, partner: Organisation) -> None:
    registration = submitted(owner).registration
    Membership.objects.create(organisation=partner, user=reviewer, role="viewer")
    with pytest.raises(OwnOrganisation):
        flows.take(registration, actor=staff(reviewer))
    with pytest.raises(assigning.CannotHave):
        assigning.assign(waiting("review"), reviewer, actor=staff(reviewer))
    registration.refresh_from_db()
    assert registration.state == "submitted"


# --- The queue


@pytest.fixture
def five(owner: User, reviewer: User) -> list[Item]:
    """Five reviews, the first one due first."""
    for number in range(5):
        flows.submit(described(owner, name=f"Depot {number}").registration, actor=member(owner))
    items = list(Item.objects.order_by("opened_at"))
    today = timezone.localdate()
    for number, item in enumerate(items):
        Item.objects.filter(pk=item.pk).update(due_on=today + timedelta(days=number - 2))
    return list(Item.objects.order_by("due_on"))


def titles(reader: User, **asked: Any) -> list[str]:
    return [item.title for item in queue.page(queue.Query(reader=reader, **asked)).rows]


def test_the_oldest_target_date_comes_first(five: list[Item], reviewer: User) -> None:
    assert titles(reviewer) == [f"Depot {number}" for number in range(5)]
    assert titles(reviewer, sort="newest")[0] == "Depot 4"


def test_pages_neither_skip_nor_repeat_whatever_comes_between(
    five: list[Item], reviewer: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    query = queue.Query(reader=reviewer)
    first = queue.page(query)
    Item.objects.filter(pk=first.rows[0].pk).update(closed_at=timezone.now())
    second = queue.page(query, first.following)
    third = queue.page(query, second.following)
    assert [item.title for item in second.rows] == ["Depot 2", "Depot 3"]
    assert [item.title for item in third.rows] == ["Depot 4"]
    assert (third.following, first.previous) == ("", "")
    assert [item.title for item in queue.page(query, third.previous).rows] == ["Depot 2", "Depot 3"]


@pytest.mark.parametrize("cursor", ["x", "-", "e30", "WzFd", "-WyIiLCIiLCIiXQ", "\0", "é", "A" * 5000])
def test_a_cursor_that_nobody_made_leads_to_the_first_page(five: list[Item], reviewer: User, cursor: str) -> None:
    assert queue.page(queue.Query(reader=reviewer), cursor).rows[0].title == "Depot 0"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"words": "DEPOT 1"}, ["Depot 1"]),  # no reference has a 1
        ({"words": "exam mob dep"}, [f"Depot {number}" for number in range(5)]),
        ({"words": "vans serv"}, [f"Depot {number}" for number in range(5)]),
        ({"words": "epot"}, []),
        ({"words": "50%_\\' & | ! :* <->"}, []),
        ({"age": "overdue"}, ["Depot 0", "Depot 1"]),
        ({"age": "today"}, ["Depot 2"]),
        ({"age": "7"}, []),
        ({"country": "FR", "programme": "fleet_owner", "assignee": "nobody"}, [f"Depot {n}" for n in range(5)]),
        ({"country": "DE"}, []),
        ({"stage": "csr"}, []),
        ({"show": "mine"}, []),
        ({"show": "done"}, []),
    ],
)
def test_it_is_filtered_and_searched(five: list[Item], reviewer: User, asked: dict[str, str], found: list[str]) -> None:
    assert titles(reviewer, **asked) == found
    counted = queue.counts(queue.Query(reader=reviewer, **asked))
    if asked.get("show") == "done":
        assert counted is None
    else:
        assert counted is not None
        assert str(counted.total) == str(5 if asked == {"stage": "csr"} else len(found))


def test_counting_ends_where_it_would_take_long(
    five: list[Item], reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_COUNTED", 3)
    whole, searched = (queue.counts(queue.Query(reader=reviewer, words=words)) for words in ("", "depot"))
    assert whole is not None
    assert searched is not None
    assert [str(whole.total), str(whole.overdue), str(whole.by_stage["csr"])] == ["3+", "2", "0"]
    assert [str(searched.total), str(searched.overdue)] == ["3+", "2+"]


def test_what_many_cards_have_in_common_is_found_as_what_few_have(
    five: list[Item], reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for little in (0, 5):
        monkeypatch.setattr(queue, "LITTLE", little)
        assert titles(reviewer, words="depot", sort="newest") == [f"Depot {number}" for number in reversed(range(5))]


def test_an_export_goes_through_all_of_it_in_its_order(
    five: list[Item], reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "CHUNK", 2)
    Item.objects.update(due_on=UNDATED)  # so that the later fields of the order decide
    for sort in queue.Sort:
        query = queue.Query(reader=reviewer, sort=sort)
        exported = [item.title for item in queue.every(query)]
        assert exported == titles(reviewer, sort=sort)
        assert len(exported) == 5


def test_the_countries_to_choose_from_are_those_of_companies(five: list[Item]) -> None:
    assert queue.countries() == ["FR"]
    for country in ("DE", "SE", "DE"):
        Organisation.objects.create(name="Other", country=country)
    assert queue.countries() == ["DE", "FR", "SE"]


def test_words_are_found_without_accents_and_capitals() -> None:
    assert words("Éclair GmbH & Co. FA-7K3Q9M") == ["eclair", "gmbh", "co", "fa", "7k3q9m"]
    assert searchable(["Straße", "ΑΒΓ"]) == " strasse αβγ"


# --- The daily mail

MORNING = datetime(2026, 12, 1, 7, 30, tzinfo=ZoneInfo("UTC"))  # a Tuesday


def test_staff_are_told_once_a_day_what_is_new_and_overdue(
    owner: User, reviewer: User, issuer: User, auditor: User
) -> None:
    submitted(owner)
    Item.objects.update(opened_at=MORNING - timedelta(days=9), due_on=date(2026, 11, 30))
    assert [send_digests(MORNING), send_digests(MORNING + timedelta(hours=3))] == [1, 1]
    mail = Mail.objects.get(kind="work_digest")
    assert mail.address == reviewer.email
    assert {name: mail.params[name] for name in ("new", "waiting", "overdue", "mine")} == {
        "new": 0,
        "waiting": 1,
        "overdue": 1,
        "mine": 0,
    }
    send_digests(MORNING + timedelta(days=1))
    assert Mail.objects.filter(kind="work_digest").count() == 2


@pytest.mark.parametrize(
    ("moment", "zone"),
    [
        (MORNING - timedelta(hours=1), "UTC"),
        (MORNING, "America/New_York"),
        (MORNING + timedelta(days=4), "UTC"),  # a Saturday
    ],
)
def test_not_before_their_morning_nor_at_the_weekend(owner: User, reviewer: User, moment: datetime, zone: str) -> None:
    submitted(owner)
    User.objects.filter(pk=reviewer.pk).update(time_zone=zone)
    assert send_digests(moment) == 0


def test_who_has_nothing_to_hear_is_not_written_to(owner: User, reviewer: User) -> None:
    approved(owner, reviewer)
    assert send_digests(MORNING) == 0
