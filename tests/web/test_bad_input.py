"""What is wrong is said beside the field, nothing that was typed is lost, and nothing that does not belong is kept."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from onboarding.credentials import flows as credentials
from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.sets import password_of
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.models import Organisation, User
from onboarding.pki.csr import build_csr
from onboarding.registrations.models import Application, Submission
from onboarding.validation.flows import request_run
from onboarding.vault.models import Secret
from onboarding.vault.seal import open_secret
from onboarding.web import journey
from tests.conftest import member
from tests.journey import SUBJECT, approved, described, issued, submitted, with_key

Browser = Callable[[User], Client]


@pytest.fixture
def waiting(owner: User, reviewer: User) -> CertificateRequest:
    """A cycle that waits for a CSR, custody `own`."""
    request = credentials.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    credentials.describe_key(request, subject=SUBJECT, custody="own")
    return request


@pytest.fixture
def upload_csr(waiting: CertificateRequest, owner: User, signed_in: Browser) -> Callable[[bytes], Any]:
    client = signed_in(owner)
    url = f"/applications/{waiting.application_id}/sandbox/key/upload/"

    def upload(content: bytes) -> Any:
        return client.post(url, {"file": SimpleUploadedFile("request.csr", content), "text": ""})

    return upload


def good_csr(**changes: str) -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(65537, 2048)
    return key, build_csr(key, SUBJECT | {"OU": "Programs Partners", "CN": "MZP128745"} | changes)


def key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_fit_csr_is_submitted(upload_csr: Callable[[bytes], Any], waiting: CertificateRequest) -> None:
    assert upload_csr(good_csr()[1]).status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == "csr_submitted"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not a csr", "CSR"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"x" * (64 * 1024 + 1), "larger than 64 KiB"),
        (b"x" * (1024 * 1024), "larger than 64 KiB"),
        (b"", "empty"),
    ],
    ids=["text", "html", "64 KiB + 1", "1 MiB", "empty"],
)
def test_what_is_no_csr_is_refused_with_the_reason_and_not_kept(
    upload_csr: Callable[[bytes], Any], waiting: CertificateRequest, content: bytes, words: str
) -> None:
    response = upload_csr(content)
    assert response.status_code in (200, 422)
    assert words in response.content.decode()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.csr_pem) == ("awaiting_csr", "")


def test_a_private_key_in_the_upload_is_refused_and_kept_nowhere(
    upload_csr: Callable[[bytes], Any], waiting: CertificateRequest, django_db_blocker: Any
) -> None:
    key, csr = good_csr()
    response = upload_csr(key_pem(key) + csr)
    assert response.status_code == 422
    page = response.content.decode()
    assert "private key" in page
    secret_line = key_pem(key).decode().splitlines()[1]
    assert secret_line not in page
    waiting.refresh_from_db()
    assert waiting.state == "awaiting_csr"
    assert secret_line not in str(CertificateRequest.objects.values())


def test_the_documentations_own_slip_is_recognised_by_name(upload_csr: Callable[[bytes], Any]) -> None:
    page = upload_csr(good_csr(OU="Programs Partner")[1]).content.decode()
    assert "Programs Partners" in page


def test_file_and_text_at_once_is_refused(waiting: CertificateRequest, owner: User, signed_in: Browser) -> None:
    csr = good_csr()[1]
    response = signed_in(owner).post(
        f"/applications/{waiting.application_id}/sandbox/key/upload/",
        {"file": SimpleUploadedFile("request.csr", csr), "text": csr.decode()},
    )
    assert "not both" in response.content.decode()


@pytest.mark.parametrize(
    ("step", "values", "field", "words"),
    [
        ("concept", {"name": "", "concept": "Kept text"}, "name", "Fill in"),
        ("concept", {"name": "x" * 121, "concept": "Kept text"}, "name", "at most 120"),
        ("concept", {"name": "a\u202eb", "concept": "Kept text"}, "name", "U+202E"),
        ("concept", {"name": "a\x00b", "concept": "Kept text"}, "name", "ull"),
        ("concept", {"name": "\u200b\u200d\ufeff", "concept": "Kept text"}, "name", "Fill in"),
        ("concept", {"name": "a\u2028b", "concept": "Kept text"}, "name", "one line"),
        (
            "company",
            {"company": "Kept text", "country": "FR", "contact_name": "C", "contact_email": "İ@x.example"},
            "contact_email",
            "mail would not arrive",
        ),
        (
            "company",
            {"company": "Kept text", "country": "FR", "contact_name": "C", "contact_email": "nobody"},
            "contact_email",
            "valid",
        ),
        (
            "usage",
            {"brands": ["peugeot"], "usage_basis": "direct", "requests_per_month": "many"},
            "requests_per_month",
            "whole number",
        ),
        ("usage", {"brands": ["bentley"], "usage_basis": "direct", "requests_per_month": "10"}, "brands", "bentley"),
        ("data", {"data_items": ["no_such_item"]}, "data_items", "no_such_item"),
        ("compliance", {"exve": "on"}, "gdpr", "GDPR"),
    ],
)
def test_a_wrong_answer_is_named_beside_its_field_and_the_rest_is_kept(
    owner: User, signed_in: Browser, step: str, values: dict[str, Any], field: str, words: str
) -> None:
    application = described(owner)
    response = signed_in(owner).post(
        f"/applications/{application.pk}/describe/{step}/", {"version": application.registration.version, **values}
    )
    assert response.status_code == 200
    form = response.context["form"]
    assert words in str(form.errors[field])
    page = response.content.decode()
    assert 'role="alert"' in page
    if "Kept text" in values.values():
        assert "Kept text" in page
    application.registration.refresh_from_db()
    assert application.registration.version == 1


def test_two_editors_see_that_they_are_two(owner: User, colleague: User, signed_in: Browser) -> None:
    application = described(owner)
    url = f"/applications/{application.pk}/describe/concept/"
    seen = {"version": application.registration.version, "name": "Depot dashboard"}
    assert signed_in(owner).post(url, seen | {"concept": "Mine."}).status_code == 302
    response = signed_in(colleague).post(url, seen | {"concept": "Theirs."})
    assert response.status_code == 409
    page = response.content.decode()
    assert "Somebody else saved" in page
    assert "Theirs." in page


def test_a_double_submit_does_not_submit_twice(owner: User, signed_in: Browser) -> None:
    application = described(owner)
    client = signed_in(owner)
    for _ in range(2):
        assert client.post(f"/applications/{application.pk}/describe/check/").status_code == 302
    assert Submission.objects.count() == 1


@pytest.mark.parametrize(
    ("page", "form", "made", "other"),
    [
        ("/organisation/new/", {"name": "Twice", "country": "FR"}, Organisation, {"name": "Thrice"}),
        ("/applications/new/", {"programme": "fleet_owner"}, Application, {"programme": "end_user"}),
        ("/applications/{0.pk}/", {}, Application, None),
    ],
    ids=["company", "application", "copy"],
)
def test_what_is_sent_twice_at_once_is_made_once_and_what_is_meant_twice_is_made_twice(
    owner: User,
    partner: Organisation,
    rival: User,
    signed_in: Browser,
    page: str,
    form: dict[str, str],
    made: Any,
    other: dict[str, str] | None,
) -> None:
    application = described(owner)
    client = signed_in(owner)
    url = page.format(application)
    found = re.search(r'name="new_id" value="([^"]+)"', client.get(url).content.decode())
    assert found
    to = url if other else f"{url}copy/"
    form = {"organisation": str(partner.pk), **form, "new_id": found[1]}
    before = made.objects.count()
    first, second = client.post(to, form), client.post(to, form)
    assert (first.status_code, first.headers["Location"]) == (302, second.headers["Location"])
    assert made.objects.count() == before + 1
    client.post(to, form | {"new_id": "forged"})
    assert made.objects.count() == before + 2
    if other:
        client.post(to, form | other)
        assert made.objects.count() == before + 3
    made.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    client.post(to, form)
    assert made.objects.count() == before + (4 if other else 3)
    # What somebody else was given is nothing to them.
    theirs = form | {"organisation": str(rival.organisations.get().pk)}
    count = made.objects.count()
    assert signed_in(rival).post(to, theirs).status_code == (302 if other else 404)
    assert made.objects.count() == count + (1 if other else 0)


@pytest.mark.parametrize(
    ("way", "custody"), [("make", "vault"), ("import", "vault"), ("upload", "own"), ("browser", "browser")]
)
def test_a_second_click_that_comes_too_late_shows_the_csr_of_the_first(
    owner: User,
    waiting: CertificateRequest,
    signed_in: Browser,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    custody: str,
) -> None:
    credentials.describe_key(waiting, subject=SUBJECT, custody=custody)
    stale = journey.track(waiting.application, "sandbox")
    assert credentials.submit_csr(waiting, good_csr()[1], actor=member(owner)).fit
    # What the second of two parallel requests saw when it began.
    monkeypatch.setattr(journey, "track", lambda *_args: stale)
    csr = good_csr()[1].decode()
    form = {"bits": "2048", "text": csr, "csr": csr, "passphrase": ""}
    if way == "import":
        form["key"] = SimpleUploadedFile("private-key.pem", key_pem(good_csr()[0]))
    url = f"/applications/{waiting.application_id}/sandbox/key/"
    response = signed_in(owner).post(f"{url}{way}/", form)
    assert response.status_code == 302
    assert response.headers["Location"].endswith("/sandbox/csr/")
    assert Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY).count() == 0


def test_names_and_custody_cannot_be_changed_behind_a_submitted_csr(owner: User, waiting: CertificateRequest) -> None:
    stale = CertificateRequest.objects.get(pk=waiting.pk)
    assert credentials.submit_csr(waiting, good_csr()[1], actor=member(owner)).fit
    with pytest.raises(IllegalTransition):
        credentials.describe_key(stale, subject=SUBJECT, custody="vault")
    assert CertificateRequest.objects.get(pk=waiting.pk).custody == "own"


def test_a_secret_is_shown_only_after_a_recent_sign_in_and_no_form_is_kept_meanwhile(
    owner: User, reviewer: User, issuer: User, signed_in: Browser, settings: Any
) -> None:
    held = issued(owner, reviewer, issuer)
    base = f"/applications/{held.application_id}/sandbox"
    client = signed_in(owner)
    password = open_secret(password_of(held)).decode()
    assert password in client.post(f"{base}/credentials/password/").content.decode()
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    for url, form in (
        (f"{base}/credentials/password/", {}),
        (f"{base}/certificate/key/", {"passphrase": "a passphrase that is kept nowhere"}),
    ):
        response = client.post(url, form)
        assert response.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert "kept nowhere" not in str(dict(client.session))


def test_a_decision_on_what_moved_on_changes_nothing_and_says_so(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    client = signed_in(reviewer)
    url = f"/desk/registrations/{application.registration.pk}/"
    assert client.post(f"{url}take/").status_code == 302
    assert client.post(f"{url}decline/", {"reason": "data", "note": "No."}).status_code == 302
    response = client.post(f"{url}approve/", {"mzp": "MZP128745"}, follow=True)
    assert "meanwhile it moved on to “Declined”" in response.content.decode()


@pytest.mark.parametrize("note", ["Long and thoughtful.", "x" * 2001], ids=["fit", "too long"])
@pytest.mark.parametrize(("verb", "form"), [("decline", {"reason": "data"}), ("request_changes", {})])
def test_what_was_written_for_a_decision_that_came_too_late_is_shown_to_be_copied(
    owner: User, reviewer: User, signed_in: Browser, verb: str, form: dict[str, str], note: str
) -> None:
    registration = approved(owner, reviewer).registration
    response = signed_in(reviewer).post(f"/desk/registrations/{registration.pk}/{verb}/", form | {"note": note})
    page = response.content.decode()
    assert response.status_code == 409
    assert "meanwhile it moved on to “Approved”" in page
    assert note in page
    assert "error-summary" not in page
    registration.refresh_from_db()
    assert registration.state == "approved"


def test_what_was_written_on_a_csr_that_was_signed_meanwhile_is_shown_to_be_copied(
    owner: User, reviewer: User, issuer: User, signed_in: Browser
) -> None:
    held = issued(owner, reviewer, issuer)
    url = f"/desk/certificates/{held.certificate_request_id}/"
    client = signed_in(issuer)
    response = client.post(f"{url}refuse/", {"note": "Long and thoughtful."})
    assert response.status_code == 409
    assert "Long and thoughtful." in response.content.decode()
    for verb in ("upload", "sign"):
        assert client.post(f"{url}{verb}/", {"text": ""}).headers["Location"] == url


def test_a_wrong_vin_is_named_beside_its_field_while_a_run_is_under_way(
    owner: User, reviewer: User, issuer: User, signed_in: Browser
) -> None:
    held = issued(owner, reviewer, issuer)
    request_run(held, actor=member(owner))
    page = signed_in(owner).post(f"/applications/{held.application_id}/sandbox/validate/", {"vin": "SHORT"})
    assert 'href="#id_vin"' in page.content.decode()
    assert 'id="id_vin"' in page.content.decode()
    assert 'value="SHORT"' in page.content.decode()


def test_a_taken_partner_login_is_refused_beside_the_field(
    owner: User, rival: User, reviewer: User, signed_in: Browser
) -> None:
    approved(owner, reviewer, mzp="MZP128745")
    other = submitted(rival)
    client = signed_in(reviewer)
    url = f"/desk/registrations/{other.registration.pk}/"
    client.post(f"{url}take/")
    response = client.post(f"{url}approve/", {"mzp": "MZP128745"})
    assert response.status_code == 422
    assert "another company" in str(response.context["approve"].errors["mzp"])


def test_a_certificate_that_does_not_fit_is_not_released(
    owner: User, reviewer: User, issuer: User, signed_in: Browser
) -> None:
    request = with_key(owner, reviewer)
    response = signed_in(issuer).post(
        f"/desk/certificates/{request.pk}/upload/",
        {
            "certificate": SimpleUploadedFile("c.pem", good_csr()[1]),
            "ca_certificate": SimpleUploadedFile("a.pem", b"x"),
        },
    )
    assert response.status_code == 422
    request.refresh_from_db()
    assert (request.state, request.certificate_pem) == ("csr_submitted", "")


def test_what_has_no_shape_is_dropped_from_a_line_and_what_joins_letters_stays(owner: User, signed_in: Browser) -> None:
    form = {"name": "\ufeffAda\u200b Love\u00adlace 👩\u200d🔧", "language": "en", "time_zone": "UTC"}
    assert signed_in(owner).post("/profile/", form).status_code == 302
    owner.refresh_from_db()
    assert owner.name == "Ada Lovelace 👩\u200d🔧"


@pytest.mark.parametrize("name", ["Ada\nSubject: x", "a\u202eb", "a\x1b[31m"])
def test_a_persons_name_stands_in_mails_and_so_on_one_line_as_it_reads(
    owner: User, signed_in: Browser, name: str
) -> None:
    form = {"name": name, "language": "en", "time_zone": "UTC"}
    response = signed_in(owner).post("/profile/", form)
    assert "name" in response.context["form"].errors
    owner.refresh_from_db()
    assert owner.name == "Owner"


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("/accounts/signup/", {"password1": "a long enough password", "password2": "a long enough password"}),
        ("/accounts/email/", {"action_add": ""}),
        ("/organisation/{}/invite/", {"role": "viewer"}),
        ("/organisation/{}/contacts/second-contact/", {"name": "Desk"}),
    ],
)
def test_an_address_that_no_mail_can_reach_is_refused_everywhere(
    owner: User, partner: Organisation, signed_in: Browser, url: str, form: dict[str, str]
) -> None:
    client = Client() if "signup" in url else signed_in(owner)
    response = client.post(url.format(partner.pk), form | {"email": "\u0130@x.example"})
    assert response.status_code == 200
    assert "mail would not arrive" in str(response.context["form"].errors["email"])


def test_an_unknown_address_answers_404_with_a_way_back(partner: Organisation) -> None:
    response = Client().get("/applications/")
    assert response.status_code in (302, 404)


def test_a_step_that_does_not_exist_answers_404(owner: User, signed_in: Browser) -> None:
    application = described(owner)
    assert signed_in(owner).get(f"/applications/{application.pk}/describe/nonsense/").status_code == 404
    assert signed_in(owner).get(f"/applications/{application.pk}/moon/key/").status_code == 404
