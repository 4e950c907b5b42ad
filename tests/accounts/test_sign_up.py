"""Signing up: the address is proven, can be corrected, and nobody learns who has an account already."""

import re
import smtplib
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.partners.models import User
from tests.accounts.conftest import enter, link_in

NEW = "ada@new-fleet.example"
PASSWORD = "a long enough password"
WAITING = "/accounts/confirm-email/"


@pytest.fixture(autouse=True)
def outbox(db: None, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def sign_up(client: Client, email: str = NEW, **headers: str) -> Any:
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", form, headers=headers)


def visible(page: bytes) -> str:
    """A page without what differs each time: tokens."""
    return re.sub(r'value="[^"]{20,}"', "", page.decode())


def test_the_link_in_the_mail_proves_the_address_and_signs_in_where_one_signed_up(db: None) -> None:
    client = Client()
    assert sign_up(client).headers["Location"] == WAITING
    assert NEW in client.get(WAITING).content.decode()
    [message] = mail.outbox
    link = link_in(message)
    elsewhere = Client()
    assert "Is <strong>ada@new-fleet.example</strong> yours?" in elsewhere.get(link).content.decode()
    assert not EmailAddress.objects.get(email=NEW).verified
    assert client.post(link).status_code == 302
    assert EmailAddress.objects.get(email=NEW).verified
    assert client.get("/profile/").status_code == 200
    assert Entry.objects.filter(event=Event.ACCOUNT_CREATED).count() == 1


def test_in_another_browser_the_link_proves_the_address_and_the_password_is_asked_for() -> None:
    sign_up(Client())
    elsewhere = Client()
    assert elsewhere.post(link_in(mail.outbox[0])).headers["Location"] == "/accounts/login/"
    assert elsewhere.get("/profile/").status_code == 302
    assert enter(elsewhere, User.objects.get(email=NEW), password=PASSWORD) == "/"


@pytest.mark.parametrize(
    ("looked_up", "steps"),
    [
        ("allauth.account.internal.flows.manage_email.email_already_exists", ["sign up"]),
        ("onboarding.web.pending_account.assess_unique_email", ["sign up", "change"]),
    ],
)
def test_of_two_clicks_at_once_the_second_makes_no_account_and_no_error_page(
    looked_up: str, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Client(), Client()
    sign_up(first)
    # What the second one saw before the first had written.
    unseen = (NEW, False) if steps == ["sign up"] else True
    monkeypatch.setattr(looked_up, lambda *_arguments, **_options: unseen)
    answer = sign_up(second, NEW if steps == ["sign up"] else "adda@new-fleet.example")
    if "change" in steps:
        answer = second.post(WAITING, {"change": "1", "email": NEW})
    assert (answer.status_code, answer.headers["Location"]) == (302, WAITING)
    assert User.objects.filter(email=NEW).count() == 1
    assert NEW in second.get(WAITING).content.decode()


def test_nobody_signs_in_before_the_address_is_proven() -> None:
    sign_up(Client())
    client = Client()
    assert enter(client, User.objects.get(email=NEW), password=PASSWORD) == WAITING
    assert client.get("/profile/").status_code == 302


def test_a_link_that_was_used_says_so_and_one_that_is_too_old_is_sent_anew(settings: Any) -> None:
    client = Client()
    sign_up(client)
    link = link_in(mail.outbox[0])
    settings.ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = -1
    assert "This link is too old" in client.get(link).content.decode()
    assert client.post(link).status_code == 302
    assert not EmailAddress.objects.get(email=NEW).verified
    cache.clear()
    assert client.post(link, {"again": "1"}).headers["Location"] == WAITING
    settings.ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 3
    client.post(link_in(mail.outbox[1]))
    assert EmailAddress.objects.get(email=NEW).verified
    assert "confirmed already" in Client().get(link).content.decode()
    assert Client().post(link).status_code == 302


@pytest.mark.parametrize("key", ["none", "MQ:1abc:forged", "MQ"])
def test_a_link_that_was_never_sent_explains_itself(key: str) -> None:
    page = Client().get(f"/accounts/confirm-email/{key}/").content.decode()
    assert "This link no longer works" in page
    assert Client().post(f"/accounts/confirm-email/{key}/").status_code == 302


def test_the_mail_is_sent_again_but_not_all_the_time() -> None:
    client = Client()
    sign_up(client)
    assert "less than three minutes" in client.post(WAITING, follow=True).content.decode()
    assert len(mail.outbox) == 1
    cache.clear()
    client.post(WAITING)
    assert [message.to for message in mail.outbox] == [[NEW], [NEW]]


def test_a_mistyped_address_is_corrected_with_the_same_password_and_leaves_no_account_behind() -> None:
    client = Client()
    sign_up(client, "adda@new-fleet.example")
    answer = client.post(WAITING, {"change": "1", "email": "nonsense"})
    assert "valid" in str(answer.context["form"].errors["email"])
    assert client.post(WAITING, {"change": "1", "email": NEW}).headers["Location"] == WAITING
    assert NEW in client.get(WAITING).content.decode()
    assert [user.email for user in User.objects.all()] == [NEW]
    assert client.post(link_in(mail.outbox[1])).status_code == 302
    assert client.get("/profile/").status_code == 200
    assert enter(Client(), User.objects.get(), password=PASSWORD) == "/"
    assert "This link no longer works" in Client().get(link_in(mail.outbox[0])).content.decode()


def test_an_account_that_is_in_use_is_never_deleted_by_a_correction(owner: User) -> None:
    client = Client()
    EmailAddress.objects.update(verified=False)
    enter(client, owner)
    client.post(WAITING, {"change": "1", "email": NEW})
    assert User.objects.filter(pk=owner.pk).exists()


def test_an_address_that_has_an_account_looks_the_same_at_each_step_and_its_owner_is_told(owner: User) -> None:
    owner.language = "fr"
    owner.save()
    known, new = Client(), Client()
    answers = [sign_up(client, email) for client, email in ((known, owner.email), (new, NEW))]
    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {(302, WAITING)}
    pages = [visible(client.get(WAITING).content) for client in (known, new)]
    assert pages[0].replace(owner.email, NEW) == pages[1]
    [told, confirm] = mail.outbox
    assert (told.to, confirm.to) == ([owner.email], [NEW])
    assert told.subject == "Vous avez déjà un compte"
    assert "/accounts/password/reset/" in str(told.body)
    assert User.objects.filter(email=owner.email).count() == 1
    again = [visible(client.post(WAITING, follow=True).content) for client in (known, new)]
    assert again[0].replace(owner.email, NEW) == again[1]
    # Corrected to an address that is free, the one that was known before becomes an ordinary sign-up.
    free = "free@new-fleet.example"
    assert known.post(WAITING, {"change": "1", "email": free}).headers["Location"] == WAITING
    known.post(link_in(mail.outbox[-1]))
    assert known.get("/profile/").context["user"].email == free
    # And corrected to one that is known, an ordinary sign-up comes to nothing, in silence.
    assert new.post(WAITING, {"change": "1", "email": owner.email}).headers["Location"] == WAITING
    assert not User.objects.filter(email=NEW).exists()


def test_a_new_password_is_asked_for_alike_with_and_without_an_account(owner: User) -> None:
    pages = []
    for email in (owner.email, NEW):
        answer = Client().post("/accounts/password/reset/", {"email": email}, follow=True)
        pages.append(visible(answer.content))
    assert pages[0] == pages[1]
    assert [message.subject for message in mail.outbox] == [
        "Choose a new password",
        "There is no account with this address",
    ]


def test_the_account_and_its_mail_are_in_the_language_in_which_it_was_made() -> None:
    sign_up(Client(), **{"Accept-Language": "fr"})
    assert User.objects.get().language == "fr"
    assert mail.outbox[0].subject == "Confirmez votre adresse e-mail"


@pytest.mark.parametrize("failure", [ConnectionRefusedError("no"), smtplib.SMTPServerDisconnected("gone")])
def test_a_mail_server_that_is_away_is_said_and_is_no_error_page(
    owner: User, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_arguments: object) -> None:
        raise failure

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    pages = [Client().post("/accounts/password/reset/", {"email": email}, follow=True) for email in (owner.email, NEW)]
    assert all("could not be sent just now" in page.content.decode() for page in pages)


@pytest.mark.parametrize(
    ("url", "form", "most"),
    [
        ("/accounts/signup/", {"email": NEW, "password1": "x"}, 20),
        ("/accounts/login/", {"login": NEW, "password": "x"}, 30),
        ("/accounts/password/reset/", {"email": NEW}, 5),
        (WAITING, {}, 20),
    ],
)
def test_too_many_attempts_are_answered_429_with_what_to_do(url: str, form: dict[str, str], most: int) -> None:
    client = Client()
    statuses = [client.post(url, form).status_code for _ in range(most + 1)]
    assert (set(statuses[:-1]) <= {200, 302}, statuses[-1]) == (True, 429)
    page = client.post(url, form).content.decode()
    assert "Wait five minutes" in page
    assert "Your account is not locked" in page
