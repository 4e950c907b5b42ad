"""The files of a dossier: what is in them, and never a key or a secret."""

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from cryptography import x509
from django.test import Client

from onboarding.credentials import flows as credentials
from onboarding.credentials import issuing, private_keys, recording, sets
from onboarding.memberships.contacts import name_contact
from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.web import dossier_files, dossiers
from tests.alone.conftest import ago
from tests.alone.stages import MZP, approved, fresh, sent, with_csr
from tests.conftest import member
from tests.corporate_ca import CA
from tests.journey import SUBJECT, described
from tests.leaks import forms, forms_of_key, leaks_in_texts

pytestmark = pytest.mark.django_db


def download(owner: User, path: str) -> bytes:
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    response = client.get(path)
    assert response.status_code == 200, response.status_code
    assert response.headers["Content-Disposition"].startswith("attachment")
    return bytes(response.content)


def early(owner: User) -> Any:
    """A description to be sent, whose CSR is made already."""
    application = described(owner, concept="Größe, “quotes”, and a line that is long. " * 4)
    recording.record_login(application, mzp=MZP, outside=ago(30), actor=member(owner))
    return with_csr(fresh(application), owner)


def test_the_mail_is_one_that_mail_programs_open_for_editing_with_text_and_csr(owner: User) -> None:
    request = early(owner)
    application = request.application
    raw = download(owner, f"/applications/{application.pk}/dossier/dossier.eml")
    message = message_from_bytes(raw, policy=default)
    assert message["X-Unsent"] == "1"
    assert message["To"] is None
    assert message["From"].addresses[0].addr_spec == owner.email
    assert message["Subject"] == "Request for access to the fleet API: Depot dashboard, Example Mobility"
    assert message["Date"].datetime is not None
    assert not message.defects
    text, attached = message.iter_parts()
    assert "Größe, “quotes”" in text.get_content()
    assert (attached.get_filename(), attached.get_content_type()) == ("MZP128745-production.csr", "application/pkcs10")
    csr = x509.load_pem_x509_csr(attached.get_content())
    assert csr.is_signature_valid
    assert attached.get_content().decode() == request.csr_pem
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    raw.decode("ascii")


def test_the_address_is_the_setting_where_there_is_one(owner: User, settings: Any) -> None:
    settings.DOSSIER_TO = "fleet-api@münchen.example"
    application = described(owner)
    message = message_from_bytes(download(owner, f"/applications/{application.pk}/dossier/dossier.eml"), policy=default)
    assert message["To"].addresses[0].addr_spec == "fleet-api@xn--mnchen-3ya.example"


def test_the_text_has_every_answer_in_words_and_who_to_write_to(owner: User) -> None:
    application = described(owner)
    contact = name_contact(
        application.organisation, "role-mailbox", name="Keys", email="keys@x.example", by=owner, actor=member(owner)
    )
    contact.verified_at = contact.created_at
    contact.save()
    text = download(owner, f"/applications/{application.pk}/dossier/dossier.txt").decode()
    for words in (
        f"{application.reference}/1",
        "Depot dashboard",
        "Fleet Owner API",
        "Shows where our vans are",
        "90,000",
        "Odometer mileage",
        "Only the last position is kept",
        "Attested",
        "Keys <keys@x.example>",
        "Assign us a partner login (MZP).",
    ):
        assert words in " ".join(text.split()), words
    assert max(map(len, text.splitlines())) <= dossier_files.WIDTH


def test_it_is_in_the_language_that_is_asked_for(owner: User) -> None:
    application = described(owner)
    path = f"/applications/{application.pk}/dossier/dossier.txt"
    assert "Nous vous demandons" in download(owner, f"{path}?language=fr").decode()
    assert "We ask you to" in download(owner, f"{path}?language=xx").decode()


def test_a_second_dossier_shows_what_changed(owner: User) -> None:
    application = sent(owner)
    registration = application.registration
    flows.request_changes(registration, note="Which vans?", outside=ago(3), actor=member(owner))
    flows.save_answers(
        registration, {"concept": "Our own vans only."}, seen_version=registration.version, actor=member(owner)
    )
    text = " ".join(download(owner, f"/applications/{application.pk}/dossier/dossier.txt").decode().split())
    assert f"{application.reference}/2" in text
    assert "What changed" in text
    assert "Before: Shows where our vans are and when they need service. Now: Our own vans only." in text


def test_what_was_sent_stays_as_it_was(owner: User) -> None:
    application = sent(owner)
    before = dossiers.of_description(application, application.registration)
    flows.request_changes(application.registration, note="Which vans?", outside=ago(3), actor=member(owner))
    assert before.number.endswith("/1")
    assert dossiers.of_description(application, application.registration).number.endswith("/2")


def test_asking_how_it_stands_names_day_reference_and_what_is_waited_for(owner: User) -> None:
    request = with_csr(approved(owner), owner)
    recording.send_csr(request, outside=ago(7, "CERT-12"), actor=member(owner))
    path = f"/applications/{request.application_id}/production/dossier/chase.eml"
    message = message_from_bytes(download(owner, path), policy=default)
    assert message["Subject"].endswith("[CERT-12]")
    text = " ".join(message.get_content().split())
    assert "You know it as CERT-12" in text
    assert "Sign the attached CSR for Production" in text


def test_no_dossier_holds_a_key_or_a_secret(owner: User) -> None:
    application = approved(owner)
    request = credentials.open_request(application, "production", actor=member(owner))
    credentials.describe_key(request, subject=SUBJECT, custody="vault")
    private_keys.make_key(private_keys.order_key(request, bits=2048, actor=member(owner)).pk)
    request.refresh_from_db()
    pem = private_keys.export_key(request, passphrase=b"a long enough passphrase", actor=member(owner))
    pages = f"/applications/{application.pk}/production/dossier/"
    texts = [(kind, download(owner, f"{pages}{kind}")) for kind in ("dossier.txt", "dossier.eml")]
    issuing.take_in(request, certificate=CA.sign(request), ca_certificate=CA.pem, outside=ago(0), actor=member(owner))
    sets.store_credentials(
        request.credential_sets.get(), client_id="id", password="not-for-them", outside=ago(0), actor=member(owner)
    )
    texts += [
        (kind, download(owner, f"/applications/{application.pk}/dossier/{kind}"))
        for kind in ("dossier.txt", "dossier.eml")
    ]
    secrets = {"key": forms_of_key(pem, b"a long enough passphrase"), "password": forms("not-for-them")}
    assert leaks_in_texts(texts, secrets) == []
    assert not any(b"PRIVATE KEY" in text for _kind, text in texts)
