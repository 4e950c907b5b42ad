"""Thin tasks: an id in, one call."""

from onboarding.celery import app
from onboarding.validation import flows, retention, schedule


@app.task
def validate(run_id: str) -> None:
    """Carry out one run."""
    flows.execute(run_id)


@app.task
def sweep() -> None:
    """Look after runs that nobody looks after."""
    flows.sweep()


@app.task
def ask_for_due_runs() -> None:
    """Ask for runs of the live sets that are due by the schedule."""
    schedule.sweep()


@app.task
def delete_old() -> None:
    """Delete runs that need not be kept any longer."""
    retention.delete_old()
