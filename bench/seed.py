"""Credential sets by the thousand, written straight into the database: one partner, one login, one key for all."""

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.db import transaction

from bench.validation import MZP, PASSWORD, Files
from onboarding.credentials.models import CertificateRequest, CredentialSet, PartnerPassword
from onboarding.credentials.states import State
from onboarding.partners.models import Membership, Organisation, PartnerLogin, User
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret
from onboarding.vault.seal import encrypted, seal_key, seal_secret


@transaction.atomic
def credential_sets(files: Files, count: int, *, without_key: float = 0) -> tuple[User, list[CredentialSet]]:
    """Make `count` sets, and return their owner and them.

    without_key: the share of them, spread among the others, whose key is kept elsewhere.
    """
    owner = User.objects.create_user("owner@partner.example", name="Owner")
    organisation = Organisation.objects.create(name="Example Mobility", country="FR")
    Membership.objects.create(organisation=organisation, user=owner, role=Membership.Role.OWNER)
    login = PartnerLogin.objects.create(organisation=organisation, mzp=MZP)
    PartnerPassword.objects.create(
        partner_login=login,
        environment=SANDBOX,
        secret=seal_secret(organisation, Secret.Kind.PASSWORD, PASSWORD.encode()),
    )
    key = encrypted(load_pem_private_key(files.key.read_bytes(), files.passphrase))
    return owner, [
        _credential_set(
            files,
            login,
            client_id=f"client-{number}",
            key=seal_key(organisation, Secret.Kind.PRIVATE_KEY, key)
            if int(number * without_key) == int((number + 1) * without_key)
            else None,
        )
        for number in range(count)
    ]


def _credential_set(files: Files, login: PartnerLogin, *, client_id: str, key: Secret | None) -> CredentialSet:
    application = Application.objects.create(
        organisation=login.organisation,
        programme=Application.Programme.FLEET_OWNER,
        name=f"Application {client_id}",
        brands=["peugeot"],
        partner_login=login,
    )
    custody = CertificateRequest.Custody
    request = CertificateRequest.objects.create(
        partner_login=login,
        application=application,
        environment=SANDBOX,
        state=State.ISSUED,
        custody=custody.VAULT if key else custody.OWN,
        key=key,
        certificate_pem=files.certificate.read_text(),
        ca_pem=files.ca.read_text(),
    )
    return CredentialSet.objects.create(
        application=application, environment=SANDBOX, certificate_request=request, client_id=client_id
    )
