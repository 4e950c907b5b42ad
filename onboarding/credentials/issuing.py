"""One verb per decision that leads from a CSR to its certificate."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction
from django.utils import timezone

from onboarding.credentials.duties import require_separate
from onboarding.credentials.entitlement import require_not_ended
from onboarding.credentials.issuers import Signed, profile_of
from onboarding.credentials.issuers.embedded import EmbeddedIssuer
from onboarding.credentials.matching import claims_on, mere_claim_by_others, requests_seen_by
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.credentials.sets import hand_out_sandbox_credentials, latest_set
from onboarding.credentials.states import LIFECYCLE, State
from onboarding.credentials.telling import tell_builders
from onboarding.findings import Finding, Severity, worst
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.actors import SYSTEM, Actor, ActorKind
from onboarding.partners.modes import require_decider
from onboarding.pki import certificates
from onboarding.pki.certificates import CertificateReport, Claim
from onboarding.pki.intake import Offer, read_offer
from onboarding.pki.traits import fingerprint, is_ca
from onboarding.programmes import SANDBOX
from onboarding.registrations.outside import Outside, said
from onboarding.vault.models import Secret
from onboarding.vault.seal import open_secret, seal_secret
from onboarding.worklist.following import follow
from onboarding.worklist.transitions import advance


class CertificateRefused(Exception):
    """The certificate or the CA certificate does not fit; the report says why. Nothing was kept."""

    def __init__(self, report: CertificateReport) -> None:
        super().__init__(", ".join(finding.code for finding in report.findings))
        self.report = report

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found."""
        return self.report.findings


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A certificate that was taken in. also_for: other requests that the same files hold a certificate for.

    also_for is for whoever sent the files, and never kept: others who see this request may not see those.
    """

    report: CertificateReport
    also_for: tuple[Claim, ...]


def refuse_csr(request: CertificateRequest, *, note: str, actor: Actor, outside: Outside | None = None) -> None:
    """Refuse the CSR, saying what to change. outside: where it was refused, if a member records it.

    Raises NotTheirsToDecide, IllegalTransition.
    """
    require_decider(actor)
    with transaction.atomic():
        advance(request, LIFECYCLE, "refuse", actor=actor, data=said(outside), note=note)
        tell_builders("csr_refused", request, note=note)


def accept_csr(request: CertificateRequest, *, actor: Actor) -> None:
    """Accept the CSR: from here on key and names are settled. Raises SameHands."""
    require_separate(request, actor=actor)
    advance(request, LIFECYCLE, "accept", actor=actor, note="")


def sign_with_embedded_ca(request: CertificateRequest, *, actor: Actor) -> None:
    """Sandbox only: sign the CSR with the embedded CA, and release the certificate.

    Accepts the CSR too where that was not done before. Raises IllegalTransition, ApplicationClosed and SameHands.
    """
    if request.environment != SANDBOX:
        raise IllegalTransition(LIFECYCLE.name, request.state, "sign")
    require_signable(request, actor=actor)
    csr = x509.load_pem_x509_csr(request.csr_pem.encode("ascii"))
    # It copies what the CSR says, which was checked: what is odd about that is no reason to hold the certificate back.
    release_signed(request, EmbeddedIssuer().issue(csr, profile_of(request)), actor=actor, only_clean=False)


def require_signable(request: CertificateRequest, *, actor: Actor) -> None:
    """Raise SameHands or IllegalTransition unless a CA may be asked to sign the CSR, by this actor."""
    require_separate(request, actor=actor)
    _require(request, "accept", "issue")


def release_signed(request: CertificateRequest, signed: Signed, *, actor: Actor, only_clean: bool = True) -> None:
    """Check what a CA has answered, as what comes by mail is checked, and release it if nothing is the matter with it.

    only_clean: refuse also what a person might take in all the same, since nobody looks at it before. Raises
    CertificateRefused, SameHands, ApplicationClosed and IllegalTransition.
    """
    offer = _read(request, signed.certificate, signed.ca_certificate)
    others = CertificateRequest.objects.select_related("application", "partner_login").exclude(pk=request.pk)
    report = certificates.check_offer(
        offer,
        csr_spki_sha256=request.spki_sha256,
        subject=request.subject,
        now=timezone.now(),
        claims=claims_on(offer.certificates, among=others),
    )
    if only_clean and not is_clean(report):
        raise CertificateRefused(report)
    _release(request, report, filter(is_ca, offer.ca), event="issue", actor=actor)


def is_clean(report: CertificateReport) -> bool:
    """Return whether a certificate can go out without anybody having looked at it: fit, and no warning either."""
    return report.fit and worst(report.findings) not in (Severity.WARNING, Severity.ERROR)


def sign_at_once(request: CertificateRequest) -> None:
    """Sign a CSR of the sandbox's own partner login: nobody is waited for. Raises IllegalTransition for any other."""
    if not request.partner_login.is_of_sandbox:
        raise IllegalTransition(LIFECYCLE.name, request.state, "issue")
    sign_with_embedded_ca(request, actor=SYSTEM)


