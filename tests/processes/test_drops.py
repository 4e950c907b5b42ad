"""What comes back from the corporate CA: each certificate finds its request, and only a clean one is released."""

import io
import os
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_csr
from django.test import Client
from django.utils import timezone

from onboarding.credentials import dispatching, drops, issuing, revoking
from onboarding.credentials.drops import File
from onboarding.credentials.models import CertificateRequest, Drop, Dropped
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, Organisation, User
from onboarding.pki import keys
from onboarding.pki.embedded_ca import make_ca, sign_client
from onboarding.pki.intake import MAX_ZIP_ENTRIES
from onboarding.registrations import flows as registrations
from tests.conftest import member, staff
from tests.corporate_ca import CA, KEY, OTHER_KEY, CorporateCA, as_zip, submitted

pytestmark = pytest.mark.usefixtures("production")


@pytest.fixture
def production(settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]


@pytest.fixture
def first(owner: User, reviewer: User) -> CertificateRequest:
    return submitted(owner, reviewer, key=KEY)


@pytest.fixture
def second(rival: User, reviewer: User) -> CertificateRequest:
    return submitted(rival, reviewer, key=OTHER_KEY, mzp="MZP900001")


def dropped(issuer: User, *files: bytes) -> Drop:
    made = drops.drop([File(f"{number}.pem", data) for number, data in enumerate(files)], by=issuer)
    drops.check(made.pk)
    made.refresh_from_db()
    assert made.state == "done"
    return made


def states(drop: Drop) -> list[str]:
    return list(drop.certificates.order_by("position").values_list("state", flat=True))


def test_each_certificate_finds_its_request_and_all_are_released(
    first: CertificateRequest, second: CertificateRequest, issuer: User
) -> None:
    drop = dropped(issuer, as_zip(CA.sign(second), CA.pem), CA.sign(first))
    assert states(drop) == ["fits", "fits"]
    assert [one.request for one in drop.certificates.order_by("position")] == [second, first]
    assert drops.want_released(drop.certificates.all(), actor=staff(issuer)) == 2
    assert [drops.release(str(drop.pk)), drops.release(str(drop.pk))] == [2, 0]
    assert states(drop) == ["released", "released"]
    first.refresh_from_db()
    assert first.state == "issued"
    assert Mail.objects.filter(kind="certificate_issued").count() == 2


@pytest.mark.parametrize("form", ["PEM", "DER", "PKCS#7"])
def test_in_whatever_form_it_comes(first: CertificateRequest, issuer: User, form: str) -> None:
    pem = CA.sign(first)
    one = load_pem_x509_certificate(pem)
    data = {
        "PEM": pem + CA.pem,
        "DER": one.public_bytes(Encoding.DER),
        "PKCS#7": pkcs7.serialize_certificates([one, CA.certificate], Encoding.DER),
    }[form]
    assert states(dropped(issuer, data, CA.pem)) == ["fits"]


def test_nothing_is_released_that_nobody_wants(first: CertificateRequest, issuer: User) -> None:
    drop = dropped(issuer, CA.sign(first), CA.pem)
    assert drops.release(str(drop.pk)) == 0
    first.refresh_from_db()
    assert first.state == "csr_submitted"


def test_the_wrong_ones_are_named_and_the_rest_goes_on(
    first: CertificateRequest, second: CertificateRequest, issuer: User
) -> None:
    """Another subject; one that is there twice; another CA; rubbish; a private key."""
    again = CA.sign(second)
    drop = dropped(
        issuer,
        CA.sign(first, emailAddress="other@x.example"),
        again,
        again,
        CA.sign(second),
        CorporateCA().sign(first),
        CA.pem,
        os.urandom(64),
        keys.encrypt_key(KEY, b"x"),
    )
    assert states(drop) == ["refused", "fits", "again", "refused"]
    assert [note["code"] for note in drop.notes] == ["certificate_unknown", "certificate_with_private_key"]


