"""How long reports on traces are kept: RETAIN_RUN_DAYS, and no longer than what describes their application."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from onboarding.activation.models import TraceReport


def delete_old() -> int:
    """Delete what need not be kept any longer; return how many reports that were. To call it again is safe."""
    over = Q(application__registration__erased_at__isnull=False)
    if settings.RETAIN_RUN_DAYS:
        over |= Q(attached_at__lt=timezone.now() - timedelta(days=settings.RETAIN_RUN_DAYS))
    gone = list(TraceReport.objects.filter(over).values_list("pk", flat=True))
    return TraceReport.objects.filter(pk__in=gone).delete()[0]
