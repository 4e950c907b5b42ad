"""A partner with thousands of applications at every stage of the journey, written straight into the database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from onboarding.credentials.models import CertificateRequest, CredentialSet, PartnerPassword
from onboarding.partners.models import Membership, Organisation, PartnerLogin, User
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application, Registration, Submission
from onboarding.validation.models import Run
from onboarding.vault.models import Secret
from onboarding.vault.seal import seal_secret
from tests.journey import ANSWERS

PEM = "-----BEGIN CERTIFICATE-----\n" + "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n" * 60

STAGES: tuple[tuple[str, str, str], ...] = (
    ("draft", "", ""),
    ("submitted", "", ""),
    ("in_review", "", ""),
    ("approved", "", ""),
    ("approved", "csr_submitted", ""),
    ("approved", "issued", ""),
    ("approved", "active", "passed"),
    ("approved", "active", "passed"),
    ("approved", "active", "failed"),
    ("declined", "", ""),
)
"""Of each ten applications: the state of the registration, of the certificate request, and of the latest run."""


@transaction.atomic
def portfolio(name: str, applications: int, *, stages: tuple[tuple[str, str, str], ...] = STAGES) -> User:
    """Make a company and its applications, evenly at all stages; return its owner."""
    organisation = Organisation.objects.create(name=name, country="FR")
    owner = User.objects.create_user(f"owner@{organisation.pk}.example", name="Owner")
    Membership.objects.create(organisation=organisation, user=owner, role=Membership.Role.OWNER)
    now = timezone.now()
    mzp = f"MZP{organisation.pk.int % 10**12}"
    login = PartnerLogin.objects.create(organisation=organisation, mzp=mzp, confirmed_at=now)
    secret = seal_secret(organisation, Secret.Kind.PASSWORD, b"not a real one")
    PartnerPassword.objects.create(partner_login=login, environment=SANDBOX, secret=secret)
    for number in range(0, applications, 1000):
        rows = list(_rows(login, range(number, min(number + 1000, applications)), stages, now))
        for kind in (Application, Registration, Submission, CertificateRequest, CredentialSet, Run):
            kind.objects.bulk_create(row for several in rows for row in several if type(row) is kind)  # type: ignore[attr-defined]
    # What auto_now_add has written is this moment for all of them.
    return owner


def _rows(login: PartnerLogin, numbers: range, stages: Any, now: datetime) -> Iterator[list[Any]]:
    for number in numbers:
        registration_state, request_state, run_state = stages[number % len(stages)]
        application = Application(
            reference=f"{login.mzp[-4:]}-{number:06}",
            organisation=login.organisation,
            programme=Application.Programme.FLEET_OWNER,
            name=f"Depot {number}",
            brands=["peugeot"],
            partner_login=login if registration_state == "approved" else None,
        )
        answers = ANSWERS | {"programme": "fleet_owner", "name": application.name}
        registration = Registration(application=application, state=registration_state, answers=answers)
        rows: list[Any] = [application, registration]
        if registration_state != "draft":
            rows.append(Submission(registration=registration, number=1, answers=answers))
        if request_state:
            request = CertificateRequest(
                partner_login=login,
                application=application,
                environment=SANDBOX,
                state=request_state,
                custody=CertificateRequest.Custody.OWN,
                csr_pem=PEM,
            )
            rows.append(request)
            if request_state in ("issued", "active"):
                request.certificate_pem = request.ca_pem = PEM
                request.not_valid_after = now + timedelta(days=300)
                held = CredentialSet(
                    application=application, environment=SANDBOX, certificate_request=request, client_id=f"id-{number}"
                )
                rows.append(held)
                if run_state:
                    checks = [{"id": "tls", "result": run_state, "evidence": {"cipher": "x" * 400}} for _ in range(10)]
                    rows += [
                        Run(credential_set=held, state=run_state, checks=checks, finished_at=now) for _ in range(3)
                    ]
        yield rows
