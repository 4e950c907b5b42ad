"""Taking in a certificate, as the pages show it: whose turn it is, what was checked, what to do."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onboarding.credentials import issuing
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import User
from onboarding.pki import keys
from tests.conftest import staff
from tests.corporate_ca import CA, OTHER_KEY, as_zip, submitted

THIRD_KEY = keys.generate_rsa_key(2048)

Browser = Callable[[User], Client]


@pytest.fixture(autouse=True)
def environments(settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]


@pytest.fixture
def request_(owner: User, reviewer: User) -> CertificateRequest:
    return submitted(owner, reviewer)


def page_of(request: CertificateRequest, page: str = "certificate/receive") -> str:
    return f"/applications/{request.application_id}/{request.environment}/{page}/"


def give(client: Client, url: str, certificate: bytes = b"", ca: bytes = b"", text: str = "") -> Any:
    files = {
        name: SimpleUploadedFile(f"{name}.pem", content)
        for name, content in (("certificate", certificate), ("ca_certificate", ca))
        if content
    }
    return client.post(url, {"text": text, **files})


def checks(response: Any) -> dict[int, str]:
    """The page's numbered checks, with the word of each."""
    found = re.findall(
        r'class="check__number">(\d+)<.*?class="check__result[^"]*">(\w[\w ]*)<', response.content.decode(), re.DOTALL
    )
    return {int(number): word for number, word in found}


def test_the_page_says_that_it_comes_by_mail_and_where_to_take_it_in(
    owner: User, request_: CertificateRequest, signed_in: Browser
) -> None:
    client = signed_in(owner)
    for url in (f"/applications/{request_.application_id}/", page_of(request_, "csr")):
        page = client.get(url).content.decode()
        assert "by e-mail from Mobilisights" in page
        assert page_of(request_) in page


def test_for_the_sandbox_there_is_nothing_to_take_in(owner: User, reviewer: User, signed_in: Browser) -> None:
    request = submitted(owner, reviewer, environment="sandbox")
    client = signed_in(owner)
    assert "by e-mail from" not in client.get(page_of(request, "csr")).content.decode()
    for response in (client.get(page_of(request)), give(client, page_of(request), CA.sign(request), CA.pem)):
        assert response.headers["Location"] == page_of(request, "csr")
    request.refresh_from_db()
    assert request.state == "csr_submitted"


def test_what_was_pasted_is_taken_in_and_the_certificates_page_shows_what_differs(
    owner: User, request_: CertificateRequest, signed_in: Browser
) -> None:
    client = signed_in(owner)
    text = (CA.sign(request_, O="EXAMPLE MOBILITY SAS") + CA.pem).decode()
    response = give(client, page_of(request_), text=text)
    assert response.headers["Location"] == page_of(request_, "certificate")
    page = client.get(page_of(request_, "certificate"))
    assert checks(page) == {number: "Warning" if number == 3 else "Passed" for number in range(1, 12)}
    assert "difference__row--differs" in page.content.decode()
    # What the certificate says, not what the CSR asked for.
    assert "EXAMPLE MOBILITY SAS" in str(page.context["subject"])


def test_a_refusal_shows_every_check_and_keeps_what_was_pasted(
    owner: User, request_: CertificateRequest, signed_in: Browser
) -> None:
    text = CA.sign(request_, CN="MZP999999").decode()
    response = give(signed_in(owner), page_of(request_), text=text)
    assert response.status_code == 422
    assert checks(response) == {number: {3: "Failed", 11: "Failed"}.get(number, "Passed") for number in range(1, 12)}
    page = response.content.decode()
    assert "Differs, and must not" in page
    assert "There is no CA certificate." in page
    assert text.splitlines()[1] in page


def test_what_cannot_be_read_leaves_the_other_checks_unreached(
    owner: User, request_: CertificateRequest, signed_in: Browser
) -> None:
    response = give(signed_in(owner), page_of(request_), b"<html>")
    assert checks(response) == {number: "Failed" if number == 1 else "Not reached" for number in range(1, 12)}


def test_nothing_given_is_told_beside_the_field(owner: User, request_: CertificateRequest, signed_in: Browser) -> None:
    client = signed_in(owner)
    assert "Choose a file, or paste its text." in give(client, page_of(request_), ca=CA.pem).content.decode()
    both = give(client, page_of(request_), CA.sign(request_), text=CA.pem.decode())
    assert "not both" in both.content.decode()


def test_the_right_request_is_a_link_for_each_reader_and_a_rivals_is_none(
    owner: User, rival: User, issuer: User, reviewer: User, request_: CertificateRequest, signed_in: Browser
) -> None:
    mine = submitted(owner, reviewer, key=OTHER_KEY, mzp="MZP128746")
    theirs = submitted(rival, reviewer, key=THIRD_KEY, mzp="MZP300001")
    partner, desk = signed_in(owner), signed_in(issuer)
    desk_url = f"/desk/certificates/{request_.pk}/upload/"
    assert f'href="{page_of(mine, "csr")}"' in give(partner, page_of(request_), CA.sign(mine), CA.pem).content.decode()
    assert f'href="/desk/certificates/{mine.pk}/"' in give(desk, desk_url, CA.sign(mine), CA.pem).content.decode()
    page = give(partner, page_of(request_), CA.sign(theirs), CA.pem).content.decode()
    assert "for another key than this CSR" in page
    assert "Open that request" not in page
    assert theirs.application.reference not in page


def test_staff_are_told_what_else_is_in_a_zip_of_many(
    owner: User, rival: User, issuer: User, reviewer: User, request_: CertificateRequest, signed_in: Browser
) -> None:
    theirs = submitted(rival, reviewer, key=OTHER_KEY, mzp="MZP300001")
    client = signed_in(issuer)
    many = as_zip(CA.sign(theirs), CA.sign(request_), CA.pem)
    url = f"/desk/certificates/{request_.pk}/"
    assert give(client, f"{url}upload/", many).headers["Location"] == url
    page = client.get(url).content.decode()
    assert f"({theirs.application.reference}, MZP300001) in the same file" in page
    assert "nothing to object to (11 checks)" in page
    partners = signed_in(owner).get(page_of(request_, "certificate")).content.decode()
    assert "MZP300001" not in partners


def test_a_viewer_reads_the_page_and_has_no_form(
    viewer: User, request_: CertificateRequest, signed_in: Browser
) -> None:
    client = signed_in(viewer)
    page = client.get(page_of(request_)).content.decode()
    assert 'name="certificate"' not in page
    assert "An owner or a developer" in page
    assert give(client, page_of(request_), CA.sign(request_), CA.pem).status_code == 403


def test_who_comes_too_late_is_shown_what_there_is(
    owner: User, issuer: User, request_: CertificateRequest, signed_in: Browser
) -> None:
    client = signed_in(owner)
    issuing.take_in(request_, certificate=CA.sign(request_), ca_certificate=CA.pem, actor=staff(issuer))
    for response in (client.get(page_of(request_)), give(client, page_of(request_), CA.sign(request_), CA.pem)):
        assert response.headers["Location"] == page_of(request_, "certificate")
