"""A company's pages, the links in its mails, and one's own data, as people use them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail as outgoing
from django.test import Client
from django.utils import timezone

from onboarding.memberships import invitations
from onboarding.memberships.models import Invitation, JoinRequest
from onboarding.notifications.mails import deliver
from onboarding.notifications.models import Mail
from onboarding.partners.models import Contact, Membership, Organisation, User
from onboarding.registrations import flows
from onboarding.registrations.models import Registration
from tests.conftest import PASSWORD, _user, member
from tests.journey import approved, described
from tests.memberships.links import latest, link_in
from tests.web.test_queries import count

Browser = Callable[[User], Client]
ADDRESS = "new@example-mobility.example"


def page(client: Client, url: str) -> str:
    return client.get(url, follow=True).content.decode()


@pytest.fixture
def home(partner: Organisation) -> str:
    return f"/organisation/{partner.pk}/"


@pytest.fixture
def newcomer(db: None) -> User:
    return _user(ADDRESS, "Newcomer")


@pytest.fixture
def invited(owner: User, partner: Organisation) -> Invitation:
    return invitations.invite(partner, email=ADDRESS, role="developer", by=owner, actor=member(owner))


# --- Members -------------------------------------------------------------------------------------------------


def test_the_only_company_is_what_company_leads_to(owner: User, home: str, signed_in: Browser) -> None:
    assert signed_in(owner).get("/organisation/").headers["Location"] == home


def test_members_see_the_company_and_only_owners_what_changes_it(
    owner: User, viewer: User, home: str, invited: Invitation, signed_in: Browser
) -> None:
    for person, sees in ((owner, True), (viewer, False)):
        shown = page(signed_in(person), home)
        assert all(text in shown for text in ("Owner", viewer.email, ADDRESS, "Role mailbox"))
        assert ("Invite somebody" in shown, "Withdraw" in shown) == (sees, sees)


def test_an_owner_changes_a_role_and_takes_a_member_out(
    owner: User, viewer: User, home: str, signed_in: Browser
) -> None:
    client = signed_in(owner)
    url = f"{home}members/{viewer.memberships.get().pk}/"
    assert "Viewer is now: Developer." in client.post(url, {"role": "developer"}, follow=True).content.decode()
    assert viewer.memberships.get().role == "developer"
    assert "Choose an answer for “Role”" in client.post(url, {"role": ""}).content.decode()
    assert client.post(url, {"role": "king"}).status_code == 200
    assert "is no longer a member" in client.post(f"{url}remove/", follow=True).content.decode()
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("way", ["members/{}/", "members/{}/remove/", "leave/"])
def test_the_last_owner_is_told_why_not_and_what_to_do(owner: User, home: str, signed_in: Browser, way: str) -> None:
    client = signed_in(owner)
    url = home + way.format(owner.memberships.get().pk)
    assert "Make another member an owner first" in page(client, url)
    refused = client.post(url, {"role": "viewer"}, follow=True).content.decode()
    assert "a company always has an owner" in refused
    assert owner.memberships.get().role == "owner"


def test_a_viewer_leaves_and_sees_the_company_no_more(owner: User, viewer: User, home: str, signed_in: Browser) -> None:
    client = signed_in(viewer)
    assert "You have left Example Mobility." in client.post(f"{home}leave/", follow=True).content.decode()
    assert client.get(home).status_code == 404


def test_a_company_with_an_application_says_why_it_cannot_be_deleted(
    owner: User, home: str, signed_in: Browser
) -> None:
    described(owner)
    client = signed_in(owner)
    assert "It has applications" in page(client, f"{home}delete/")
    assert "Not deleted" in client.post(f"{home}delete/", follow=True).content.decode()
    assert Organisation.objects.exists()


def test_an_empty_company_is_deleted_by_its_owner(owner: User, home: str, signed_in: Browser) -> None:
    assert "was deleted" in signed_in(owner).post(f"{home}delete/", follow=True).content.decode()
    assert not Organisation.objects.exists()


def test_a_member_of_another_company_cannot_be_reached(owner: User, rival: User, home: str, signed_in: Browser) -> None:
    url = f"{home}members/{rival.memberships.get().pk}/"
    assert signed_in(owner).post(url, {"role": "viewer"}).status_code == 404
    assert rival.memberships.get().role == "owner"


# --- Invitations ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("", "Fill in “E-mail address”"),
        ("nobody", "valid email address"),
        ("a@b.example\nBcc: c@d.example", "valid email address"),
        (f"{'a' * 250}@b.example", "at most 254"),
        ("viewer@example-mobility.example", "is a member already"),
        (ADDRESS.upper(), "is invited already"),
    ],
)
def test_a_wrong_address_is_named_beside_its_field_and_kept(
    owner: User, viewer: User, home: str, invited: Invitation, signed_in: Browser, email: str, words: str
) -> None:
    response = signed_in(owner).post(f"{home}invite/", {"email": email, "role": "viewer"})
    assert response.status_code == 200
    assert words in str(response.context["form"].errors["email"])
    assert (response.context["form"]["email"].value(), response.context["form"]["role"].value()) == (email, "viewer")
    assert Mail.objects.filter(kind="invitation").count() == 1


def test_who_is_invited_signs_up_confirms_and_accepts(owner: User, invited: Invitation, partner: Organisation) -> None:
    link = link_in(latest("invitation"))
    client = Client()
    shown = page(client, link)
    assert "Example Mobility invites you" in shown
    assert ADDRESS not in shown
    form = {"email": ADDRESS, "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/accounts/signup/", form).status_code == 302
    user = User.objects.get(email=ADDRESS)
    assert not user.memberships.exists()
    EmailAddress.objects.filter(user=user).update(verified=True)
    client.post("/accounts/login/", {"login": ADDRESS, "password": PASSWORD})
    assert "Example Mobility invites you" in page(client, "/")
    assert "You are a member of Example Mobility now." in client.post(link, follow=True).content.decode()
    assert Membership.objects.get(user=user).role == "developer"
    assert "There is nothing left to accept" in page(client, link)


def test_who_comes_to_the_start_accepts_there_without_the_mail(
    invited: Invitation, newcomer: User, signed_in: Browser
) -> None:
    client = signed_in(newcomer)
    assert client.get("/").headers["Location"] == "/organisation/"
    client.post(f"/invitations/{invited.pk}/accept/")
    assert Membership.objects.get(user=newcomer).role == "developer"


def test_passed_on_to_somebody_else_the_link_explains_and_does_nothing(
    invited: Invitation, rival: User, signed_in: Browser
) -> None:
    link = link_in(latest("invitation"))
    client = signed_in(rival)
    for shown in (page(client, link), client.post(link).content.decode()):
        assert "This invitation is for another address" in shown
        assert ADDRESS not in shown
    assert client.post(f"/invitations/{invited.pk}/accept/").status_code == 404
    assert rival.memberships.count() == 1


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("withdrawn", "have withdrawn it"),
        ("accepted", "has been accepted already"),
        ("expired", "It is too old"),
        ("sent again", "only the link in the latest mail works"),
        ("deleted", "the link was not copied whole"),
    ],
)
def test_a_link_that_works_no_longer_says_why(
    owner: User, invited: Invitation, newcomer: User, signed_in: Browser, what: str, words: str
) -> None:
    link = link_in(latest("invitation"))
    changes: dict[str, Any] = {
        "withdrawn": {"state": "withdrawn"},
        "accepted": {"state": "accepted"},
        "expired": {"expires_at": timezone.now() - timedelta(seconds=1)},
        "sent again": {"link_serial": 2},
    }
    if what == "deleted":
        Invitation.objects.all().delete()
    else:
        Invitation.objects.update(**changes[what])
    for client in (Client(), signed_in(newcomer)):
        response = client.get(link)
        assert response.status_code == 410
        assert words in response.content.decode()
    assert signed_in(newcomer).post(link).status_code == 410
    assert not newcomer.memberships.exists()


def test_an_owner_withdraws_and_sends_again_from_the_page(
    owner: User, home: str, invited: Invitation, signed_in: Browser
) -> None:
    client = signed_in(owner)
    url = f"{home}invitations/{invited.pk}/"
    assert "less than a minute ago" in client.post(f"{url}send/", follow=True).content.decode()
    Invitation.objects.update(link_sent_at=timezone.now() - timedelta(hours=1))
    assert "Sent again" in client.post(f"{url}send/", follow=True).content.decode()
    for words in ("Withdrawn", "Nothing was changed"):
        assert words in client.post(f"{url}withdraw/", follow=True).content.decode()
    assert client.post(f"{url}burn/").status_code == 404


def test_the_mail_that_goes_out_holds_the_link_that_works(invited: Invitation, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    deliver(latest("invitation").pk)
    assert outgoing.outbox[0].to == [ADDRESS]
    assert link_in(latest("invitation")) in outgoing.outbox[0].body
    assert Client().get(link_in(latest("invitation"))).status_code == 200


# --- Asking to join ------------------------------------------------------------------------------------------


def test_a_colleague_who_comes_alone_is_told_without_a_name_asks_and_is_taken_in(
    owner: User, newcomer: User, home: str, signed_in: Browser
) -> None:
    client = signed_in(newcomer)
    shown = page(client, "/")
    assert "Somebody at your company is here already" in shown
    assert "Example Mobility" not in shown
    shown = client.post("/organisation/", follow=True).content.decode()
    assert "Waiting for an owner at your company" in shown
    assert "Example Mobility" not in shown
    asked = JoinRequest.objects.get()
    boss = signed_in(owner)
    assert "Your turn: Newcomer asks to join Example Mobility" in page(boss, "/")
    url = f"{home}requests/{asked.pk}/"
    assert ADDRESS in page(boss, url)
    assert "is a member now" in boss.post(url, {"role": "viewer"}, follow=True).content.decode()
    assert "Nothing was changed" in boss.post(url, {"role": "owner"}, follow=True).content.decode()
    assert newcomer.memberships.get().role == "viewer"
    assert client.get("/organisation/").headers["Location"] == home


def test_declined_it_says_so_without_a_name_and_leaves_a_way_on(
    owner: User, newcomer: User, home: str, signed_in: Browser
) -> None:
    client = signed_in(newcomer)
    client.post("/organisation/")
    signed_in(owner).post(f"{home}requests/{JoinRequest.objects.get().pk}/", {"decline": "1"})
    shown = page(client, "/organisation/")
    assert "was declined" in shown
    assert "Register a company of your own" in shown
    assert "Example Mobility" not in shown


def test_taken_back_the_owners_have_nothing_to_decide(owner: User, newcomer: User, signed_in: Browser) -> None:
    client = signed_in(newcomer)
    client.post("/organisation/")
    client.post("/organisation/take-back/")
    assert "asks to join" not in page(signed_in(owner), "/")


def test_a_stranger_to_all_companies_registers_their_own(db: None, owner: User, signed_in: Browser) -> None:
    person = _user("somebody@gmail.com", "Somebody")
    client = signed_in(person)
    assert client.get("/").headers["Location"] == "/organisation/new/"
    assert "You are in no company yet" in page(client, "/organisation/")
    assert "nobody to ask" in client.post("/organisation/", follow=True).content.decode()


# --- Contacts ------------------------------------------------------------------------------------------------


def test_a_developer_names_the_role_mailbox_and_whoever_reads_it_confirms_without_an_account(
    colleague: User, home: str, partner: Organisation, signed_in: Browser
) -> None:
    client = signed_in(colleague)
    form = {"name": "Fleet desk", "email": "fleet@example-mobility.example"}
    shown = client.post(f"{home}contacts/role-mailbox/", form, follow=True).content.decode()
    assert "it counts once confirmed" in shown
    link = link_in(latest("contact_confirmation"))
    reader = Client()
    assert "May Example Mobility be written to" in page(reader, link)
    assert Contact.objects.get().verified_at is None  # to look confirms nothing
    assert "You need not do anything else" in reader.post(link).content.decode()
    assert Contact.objects.get().verified_at is not None
    assert "You need not do anything else" in page(Client(), link)
    assert "who reads the mailbox" in page(client, home)
    assert "Nothing to send" in client.post(f"{home}contacts/role-mailbox/send/", follow=True).content.decode()


def test_a_contacts_link_that_works_no_longer_says_so(owner: User, home: str, signed_in: Browser) -> None:
    client = signed_in(owner)
    client.post(f"{home}contacts/role-mailbox/", {"name": "D", "email": "one@x.example"})
    link = link_in(latest("contact_confirmation"))
    Contact.objects.update(link_sent_at=timezone.now() - timedelta(days=8))
    assert "It is too old" in Client().post(link).content.decode()
    assert "The link is too old" in page(client, home)
    client.post(f"{home}contacts/role-mailbox/", {"name": "D", "email": "two@x.example"})
    assert Client().get(link).status_code == 410
    assert Client().get("/contacts/none/").status_code == 410
    assert not Contact.objects.exclude(verified_at=None).exists()


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"name": "", "email": "a@b.example"}, "name", "Fill in “Name”"),
        ({"name": "a\u202eb", "email": "a@b.example"}, "name", "U+202E"),
        ({"name": "x" * 121, "email": "a@b.example"}, "name", "at most 120"),
        ({"name": "Kept", "email": "nobody"}, "email", "valid"),
        ({"name": "Kept", "email": "second@x.example"}, "email", "your other contact"),
    ],
)
def test_a_wrong_contact_is_named_beside_its_field(
    owner: User, partner: Organisation, home: str, signed_in: Browser, form: dict[str, str], field: str, words: str
) -> None:
    Contact.objects.create(organisation=partner, kind="second-contact", name="S", email="second@x.example")
    response = signed_in(owner).post(f"{home}contacts/role-mailbox/", form)
    assert words in str(response.context["form"].errors[field])
    assert Contact.objects.count() == 1
    assert signed_in(owner).get(f"{home}contacts/other/").status_code == 404


def test_the_task_list_names_the_contacts_until_both_are_confirmed(
    owner: User, partner: Organisation, signed_in: Browser
) -> None:
    application = described(owner)
    client = signed_in(owner)
    url = f"/applications/{application.pk}/"
    assert f"/organisation/{partner.pk}/contacts/second-contact/" in page(client, url)
    for kind in Contact.NAMED:
        assert "Contacts of your company" in page(client, url)
        Contact.objects.create(
            organisation=partner, kind=kind, name="N", email=f"{kind}@x.example", verified_at=timezone.now()
        )
    assert "Contacts of your company" not in page(client, url)


def test_the_csrs_page_offers_the_contacts_and_says_when_there_are_none(
    owner: User, reviewer: User, partner: Organisation, signed_in: Browser
) -> None:
    application = approved(owner, reviewer)
    client = signed_in(owner)
    url = f"/applications/{application.pk}/sandbox/key/"
    assert "has not confirmed both its contacts yet" in page(client, url)
    for kind in Contact.NAMED:
        Contact.objects.create(
            organisation=partner, kind=kind, name="N", email=f"{kind}@x.example", verified_at=timezone.now()
        )
    shown = page(client, url)
    assert "has not confirmed both its contacts yet" not in shown
    assert 'value="role-mailbox@x.example"' in shown
    assert '<option value="second-contact@x.example">' in shown
    bound = client.post(url, {"emailAddress": "nobody@x.example", "C": "FR"}).content.decode()
    assert "Warning" in bound


# --- One's own data ------------------------------------------------------------------------------------------


def test_what_is_held_is_downloaded_after_a_recent_sign_in(owner: User, signed_in: Browser, settings: Any) -> None:
    client = signed_in(owner)
    response = client.get("/profile/data/my-data.json")
    assert "attachment" in response.headers["Content-Disposition"]
    assert json.loads(response.content)["account"]["email"] == owner.email
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    for url in ("/profile/data/my-data.json", "/profile/erase/"):
        assert client.get(url).headers["Location"].startswith("/accounts/reauthenticate/")


def test_an_account_is_erased_once_it_was_said_to_be_meant(owner: User, viewer: User, signed_in: Browser) -> None:
    client = signed_in(viewer)
    other = signed_in(viewer)
    assert "Tick “Erase my account for good”" in client.post("/profile/erase/", {"sure": ""}).content.decode()
    assert User.objects.filter(pk=viewer.pk).exists()
    assert "Your account was erased" in client.post("/profile/erase/", {"sure": "on"}, follow=True).content.decode()
    assert not User.objects.filter(pk=viewer.pk).exists()
    for browser in (client, other):
        assert browser.get("/profile/").headers["Location"].startswith("/accounts/login/")


def test_the_last_owner_is_told_what_to_do_before_they_can_be_erased(
    owner: User, viewer: User, signed_in: Browser
) -> None:
    client = signed_in(owner)
    assert "You are the only owner of Example Mobility" in page(client, "/profile/erase/")
    refused = client.post("/profile/erase/", {"sure": "on"})
    assert refused.status_code == 409
    assert "You are the only owner of Example Mobility" in refused.content.decode()
    assert User.objects.filter(pk=owner.pk).exists()


def test_who_signs_out_is_signed_out(owner: User, signed_in: Browser) -> None:
    client = signed_in(owner)
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/profile/").headers["Location"].startswith("/accounts/login/")


# --- Several companies, long lists, and the end of what was described -------------------------------------------


def test_with_several_companies_each_application_names_its_own(
    owner: User, rival_partner: Organisation, signed_in: Browser
) -> None:
    described(owner)
    Membership.objects.create(organisation=rival_partner, user=owner, role="viewer")
    flows.start_application(rival_partner, "end_user", actor=member(owner))
    client = signed_in(owner)
    shown = page(client, "/")
    rows = shown.split("<tbody>")[1].split("<tr>")[1:]
    assert {"Depot dashboard" in row: "Example Mobility" in row for row in rows} == {True: True, False: False}
    assert sum("Rival Fleet Services" in row for row in rows) == 1
    assert "Rival Fleet Services" in page(client, "/organisation/")


def test_a_company_with_many_people_costs_no_more_queries(
    owner: User, partner: Organisation, home: str, signed_in: Browser
) -> None:
    def grow(prefix: str) -> None:
        person = _user(f"{prefix}@x.example", prefix)
        Membership.objects.create(organisation=partner, user=person, role="viewer")
        invitations.invite(partner, email=f"{prefix}@y.example", role="viewer", by=owner, actor=member(owner))
        asker = _user(f"{prefix}@z.example", prefix)
        JoinRequest.objects.create(organisation=partner, user=asker, domain="z.example")

    grow("a")
    client = signed_in(owner)
    before = [count(client, url) for url in (home, "/")]
    for prefix in ("b", "c", "d"):
        grow(prefix)
    assert [count(client, url) for url in (home, "/")] == before


def test_the_page_says_until_when_a_withdrawn_description_is_kept_and_that_it_was_erased(
    owner: User, signed_in: Browser
) -> None:
    application = described(owner)
    client = signed_in(owner)
    url = f"/applications/{application.pk}/"
    assert "is kept until" not in page(client, url)
    flows.withdraw(application.registration, actor=member(owner))
    assert "is kept until" in page(client, url)
    Registration.objects.update(erased_at=timezone.now(), answers={})
    shown = page(client, url)
    assert "is kept until" not in shown
    assert "What you described was erased" in shown
    assert client.get(f"{url}describe/check/").status_code == 200


def test_two_people_who_name_a_contact_do_not_replace_each_others_unawares(
    owner: User, colleague: User, partner: Organisation, home: str, signed_in: Browser
) -> None:
    url = f"{home}contacts/role-mailbox/"
    first, second = signed_in(owner), signed_in(colleague)
    seen = [client.get(url).context["seen"] for client in (first, second)]
    assert first.post(url, {"name": "D", "email": "one@x.example", "seen": seen[0]}).status_code == 302
    form = {"name": "D", "email": "two@x.example", "seen": seen[1]}
    # A slip in between does not make the second one aware of the first.
    assert second.post(url, form | {"name": ""}).context["seen"] == seen[1]
    answer = second.post(url, form)
    assert "Meanwhile somebody named one@x.example" in str(answer.context["form"].errors["email"])
    assert "two@x.example" in answer.content.decode()
    assert partner.contacts.get(kind="role-mailbox").email == "one@x.example"
    assert second.post(url, form | {"seen": answer.context["seen"]}).status_code == 302
    assert partner.contacts.get(kind="role-mailbox").email == "two@x.example"
    # What somebody sends twice is no change of somebody else's.
    assert second.post(url, form | {"seen": answer.context["seen"]}).status_code == 302
