"""Dropping certificates on a page: what is seen before it is released, and what is too much."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onboarding.credentials import drops
from onboarding.credentials.models import CertificateRequest, Drop
from onboarding.partners.models import User
from tests.corporate_ca import CA, submitted

SignedIn = Callable[[User], Client]


@pytest.fixture
def request_(owner: User, reviewer: User, settings: Any) -> CertificateRequest:
    settings.FLEET_ENVIRONMENTS = ["production"]
    return submitted(owner, reviewer)


def file(data: bytes, name: str = "one.pem") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def test_from_the_drop_to_the_release(request_: CertificateRequest, issuer: User, signed_in: SignedIn) -> None:
    client = signed_in(issuer)
    answer = client.post("/desk/drops/", {"certificates": [file(CA.sign(request_)), file(CA.pem, "ca.pem")]})
    drop = Drop.objects.get()
    assert answer["Location"] == f"/desk/drops/{drop.pk}/"
    waiting = client.get(answer["Location"]).content.decode()
    assert 'hx-trigger="every 2s"' in waiting
    drops.check(drop.pk)
    page = client.get(answer["Location"]).content.decode()
    assert "Release the 1 that fits" in page
    assert "Depot dashboard" in page
    one = drop.certificates.get()
    assert "Release it" in client.get(f"/desk/dropped/{one.pk}/").content.decode()
    for _click in range(2):
        client.post(f"/desk/drops/{drop.pk}/release/", {"one": str(one.pk)})
    drops.release(str(drop.pk))
    request_.refresh_from_db()
    assert request_.state == "issued"
    assert "Released" in client.get(f"/desk/dropped/{one.pk}/").content.decode()


def test_what_differs_is_shown_side_by_side(request_: CertificateRequest, issuer: User, signed_in: SignedIn) -> None:
    drop = drops.drop([drops.File("a", CA.sign(request_, O="Another Company")), drops.File("b", CA.pem)], by=issuer)
    drops.check(drop.pk)
    page = signed_in(issuer).get(f"/desk/dropped/{drop.certificates.get().pk}/").content.decode()
    assert "Another Company" in page
    assert "Example Mobility" in page
    assert "Release it" not in page


@pytest.mark.parametrize("sent", [{}, {"certificates": ""}, {"certificates": [file(b"rubbish"), file(b"")]}])
def test_nothing_to_read_is_said_beside_the_field(issuer: User, signed_in: SignedIn, sent: dict[str, Any]) -> None:
    answer = signed_in(issuer).post("/desk/drops/", sent)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()


def test_too_much_at_once_is_said_beside_the_field(issuer: User, signed_in: SignedIn) -> None:
    half = b"\0" * (9 * 1024 * 1024)
    answer = signed_in(issuer).post("/desk/drops/", {"certificates": [file(half), file(half, "two")]})
    assert answer.status_code == 422
    assert "larger than 16 MB together" in answer.content.decode()


def test_elsewhere_few_files_are_taken(owner: User, signed_in: SignedIn) -> None:
    many = {f"certificate{number}": file(b"x") for number in range(9)}
    assert signed_in(owner).post("/applications/bring/", many).status_code == 400


def test_the_csrs_that_wait_are_one_zip(request_: CertificateRequest, issuer: User, signed_in: SignedIn) -> None:
    answer = signed_in(issuer).get("/desk/certificates/csrs.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert len(archive.namelist()) == 2
    ticked = signed_in(issuer).get(f"/desk/certificates/csrs.zip?request={request_.pk}&request=x")
    assert ticked.status_code == 200
