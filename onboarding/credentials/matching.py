"""Whose certificates are these? By their keys, among the certificate requests that somebody may see."""

from collections.abc import Collection

from cryptography import x509
from django.db.models import Q, QuerySet

from onboarding.credentials.environments import shown
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import Organisation
from onboarding.pki import keys
from onboarding.pki.certificates import Claim, Claims
from onboarding.pki.traits import fingerprint


def requests_seen_by(actor: Actor) -> QuerySet[CertificateRequest]:
    """Return the certificate requests that somebody may see: staff all, members their organisations'."""
    requests = CertificateRequest.objects.select_related("application", "partner_login")
    if actor.kind != ActorKind.MEMBER:
        return requests
    if actor.user_id is None:
        return requests.none()
    return requests.filter(partner_login__organisation__memberships__user_id=actor.user_id)


def mere_claim_by_others(organisation: Organisation) -> Q:
    """Select the requests of other organisations whose partner login is only claimed: they have a say in nothing.

    A certificate is no secret, so whoever has seen another's can bring it in.
    """
    return Q(partner_login__confirmed_at=None) & ~Q(partner_login__organisation=organisation)


def claims_on(certificates: Collection[x509.Certificate], among: QuerySet[CertificateRequest]) -> Claims:
    """Return which of the requests `among` given ones the certificates are for, and for which they were taken in."""
    keys_of = {keys.spki_sha256(one.public_key()) for one in certificates}
    fingerprints = {fingerprint(one) for one in certificates}
    return Claims(
        # The newest of several with one key.
        by_key={one.spki_sha256: _claim(one) for one in among.filter(spki_sha256__in=keys_of).order_by("created_at")},
        by_certificate={
            one.certificate_sha256: _claim(one) for one in among.filter(certificate_sha256__in=fingerprints)
        },
        by_serial=_same_serial(certificates, among.exclude(certificate_sha256__in=fingerprints)),
    )


def _same_serial(certificates: Collection[x509.Certificate], among: QuerySet[CertificateRequest]) -> dict[str, Claim]:
    """Return which of the requests have a certificate that its issuer gave the serial number of one of these."""
    issuers = {(f"{one.serial_number:x}", one.issuer) for one in certificates}
    found = among.filter(serial_number__in={serial for serial, _issuer in issuers}).exclude(certificate_pem="")
    return {
        one.serial_number: _claim(one)
        for one in found
        if (one.serial_number, x509.load_pem_x509_certificate(one.certificate_pem.encode()).issuer) in issuers
    }


def _claim(request: CertificateRequest) -> Claim:
    application = request.application
    return Claim(
        request_id=str(request.pk),
        application_id=str(application.pk),
        environment_id=request.environment,
        application=str(application),
        reference=application.reference,
        login=request.partner_login.mzp,
        environment=shown(application.profile, request.environment).label,
    )
