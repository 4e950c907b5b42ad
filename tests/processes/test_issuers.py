"""Who signs: the built issuers, and another CA plugged in by one class and one line of `ISSUERS`."""

import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client

from onboarding import leases
from onboarding.credentials import flows, signing
from onboarding.credentials.duties import SameHands
from onboarding.credentials.issuers import CertificateProfile, Issuer, Refused, Signed, Unreachable, name_for
from onboarding.credentials.issuers.embedded import EmbeddedIssuer
from onboarding.credentials.issuers.manual import ManualIssuer
from onboarding.credentials.models import CertificateRequest, IssuerOrder
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.pki.csr import build_csr
from tests.conftest import member, staff
from tests.corporate_ca import CA, KEY, OTHER_KEY, CorporateCA, submitted
from tests.journey import with_key
from tests.programs import require

Browser = Callable[[User], Client]
Answer = Callable[[x509.CertificateSigningRequest, CertificateProfile], Signed | None]


class Scripted:
    """A CA that does what the test says."""

    label = "the test's CA"
    at_once = False
    answer: Answer
    asked: list[str] = []

    def issue(self, csr: x509.CertificateSigningRequest, profile: CertificateProfile) -> Signed | None:
        Scripted.asked.append(profile.reference)
        return Scripted.answer(csr, profile)


