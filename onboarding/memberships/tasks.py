"""Thin tasks: one call."""

from onboarding.celery import app
from onboarding.memberships import joining, retention


@app.task
def delete_old() -> None:
    """Delete invitations and requests to join that are long over."""
    retention.delete_old()


@app.task
def leave_to_staff() -> None:
    """Let staff decide on requests to join that no owner has answered."""
    joining.leave_to_staff()
