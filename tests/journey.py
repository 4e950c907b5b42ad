"""Bringing an application to a stage of the journey, by the same verbs that the pages call."""

from typing import Any

from onboarding.credentials import flows as credentials
from onboarding.credentials import issuing, private_keys
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.registrations.models import Application
from tests.conftest import member, staff

ANSWERS: dict[str, Any] = {
    "name": "Depot dashboard",
    "concept": "Shows where our vans are and when they need service.",
    "company": "Example Mobility",
    "contact_name": "Fleet desk",
    "contact_email": "fleet@example-mobility.example",
    "mzp": "",
    "brands": ["peugeot"],
    "requests_per_month": 90_000,
    "data_items": ["position_coordinates", "odometer_mileage"],
    "purpose_location": "Dispatchers see which van is nearest. Only the last position is kept.",
    "purpose_telemetry": "The workshop plans the next service by the mileage.",
    "exve": True,
    "gdpr": True,
    "maker_rules": True,
    "environments": ["sandbox"],
    "callback_url": "https://depots.example-mobility.example/consent",
}
SUBJECT = {
    "C": "FR",
    "ST": "Ile de France",
    "L": "Paris",
    "O": "Example Mobility",
    "emailAddress": "owner@example-mobility.example",
}


def described(owner: User, programme: str = "fleet_owner", **answers: Any) -> Application:
    """A draft with every answer given."""
    actor = member(owner)
    application = flows.start_application(owner.organisations.get(), programme, actor=actor)
    flows.save_answers(application.registration, ANSWERS | answers, seen_version=0, actor=actor)
    application.refresh_from_db()
    return application


def submitted(owner: User, programme: str = "fleet_owner") -> Application:
    application = described(owner, programme)
    flows.submit(application.registration, actor=member(owner))
    return application


def approved(owner: User, reviewer: User, programme: str = "fleet_owner", mzp: str = "MZP128745") -> Application:
    application = submitted(owner, programme)
    flows.take(application.registration, actor=staff(reviewer))
    flows.approve(application.registration, mzp=mzp, actor=staff(reviewer))
    return Application.objects.get(pk=application.pk)


def with_key(owner: User, reviewer: User, programme: str = "fleet_owner", mzp: str = "MZP128745") -> CertificateRequest:
    """Custody `vault`, CSR submitted."""
    request = credentials.open_request(approved(owner, reviewer, programme, mzp), "sandbox", actor=member(owner))
    credentials.describe_key(request, subject=SUBJECT, custody="vault")
    order = private_keys.order_key(request, bits=2048, actor=member(owner))
    private_keys.make_key(order.pk)
    request.refresh_from_db()
    assert request.state == "csr_submitted"
    return request


def issued(
    owner: User, reviewer: User, issuer: User, programme: str = "fleet_owner", mzp: str = "MZP128745"
) -> CredentialSet:
    """A certificate signed by the embedded CA, with the sandbox's credentials."""
    request = with_key(owner, reviewer, programme, mzp)
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    return request.credential_sets.get()
