"""Thin tasks: one call each."""

from onboarding.activation import retention
from onboarding.celery import app


@app.task
def delete_old() -> None:
    """Delete rehearsals that nobody uses, and reports on traces that need not be kept any longer."""
    retention.delete_old()
