"""Separated duties, where the operator wants them: who approved an application does not issue its certificates."""

from uuid import UUID

from django.conf import settings

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.actors import Actor, ActorKind


class SameHands(Exception):
    """Who would issue the certificate has approved the application. Nothing was changed."""


def has_approved(user_id: UUID | None, request: CertificateRequest) -> bool:
    """Tell whether somebody gave the application its latest approval, and duties are separated."""
    if not settings.SEPARATE_DUTIES:
        return False
    approvals = Entry.objects.filter(application_id=request.application_id, event=Event.REGISTRATION_APPROVED)
    return approvals.order_by("-occurred_at").values_list("actor_id", flat=True).first() == user_id


def require_separate(request: CertificateRequest, *, actor: Actor) -> None:
    """Raise SameHands if staff would issue what they approved themselves."""
    if actor.kind == ActorKind.STAFF and has_approved(actor.user_id, request):
        raise SameHands
