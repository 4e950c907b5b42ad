"""Regular checks: which live sets are due for a run, and asking for it.

Nothing is stored but the runs. A day (or whatever REVALIDATE_HOURS says) is a circle, and each set has its place on it,
by its id: ids are random, so the sets are spread over it, and the place of a set never changes. A set is due when the
hand has just passed its place, or when its last run is older than the interval: so whatever was missed, because
something was down, is made up for.

No sweep looks at all sets: each looks at those whose place was just passed, and walks on along the circle by LOOKED_AT
sets, in search of what was missed. So a sweep costs the same whether there are a thousand sets or a million.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.cache import cache
from django.db import models
from django.db.models.functions import Greatest
from django.utils import timezone

from onboarding.credentials.models import CredentialSet, PartnerPassword, SandboxClient
from onboarding.credentials.states import State
from onboarding.partners.actors import SYSTEM
from onboarding.programmes import SANDBOX
from onboarding.registrations.states import CLOSED
from onboarding.validation import flows
from onboarding.validation.figures import Figure
from onboarding.validation.models import Run

BACKLOG = 1000
"""Runs of the schedule that may be open at a time: what is due beyond them waits, so that the queue stays short."""
JUST_NOW = timedelta(minutes=15)
"""How long a set that the hand has passed counts as just passed, at most; several sweeps fall into it."""
SWEEPS = timedelta(minutes=3)
"""How long at least, where the interval is short."""
LOOKED_AT = 1000
"""Sets that one sweep looks at for what was missed: of 100,000, each within 100 minutes."""

_IDS = 2**128
_NOT_NEEDED = tuple(
    f"certificate_request__{name}"
    for name in ("certificate_pem", "csr_pem", "ca_pem", "subject", "findings", "certificate_report", "note")
)
"""What asking for a run does not look at, and is most of the row."""


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
    """Return sets to call with now: those whose time it is, then those that were missed on the stretch of the circle
    that is looked at this time; of each kind, those that have waited longest first.

    Walks on by that stretch, unless there are more than the limit allows.
    """
    every = interval(environment_id)
    if every is None or limit <= 0:
        return []
    just_now = min(JUST_NOW, every / 2, max(every / 96, SWEEPS))
    hand, start = _place(now, every), _walked_to(environment_id)
    passed = _waiting(environment_id, _place(now - just_now, every), hand, now - just_now)[:limit]
    found = {one.pk: one for one in passed}
    end = _walk_on(environment_id, start)
    room = limit - len(found)
    missed = _waiting(environment_id, start, end, now - every).exclude(pk__in=found)[:room] if room else []
    found |= {one.pk: one for one in missed}
    cache.set(_walk_key(environment_id), end if len(missed) < room else start, timeout=None)
    return list(found.values())


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


def _count() -> int:
    return sum(_scheduled(one).count() for one in _environments() if interval(one))


on_schedule = Figure("on-schedule", _count, size=int)
"""How many live sets are called with regularly, whenever that is."""


def _environments() -> list[str]:
    return [*settings.FLEET_ENVIRONMENTS, *([SANDBOX] if settings.SANDBOX else [])]  # the real ones first


def _live(environment_id: str) -> Any:
    """Return the sets in use whose key is kept here; none of an application that has come to its end."""
    return CredentialSet.objects.filter(
        environment=environment_id,
        retired_at=None,
        certificate_request__state=State.ACTIVE,
        certificate_request__key__isnull=False,
    ).exclude(application__registration__state__in=CLOSED)


def _scheduled(environment_id: str) -> Any:
    """Return the query set of live sets that may be called with by themselves.

    Not those whose last run was refused: repeating that could lock the account at the car maker. They come back when
    something is stored in them anew, or when somebody's run ends otherwise. Not those that rehearse a failure.
    """
    passwords = PartnerPassword.objects.filter(
        partner_login=models.OuterRef("certificate_request__partner_login"), environment=models.OuterRef("environment")
    )
    sets = _live(environment_id).annotate(
        stored_at=Greatest(
            "changed_at",
            models.functions.Coalesce(models.Subquery(passwords.values("updated_at")[:1]), "changed_at"),
        )
    )
    refused = Run.objects.filter(credential_set=models.OuterRef("pk"), stands=True, refused=True)
    sets = sets.exclude(models.Exists(refused.filter(created_at__gte=models.OuterRef("stored_at"))))
    if environment_id == SANDBOX:
        rehearsing = SandboxClient.objects.filter(application=models.OuterRef("application")).exclude(fault="")
        sets = sets.exclude(models.Exists(rehearsing))
    return sets


def _waiting(environment_id: str, after: UUID, until: UUID, since: datetime) -> Any:
    """Return the query set of those between two places of the circle whose last run was before a moment."""
    runs = Run.objects.filter(credential_set=models.OuterRef("pk")).order_by("-created_at")
    return (
        _scheduled(environment_id)
        .filter(_between(after, until))
        .annotate(last_run_at=models.Subquery(runs.values("created_at")[:1]))
        .filter(last_run_at__lt=since)
        .select_related("application__organisation", "certificate_request")
        .defer(*_NOT_NEEDED)
        .order_by("last_run_at")
    )


def _walk_key(environment_id: str) -> str:
    return f"schedule-walk:{environment_id}"


def _walked_to(environment_id: str) -> UUID:
    """Return where the walk round the circle stands; anywhere, where that was forgotten."""
    return cache.get(_walk_key(environment_id)) or uuid4()


def _walk_on(environment_id: str, start: UUID) -> UUID:
    """Return where the walk is after LOOKED_AT sets; where it began, if there are no more than that."""
    sets = CredentialSet.objects.filter(environment=environment_id, retired_at=None).order_by("pk")
    ids = sets.filter(pk__gt=start).values_list("pk", flat=True)[:LOOKED_AT]
    ahead = list(ids)
    if len(ahead) == LOOKED_AT:
        return ahead[-1]
    ids = sets.filter(pk__lte=start).values_list("pk", flat=True)
    return ids[LOOKED_AT - len(ahead) - 1 :].first() or start


def _place(moment: datetime, every: timedelta) -> UUID:
    """Return where the hand stands on the circle of ids."""
    turn = (moment.timestamp() % every.total_seconds()) / every.total_seconds()
    return UUID(int=min(int(turn * _IDS), _IDS - 1))


def _between(first: UUID, last: UUID) -> models.Q:
    """Return the ids from one place of the circle to another, in the hand's direction."""
    after, before = models.Q(pk__gt=first), models.Q(pk__lte=last)
    return after & before if first < last else after | before
