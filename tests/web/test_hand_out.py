"""Staff hand out what goes with a certificate: typed once, sealed, told to the partner, never shown to staff again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from onboarding.credentials import issuing, sets
from onboarding.credentials.models import CertificateRequest
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.vault.seal import open_secret
from onboarding.worklist.models import Item
from tests.conftest import member, staff
from tests.corporate_ca import CA, OTHER_KEY, submitted

SignedIn = Callable[[User], Client]


@pytest.fixture
def request_(owner: User, reviewer: User, issuer: User, settings: Any) -> CertificateRequest:
    """A certificate of the car maker's, released; the client ID and the password are still to come."""
    settings.FLEET_ENVIRONMENTS = ["production"]
    found = submitted(owner, reviewer)
    issuing.take_in(found, certificate=CA.sign(found), ca_certificate=CA.pem, actor=staff(issuer))
    return found


def waiting() -> list[str]:
    return list(Item.objects.filter(closed_at=None).values_list("stage", flat=True))


def test_after_the_certificate_the_credentials_wait(request_: CertificateRequest) -> None:
    assert waiting() == ["hand_out"]
    assert Item.objects.get(stage="csr").outcome == "certificate_request:issue"


def test_what_is_handed_out_is_sealed_told_and_never_shown_again(
    request_: CertificateRequest, issuer: User, owner: User, signed_in: SignedIn
) -> None:
    client, url = signed_in(issuer), f"/desk/certificates/{request_.pk}/"
    assert "Seal and hand out" in client.get(url).content.decode()
    page = client.post(f"{url}hand_out/", {"client_id": "c-4711", "password": "pw-never-shown"}, follow=True)
    assert "pw-never-shown" not in page.content.decode()
    assert "c-4711" not in page.content.decode()
    held = request_.credential_sets.get()
    secret = sets.password_of(held)
    assert secret is not None
    assert (held.client_id, open_secret(secret)) == ("c-4711", b"pw-never-shown")
    mail = Mail.objects.get(kind="credentials_handed_out")
    assert mail.address == owner.email
    assert "pw-never-shown" not in str(mail.params)
    assert waiting() == []


def test_half_of_it_leaves_the_rest_waiting(request_: CertificateRequest, issuer: User, signed_in: SignedIn) -> None:
    client, url = signed_in(issuer), f"/desk/certificates/{request_.pk}/"
    client.post(f"{url}hand_out/", {"client_id": "c-4711"})
    assert waiting() == ["hand_out"]
    assert client.post(f"{url}hand_out/", {"client_id": ""}).status_code == 422


def test_what_the_partner_stores_ends_the_wait_too(request_: CertificateRequest, owner: User) -> None:
    held = request_.credential_sets.get()
    sets.store_credentials(held, actor=member(owner), client_id="c-4711", password="x" * 12)
    assert waiting() == []


def test_another_companys_client_id_is_refused_beside_its_field(
    request_: CertificateRequest, owner: User, rival: User, reviewer: User, issuer: User, signed_in: SignedIn
) -> None:
    other = submitted(rival, reviewer, key=OTHER_KEY, mzp="MZP900001")
    issuing.take_in(other, certificate=CA.sign(other), ca_certificate=CA.pem, actor=staff(issuer))
    sets.store_credentials(other.credential_sets.get(), actor=member(rival), client_id="theirs")
    answer = signed_in(issuer).post(f"/desk/certificates/{request_.pk}/hand_out/", {"client_id": "theirs"})
    assert answer.status_code == 422
    assert "another company" in answer.content.decode()


def test_nothing_is_handed_out_before_there_is_a_certificate(
    owner: User, reviewer: User, issuer: User, signed_in: SignedIn, settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    found = submitted(owner, reviewer)
    answer = signed_in(issuer).post(f"/desk/certificates/{found.pk}/hand_out/", {"client_id": "c"}, follow=True)
    assert "Nothing was changed" in answer.content.decode()
