"""The portal's settings, with the shorter waits of `bench.hurried`."""

from onboarding.settings import *  # noqa: F403
from onboarding.settings import CELERY_BEAT_SCHEDULE, INSTALLED_APPS, VALIDATION_DEADLINE

INSTALLED_APPS = [*INSTALLED_APPS, "bench.hurried.HurriedConfig"]
EMAIL_BACKEND = "bench.hurried.SlowBackend"
CELERY_TASK_TIME_LIMIT = VALIDATION_DEADLINE + 3
CELERY_BEAT_SCHEDULE = {
    name: entry | {"schedule": 5.0} if name.startswith("sweep") else entry
    for name, entry in CELERY_BEAT_SCHEDULE.items()
}
