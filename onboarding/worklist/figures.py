"""How long things take, how many get done, how old what waits is: read from the cards."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import quantiles

from django.db.models import Count
from django.utils import timezone

from onboarding.worklist.models import Item, Stage

WEEKS = 12
AGES: Sequence[tuple[str, int]] = (("1", 1), ("3", 3), ("7", 7), ("14", 14), ("30", 30))
"""Ages of what waits, in days: up to so many. What is older has a group of its own."""

OLDER = "older"


@dataclass(frozen=True, slots=True)
class Week:
    """What was finished in one week, of one stage. begins: its Monday. median, p95: days; None where nothing was."""

    begins: date
    done: int
    median: float | None
    p95: float | None


def weekly(now: datetime | None = None) -> dict[str, list[Week]]:
    """Return the last WEEKS weeks of each stage, the present one last."""
    now = now or timezone.now()
    this = _monday(timezone.localtime(now).date())
    mondays = [this - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    spent: dict[tuple[str, date], list[float]] = defaultdict(list)
    since = timezone.make_aware(datetime.combine(mondays[0], datetime.min.time()))
    rows = Item.objects.filter(closed_at__gte=since).values_list("stage", "opened_at", "closed_at")
    for stage, opened_at, closed_at in rows.iterator(chunk_size=5000):
        if closed_at is None:
            continue
        days = (closed_at - opened_at).total_seconds() / 86_400
        spent[stage, _monday(timezone.localtime(closed_at).date())].append(days)
    return {stage: [_week(monday, spent[stage, monday]) for monday in mondays] for stage in Stage.values}


def backlog(now: datetime | None = None) -> Mapping[str, Mapping[str, int]]:
    """Return how much waits of each stage, by age: a key of AGES, or OLDER."""
    now = now or timezone.now()
    found: dict[str, dict[str, int]] = {
        stage: dict.fromkeys((*(name for name, _days in AGES), OLDER), 0) for stage in Stage.values
    }
    upper = now + timedelta(days=1)  # whatever a clock was off
    for name, days in (*AGES, (OLDER, 36_500)):
        lower = now - timedelta(days=days)
        rows = Item.objects.filter(closed_at=None, opened_at__gt=lower, opened_at__lte=upper)
        for row in rows.values("stage").annotate(number=Count("pk")).order_by():
            found[row["stage"]][name] = row["number"]
        upper = lower
    return found


def _week(monday: date, days: list[float]) -> Week:
    if not days:
        return Week(monday, 0, None, None)
    if len(days) == 1:
        return Week(monday, 1, days[0], days[0])
    cuts = quantiles(days, n=100, method="inclusive")
    return Week(monday, len(days), cuts[49], cuts[94])


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
