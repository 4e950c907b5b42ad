"""A key belongs to one company, best to one partner login, and best to one certificate."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from onboarding.credentials import flows
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import User
from onboarding.pki.csr import CsrReport, build_csr
from tests.conftest import member
from tests.journey import SUBJECT, approved


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def submit(user: User, reviewer: User, key: rsa.RSAPrivateKey, mzp: str) -> CsrReport:
    request = flows.open_request(approved(user, reviewer, mzp=mzp), "sandbox", actor=member(user))
    flows.describe_key(request, subject=SUBJECT, custody="own")
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
    flows.describe_key(request, subject=SUBJECT, custody="own")
    assert codes(flows.submit_csr(request, build_csr(key, request.subject), actor=member(owner))) == []
