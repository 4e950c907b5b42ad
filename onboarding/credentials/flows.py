"""One verb per decision about certificate requests, CSRs and certificates; private_keys.py has those about keys."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction
from django.utils import timezone

from onboarding import leases
from onboarding.audit.events import Event
from onboarding.audit.transitions import advance
from onboarding.credentials.embedded_ca import sandbox_ca
from onboarding.credentials.environments import environment
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder
from onboarding.credentials.sets import hand_out_sandbox_credentials, usable_sets
from onboarding.credentials.states import LIFECYCLE, State
from onboarding.credentials.telling import params, put_on_record, tell_builders
from onboarding.findings import Finding, Severity, worst
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor
from onboarding.partners.models import StaffRole
from onboarding.partners.people import staff
from onboarding.pki import certificates, csr, embedded_ca
from onboarding.pki.reuse import reuse_findings
from onboarding.pki.subject import check_subject
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret
from onboarding.vault.seal import destroy_secret

OPEN_STATES = (State.AWAITING_CSR, State.CSR_SUBMITTED, State.CSR_REFUSED, State.CSR_ACCEPTED)


class NoPartnerLogin(Exception):
    """The application has no partner login yet: it is not approved."""


class CertificateRefused(Exception):
    """The certificate or the CA certificate does not fit; the findings say why. Nothing was kept."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.findings = tuple(findings)


def open_request(application: Application, environment_id: str, *, actor: Actor) -> CertificateRequest:
    """Return the signing cycle that is open for an application in an environment, opening one if there is none.

    Raises NoPartnerLogin, or KeyError for an environment that is not available.
    """
    environment(application.profile, environment_id)
    if application.partner_login is None:
        raise NoPartnerLogin
    with transaction.atomic():
        request, created = CertificateRequest.objects.get_or_create(
            application=application,
            environment=environment_id,
            state__in=OPEN_STATES,
            defaults={"partner_login": application.partner_login},
        )
        if created:
            put_on_record(Event.CERTIFICATE_REQUEST_OPENED, request, actor, environment=environment_id)
    return request


def describe_key(request: CertificateRequest, *, subject: Mapping[str, str], custody: str) -> None:
    """Keep what the CSR is to say and who is to hold the key, while no CSR has been submitted.

    subject: C, ST, L, O and emailAddress; OU and CN are the profile's and the partner login's, whatever is given.
    A key that is being made for anything else is not kept. Raises IllegalTransition.
    """
    wanted = {"subject": full_subject(request, subject), "custody": custody}
    with transaction.atomic():
        # Compare-and-set: in another tab a CSR may have been submitted meanwhile.
        awaiting = CertificateRequest.objects.filter(pk=request.pk, state=State.AWAITING_CSR)
        before = awaiting.select_for_update().values("subject", "custody").first()
        written = awaiting.update(**wanted)
        if written and before != wanted:
            cancel_key_orders(request)
    request.refresh_from_db()
    if not written:
        raise IllegalTransition(LIFECYCLE.name, request.state, "describe")


def full_subject(request: CertificateRequest, subject: Mapping[str, str]) -> dict[str, str]:
    """Return the whole subject, in the profile's order: OU fixed, CN the MZP."""
    fixed = {
        rule.attribute: request.partner_login.mzp if rule.is_mzp else rule.value
        for rule in request.application.profile.dn
        if rule.is_mzp or rule.value
    }
    return {
        rule.attribute: fixed.get(rule.attribute, subject.get(rule.attribute, ""))
        for rule in request.application.profile.dn
    }


def subject_errors(request: CertificateRequest) -> tuple[Finding, ...]:
    """Return why a CSR with the subject described would be refused: known before a key is made for it."""
    values = {attribute: [value] for attribute, value in request.subject.items() if value}
    findings = check_subject(values, request.application.profile.dn, mzp=request.partner_login.mzp)
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def submit_csr(
    request: CertificateRequest,
    data: bytes,
    *,
    actor: Actor,
    custody: CertificateRequest.Custody = CertificateRequest.Custody.OWN,
) -> csr.CsrReport:
    """Custody `own` or `browser`: check a CSR that the partner made, and submit it if it is fit.

    Returns what was found.
    """
    _require(request, State.AWAITING_CSR, "submit")
    report = check(request, data)
    if report.fit:
        with transaction.atomic():
            submit(request, report, actor=actor, custody=custody, key=None)
            cancel_key_orders(request)
    return report


def check(request: CertificateRequest, data: bytes) -> csr.CsrReport:
    """Check a CSR by the programme's rules, and by what only the records can tell. Never raises."""
    report = csr.check_csr(data, request.application.profile, mzp=request.partner_login.mzp)
    return replace(report, findings=(*report.findings, *_reuse(request, report)))


def submit(
    request: CertificateRequest, report: csr.CsrReport, *, actor: Actor, custody: str, key: Secret | None
) -> None:
    """Submit a CSR that was checked and is fit. key: custody `vault` only. Raises IllegalTransition."""
    advance(
        request,
        LIFECYCLE,
        "submit",
        actor=actor,
        data={"custody": str(custody), "spki_sha256": report.spki_sha256},
        custody=custody,
        key=key,
        csr_pem=(report.pem or b"").decode("ascii"),
        subject=report.subject,
        spki_sha256=report.spki_sha256,
        findings=[finding.to_json() for finding in report.findings],
        note="",
    )
    once = f"csr:{request.pk}:{report.spki_sha256}"
    notify("csr_to_sign", staff(StaffRole.Role.ISSUER), once=once, params=params(request))


