"""The heartbeat: any task that starts is a sign of life, and this one comes when there is no other."""

from typing import Any

from celery.signals import task_prerun, worker_ready

from onboarding.celery import app
from onboarding.web.heartbeat import mark


@worker_ready.connect
@task_prerun.connect
def sign_of_life(**_signal: Any) -> None:
    """Note that the worker is alive."""
    mark()


@app.task
def heartbeat() -> None:
    """Do nothing: that beat queued it and the worker took it is what shows, see `sign_of_life`."""
