"""Old regular checks are forgotten, where the operator wants that: RUNS_KEPT_DAYS.

Kept for ever are runs that somebody asked for, the last good run of a set, and the failure that stands. Each sweep goes
on, in the order of time, by a bounded number of runs, and from the beginning again once a day.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import models
from django.utils import timezone

from onboarding.validation.models import Run

AT_ONCE = 1000
AGAIN_AFTER = 24 * 3600
"""Seconds."""
_WALK = "retention-walk"


def sweep() -> int:
    """Forget what is old enough among the next runs; return how many were forgotten."""
    if settings.RUNS_KEPT_DAYS <= 0:
        return 0
    old = Run.objects.filter(
        state__in=Run.RESULTS, created_at__lt=timezone.now() - timedelta(days=settings.RUNS_KEPT_DAYS)
    )
    start: datetime | None = cache.get(_WALK)
    if start is not None:
        old = old.filter(created_at__gt=start)
    batch = list(old.order_by("created_at").values_list("pk", "created_at")[:AT_ONCE])
    if not batch:
        return 0
    cache.set(_WALK, batch[-1][1], AGAIN_AFTER)
    better = Run.objects.filter(
        credential_set=models.OuterRef("credential_set"),
        state=Run.State.PASSED,
        created_at__gt=models.OuterRef("created_at"),
    )
    forgotten = Run.objects.filter(
        models.Q(state=Run.State.FAILED, stands=False) | models.Q(models.Exists(better), state=Run.State.PASSED),
        pk__in=[pk for pk, _ in batch],
        origin=Run.Origin.SCHEDULE,
    )
    return forgotten.delete()[0]
