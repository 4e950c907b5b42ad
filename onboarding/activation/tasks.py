"""Thin tasks: one call."""

from onboarding.activation import retention
from onboarding.celery import app


@app.task
def delete_old() -> None:
    """Delete reports on traces that need not be kept any longer."""
    retention.delete_old()
