"""Thin tasks: one call."""

from onboarding.celery import app
from onboarding.registrations import conversation, retention, usage_figures


@app.task
def erase_closed() -> None:
    """Erase descriptions that need not be kept any longer."""
    retention.erase_closed()


@app.task
def tell_unread() -> None:
    """Write to those who have not read what was written to them."""
    conversation.tell_unread()


@app.task
def count_usage() -> None:
    """Count what the applications of each programme ask for."""
    usage_figures.count_usage()
