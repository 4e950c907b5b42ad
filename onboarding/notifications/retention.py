"""How long the mail ledger is kept."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from onboarding.notifications.models import Mail

BATCH = 500
LAST_MAILS = ("account_erased",)
"""Kinds of mail to people of whom nothing is to be kept."""


def delete_old() -> int:
    """Delete mails that went out, or were given up, RETAIN_MAIL_DAYS ago; return how many. To call it again is safe.

    The last mail to somebody who was erased goes a day after it went out, whatever the setting.
    """
    now = timezone.now()
    over = Q(kind__in=LAST_MAILS, created_at__lt=now - timedelta(days=1))
    if settings.RETAIN_MAIL_DAYS:
        over |= Q(created_at__lt=now - timedelta(days=settings.RETAIN_MAIL_DAYS))
    old = Mail.objects.exclude(state=Mail.State.QUEUED).filter(over)
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        deleted += Mail.objects.filter(pk__in=batch).delete()[0]
    return deleted