def take_in(
    request: CertificateRequest,
    *,
    certificate: bytes,
    ca_certificate: bytes = b"",
    actor: Actor,
    outside: Outside | None = None,
) -> TakenIn:
    """Take in a certificate that was signed elsewhere, and release it: by staff, or by the partner who received it.

    certificate: a file in any of the forms of `intake.read_certificates`. ca_certificate: the CA's; may be left out
    where the first file holds it. outside: when it came, as a member records it.

    Raises CertificateRefused if anything does not fit, SameHands, ApplicationClosed if staff would take it in for an
    application that is suspended, and IllegalTransition; the sandbox's certificates come from its own CA, so partners
    have none to take in.
    """
    require_separate(request, actor=actor)
    receives = actor.kind == ActorKind.MEMBER
    if request.partner_login.is_of_sandbox or (receives and request.environment == SANDBOX):
        raise IllegalTransition(LIFECYCLE.name, request.state, "receive")
    _require(request, *(("receive",) if receives else ("accept", "issue")))
    spki = request.spki_sha256
    offer = _read(request, certificate, ca_certificate)
    others = requests_seen_by(actor).exclude(pk=request.pk).exclude(mere_claim_by_others(request.organisation))
    claims = claims_on(offer.certificates, among=others)
    report = certificates.check_offer(
        offer, csr_spki_sha256=spki, subject=request.subject, now=timezone.now(), claims=claims
    )
    _release(
        request,
        report,
        filter(is_ca, offer.ca),
        event="receive" if receives else "issue",
        actor=actor,
        outside=outside,
    )
    return TakenIn(report, tuple(claim for key, claim in claims.by_key.items() if key != spki))


def taken_in(report: CertificateReport, ca: Iterable[x509.Certificate]) -> dict[str, Any]:
    """Return what a certificate request keeps of a certificate that is fit, and of its CA certificates."""
    leaf, *above = report.path
    return {
        # The way up in its order, as TLS sends it; the root is in the other file.
        "certificate_pem": _pem([leaf, *above[:-1]]),
        "ca_pem": _pem(ca),
        "serial_number": f"{leaf.serial_number:x}",
        "certificate_sha256": fingerprint(leaf),
        "not_valid_before": leaf.not_valid_before_utc,
        "not_valid_after": leaf.not_valid_after_utc,
        "certificate_report": report.to_json(),
    }


def _read(request: CertificateRequest, certificate: bytes, ca_certificate: bytes) -> Offer:
    try:
        return read_offer(certificate, ca_certificate, spki_sha256=request.spki_sha256)
    except certificates.UnreadableCertificate as error:
        raise CertificateRefused(certificates.unreadable(error.finding)) from None


def _require(request: CertificateRequest, *events: str) -> None:
    if not any(LIFECYCLE.allows(request.state, event) for event in events):
        raise IllegalTransition(LIFECYCLE.name, request.state, events[-1])


def _release(
    request: CertificateRequest,
    report: CertificateReport,
    ca: Iterable[x509.Certificate],
    *,
    event: str,
    actor: Actor,
    outside: Outside | None = None,
) -> None:
    if not report.fit:
        raise CertificateRefused(report)
    values, spki = taken_in(report, ca), request.spki_sha256
    with transaction.atomic():
        if actor.kind == ActorKind.STAFF:
            require_not_ended(request.application)
        if event == "issue" and request.state == State.CSR_SUBMITTED:
            accept_csr(request, actor=actor)
        advance(
            request,
            LIFECYCLE,
            event,
            actor=actor,
            data={"serial_number": values["serial_number"], **said(outside)},
            **values,
        )
        if request.spki_sha256 != spki:
            # Taken back and submitted anew, with another key, while this certificate was being checked.
            raise IllegalTransition(LIFECYCLE.name, State.CSR_SUBMITTED, event)
        _open_set(request, actor)
        if not request.partner_login.is_of_sandbox:  # whoever submitted its CSR sees the certificate at once
            tell_builders("certificate_issued", request)


def _open_set(request: CertificateRequest, actor: Actor) -> None:
    """Make the set that belongs to a new certificate; with a renewal, what was stored before carries over.

    Each set has its own copy of a secret: one can be replaced, and destroyed, without the other.
    """
    previous = latest_set(request.application, request.environment)
    secret = previous.client_secret if previous else None
    credential_set = CredentialSet.objects.create(
        application=request.application,
        environment=request.environment,
        certificate_request=request,
        client_id=previous.client_id if previous else "",
        client_secret=seal_secret(request.organisation, Secret.Kind.CLIENT_SECRET, open_secret(secret))
        if secret
        else None,
    )
    if request.environment == SANDBOX:
        hand_out_sandbox_credentials(credential_set, actor=actor)
    follow(request, request.card())


def _pem(chain: Iterable[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in chain)
