"""One verb per decision about certificate requests and CSRs; `private_keys` has those about keys, `issuing` those that
lead to a certificate.
"""

from collections.abc import Mapping
from contextlib import suppress

from django.db import transaction

from onboarding import leases
from onboarding.audit.events import Event
from onboarding.credentials import issuing
from onboarding.credentials.entitlement import NoPartnerLogin, login_for, require_open
from onboarding.credentials.environments import environment
from onboarding.credentials.known import with_records
from onboarding.credentials.models import CertificateRequest, KeyOrder
from onboarding.credentials.states import LIFECYCLE, USABLE, State
from onboarding.credentials.telling import params, put_on_record
from onboarding.findings import Finding, Severity
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor
from onboarding.partners.models import PartnerLogin, StaffRole
from onboarding.partners.people import staff
from onboarding.pki import csr
from onboarding.pki.subject import check_subject
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret
from onboarding.vault.seal import destroy_secret
from onboarding.worklist.transitions import advance

OPEN_STATES = (State.AWAITING_CSR, State.CSR_SUBMITTED, State.CSR_REFUSED, State.CSR_ACCEPTED)


def open_request(
    application: Application, environment_id: str, *, actor: Actor, login: PartnerLogin | None = None
) -> CertificateRequest:
    """Return the signing cycle that is open for an application in an environment, opening one if there is none.

    login: instead of the one that `entitlement.login_for` finds. Raises NoPartnerLogin, ApplicationClosed, or KeyError
    for an environment that is not available.
    """
    environment(application.profile, environment_id)
    login = login or login_for(application, environment_id, actor=actor)
    if login.is_of_sandbox and environment_id != SANDBOX:
        raise NoPartnerLogin
    with transaction.atomic():
        request, created = CertificateRequest.objects.get_or_create(
            application=application,
            environment=environment_id,
            state__in=OPEN_STATES,
            defaults={"partner_login": login},
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
    report = csr.check_csr(data, request.application.profile, mzp=request.partner_login.mzp, described=request.subject)
    return with_records(request, report)


def submit(
    request: CertificateRequest, report: csr.CsrReport, *, actor: Actor, custody: str, key: Secret | None
) -> None:
    """Submit a CSR that was checked and is fit. key: custody `vault` only.

    With a login of the sandbox the certificate follows at once. Raises IllegalTransition, ApplicationClosed.
    """
    require_open(request.application, request.environment)
    with transaction.atomic():
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
        if request.partner_login.is_of_sandbox:
            issuing.sign_at_once(request)
            return
        once = f"csr:{request.pk}:{report.spki_sha256}"
        notify("csr_to_sign", staff(StaffRole.Role.ISSUER), once=once, params=params(request))


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


def activate(request: CertificateRequest, *, actor: Actor) -> bool:
    """Note that the certificate is in use; one that was in use before is superseded. Safe to call twice.

    Returns whether it is: not if it was revoked meanwhile.
    """
    if request.state == State.ISSUED:
        with suppress(IllegalTransition):  # it moved on; the row was read anew
            _activate(request, actor)
    else:
        request.refresh_from_db(fields=["state"])
    return request.state in USABLE


def _activate(request: CertificateRequest, actor: Actor) -> None:
    with transaction.atomic():
        earlier = CertificateRequest.objects.filter(
            application_id=request.application_id, environment=request.environment, state=State.ACTIVE
        )
        advance(request, LIFECYCLE, "activate", actor=actor)
        for other in earlier:
            if other.pk != request.pk:
                with suppress(IllegalTransition):  # revoked meanwhile
                    advance(other, LIFECYCLE, "supersede", actor=actor)


def _require(request: CertificateRequest, state: State, event: str) -> None:
    if request.state != state:
        raise IllegalTransition(LIFECYCLE.name, request.state, event)
