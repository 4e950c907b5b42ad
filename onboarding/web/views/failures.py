"""The desk: which credentials fail at present, by cause."""

from collections import defaultdict
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from onboarding.fleet.checks import Turn
from onboarding.notifications.mails import given_up
from onboarding.registrations.logins import next_of_range
from onboarding.validation import schedule
from onboarding.validation.failures import causes, failing
from onboarding.validation.models import Run
from onboarding.web import access
from onboarding.web.forms.desk import RANGE_LOW
from onboarding.web.presenting import environment_name, whose_turn
from onboarding.web.requests import PortalRequest
from onboarding.web.runs import cause_title, rung_title

SHOWN = 100
"""Failing sets that are named; the counts are of all."""


@access.staff()
def health(request: PortalRequest) -> HttpResponse:
    """What fails at present: incidents of the platform first, then what most fail with."""
    named: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    runs = failing().select_related("credential_set__application__organisation").defer("checks", "facts")
    for run in runs.order_by("failing_since")[:SHOWN]:
        named[run.credential_set.environment, run.stopped_at, run.fault].append(run)
    groups: list[dict[str, Any]] = [
        {
            "cause": cause,
            "title": cause_title(cause.fault),
            "environment": environment_name(cause.environment),
            "rung": rung_title(cause.stopped_at),
            "whose": whose_turn(Turn(cause.turn), to_staff=True) if cause.turn else "",
            "runs": named[cause.key],
            "more": max(0, cause.sets - len(named[cause.key])),
        }
        for cause in causes()
    ]
    context = {
        "incidents": [group for group in groups if group["cause"].incident],
        "groups": [group for group in groups if not group["cause"].incident],
        "failing": sum(group["cause"].sets for group in groups),
        "following": next_of_range(),
        "range_low": RANGE_LOW,
        "on_schedule": schedule.on_schedule(),
        "unsent": given_up(),
    }
    return render(request, "desk/health.html", context)
