"""How long rehearsals are kept that nobody uses (RETAIN_REHEARSAL_DAYS), and reports on traces (RETAIN_RUN_DAYS)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from onboarding.activation.models import Rehearsal, TraceReport

AT_ONCE = 200


def kept_until(rehearsal: Rehearsal) -> datetime | None:
    """Return when a rehearsal is deleted if nobody uses it until then; None if it is not."""
    days = settings.RETAIN_REHEARSAL_DAYS
    return rehearsal.used_at + timedelta(days=days) if days else None


def delete_old() -> int:
    """Delete what need not be kept any longer; return how many rehearsals and reports. To call it again is safe."""
    return _delete_rehearsals() + _delete_reports()


def _delete_rehearsals() -> int:
    if not settings.RETAIN_REHEARSAL_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.RETAIN_REHEARSAL_DAYS)
    old = list(Rehearsal.objects.filter(used_at__lt=before).values_list("pk", flat=True)[:AT_ONCE])
    Rehearsal.objects.filter(pk__in=old, used_at__lt=before).delete()
    return len(old)


def _delete_reports() -> int:
    """Delete the reports that are old, or whose application's description is erased."""
    over = Q(application__registration__erased_at__isnull=False)
    if settings.RETAIN_RUN_DAYS:
        over |= Q(attached_at__lt=timezone.now() - timedelta(days=settings.RETAIN_RUN_DAYS))
    gone = list(TraceReport.objects.filter(over).values_list("pk", flat=True)[:AT_ONCE])
    return TraceReport.objects.filter(pk__in=gone).delete()[0]
