"""The first accounts: the demo's cast, and the administrator of an installation without the demo."""

import json
import re
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from onboarding.partners.models import Membership, StaffRole, User
from onboarding.web.demo import CAST, ensure_demo_accounts

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "a-long-and-private-passphrase"


def sign_in(email: str, password: str) -> bool:
    """Tell whether the sign-in page lets somebody in."""
    client = Client()
    client.post("/accounts/login/", {"login": email, "password": password})
    return "_auth_user_id" in client.session


def first_admin(*arguments: str) -> str:
    output = StringIO()
    call_command("first_admin", *arguments, stdout=output)
    return output.getvalue()


def link_in(text: str) -> str:
    [link] = re.findall(r"^https?://\S+$", text, re.MULTILINE)
    return urlsplit(link).path


def set_password(path: str) -> int:
    """Follow the link and set the password; the status of the page that the link led to."""
    client = Client()
    page = client.get(path, follow=True)
    if page.redirect_chain:
        target = page.redirect_chain[-1][0]
        client.post(target, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    return page.status_code


def test_the_link_of_the_first_administrator_sets_the_password(settings: Settings) -> None:
    settings.PORTAL_MODE = "hub"
    output = first_admin("ada@operator.example")
    assert output.startswith("ada@operator.example is now: administrator, reviewer, issuer.")
    assert not sign_in("ada@operator.example", NEW_PASSWORD)
    set_password(link_in(output))
    assert sign_in("ada@operator.example", NEW_PASSWORD)
    roles = StaffRole.objects.filter(user__email="ada@operator.example").values_list("role", flat=True)
    assert set(roles) == {"administrator", "reviewer", "issuer"}


def test_the_link_works_only_once() -> None:
    link = link_in(first_admin("ada@operator.example"))
    set_password(link)
    before = User.objects.get(email="ada@operator.example").password
    set_password(link)
    assert User.objects.get(email="ada@operator.example").password == before


def test_the_link_has_an_end(settings: Settings) -> None:
    link = link_in(first_admin("ada@operator.example"))
    settings.PASSWORD_RESET_TIMEOUT = -1
    set_password(link)
    assert not User.objects.get(email="ada@operator.example").has_usable_password()


def test_a_second_administrator_is_not_made_by_mistake() -> None:
    first_admin("ada@operator.example")
    with pytest.raises(CommandError, match="--force"):
        first_admin("eve@operator.example")
    assert not User.objects.filter(email="eve@operator.example").exists()
    first_admin("eve@operator.example", "--force")
    assert StaffRole.objects.filter(user__email="eve@operator.example", role="administrator").exists()


def test_somebody_who_has_an_account_keeps_it_and_its_password() -> None:
    User.objects.create_user("Ada@operator.example", "the password she has already")
    first_admin("ada@operator.example")
    [user] = User.objects.all()
    assert user.check_password("the password she has already")


def test_what_is_not_an_address_is_refused() -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        first_admin("ada")
    assert not User.objects.exists()


def test_everybody_in_the_demo_can_sign_in_with_what_is_printed(tmp_path: Path) -> None:
    logins = ensure_demo_accounts(tmp_path / "logins.json")
    assert [login.email for login in logins] == [part.email for part in CAST]
    assert len({login.password for login in logins}) == len(CAST)
    for login in logins:
        assert sign_in(login.email, login.password), login.email
    assert not sign_in(logins[0].email, logins[1].password)


def test_the_demo_has_a_colleague_a_rival_and_both_desks(tmp_path: Path) -> None:
    ensure_demo_accounts(tmp_path / "logins.json")
    members = Membership.objects.values_list("organisation__name", "role")
    assert sorted(members) == [
        ("Example Mobility", "developer"),
        ("Example Mobility", "owner"),
        ("Rival Fleet Services", "owner"),
    ]
    assert set(StaffRole.objects.values_list("role", flat=True)) == {"reviewer", "issuer", "auditor", "administrator"}
    assert EmailAddress.objects.filter(verified=True, primary=True).count() == len(CAST)


def test_a_second_start_changes_nothing_and_prints_the_same(tmp_path: Path) -> None:
    first = ensure_demo_accounts(tmp_path / "logins.json")
    hashes = dict(User.objects.values_list("email", "password"))
    assert ensure_demo_accounts(tmp_path / "logins.json") == first
    assert dict(User.objects.values_list("email", "password")) == hashes


def test_the_passwords_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    kept = tmp_path / "logins.json"
    logins = ensure_demo_accounts(kept)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text()) == [asdict(login) for login in logins]


def test_a_lost_file_gives_new_passwords_that_work(tmp_path: Path) -> None:
    old = ensure_demo_accounts(tmp_path / "logins.json")
    (tmp_path / "logins.json").unlink()
    new = ensure_demo_accounts(tmp_path / "logins.json")
    assert sign_in(new[0].email, new[0].password)
    assert not sign_in(old[0].email, old[0].password)


def test_a_lost_database_is_filled_again_with_the_passwords_that_were_kept(tmp_path: Path) -> None:
    logins = ensure_demo_accounts(tmp_path / "logins.json")
    User.objects.all().delete()
    assert ensure_demo_accounts(tmp_path / "logins.json") == logins
    assert sign_in(logins[0].email, logins[0].password)


def test_demo_accounts_are_refused_outside_the_demo(settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("demo_accounts")
    assert not User.objects.exists()
