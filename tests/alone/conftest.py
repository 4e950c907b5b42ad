"""Solo mode: an integrator runs the portal alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from onboarding.registrations.outside import Outside


@pytest.fixture(autouse=True)
def alone(settings: Any) -> None:
    settings.PORTAL_MODE = "solo"
    settings.FLEET_ENVIRONMENTS = ["production"]
    settings.CHASE_AFTER_DAYS = [5, 10]


def ago(days: int, reference: str = "SR-4711") -> Outside:
    """What happened outside so many days ago."""
    return Outside(timezone.localdate() - timedelta(days=days), reference)
