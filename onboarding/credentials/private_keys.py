"""Custody `vault`: private keys made or brought here, sealed, taken away. One verb per decision.

A key is made by a worker, on an order that stands in the database: the queue is told the order's id and nothing else,
and the key is in the worker's memory alone until it is sealed.
"""

import uuid
from datetime import timedelta

import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.db import transaction

from onboarding import leases
from onboarding.audit.events import Event
from onboarding.celery import wake
from onboarding.credentials import flows
from onboarding.credentials.models import CertificateRequest, KeyOrder
from onboarding.credentials.states import LIFECYCLE, State
from onboarding.credentials.telling import put_on_record, tell_owners
from onboarding.findings import Finding, Severity
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.actors import SYSTEM, Actor, ActorKind
from onboarding.pki import csr, keys
from onboarding.vault.models import Secret
from onboarding.vault.seal import EncryptedKey, encrypted, open_key, seal_key

log = structlog.get_logger(__name__)

MAKE_KEY = "onboarding.credentials.tasks.make_key"
FIRST_CALL = "onboarding.validation.tasks.first_call"
TIME_LIMIT = 30
"""Seconds after which the worker's process is ended; RSA-4096 takes 0.4, and now and then 1.5."""

LEASE = timedelta(seconds=TIME_LIMIT + 15)


class SubjectUnfit(Exception):
    """A CSR with the subject described would be refused; the findings say why. No key was ordered."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.findings = findings


def order_key(request: CertificateRequest, *, bits: int, actor: Actor, first_call: bool = False) -> KeyOrder:
    """Ask a worker to make a key and to submit a CSR made with it; an order that is open already is returned instead.

    bits: one of the profile's choices. first_call: validate at once what comes of it, if that needs nobody else.
    Raises IllegalTransition, SubjectUnfit.
    """
    with transaction.atomic():
        # Written, not only read: whoever changes the subject or the custody now waits, and then cancels the order.
        awaiting = CertificateRequest.objects.filter(pk=request.pk, state=State.AWAITING_CSR)
        written = awaiting.update(custody=CertificateRequest.Custody.VAULT)
        request.refresh_from_db()
        if not written:
            raise IllegalTransition(LIFECYCLE.name, request.state, "submit")
        if errors := flows.subject_errors(request):
            raise SubjectUnfit(errors)
        if waiting := request.key_orders.filter(state__in=KeyOrder.OPEN).first():
            return waiting
        order = KeyOrder.objects.create(
            certificate_request=request,
            bits=bits,
            actor_kind=actor.kind,
            actor_id=actor.user_id,
            first_call=first_call,
        )
        put_on_record(Event.KEY_ORDERED, request, actor, bits=bits)
        wake(MAKE_KEY, str(order.pk))
    return order


def make_key(order_id: str | uuid.UUID) -> None:
    """Carry out one order, if nobody else has it. Every step is safe to repeat: only what is finished is kept."""
    orders = KeyOrder.objects.select_related(
        "certificate_request__application__organisation", "certificate_request__partner_login__organisation"
    )
    order = leases.claim(orders, order_id, lease=LEASE, step=KeyOrder.Step.MAKING)
    if order is None:
        return
    try:
        _carry_out(order)
    except leases.LostLease:
        log.warning("the order was cancelled, or taken over by another worker", order=str(order.pk))
    except IllegalTransition:  # a CSR was submitted in another way meanwhile
        leases.finish(order, KeyOrder.State.CANCELLED)


def _carry_out(order: KeyOrder) -> None:
    request = order.certificate_request
    key = keys.generate_rsa_key(order.bits)
    leases.keep(order, step=KeyOrder.Step.CHECKING)
    report = flows.check(request, csr.build_csr(key, request.subject))
    if not report.fit:
        _fail(order, KeyOrder.State.FAILED, findings=[finding.to_json() for finding in report.findings])
        return
    leases.keep(order, step=KeyOrder.Step.SEALING)
    actor = Actor(ActorKind(order.actor_kind), order.actor_id)
    with transaction.atomic():
        # The request before the order, as everywhere: so nobody waits for somebody who waits for them.
        _seal_and_submit(request, key, report, event=Event.KEY_CREATED, actor=actor)
        if not leases.finish(order, KeyOrder.State.DONE):
            raise leases.LostLease
        if order.first_call:
            wake(FIRST_CALL, str(order.pk))


def sweep() -> None:
    """Look after orders that nobody looks after: see `leases.sweep`."""
    orders = KeyOrder.objects.select_related("certificate_request__partner_login__organisation")
    leases.sweep(orders, MAKE_KEY, give_up=lambda order: _fail(order, KeyOrder.State.ABANDONED))


def _fail(order: KeyOrder, state: KeyOrder.State, **changes: object) -> None:
    with transaction.atomic():
        if leases.finish(order, state, **changes):
            put_on_record(Event.KEY_NOT_CREATED, order.certificate_request, SYSTEM, reason=str(state))


def import_key(request: CertificateRequest, data: bytes, *, passphrase: bytes | None, actor: Actor) -> csr.CsrReport:
    """Seal a private key that the partner brings, and submit a CSR made with it.

    data: whatever `keys.load_key` reads; passphrase: of that file. What does not fit is reported, and nothing kept.
    Raises IllegalTransition.
    """
    if request.state != State.AWAITING_CSR:
        raise IllegalTransition(LIFECYCLE.name, request.state, "submit")
    try:
        key = keys.load_key(data, passphrase)
    except keys.UnreadableKey as error:
        return _refused(error.finding)
    kind, _bits = keys.describe(key.public_key())
    allowed = request.application.profile.key.types
    if kind not in allowed or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return _refused(Finding("key_type", Severity.ERROR, "key", kind, " / ".join(allowed)))
    report = flows.check(request, csr.build_csr(key, request.subject))
    if report.fit:
        with transaction.atomic():
            _seal_and_submit(request, key, report, event=Event.KEY_IMPORTED, actor=actor)
            flows.cancel_key_orders(request)
    return report


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


def sealed_key(request: CertificateRequest) -> EncryptedKey | None:
    """Return the private key (encrypted PEM with its passphrase) if it is here. Raises CannotOpen."""
    return open_key(request.key) if request.key is not None else None


def _seal_and_submit(
    request: CertificateRequest,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    report: csr.CsrReport,
    *,
    event: Event,
    actor: Actor,
) -> None:
    with transaction.atomic():
        secret = seal_key(request.organisation, Secret.Kind.PRIVATE_KEY, encrypted(key))
        flows.submit(request, report, actor=actor, custody=CertificateRequest.Custody.VAULT, key=secret)
        put_on_record(event, request, actor, **(report.key or {}))


def _refused(finding: Finding) -> csr.CsrReport:
    return csr.CsrReport(None, {}, None, None, (finding,))
