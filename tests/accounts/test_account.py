"""One's own account: what happened to it is recorded and mailed, where one is signed in, and in which language."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.web.devices import device
from tests.accounts.conftest import Browser, enter, link_in
from tests.conftest import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SECOND = "second@example-mobility.example"


def events(user: User) -> list[str]:
    entries = Entry.objects.filter(subject_id=user.pk, event__startswith="account:").order_by("position")
    return [entry.event for entry in entries]


def mailed(user: User) -> list[tuple[str, str]]:
    mails = Mail.objects.filter(user=user, kind="account_changed").order_by("created_at", "address")
    return [(mail.params["event"], mail.address) for mail in mails]


def change_password(client: Client) -> Any:
    new = "an even longer password"
    return client.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}, follow=True
    )


def test_a_sign_in_is_recorded_with_how_and_where_but_not_mailed(owner: User) -> None:
    client = Client(headers={"User-Agent": FIREFOX})
    enter(client, owner)
    entry = Entry.objects.get(event=Event.SIGNED_IN)
    assert (entry.subject_id, entry.actor_id, entry.address) == (owner.pk, owner.pk, "127.0.0.1")
    assert entry.data == {"browser": "Firefox on Linux", "with": ["password"]}
    assert owner.email not in str(entry.__dict__)
    assert mailed(owner) == []
    page = client.get("/profile/history/").content.decode()
    assert "Signed in: password" in page
    assert "Firefox on Linux · 127.0.0.1" in page


def test_one_sees_one_s_own_history_and_nobody_else_s(owner: User, colleague: User, signed_in: Browser) -> None:
    change_password(signed_in(owner))
    assert "Password changed" not in signed_in(colleague).get("/profile/history/").content.decode()


def test_a_new_password_is_recorded_mailed_and_ends_all_other_sessions(owner: User, signed_in: Browser) -> None:
    client, other = signed_in(owner), signed_in(owner)
    assert "Your password is changed" in change_password(client).content.decode()
    assert events(owner)[-1] == Event.PASSWORD_CHANGED
    assert mailed(owner) == [(Event.PASSWORD_CHANGED, owner.email)]
    assert client.get("/profile/").status_code == 200
    assert other.get("/profile/").status_code == 302


def test_changes_of_addresses_are_recorded_and_mailed_to_the_former_address_too(
    owner: User, signed_in: Browser
) -> None:
    client, first = signed_in(owner), owner.email
    client.post("/accounts/email/", {"action_add": "", "email": SECOND})
    client.post("/accounts/email/", {"action_primary": "", "email": SECOND})
    assert EmailAddress.objects.get(user=owner, primary=True).email == first
    EmailAddress.objects.filter(email=SECOND).update(verified=True)
    client.post("/accounts/email/", {"action_primary": "", "email": SECOND})
    client.post("/accounts/email/", {"action_remove": "", "email": first})
    owner.refresh_from_db()
    assert owner.email == SECOND
    assert events(owner)[1:] == [Event.EMAIL_ADDED, Event.EMAIL_CHANGED, Event.EMAIL_REMOVED]
    assert sorted(mailed(owner)) == sorted(
        [
            (Event.EMAIL_ADDED, first),
            (Event.EMAIL_CHANGED, first),
            (Event.EMAIL_CHANGED, SECOND),
            (Event.EMAIL_REMOVED, SECOND),
        ]
    )


def test_the_last_address_stays(owner: User, signed_in: Browser) -> None:
    signed_in(owner).post("/accounts/email/", {"action_remove": "", "email": owner.email})
    assert owner.emailaddress_set.count() == 1


def test_other_browsers_are_listed_and_can_be_signed_out_one_by_one(owner: User, signed_in: Browser) -> None:
    here, there, elsewhere = (signed_in(owner) for _ in range(3))
    phone = UserSession.objects.get(session_key=there.session.session_key)
    UserSession.objects.filter(pk=phone.pk).update(user_agent=FIREFOX)
    page = here.get("/accounts/sessions/").content.decode()
    assert page.count("This browser") == 1
    assert "Firefox on Linux" in page
    assert here.post(f"/accounts/sessions/{phone.pk}/end/").status_code == 302
    assert [client.get("/profile/").status_code for client in (here, there, elsewhere)] == [200, 302, 200]
    assert here.post("/accounts/sessions/").status_code == 302
    assert [client.get("/profile/").status_code for client in (here, elsewhere)] == [200, 302]
    assert events(owner).count(Event.SESSIONS_ENDED) == 2
    assert mailed(owner) == [(Event.SESSIONS_ENDED, owner.email)] * 2


def test_nobody_ends_a_session_of_somebody_else_or_their_own_by_mistake(
    owner: User, rival: User, signed_in: Browser
) -> None:
    mine, theirs = signed_in(owner), signed_in(rival)
    session = UserSession.objects.get(user=owner)
    assert theirs.post(f"/accounts/sessions/{session.pk}/end/").status_code == 404
    assert mine.post(f"/accounts/sessions/{session.pk}/end/").headers["Location"] == "/accounts/logout/"
    assert mine.get("/profile/").status_code == 200


def test_last_seen_is_written_at_most_every_five_minutes(owner: User, signed_in: Browser) -> None:
    client = signed_in(owner)
    client.get("/profile/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/profile/")
    assert not [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
    before = UserSession.objects.get().last_seen_at
    cache.clear()
    client.get("/profile/")
    assert UserSession.objects.get().last_seen_at > before


def test_signing_out_ends_the_session(owner: User, signed_in: Browser) -> None:
    client = signed_in(owner)
    assert "You are signed out." in client.post("/accounts/logout/", follow=True).content.decode()
    assert client.get("/profile/").status_code == 302


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
         "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
         "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("<script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_a_browser_is_named_in_few_words(header: str, words: str) -> None:
    assert device(header) == words


def language_of(client: Client, **headers: str) -> str:
    return str(client.get("/accounts/login/", headers=headers).headers["Content-Language"])


def test_a_stranger_chooses_a_language_and_keeps_it_in_this_browser(db: None) -> None:
    client = Client()
    asked: Mapping[str, str] = {"Accept-Language": "en"}
    answer = client.post("/language/", {"language": "fr", "next": "/accounts/signup/?next=/profile/"})
    assert answer.headers["Location"] == "/accounts/signup/?next=/profile/"
    assert language_of(client, **asked) == "fr"
    assert language_of(Client(), **asked) == "en"
    client.post("/language/", {"language": "en"})
    assert language_of(client, **{"Accept-Language": "fr"}) == "en"


def test_somebody_who_has_signed_in_chooses_it_for_their_account(owner: User, signed_in: Browser) -> None:
    signed_in(owner).post("/language/", {"language": "fr", "next": "/profile/"})
    owner.refresh_from_db()
    assert owner.language == "fr"
    assert signed_in(owner).get("/profile/").headers["Content-Language"] == "fr"
    change_password(signed_in(owner))
    assert render(Mail.objects.get(user=owner)).subject == "Votre compte : Mot de passe changé"


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_the_language_switch_leads_nowhere_else(db: None, target: str) -> None:
    assert Client().post("/language/", {"language": "fr", "next": target}).headers["Location"] == "/"


def test_a_language_that_there_is_not_changes_nothing(owner: User, signed_in: Browser) -> None:
    answer = signed_in(owner).post("/language/", {"language": "xx", "next": "/profile/"})
    owner.refresh_from_db()
    assert (owner.language, answer.cookies.get("django_language")) == ("en", None)


def test_pages_of_the_account_cost_the_same_with_much_history_and_many_sessions(
    owner: User, signed_in: Browser, count_queries: Callable[[Client, str], int]
) -> None:
    client = signed_in(owner)
    pages = ("/profile/history/", "/accounts/2fa/", "/accounts/email/")
    before = [count_queries(client, page) for page in pages]
    for _ in range(3):
        signed_in(owner)
    assert [count_queries(client, page) for page in pages] == before


def test_no_proxy_keeps_a_page_and_the_browser_gives_it_up_at_the_sign_out(owner: User, signed_in: Browser) -> None:
    client = signed_in(owner)
    page = client.get("/profile/")
    assert page.headers["Cache-Control"] == "private, no-cache"
    assert "Clear-Site-Data" not in page.headers
    assert client.post("/accounts/logout/").headers["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in client.get("/").headers


LONG = "correct-horse-" * 19


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": LONG, "password2": LONG}),
        ("/accounts/reauthenticate/", {"password": LONG}),
    ],
)
def test_a_password_has_an_end_and_the_error_says_where(
    owner: User, signed_in: Browser, url: str, form: dict[str, str]
) -> None:
    page = signed_in(owner).post(url, form).content.decode()
    assert "A password has at most 256 characters; this has 266." in page


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("/accounts/login/", {"login": "owner@example-mobility.example", "password": LONG}),
        ("/accounts/signup/", {"email": "new@example.com", "password1": LONG, "password2": LONG}),
    ],
)
def test_so_it_has_before_a_sign_in(db: None, url: str, form: dict[str, str]) -> None:
    answer = Client().post(url, form)
    assert "A password has at most 256 characters" in answer.content.decode()
    assert not User.objects.exists()


def test_so_it_has_where_one_is_set_anew_whichever_way_it_comes(owner: User) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": owner.email})
    page = client.get(urlsplit(link_in(mail.outbox[-1])).path, follow=True)
    answer = client.post(page.redirect_chain[-1][0], {"password1": LONG, "password2": LONG})
    assert "A password has at most 256 characters" in answer.content.decode()
    with pytest.raises(ValidationError, match="256"):
        validate_password("x7-" * 90)
