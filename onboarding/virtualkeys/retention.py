"""How long requests for tokens are kept: RETAIN_RUN_DAYS, as validation runs are. None of them is needed longer."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from onboarding.virtualkeys.models import TokenRequest

AT_ONCE = 1000


def delete_old() -> int:
    """Delete the oldest of what has ended long ago; return how many that were. To call it again is safe."""
    if not settings.RETAIN_RUN_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.RETAIN_RUN_DAYS)
    old = TokenRequest.objects.filter(created_at__lt=before, token=None).exclude(state__in=TokenRequest.OPEN)
    gone = list(old.order_by("created_at").values_list("pk", flat=True)[:AT_ONCE])
    return TokenRequest.objects.filter(pk__in=gone).delete()[0]
