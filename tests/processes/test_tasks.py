"""What is woken by name exists, and so does what beat calls."""

from typing import Any

import pytest
from django.conf import settings

from onboarding.celery import app, wake
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
