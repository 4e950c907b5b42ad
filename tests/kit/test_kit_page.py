"""The page: who gets which kit, what is recorded and mailed, and that no secret of the set is in it."""

import html
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials import flows, issuing
from onboarding.credentials.models import CredentialSet
from onboarding.credentials.sets import store_credentials
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.pki.csr import build_csr
from onboarding.pki.keys import generate_rsa_key, spki_sha256
from onboarding.validation.models import Run
from tests.conftest import member, staff
from tests.journey import SUBJECT, approved, issued

Browser = Callable[[User], Client]

PASSPHRASE = "a passphrase chosen for the kit"
SECRETS = {"fleet_owner": {"password": "marker-of-the-password"}, "end_user": {"client_secret": "marker-of-the-secret"}}


@pytest.fixture(params=["fleet_owner", "end_user"])
def held(request: pytest.FixtureRequest, owner: User, reviewer: User, issuer: User) -> CredentialSet:
    """Custody `vault`, with secrets that would be recognised."""
    credential_set = issued(owner, reviewer, issuer, request.param)
    store_credentials(credential_set, actor=member(owner), **SECRETS[request.param])
    return credential_set


@pytest.fixture
def own(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    """Custody `own`."""
    request = flows.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    flows.describe_key(request, subject=SUBJECT, custody="own")
    csr = build_csr(generate_rsa_key(2048), request.subject)
    assert flows.submit_csr(request, csr, actor=member(owner)).fit
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    return request.credential_sets.get()


def page(held: CredentialSet) -> str:
    return reverse("kit", args=[held.application_id, "sandbox"])


def files(response: HttpResponse) -> dict[str, bytes]:
    assert response.headers["Content-Type"] == "application/zip"
    assert "no-store" in response.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def reveals() -> int:
    return Entry.objects.filter(event=Event.SECRET_REVEALED).count()


def test_the_kit_of_a_key_kept_here_has_it_encrypted_under_the_passphrase_given(
    held: CredentialSet, owner: User, signed_in: Browser
) -> None:
    kit = files(signed_in(owner).post(page(held), {"passphrase": PASSPHRASE}))
    key = load_pem_private_key(kit["private-key.pem"], PASSPHRASE.encode())
    assert spki_sha256(key.public_key()) == held.certificate_request.spki_sha256
    with pytest.raises(ValueError, match="password"):
        load_pem_private_key(kit["private-key.pem"], b"another passphrase of sixteen")
    assert "PUT-YOUR-KEY-HERE.txt" not in kit


def test_no_secret_is_in_any_of_its_files(held: CredentialSet, owner: User, signed_in: Browser) -> None:
    client = signed_in(owner)
    ((what, marker),) = SECRETS[held.application.programme].items()
    shown = client.post(reverse("credentials_reveal", args=[held.application_id, "sandbox", what]))
    assert marker in shown.content.decode()
    for name, content in files(client.post(page(held), {"passphrase": PASSPHRASE})).items():
        assert marker.encode() not in content, name
        assert PASSPHRASE.encode() not in content, name
        assert not re.search(rb"-----BEGIN (RSA |EC )?PRIVATE KEY", content), name


def test_taking_the_key_is_recorded_and_the_owners_are_told(
    held: CredentialSet, owner: User, colleague: User, signed_in: Browser
) -> None:
    before = reveals()
    client = signed_in(colleague)
    assert client.get(page(held)).status_code == 200
    assert (reveals(), Mail.objects.filter(kind="secret_revealed").count()) == (before, 0)
    client.post(page(held), {"passphrase": PASSPHRASE})
    assert reveals() == before + 1
    assert [sent.user for sent in Mail.objects.filter(kind="secret_revealed")] == [owner]


def test_a_short_passphrase_is_refused_and_nothing_leaves(held: CredentialSet, owner: User, signed_in: Browser) -> None:
    before = reveals()
    response = signed_in(owner).post(page(held), {"passphrase": "short"})
    assert response.headers["Content-Type"].startswith("text/html")
    assert "at least 16 characters" in response.content.decode()
    assert reveals() == before


def test_the_key_leaves_only_after_a_recent_sign_in_and_no_passphrase_is_kept_meanwhile(
    held: CredentialSet, owner: User, signed_in: Browser, settings: Any
) -> None:
    client = signed_in(owner)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    for response in (client.get(page(held)), client.post(page(held), {"passphrase": PASSPHRASE})):
        assert response.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert PASSPHRASE not in str(dict(client.session))


def test_a_viewer_gets_the_kit_without_the_key(held: CredentialSet, viewer: User, signed_in: Browser) -> None:
    client = signed_in(viewer)
    kit = files(client.get(page(held)))
    assert "private-key.pem" not in kit
    assert "PUT-YOUR-KEY-HERE.txt" in kit
    assert client.post(page(held), {"passphrase": PASSPHRASE}).status_code == 403


def test_the_kit_of_a_key_kept_by_the_partner_comes_at_once_and_is_no_reveal(
    own: CredentialSet, owner: User, signed_in: Browser
) -> None:
    response = signed_in(owner).get(page(own))
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="integration-kit-depot-dashboard-sandbox.zip"'
    )
    kit = files(response)
    assert "private-key.pem" not in kit
    assert kit["client-certificate.pem"].decode() == own.certificate_request.certificate_pem
    assert kit["ca-certificate.pem"].decode() == own.certificate_request.ca_pem
    assert own.client_id in kit["run.sh"].decode()
    assert reveals() == 0


def test_without_a_client_id_the_page_asks_for_it_first(own: CredentialSet, owner: User, signed_in: Browser) -> None:
    CredentialSet.objects.filter(pk=own.pk).update(client_id="")
    response = signed_in(owner).get(page(own), follow=True)
    assert response.redirect_chain == [(reverse("credentials", args=[own.application_id, "sandbox"]), 302)]
    assert "store it first" in response.content.decode()


def test_without_a_certificate_there_is_no_kit(owner: User, reviewer: User, signed_in: Browser) -> None:
    application = approved(owner, reviewer)
    assert signed_in(owner).get(reverse("kit", args=[application.pk, "sandbox"])).status_code == 404
    assert signed_in(owner).get(reverse("kit", args=[application.pk, "no-such"])).status_code == 404


@pytest.mark.parametrize("name", ["certificate", "live"])
def test_the_pages_before_it_lead_to_it(name: str, own: CredentialSet, owner: User, signed_in: Browser) -> None:
    Run.objects.create(credential_set=own, state=Run.State.PASSED)
    response = signed_in(owner).get(reverse(name, args=[own.application_id, "sandbox"]))
    assert f'href="{page(own)}"' in response.content.decode()


def test_the_live_page_shows_the_examples_of_the_kit_with_the_file_names_of_its_own_downloads(
    own: CredentialSet, owner: User, signed_in: Browser
) -> None:
    Run.objects.create(credential_set=own, state=Run.State.PASSED)
    client = signed_in(owner)
    shown = html.unescape(client.get(reverse("live", args=[own.application_id, "sandbox"])).content.decode())
    kit = files(client.get(page(own)))
    for name in ("run.sh", "fleet_call.py"):
        code = kit[name].decode().removeprefix("#!/bin/sh\n").strip()
        assert code.replace("chain.pem", "client-certificate.pem") in shown, name
