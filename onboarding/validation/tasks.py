"""Thin tasks: an id in, one call."""

from onboarding.celery import app
from onboarding.validation import failures, flows, retention, sandboxing, schedule


@app.task
def validate(run_id: str) -> None:
    """Carry out one run."""
    flows.execute(run_id)


@app.task
def sweep() -> None:
    """Look after runs that nobody looks after."""
    flows.sweep()
    sandboxing.sweep()


@app.task
def first_call(order_id: str) -> None:
    """Validate what came of an order that asked for it."""
    sandboxing.first_call(order_id)


@app.task
def ask_for_due_runs() -> None:
    """Ask for runs of what is due, count for the desk what takes a while, and forget what is old."""
    schedule.sweep()
    schedule.on_schedule.anew()
    failures.causes.anew()


@app.task
def delete_old() -> None:
    """Delete runs that need not be kept any longer."""
    retention.delete_old()
