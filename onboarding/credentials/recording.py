"""Solo mode: a member records what went out to the car maker and what came back. One verb per thing.

The decisions themselves are those of the hub (`registrations.flows`, `issuing`); here is what they mean for the CSRs of
the same application.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.credentials import flows
from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.states import LIFECYCLE, State
from onboarding.credentials.telling import put_on_record
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.actors import Actor
from onboarding.partners.models import PartnerLogin
from onboarding.partners.modes import require_decider
from onboarding.programmes import SANDBOX
from onboarding.registrations import dispatches
from onboarding.registrations import flows as registrations
from onboarding.registrations.logins import claim_login
from onboarding.registrations.models import Application, Dispatch, Registration, Submission
from onboarding.registrations.outside import Outside
from onboarding.registrations.states import CLOSED
from onboarding.registrations.states import LIFECYCLE as REGISTRATION_LIFECYCLE
from onboarding.registrations.states import State as RegistrationState
from onboarding.vault.seal import destroy_secret
from onboarding.worklist.transitions import advance

WAITING = (State.CSR_SUBMITTED, State.CSR_ACCEPTED)
"""States of a certificate request in which its CSR is with the car maker, or ready to go there."""


class SentAlready(Exception):
    """Somebody has noted already that this CSR was sent on. Nothing was changed."""


def csrs_to_send(application: Application) -> list[CertificateRequest]:
    """Return the certificate requests of an application whose CSR is ready and was not sent on yet."""
    sent = Dispatch.objects.filter(certificate_request_id=OuterRef("pk"), spki_sha256=OuterRef("spki_sha256"))
    ready = CertificateRequest.objects.filter(application=application, state__in=WAITING).exclude(environment=SANDBOX)
    return list(
        ready.exclude(Exists(sent)).select_related("application", "partner_login__organisation").order_by("created_at")
    )


def send_csr(
    request: CertificateRequest, *, outside: Outside, actor: Actor, along_with: Dispatch | None = None
) -> None:
    """Note that a CSR was sent on, as it was loaded. along_with: the description that took it along.

    Raises SentAlready, and IllegalTransition if it has changed.
    """
    as_it_was = CertificateRequest.objects.filter(pk=request.pk, spki_sha256=request.spki_sha256, state__in=WAITING)
    try:
        with transaction.atomic():
            if request.environment == SANDBOX or not as_it_was.exists():
                request.refresh_from_db()
                raise IllegalTransition(LIFECYCLE.name, request.state, "send")
            Dispatch.objects.create(
                application_id=request.application_id,
                certificate_request_id=request.pk,
                spki_sha256=request.spki_sha256,
                along_with=along_with,
                sent_on=outside.on,
                reference=outside.reference,
                recorded_by_id=actor.user_id,
            )
            put_on_record(Event.CSR_SENT, request, actor, environment=request.environment, **outside.to_json())
    except IntegrityError:
        raise SentAlready from None


def send_description(
    registration: Registration,
    *,
    csrs: Iterable[CertificateRequest] = (),
    seen_version: int,
    outside: Outside,
    actor: Actor,
) -> Submission:
    """Note that a dossier was sent on: the description, and the CSRs that went along.

    Raises what `registrations.flows.submit` and `send_csr` raise.
    """
    with transaction.atomic():
        submission = dispatches.send_description(registration, seen_version=seen_version, outside=outside, actor=actor)
        for request in csrs:
            send_csr(request, outside=outside, actor=actor, along_with=submission.dispatch)
    return submission


def record_login(application: Application, *, mzp: str, outside: Outside, actor: Actor) -> PartnerLogin:
    """Note a partner login that the company has already, before the description is answered.

    Raises MalformedLogin, LoginTaken, NotTheirsToDecide, and IllegalTransition once the description was decided on.
    """
    require_decider(actor)
    with transaction.atomic():
        state = Registration.objects.get(application=application).state
        if state in CLOSED or state == RegistrationState.APPROVED:
            raise IllegalTransition(REGISTRATION_LIFECYCLE.name, state, "record login")
        login = claim_login(application.organisation, mzp, actor=actor)
        Application.objects.filter(pk=application.pk).update(partner_login=login)
        record(
            Event.LOGIN_RECORDED,
            login,
            actor=actor,
            organisation=application.organisation,
            application_id=application.pk,
            data={"mzp": login.mzp, **outside.to_json()},
        )
        _cancel_for_other_logins(application, login, actor=actor)
    application.refresh_from_db()
    return login


def record_approval(registration: Registration, *, mzp: str, outside: Outside, actor: Actor) -> PartnerLogin:
    """Note an approval. A CSR that was made for another partner login than the one it brings is cancelled.

    Raises what `registrations.flows.approve` raises.
    """
    with transaction.atomic():
        login = registrations.approve(registration, mzp=mzp, outside=outside, actor=actor)
        _cancel_for_other_logins(registration.application, login, actor=actor)
    return login


def waiting_csrs() -> QuerySet[Dispatch]:
    """Return the dispatches of CSRs whose certificate is waited for, less those whose description is, too."""
    waiting = CertificateRequest.objects.filter(
        pk=OuterRef("certificate_request_id"), spki_sha256=OuterRef("spki_sha256"), state__in=WAITING
    )
    return (
        Dispatch.objects.filter(Exists(waiting))
        .exclude(along_with__submission__registration__state__in=dispatches.WAITING)
        .annotate(
            environment=Subquery(
                CertificateRequest.objects.filter(pk=OuterRef("certificate_request_id")).values("environment")[:1]
            )
        )
        .select_related("application__organisation")
    )


def of_csrs(applications: Sequence[Application]) -> Mapping[tuple[UUID, str], Dispatch]:
    """Return the dispatches of these applications' CSRs, by certificate request and key."""
    sent = Dispatch.objects.filter(application__in=applications, certificate_request_id__isnull=False)
    return {
        (dispatch.certificate_request_id, dispatch.spki_sha256): dispatch
        for dispatch in sent
        if dispatch.certificate_request_id
    }


def _cancel_for_other_logins(application: Application, login: PartnerLogin, *, actor: Actor) -> None:
    """A CSR names its partner login: under another one it could only be refused."""
    cycles = CertificateRequest.objects.filter(application=application, state__in=flows.OPEN_STATES)
    for cycle in cycles.exclude(environment=SANDBOX).exclude(partner_login=login).select_related("key"):
        key = cycle.key
        advance(cycle, LIFECYCLE, "cancel", actor=actor, key=None)
        flows.cancel_key_orders(cycle)
        if key is not None:
            destroy_secret(key)
            put_on_record(Event.KEY_DESTROYED, cycle, actor)
