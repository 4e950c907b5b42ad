"""The pages of solo mode: whose turn it is, the dossier, what is recorded."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from onboarding.credentials import recording
from onboarding.partners.models import User
from onboarding.registrations.models import Application, Dispatch
from tests.alone.conftest import ago
from tests.alone.stages import MZP, approved, fresh, sent, with_csr
from tests.conftest import member
from tests.corporate_ca import CA
from tests.journey import described
from tests.web.test_queries import count

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    return " ".join(BeautifulSoup(response.content, "lxml").get_text(" ").split())


@pytest.fixture
def browser(owner: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(owner)


def read(browser: Client, path: str, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status
    return text_of(response)


def today() -> str:
    return timezone.localdate().isoformat()


def test_no_page_speaks_of_a_desk_or_of_reviewers_here(owner: User, browser: Client) -> None:
    application = sent(owner)
    other = with_csr(approved(owner), owner).application
    for path in (
        "/",
        f"/applications/{application.pk}/",
        f"/applications/{application.pk}/dossier/",
        f"/applications/{application.pk}/describe/check/",
        f"/applications/{application.pk}/describe/receipt/1/",
        f"/applications/{application.pk}/withdraw/",
        f"/applications/{other.pk}/production/csr/",
        f"/applications/{other.pk}/production/dossier/",
        f"/applications/{described(owner).pk}/describe/concept/",
    ):
        text = read(browser, path).lower()
        assert "reviewer" not in text, path
        assert "the desk" not in text, path
        assert "we write to you" not in text, path


def test_a_complete_description_leads_to_the_dossier_and_the_dossier_to_a_clock(owner: User, browser: Client) -> None:
    application = described(owner)
    home = f"/applications/{application.pk}/"
    assert "check your answers and send them on" in read(browser, home)
    assert "Go on to the dossier" in read(browser, f"{home}describe/check/")
    version = application.registration.version
    response = browser.post(f"{home}dossier/", {"on": today(), "reference": "SR-1", "version": version}, follow=True)
    assert "is with Mobilisights" in text_of(response)
    text = read(browser, home)
    assert "Waiting for Mobilisights to answer" in text
    assert "Reference: SR-1." in text
    assert "you are reminded to ask on" in text
    assert "Dossier sent on" in text
    again = browser.post(f"{home}dossier/", {"on": today(), "version": version}, follow=True)
    assert "noted already" in text_of(again)
    assert Dispatch.objects.count() == 1


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("", "Fill in “Sent on”"),
        ("soon", "Give the date like this: 2026-11-30."),
        ("2999-01-01", "This day is still to come."),
        ("1999-01-01", "Check the year."),
    ],
)
def test_a_day_that_cannot_be_is_refused_beside_the_field_and_nothing_is_lost(
    on: str, words: str, owner: User, browser: Client
) -> None:
    application = described(owner)
    sent_form = {"on": on, "reference": "SR-1", "version": application.registration.version}
    response = browser.post(f"/applications/{application.pk}/dossier/", sent_form)
    assert response.status_code == 422
    assert words in text_of(response)
    assert 'value="SR-1"' in response.content.decode()
    assert not Dispatch.objects.exists()


def test_a_description_that_changed_meanwhile_makes_a_new_dossier(owner: User, browser: Client) -> None:
    application = described(owner)
    response = browser.post(f"/applications/{application.pk}/dossier/", {"on": today(), "version": 0}, follow=True)
    assert "somebody changed the description after this dossier was made" in text_of(response)
    assert not Dispatch.objects.exists()


def test_an_incomplete_description_has_no_dossier_yet(owner: User, browser: Client) -> None:
    application = described(owner, concept="")
    response = browser.get(f"/applications/{application.pk}/dossier/", follow=True)
    assert "not complete yet" in text_of(response).lower()
    assert browser.get(f"/applications/{application.pk}/dossier/dossier.eml").status_code == 404


@pytest.mark.parametrize(
    ("verb", "values", "state"),
    [
        ("approved", {"mzp": MZP}, "approved"),
        ("changes", {"note": "More on purposes."}, "changes_requested"),
        ("declined", {"reason": "other", "note": "Not now."}, "declined"),
    ],
)
def test_each_answer_is_recorded_with_day_and_reference(
    verb: str, values: dict[str, Any], state: str, owner: User, browser: Client
) -> None:
    application = sent(owner)
    path = f"/applications/{application.pk}/answer/"
    assert read(browser, path)
    assert browser.get(f"{path}{verb}/").status_code == 200
    response = browser.post(f"{path}{verb}/", {"on": today(), "reference": "SR-99", **values})
    assert response.status_code == 302
    assert fresh(application).registration.state == state
    text = read(browser, f"/applications/{application.pk}/")
    assert "reference SR-99" in text
    assert "recorded by you" in text
    assert browser.get(path).status_code == 302


def test_an_answer_cannot_be_older_than_what_it_answers_and_the_login_is_checked(owner: User, browser: Client) -> None:
    application = sent(owner, days=9)
    path = f"/applications/{application.pk}/answer/approved/"
    before = (timezone.localdate() - timedelta(days=10)).isoformat()
    assert "before the day on which you sent" in text_of(browser.post(path, {"mzp": MZP, "on": before}))
    response = browser.post(path, {"mzp": "mzp-1", "on": today()})
    assert "only capital letters and digits" in text_of(response)
    assert response.status_code == 422
    assert Application.objects.get(pk=application.pk).partner_login is None


def test_a_login_that_is_there_is_recorded_and_the_csr_goes_along(owner: User, browser: Client) -> None:
    application = described(owner)
    home = f"/applications/{application.pk}/"
    assert "If you have one" in read(browser, home)
    assert browser.post(f"{home}login/", {"mzp": MZP, "on": today()}).status_code == 302
    request = with_csr(fresh(application), owner)
    assert "It goes along with the description" in read(browser, home)
    text = read(browser, f"{home}dossier/")
    assert "MZP128745-production.csr" in text
    without = {"on": today(), "version": application.registration.version}
    assert "after this dossier was made" in text_of(browser.post(f"{home}dossier/", without, follow=True))
    browser.post(f"{home}dossier/", without | {"csrs": request.spki_sha256})
    assert Dispatch.objects.count() == 2


def test_from_the_csr_to_the_credentials_each_thing_is_recorded(owner: User, browser: Client) -> None:
    request = with_csr(approved(owner), owner)
    home = f"/applications/{request.application_id}/"
    track = f"{home}production/"
    assert "Your turn: send the CSR to Mobilisights" in read(browser, home)
    assert "meanwhile" in text_of(browser.post(f"{track}dossier/", {"on": today(), "csrs": "another"}, follow=True))
    assert not Dispatch.objects.exclude(certificate_request_id=None).exists()
    sent_form = {"on": today(), "reference": "C-7", "csrs": request.spki_sha256}
    assert browser.post(f"{track}dossier/", sent_form).status_code == 302
    assert "Waiting for Mobilisights to sign your CSR" in read(browser, home)
    wrong = {"certificate": SimpleUploadedFile("c.pem", CA.sign(request, CN="MZP000000")), "on": today()}
    refused = browser.post(f"{track}certificate/receive/", wrong | {"ca_certificate": SimpleUploadedFile("a", CA.pem)})
    assert refused.status_code == 422
    assert "This does not fit" in text_of(refused)
    files = {
        "certificate": SimpleUploadedFile("c.pem", CA.sign(request)),
        "ca_certificate": SimpleUploadedFile("ca.pem", CA.pem),
    }
    assert browser.post(f"{track}certificate/receive/", files | {"on": today(), "reference": "C-8"}).status_code == 302
    stored = {"client_id": "abc", "password": "s3cret-s3cret", "on": today(), "reference": "C-9"}
    assert browser.post(f"{track}credentials/", stored).status_code == 302
    text = read(browser, home)
    for words in ("reference C-7", "reference C-8", "reference C-9", "Certificate received", "Client ID received"):
        assert words in text, words
    assert "Your turn: validate" in text
    assert "s3cret" not in text


def test_a_csr_that_was_refused_there_is_recorded(owner: User, browser: Client) -> None:
    request = with_csr(approved(owner), owner)
    recording.send_csr(request, outside=ago(3), actor=member(owner))
    path = f"/applications/{request.application_id}/production/csr/refused/"
    assert browser.post(path, {"note": "OU must be Programs Partners.", "on": today()}).status_code == 302
    assert "OU must be Programs Partners." in read(browser, f"/applications/{request.application_id}/")


def test_a_viewer_reads_the_dossier_and_sends_nothing(owner: User, viewer: User, signed_in: Any) -> None:
    application = described(owner)
    client = signed_in(viewer)
    text = read(client, f"/applications/{application.pk}/dossier/")
    assert "An owner or a developer of your company sends it" in text
    assert client.post(f"/applications/{application.pk}/dossier/", {"on": today()}).status_code == 403


def test_the_list_costs_the_same_with_one_and_with_many(owner: User, browser: Client) -> None:
    with_csr(approved(owner), owner)
    sent(owner)
    before = count(browser, "/")
    for _ in range(3):
        sent(owner)
    assert count(browser, "/") == before
