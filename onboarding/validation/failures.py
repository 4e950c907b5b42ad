"""Which sets fail at present, by cause; and which causes are one incident of the platform, not many of the partners."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from onboarding.credentials.states import USABLE
from onboarding.validation.models import Run

WINDOW = timedelta(hours=6)
"""What is older says nothing about an incident of now."""
MANY_ORGANISATIONS = 3
FEWEST_SETS = 2
"""Half of the sets looked at make an incident, too, if they are at least so many."""


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
    results = Run.objects.filter(state__in=Run.RESULTS).exclude(facts__has_key=Run.REHEARSAL)
    newer = results.filter(
        credential_set=models.OuterRef("credential_set"), created_at__gt=models.OuterRef("created_at")
    )
    return results.filter(
        ~models.Exists(newer),
        state=Run.State.FAILED,
        credential_set__retired_at=None,
        credential_set__certificate_request__state__in=USABLE,
    )


def causes() -> list[Cause]:
    """Return why sets fail at present: incidents first, then what most fail with."""
    return sorted(_causes(failing()), key=lambda cause: (not cause.incident, -cause.sets, cause.key))


def incident_of(run: Run) -> Cause | None:
    """Return the incident that a failed run is part of; None where it is the partner's own failure."""
    if not run.shared:
        return None
    alike = failing().filter(
        fault=run.fault, stopped_at=run.stopped_at, credential_set__environment=run.credential_set.environment
    )
    return next((cause for cause in _causes(alike) if cause.incident), None)


def _causes(runs: models.QuerySet[Run]) -> list[Cause]:
    since = timezone.now() - WINDOW
    recent = models.Q(created_at__gt=since)
    organisation = "credential_set__application__organisation"
    rows = list(
        runs.values("stopped_at", "fault", environment=models.F("credential_set__environment")).annotate(
            turn=models.Max("turn"),
            is_shared=models.Max(models.Case(models.When(shared=True, then=1), default=0)),
            sets=models.Count("credential_set", distinct=True),
            organisations=models.Count(organisation, distinct=True),
            since=models.Min("failing_since"),
            recent_sets=models.Count("credential_set", distinct=True, filter=recent),
            recent_organisations=models.Count(organisation, distinct=True, filter=recent),
        )
    )
    shared = {row["environment"] for row in rows if row["is_shared"]}
    looked_at = _looked_at(shared, since) if shared else {}
    return [_cause(row, looked_at) for row in rows]


def _cause(row: Mapping[str, Any], looked_at: Mapping[str, int]) -> Cause:
    values = dict(row)
    is_shared = bool(values.pop("is_shared"))
    half = row["recent_sets"] >= FEWEST_SETS and 2 * row["recent_sets"] >= looked_at.get(row["environment"], 0)
    many = row["recent_organisations"] >= MANY_ORGANISATIONS
    return Cause(**values, incident=is_shared and (many or half))


def _looked_at(environments: set[str], since: datetime) -> dict[str, int]:
    """Return how many sets of each environment had a result since then."""
    rows = (
        Run.objects.filter(state__in=Run.RESULTS, created_at__gt=since, credential_set__environment__in=environments)
        .exclude(facts__has_key=Run.REHEARSAL)
        .values(environment=models.F("credential_set__environment"))
        .annotate(sets=models.Count("credential_set", distinct=True))
    )
    return {row["environment"]: row["sets"] for row in rows}
