"""The first account of a portal that somebody runs alone, and who may sign up after it."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from onboarding.audit.models import Entry
from onboarding.memberships.invitations import invite
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, Organisation, StaffRole, User
from onboarding.web import first_account
from onboarding.web.demo import ensure_demo_accounts
from tests.alone.test_pages import text_of
from tests.conftest import PASSWORD, member

pytestmark = pytest.mark.django_db

GIVEN = {
    "email": "ada@integrator.example",
    "person": "Ada",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "name": "Integrator",
    "country": "FR",
}


def printed() -> str:
    output = StringIO()
    call_command("first_account", stdout=output)
    return urlsplit(output.getvalue().strip()).path


def test_the_link_makes_the_account_and_its_company_and_signs_in() -> None:
    client, path = Client(), printed()
    assert "Your account and your company" in text_of(client.get(path))
    response = client.post(path, GIVEN, follow=True)
    assert "Applications" in text_of(response)
    [user] = User.objects.all()
    assert (user.email, user.name, user.emailaddress_set.get().verified) == ("ada@integrator.example", "Ada", True)
    assert Membership.objects.get().role == "owner"
    assert Organisation.objects.get().name == "Integrator"
    assert not StaffRole.objects.exists()
    assert set(Entry.objects.values_list("event", flat=True)) >= {"organisation:created", "account:created"}
    assert Client().post("/accounts/login/", {"login": user.email, "password": PASSWORD}).status_code == 302


def test_it_works_once_and_so_does_any_other_that_was_printed() -> None:
    path, other = printed(), printed()
    Client().post(path, GIVEN)
    for one in (path, other):
        assert Client().get(one).status_code == 410
        response = Client().post(one, GIVEN | {"email": "eve@x.example"})
        assert "has an account already" in text_of(response)
    assert User.objects.count() == 1
    with pytest.raises(CommandError, match="account already"):
        printed()


def test_it_has_an_end_and_the_next_start_prints_another(monkeypatch: pytest.MonkeyPatch) -> None:
    path = printed()
    monkeypatch.setattr(first_account, "SECONDS", -1)
    assert "older than a day" in text_of(Client().get(path))
    monkeypatch.undo()
    assert Client().get(printed()).status_code == 200


@pytest.mark.parametrize("token", ["x", "a:b", "%00", "é" * 300])
def test_what_was_never_printed_makes_nothing(token: str) -> None:
    response = Client().post(f"/first/{token}/", GIVEN)
    assert response.status_code == 410
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password2": "another one entirely"}, "These are not the same"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "long" * 65, "password2": "long" * 65}, "at most 256 characters"),
        ({"email": "ada"}, "valid email address"),
        ({"name": ""}, "Fill in “Company name”"),
        ({"country": "XX"}, "valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_makes_nothing(wrong: dict[str, str], words: str) -> None:
    response = Client().post(printed(), GIVEN | wrong)
    assert response.status_code == 422
    assert words in text_of(response)
    assert PASSWORD not in response.content.decode()
    assert not User.objects.exists()


def test_the_first_page_says_where_the_link_is_as_long_as_nobody_has_an_account(owner: User) -> None:
    assert "Nobody has an account yet" not in text_of(Client().get("/"))
    User.objects.all().delete()
    assert "Nobody has an account yet" in text_of(Client().get("/"))


def test_there_are_no_administrators_and_no_staff_in_the_demo(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no staff"):
        call_command("first_admin", "ada@integrator.example")
    assert [login.role for login in ensure_demo_accounts(tmp_path / "logins.json")] == ["Owner", "Developer", "Owner"]
    assert not StaffRole.objects.exists()


def test_a_hub_has_no_such_link(settings: Any) -> None:
    path = printed()
    settings.PORTAL_MODE = "hub"
    assert Client().get(path).status_code == 404
    with pytest.raises(CommandError, match="hub"):
        printed()


@pytest.fixture
def closed(settings: Any) -> None:
    settings.SIGN_UP = "invited"


def sign_up(client: Client, email: str) -> Any:
    return client.post("/accounts/signup/", {"email": email, "password1": PASSWORD, "password2": PASSWORD})


def test_nobody_signs_up_uninvited(closed: None, owner: User) -> None:
    client = Client()
    assert "Sign-up is closed" in text_of(client.get("/accounts/signup/"))
    sign_up(client, "eve@x.example")
    assert not User.objects.filter(email="eve@x.example").exists()
    assert "Sign up" not in text_of(client.get("/"))


def test_who_is_invited_signs_up_with_the_address_that_was_invited(
    closed: None, owner: User, partner: Organisation
) -> None:
    invite(partner, email="new@x.example", role="developer", by=owner, actor=member(owner))
    path = urlsplit(re.findall(r"https?://\S+/invitations/\S+", str(render(Mail.objects.get()).body))[0]).path
    client = Client()
    client.get(path)
    assert "Create an account" in text_of(client.get("/accounts/signup/"))
    assert "Sign up with the address that the invitation was sent to" in text_of(sign_up(client, "eve@x.example"))
    assert sign_up(client, "new@x.example").status_code == 302
    assert User.objects.filter(email="new@x.example").exists()
    assert not User.objects.filter(email="eve@x.example").exists()


def test_a_withdrawn_invitation_opens_nothing(
    closed: None, owner: User, partner: Organisation, signed_in: Callable[[User], Client]
) -> None:
    invitation = invite(partner, email="new@x.example", role="developer", by=owner, actor=member(owner))
    path = urlsplit(re.findall(r"https?://\S+/invitations/\S+", str(render(Mail.objects.get()).body))[0]).path
    client = Client()
    client.get(path)
    signed_in(owner).post(f"/organisation/{partner.pk}/invitations/{invitation.pk}/withdraw/")
    assert "Sign-up is closed" in text_of(client.get("/accounts/signup/"))
