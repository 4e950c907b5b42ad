"""Thin tasks: an id in, one call."""

from onboarding.celery import app
from onboarding.notifications import mails, retention


@app.task
def send(mail_id: str) -> None:
    """Send one mail."""
    mails.deliver(mail_id)


@app.task
def sweep() -> None:
    """Send what was never woken, or whose worker died."""
    for mail_id in mails.due_mails():
        mails.deliver(mail_id)


@app.task
def delete_old() -> None:
    """Delete mails that need not be kept any longer."""
    retention.delete_old()
