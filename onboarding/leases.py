"""Work for the worker: rows that are claimed once, finished once, and never lost.

The row is the truth; the queue only says "look". A worker claims a row by compare-and-set, under a lease that is
longer than the work can take; whatever it writes afterwards is written only while that lease is still its own. What
nobody claimed, and what a lost worker held, is found by the sweep. So killing a worker or emptying the queue delays
work, and neither loses nor doubles it.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.db import models
from django.utils import timezone

from onboarding.celery import INTERACTIVE, waiting, wake

MAX_ATTEMPTS = 3
NEVER_CLAIMED = timedelta(seconds=20)
MOST_WOKEN = 500
"""Rows that a sweep wakes at most, less the messages that wait in the queue."""


class Work(models.Model):
    """What every piece of work has. A subclass gives `state` its choices: QUEUED, RUNNING, and ends of its own.

    lease: names the worker that has it; lease_until: when others may take it over.
    """

    QUEUED, RUNNING = "queued", "running"
    OPEN = (QUEUED, RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, default=QUEUED)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        """Whether it still waits or is being done."""
        return self.state in self.OPEN


Row = TypeVar("Row", bound=Work)


class LostLease(Exception):
    """The row is another worker's now, or was cancelled: what this one found is dropped."""


def claim(rows: models.QuerySet[Row], row_id: str | uuid.UUID, *, lease: timedelta, **changes: Any) -> Row | None:
    """Take a row that waits, and return it; None if it does not wait (any more).

    rows: how it is read, with what it refers to. lease: longer than the work can take. changes: written with it.
    """
    now, mine = timezone.now(), uuid.uuid4()
    claimed = rows.filter(pk=row_id, state=Work.QUEUED).update(
        state=Work.RUNNING,
        lease=mine,
        lease_until=now + lease,
        attempt=models.F("attempt") + 1,
        started_at=now,
        **changes,
    )
    # Not `first()`: to put one row in order costs Django more than to read it.
    return next(iter(rows.filter(pk=row_id, lease=mine)), None) if claimed else None


def keep(row: Work, **changes: Any) -> None:
    """Write how far the work is. Raises LostLease. Renews nothing: the lease is longer than the work."""
    if not _mine(row).update(**changes):
        raise LostLease


def put_back(row: Work) -> bool:
    """Let the row wait for the next sweep; False if it is another worker's now, or was cancelled."""
    return bool(_mine(row).update(state=Work.QUEUED, lease=None, lease_until=None))


def finish(row: Work, state: str, **changes: Any) -> bool:
    """Close the row, once: False, and nothing written, if it is another worker's now, or was cancelled."""
    return bool(_mine(row).update(state=state, finished_at=timezone.now(), lease=None, lease_until=None, **changes))


def cancel(rows: models.QuerySet[Row], state: str, **changes: Any) -> int:
    """Close what is open among these rows, and return how many that were.

    Whoever works on one is dropped when it comes to write. changes: written with it.
    """
    return rows.filter(state__in=Work.OPEN).update(
        state=state, finished_at=timezone.now(), lease=None, lease_until=None, **changes
    )


def sweep(
    rows: models.QuerySet[Row],
    task: str,
    *,
    give_up: Callable[[Row], object],
    queue: str = INTERACTIVE,
    patience: timedelta = NEVER_CLAIMED,
) -> None:
    """Wake what was never claimed, take back what a lost worker had, and give up after MAX_ATTEMPTS.

    task: by name; it gets a row's id. give_up: closes a row, with `finish`. queue: where it is woken. patience: how
    long a row may wait before it counts as forgotten.

    A row that waits long has been forgotten, or stands in a long queue: nobody can tell. So messages are added only
    while the queue is short; else a slow API would make each sweep add to it, without end.
    """
    now = timezone.now()
    lost = rows.filter(state=Work.RUNNING, lease_until__lt=now)
    for row in lost.filter(attempt__gte=MAX_ATTEMPTS):
        give_up(row)
    lost.filter(attempt__lt=MAX_ATTEMPTS).update(state=Work.QUEUED, lease=None, lease_until=None)
    forgotten = rows.filter(state=Work.QUEUED, created_at__lt=now - patience).order_by("created_at")
    for row_id in forgotten.values_list("pk", flat=True)[: max(0, MOST_WOKEN - waiting(queue))]:
        wake(task, str(row_id), queue=queue)


def _mine(row: Work) -> models.QuerySet[Work]:
    return type(row)._default_manager.filter(pk=row.pk, state=Work.RUNNING, lease=row.lease)