def _reuse(request: CertificateRequest, report: csr.CsrReport) -> Iterator[Finding]:
    same_key = CertificateRequest.objects.filter(spki_sha256=report.spki_sha256 or "none").exclude(pk=request.pk)
    own = same_key.filter(partner_login__organisation=request.organisation)
    other_logins = own.exclude(partner_login=request.partner_login).values_list("partner_login__mzp", flat=True)
    return reuse_findings(
        by_others=same_key.exclude(partner_login__organisation=request.organisation).exists(),
        other_logins=sorted(set(other_logins)),
        before=own.filter(partner_login=request.partner_login).exists(),
    )


def restart(request: CertificateRequest, *, actor: Actor) -> None:
    """Take the CSR back before it is accepted: another key, another custody, other names."""
    key = request.key
    with transaction.atomic():
        advance(request, LIFECYCLE, "restart", actor=actor, csr_pem="", spki_sha256="", findings=[], key=None)
        cancel_key_orders(request)
        if key is not None:
            destroy_secret(key)
            put_on_record(Event.KEY_DESTROYED, request, actor)


def cancel_key_orders(request: CertificateRequest) -> None:
    """See to it that no key is kept that is being made for what this request was before."""
    leases.cancel(request.key_orders.all(), KeyOrder.State.CANCELLED)


def refuse_csr(request: CertificateRequest, *, note: str, actor: Actor) -> None:
    """Refuse the CSR, saying what to change."""
    with transaction.atomic():
        advance(request, LIFECYCLE, "refuse", actor=actor, note=note)
        tell_builders("csr_refused", request, note=note)


def accept_csr(request: CertificateRequest, *, actor: Actor) -> None:
    """Accept the CSR: from here on key and names are settled."""
    advance(request, LIFECYCLE, "accept", actor=actor, note="")


def sign_with_embedded_ca(request: CertificateRequest, *, actor: Actor) -> None:
    """Sandbox only: sign the CSR with the embedded CA, and release the certificate.

    Accepts the CSR too where that was not done before. Raises IllegalTransition.
    """
    if request.environment != SANDBOX:
        raise IllegalTransition(LIFECYCLE.name, request.state, "sign")
    ca, ca_key = sandbox_ca()
    with transaction.atomic():
        if request.state == State.CSR_SUBMITTED:
            accept_csr(request, actor=actor)
        LIFECYCLE.target(request.state, "issue")
        csr_to_sign = x509.load_pem_x509_csr(request.csr_pem.encode("ascii"))
        certificate = embedded_ca.sign_client(csr_to_sign, ca=ca, ca_key=ca_key, now=timezone.now())
        _issue(request, [certificate], [ca], findings=(), actor=actor)


def issue_uploaded(
    request: CertificateRequest, *, certificate: bytes, ca_certificate: bytes, actor: Actor
) -> tuple[Finding, ...]:
    """Take in a certificate that was signed elsewhere, with the CA certificate, and release it to the partner.

    Returns what is unusual about it. Raises CertificateRefused if it does not fit, IllegalTransition.
    """
    if not LIFECYCLE.allows(request.state, "accept") and not LIFECYCLE.allows(request.state, "issue"):
        raise IllegalTransition(LIFECYCLE.name, request.state, "issue")
    try:
        chain = certificates.load_certificates(certificate)
        cas = certificates.load_certificates(ca_certificate)
    except certificates.UnreadableCertificate as error:
        raise CertificateRefused([error.finding]) from None
    leaf, chain = certificates.leaf_first(chain, spki_sha256=request.spki_sha256)
    findings = certificates.check_certificate(
        leaf,
        csr_spki_sha256=request.spki_sha256,
        subject=request.subject,
        ca=[*cas, *chain[1:]],
        now=timezone.now(),
    )
    if worst(findings) == Severity.ERROR:
        raise CertificateRefused(findings)
    with transaction.atomic():
        if request.state == State.CSR_SUBMITTED:
            accept_csr(request, actor=actor)
        _issue(request, chain, cas, findings=findings, actor=actor)
    return findings


def activate(request: CertificateRequest, *, actor: Actor) -> None:
    """Note that the certificate is in use; one that was in use before is superseded. Safe to call twice."""
    if request.state != State.ISSUED:
        return
    with transaction.atomic():
        earlier = CertificateRequest.objects.filter(
            application_id=request.application_id, environment=request.environment, state=State.ACTIVE
        )
        advance(request, LIFECYCLE, "activate", actor=actor)
        for other in earlier:
            if other.pk != request.pk:
                advance(other, LIFECYCLE, "supersede", actor=actor)


def _issue(
    request: CertificateRequest,
    chain: Sequence[x509.Certificate],
    cas: Sequence[x509.Certificate],
    *,
    findings: Sequence[Finding],
    actor: Actor,
) -> None:
    leaf = chain[0]
    serial_number = f"{leaf.serial_number:x}"
    advance(
        request,
        LIFECYCLE,
        "issue",
        actor=actor,
        data={"serial_number": serial_number},
        certificate_pem=_pem(chain),
        ca_pem=_pem(cas),
        serial_number=serial_number,
        certificate_sha256=leaf.fingerprint(SHA256()).hex(),
        not_valid_before=leaf.not_valid_before_utc,
        not_valid_after=leaf.not_valid_after_utc,
        findings=[finding.to_json() for finding in findings],
    )
    previous = usable_sets(request.application, request.environment)
    credential_set = CredentialSet.objects.create(
        application=request.application,
        environment=request.environment,
        certificate_request=request,
        client_id=previous[0].client_id if previous else "",
    )
    if request.environment == SANDBOX:
        hand_out_sandbox_credentials(credential_set, actor=actor)
    tell_builders("certificate_issued", request)


def _pem(chain: Sequence[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in chain)


def _require(request: CertificateRequest, state: State, event: str) -> None:
    if request.state != state:
        raise IllegalTransition(LIFECYCLE.name, request.state, event)
