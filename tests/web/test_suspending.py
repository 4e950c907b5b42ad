"""Suspending and reinstating from the desk's page."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.registrations.models import Registration
from tests.conftest import staff
from tests.journey import approved, issued, with_key

Browser = Callable[[User], Client]
WHY = {"reason": "security", "note": "A key was found on a public page."}


def page_of(registration: Registration) -> str:
    return f"/desk/registrations/{registration.pk}/"


def test_the_page_says_first_what_hangs_on_it(owner: User, reviewer: User, issuer: User, signed_in: Browser) -> None:
    held = issued(owner, reviewer, issuer)
    client, url = signed_in(reviewer), page_of(held.application.registration)
    shown = client.get(url).content.decode()
    assert shown.index("Credentials not in use yet, with a certificate until") < shown.index(f'action="{url}suspend/"')
    assert "Regular checks<" not in shown
    CertificateRequest.objects.update(state="active")
    shown = client.get(url).content.decode()
    assert "Credentials in use, with a certificate until" in shown
    assert "Regular checks<" in shown


def test_an_open_request_is_named_with_its_state(owner: User, reviewer: User, signed_in: Browser) -> None:
    registration = with_key(owner, reviewer).application.registration
    assert "Open certificate request: CSR submitted" in signed_in(reviewer).get(page_of(registration)).content.decode()


def test_where_nothing_hangs_on_it_the_page_says_so(owner: User, reviewer: User, signed_in: Browser) -> None:
    registration = approved(owner, reviewer).registration
    assert "Nothing yet: no credentials" in signed_in(reviewer).get(page_of(registration)).content.decode()


def test_any_reviewer_suspends_and_reinstates(
    owner: User, reviewer: User, second_reviewer: User, signed_in: Browser
) -> None:
    registration = approved(owner, reviewer).registration
    client, url = signed_in(second_reviewer), page_of(registration)
    shown = client.post(f"{url}suspend/", WHY, follow=True).content.decode()
    assert "Suspended. The partner has been told why." in shown
    assert "Keys or credentials may be in the wrong hands" in shown
    assert f'action="{url}suspend/"' not in shown
    shown = client.post(f"{url}reinstate/", {"note": ""}, follow=True).content.decode()
    assert "Reinstated: everything goes on where it stood." in shown
    assert Registration.objects.get().state == "approved"


@pytest.mark.parametrize("missing", ["reason", "note"])
def test_without_a_reason_or_a_note_nothing_is_suspended_and_nothing_typed_is_lost(
    owner: User, reviewer: User, signed_in: Browser, missing: str
) -> None:
    registration = approved(owner, reviewer).registration
    form = {name: value for name, value in WHY.items() if name != missing}
    response = signed_in(reviewer).post(f"{page_of(registration)}suspend/", form)
    shown = response.content.decode()
    assert response.status_code == 422
    assert "error-summary" in shown
    kept = re.search(r'<input[^>]*value="security"[^>]*checked', shown) if missing == "note" else WHY["note"] in shown
    assert kept
    assert Registration.objects.get().state == "approved"


def test_a_second_click_is_told_what_happened_and_shown_what_it_wrote(
    owner: User, reviewer: User, second_reviewer: User, signed_in: Browser
) -> None:
    registration = approved(owner, reviewer).registration
    client, url = signed_in(reviewer), page_of(registration)
    assert client.post(f"{url}suspend/", WHY).status_code == 302
    response = signed_in(second_reviewer).post(f"{url}suspend/", WHY | {"note": "Mine, in vain."})
    shown = response.content.decode()
    assert response.status_code == 409
    assert "meanwhile it moved on to “Suspended”" in shown
    assert "Mine, in vain." in shown


def test_an_auditor_is_offered_neither(owner: User, reviewer: User, auditor: User, signed_in: Browser) -> None:
    registration = approved(owner, reviewer).registration
    url = page_of(registration)
    assert f"{url}suspend/" not in signed_in(auditor).get(url).content.decode()
    assert signed_in(auditor).post(f"{url}suspend/", WHY).status_code == 403
    assert Registration.objects.get().state == "approved"


def test_the_partner_reads_the_reason_in_the_task_list_and_beside_the_submission(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = approved(owner, reviewer)
    flows.suspend(application.registration, actor=staff(reviewer), **WHY)
    client = signed_in(owner)
    shown = client.get(f"/applications/{application.pk}/").content.decode()
    assert "Keys or credentials may be in the wrong hands" in shown
    assert WHY["note"] in shown
    shown = client.get(f"/applications/{application.pk}/submissions/").content.decode()
    assert "Application suspended" in shown
    assert WHY["note"] in shown


def test_an_issuer_is_told_why_nothing_can_be_signed(
    owner: User, reviewer: User, issuer: User, signed_in: Browser
) -> None:
    request = with_key(owner, reviewer)
    url = f"/desk/certificates/{request.pk}/"
    client = signed_in(issuer)
    assert f'action="{url}sign/"' in client.get(url).content.decode()
    flows.suspend(request.application.registration, actor=staff(reviewer), **WHY)
    shown = client.get(url).content.decode()
    assert "Nothing is issued for this application" in shown
    assert f'action="{url}sign/"' not in shown
    shown = client.post(f"{url}sign/", follow=True).content.decode()
    assert "Nothing was issued: the application is suspended" in shown
    assert CertificateRequest.objects.get().state == "csr_submitted"
