"""How long the descriptions of applications are kept that came to nothing: declined, or withdrawn."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.partners.actors import SYSTEM
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.states import State
from onboarding.worklist.following import forget

CLOSED = (State.DECLINED, State.WITHDRAWN)
BATCH = 200


def kept_until(registration: Registration) -> datetime | None:
    """Return when the description of a closed registration is erased; None if it is not, or was."""
    if registration.state not in CLOSED or registration.erased_at or not settings.RETAIN_CLOSED_DAYS:
        return None
    return registration.state_since + timedelta(days=settings.RETAIN_CLOSED_DAYS)


def erase_closed() -> int:
    """Erase what was described, submitted, noted and said in registrations closed RETAIN_CLOSED_DAYS ago.

    Returns how many. The application stays, with its number, its state and its history. To call it again is safe.
    """
    if not settings.RETAIN_CLOSED_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.RETAIN_CLOSED_DAYS)
    due = Registration.objects.filter(state__in=CLOSED, state_since__lt=before, erased_at=None)
    erased = 0
    while batch := list(due.select_related("application__organisation")[:BATCH]):
        erased += sum(_erase(registration) for registration in batch)
    return erased


def _erase(registration: Registration) -> bool:
    """Erase one description; of two who do it at once, one does."""
    with transaction.atomic():
        unchanged = Registration.objects.filter(pk=registration.pk, state=registration.state, erased_at=None)
        if not unchanged.update(erased_at=timezone.now(), answers={}, note="", comments={}):
            return False
        registration.submissions.update(answers={}, comments={}, note="")
        forget(registration)
        for held in (registration.edits, registration.messages, registration.readings):
            held.all().delete()
        Application.objects.filter(pk=registration.application_id).update(name="", brands=[])
        record(
            Event.DESCRIPTION_ERASED,
            registration,
            actor=SYSTEM,
            organisation=registration.organisation,
            application_id=registration.application_id,
        )
    return True
