"""Who is at the desk: roles granted and withdrawn, people invited; and nobody decides where they should not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials import issuing
from onboarding.credentials.duties import SameHands
from onboarding.memberships import desk, offers
from onboarding.memberships.models import StaffInvitation
from onboarding.notifications import links
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, Organisation, PartnerLogin, StaffRole, User
from onboarding.partners.people import OwnOrganisation
from onboarding.registrations import flows, logins
from tests.conftest import staff
from tests.journey import submitted, with_key
from tests.records.chains import chains_hold

ADDRESS = "new@maker.example"


def roles(user: User) -> list[str]:
    return sorted(StaffRole.objects.filter(user=user).values_list("role", flat=True))


def invited(administrator: User, *offered: str) -> StaffInvitation:
    found = desk.add(ADDRESS, offered or ("reviewer",), by=administrator, actor=staff(administrator))
    assert isinstance(found, StaffInvitation)
    return found


def newcomer(email: str = ADDRESS, *, verified: bool = True) -> User:
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email)
    EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
    return user


# --- Roles -------------------------------------------------------------------------------------------------------


def test_each_change_of_a_role_is_recorded_and_told_once(administrator: User, reviewer: User) -> None:
    desk.set_roles(reviewer, ["issuer", "auditor"], actor=staff(administrator))
    assert roles(reviewer) == ["auditor", "issuer"]
    said = [(one.event, one.data["role"]) for one in Entry.objects.order_by("position")]
    assert said == [
        (Event.ROLE_WITHDRAWN, "reviewer"),
        (Event.ROLE_GRANTED, "issuer"),
        (Event.ROLE_GRANTED, "auditor"),
    ]
    assert {one.data["member"] for one in Entry.objects.all()} == {str(reviewer.pk)}
    mail = Mail.objects.get(kind="staff_roles_changed")
    assert (mail.user, mail.params["roles"]) == (reviewer, ["Issuer", "Auditor"])
    assert chains_hold()


def test_the_same_roles_again_change_nothing(administrator: User, reviewer: User) -> None:
    desk.set_roles(reviewer, ["reviewer"], actor=staff(administrator))
    assert not Entry.objects.exists()
    assert not Mail.objects.exists()


@pytest.mark.parametrize("who", ["reviewer", "auditor", "owner"])
def test_only_administrators_decide_on_roles(who: str, administrator: User, issuer: User, request: Any) -> None:
    actor = staff(request.getfixturevalue(who))
    for decision in (
        lambda: desk.set_roles(issuer, ["administrator"], actor=actor),
        lambda: desk.add(ADDRESS, ["issuer"], by=issuer, actor=actor),
        lambda: desk.withdraw(invited(administrator), actor=actor),
    ):
        with pytest.raises(desk.NotAnAdministrator):
            decision()
    assert roles(issuer) == ["issuer"]


def test_the_last_administrator_stays_one(administrator: User, reviewer: User) -> None:
    with pytest.raises(desk.LastAdministrator):
        desk.set_roles(administrator, ["reviewer"], actor=staff(administrator))
    assert roles(administrator) == ["administrator"]
    desk.set_roles(reviewer, ["reviewer", "administrator"], actor=staff(administrator))
    desk.set_roles(administrator, [], actor=staff(administrator))
    assert roles(administrator) == []
    with pytest.raises(desk.LastAdministrator):
        desk.set_roles(reviewer, ["reviewer"], actor=staff(reviewer))


def test_an_administrator_whose_account_is_closed_does_not_count(administrator: User, reviewer: User) -> None:
    desk.set_roles(reviewer, ["administrator"], actor=staff(administrator))
    User.objects.filter(pk=reviewer.pk).update(is_active=False)
    with pytest.raises(desk.LastAdministrator):
        desk.set_roles(administrator, [], actor=staff(administrator))


def test_who_has_an_account_gets_the_roles_at_once(administrator: User, reviewer: User) -> None:
    found = desk.add("REVIEWER@maker.example", ["issuer"], by=administrator, actor=staff(administrator))
    assert found == reviewer
    assert roles(reviewer) == ["issuer", "reviewer"]


# --- Invitations ---------------------------------------------------------------------------------------------------


def test_an_account_whose_address_is_not_confirmed_is_invited_and_not_let_in(administrator: User) -> None:
    impostor = newcomer(verified=False)
    invitation = invited(administrator)
    assert roles(impostor) == []
    with pytest.raises(offers.NotInvited):
        desk.accept(invitation, impostor, actor=staff(impostor))
    assert roles(impostor) == []


def test_an_invitation_is_accepted_once_with_the_address_it_was_sent_to(administrator: User, reviewer: User) -> None:
    invitation = invited(administrator, "issuer", "reviewer")
    mail = Mail.objects.get(kind="staff_invitation")
    assert (mail.address, mail.params["roles"]) == (ADDRESS, ["Reviewer", "Issuer"])
    with pytest.raises(offers.NotInvited):
        desk.accept(invitation, reviewer, actor=staff(reviewer))
    user = newcomer()
    desk.accept(invitation, user, actor=staff(user))
    assert roles(user) == ["issuer", "reviewer"]
    with pytest.raises(offers.Closed):
        desk.accept(invitation, user, actor=staff(user))
    assert ADDRESS not in str(list(Entry.objects.values()))


def test_a_second_invitation_to_the_same_address_is_refused_and_one_can_be_withdrawn(administrator: User) -> None:
    invitation = invited(administrator)
    with pytest.raises(offers.InvitedAlready):
        invited(administrator)
    desk.withdraw(invitation, actor=staff(administrator))
    with pytest.raises(offers.Closed):
        desk.withdraw(invitation, actor=staff(administrator))
    user = newcomer()
    with pytest.raises(offers.Closed):
        desk.accept(invitation, user, actor=staff(user))


def test_sent_again_only_the_latest_link_works(administrator: User) -> None:
    invitation = invited(administrator)
    with pytest.raises(offers.TooSoon):
        desk.send_again(invitation, by=administrator, actor=staff(administrator))
    StaffInvitation.objects.update(link_sent_at="2026-01-01T00:00:00Z")
    desk.send_again(invitation, by=administrator, actor=staff(administrator))
    assert desk.from_link(links.token("staff", invitation.pk, 1))[1] is False
    assert desk.from_link(links.token("staff", invitation.pk, 2))[1] is True
    assert desk.from_link(links.token("invitation", invitation.pk, 2)) == (None, False)


# --- The pages -----------------------------------------------------------------------------------------------------


def test_a_role_that_is_withdrawn_ends_at_the_next_request(
    administrator: User, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    theirs = signed_in(reviewer)
    assert theirs.get(reverse("desk")).status_code == 200
    desk.set_roles(reviewer, [], actor=staff(administrator))
    assert theirs.get(reverse("desk")).status_code == 403


def test_the_list_says_roles_second_factor_and_last_sign_in(
    administrator: User, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    invited(administrator, "issuer")
    page = signed_in(administrator).get(reverse("desk_people")).content.decode()
    for text in ("reviewer@maker.example", "Reviewer", "None", "Never", ADDRESS, "Issuer"):
        assert text in page


def test_an_administrator_adds_somebody_and_changes_their_roles(
    administrator: User, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(administrator)
    wrong = client.post(reverse("desk_people_add"), {"email": "nobody", "roles": []})
    assert wrong.status_code == 422
    assert "Choose at least one under" in wrong.content.decode()
    client.post(reverse("desk_people_add"), {"email": ADDRESS, "roles": ["issuer"]})
    assert StaffInvitation.objects.get().roles == ["issuer"]
    client.post(reverse("desk_person", args=[reviewer.pk]), {"roles": ["reviewer", "auditor"]})
    assert roles(reviewer) == ["auditor", "reviewer"]
    refused = client.post(reverse("desk_person", args=[administrator.pk]), {"roles": []}, follow=True)
    assert "there is no other administrator" in refused.content.decode()


def test_giving_roles_asks_again_who_is_there(administrator: User, signed_in: Callable[[User], Client]) -> None:
    client = signed_in(administrator)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0.0}]
    session.save()
    answer = client.post(reverse("desk_people_add"), {"email": ADDRESS, "roles": ["issuer"]})
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert not StaffInvitation.objects.exists()


def test_the_invited_person_follows_the_link_and_accepts(administrator: User) -> None:
    invitation = invited(administrator)
    link = reverse("staff_invitation", args=[links.token("staff", invitation.pk, 1)])
    assert "Create an account" in Client().get(link).content.decode()
    client, user = Client(), newcomer()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(link).headers["Location"] == reverse("desk")
    assert roles(user) == ["reviewer"]
    assert client.get(link).status_code == 410
    assert Client().get(reverse("staff_invitation", args=["nothing"])).status_code == 410


# --- Impartial, and by separate hands ------------------------------------------------------------------------------


def test_nobody_decides_on_an_organisation_of_their_own(
    owner: User, partner: Organisation, reviewer: User, issuer: User
) -> None:
    registration = submitted(owner).registration
    request = with_key(owner, reviewer)
    claim = PartnerLogin.objects.create(organisation=partner, mzp="MZP555555")
    for person in (reviewer, issuer):
        Membership.objects.create(organisation=partner, user=person, role="viewer")
    for decision in (
        lambda: flows.take(registration, actor=staff(reviewer)),
        lambda: issuing.accept_csr(request, actor=staff(issuer)),
        lambda: issuing.refuse_csr(request, note="x", actor=staff(issuer)),
        lambda: issuing.sign_with_embedded_ca(request, actor=staff(issuer)),
        lambda: logins.confirm_login(claim, actor=staff(reviewer)),
        lambda: logins.reject_login(claim, actor=staff(reviewer)),
    ):
        with pytest.raises(OwnOrganisation):
            decision()
    registration.refresh_from_db()
    request.refresh_from_db()
    claim.refresh_from_db()
    assert (registration.state, request.state, claim.is_claim) == ("submitted", "csr_submitted", True)


@pytest.mark.parametrize("verb", ["approve", "decline", "request_changes"])
def test_who_joins_the_company_during_the_review_decides_no_longer(
    verb: str, owner: User, partner: Organisation, reviewer: User
) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    Membership.objects.create(organisation=partner, user=reviewer, role="viewer")
    values = {"approve": {"mzp": "MZP1"}, "decline": {"reason": "other", "note": "x"}, "request_changes": {"note": "x"}}
    with pytest.raises(OwnOrganisation):
        getattr(flows, verb)(registration, actor=staff(reviewer), **values[verb])
    assert not PartnerLogin.objects.exists()


def test_the_pages_say_that_somebody_else_decides(
    owner: User, partner: Organisation, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    registration = submitted(owner).registration
    Membership.objects.create(organisation=partner, user=reviewer, role="viewer")
    client = signed_in(reviewer)
    page = client.get(reverse("desk_registration", args=[registration.pk])).content.decode()
    assert "Somebody else decides here" in page
    assert "Begin the review" not in page
    answer = client.post(reverse("desk_registration_decide", args=[registration.pk, "take"]), follow=True)
    assert "so somebody else decides" in answer.content.decode()


def test_with_separated_duties_who_approved_does_not_issue(
    owner: User, reviewer: User, issuer: User, settings: Any, signed_in: Callable[[User], Client]
) -> None:
    settings.SEPARATE_DUTIES = True
    StaffRole.objects.create(user=reviewer, role="issuer")
    request = with_key(owner, reviewer)
    with pytest.raises(SameHands):
        issuing.sign_with_embedded_ca(request, actor=staff(reviewer))
    with pytest.raises(SameHands):
        issuing.take_in(request, certificate=b"", actor=staff(reviewer))
    with pytest.raises(SameHands):
        issuing.accept_csr(request, actor=staff(reviewer))
    client = signed_in(reviewer)
    page = client.get(reverse("desk_certificate", args=[request.pk])).content.decode()
    assert "who approves does not issue" in page
    assert "Sign with the embedded CA" not in page
    answer = client.post(reverse("desk_certificate_issue", args=[request.pk, "sign"]), follow=True)
    assert "You approved this application" in answer.content.decode()
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    assert request.state == "issued"


def test_without_separated_duties_one_person_may_do_both(owner: User, reviewer: User) -> None:
    request = with_key(owner, reviewer)
    issuing.sign_with_embedded_ca(request, actor=staff(reviewer))
    assert request.state == "issued"
