"""The daily mail to staff: what is new, what is overdue, what they have. Nobody has to look to know."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from onboarding.notifications.mails import notify
from onboarding.partners.models import StaffRole, User
from onboarding.partners.people import staff
from onboarding.worklist.models import UNDATED, Item
from onboarding.worklist.queue import stages_of

HOUR = 7
"""When it comes, by the reader's own clock; later if the portal was down."""
MOST_LINES = 5
SATURDAY = 5


def send_digests(now: datetime | None = None) -> int:
    """Write to each of the staff for whom it is past HOUR on a working day, and something is new or overdue.

    Once a day each: calling it again writes nothing. Returns to how many people something was to be told.
    """
    now = now or timezone.now()
    told = 0
    for person in staff(StaffRole.Role.REVIEWER, StaffRole.Role.ISSUER):
        local = now.astimezone(ZoneInfo(person.time_zone))
        if local.hour < HOUR or local.weekday() >= SATURDAY:
            continue
        params = _digest(person, now, local.date())
        if params["new"] or params["overdue"]:
            notify("work_digest", [person], once=f"digest:{person.pk}:{local.date()}", params=params)
            told += 1
    return told


def _digest(person: User, now: datetime, today: date) -> dict[str, Any]:
    own = Item.objects.exclude(organisation__memberships__user=person)
    waiting = own.filter(closed_at=None, stage__in=stages_of(person)).filter(Q(assignee=None) | Q(assignee=person))
    since = now - timedelta(days=3 if today.weekday() == 0 else 1)
    first = waiting.exclude(due_on=UNDATED).select_related("organisation").order_by("due_on", "opened_at")[:MOST_LINES]
    return {
        "new": waiting.filter(opened_at__gte=since).count(),
        "waiting": waiting.count(),
        "overdue": waiting.filter(due_on__lt=today).count(),
        "mine": waiting.filter(assignee=person).count(),
        "lines": [
            {
                "due": item.due_on.isoformat(),
                "stage": item.stage,
                "title": item.title,
                "organisation": item.organisation.name,
            }
            for item in first
        ],
    }
