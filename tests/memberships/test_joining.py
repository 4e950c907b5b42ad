"""Asking to belong to the organisation that one's address says one works for."""

from datetime import timedelta

import pytest
from django.utils import timezone

from onboarding.memberships import joining, members
from onboarding.memberships.models import JoinRequest
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.mail_domains import PUBLIC_MAIL, company_domain
from onboarding.partners.models import Contact, Membership, Organisation, User
from tests.conftest import _user, member


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
    JoinRequest.objects.update(decided_at=timezone.now() - timedelta(days=8))
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
