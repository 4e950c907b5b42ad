"""Thin tasks: an id in, one call."""

from onboarding.celery import app
from onboarding.enrolment import flows


@app.task
def walk(walk_id: str) -> None:
    """Carry out one walk."""
    flows.execute(walk_id)


@app.task
def sweep() -> None:
    """Look after walks that nobody looks after."""
    flows.sweep()


@app.task
def delete_old() -> None:
    """Delete consents and walks that need not be kept any longer."""
    flows.delete_old()
