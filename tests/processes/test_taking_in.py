"""A certificate that was signed elsewhere is taken in, by staff or by the partner, or refused, each check named."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from onboarding.audit.models import Entry
from onboarding.credentials import flows, issuing
from onboarding.credentials.models import CertificateRequest
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.models import Mail
from onboarding.partners.actors import Actor
from onboarding.partners.models import Membership, User
from onboarding.pki import keys
from onboarding.pki.certificates import CHECKS
from onboarding.pki.csr import build_csr
from tests.conftest import member, staff
from tests.corporate_ca import CA, KEY, OTHER_KEY, as_zip, submitted
from tests.journey import SUBJECT
from tests.pki import minting

PEM = Encoding.PEM


@pytest.fixture(autouse=True)
def environments(settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = ["production", "preproduction"]


@pytest.fixture
def request_(owner: User, reviewer: User) -> CertificateRequest:
    return submitted(owner, reviewer)


def refused(request: CertificateRequest, actor: Actor, certificate: bytes, ca: bytes = CA.pem) -> Any:
    """The report of a refusal, after which nothing may have changed."""
    before = CertificateRequest.objects.filter(pk=request.pk).values().get()
    with pytest.raises(issuing.CertificateRefused) as caught:
        issuing.take_in(request, certificate=certificate, ca_certificate=ca, actor=actor)
    assert CertificateRequest.objects.filter(pk=request.pk).values().get() == before
    return caught.value.report


# --- By the partner, by staff ---


def test_a_partner_takes_in_what_came_by_mail_and_the_history_says_so(
    owner: User, colleague: User, request_: CertificateRequest
) -> None:
    issuing.take_in(request_, certificate=CA.sign(request_), ca_certificate=CA.pem, actor=member(colleague))
    request_.refresh_from_db()
    assert request_.state == "issued"
    entry = Entry.objects.get(event="certificate_request:receive")
    assert (entry.actor_kind, entry.actor_id) == ("member", colleague.pk)
    assert request_.credential_sets.count() == 1
    assert Mail.objects.filter(kind="certificate_issued").count() == 2


@pytest.mark.parametrize("accepted", [False, True])
def test_it_does_not_matter_whether_staff_had_accepted_the_csr_here(
    owner: User, issuer: User, request_: CertificateRequest, accepted: bool
) -> None:
    if accepted:
        issuing.accept_csr(request_, actor=staff(issuer))
    issuing.take_in(request_, certificate=CA.sign(request_), ca_certificate=CA.pem, actor=member(owner))
    assert request_.state == "issued"


def test_staff_accept_and_issue_in_one_step(issuer: User, request_: CertificateRequest) -> None:
    issuing.take_in(request_, certificate=CA.sign(request_), ca_certificate=CA.pem, actor=staff(issuer))
    assert [entry.event for entry in Entry.objects.order_by("-occurred_at")[:2]] == [
        "certificate_request:issue",
        "certificate_request:accept",
    ]


def test_partners_take_in_nothing_for_the_sandbox(owner: User, issuer: User, reviewer: User) -> None:
    request = submitted(owner, reviewer, environment="sandbox")
    given = {"certificate": CA.sign(request), "ca_certificate": CA.pem}
    with pytest.raises(IllegalTransition):
        issuing.take_in(request, **given, actor=member(owner))
    assert request.state == "csr_submitted"
    issuing.take_in(request, **given, actor=staff(issuer))
    assert request.state == "issued"


def test_a_second_click_is_told_that_it_moved_on(owner: User, request_: CertificateRequest) -> None:
    late = CertificateRequest.objects.get(pk=request_.pk)
    given = {"certificate": CA.sign(request_), "ca_certificate": CA.pem, "actor": member(owner)}
    issuing.take_in(request_, **given)
    for stale in (late, request_):
        with pytest.raises(IllegalTransition) as moved:
            issuing.take_in(stale, **given)
        assert moved.value.state == "issued"
    assert request_.credential_sets.count() == 1


def test_a_csr_that_is_replaced_during_the_check_gets_no_certificate_of_the_old_one(
    owner: User, request_: CertificateRequest
) -> None:
    stale = CertificateRequest.objects.get(pk=request_.pk)
    flows.restart(request_, actor=member(owner))
    assert flows.submit_csr(request_, build_csr(OTHER_KEY, request_.subject), actor=member(owner)).fit
    with pytest.raises(IllegalTransition):
        issuing.take_in(stale, certificate=CA.sign(stale), ca_certificate=CA.pem, actor=member(owner))
    request_.refresh_from_db()
    assert (request_.state, request_.certificate_pem) == ("csr_submitted", "")


# --- Files ---


def as_pkcs7(*pems: bytes) -> bytes:
    return pkcs7.serialize_certificates([x509.load_pem_x509_certificate(pem) for pem in pems], Encoding.DER)


@pytest.mark.parametrize("pack", [b"".join, lambda pems: as_pkcs7(*pems), lambda pems: as_zip(*pems)])
def test_the_ca_may_be_left_out_where_the_file_holds_it(
    owner: User, request_: CertificateRequest, pack: Callable[[list[bytes]], bytes]
) -> None:
    issuing.take_in(request_, certificate=pack([CA.pem, CA.sign(request_)]), actor=member(owner))
    assert request_.ca_pem.encode() == CA.pem


def test_two_files_that_were_taken_for_one_another_are_understood(owner: User, request_: CertificateRequest) -> None:
    issuing.take_in(request_, certificate=CA.pem, ca_certificate=CA.sign(request_), actor=member(owner))
    assert (request_.state, request_.ca_pem.encode()) == ("issued", CA.pem)


def test_without_any_ca_it_is_asked_for_by_name(owner: User, request_: CertificateRequest) -> None:
    report = refused(request_, member(owner), CA.sign(request_), b"")
    (finding,) = report.findings
    assert (finding.code, finding.expected) == ("ca_missing", "CN=Corporate Root")


def test_what_is_kept_is_the_way_up_in_its_order_without_the_root_and_the_ca_as_given(
    owner: User, request_: CertificateRequest
) -> None:
    chain = Chain(request_)
    shuffled = b"".join(one.public_bytes(PEM) for one in (chain.root, chain.unneeded, chain.middle, chain.leaf))
    issuing.take_in(request_, certificate=shuffled, actor=member(owner))
    assert x509.load_pem_x509_certificates(request_.certificate_pem.encode()) == [chain.leaf, chain.middle]
    assert x509.load_pem_x509_certificates(request_.ca_pem.encode()) == [chain.root]


class Chain:
    """A certificate through an intermediate, and an intermediate that has nothing to do with it."""

    def __init__(self, request: CertificateRequest) -> None:
        root_key, middle_key = minting.new_key(), minting.new_key()
        csr = x509.load_pem_x509_csr(request.csr_pem.encode())
        root, middle = minting.name("Root"), minting.name("Issuing")
        self.root = minting.mint(root, root_key, root, root_key, minting.of_ca(root_key))
        self.middle = minting.mint(middle, middle_key, root, root_key, minting.of_ca(middle_key, root_key))
        other = minting.name("Issuing for servers")
        self.unneeded = minting.mint(other, root_key, root, root_key, minting.of_ca(root_key, root_key))
        self.leaf = minting.mint(csr.subject, KEY, middle, middle_key, minting.of_client(KEY, middle_key))


# --- The report ---


def test_what_cannot_be_read_fails_the_first_check_and_the_others_are_not_reached(
    owner: User, request_: CertificateRequest
) -> None:
    report = refused(request_, member(owner), b"hello")
    assert [str(checked.result) for checked in report.checks] == ["failed"] + ["not_reached"] * 10
    assert [finding.code for finding in report.findings] == ["certificate_unknown"]


def test_a_ca_file_that_cannot_be_read_fails_the_last_check_alone(owner: User, request_: CertificateRequest) -> None:
    report = refused(request_, member(owner), CA.sign(request_), b"<html>")
    assert [checked.id for checked in report.checks if checked.result != "passed"] == ["chain"]
    assert [(finding.code, finding.field) for finding in report.findings] == [("certificate_is_html", "chain")]


@pytest.mark.parametrize("swap", [False, True])
def test_a_private_key_in_either_file_is_refused(owner: User, request_: CertificateRequest, swap: bool) -> None:
    exposed = CA.pem + keys.encrypt_key(KEY, b"x")
    files = (exposed, CA.sign(request_)) if swap else (CA.sign(request_), exposed)
    report = refused(request_, member(owner), *files)
    assert [finding.code for finding in report.findings] == ["certificate_with_private_key"]


def test_a_certificate_that_is_only_unlike_the_csr_is_taken_in_with_a_warning_and_the_difference_kept(
    owner: User, request_: CertificateRequest
) -> None:
    issuing.take_in(
        request_, certificate=CA.sign(request_, O="EXAMPLE MOBILITY"), ca_certificate=CA.pem, actor=member(owner)
    )
    report = request_.certificate_report
    assert report["fit"]
    assert [checked["id"] for checked in report["checks"]] == [check.id for check in CHECKS]
    assert [checked["id"] for checked in report["checks"] if checked["result"] == "warning"] == ["subject"]
    (row,) = (row for row in report["subject"] if not row["same"])
    assert row == {"attribute": "O", "asked": "Example Mobility", "has": "EXAMPLE MOBILITY", "same": False}


def test_the_embedded_ca_s_certificates_pass_the_same_checks(owner: User, issuer: User, reviewer: User) -> None:
    request = submitted(owner, reviewer, environment="sandbox")
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    assert {checked["result"] for checked in request.certificate_report["checks"]} == {"passed"}


# --- Whose it is ---


def codes(report: Any) -> list[str]:
    return [finding.code for finding in report.findings if finding.field == "key"]


def test_the_right_request_is_named_when_it_is_the_wrong_one(
    owner: User, issuer: User, reviewer: User, request_: CertificateRequest
) -> None:
    other = submitted(owner, reviewer, key=OTHER_KEY, mzp="MZP128746", environment="preproduction")
    for actor in (member(owner), staff(issuer)):
        report = refused(request_, actor, CA.sign(other))
        assert codes(report) == ["certificate_of_another_request"]
        params = report.findings[0].params
        assert (params["request_id"], params["login"], params["environment"], params["reference"]) == (
            str(other.pk),
            "MZP128746",
            "Pre-production",
            other.application.reference,
        )


def test_whose_it_is_is_not_told_to_those_who_may_not_see_it(
    owner: User, rival: User, issuer: User, reviewer: User, request_: CertificateRequest
) -> None:
    theirs = submitted(rival, reviewer, key=OTHER_KEY, mzp="MZP300001")
    report = refused(request_, member(owner), CA.sign(theirs))
    assert codes(report) == ["certificate_other_key"]
    assert str(theirs.pk) not in str(report.to_json())
    assert codes(refused(request_, staff(issuer), CA.sign(theirs))) == ["certificate_of_another_request"]


def test_who_belongs_to_both_companies_is_told(
    owner: User, rival: User, reviewer: User, request_: CertificateRequest
) -> None:
    theirs = submitted(rival, reviewer, key=OTHER_KEY, mzp="MZP300001")
    Membership.objects.create(organisation=theirs.organisation, user=owner, role="viewer")
    assert codes(refused(request_, member(owner), CA.sign(theirs))) == ["certificate_of_another_request"]


def test_an_old_certificate_for_the_same_key_is_not_taken_for_the_new_one(
    owner: User, reviewer: User, request_: CertificateRequest
) -> None:
    old = CA.sign(request_)
    issuing.take_in(request_, certificate=old, ca_certificate=CA.pem, actor=member(owner))
    flows.activate(request_, actor=member(owner))
    renewal = flows.open_request(request_.application, "production", actor=member(owner))
    flows.describe_key(renewal, subject=SUBJECT, custody="own")
    assert flows.submit_csr(renewal, build_csr(KEY, renewal.subject), actor=member(owner)).fit
    report = refused(renewal, member(owner), old)
    assert codes(report) == ["certificate_taken_in_already"]
    issuing.take_in(renewal, certificate=CA.sign(renewal), ca_certificate=CA.pem, actor=member(owner))
    flows.activate(renewal, actor=member(owner))
    request_.refresh_from_db()
    assert request_.state == "superseded"


def test_a_certificate_of_a_superseded_request_is_named_too(
    owner: User, reviewer: User, request_: CertificateRequest
) -> None:
    other = submitted(owner, reviewer, key=OTHER_KEY, mzp="MZP128746")
    theirs = CA.sign(other)
    issuing.take_in(other, certificate=theirs, ca_certificate=CA.pem, actor=member(owner))
    CertificateRequest.objects.filter(pk=other.pk).update(state="superseded")
    assert codes(refused(request_, member(owner), theirs)) == ["certificate_taken_in_already"]
    assert codes(refused(request_, member(owner), CA.sign(other))) == ["certificate_of_another_request"]


def test_of_several_certificates_for_the_key_the_newest_is_taken_and_the_same_one_twice_counts_once(
    owner: User, request_: CertificateRequest
) -> None:
    leaf = x509.load_pem_x509_certificate(CA.sign(request_))
    older = minting.mint(
        leaf.subject,
        KEY,
        CA.certificate.subject,
        CA.key,
        minting.of_client(KEY, CA.key),
        begin=minting.NOW - 90 * minting.DAY,
    ).public_bytes(PEM)
    newer = leaf.public_bytes(PEM)
    taken = issuing.take_in(request_, certificate=newer + older + newer + CA.pem, actor=member(owner))
    assert [(finding.code, finding.found) for finding in taken.report.findings] == [("certificate_several", "2")]
    assert request_.serial_number == f"{leaf.serial_number:x}"


def test_of_a_zip_of_many_that_are_all_for_others_each_is_named(
    owner: User, rival: User, issuer: User, reviewer: User, request_: CertificateRequest
) -> None:
    others = [
        submitted(owner, reviewer, key=OTHER_KEY, mzp="MZP128746"),
        submitted(rival, reviewer, key=keys.generate_rsa_key(2048), mzp="MZP300001"),
    ]
    many = as_zip(*map(CA.sign, others))
    report = refused(request_, staff(issuer), many)
    assert codes(report) == ["certificate_of_another_request"] * 2
    assert {finding.params["login"] for finding in report.checks[1].findings} == {"MZP128746", "MZP300001"}
    assert [finding.params["login"] for finding in refused(request_, member(owner), many).checks[1].findings] == [
        "MZP128746"
    ]


def test_of_a_zip_of_many_the_right_one_is_taken_and_staff_are_told_of_the_others_and_the_partner_is_not(
    owner: User, rival: User, issuer: User, reviewer: User, request_: CertificateRequest
) -> None:
    theirs = submitted(rival, reviewer, key=OTHER_KEY, mzp="MZP300001")
    damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    many = as_zip(CA.sign(theirs), CA.pem, damaged, CA.sign(request_))
    taken = issuing.take_in(request_, certificate=many, actor=staff(issuer))
    assert [claim.request_id for claim in taken.also_for] == [str(theirs.pk)]
    assert [finding.code for finding in taken.report.findings] == ["certificate_zip_unread"]
    assert "MZP300001" not in str(CertificateRequest.objects.filter(pk=request_.pk).values().get())
