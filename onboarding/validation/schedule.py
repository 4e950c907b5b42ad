"""Regular checks: which live sets are due for a run, and asking for it.

Nothing is stored but the runs. A day (or whatever REVALIDATE_HOURS says) is a circle, and each set has its place on it,
by its id: ids are random, so the sets are spread over it, and the place of a set never changes. A set is due when the
hand has just passed its place, or when its last run is older than the interval: so whatever was missed, because
something was down, is made up for.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models.functions import Greatest
from django.utils import timezone

from onboarding.credentials.models import CredentialSet, PartnerPassword, SandboxClient
from onboarding.credentials.states import State
from onboarding.partners.actors import SYSTEM
from onboarding.programmes import SANDBOX
from onboarding.registrations.states import CLOSED
from onboarding.validation import flows
from onboarding.validation.models import Run

BACKLOG = 1000
"""Runs of the schedule that may be open at a time: what is due beyond them waits, so that the queue stays short."""
JUST_NOW = timedelta(minutes=15)
"""How long a set that the hand has passed counts as just passed; many sweeps fall into it."""

_IDS = 2**128


def interval(environment_id: str) -> timedelta | None:
    """Return how often the live sets of an environment are called with; None for not at all."""
    hours = intervals(settings.REVALIDATE_HOURS)
    found = hours.get(environment_id, hours[""])
    return timedelta(hours=found) if found else None


def intervals(text: str) -> dict[str, float]:
    """Read REVALIDATE_HOURS: "24", or "24,sandbox:168,production:12". Returns hours by environment, "" for the others.

    Raises ValueError.
    """
    hours = {"": 24.0}
    for part in filter(None, (part.strip() for part in text.split(","))):
        environment, _, figure = part.rpartition(":")
        hours[environment] = float(figure)
        if not 0 <= hours[environment] <= 24 * 366:
            raise ValueError(f"{figure} hours are no interval")
    return hours


def due(environment_id: str, now: datetime, limit: int) -> list[CredentialSet]:
    """Return sets to call with now, those that have waited longest first."""
    every = interval(environment_id)
    if every is None or limit <= 0:
        return []
    just_now = min(JUST_NOW, every / 2)
    overdue = models.Q(last_run_at__lt=now - every)
    passed = _between(_place(now - just_now, every), _place(now, every)) & models.Q(last_run_at__lt=now - just_now)
    return list(_scheduled(environment_id).filter(overdue | passed).order_by("last_run_at")[:limit])


def on_schedule() -> int:
    """Return how many live sets are called with regularly, whenever that is."""
    return sum(_scheduled(one).count() for one in _environments() if interval(one))


def sweep() -> int:
    """Ask for runs of what is due, as far as there is room; return of how many."""
    now = timezone.now()
    room = BACKLOG - Run.objects.filter(origin=Run.Origin.SCHEDULE, state__in=Run.OPEN).count()
    asked = 0
    for environment_id in _environments():
        for credential_set in due(environment_id, now, room - asked):
            flows.request_run(credential_set, actor=SYSTEM)
            asked += 1
    return asked


def _environments() -> list[str]:
    return [*settings.FLEET_ENVIRONMENTS, *([SANDBOX] if settings.SANDBOX else [])]  # the real ones first


def _live(environment_id: str) -> models.QuerySet[CredentialSet]:
    """Return the sets in use whose key is kept here; none of an application that has come to its end."""
    return CredentialSet.objects.filter(
        environment=environment_id,
        retired_at=None,
        certificate_request__state=State.ACTIVE,
        certificate_request__key__isnull=False,
    ).exclude(application__registration__state__in=CLOSED)


def _scheduled(environment_id: str) -> Any:
    """Return the query set of live sets that may be called with by themselves, with `last_run_at`.

    Not those whose last run was refused: repeating that could lock the account at the car maker. They come back when
    something is stored in them anew, or when somebody's run ends otherwise. Not those that rehearse a failure.
    """
    runs = Run.objects.filter(credential_set=models.OuterRef("pk"))
    results = runs.filter(state__in=Run.RESULTS).exclude(facts__has_key=Run.REHEARSAL).order_by("-created_at")
    passwords = PartnerPassword.objects.filter(
        partner_login=models.OuterRef("certificate_request__partner_login"), environment=models.OuterRef("environment")
    )
    sets = (
        _live(environment_id)
        .annotate(
            last_run_at=models.Subquery(runs.order_by("-created_at").values("created_at")[:1]),
            refused_at=models.Subquery(
                results.values(at=models.Case(models.When(refused=True, then="created_at")))[:1]
            ),
            stored_at=Greatest(
                "changed_at",
                models.functions.Coalesce(models.Subquery(passwords.values("updated_at")[:1]), "changed_at"),
            ),
        )
        .filter(models.Q(refused_at=None) | models.Q(stored_at__gt=models.F("refused_at")))
        .select_related("application__organisation", "certificate_request")
    )
    if environment_id == SANDBOX:
        rehearsing = SandboxClient.objects.filter(application=models.OuterRef("application")).exclude(fault="")
        sets = sets.exclude(models.Exists(rehearsing))
    return sets


def _place(moment: datetime, every: timedelta) -> UUID:
    """Return where the hand stands on the circle of ids."""
    turn = (moment.timestamp() % every.total_seconds()) / every.total_seconds()
    return UUID(int=min(int(turn * _IDS), _IDS - 1))


def _between(first: UUID, last: UUID) -> models.Q:
    """Return the ids from one place of the circle to another, in the hand's direction."""
    after, before = models.Q(pk__gt=first), models.Q(pk__lte=last)
    return after & before if first < last else after | before
