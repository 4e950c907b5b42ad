"""Asking a CA that takes its time: the order is a row, a worker carries it out, and no transaction waits for the CA."""

from datetime import timedelta
from uuid import UUID

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction

from onboarding import leases
from onboarding.celery import wake
from onboarding.credentials import issuing
from onboarding.credentials.duties import SameHands
from onboarding.credentials.issuers import Refused, Revoker, Unreachable, load, name_for, profile_of
from onboarding.credentials.models import CertificateRequest, IssuerOrder
from onboarding.credentials.reasons import Reason
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.people import OwnOrganisation, require_impartial
from onboarding.pki import certificates

log = structlog.get_logger(__name__)

ASK = "onboarding.credentials.tasks.ask_issuer"
TIME_LIMIT = 120
"""Seconds after which the worker's process is ended; a module keeps its own timeouts below that."""

LEASE = timedelta(seconds=TIME_LIMIT + 30)
MOST_SAID = 1000
Verb, State = IssuerOrder.Verb, IssuerOrder.State


def order_signature(request: CertificateRequest, *, actor: Actor) -> IssuerOrder:
    """Have a worker ask the CA to sign; an order that is open already is returned instead.

    The CSR stays what it was until a certificate is released. Raises SameHands, OwnOrganisation, IllegalTransition.
    """
    require_impartial(actor, request.organisation)
    issuing.require_signable(request, actor=actor)
    return order(request, Verb.SIGN, actor=actor)


def order(request: CertificateRequest, verb: IssuerOrder.Verb, *, actor: Actor) -> IssuerOrder:
    """Have a worker ask the request's CA for something; an order that is open already is returned instead."""
    name = name_for(request.application.programme, request.environment)
    with transaction.atomic():
        # Of two who order at once, the second finds the first one's.
        CertificateRequest.objects.select_for_update().get(pk=request.pk)
        if waiting := request.issuer_orders.filter(verb=verb, state__in=IssuerOrder.OPEN).first():
            return waiting
        made = IssuerOrder.objects.create(
            certificate_request=request, verb=verb, issuer=name, actor_kind=actor.kind, actor_id=actor.user_id
        )
        wake(ASK, str(made.pk))
    return made


def ask(order_id: str | UUID) -> None:
    """Carry out one order, if nobody else has it. Safe to repeat: the CA is told which request it is about."""
    orders = IssuerOrder.objects.select_related(
        "certificate_request__application__organisation", "certificate_request__partner_login__organisation"
    )
    found = leases.claim(orders, order_id, lease=LEASE)
    if found is None:
        return
    try:
        _CARRY_OUT[Verb(found.verb)](found)
    except Unreachable as error:
        log.warning("the CA cannot be reached", order=str(found.pk), attempt=found.attempt, error=repr(error))
        if found.attempt >= leases.MAX_ATTEMPTS:
            leases.finish(found, State.FAILED)
        else:
            leases.put_back(found)
    except Refused as refusal:
        leases.finish(found, State.REFUSED, said=refusal.reason[:MOST_SAID])
    except issuing.CertificateRefused as error:
        leases.finish(found, State.UNCLEAN, report=error.report.to_json(), certificate_pem=found.certificate_pem)
    except (IllegalTransition, SameHands, OwnOrganisation, leases.LostLease):
        leases.finish(found, State.CANCELLED)
    except Exception as error:  # a module that others wrote must not leave the order open
        log.exception("the CA's module has failed", order=str(found.pk))
        leases.finish(found, State.BROKEN, said=type(error).__name__)


def sweep() -> None:
    """Look after orders that nobody looks after: see `leases.sweep`."""
    leases.sweep(IssuerOrder.objects.all(), ASK, give_up=lambda lost: leases.finish(lost, State.FAILED))


def latest(request: CertificateRequest, verb: IssuerOrder.Verb) -> IssuerOrder | None:
    """Return the latest order about a request, if there was one."""
    return request.issuer_orders.filter(verb=verb).order_by("-created_at").first()


def _sign(found: IssuerOrder) -> None:
    request, actor = found.certificate_request, Actor(ActorKind(found.actor_kind), found.actor_id)
    issuing.require_signable(request, actor=actor)
    csr = x509.load_pem_x509_csr(request.csr_pem.encode("ascii"))
    signed = load(found.issuer).issue(csr, profile_of(request))
    if signed is None:
        leases.finish(found, State.HANDED_ON)
        return
    found.certificate_pem = _as_pem(signed.certificate)
    with transaction.atomic():
        issuing.release_signed(request, signed, actor=actor)
        if not leases.finish(found, State.DONE):
            raise leases.LostLease


def _revoke(found: IssuerOrder) -> None:
    request, issuer = found.certificate_request, load(found.issuer)
    if not isinstance(issuer, Revoker):
        raise Refused("")
    issuer.revoke(
        x509.load_pem_x509_certificate(request.certificate_pem.encode("ascii")), Reason(request.revocation_reason)
    )
    leases.finish(found, State.DONE)


_CARRY_OUT = {Verb.SIGN: _sign, Verb.REVOKE: _revoke}


def _as_pem(data: bytes) -> str:
    """Return the certificates in a file as PEM: what was not released can be looked at, and taken in by hand."""
    read = certificates.read_certificates(data)
    return "".join(
        one.certificate.public_bytes(Encoding.PEM).decode("ascii") for one in read if one.certificate is not None
    )
