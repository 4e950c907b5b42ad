"""Bringing credentials that work already, and deciding on the partner logins they claim, as the pages show it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onboarding.credentials.importing import import_credentials
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import PartnerLogin, User
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret
from tests.brought import MZP, brought, certificate_for, key_file, run_passes
from tests.conftest import member
from tests.corporate_ca import CA, OTHER_KEY

Browser = Callable[[User], Client]
PAGE = "/applications/bring/"
SECRETS = ("correct-horse-password", "a long passphrase")


@pytest.fixture(autouse=True)
def environments(settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]


def give(client: Client, user: User, files: dict[str, bytes] | None = None, **changes: Any) -> Any:
    fields = {
        "organisation": str(user.organisations.get().pk),
        "environment": "production",
        "programme": "fleet_owner",
        "name": "Depot dashboard",
        "brands": ["peugeot"],
        "mzp": "mzp 128745",
        "client_id": "client-1",
        "password": SECRETS[0],
    } | changes
    given = {"certificate": certificate_for(), "ca": CA.pem} | (files or {})
    uploads = {name: SimpleUploadedFile(f"{name}.pem", content) for name, content in given.items() if content}
    return client.post(PAGE, {**fields, **uploads})


def bring(user: User, **changes: Any) -> CertificateRequest:
    return import_credentials(user.organisations.get(), brought(**changes), actor=member(user)).request


def test_what_fits_leads_to_the_task_list_with_validate_as_the_next_step(owner: User, signed_in: Browser) -> None:
    client = signed_in(owner)
    assert PAGE in client.get("/applications/new/").content.decode()
    response = give(client, owner, {"key": key_file(passphrase=SECRETS[1].encode())}, passphrase=SECRETS[1])
    application = Application.objects.get()
    assert response.headers["Location"] == f"/applications/{application.pk}/"
    page = client.get(response.headers["Location"])
    assert page.context["turn"].href == f"/applications/{application.pk}/production/validate/"
    text = page.content.decode()
    assert "Brought in, and sealed here" in text
    assert "Happens as soon as a validation passes" in text
    assert client.get(page.context["turn"].href).status_code == 200
    held = CertificateRequest.objects.get().certificate_pem.encode()
    again = client.get(give(client, owner, {"certificate": held}).headers["Location"])
    assert "This certificate is there already" in again.content.decode()
    assert Application.objects.count() == 1


def test_every_page_of_an_application_that_was_brought_in_can_be_opened(
    owner: User, reviewer: User, signed_in: Browser, monkeypatch: Any
) -> None:
    cycle = bring(owner)
    run_passes(cycle.credential_sets.get(), owner, monkeypatch)
    client, base = signed_in(owner), f"/applications/{cycle.application_id}/"
    for page in ("", *(f"production/{name}/" for name in ("certificate", "credentials", "validate", "live", "kit"))):
        assert client.get(base + page).status_code == 200, page
    for page in ("key", "csr", "certificate/receive"):
        response = client.get(f"{base}production/{page}/", follow=True)
        assert response.redirect_chain[-1][0] == f"{base}production/certificate/", page
    assert client.get(f"{base}sandbox/key/").status_code == 200
    for page in ("withdraw/", "describe/check/", "describe/concept/"):
        assert client.get(base + page).status_code == 404, page
    assert client.get("/").status_code == 200
    desk = signed_in(reviewer)
    page = desk.get(f"/desk/certificates/{cycle.pk}/").content.decode()
    assert "Brought in by the partner" in page
    assert desk.get(f"/desk/certificates/{cycle.pk}/csr.pem").status_code == 404
    assert desk.get("/desk/certificates/?show=decided").status_code == 200


def test_a_refusal_shows_every_finding_with_its_remedy_and_no_secret(owner: User, signed_in: Browser) -> None:
    client = signed_in(owner)
    response = give(
        client,
        owner,
        {"key": key_file(OTHER_KEY, SECRETS[1].encode())},
        passphrase=SECRETS[1],
        mzp="MZP999999",
        client_id="a b",
    )
    assert response.status_code == 422
    page = response.content.decode()
    assert "Nothing was kept" in page
    assert "Copy it again from where you received it." in page
    words = re.findall(r'class="check__number">(\d+)<.*?class="check__result[^"]*">(\w[\w ]*)<', page, re.DOTALL)
    assert dict(words) == {str(number): {2: "Failed", 3: "Failed"}.get(number, "Passed") for number in range(1, 12)}
    assert not any(secret in page for secret in SECRETS)
    assert "MZP999999" in page  # what was typed and is no secret is still there
    assert (Application.objects.count(), Secret.objects.count()) == (0, 0)


def test_what_is_missing_is_told_beside_its_field(owner: User, signed_in: Browser) -> None:
    response = give(signed_in(owner), owner, {"certificate": b""}, name="", brands=[])
    assert set(response.context["form"].errors) == {"name", "brands", "certificate"}
    assert Application.objects.count() == 0


def test_a_secret_that_the_programme_has_no_use_for_is_dropped(owner: User, signed_in: Browser) -> None:
    assert give(signed_in(owner), owner, client_secret="typed before").status_code == 302
    assert CertificateRequest.objects.get().credential_sets.get().client_secret is None


def test_where_keys_are_not_kept_no_key_is_asked_for(owner: User, signed_in: Browser, settings: Any) -> None:
    settings.KEY_CUSTODIES = ["own"]
    client = signed_in(owner)
    assert 'name="key"' not in client.get(PAGE).content.decode()
    give(client, owner, {"key": key_file()})
    assert CertificateRequest.objects.get().custody == "own"


def test_where_no_environment_is_named_the_page_says_so(owner: User, signed_in: Browser, settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = []
    client = signed_in(owner)
    assert "FLEET_ENVIRONMENTS" in client.get(PAGE).content.decode()
    assert give(client, owner).status_code == 200
    assert Application.objects.count() == 0


def test_nobody_brings_anything_into_another_company_and_viewers_into_none(
    owner: User, rival: User, viewer: User, signed_in: Browser
) -> None:
    assert give(signed_in(rival), owner).status_code == 200
    assert signed_in(viewer).get(PAGE).headers["Location"] == "/"
    assert give(signed_in(viewer), owner).headers["Location"] == "/"
    assert Application.objects.count() == 0


def test_who_comes_second_is_told_that_the_login_is_anothers_and_whose_turn_it_is(
    owner: User, rival: User, reviewer: User, signed_in: Browser, monkeypatch: Any
) -> None:
    for user, cycle in [(owner, bring(owner)), (rival, bring(rival))]:
        run_passes(cycle.credential_sets.get(), user, monkeypatch)
    application = rival.organisations.get().applications.get()
    page = signed_in(rival).get(f"/applications/{application.pk}/")
    assert page.context["turn"].who == "operator"
    assert "another company" in page.context["turn"].text
    assert "Example Mobility" not in page.content.decode()
    desk = signed_in(reviewer)
    text = desk.get("/desk/logins/").content.decode()
    assert "Disputed" in text
    assert "Example Mobility" in text
    claim = PartnerLogin.objects.get(confirmed_at=None)
    told = desk.post(f"/desk/logins/{claim.pk}/confirm/", follow=True).content.decode()
    assert f"Not confirmed: {MZP}" in told
    desk.post(f"/desk/logins/{claim.pk}/reject/")
    claim.refresh_from_db()
    assert claim.is_rejected
    page = signed_in(rival).get(f"/applications/{application.pk}/")
    assert page.context["turn"].is_setback
    assert "production/credentials" not in page.content.decode()
    assert "Rejected" in desk.get("/desk/logins/?show=decided").content.decode()


def test_staff_confirm_a_claim_and_a_second_click_changes_nothing(
    owner: User, reviewer: User, auditor: User, signed_in: Browser
) -> None:
    login, desk = bring(owner).partner_login, signed_in(reviewer)
    assert f"/desk/logins/{login.pk}/confirm/" not in signed_in(auditor).get("/desk/logins/").content.decode()
    assert f"/desk/logins/{login.pk}/confirm/" in desk.get("/desk/logins/").content.decode()
    desk.post(f"/desk/logins/{login.pk}/confirm/")
    login.refresh_from_db()
    assert login.confirmed_at is not None
    assert "decided meanwhile" in desk.post(f"/desk/logins/{login.pk}/reject/", follow=True).content.decode()
    assert desk.post(f"/desk/logins/{login.pk}/nonsense/").status_code == 404
