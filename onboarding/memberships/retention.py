"""Invitations and requests to join that are over name people who may never have come: they are kept for a month."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from onboarding.memberships.models import Invitation, JoinRequest, StaffInvitation
from onboarding.memberships.states import OPEN

KEPT = timedelta(days=30)


def delete_old() -> int:
    """Delete what was over a month ago; return how many. To call it again is safe."""
    before = timezone.now() - KEPT
    invitations, _rows = Invitation.objects.filter(
        Q(ended_at__lt=before) | Q(state=Invitation.State.OPEN, expires_at__lt=before)
    ).delete()
    staff, _rows = StaffInvitation.objects.filter(
        Q(ended_at__lt=before) | Q(state=Invitation.State.OPEN, expires_at__lt=before)
    ).delete()
    requests, _rows = JoinRequest.objects.filter(state_since__lt=before).exclude(state__in=OPEN).delete()
    return invitations + staff + requests
