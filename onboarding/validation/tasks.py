"""Thin tasks: an id in, one call."""

from onboarding.celery import app
from onboarding.validation import flows


@app.task
def validate(run_id: str) -> None:
    """Carry out one run."""
    flows.execute(run_id)


@app.task
def sweep() -> None:
    """Look after runs that nobody looks after."""
    flows.sweep()
