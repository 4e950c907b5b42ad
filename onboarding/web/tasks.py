"""The heartbeat: any task that starts is a sign of life, and one comes when there is no other. The audit's watch."""

from typing import Any

from celery.signals import task_prerun, worker_ready

from onboarding.celery import INTERACTIVE, app
from onboarding.web import audit_watch
from onboarding.web.heartbeat import mark


@worker_ready.connect
def worker_is_there(sender: Any = None, **_signal: Any) -> None:
    """Note that a worker has begun to take from its queues."""
    for queue in sender.app.amqp.queues.consume_from:
        mark(queue)


@task_prerun.connect
def sign_of_life(task: Any = None, **_signal: Any) -> None:
    """Note that the worker of the task's queue is alive."""
    came_by = getattr(task.request, "delivery_info", None) or {}
    mark(came_by.get("routing_key") or INTERACTIVE)


@app.task
def heartbeat() -> None:
    """Do nothing: that beat queued it and the worker took it is what shows, see `sign_of_life`."""


@app.task(time_limit=audit_watch.TIME_LIMIT)
def watch_audit() -> None:
    """Make the checkpoint and the verification of the audit that are due."""
    audit_watch.watch()
