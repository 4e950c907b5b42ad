"""Revoking certificates, for good: by staff, or by the partner whose key it is.

In the sandbox it counts at once, for whoever asks. Elsewhere staff revoke; a partner asks them to. What the corporate
CA has revoked is noted here with its day, and an issuer that can revoke is asked to, by a worker.
"""

from datetime import date, datetime, time

from cryptography import x509
from django.db import transaction
from django.utils import timezone, translation

from onboarding.audit.events import Event
from onboarding.credentials import signing
from onboarding.credentials.issuers import Revoker, issuer_for
from onboarding.credentials.models import CertificateRequest, IssuerOrder
from onboarding.credentials.reasons import Reason
from onboarding.credentials.states import LIFECYCLE
from onboarding.credentials.telling import params, put_on_record, tell_builders
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import StaffRole
from onboarding.partners.modes import NotTheirsToDecide, mode
from onboarding.partners.people import staff
from onboarding.programmes import SANDBOX
from onboarding.registrations.outside import Outside, said
from onboarding.vault.seal import destroy_secret
from onboarding.worklist.following import follow
from onboarding.worklist.transitions import advance

REVOCABLE = tuple(state for state in LIFECYCLE.states if LIFECYCLE.allows(state, "revoke"))


def is_by_hand(request: CertificateRequest) -> bool:
    """Return whether a person has to have it revoked elsewhere, and it is only noted here."""
    return not isinstance(issuer_for(request), Revoker)


def counts_at_once(request: CertificateRequest) -> bool:
    """Return whether a partner's word is enough: in the sandbox, and where there is no staff to decide."""
    return request.environment == SANDBOX or not mode().has_desk


def revoke(
    request: CertificateRequest,
    *,
    reason: str,
    note: str,
    actor: Actor,
    on: date | None = None,
    outside: Outside | None = None,
) -> None:
    """Revoke a certificate, tell those who build, and destroy the key if it is sealed here. There is no way back.

    reason: a `Reason`. note: what the partner should know. on: the day on which the CA revoked, where it is revoked by
    hand; today without. outside: the same, as a member records it.
    Raises NotTheirsToDecide, OwnOrganisation, IllegalTransition, or ValueError if there is no such reason.
    """
    if actor.kind == ActorKind.MEMBER and not counts_at_once(request):
        raise NotTheirsToDecide(actor.kind)
    why, key, issuer = Reason(reason), request.key, issuer_for(request)
    outside = outside or (Outside(on) if on else None)
    with transaction.atomic():
        advance(
            request,
            LIFECYCLE,
            "revoke",
            actor=actor,
            data={"reason": str(why), "serial_number": request.serial_number, **said(outside)},
            revoked_at=_moment(outside.on if outside else None),
            revocation_reason=why,
            revocation_asked_at=None,
            note=note,
            key=None,
        )
        if key is not None:
            destroy_secret(key)
            put_on_record(Event.KEY_DESTROYED, request, actor)
        if isinstance(issuer, Revoker):
            if issuer.at_once:
                issuer.revoke(x509.load_pem_x509_certificate(request.certificate_pem.encode("ascii")), why)
            else:
                signing.order(request, IssuerOrder.Verb.REVOKE, actor=actor)
        tell_builders("certificate_revoked", request, reason=_in_english(why), note=note)


def ask(request: CertificateRequest, *, reason: str, note: str, actor: Actor) -> None:
    """Ask staff to revoke a certificate: a card for the issuers, and a mail. Safe to call twice.

    Raises IllegalTransition if it cannot be revoked (any more), or ValueError if there is no such reason.
    """
    why = Reason(reason)
    with transaction.atomic():
        asked = CertificateRequest.objects.filter(pk=request.pk, state__in=REVOCABLE, revocation_asked_at=None)
        written = asked.update(revocation_asked_at=timezone.now(), revocation_reason=why, note=note)
        request.refresh_from_db()
        if not written:
            if request.state not in REVOCABLE:
                raise IllegalTransition(LIFECYCLE.name, request.state, "revoke")
            return
        put_on_record(Event.REVOCATION_ASKED, request, actor, reason=str(why))
        follow(request, request.card())
        about = params(request) | {"reason": _in_english(why), "note": note}
        once = f"revoke:{request.pk}:{request.revocation_asked_at:%Y%m%dT%H%M%S%f}"
        notify("revocation_to_do", staff(StaffRole.Role.ISSUER), once=once, params=about)


def take_back(request: CertificateRequest, *, actor: Actor) -> bool:
    """Take back what was asked for; False, and nothing changed, if nothing is, or it was revoked meanwhile."""
    with transaction.atomic():
        asked = CertificateRequest.objects.filter(pk=request.pk, state__in=REVOCABLE, revocation_asked_at__isnull=False)
        written = asked.update(revocation_asked_at=None, revocation_reason="", note="")
        request.refresh_from_db()
        if written:
            put_on_record(Event.REVOCATION_TAKEN_BACK, request, actor)
            follow(request, request.card(), Event.REVOCATION_TAKEN_BACK)
    return bool(written)


def tell_ca_again(request: CertificateRequest, *, actor: Actor) -> IssuerOrder:
    """Have the CA asked once more to revoke what is revoked here. Raises IllegalTransition."""
    if request.revoked_at is None or is_by_hand(request):
        raise IllegalTransition(LIFECYCLE.name, request.state, "revoke")
    return signing.order(request, IssuerOrder.Verb.REVOKE, actor=actor)


def _moment(day: date | None) -> datetime:
    now = timezone.now()
    return now if day is None else min(now, timezone.make_aware(datetime.combine(day, time(12))))


def _in_english(reason: Reason) -> str:
    with translation.override("en"):  # the mail's template translates it, for each reader
        return str(reason.label)
