"""What the records tell of a CSR.

A key belongs to one company, best to one partner login, and best to one certificate; the e-mail address is best one
that has been proven to reach the company.
"""

import pytest
from allauth.account.models import EmailAddress
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from onboarding.credentials import flows, private_keys
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import Contact, Organisation, User
from onboarding.partners.people import verified_addresses
from onboarding.pki.csr import CsrReport, build_csr
from tests.conftest import member
from tests.journey import SUBJECT, approved


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def submit(user: User, reviewer: User, key: rsa.RSAPrivateKey, mzp: str, email: str = "") -> CsrReport:
    request = flows.open_request(approved(user, reviewer, mzp=mzp), "sandbox", actor=member(user))
    flows.describe_key(request, subject=SUBJECT | {"emailAddress": email or user.email}, custody="own")
    return flows.submit_csr(request, build_csr(key, request.subject), actor=member(user))


def codes(report: CsrReport) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_new_key_is_nothing_to_speak_of(owner: User, reviewer: User, key: rsa.RSAPrivateKey) -> None:
    assert codes(submit(owner, reviewer, key, "MZP128745")) == []


def test_a_key_of_another_company_is_refused(owner: User, rival: User, reviewer: User, key: rsa.RSAPrivateKey) -> None:
    assert submit(owner, reviewer, key, "MZP128745").fit
    report = submit(rival, reviewer, key, "MZP300001")
    assert codes(report) == ["key_of_another_organisation"]
    assert not report.fit
    assert CertificateRequest.objects.filter(state="csr_submitted").count() == 1


def test_a_key_under_another_login_of_the_same_company_is_warned_about(
    owner: User, reviewer: User, key: rsa.RSAPrivateKey
) -> None:
    submit(owner, reviewer, key, "MZP128745")
    report = submit(owner, reviewer, key, "MZP128746")
    assert codes(report) == ["key_under_another_login"]
    assert report.findings[0].found == "MZP128745"
    assert report.fit


def test_a_key_of_an_earlier_request_is_warned_about(owner: User, reviewer: User, key: rsa.RSAPrivateKey) -> None:
    submit(owner, reviewer, key, "MZP128745")
    report = submit(owner, reviewer, key, "MZP128745")
    assert codes(report) == ["key_used_before"]
    assert report.fit


def test_a_key_whose_csr_was_taken_back_may_be_sent_again(owner: User, reviewer: User, key: rsa.RSAPrivateKey) -> None:
    submit(owner, reviewer, key, "MZP128745")
    request = CertificateRequest.objects.get()
    flows.restart(request, actor=member(owner))
    flows.describe_key(request, subject=SUBJECT | {"emailAddress": owner.email}, custody="own")
    assert codes(flows.submit_csr(request, build_csr(key, request.subject), actor=member(owner))) == []


STRANGE = "fleet@example-mobility.example"


@pytest.mark.parametrize("custody", ["own", "browser", "vault"])
def test_an_address_that_is_not_verified_is_warned_about_on_every_way_in(
    owner: User, reviewer: User, key: rsa.RSAPrivateKey, custody: str
) -> None:
    request = flows.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    flows.describe_key(request, subject=SUBJECT | {"emailAddress": STRANGE}, custody=custody)
    if custody == "vault":
        private_keys.make_key(private_keys.order_key(request, bits=2048, actor=member(owner)).pk)
    else:
        chosen = CertificateRequest.Custody(custody)
        assert flows.submit_csr(request, build_csr(key, request.subject), actor=member(owner), custody=chosen).fit
    request.refresh_from_db()
    assert request.state == "csr_submitted"
    assert [(found["code"], found["severity"], found["field"], found["found"]) for found in request.findings] == [
        ("email_not_of_a_contact", "warning", "emailAddress", STRANGE)
    ]


@pytest.mark.parametrize("email", ["owner@example-mobility.example", "Owner@Example-Mobility.EXAMPLE"])
def test_an_address_that_a_member_signs_in_with_is_nothing_to_speak_of(
    owner: User, reviewer: User, key: rsa.RSAPrivateKey, email: str
) -> None:
    assert codes(submit(owner, reviewer, key, "MZP128745", email)) == []


def test_an_address_that_is_none_is_told_to_be_that_alone(owner: User, reviewer: User, key: rsa.RSAPrivateKey) -> None:
    assert codes(submit(owner, reviewer, key, "MZP128745", "fleet at example")) == ["email_invalid"]


def test_verified_are_the_confirmed_addresses_of_contacts_and_of_active_members(
    partner: Organisation, rival_partner: Organisation, owner: User, colleague: User, rival: User
) -> None:
    for organisation, name, verified in ((partner, "desk", True), (partner, "new", False), (rival_partner, "x", True)):
        Contact.objects.create(
            organisation=organisation,
            name=name,
            email=f"{name.title()}@example.com",
            verified_at=timezone.now() if verified else None,
        )
    EmailAddress.objects.create(user=owner, email="certificates@example.com", verified=True)
    EmailAddress.objects.create(user=owner, email="unconfirmed@example.com", verified=False)
    colleague.is_active = False
    colleague.save()
    assert verified_addresses(partner) == {"desk@example.com", "certificates@example.com", owner.email}
