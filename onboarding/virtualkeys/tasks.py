"""Thin tasks: an id in, one call."""

from onboarding.celery import app
from onboarding.virtualkeys import flows, retention


@app.task
def ask(request_id: str) -> None:
    """Carry out one request."""
    flows.execute(request_id)


@app.task
def sweep() -> None:
    """Look after requests that nobody looks after, and erase tokens that nobody came for."""
    flows.sweep()


@app.task
def delete_old() -> None:
    """Delete requests that need not be kept any longer."""
    retention.delete_old()