class OpenSSL:
    """A CA that is a folder and the program `openssl`."""

    label = "the CA in a folder"
    at_once = False
    extensions = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n"

    def issue(self, csr: x509.CertificateSigningRequest, profile: CertificateProfile) -> Signed:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "extensions").write_text(self.extensions)
            (place / "csr").write_bytes(csr.public_bytes(Encoding.PEM))
            make_root = shlex.split(
                "req -x509 -newkey rsa:2048 -nodes -keyout key -out root -days 3650 -subj /CN=Folder"
            )
            sign = shlex.split("x509 -req -in csr -CA root -CAkey key -CAcreateserial -days 365 -extfile extensions")
            self._openssl(place, *make_root)
            return Signed(self._openssl(place, *sign), (place / "root").read_bytes())

    @staticmethod
    def _openssl(folder: Path, *arguments: str) -> bytes:
        return subprocess.run([require("openssl"), *arguments], cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture(autouse=True)
def production(settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    settings.ISSUERS = {"production": f"{__name__}.Scripted"}
    Scripted.asked = []


@pytest.fixture
def waiting(owner: User, reviewer: User) -> CertificateRequest:
    return submitted(owner, reviewer)


def signs(csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> Signed:
    return Signed(CA.sign_csr(csr.public_bytes(Encoding.PEM)), CA.pem)


def asked(request: CertificateRequest, issuer: User, answer: Answer = signs) -> IssuerOrder:
    Scripted.answer = staticmethod(answer)  # type: ignore[assignment]
    order = signing.order_signature(request, actor=staff(issuer))
    signing.ask(order.pk)
    order.refresh_from_db()
    request.refresh_from_db()
    return order


def test_the_sandbox_has_the_embedded_ca_and_the_rest_a_person_unless_the_setting_says_otherwise(settings: Any) -> None:
    settings.ISSUERS = {"production": "acme.Issuer", "end_user/production": "manual"}
    assert [name_for("fleet_owner", place) for place in ("sandbox", "preprod", "production")] == [
        "embedded",
        "manual",
        "acme.Issuer",
    ]
    assert name_for("end_user", "production") == "manual"


def test_the_built_ones_keep_to_the_interface(db: None) -> None:
    csr = x509.load_pem_x509_csr(build_csr(KEY, {"CN": "MZP128745"}))
    profile = CertificateProfile("fleet_owner", "sandbox", "1")
    by_hand: Issuer = ManualIssuer()
    here: Issuer = EmbeddedIssuer()
    assert by_hand.issue(csr, profile) is None
    signed = here.issue(csr, profile)
    assert signed is not None
    assert x509.load_pem_x509_certificate(signed.certificate).subject == csr.subject


def test_another_ca_is_one_class_and_one_line(
    waiting: CertificateRequest, issuer: User, settings: Any, signed_in: Browser, nothing_queued: list[Any]
) -> None:
    """From the click at the desk to the certificate at the partner's, with `openssl` as the CA."""
    settings.ISSUERS = {"fleet_owner/production": f"{__name__}.OpenSSL"}
    client, url = signed_in(issuer), f"/desk/certificates/{waiting.pk}/"
    assert "the CA in a folder is asked to sign it." in client.get(url).content.decode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda send, **_options: send())
        shown = client.post(f"{url}sign/", follow=True).content.decode()
    assert "The CA is being asked." in shown
    assert f'action="{url}sign/"' not in shown
    [(task, (order,))] = [entry for entry in nothing_queued if entry[0] == signing.ASK]
    signing.ask(order)
    waiting.refresh_from_db()
    assert (task, waiting.state) == (signing.ASK, "issued")
    assert {row["result"] for row in waiting.certificate_report["checks"]} == {"passed"}
    assert Mail.objects.filter(kind="certificate_issued").exists()


def test_whoever_asks_twice_finds_the_same_order_and_the_ca_is_asked_once(
    waiting: CertificateRequest, issuer: User
) -> None:
    Scripted.answer = staticmethod(signs)  # type: ignore[assignment]
    first, second = (signing.order_signature(waiting, actor=staff(issuer)) for _ in range(2))
    assert first == second
    signing.ask(first.pk)
    signing.ask(first.pk)
    assert Scripted.asked == [str(waiting.pk)]


def _another_key(_csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> Signed:
    return Signed(CA.sign_csr(build_csr(OTHER_KEY, {"CN": "MZP128745"})), CA.pem)


def _another_name(_csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> Signed:
    return Signed(CA.sign_csr(build_csr(KEY, {"CN": "MZP128745", "O": "Example"})), CA.pem)


def _another_ca(csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> Signed:
    return Signed(CA.sign_csr(csr.public_bytes(Encoding.PEM)), CorporateCA().pem)


def _for_a_day(csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> Signed:
    return Signed(CA.sign_csr(csr.public_bytes(Encoding.PEM), days=1), CA.pem)


def _rubbish(_csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> Signed:
    return Signed(b"<html>Sign in</html>", CA.pem)


@pytest.mark.parametrize("answer", [_another_key, _another_name, _another_ca, _for_a_day, _rubbish])
def test_what_a_ca_signs_is_released_only_if_it_is_clean(
    waiting: CertificateRequest, issuer: User, answer: Answer, signed_in: Browser
) -> None:
    order = asked(waiting, issuer, answer)
    assert (order.state, waiting.state, waiting.certificate_pem) == ("unclean", "csr_submitted", "")
    shown = signed_in(issuer).get(f"/desk/certificates/{waiting.pk}/").content.decode()
    assert "signed something else" in shown
    assert "Ask the CA again" in shown


def _refuses(_csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> Signed:
    raise Refused("The company has no contract.")


def _fails(_csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> Signed:
    raise KeyError("password=hunter2")


def _nothing_yet(_csr: x509.CertificateSigningRequest, _profile: CertificateProfile) -> None:
    return None


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (_refuses, "refused", "The company has no contract."),
        (_fails, "broken", "KeyError"),
        (_nothing_yet, "handed_on", "has signed nothing yet"),
    ],
)
def test_what_a_ca_does_instead_is_told_to_staff_and_nothing_changes(
    waiting: CertificateRequest, issuer: User, signed_in: Browser, answer: Answer, state: str, said: str
) -> None:
    order = asked(waiting, issuer, answer)
    assert (order.state, waiting.state) == (state, "csr_submitted")
    shown = signed_in(issuer).get(f"/desk/certificates/{waiting.pk}/").content.decode()
    assert said in shown
    assert "hunter2" not in shown


def test_a_ca_that_is_down_is_asked_again_and_then_staff_are_told(waiting: CertificateRequest, issuer: User) -> None:
    def down(_csr: object, _profile: object) -> Signed:
        raise Unreachable

    order = asked(waiting, issuer, down)
    assert order.state == "queued"
    for _ in range(leases.MAX_ATTEMPTS - 1):
        signing.ask(order.pk)
    order.refresh_from_db()
    assert (order.state, len(Scripted.asked)) == ("failed", leases.MAX_ATTEMPTS)
    assert asked(waiting, issuer).state == "done"


def test_a_csr_that_was_taken_back_while_the_ca_signed_gets_no_certificate(
    waiting: CertificateRequest, issuer: User, owner: User
) -> None:
    def slowly(csr: x509.CertificateSigningRequest, profile: CertificateProfile) -> Signed:
        flows.restart(CertificateRequest.objects.get(pk=waiting.pk), actor=member(owner))
        return signs(csr, profile)

    order = asked(waiting, issuer, slowly)
    assert (order.state, waiting.state, waiting.certificate_pem) == ("cancelled", "awaiting_csr", "")


def test_who_approved_does_not_have_it_signed_where_duties_are_separate(
    waiting: CertificateRequest, reviewer: User, settings: Any
) -> None:
    settings.SEPARATE_DUTIES = True
    with pytest.raises(SameHands):
        signing.order_signature(waiting, actor=staff(reviewer))


def test_what_was_issued_is_not_signed_again(waiting: CertificateRequest, issuer: User) -> None:
    assert asked(waiting, issuer).state == "done"
    with pytest.raises(IllegalTransition):
        signing.order_signature(waiting, actor=staff(issuer))


def test_with_a_person_as_issuer_nothing_offers_to_sign(
    waiting: CertificateRequest, issuer: User, signed_in: Browser, settings: Any
) -> None:
    settings.ISSUERS = {}
    client, url = signed_in(issuer), f"/desk/certificates/{waiting.pk}/"
    assert "Sign here" not in client.get(url).content.decode()
    client.post(f"{url}sign/")
    assert not IssuerOrder.objects.exists()


def test_in_the_sandbox_the_embedded_ca_signs_while_the_page_waits(
    owner: User, reviewer: User, issuer: User, signed_in: Browser
) -> None:
    request = with_key(owner, reviewer)
    shown = signed_in(issuer).post(f"/desk/certificates/{request.pk}/sign/", follow=True).content.decode()
    assert "Signed. The certificate and the sandbox credentials are with the partner." in shown
    assert not IssuerOrder.objects.exists()
