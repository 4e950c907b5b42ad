"""Which sets fail at present, by cause; and which causes are one incident of the platform, not many of the partners."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from onboarding.credentials.states import USABLE
from onboarding.validation.figures import Figure
from onboarding.validation.models import Run

WINDOW = timedelta(hours=6)
"""What is older says nothing about an incident of now."""
MANY_ORGANISATIONS = 3
FEWEST_SETS = 2
"""Half of the sets looked at make an incident, too, if they are at least so many."""
GLANCE = 200
"""Rows that mostly tell, where all of them would have to be counted otherwise."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The sets that fail in the same way, in one environment, at present.

    stopped_at: the rung. since: when the first of them began to fail. incident: whether it is one of the platform.
    recent_sets, recent_organisations: those that failed within WINDOW.
    """

    environment: str
    stopped_at: str
    fault: str
    turn: str
    sets: int
    organisations: int
    since: datetime | None
    recent_sets: int
    recent_organisations: int
    incident: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What the cause is known by."""
        return (self.environment, self.stopped_at, self.fault)


def failing() -> models.QuerySet[Run]:
    """Return the latest result of each set that fails at present: rehearsed runs and sets out of use do not count."""
    return Run.objects.filter(
        stands=True,
        credential_set__retired_at=None,
        credential_set__certificate_request__state__in=USABLE,
    )


def _all_causes() -> list[Cause]:
    return sorted(_causes(failing()), key=lambda cause: (not cause.incident, -cause.sets, cause.key))


causes = Figure("causes", _all_causes, size=lambda found: sum(cause.sets for cause in found))
"""Why sets fail at present: incidents first, then what most fail with."""


def is_incident(run: Run) -> bool:
    """Return whether a failed run is part of an incident; if not, the failure is the partner's own.

    In an incident every run that fails asks this: so it looks at the newest of the failures only, unless they leave it
    open.
    """
    if not run.shared:
        return False
    newest = _alike(run).filter(created_at__gt=timezone.now() - WINDOW).order_by("-created_at")
    organisations = newest.values_list("credential_set__application__organisation", flat=True)[:GLANCE]
    return len(set(organisations)) >= MANY_ORGANISATIONS or incident_of(run) is not None


def incident_of(run: Run) -> Cause | None:
    """Return the incident that a failed run is part of, all of it counted; None where there is none."""
    if not run.shared:
        return None
    return next((cause for cause in _causes(_alike(run)) if cause.incident), None)


def _alike(run: Run) -> models.QuerySet[Run]:
    return failing().filter(
        fault=run.fault, stopped_at=run.stopped_at, credential_set__environment=run.credential_set.environment
    )


def _causes(runs: models.QuerySet[Run]) -> list[Cause]:
    since = timezone.now() - WINDOW
    recent = models.Q(created_at__gt=since)
    organisation = "credential_set__application__organisation"
    rows = list(
        runs.values("stopped_at", "fault", environment=models.F("credential_set__environment")).annotate(
            turn=models.Max("turn"),
            is_shared=models.Max(models.Case(models.When(shared=True, then=1), default=0)),
            sets=models.Count("pk"),  # of each set one run stands
            organisations=models.Count(organisation, distinct=True),
            since=models.Min("failing_since"),
            recent_sets=models.Count("pk", filter=recent),
            recent_organisations=models.Count(organisation, distinct=True, filter=recent),
        )
    )
    return [_cause(row, since) for row in rows]


def _cause(row: Mapping[str, Any], since: datetime) -> Cause:
    values = dict(row)
    is_shared = bool(values.pop("is_shared"))
    many = row["recent_organisations"] >= MANY_ORGANISATIONS
    return Cause(**values, incident=is_shared and (many or _is_half(row["environment"], row["recent_sets"], since)))


def _is_half(environment: str, failing_sets: int, since: datetime) -> bool:
    """Return whether so many sets are half of those of the environment that had a result since then.

    The newest results mostly tell; all are counted only where a few sets had most of them.
    """
    if failing_sets < FEWEST_SETS:
        return False
    results = (
        Run.objects.filter(state__in=Run.RESULTS, created_at__gt=since, credential_set__environment=environment)
        .exclude(facts__has_key=Run.REHEARSAL)
        .order_by("-created_at")
        .values_list("credential_set_id", flat=True)
    )
    glance = 4 * failing_sets + GLANCE
    newest = list(results[:glance])
    looked_at = len(set(newest))
    if len(newest) == glance and looked_at <= 2 * failing_sets:
        looked_at = results.order_by().distinct().count()
    return 2 * failing_sets >= looked_at
