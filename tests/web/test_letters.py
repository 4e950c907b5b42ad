"""The mail of a decision can be read, and edited, before it goes."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onboarding.audit.models import Entry
from onboarding.notifications import mails
from onboarding.notifications.leaks import looks_secret
from onboarding.notifications.models import Mail
from onboarding.partners.models import PartnerLogin, User
from onboarding.registrations import flows
from onboarding.registrations.models import Registration
from tests.conftest import staff
from tests.corporate_ca import CA, as_zip
from tests.corporate_ca import submitted as to_sign
from tests.journey import approved, submitted, with_key

Browser = Callable[[User], Client]
DECLINE = {"reason": "concept", "note": "Say what the drivers know of it."}
KEY = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"


@pytest.fixture
def registration(owner: User, colleague: User, reviewer: User) -> Registration:
    colleague.language = "fr"
    colleague.save()
    found = submitted(owner).registration
    flows.take(found, actor=staff(reviewer))
    return found


def url(registration: Registration, verb: str) -> str:
    return f"/desk/registrations/{registration.pk}/{verb}/"


def fields(page: str) -> dict[str, str]:
    """What the page's form would send, whichever button is pressed."""
    form = re.search(r'<form method="post" novalidate data-once class="letters">.*?</form>', page, re.S)[0]
    found = dict(re.findall(r'<input type="(?:hidden|text)" name="([^"]+)"[^>]*?value="([^"]*)"', form, re.S))
    found |= dict(re.findall(r'<textarea name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.S))
    return {name: unescape(value) for name, value in found.items() if name != "csrfmiddlewaretoken"}


def decided() -> set[str]:
    return set(
        Mail.objects.exclude(kind__in=("registration_received", "registration_to_review")).values_list(
            "kind", flat=True
        )
    )


def test_it_is_shown_as_it_would_go_to_whom_in_each_language_and_nothing_is_decided(
    registration: Registration, owner: User, colleague: User, reviewer: User, signed_in: Browser
) -> None:
    shown = signed_in(reviewer).post(url(registration, "decline"), DECLINE | {"mail": "read"})
    assert shown.status_code == 200
    page = shown.content.decode()
    assert owner.email in page
    assert colleague.email in page
    sent = fields(page)
    assert sent["mail-registration_declined-en-subject"] == "Declined: Depot dashboard"
    assert sent["mail-registration_declined-fr-subject"].startswith("Refus")
    assert (sent["reason"], sent["note"]) == ("concept", DECLINE["note"])
    registration.refresh_from_db()
    assert registration.state == "in_review"
    assert decided() == set()
    assert not Entry.objects.filter(event="registration:decline").exists()
    flows.decline(registration, **DECLINE, actor=staff(reviewer))
    mail = mails.words(Mail.objects.get(kind="registration_declined", user=owner))
    assert sent["mail-registration_declined-en-body"].split() == mail.body.split()


def test_sent_as_it_is_nothing_counts_as_edited(registration: Registration, reviewer: User, signed_in: Browser) -> None:
    client = signed_in(reviewer)
    sent = fields(client.post(url(registration, "decline"), DECLINE | {"mail": "read"}).content.decode())
    assert client.post(url(registration, "decline"), sent | {"mail": "send"}).status_code == 302
    assert set(Mail.objects.filter(kind="registration_declined").values_list("body", flat=True)) == {""}
    assert not Entry.objects.filter(event="mail:edited").exists()


def test_edited_words_go_to_those_of_that_language_with_the_link_put_back_and_are_on_record(
    registration: Registration, owner: User, colleague: User, reviewer: User, signed_in: Browser
) -> None:
    client = signed_in(reviewer)
    sent = fields(client.post(url(registration, "decline"), DECLINE | {"mail": "read"}).content.decode())
    sent["mail-registration_declined-en-body"] = "Dear all,\r\n\r\n{{ secret }} {% now 'Y' %} <b>No</b>."
    assert client.post(url(registration, "decline"), sent | {"mail": "send"}).status_code == 302
    mine, theirs = (Mail.objects.get(kind="registration_declined", user=one) for one in (owner, colleague))
    message = mails.render(mine)
    assert str(message.body).startswith("Dear all,\n\n{{ secret }} {% now 'Y' %} <b>No</b>.\n\n")
    assert f"/applications/{registration.application_id}/" in str(message.body)
    assert "&lt;b&gt;No&lt;/b&gt;" in message.alternatives[0].content
    assert theirs.body == ""
    entry = Entry.objects.get(event="mail:edited")
    assert (entry.data, entry.actor_id) == ({"mails": ["registration_declined:en"]}, reviewer.pk)
    assert not entry.partner_visible


def test_sent_again_it_says_the_same(
    registration: Registration, owner: User, reviewer: User, signed_in: Browser
) -> None:
    client = signed_in(reviewer)
    sent = fields(client.post(url(registration, "decline"), DECLINE | {"mail": "read"}).content.decode())
    sent["mail-registration_declined-en-subject"] = "About your request"
    client.post(url(registration, "decline"), sent | {"mail": "send"})
    Mail.objects.update(state="sent", created_at="2020-01-01T00:00Z")
    mail = Mail.objects.get(kind="registration_declined", user=owner)
    assert mails.render(mails.resend(mail)).subject == "About your request"


@pytest.mark.parametrize(
    ("verb", "form", "says"),
    [
        ("approve", {"mzp": "MZP128745"}, "MZP128745"),
        ("request_changes", {"note": "", "comment_concept": "Who sees it?"}, "Who sees it?"),
    ],
)
def test_the_other_decisions_too(
    registration: Registration, reviewer: User, signed_in: Browser, verb: str, form: dict[str, str], says: str
) -> None:
    client = signed_in(reviewer)
    sent = fields(client.post(url(registration, verb), form | {"mail": "read"}).content.decode())
    assert any(says in value for name, value in sent.items() if name.endswith("-en-body"))
    assert not PartnerLogin.objects.exists()
    assert client.post(url(registration, verb), sent | {"mail": "send"}).status_code == 302
    registration.refresh_from_db()
    assert registration.state != "in_review"


@pytest.mark.parametrize("verb", ["suspend", "reinstate"])
def test_suspending_and_reinstating_too(owner: User, reviewer: User, signed_in: Browser, verb: str) -> None:
    registration = approved(owner, reviewer).registration
    if verb == "reinstate":
        flows.suspend(registration, reason="other", note="Wait.", actor=staff(reviewer))
    form = {"reason": "other", "note": "Because."}
    shown = signed_in(reviewer).post(url(registration, verb), form | {"mail": "read"}).content.decode()
    assert "Because." in fields(shown)[f"mail-registration_{verb}{'ed' if verb == 'suspend' else 'd'}-en-body"]


def test_wrong_words_are_named_and_nothing_typed_is_lost(
    registration: Registration, reviewer: User, signed_in: Browser
) -> None:
    client = signed_in(reviewer)
    sent = fields(client.post(url(registration, "decline"), DECLINE | {"mail": "read"}).content.decode())
    body, subject = "mail-registration_declined-en-body", "mail-registration_declined-en-subject"
    for wrong, said in (
        ({subject: ""}, "Subject"),
        ({body: "x" * 30_001}, "30000"),
        ({body: f"Yours:\n{KEY}"}, "private key"),
        ({body: "Your password: tr0ub4dor"}, "looks like a secret"),
    ):
        response = client.post(url(registration, "decline"), sent | wrong | {"mail": "send"})
        page = response.content.decode()
        assert response.status_code == 422
        assert said in page
        assert fields(page)["note"] == DECLINE["note"]
        assert "MIIE" not in page
    assert decided() == set()
    certain = {body: "Your password: is none of our business", "mail-registration_declined-en-certain": "on"}
    assert client.post(url(registration, "decline"), sent | certain | {"mail": "send"}).status_code == 302


def test_wrong_fields_of_the_decision_come_first(
    registration: Registration, reviewer: User, signed_in: Browser
) -> None:
    response = signed_in(reviewer).post(url(registration, "decline"), {"reason": "", "note": KEY, "mail": "read"})
    assert response.status_code == 422
    assert set(response.context["decline"].errors) == {"reason", "note"}


def test_whoever_goes_back_finds_the_form_as_it_was(
    registration: Registration, reviewer: User, signed_in: Browser
) -> None:
    response = signed_in(reviewer).post(url(registration, "decline"), DECLINE | {"mail": "back"})
    assert response.status_code == 200
    assert DECLINE["note"] in response.content.decode()
    assert decided() == set()


def test_too_late_the_words_of_the_mail_are_still_there(
    registration: Registration, reviewer: User, signed_in: Browser
) -> None:
    client = signed_in(reviewer)
    sent = fields(client.post(url(registration, "decline"), DECLINE | {"mail": "read"}).content.decode())
    flows.approve(registration, mzp="MZP128745", actor=staff(reviewer))
    sent["mail-registration_declined-en-body"] = "With regret."
    response = client.post(url(registration, "decline"), sent | {"mail": "send"})
    assert response.status_code == 409
    page = response.content.decode()
    assert "With regret." in page
    assert DECLINE["note"] in page


def test_who_has_it_no_more_keeps_what_was_written(
    registration: Registration, reviewer: User, second_reviewer: User, signed_in: Browser
) -> None:
    flows.assign(registration, second_reviewer, actor=staff(reviewer))
    response = signed_in(reviewer).post(url(registration, "decline"), DECLINE)
    assert response.status_code == 409
    assert DECLINE["note"] in response.content.decode()


def test_what_looks_like_a_secret() -> None:
    assert looks_secret("Client secret = a1b2c3d4") == ["a1b2c3d4"]
    assert looks_secret("-----BEGIN CERTIFICATE-----") == ["-----BEGIN CERTIFICATE-----"]
    assert looks_secret("It is q8Zr2LmX0vWc5TnB7yKd.") == ["q8Zr2LmX0vWc5TnB7yKd"]
    address = "https://portal.example/applications/5a6b7c8d-0000-4000-8000-000000000001/"
    assert looks_secret(f"See {address}, and Schadstofffreisetzungsverordnung FA-7K3Q9M/1.") == []


def test_a_refused_csrs_mail_can_be_read_first(owner: User, reviewer: User, issuer: User, signed_in: Browser) -> None:
    cycle = with_key(owner, reviewer)
    client, where = signed_in(issuer), f"/desk/certificates/{cycle.pk}/refuse/"
    sent = fields(client.post(where, {"note": "The town is missing.", "mail": "read"}).content.decode())
    cycle.refresh_from_db()
    assert cycle.state == "csr_submitted"
    sent["mail-csr_refused-en-body"] += "\nCall us."
    assert client.post(where, sent | {"mail": "send"}).status_code == 302
    assert str(mails.render(Mail.objects.get(kind="csr_refused")).body).count("Call us.") == 1
    assert Entry.objects.get(event="mail:edited").application_id == cycle.application_id


def test_signing_here_can_be_read_first_and_signs_nothing_by_that(
    owner: User, reviewer: User, issuer: User, signed_in: Browser
) -> None:
    cycle = with_key(owner, reviewer)
    client, where = signed_in(issuer), f"/desk/certificates/{cycle.pk}/sign/"
    sent = fields(client.post(where, {"mail": "read"}).content.decode())
    cycle.refresh_from_db()
    assert (cycle.state, cycle.certificate_pem) == ("csr_submitted", "")
    assert sent["mail-certificate_issued-en-subject"] == "Certificate issued: Depot dashboard"
    assert client.post(where, sent | {"mail": "send"}).status_code == 302
    cycle.refresh_from_db()
    assert cycle.state == "issued"


def test_beside_files_the_mail_is_read_and_changed_on_the_same_page(
    owner: User, reviewer: User, issuer: User, signed_in: Browser, settings: object
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    cycle = to_sign(owner, reviewer)
    client, where = signed_in(issuer), f"/desk/certificates/{cycle.pk}/"
    shown = client.get(where).content.decode()
    assert 'name="mail-certificate_issued-en-body"' in shown
    letter = {"mail-certificate_issued-en-subject": "Here it is", "mail-certificate_issued-en-body": KEY}
    response = client.post(f"{where}upload/", letter)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Here it is" in page
    assert "MIIE" not in page
    letter["mail-certificate_issued-en-body"] = "Please use it from Monday on."
    file = SimpleUploadedFile("signed.zip", as_zip(CA.sign(cycle), CA.pem))
    assert client.post(f"{where}upload/", letter | {"certificate": file}).status_code == 302
    said = mails.render(Mail.objects.get(kind="certificate_issued"))
    assert (said.subject, "from Monday on" in str(said.body)) == ("Here it is", True)
    assert f"/applications/{cycle.application_id}/production/certificate/" in str(said.body)
