"""The Celery application, and the one way to queue."""

import os

import structlog
from celery import Celery
from django.db import transaction

from onboarding import queue_transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onboarding.settings")

queue_transport.register()
app = Celery("onboarding")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

log = structlog.get_logger(__name__)


INTERACTIVE, SCHEDULE = "celery", "schedule"
"""The queues: somebody waits for what is in the first, nobody for what is in the second. Each has its own workers."""


def wake(task: str, *args: str, queue: str = INTERACTIVE) -> None:
    """Queue the task of that name once the surrounding transaction has committed. Never fails the caller.

    The message only says "look": what is to be done stands in the database, and a sweep finds what was not woken.
    Named, not imported: tasks call flows, and flows wake tasks. args: ids, as text.
    """

    def send() -> None:
        try:
            app.send_task(task, args=args, queue=queue)
        except Exception as error:  # a queue that is down must not undo what the person just did
            log.warning("not queued; the sweep will find it", task=task, args=args, error=repr(error))

    transaction.on_commit(send, robust=True)


def waiting(queue: str) -> int:
    """Return how many messages wait in a queue; 0 where that cannot be told."""
    try:
        with app.connection_for_write() as connection, connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)
    except Exception:  # it is down, or has never held anything
        return 0
