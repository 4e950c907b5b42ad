"""What runs in the background: thin."""

from celery import shared_task

from onboarding.worklist import digest


@shared_task
def send_digests() -> None:
    """Write to staff what is new and overdue, once a day."""
    digest.send_digests()
