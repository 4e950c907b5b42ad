"""How long rehearsals are kept that nobody uses: RETAIN_REHEARSAL_DAYS."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from onboarding.activation.models import Rehearsal

AT_ONCE = 200


def kept_until(rehearsal: Rehearsal) -> datetime | None:
    """Return when a rehearsal is deleted if nobody uses it until then; None if it is not."""
    days = settings.RETAIN_REHEARSAL_DAYS
    return rehearsal.used_at + timedelta(days=days) if days else None


def delete_old() -> int:
    """Delete the rehearsals that nobody has used for that long; return how many. To call it again is safe."""
    if not settings.RETAIN_REHEARSAL_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.RETAIN_REHEARSAL_DAYS)
    old = list(Rehearsal.objects.filter(used_at__lt=before).values_list("pk", flat=True)[:AT_ONCE])
    Rehearsal.objects.filter(pk__in=old, used_at__lt=before).delete()
    return len(old)
