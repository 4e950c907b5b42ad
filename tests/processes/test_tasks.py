"""What is woken by name exists, and so does what beat calls."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from kombu import Connection

from onboarding.celery import INTERACTIVE, SCHEDULE, app, wake
from onboarding.credentials import private_keys
from onboarding.notifications import mails
from onboarding.validation import flows


@pytest.mark.parametrize(
    "name",
    [
        mails.SEND,
        flows.VALIDATE,
        private_keys.MAKE_KEY,
        *(entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()),
    ],
)
def test_a_task_that_is_called_by_name_exists(name: str) -> None:
    app.loader.import_default_modules()
    assert name in app.tasks


def test_a_worker_is_ended_before_its_lease_runs_out() -> None:
    app.loader.import_default_modules()
    assert app.tasks[private_keys.MAKE_KEY].time_limit < private_keys.LEASE.total_seconds()
    run_lease = settings.VALIDATION_DEADLINE + flows.LEASE_MARGIN.total_seconds()
    assert settings.VALIDATION_DEADLINE < settings.CELERY_TASK_TIME_LIMIT < run_lease


def test_a_queue_that_is_down_does_not_undo_what_the_person_did(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any, db: None
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError("the broker is down")

    monkeypatch.setattr(app, "send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True) as called:
        wake(flows.VALIDATE, "1")
    assert len(called) == 1


@pytest.mark.parametrize("name", [INTERACTIVE, SCHEDULE])
def test_what_is_put_into_one_queue_is_not_in_the_other(name: str, tmp_path: Path) -> None:
    options = {"queue_folder": str(tmp_path)}
    with Connection("atomic-filesystem://localhost", transport_options=options) as connection:
        queues = {queue: entry.bind(connection.default_channel) for queue, entry in app.amqp.queues.items()}
        for queue in queues.values():
            queue.declare()
        producer = connection.Producer()
        producer.publish({}, exchange=queues[name].exchange, routing_key=queues[name].routing_key)
        sizes = {queue: connection.default_channel._size(queue) for queue in queues}
    assert sizes == {INTERACTIVE: 0, SCHEDULE: 0} | {name: 1}


def test_what_nobody_waits_for_is_asked_for_in_the_queue_of_the_schedule() -> None:
    queue = {name: entry["options"].get("queue", INTERACTIVE) for name, entry in settings.CELERY_BEAT_SCHEDULE.items()}
    assert queue["runs that are due"] == queue["heartbeat of the schedule"] == SCHEDULE
    assert queue["heartbeat"] == queue["sweep runs"] == INTERACTIVE


def test_celery_is_set_up_so_that_the_row_stays_the_truth() -> None:
    """See docs/ARCHITECTURE.md, "The queue", for the reasons."""
    assert app.conf.task_acks_late
    assert not app.conf.task_reject_on_worker_lost  # a task that kills its worker would go round without end
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_ignore_result


def test_a_message_that_is_worked_on_is_not_given_out_again() -> None:
    """The visibility timeout of Redis is longer than the longest lease."""
    code = "import django; django.setup(); from django.conf import settings as s; "
    code += "print(s.CELERY_BROKER_TRANSPORT_OPTIONS['visibility_timeout'])"
    environment = os.environ | {"REDIS_URL": "redis://localhost:1/0", "DJANGO_SETTINGS_MODULE": "onboarding.settings"}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True, timeout=180
    ).stdout
    assert float(printed) > settings.VALIDATION_DEADLINE + flows.LEASE_MARGIN.total_seconds()
