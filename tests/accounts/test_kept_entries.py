"""A session that ends in mid-form: what was typed comes back to the same person, without secrets, and is not sent."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django import forms
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onboarding.partners.models import User
from onboarding.registrations.models import Application
from onboarding.web import forms as our_forms
from onboarding.web import kept_entries
from onboarding.web.forms.fields import SecretField
from tests.accounts.conftest import Browser, enter
from tests.journey import described, submitted

CONCEPT = "Typed for half an hour, with “quotes”, <b>marks</b>\nand a second line."
NOTICE = "What you typed is here again"


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return unescape(found[1])


def typed(client: Client, url: str, **values: Any) -> dict[str, Any]:
    """What a browser would send from the page: the hidden fields, and what was typed."""
    page = client.get(url).content.decode()
    names = {"version", kept_entries.MARK, "csrfmiddlewaretoken"}
    return {name: hidden(page, name) for name in names if f'name="{name}"' in page} | values


@pytest.fixture
def application(owner: User) -> Application:
    return described(owner)


@pytest.fixture
def url(application: Application) -> str:
    return f"/applications/{application.pk}/describe/concept/"


def end_sessions() -> None:
    Session.objects.all().delete()


def test_what_was_typed_is_there_again_after_the_sign_in_and_was_not_sent(
    owner: User, application: Application, url: str, signed_in: Browser
) -> None:
    client = signed_in(owner)
    form = typed(client, url, name="A new name", concept=CONCEPT)
    end_sessions()
    answer = client.post(url, form)
    assert answer.headers["Location"] == f"/accounts/login/?next={url}"
    assert "what you typed is kept for you" in client.get(answer.headers["Location"]).content.decode()
    assert enter(client, owner, then=url) == url
    page = client.get(url)
    again = page.context["form"]
    assert not again.is_bound
    assert (again["name"].value(), again["concept"].value()) == ("A new name", CONCEPT)
    assert "&lt;b&gt;marks&lt;/b&gt;" in page.content.decode()
    assert NOTICE in page.content.decode()
    application.registration.refresh_from_db()
    assert "A new name" not in str(application.registration.answers)
    assert client.post(url, typed(client, url, name="A new name", concept=CONCEPT)).status_code == 302
    application.registration.refresh_from_db()
    assert application.registration.answers["concept"] == CONCEPT


def test_it_is_there_once(owner: User, url: str, signed_in: Browser) -> None:
    client = signed_in(owner)
    form = typed(client, url, name="A new name", concept=CONCEPT)
    end_sessions()
    client.post(url, form)
    enter(client, owner, then=url)
    assert NOTICE in client.get(url).content.decode()
    second = client.get(url).content.decode()
    assert NOTICE not in second
    assert "A new name" not in second


def test_somebody_else_who_signs_in_there_finds_nothing_of_it_nor_does_the_first_one_after_them(
    owner: User, colleague: User, url: str, signed_in: Browser
) -> None:
    client = signed_in(owner)
    form = typed(client, url, name="A new name", concept=CONCEPT)
    end_sessions()
    client.post(url, form)
    enter(client, colleague, then=url)
    assert "A new name" not in client.get(url).content.decode()
    assert kept_entries.SESSION_KEY not in client.session
    client.post("/accounts/logout/")
    enter(client, owner, then=url)
    assert "A new name" not in client.get(url).content.decode()


def test_it_is_bound_to_the_browser(owner: User, url: str, signed_in: Browser) -> None:
    client = signed_in(owner)
    form = typed(client, url, name="A new name", concept=CONCEPT)
    end_sessions()
    client.post(url, form)
    assert "A new name" not in signed_in(owner).get(url).content.decode()


def test_it_is_kept_for_half_an_hour(
    owner: User, url: str, signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(owner)
    form = typed(client, url, name="A new name", concept=CONCEPT)
    end_sessions()
    client.post(url, form)
    enter(client, owner, then=url)
    later = time.time() + 31 * 60
    monkeypatch.setattr(kept_entries.time, "time", lambda: later)
    assert "A new name" not in client.get(url).content.decode()
    assert kept_entries.SESSION_KEY not in client.session


@pytest.mark.parametrize("mark", ["", "forged", "11111111-1111-1111-1111-111111111111:forged"])
def test_a_form_that_is_not_of_our_pages_is_not_kept(owner: User, url: str, signed_in: Browser, mark: str) -> None:
    client = Client()
    answer = client.post(url, {"name": "Slipped in", kept_entries.MARK: mark})
    assert answer.headers["Location"].startswith("/accounts/login/")
    assert not dict(client.session)


def test_secrets_and_files_are_not_kept_even_for_a_moment(owner: User, url: str, signed_in: Browser) -> None:
    client = signed_in(owner)
    secrets = dict.fromkeys(("password", "client_secret", "passphrase", "csrfmiddlewaretoken"), "a secret")
    key = "-----BEGIN PRIVATE KEY-----\nMIIE"
    form = typed(client, url, name="Kept", concept=key, file=SimpleUploadedFile("a.pem", b"MIIE")) | secrets
    end_sessions()
    client.post(url, form)
    kept = str(client.session[kept_entries.SESSION_KEY])
    assert "Kept" in kept
    assert "a+secret" not in kept
    assert "MIIE" not in kept
    assert "csrf" not in kept


@pytest.mark.parametrize("sent", [{"file": "a file"}, {"password": "a secret"}], ids=["a file", "a secret"])
def test_where_nothing_but_files_or_secrets_was_given_the_page_says_to_give_them_again(
    owner: User, url: str, signed_in: Browser, sent: dict[str, Any]
) -> None:
    client = signed_in(owner)
    mark = typed(client, url)[kept_entries.MARK]
    end_sessions()
    form = sent if "password" in sent else {"file": SimpleUploadedFile("a.pem", b"MIIE")}
    client.post(url, form | {kept_entries.MARK: mark})
    enter(client, owner, then=url)
    page = client.get(url).content.decode()
    assert "choose the file again" in page
    assert NOTICE not in page
    assert "a secret" not in page


def test_a_button_that_was_pressed_too_late_says_that_nothing_was_sent(
    owner: User, application: Application, url: str, signed_in: Browser
) -> None:
    client = signed_in(owner)
    mark = typed(client, url)[kept_entries.MARK]
    end_sessions()
    answer = client.post(f"/applications/{application.pk}/copy/", {kept_entries.MARK: mark}, follow=True)
    assert "Nothing was sent: sign in, then do it again." in answer.content.decode()
    assert Application.objects.count() == 1


def all_forms() -> Iterator[type[forms.BaseForm]]:
    for module in pkgutil.iter_modules(our_forms.__path__, f"{our_forms.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, forms.BaseForm):
                yield value


def test_every_field_that_is_secret_has_a_name_that_says_so() -> None:
    names = {
        name
        for form in all_forms()
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, SecretField) or isinstance(field.widget, forms.PasswordInput)
    }
    assert {"password", "client_secret", "passphrase"} <= names
    assert [name for name in names if not kept_entries.SECRET_NAMES.search(name)] == []


def test_more_than_64_kib_is_not_kept(owner: User, url: str, signed_in: Browser) -> None:
    client = signed_in(owner)
    form = typed(client, url, name="Long", concept="x" * 65_536)
    end_sessions()
    assert client.post(url, form).status_code == 302
    assert kept_entries.SESSION_KEY not in client.session


def test_a_page_that_is_too_old_for_its_token_hands_back_what_was_typed_into_it(
    owner: User, colleague: User, url: str, signed_in: Browser
) -> None:
    client = signed_in(owner)
    form = typed(client, url, name="A new name", concept=CONCEPT) | {"csrfmiddlewaretoken": "x" * 64}
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    answer = strict.post(url, form)
    assert (answer.status_code, answer.headers["Location"]) == (302, url)
    assert "A new name" in strict.get(url).content.decode()
    part = strict.post(url, form, headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{url}?q=a"})
    assert part.headers["HX-Redirect"] == f"{url}?q=a"
    other = Client(enforce_csrf_checks=True)
    other.cookies = signed_in(colleague).cookies
    assert other.post(url, form).status_code == 403
    assert "A new name" not in other.get(url).content.decode()


def test_it_goes_along_where_its_address_leads_to_another_page(owner: User, reviewer: User, signed_in: Browser) -> None:
    registration = submitted(owner).registration
    desk = f"/desk/registrations/{registration.pk}/"
    client = signed_in(reviewer)
    client.post(f"{desk}take/")
    page = client.get(desk).content.decode()
    form = {kept_entries.MARK: hidden(page, kept_entries.MARK), "reason": "data", "note": "Long and thoughtful."}
    end_sessions()
    client.post(f"{desk}decline/", form)
    enter(client, reviewer, then=f"{desk}decline/")
    back = client.get(f"{desk}decline/", follow=True)
    assert "Long and thoughtful." in back.content.decode()
    assert NOTICE in back.content.decode()
    registration.refresh_from_db()
    assert registration.state == "in_review"


def test_a_part_of_a_page_leads_the_whole_page_to_the_sign_in(db: None) -> None:
    answer = Client().get("/profile/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/runs/1/"})
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=%2Fruns%2F1%2F"
