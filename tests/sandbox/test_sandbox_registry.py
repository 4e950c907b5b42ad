"""Whom the portal's records let into the sandbox."""

import json
import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.utils import timezone

from onboarding.credentials import flows, issuing, private_keys, sets
from onboarding.credentials.models import CertificateRequest, CredentialSet, SandboxClient
from onboarding.credentials.states import State
from onboarding.enrolment import idp
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import Organisation, PartnerLogin
from onboarding.programmes import SANDBOX
from onboarding.registrations import flows as registrations
from onboarding.registrations.models import Application
from onboarding.sandbox import api, token
from onboarding.sandbox.exchange import FORM, ApiRequest, Peer
from onboarding.sandbox.limits import RateLimiter
from onboarding.sandbox.portal_registry import DatabaseGrants, DatabaseRegistry
from onboarding.vault.models import Secret
from onboarding.vault.seal import destroy_secret, open_secret, seal_secret
from tests.conftest import staff
from tests.journey import ANSWERS, issued
from tests.sandbox.doubles import basic

pytestmark = pytest.mark.django_db

FINGERPRINT = "ab" * 32


def hand_out(environment=SANDBOX, state=State.ISSUED, client_id="c1") -> CertificateRequest:
    """Store a client and a certificate as the portal hands them out."""
    organisation = Organisation.objects.create(name="Example Mobility")
    login = PartnerLogin.objects.create(organisation=organisation, mzp=f"MZP{uuid.uuid4().int % 10**6:06d}")
    application = Application.objects.create(
        organisation=organisation, programme=Application.Programme.FLEET_OWNER, partner_login=login
    )
    request = CertificateRequest.objects.create(
        partner_login=login,
        application=application,
        environment=environment,
        state=state,
        certificate_sha256=FINGERPRINT,
    )
    SandboxClient.objects.create(
        application=application,
        client_id=client_id,
        client_secret=seal_secret(organisation, Secret.Kind.CLIENT_SECRET, b"secret"),
        password=seal_secret(organisation, Secret.Kind.PASSWORD, "pässword".encode()),
    )
    return request


def test_a_client_that_was_handed_out_is_known_with_its_secrets():
    request = hand_out()
    (known,) = DatabaseRegistry().find("c1")
    assert (known.programme, known.certificate_sha256) == ("fleet_owner", FINGERPRINT)
    assert known.mzp == request.partner_login.mzp
    assert known.password_is("pässword")
    assert known.secret_is("secret")
    assert not known.password_is("secret")
    assert not known.secret_is("secret ")
    assert not known.secret_is("")


@pytest.mark.parametrize("client_id", ["c2", "", "C1"])
def test_another_client_id_is_unknown(client_id):
    hand_out()
    assert not DatabaseRegistry().find(client_id)


def test_a_certificate_of_another_environment_does_not_let_in():
    hand_out(environment="production")
    assert not DatabaseRegistry().find("c1")


@pytest.mark.parametrize("state", State)
def test_only_a_certificate_that_is_issued_or_active_lets_in(state):
    hand_out(state=state)
    assert bool(DatabaseRegistry().find("c1")) == (state in {"issued", "active"})


def test_a_renewed_certificate_and_the_one_it_will_replace_are_both_known():
    request = hand_out()
    CertificateRequest.objects.create(
        partner_login=request.partner_login,
        application=request.application,
        environment=SANDBOX,
        state=State.ACTIVE,
        certificate_sha256="cd" * 32,
    )
    assert {known.certificate_sha256 for known in DatabaseRegistry().find("c1")} == {FINGERPRINT, "cd" * 32}


def test_a_secret_that_is_absent_or_destroyed_matches_nothing():
    client = hand_out().application.sandbox_client
    assert client.client_secret is not None
    destroy_secret(client.client_secret)
    SandboxClient.objects.update(password=None)
    (known,) = DatabaseRegistry().find("c1")
    assert not known.secret_is("secret")
    assert not known.secret_is("")
    assert not known.password_is("pässword")
    assert not known.password_is("")


def test_what_the_partner_stores_afterwards_does_not_change_what_the_sandbox_knows(owner, reviewer, issuer):
    held = issued(owner, reviewer, issuer)
    handed_out = open_secret(sets.password_of(held)).decode()
    sets.store_credentials(held, password="not the right one", actor=SYSTEM)
    (known,) = DatabaseRegistry().find(held.client_id)
    assert known.password_is(handed_out)
    assert not known.password_is("not the right one")


