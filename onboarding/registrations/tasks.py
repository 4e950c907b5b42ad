"""Thin tasks: one call."""

from onboarding.celery import app
from onboarding.registrations import retention


@app.task
def erase_closed() -> None:
    """Erase descriptions that need not be kept any longer."""
    retention.erase_closed()
