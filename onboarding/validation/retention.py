"""How long runs are kept: RETAIN_RUN_DAYS.

Of each set these stay: the latest run, the latest one that proves something, the latest good one, and the failure that
stands. By these it is judged. Each look goes on, in the order of time, by a bounded number of runs, and begins again
once a day.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from onboarding.validation.models import Run

AT_ONCE = 1000
AGAIN_AFTER = 24 * 3600
"""Seconds."""
_WALK = "retention-walk"


def delete_old() -> int:
    """Delete what is old enough among the next runs; return how many that were. To call it again is safe."""
    if not settings.RETAIN_RUN_DAYS:
        return 0
    old = Run.objects.filter(created_at__lt=timezone.now() - timedelta(days=settings.RETAIN_RUN_DAYS))
    start: datetime | None = cache.get(_WALK)
    if start is not None:
        old = old.filter(created_at__gt=start)
    batch = list(old.order_by("created_at").values_list("pk", "created_at")[:AT_ONCE])
    if not batch:
        return 0
    cache.set(_WALK, batch[-1][1], AGAIN_AFTER)
    same_set = Run.objects.filter(credential_set=OuterRef("credential_set")).order_by("-created_at")
    proving = same_set.exclude(facts__has_key=Run.REHEARSAL).exclude(state=Run.State.CANCELLED)
    gone = list(
        Run.objects.filter(pk__in=[pk for pk, _moment in batch], stands=False)
        .exclude(state__in=Run.OPEN)
        .exclude(pk=_first(same_set))
        .exclude(pk=_first(proving))
        .exclude(pk=_first(proving.filter(state=Run.State.PASSED)))
        .values_list("pk", flat=True)
    )
    return Run.objects.filter(pk__in=gone).delete()[0]


def _first(runs: QuerySet[Run]) -> Subquery:
    return Subquery(runs.values("pk")[:1])