@pytest.mark.parametrize(
    ("programme", "path", "status"),
    [("fleet_owner", "/connectedcar/v3/fleets", 200), ("end_user", "/connectedcar/v4/user", 401)],
)
def test_what_the_portal_hands_out_is_let_in_and_another_certificate_is_not(programme, path, status):
    organisation = Organisation.objects.create(name="Example Mobility")
    login = PartnerLogin.objects.create(organisation=organisation, mzp="MZP128745", confirmed_at=timezone.now())
    application = Application.objects.create(organisation=organisation, programme=programme, partner_login=login)
    request = flows.open_request(application, SANDBOX, actor=SYSTEM)
    subject = {
        "C": "FR",
        "ST": "Ile de France",
        "L": "Paris",
        "O": "Example",
        "emailAddress": "certificates@example.com",
    }
    flows.describe_key(request, subject=subject, custody=CertificateRequest.Custody.VAULT)
    private_keys.make_key(private_keys.order_key(request, bits=2048, actor=SYSTEM).pk)
    request.refresh_from_db()
    issuing.sign_with_embedded_ca(request, actor=SYSTEM)
    row = CredentialSet.objects.get(application=application)
    certificate = x509.load_pem_x509_certificate(row.certificate_request.certificate_pem.encode())
    password = sets.password_of(row)
    assert (password is None) == (programme == "end_user")

    def ask(fingerprint: str) -> int:
        asked = ApiRequest(
            "GET",
            path,
            (("client_id", row.client_id),),
            {
                "authorization": basic("MZP128745", open_secret(password).decode()) if password else "",
                "x-introspect-realm": "clientsB2CPeugeot",
            },
            peer=Peer("MZP128745", certificate.serial_number, fingerprint, "", "TLSv1.3", ""),
        )
        return api.answer(asked, DatabaseRegistry(), RateLimiter(), datetime.now(UTC)).status

    assert ask(certificate.fingerprint(SHA256()).hex()) == status
    assert ask("00" * 32) == 495


def test_a_suspended_application_is_in_no_plan_until_it_is_reinstated(owner, reviewer, issuer):
    held = issued(owner, reviewer, issuer)
    registration = held.application.registration

    def programme() -> str:
        (known,) = DatabaseRegistry().find(held.client_id)
        return known.programme

    registrations.suspend(registration, reason="misuse", note="x", actor=staff(reviewer))
    assert programme() == ""
    registrations.reinstate(registration, actor=staff(reviewer))
    assert programme() == "fleet_owner"


def test_a_code_from_the_portals_page_opens_the_drivers_account_to_its_client(owner, reviewer, issuer):
    held = issued(owner, reviewer, issuer, programme="end_user")
    now, back = timezone.now(), ANSWERS["callback_url"]
    wanted = {"client_id": held.client_id, "redirect_uri": back, "response_type": "code", "scope": "data:position"}
    asked = idp.read("peugeot", {name: [value] for name, value in wanted.items()}, also=[])
    code = dict(parse_qsl(urlsplit(idp.give(asked, "jonas", ["data:position"], now)).query))["code"]
    form = urlencode({"grant_type": "authorization_code", "code": code, "redirect_uri": back}).encode()
    headers = {"authorization": basic(held.client_id, open_secret(held.client_secret).decode()), "content-type": FORM}
    given = token.answer(
        ApiRequest("POST", token.TOKEN_PATH, headers=headers, body=form),
        DatabaseRegistry(),
        now,
        grants=DatabaseGrants(),
    )
    tokens = json.loads(given.body)
    assert (given.status, tokens["scope"], tokens["expires_in"]) == (200, "data:position", 900)
    peer = Peer("", 1, held.certificate_request.certificate_sha256, "", "", "")
    bearer = {"authorization": f"Bearer {tokens['access_token']}", "x-introspect-realm": "clientsB2CPeugeot"}
    call = ApiRequest("GET", "/connectedcar/v4/user", (("client_id", held.client_id),), bearer, peer=peer)
    shown = api.answer(call, DatabaseRegistry(), RateLimiter(), now, grants=DatabaseGrants())
    assert json.loads(shown.body)["lastName"] == "Keller"
