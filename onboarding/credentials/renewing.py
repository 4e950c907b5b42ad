"""Renewals: a further signing cycle beside the certificate in use, and the reminders to begin one in time.

The old certificate stays in use until a call with the new one has passed, so nothing stops working in between.
"""

from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.credentials import flows
from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.states import LIFECYCLE, USABLE, State
from onboarding.credentials.telling import params, put_on_record
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import notify, write_to
from onboarding.partners.actors import Actor
from onboarding.partners.people import builders
from onboarding.registrations.states import CLOSED
from onboarding.vault.seal import destroy_secret
from onboarding.worklist.transitions import advance

BEGIN_BEFORE = 60
"""Days before the end from which a renewal is asked for: signing has taken partners forty days."""

REMIND_AT = (60, 30, 14, 7, 3, 1, 0)
"""Days before the end at which people are reminded; 0: it has ended."""

FORGOTTEN_AFTER = 30
"""Days after the end from which nobody is reminded any more."""

AT_ONCE = 200
"""Certificates that one look reminds of at most; the next look goes on."""


def begin(request: CertificateRequest, *, actor: Actor) -> CertificateRequest:
    """Open the cycle that renews a certificate in use, with the same names.

    Of two who do, the second finds what the first has begun.

    Raises IllegalTransition if the certificate is not in use, and what `flows.open_request` raises.
    """
    if request.state not in USABLE:
        raise IllegalTransition(LIFECYCLE.name, request.state, "renew")
    renewal = flows.open_request(request.application, request.environment, actor=actor)
    CertificateRequest.objects.filter(pk=renewal.pk, state=State.AWAITING_CSR, subject={}).update(
        subject=request.subject, custody=request.custody
    )
    renewal.refresh_from_db()
    return renewal


def give_up(renewal: CertificateRequest, *, actor: Actor) -> None:
    """Cancel a renewal that is on its way; a key made for it is destroyed. Raises IllegalTransition.

    Only where a certificate is in use: a first cycle is restarted, not given up.
    """
    others = CertificateRequest.objects.filter(
        application_id=renewal.application_id, environment=renewal.environment, state__in=USABLE
    )
    if not others.exists():
        raise IllegalTransition(LIFECYCLE.name, renewal.state, "cancel")
    key = renewal.key
    with transaction.atomic():
        advance(renewal, LIFECYCLE, "cancel", actor=actor, key=None)
        flows.cancel_key_orders(renewal)
        if key is not None:
            destroy_secret(key)
            put_on_record(Event.KEY_DESTROYED, renewal, actor)


def remind(now: datetime | None = None) -> int:
    """Write to those who renew about each certificate that has crossed a threshold unmentioned; return of how many.

    Due is what was crossed and is not in the ledger: a portal that slept for a week writes once, about the latest.
    """
    now = now or timezone.now()
    reminded = 0
    for request in _ending(now).order_by("not_valid_after")[:AT_ONCE]:
        end = request.not_valid_after
        if end is None:  # the query has none such
            continue
        threshold = next(days for days in reversed(REMIND_AT) if end <= now + timedelta(days=days))
        with transaction.atomic():
            claimed = CertificateRequest.objects.filter(pk=request.pk, reminded_at_days=request.reminded_at_days)
            if claimed.update(reminded_at_days=threshold):
                _tell(request, threshold, end)
                reminded += 1
    return reminded


def _tell(request: CertificateRequest, threshold: int, end: datetime) -> None:
    """Write to who builds, and to the organisation's verified contacts; to each address once."""
    has_begun = CertificateRequest.objects.filter(
        application_id=request.application_id, environment=request.environment, state__in=flows.OPEN_STATES
    ).exists()
    kind = "certificate_expired" if threshold == 0 else "certificate_expiring"
    once, about = (
        f"expiring:{request.pk}:{threshold}",
        params(request) | {"end": f"{end:%Y-%m-%d}", "has_begun": has_begun},
    )
    people = list(builders(request.organisation).order_by("date_joined"))
    notify(kind, people, once=once, params=about)
    known = {person.email.casefold() for person in people}
    language = people[0].language if people else settings.LANGUAGE_CODE
    for contact in request.organisation.contacts.filter(verified_at__isnull=False):
        if contact.email.casefold() not in known:
            write_to(contact.email, kind, language=language, once=once, params=about)


def _ending(now: datetime) -> QuerySet[CertificateRequest]:
    """Return the certificates in use that end soon, or have ended, and that no other one follows yet."""
    followers = CertificateRequest.objects.filter(
        application=OuterRef("application"),
        environment=OuterRef("environment"),
        state__in=USABLE,
        not_valid_after__gt=OuterRef("not_valid_after"),
    )
    crossed = [
        Q(
            not_valid_after__gt=now + timedelta(days=nearer),
            not_valid_after__lte=now + timedelta(days=days),
        )
        & ~Q(reminded_at_days=days)
        for days, nearer in zip(REMIND_AT, (*REMIND_AT[1:], -FORGOTTEN_AFTER), strict=True)
    ]
    return (
        CertificateRequest.objects.filter(state__in=USABLE)
        .filter(reduce(or_, crossed))
        .exclude(application__registration__state__in=CLOSED)
        .exclude(Exists(followers))
        .select_related("application__organisation", "partner_login__organisation")
    )