def test_a_key_that_no_request_has_answers_none(
    first: CertificateRequest, second: CertificateRequest, issuer: User
) -> None:
    pem = CA.sign(second)
    issuing.refuse_csr(second, note="x", actor=staff(issuer))
    CertificateRequest.objects.filter(pk=second.pk).update(spki_sha256="")
    assert states(dropped(issuer, pem, CA.pem)) == ["unknown"]


def test_what_was_taken_in_already_is_told(first: CertificateRequest, issuer: User) -> None:
    pem = CA.sign(first)
    issuing.take_in(first, certificate=pem, ca_certificate=CA.pem, actor=staff(issuer))
    assert states(dropped(issuer, pem)) == ["taken"]
    assert states(dropped(issuer, CA.sign(first))) == ["refused"]


def test_the_usual_ca_need_not_come_again(first: CertificateRequest, second: CertificateRequest, issuer: User) -> None:
    issuing.take_in(first, certificate=CA.sign(first), ca_certificate=CA.pem, actor=staff(issuer))
    drop = dropped(issuer, CA.sign(second))
    assert states(drop) == ["fits"]
    drops.want_released(drop.certificates.all(), actor=staff(issuer))
    assert drops.release(str(drop.pk)) == 1


def test_a_ca_s_certificate_for_the_key_of_a_csr_is_refused_by_name_and_trusted_by_nobody(
    first: CertificateRequest, second: CertificateRequest, issuer: User
) -> None:
    theirs = make_ca(KEY, "MZP128745", timezone.now())
    drop = dropped(issuer, theirs.public_bytes(Encoding.PEM), CA.sign(second), CA.pem)
    assert sorted(states(drop)) == ["fits", "refused"]
    codes = [
        finding["code"]
        for check in drop.certificates.get(state="refused").report["checks"]
        for finding in check["findings"]
    ]
    assert "certificate_is_ca" in codes
    assert drop.ca_pem.encode() == CA.pem


def test_a_serial_number_that_another_certificate_of_the_issuer_has_is_refused_by_name(
    first: CertificateRequest, second: CertificateRequest, issuer: User
) -> None:
    """Also where both come at once: the second is found out when it would be released."""
    both = [
        sign_client(
            load_pem_x509_csr(one.csr_pem.encode()), ca=CA.certificate, ca_key=CA.key, now=timezone.now(), serial=4711
        ).public_bytes(Encoding.PEM)
        for one in (first, second)
    ]
    drop = dropped(issuer, *both, CA.pem)
    drops.want_released(drop.certificates.all(), actor=staff(issuer))
    assert drops.release(str(drop.pk)) == 1
    assert states(drop) == ["released", "refused"]
    assert states(dropped(issuer, both[1], CA.pem)) == ["refused"]
    report = drop.certificates.get(state="refused").report
    assert "certificate_serial_taken" in [
        finding["code"] for check in report["checks"] for finding in check["findings"]
    ]


@pytest.mark.parametrize("what", ["suspended", "revoked"])
def test_why_a_certificate_that_is_right_is_not_released_is_said(
    first: CertificateRequest, issuer: User, reviewer: User, signed_in: Callable[[User], Client], what: str
) -> None:
    pem = CA.sign(first)
    if what == "suspended":
        registrations.suspend(first.application.registration, reason="misuse", note="x", actor=staff(reviewer))
    else:
        issuing.take_in(first, certificate=pem, ca_certificate=CA.pem, actor=staff(issuer))
        revoking.revoke(first, reason="superseded", note="x", actor=staff(issuer))
    drop = dropped(issuer, CA.sign(first), CA.pem)
    assert states(drop) == ["refused"]
    page = signed_in(issuer).get(f"/desk/dropped/{drop.certificates.get().pk}/").content.decode()
    assert {
        "suspended": "nothing is issued for the application: “Suspended”",
        "revoked": "its request stands at “Revoked”",
    }[what] in page


def test_what_moved_on_meanwhile_is_not_released(first: CertificateRequest, issuer: User) -> None:
    drop = dropped(issuer, CA.sign(first), CA.pem)
    issuing.refuse_csr(first, note="Another name.", actor=staff(issuer))
    drops.want_released(drop.certificates.all(), actor=staff(issuer))
    assert drops.release(str(drop.pk)) == 0
    assert states(drop) == ["refused"]


