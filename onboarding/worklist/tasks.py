"""What runs in the background: thin."""

from celery import shared_task

from onboarding.worklist import digest, figures


@shared_task
def send_digests() -> None:
    """Write to staff what is new and overdue, once a day."""
    digest.send_digests()


@shared_task
def renew_figures() -> None:
    """Count what was finished this week and last."""
    figures.renew()
