"""One verb per decision about keys, CSRs, and certificates in use; `issuing` has those that lead to a certificate."""

import secrets
from collections.abc import Mapping

from django.db import transaction

from onboarding.audit.events import Event
from onboarding.audit.transitions import advance
from onboarding.credentials.environments import environment
from onboarding.credentials.known import with_records
from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.states import LIFECYCLE, State
from onboarding.credentials.telling import params, put_on_record, tell_owners
from onboarding.findings import Finding, Severity
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor
from onboarding.partners.models import StaffRole
from onboarding.partners.people import staff
from onboarding.pki import csr, keys
from onboarding.pki.subject import check_subject
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret
from onboarding.vault.seal import EncryptedKey, destroy_secret, open_key, seal_key

OPEN_STATES = (State.AWAITING_CSR, State.CSR_SUBMITTED, State.CSR_REFUSED, State.CSR_ACCEPTED)


class NoPartnerLogin(Exception):
    """The application has no partner login yet: it is not approved."""


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
    Raises IllegalTransition.
    """
    # Compare-and-set: in another tab a CSR may have been submitted meanwhile.
    written = CertificateRequest.objects.filter(pk=request.pk, state=State.AWAITING_CSR).update(
        subject=full_subject(request, subject), custody=custody
    )
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


def make_key(request: CertificateRequest, *, bits: int, actor: Actor) -> csr.CsrReport:
    """Custody `vault`: make a key here, seal it, and submit a CSR made with it.

    bits: one of the profile's choices. A subject that does not fit is reported, and nothing is made.
    """
    _require(request, State.AWAITING_CSR, "submit")
    rules = request.application.profile
    key = keys.generate_rsa_key(bits)
    report = csr.check_csr(csr.build_csr(key, request.subject), rules, mzp=request.partner_login.mzp)
    report = with_records(request, report)
    if not report.fit:
        return report
    passphrase = secrets.token_hex(32).encode("ascii")
    sealed = EncryptedKey(keys.encrypt_key(key, passphrase), passphrase)
    with transaction.atomic():
        secret = seal_key(request.organisation, Secret.Kind.PRIVATE_KEY, sealed)
        _submit(request, report, actor=actor, custody=CertificateRequest.Custody.VAULT, key=secret)
        put_on_record(Event.KEY_CREATED, request, actor, bits=bits)
    return report


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
    report = csr.check_csr(data, request.application.profile, mzp=request.partner_login.mzp, described=request.subject)
    report = with_records(request, report)
    if report.fit:
        with transaction.atomic():
            _submit(request, report, actor=actor, custody=custody, key=None)
    return report


def restart(request: CertificateRequest, *, actor: Actor) -> None:
    """Take the CSR back before it is accepted: another key, another custody, other names."""
    key = request.key
    with transaction.atomic():
        advance(request, LIFECYCLE, "restart", actor=actor, csr_pem="", spki_sha256="", findings=[], key=None)
        if key is not None:
            destroy_secret(key)
            put_on_record(Event.KEY_DESTROYED, request, actor)


def export_key(request: CertificateRequest, *, passphrase: bytes, actor: Actor) -> bytes:
    """Return the sealed key as PKCS#8 PEM, encrypted under `passphrase`; recorded, and mailed to the owners.

    Raises KeyError if the key is not here.
    """
    sealed = sealed_key(request)
    if sealed is None:
        raise KeyError("key")
    with transaction.atomic():
        tell_owners(request, put_on_record(Event.SECRET_REVEALED, request, actor, what="private_key"), "private_key")
    return keys.encrypt_key(keys.load_key(sealed.pem, sealed.passphrase), passphrase)


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


def sealed_key(request: CertificateRequest) -> EncryptedKey | None:
    """Return the private key (encrypted PEM with its passphrase) if it is here. Raises CannotOpen."""
    return open_key(request.key) if request.key is not None else None


def _submit(
    request: CertificateRequest, report: csr.CsrReport, *, actor: Actor, custody: str, key: Secret | None
) -> None:
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


def _require(request: CertificateRequest, state: State, event: str) -> None:
    if request.state != state:
        raise IllegalTransition(LIFECYCLE.name, request.state, event)