def test_without_a_certificate_nothing_is_kept(db: None, issuer: User) -> None:
    with pytest.raises(drops.NothingDropped):
        drops.drop([File("a.txt", b"hello"), File("ca.pem", CA.pem)], by=issuer)
    assert not Drop.objects.exists()


def test_a_zip_of_too_many_entries_is_refused_and_the_rest_goes_on(first: CertificateRequest, issuer: User) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(MAX_ZIP_ENTRIES + 1):
            archive.writestr(str(number), b"")
    drop = dropped(issuer, data.getvalue(), CA.sign(first), CA.pem)
    assert states(drop) == ["fits"]
    assert [note["code"] for note in drop.notes] == ["certificate_zip_entries"]


def test_a_lost_worker_s_check_goes_on_where_it_ended(
    first: CertificateRequest, second: CertificateRequest, issuer: User
) -> None:
    made = drops.drop([File("a", CA.sign(first)), File("b", CA.sign(second)), File("c", CA.pem)], by=issuer)
    Dropped.objects.filter(drop=made, position=1).update(state="fits", request=first)
    drops.check(made.pk)
    assert states(made) == ["fits", "fits"]


def test_the_csrs_go_out_with_a_manifest(first: CertificateRequest, second: CertificateRequest) -> None:
    rows = CertificateRequest.objects.select_related("application__organisation", "partner_login").order_by(
        "created_at"
    )
    with zipfile.ZipFile(io.BytesIO(dispatching.archive(rows))) as archive:
        names = archive.namelist()
        manifest = archive.read("manifest.json").decode()
        assert archive.read(names[0]).decode() == first.csr_pem
    assert names == [
        f"MZP128745-production-{first.spki_sha256[:8]}.csr",
        f"MZP900001-production-{second.spki_sha256[:8]}.csr",
        "manifest.json",
    ]
    assert '"company": "Example Mobility"' in manifest


def test_what_a_partner_brought_along_is_nobody_else_s_ca(
    first: CertificateRequest, second: CertificateRequest, issuer: User, owner: User
) -> None:
    theirs = CorporateCA()
    issuing.take_in(first, certificate=theirs.sign(first), ca_certificate=theirs.pem, actor=member(owner))
    assert states(dropped(issuer, theirs.sign(second))) == ["refused"]


def test_with_a_ca_of_its_own_a_drop_is_held_against_that_alone(
    first: CertificateRequest, second: CertificateRequest, issuer: User
) -> None:
    issuing.take_in(first, certificate=CA.sign(first), ca_certificate=CA.pem, actor=staff(issuer))
    new = CorporateCA()
    drop = dropped(issuer, new.sign(second), new.pem)
    drops.want_released(drop.certificates.all(), actor=staff(issuer))
    assert drops.release(str(drop.pk)) == 1
    second.refresh_from_db()
    assert second.ca_pem.encode() == new.pem


def test_what_this_issuer_may_not_release_stays_and_the_rest_is_released(
    first: CertificateRequest, second: CertificateRequest, issuer: User, partner: Organisation
) -> None:
    Membership.objects.create(organisation=partner, user=issuer, role="viewer")
    drop = dropped(issuer, CA.sign(first), CA.sign(second), CA.pem)
    assert drops.want_released(drop.certificates.all(), actor=staff(issuer)) == 2
    assert drops.release(str(drop.pk)) == 1
    assert states(drop) == ["fits", "released"]
    assert drop.certificates.get(state="fits").wanted_at is None


def test_who_approved_does_not_release_where_duties_are_separate(
    first: CertificateRequest, reviewer: User, settings: Any
) -> None:
    settings.SEPARATE_DUTIES = True
    drop = dropped(reviewer, CA.sign(first), CA.pem)
    drops.want_released(drop.certificates.all(), actor=staff(reviewer))
    assert drops.release(str(drop.pk)) == 0
    assert states(drop) == ["fits"]
