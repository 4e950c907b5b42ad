"""How long runs are kept."""

from datetime import timedelta

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from onboarding.validation.models import Run

BATCH = 500


def delete_old() -> int:
    """Delete runs that were asked for RETAIN_RUN_DAYS ago; return how many. To call it again is safe.

    Of each set the latest run stays, and the latest one that passed and rehearsed nothing: by these it is judged.
    """
    if not settings.RETAIN_RUN_DAYS:
        return 0
    same_set = Run.objects.filter(credential_set=OuterRef("credential_set")).order_by("-created_at")
    proving = same_set.exclude(facts__has_key=Run.REHEARSAL).exclude(state=Run.State.CANCELLED)
    old = (
        Run.objects.filter(created_at__lt=timezone.now() - timedelta(days=settings.RETAIN_RUN_DAYS))
        .exclude(state__in=Run.OPEN)
        .exclude(pk=_first(same_set))
        .exclude(pk=_first(proving))
        .exclude(pk=_first(proving.filter(state=Run.State.PASSED)))
    )
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        deleted += Run.objects.filter(pk__in=batch).delete()[0]
    return deleted


def _first(runs: QuerySet[Run]) -> Subquery:
    return Subquery(runs.values("pk")[:1])
