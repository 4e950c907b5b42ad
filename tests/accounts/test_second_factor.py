"""Passkeys, authenticator apps and recovery codes: what they open, and what is closed without them."""

import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.vault.models import Secret
from tests.accounts.conftest import Browser, enter, totp
from tests.journey import issued

SetUp = Callable[[Client], str]
Codes = Callable[[Client], list[str]]


def test_the_computation_of_codes_here_is_that_of_the_standard() -> None:
    """RFC 6238, appendix B, the last six digits of its eight."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [totp(secret, at) for at in (59, 1_111_111_109, 20_000_000_000)] == ["287082", "081804", "353130"]


def test_after_the_password_the_app_s_code_is_asked_for_and_each_code_works_once(
    owner: User, signed_in: Browser, set_up_app: SetUp
) -> None:
    secret = set_up_app(signed_in(owner))
    client, again = Client(), Client()
    assert enter(client, owner) == "/accounts/2fa/authenticate/"
    assert client.get("/profile/").status_code == 302
    code = totp(secret)
    assert "wrong" in client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert client.post("/accounts/2fa/authenticate/", {"code": code}).headers["Location"] == "/"
    assert client.get("/profile/").status_code == 200
    enter(again, owner)
    assert again.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200
    assert again.get("/profile/").status_code == 302


def test_the_secret_is_shown_as_a_picture_and_as_text_and_is_sealed_when_kept(
    owner: User, signed_in: Browser, set_up_app: SetUp
) -> None:
    client = signed_in(owner)
    page = client.get("/accounts/2fa/totp/activate/")
    assert page.context["form"].secret in page.content.decode()
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    secret = set_up_app(client)
    assert secret not in str(list(Authenticator.objects.values()))
    assert Secret.objects.filter(kind="second_factor").count() == 2
    assert secret not in str(dict(client.session))


def test_recovery_codes_are_shown_once_saved_as_text_and_work_once_each(
    owner: User, signed_in: Browser, set_up_app: SetUp, recovery_codes: Codes
) -> None:
    client = signed_in(owner)
    set_up_app(client)
    first = client.get("/accounts/2fa/recovery-codes/")
    codes = first.context["unused_codes"]
    assert len(set(codes)) == 10
    assert "no-store" in first.headers["Cache-Control"]
    assert "data:text/plain;charset=utf-8," + "%0A".join(codes) in first.content.decode()
    assert recovery_codes(client) == []
    for attempt, expected in ((Client(), 302), (Client(), 200)):
        enter(attempt, owner)
        assert attempt.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == expected
    assert "9 left" in client.get("/accounts/2fa/").content.decode()
    assert Entry.objects.filter(event=Event.RECOVERY_CODE_USED, subject_id=owner.pk).count() == 1
    assert Mail.objects.filter(params__event=Event.RECOVERY_CODE_USED, user=owner).count() == 1


def test_new_recovery_codes_end_the_old_ones(owner: User, signed_in: Browser, set_up_app: SetUp) -> None:
    client = signed_in(owner)
    set_up_app(client)
    old = client.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
    client.post("/accounts/2fa/recovery-codes/generate/")
    new = client.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
    assert not set(old) & set(new)
    assert Secret.objects.filter(kind="second_factor").count() == 2
    stranger = Client()
    enter(stranger, owner)
    assert stranger.post("/accounts/2fa/authenticate/", {"code": old[0]}).status_code == 200
    assert Entry.objects.filter(event=Event.RECOVERY_CODES_MADE, subject_id=owner.pk).count() == 1


def test_without_the_last_factor_the_codes_and_what_was_sealed_are_gone(
    owner: User, signed_in: Browser, set_up_app: SetUp
) -> None:
    client = signed_in(owner)
    set_up_app(client)
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.exists()
    assert not Secret.objects.filter(kind="second_factor").exists()
    assert enter(Client(), owner) == "/"


def test_a_secret_asks_for_the_second_factor_of_those_who_have_one(
    owner: User, reviewer: User, issuer: User, signed_in: Browser, set_up_app: SetUp, settings: Any
) -> None:
    held = issued(owner, reviewer, issuer)
    url = f"/applications/{held.application_id}/sandbox/credentials/password/"
    client = signed_in(owner)
    secret = set_up_app(client)
    assert client.get(url).status_code == 200
    records = client.session["account_authentication_methods"]
    session = client.session
    session["account_authentication_methods"] = [
        record | {"at": time.time() if record["method"] == "password" else record["at"] - 400} for record in records
    ]
    session.save()
    answer = client.get(url)
    assert answer.headers["Location"] == f"/accounts/2fa/reauthenticate/?next={url.replace('/', '%2F')}"
    assert client.get("/accounts/reauthenticate/").headers["Location"].startswith("/accounts/2fa/reauthenticate/")
    done = client.post(answer.headers["Location"], {"code": totp(secret), "next": url})
    assert done.headers["Location"] == url
    assert client.get(url).status_code == 200


def test_what_is_sensitive_asks_again_who_is_there(owner: User, signed_in: Browser, settings: Any) -> None:
    client = signed_in(owner)
    pages = ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/")
    assert [client.get(url).status_code for url in pages] == [200, 200]
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    for url in pages:
        assert client.get(url).headers["Location"].startswith("/accounts/reauthenticate/")
    answer = client.post("/accounts/email/", {"action_add": "", "email": "new@example-mobility.example"})
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert owner.emailaddress_set.count() == 1


@pytest.mark.parametrize("url", ["/desk/", "/desk/certificates/", "/desk/logins/", "/desk/health/"])
def test_staff_without_a_second_factor_are_led_to_where_they_set_one_up(
    url: str, reviewer: User, signed_in: Browser, set_up_app: SetUp, settings: Any
) -> None:
    client = signed_in(reviewer)
    assert client.get(url).status_code == 200
    settings.STAFF_SECOND_FACTOR = True
    page = client.get(url, follow=True)
    assert page.redirect_chain == [("/accounts/2fa/", 302)]
    assert "Your role needs a second factor" in page.content.decode()
    set_up_app(client)
    assert client.get(url).status_code == 200


def test_staff_without_one_can_decide_nothing_and_partners_need_none(
    owner: User, reviewer: User, issuer: User, signed_in: Browser, settings: Any
) -> None:
    held = issued(owner, reviewer, issuer)
    settings.STAFF_SECOND_FACTOR = True
    client = signed_in(reviewer)
    answer = client.post(f"/desk/registrations/{held.application.registration.pk}/take/")
    assert answer.headers["Location"] == "/accounts/2fa/"
    for own in ("/profile/", "/profile/history/", "/accounts/sessions/", "/accounts/email/"):
        assert client.get(own).status_code == 200, own
    assert signed_in(owner).get(f"/applications/{held.application_id}/").status_code == 200


def test_staff_who_remove_their_last_one_are_led_there_again(
    reviewer: User, signed_in: Browser, set_up_app: SetUp, settings: Any
) -> None:
    settings.STAFF_SECOND_FACTOR = True
    client = signed_in(reviewer)
    set_up_app(client)
    client.post("/accounts/2fa/totp/deactivate/")
    assert client.get("/desk/").headers["Location"] == "/accounts/2fa/"


def test_the_operator_helps_somebody_who_has_lost_everything(
    owner: User, signed_in: Browser, set_up_app: SetUp
) -> None:
    set_up_app(signed_in(owner))
    call_command("remove_second_factor", owner.email.upper(), stdout=StringIO())
    assert enter(Client(), owner) == "/"
    assert not Secret.objects.filter(kind="second_factor").exists()
    entry = Entry.objects.get(event=Event.AUTHENTICATOR_APP_REMOVED, subject_id=owner.pk)
    assert (entry.actor_kind, entry.actor_id) == ("system", None)
    assert Mail.objects.filter(params__event=Event.AUTHENTICATOR_APP_REMOVED, user=owner).count() == 1
    for address, words in ((owner.email, "has no second factor"), ("nobody@walk.example", "no account")):
        with pytest.raises(CommandError, match=words):
            call_command("remove_second_factor", address)


def test_a_wrong_code_after_the_right_password_is_recorded_and_mailed_once_a_day(
    owner: User, signed_in: Browser, set_up_app: SetUp
) -> None:
    set_up_app(signed_in(owner))
    client = Client()
    enter(client, owner)
    for _attempt in range(3):
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert Entry.objects.filter(event=Event.SECOND_FACTOR_FAILED, subject_id=owner.pk).count() == 3
    assert Mail.objects.filter(params__event=Event.SECOND_FACTOR_FAILED, user=owner).count() == 1


def test_codes_cannot_be_tried_for_ever(owner: User, signed_in: Browser, set_up_app: SetUp) -> None:
    secret = set_up_app(signed_in(owner))
    client = Client()
    enter(client, owner)
    for _attempt in range(5):
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    answer = client.post("/accounts/2fa/authenticate/", {"code": totp(secret)})
    assert "Wait five minutes" in answer.content.decode()


def test_the_mail_about_a_change_names_it_with_the_instant_in_the_reader_s_zone(
    owner: User, signed_in: Browser, set_up_app: SetUp
) -> None:
    owner.time_zone = "Asia/Tokyo"
    owner.save()
    set_up_app(signed_in(owner))
    message = render(Mail.objects.get(kind="account_changed", user=owner))
    assert message.subject == "Your account: Authenticator app added"
    entry = Entry.objects.get(event=Event.AUTHENTICATOR_APP_ADDED, subject_id=owner.pk)
    assert f"{entry.occurred_at + timedelta(hours=9):%Y-%m-%d %H:%M} (Asia/Tokyo)" in message.body
    assert "/accounts/sessions/" in message.body


NO_PASSKEYS = (
    "",
    "nonsense",
    "{}",
    "[]",
    "null",
    "1",
    '{"id":1}',
    '{"id":"x","rawId":"x","type":"public-key","response":{}}',
    '{"response":null}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":{"userHandle":"AA","clientDataJSON":"AA"}}',
    '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"AA"}}',
    "[" * 3000 + "]" * 3000,
)


@pytest.mark.parametrize("sent", NO_PASSKEYS, ids=range(len(NO_PASSKEYS)))
def test_what_is_no_passkey_is_refused_with_the_reason(owner: User, signed_in: Browser, sent: str) -> None:
    stranger, client = Client(), signed_in(owner)
    url = "/accounts/2fa/webauthn/login/"
    assert "request_options" in stranger.get(url, headers={"Accept": "application/json"}).json()
    page = stranger.post(url, {"credential": sent}, follow=True)
    assert page.redirect_chain == [("/accounts/login/", 302)]
    assert not page.context["user"].is_authenticated
    client.get("/accounts/2fa/webauthn/add/")
    added = client.post("/accounts/2fa/webauthn/add/", {"credential": sent, "name": "Kept name"})
    assert added.status_code == 200
    words = "This passkey was not accepted" if sent not in ("", "{}", "[]", "null") else "Your browser sent no passkey"
    assert words in added.content.decode()
    assert 'value="Kept name"' in added.content.decode()
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("code", ["", "\0", "é" * 30, "x" * 5000, "１２３４５６"], ids=range(5))
def test_what_is_no_code_is_refused_beside_the_field(
    owner: User, signed_in: Browser, set_up_app: SetUp, code: str
) -> None:
    set_up_app(signed_in(owner))
    client = Client()
    enter(client, owner)
    answer = client.post("/accounts/2fa/authenticate/", {"code": code})
    assert answer.context["form"].errors["code"]
    assert client.get("/profile/").status_code == 302
