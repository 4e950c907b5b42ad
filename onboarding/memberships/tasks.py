"""Thin tasks: one call."""

from onboarding.celery import app
from onboarding.memberships import retention


@app.task
def delete_old() -> None:
    """Delete invitations and requests to join that are long over."""
    retention.delete_old()
