"""Who belongs to an organisation: roles, leaving, removing, and that there is always an owner."""

import pytest

from onboarding.audit.events import Event
from onboarding.audit.models import Chain, Entry
from onboarding.memberships import members
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, Organisation, User
from tests.conftest import member
from tests.journey import described
from tests.records.chains import chains_hold


def place(user: User) -> Membership:
    return Membership.objects.get(user=user)


@pytest.fixture
def second_owner(colleague: User) -> User:
    Membership.objects.filter(user=colleague).update(role="owner")
    return colleague


def test_an_owner_gives_a_member_another_role_and_tells_them(owner: User, viewer: User) -> None:
    members.change_role(place(viewer), "developer", actor=member(owner))
    assert place(viewer).role == "developer"
    entry = Entry.objects.get(event=Event.MEMBER_ROLE_CHANGED)
    assert entry.data == {"member": str(viewer.pk), "from": "viewer", "to": "developer"}
    assert Mail.objects.get(kind="role_changed").address == viewer.email


def test_the_same_role_again_changes_nothing_and_tells_nobody(owner: User, viewer: User) -> None:
    members.change_role(place(viewer), "viewer", actor=member(owner))
    assert not Entry.objects.exists()
    assert not Mail.objects.exists()


@pytest.mark.parametrize("verb", ["demote", "leave", "remove"])
def test_the_last_owner_is_neither_demoted_nor_removed_and_cannot_leave(
    owner: User, colleague: User, verb: str
) -> None:
    act = {
        "demote": lambda: members.change_role(place(owner), "viewer", actor=member(owner)),
        "leave": lambda: members.leave(place(owner), actor=member(owner)),
        "remove": lambda: members.remove(place(owner), actor=member(owner)),
    }[verb]
    with pytest.raises(members.LastOwner):
        act()
    assert place(owner).role == "owner"
    assert not Entry.objects.exists()


def test_an_owner_whose_account_is_closed_does_not_count_as_an_owner(owner: User, second_owner: User) -> None:
    User.objects.filter(pk=second_owner.pk).update(is_active=False)
    with pytest.raises(members.LastOwner):
        members.leave(place(owner), actor=member(owner))


def test_of_two_owners_who_demote_each_other_at_once_one_stays(owner: User, second_owner: User) -> None:
    mine, theirs = place(owner), place(second_owner)  # what both saw when they clicked
    members.change_role(theirs, "viewer", actor=member(owner))
    with pytest.raises(members.NotAnOwner):
        members.change_role(mine, "viewer", actor=member(second_owner))
    assert (place(owner).role, place(second_owner).role) == ("owner", "viewer")


def test_of_two_owners_who_leave_at_once_one_stays(owner: User, second_owner: User) -> None:
    mine, theirs = place(owner), place(second_owner)
    members.leave(theirs, actor=member(second_owner))
    with pytest.raises(members.LastOwner):
        members.leave(mine, actor=member(owner))


def test_who_was_removed_meanwhile_cannot_be_given_a_role(owner: User, viewer: User) -> None:
    seen = place(viewer)
    members.remove(place(viewer), actor=member(owner))
    for act in (
        lambda: members.change_role(seen, "owner", actor=member(owner)),
        lambda: members.remove(seen, actor=member(owner)),
        lambda: members.leave(seen, actor=member(viewer)),
    ):
        with pytest.raises(members.NoMember):
            act()
    assert Mail.objects.get(kind="member_removed").address == viewer.email
    assert Mail.objects.filter(kind="member_removed").count() == 1


def test_nobody_but_an_owner_decides(owner: User, colleague: User, viewer: User, rival: User) -> None:
    for person in (colleague, viewer, rival):
        with pytest.raises(members.NotAnOwner):
            members.remove(place(viewer), actor=member(person))
        with pytest.raises(members.NotAnOwner):
            members.change_role(place(viewer), "owner", actor=member(person))
    assert place(viewer).role == "viewer"


def test_an_organisation_without_applications_is_deleted_and_what_was_recorded_stays(
    owner: User, viewer: User, partner: Organisation
) -> None:
    members.change_role(place(viewer), "developer", actor=member(owner))
    partner_id = partner.pk
    members.delete_organisation(partner, actor=member(owner))
    assert not Organisation.objects.exists()
    assert not Membership.objects.exists()
    chain = Chain.objects.get(organisation_id=partner_id)
    assert chains_hold()
    assert chain.entries.get(position=2).event == Event.ORGANISATION_DELETED
    assert Mail.objects.get(kind="organisation_deleted").address == viewer.email


def test_an_organisation_with_an_application_is_not_deleted(owner: User, partner: Organisation) -> None:
    described(owner)
    with pytest.raises(members.HasApplications):
        members.delete_organisation(partner, actor=member(owner))
    assert Organisation.objects.filter(pk=partner.pk).exists()


def test_only_an_owner_deletes_an_organisation(owner: User, colleague: User, partner: Organisation) -> None:
    with pytest.raises(members.NotAnOwner):
        members.delete_organisation(partner, actor=member(colleague))
