"""Invitations: for one address, for a while, once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.memberships import invitations, members, offers
from onboarding.memberships.models import Invitation, JoinRequest
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, Organisation, User
from tests.conftest import _user, member
from tests.memberships.links import latest, link_in, token_in

ADDRESS = "new@example-mobility.example"


@pytest.fixture
def invited(owner: User, partner: Organisation) -> Invitation:
    return invitations.invite(partner, email=ADDRESS, role="developer", by=owner, actor=member(owner))


@pytest.fixture
def newcomer(db: None) -> User:
    return _user(ADDRESS, "Newcomer")


def test_an_invitation_is_written_to_its_address_with_a_link_that_is_stored_nowhere(
    invited: Invitation, owner: User
) -> None:
    mail = latest("invitation")
    assert (mail.address, mail.user) == (ADDRESS, None)
    token = token_in(mail)
    assert invitations.from_link(token) == (invited, True)
    assert token not in str(list(Mail.objects.values()) + list(Invitation.objects.values()))
    assert ADDRESS not in str(list(Entry.objects.values()))


def test_who_confirmed_the_address_becomes_a_member_in_the_role_offered(invited: Invitation, newcomer: User) -> None:
    assert list(invitations.open_invitations(newcomer)) == [invited]
    invitations.accept(invited, newcomer, actor=member(newcomer))
    assert Membership.objects.get(user=newcomer).role == "developer"
    assert list(invitations.open_invitations(newcomer)) == []


def test_the_address_may_be_a_further_one_of_the_person_in_any_case_of_letters(
    invited: Invitation, rival: User
) -> None:
    EmailAddress.objects.create(user=rival, email=ADDRESS, verified=True)
    Invitation.objects.filter(pk=invited.pk).update(email=ADDRESS.upper())
    invited.refresh_from_db()
    assert list(invitations.open_invitations(rival)) == [invited]
    invitations.accept(invited, rival, actor=member(rival))
    assert rival.memberships.count() == 2


def test_it_is_for_the_invited_address_only(invited: Invitation, rival: User) -> None:
    EmailAddress.objects.create(user=rival, email=ADDRESS, verified=False)
    assert list(invitations.open_invitations(rival)) == []
    with pytest.raises(offers.NotInvited):
        invitations.accept(invited, rival, actor=member(rival))
    assert rival.memberships.count() == 1


def test_it_is_accepted_once(invited: Invitation, newcomer: User) -> None:
    second = Invitation.objects.get(pk=invited.pk)
    invitations.accept(invited, newcomer, actor=member(newcomer))
    with pytest.raises(offers.Closed):
        invitations.accept(second, newcomer, actor=member(newcomer))
    assert Entry.objects.filter(event="invitation:accepted").count() == 1


def test_withdrawn_it_cannot_be_accepted_and_accepted_it_cannot_be_withdrawn(
    invited: Invitation, owner: User, newcomer: User, partner: Organisation
) -> None:
    seen = Invitation.objects.get(pk=invited.pk)
    invitations.withdraw(invited, actor=member(owner))
    with pytest.raises(offers.Closed):
        invitations.accept(seen, newcomer, actor=member(newcomer))
    assert not newcomer.memberships.exists()
    again = invitations.invite(partner, email=ADDRESS, role="viewer", by=owner, actor=member(owner))
    stale = Invitation.objects.get(pk=again.pk)
    invitations.accept(again, newcomer, actor=member(newcomer))
    with pytest.raises(offers.Closed):
        invitations.withdraw(stale, actor=member(owner))


def test_its_time_runs_out_and_sent_again_it_has_a_new_one(invited: Invitation, owner: User, newcomer: User) -> None:
    first = token_in(latest("invitation"))
    long_ago = timezone.now() - timedelta(days=8)
    Invitation.objects.filter(pk=invited.pk).update(expires_at=long_ago, link_sent_at=long_ago)
    invited.refresh_from_db()
    assert invited.has_expired
    with pytest.raises(offers.Closed):
        invitations.accept(invited, newcomer, actor=member(newcomer))
    invitations.send_again(invited, by=owner, actor=member(owner))
    assert invitations.from_link(first) == (invited, False)
    assert invitations.from_link(token_in(latest("invitation"))) == (invited, True)
    invitations.accept(invited, newcomer, actor=member(newcomer))


def test_it_is_not_sent_twice_within_a_minute(invited: Invitation, owner: User) -> None:
    with pytest.raises(offers.TooSoon):
        invitations.send_again(invited, by=owner, actor=member(owner))
    assert Mail.objects.filter(kind="invitation").count() == 1


def test_a_link_that_we_did_not_make_leads_nowhere(invited: Invitation) -> None:
    token = token_in(latest("invitation"))
    for text in ("", "none", token[:-1], token.replace("-1.", "-2."), f"{invited.pk.hex}-1"):
        assert invitations.from_link(text) == (None, False)


def test_members_and_those_invited_already_are_not_invited(
    invited: Invitation, owner: User, viewer: User, partner: Organisation
) -> None:
    with pytest.raises(invitations.MemberAlready):
        invitations.invite(partner, email=viewer.email.upper(), role="viewer", by=owner, actor=member(owner))
    with pytest.raises(offers.InvitedAlready):
        invitations.invite(partner, email=ADDRESS.upper(), role="viewer", by=owner, actor=member(owner))


def test_an_organisation_cannot_have_any_number_of_people_written_to(
    owner: User, partner: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "OPEN_AT_MOST", 2)
    monkeypatch.setattr(invitations, "A_DAY_AT_MOST", 3)
    for number in range(3):
        one = invitations.invite(partner, email=f"p{number}@x.example", role="viewer", by=owner, actor=member(owner))
        if number:
            invitations.withdraw(one, actor=member(owner))
    with pytest.raises(offers.TooMany):
        invitations.invite(partner, email="p4@x.example", role="viewer", by=owner, actor=member(owner))


def test_nobody_but_an_owner_invites_withdraws_or_sends_again(
    invited: Invitation, colleague: User, rival: User, partner: Organisation
) -> None:
    for person in (colleague, rival):
        for act in (
            lambda by: invitations.invite(partner, email="a@b.example", role="owner", by=by, actor=member(by)),
            lambda by: invitations.withdraw(invited, actor=member(by)),
            lambda by: invitations.send_again(invited, by=by, actor=member(by)),
        ):
            with pytest.raises(members.NotAnOwner):
                act(person)


def test_a_member_who_accepts_another_invitation_keeps_their_role(
    owner: User, viewer: User, partner: Organisation
) -> None:
    other = "viewer@elsewhere.example"
    invited = invitations.invite(partner, email=other, role="owner", by=owner, actor=member(owner))
    EmailAddress.objects.create(user=viewer, email=other, verified=True)
    invitations.accept(invited, viewer, actor=member(viewer))
    assert Membership.objects.get(user=viewer).role == "viewer"


def test_an_invitation_settles_what_the_person_asked_for(
    invited: Invitation, newcomer: User, partner: Organisation
) -> None:
    JoinRequest.objects.create(organisation=partner, user=newcomer, domain="example-mobility.example")
    invitations.accept(invited, newcomer, actor=member(newcomer))
    assert JoinRequest.objects.get().state == "accepted"


def test_the_mail_names_role_inviter_and_company_in_the_inviters_language(owner: User, partner: Organisation) -> None:
    owner.language = "fr"
    owner.save()
    invitations.invite(partner, email=ADDRESS, role="viewer", by=owner, actor=member(owner))
    mail = latest("invitation")
    assert mail.language == "fr"
    assert link_in(mail).startswith("/invitations/")


def test_into_an_organisation_that_was_deleted_meanwhile_nobody_comes(
    invited: Invitation, owner: User, newcomer: User, partner: Organisation, signed_in: Callable[[User], Client]
) -> None:
    link = link_in(latest("invitation"))
    stale = Invitation.objects.select_related("organisation").get(pk=invited.pk)
    members.delete_organisation(partner, actor=member(owner))
    with pytest.raises(members.NoMember):
        invitations.accept(stale, newcomer, actor=member(newcomer))
    assert signed_in(newcomer).post(link).status_code == 410
    assert not newcomer.memberships.exists()
