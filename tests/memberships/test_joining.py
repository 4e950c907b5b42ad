"""Asking to belong to the organisation that one's address says one works for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.memberships import erasure, invitations, joining, members
from onboarding.memberships.models import JoinRequest
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.mail_domains import PUBLIC_MAIL, company_domain
from onboarding.partners.models import Contact, Membership, Organisation, User
from onboarding.partners.people import OwnOrganisation
from onboarding.worklist import assigning
from onboarding.worklist.following import open_item
from onboarding.worklist.models import Item
from onboarding.worklist.targets import working_days_after
from tests.conftest import _user, member, staff


@pytest.fixture
def newcomer(db: None) -> User:
    return _user("new@example-mobility.example", "Newcomer")


@pytest.fixture
def asked(owner: User, newcomer: User) -> JoinRequest:
    return joining.ask(newcomer, actor=member(newcomer))[0]


def test_somebody_at_a_members_domain_can_ask_and_its_owners_are_told(
    owner: User, colleague: User, asked: JoinRequest, newcomer: User, partner: Organisation
) -> None:
    assert (asked.organisation, asked.state) == (partner, "waiting")
    assert list(Mail.objects.filter(kind="join_request").values_list("address", flat=True)) == [owner.email]


def test_the_domain_of_a_confirmed_contact_counts_and_that_of_an_unconfirmed_one_does_not(
    owner: User, partner: Organisation
) -> None:
    person = _user("somebody@group.example", "Somebody")
    contact = Contact.objects.create(organisation=partner, name="Desk", email="desk@group.example")
    assert joining.known_domains(person) == []
    contact.verified_at = timezone.now()
    contact.save()
    assert joining.known_domains(person) == ["group.example"]


@pytest.mark.parametrize("domain", ["gmail.com", "orange.fr", "gmx.de", "eu.yahoo.com"])
def test_a_public_mail_provider_says_nothing_about_the_company(owner: User, partner: Organisation, domain: str) -> None:
    Contact.objects.create(organisation=partner, name="Desk", email=f"desk@{domain}", verified_at=timezone.now())
    assert joining.known_domains(_user(f"somebody@{domain}", "Somebody")) == []


def test_a_domain_that_only_ends_alike_is_another_one(owner: User) -> None:
    assert joining.known_domains(_user("x@notexample-mobility.example", "X")) == []
    assert joining.known_domains(_user("x@sub.example-mobility.example", "X")) == []


def test_the_table_of_public_providers_is_in_small_letters_and_without_doubles() -> None:
    assert {domain.casefold() for domain in PUBLIC_MAIL} == PUBLIC_MAIL
    assert company_domain("A@Example.COM") == "example.com"


def test_who_has_not_confirmed_the_address_cannot_ask(owner: User, newcomer: User) -> None:
    newcomer.emailaddress_set.update(verified=False)
    with pytest.raises(joining.NobodyToAsk):
        joining.ask(newcomer, actor=member(newcomer))


def test_asking_twice_asks_once(owner: User, asked: JoinRequest, newcomer: User) -> None:
    with pytest.raises(joining.NobodyToAsk):
        joining.ask(newcomer, actor=member(newcomer))
    assert JoinRequest.objects.count() == 1


def test_an_owner_accepts_with_a_role_and_the_person_is_told(
    owner: User, asked: JoinRequest, newcomer: User, partner: Organisation
) -> None:
    joining.accept(asked, "viewer", actor=member(owner))
    assert Membership.objects.get(user=newcomer).role == "viewer"
    assert partner.name in render(Mail.objects.get(kind="join_accepted")).body


def test_an_owner_declines_and_the_mail_names_no_organisation(
    owner: User, asked: JoinRequest, newcomer: User, partner: Organisation
) -> None:
    joining.decline(asked, actor=member(owner))
    assert not newcomer.memberships.exists()
    told = render(Mail.objects.get(kind="join_declined"))
    assert partner.name not in told.subject + told.body
    assert joining.known_domains(newcomer) == []


def test_who_was_declined_can_ask_again_after_a_while(owner: User, asked: JoinRequest, newcomer: User) -> None:
    joining.decline(asked, actor=member(owner))
    JoinRequest.objects.update(state_since=timezone.now() - timedelta(days=8))
    assert joining.known_domains(newcomer) == ["example-mobility.example"]


def test_of_two_owners_who_decide_at_once_one_does(owner: User, colleague: User, asked: JoinRequest) -> None:
    Membership.objects.filter(user=colleague).update(role="owner")
    stale = JoinRequest.objects.get(pk=asked.pk)
    joining.decline(asked, actor=member(owner))
    with pytest.raises(joining.Decided):
        joining.accept(stale, "owner", actor=member(colleague))
    assert Membership.objects.count() == 2


def test_taken_back_it_cannot_be_accepted(owner: User, asked: JoinRequest, newcomer: User) -> None:
    stale = JoinRequest.objects.get(pk=asked.pk)
    joining.take_back([asked], actor=member(newcomer))
    with pytest.raises(joining.Decided):
        joining.accept(stale, "viewer", actor=member(owner))
    assert not newcomer.memberships.exists()


def test_nobody_but_an_owner_of_that_organisation_decides(colleague: User, rival: User, asked: JoinRequest) -> None:
    for person in (colleague, rival):
        with pytest.raises(members.NotAnOwner):
            joining.accept(asked, "owner", actor=member(person))
        with pytest.raises(members.NotAnOwner):
            joining.decline(asked, actor=member(person))


def test_two_companies_at_one_domain_are_both_asked_and_one_answer_settles_it(
    owner: User, rival: User, rival_partner: Organisation, newcomer: User
) -> None:
    Contact.objects.create(
        organisation=rival_partner, name="D", email="d@example-mobility.example", verified_at=timezone.now()
    )
    first, second = joining.ask(newcomer, actor=member(newcomer))
    joining.accept(first, "viewer", actor=member(first.organisation.members.get()))
    second.refresh_from_db()
    assert second.state == "withdrawn"


@pytest.fixture
def left(owner: User, reviewer: User, asked: JoinRequest) -> JoinRequest:
    """A request that no owner has answered in time."""
    JoinRequest.objects.update(owners_until=timezone.localdate() - timedelta(days=1))
    assert joining.leave_to_staff() == 1
    asked.refresh_from_db()
    return asked


def held(request: JoinRequest, person: User) -> JoinRequest:
    item = open_item(request)
    assert item is not None
    assigning.assign(item, person, actor=staff(person))
    return request


def test_owners_have_ten_working_days_before_it_waits_for_staff(
    owner: User, reviewer: User, asked: JoinRequest
) -> None:
    assert asked.owners_until == working_days_after(timezone.localdate(), 10)
    assert joining.leave_to_staff() == 0
    assert open_item(asked) is None
    JoinRequest.objects.update(owners_until=timezone.localdate())
    assert joining.leave_to_staff() == 0  # the day itself is still theirs
    JoinRequest.objects.update(owners_until=timezone.localdate() - timedelta(days=1))
    assert joining.leave_to_staff() == 1
    assert joining.leave_to_staff() == 0
    item = open_item(asked)
    assert item is not None
    assert (item.stage, item.title) == ("join", asked.domain)
    assert "newcomer" not in item.search  # the card may outlive the person
    assert Entry.objects.filter(event=Event.JOIN_ESCALATED, subject_id=asked.pk).count() == 1
    told = dict(Mail.objects.filter(kind__startswith="join_").values_list("kind", "address"))
    assert told["join_left_to_staff"] == owner.email
    assert told["join_to_decide"] == reviewer.email
    assert all(render(mail).body for mail in Mail.objects.all())


@pytest.mark.parametrize(("setting", "value"), [("JOIN_OWNERS_DAYS", 0), ("PORTAL_MODE", "solo")])
def test_only_owners_decide_where_the_operator_wants_it_so(
    owner: User, newcomer: User, settings: Any, setting: str, value: object
) -> None:
    setattr(settings, setting, value)
    asked = joining.ask(newcomer, actor=member(newcomer))[0]
    owner.is_active = False
    owner.save()
    assert asked.owners_until is None
    assert joining.leave_to_staff() == 0


def test_where_no_owner_is_left_it_waits_for_staff_at_once(
    owner: User, colleague: User, newcomer: User, reviewer: User
) -> None:
    Membership.objects.filter(user=colleague).update(role="developer")
    owner.is_active = False
    owner.save()
    asked = joining.ask(newcomer, actor=member(newcomer))[0]
    assert asked.state == "with_staff"
    assert open_item(asked) is not None


def test_an_owner_who_goes_meanwhile_leaves_it_to_staff(owner: User, asked: JoinRequest) -> None:
    owner.is_active = False
    owner.save()
    assert joining.leave_to_staff() == 1


def test_the_reviewer_who_has_it_takes_the_person_in_and_the_company_is_told(
    owner: User, left: JoinRequest, reviewer: User, partner: Organisation
) -> None:
    with pytest.raises(assigning.NotHeld):
        joining.accept(left, "developer", actor=staff(reviewer))
    partner.contacts.create(
        kind=Contact.Kind.ROLE_MAILBOX, email="fleet@example-mobility.example", verified_at=timezone.now()
    )
    joining.accept(held(left, reviewer), "developer", actor=staff(reviewer))
    assert Membership.objects.get(user=left.user).role == "developer"
    assert open_item(left) is None
    entry = Entry.objects.get(event=Event.JOIN_ACCEPTED, subject_id=left.pk)
    assert (entry.actor_id, entry.data["role"]) == (reviewer.pk, "developer")
    told = Mail.objects.filter(kind="join_decided_by_staff").values_list("address", flat=True)
    assert set(told) == {owner.email, "fleet@example-mobility.example"}
    assert "An owner" not in render(Mail.objects.get(kind="join_accepted")).body
    assert all(render(mail).body for mail in Mail.objects.all())


def test_the_reviewer_declines_and_the_mail_names_no_company(
    left: JoinRequest, reviewer: User, partner: Organisation
) -> None:
    joining.decline(held(left, reviewer), actor=staff(reviewer))
    assert left.state == "declined"
    assert partner.name not in str(render(Mail.objects.get(kind="join_declined")).body)


def test_an_owner_can_still_decide_and_the_card_goes(owner: User, left: JoinRequest, reviewer: User) -> None:
    held(left, reviewer)
    stale = JoinRequest.objects.get(pk=left.pk)
    joining.accept(left, "viewer", actor=member(owner))
    assert open_item(left) is None
    with pytest.raises(joining.Decided):
        joining.decline(stale, actor=staff(reviewer))
    assert Membership.objects.get(user=left.user).role == "viewer"


def test_staff_decide_nothing_before_it_is_their_turn_nor_about_their_own_company(
    asked: JoinRequest, reviewer: User, partner: Organisation
) -> None:
    with pytest.raises(joining.Decided):
        joining.accept(asked, "owner", actor=staff(reviewer))
    JoinRequest.objects.update(state="with_staff")
    asked.refresh_from_db()
    Membership.objects.create(organisation=partner, user=reviewer, role="viewer")
    with pytest.raises(OwnOrganisation):
        joining.accept(asked, "owner", actor=staff(reviewer))


@pytest.mark.parametrize("end", ["take_back", "invited", "erased"])
def test_the_card_goes_however_it_ends(left: JoinRequest, owner: User, newcomer: User, end: str) -> None:
    if end == "take_back":
        joining.take_back([left], actor=member(newcomer))
    elif end == "invited":
        offered = invitations.invite(
            left.organisation, email=newcomer.email, role="viewer", by=owner, actor=member(owner)
        )
        invitations.accept(offered, newcomer, actor=member(newcomer))
    else:
        erasure.erase(newcomer, actor=member(newcomer))
    assert not Item.objects.filter(closed_at=None).exists()
    assert Item.objects.get().closed_at is not None


def test_asking_again_while_it_waits_for_staff_asks_once(left: JoinRequest, newcomer: User) -> None:
    with pytest.raises(joining.NobodyToAsk):
        joining.ask(newcomer, actor=member(newcomer))


def test_staff_see_who_asks_and_who_could_have_answered_take_it_and_decide(
    left: JoinRequest, owner: User, reviewer: User, issuer: User, newcomer: User, signed_in: Callable[[User], Client]
) -> None:
    desk, page = signed_in(reviewer), f"/desk/joins/{left.pk}/"
    assert page in desk.get("/desk/").content.decode()
    shown = desk.get(page).content.decode()
    assert owner.email in shown
    assert newcomer.email in shown
    assert "Accept" not in shown
    assert signed_in(issuer).post(page, {"take": "1"}).status_code == 403
    desk.post(page, {"accept": "1", "role": "owner"})
    left.refresh_from_db()
    assert left.state == "with_staff"  # nobody has it
    desk.post(page, {"take": "1"})
    assert desk.post(page, {"accept": "1", "role": "king"}).status_code == 422
    assert desk.post(page, {"accept": "1", "role": "developer"}).headers["Location"] == "/desk/"
    assert "It is decided" in desk.get(page).content.decode()
    desk.post(page, {"decline": "1"})
    left.refresh_from_db()
    assert left.state == "accepted"


def test_who_asked_reads_whose_turn_it_is_and_until_when(
    asked: JoinRequest, reviewer: User, newcomer: User, signed_in: Callable[[User], Client], settings: Any
) -> None:
    theirs = signed_in(newcomer)
    before = theirs.get("/organisation/").content.decode()
    assert "Waiting for an owner at your company" in before
    assert f"{settings.OPERATOR_NAME} decides." in before
    JoinRequest.objects.update(owners_until=timezone.localdate() - timedelta(days=1))
    joining.leave_to_staff()
    after = theirs.get("/organisation/").content.decode()
    assert f"Waiting for {settings.OPERATOR_NAME}" in after
    assert "Target date" in after
    assert asked.organisation.name not in after
