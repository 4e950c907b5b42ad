"""Solo mode: reminders to ask the car maker how things stand, after so many working days without an answer."""

from datetime import date
from itertools import chain

from django.db import transaction
from django.utils import timezone

from onboarding.credentials.recording import waiting_csrs
from onboarding.notifications.mails import notify
from onboarding.partners.modes import mode
from onboarding.partners.people import builders
from onboarding.registrations.dispatches import chase_days, waiting_descriptions
from onboarding.registrations.models import Dispatch


def remind(today: date | None = None) -> int:
    """Write to those who build about each dossier whose day to ask has come unmentioned; return about how many.

    Due is what was crossed and is not in the ledger: a portal that slept for a week writes once, about the latest.
    """
    if mode().has_desk:
        return 0
    today = today or timezone.localdate()
    reminded = 0
    latest = {dispatch.application_id: dispatch for dispatch in waiting_descriptions()}
    for dispatch in chain(latest.values(), waiting_csrs()):
        crossed = [count for count, day in chase_days(dispatch.sent_on) if day <= today]
        if not crossed or crossed[-1] <= dispatch.reminded_at_days:
            continue
        with transaction.atomic():
            unmentioned = Dispatch.objects.filter(pk=dispatch.pk, reminded_at_days=dispatch.reminded_at_days)
            if unmentioned.update(reminded_at_days=crossed[-1]):
                _tell(dispatch, crossed[-1])
                reminded += 1
    return reminded


def _tell(dispatch: Dispatch, days: int) -> None:
    application = dispatch.application
    params = {
        "application": str(application),
        "application_id": str(application.pk),
        "number": dispatch.submission.receipt if dispatch.submission else application.reference,
        "environment": getattr(dispatch, "environment", "") or "",
        "sent_on": dispatch.sent_on.isoformat(),
        "reference": dispatch.reference,
        "days": days,
    }
    notify("chase", builders(application.organisation), once=f"chase:{dispatch.pk}:{days}", params=params)
