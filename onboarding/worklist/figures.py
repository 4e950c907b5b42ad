"""How long things take, how many get done, how old what waits is: counted from the cards.

Weeks are counted by the schedule and kept: what is over does not change any more, and a page reads a few rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import quantiles

from django.db import connection
from django.db.models import Aggregate, Count, DurationField, F, Q, QuerySet
from django.utils import timezone

from onboarding.worklist.models import Item, Stage, Week

WEEKS = 12
AGES: Sequence[tuple[str, int]] = (("1", 1), ("3", 3), ("7", 7), ("14", 14), ("30", 30))
"""Ages of what waits, in days: up to so many. What is older has a group of its own."""

OLDER = "older"
DAY = timedelta(days=1)


def weekly(now: datetime | None = None) -> dict[str, list[Week]]:
    """Return the last WEEKS weeks of each stage, the present one last, as they were last counted."""
    mondays = _mondays(now or timezone.now())
    kept = _kept(mondays)
    if not kept:  # the schedule has not come yet
        renew(now)
        kept = _kept(mondays)
    return {
        stage: [kept.get((stage, monday)) or Week(stage=stage, begins=monday, done=0) for monday in mondays]
        for stage in Stage.values
    }


def renew(now: datetime | None = None) -> None:
    """Count the present week and the one before it anew, and those that were never counted."""
    mondays = _mondays(now or timezone.now())
    kept = _kept(mondays)
    for number, monday in enumerate(mondays):
        if number < WEEKS - 2 and all((stage, monday) in kept for stage in Stage.values):
            continue
        cards = Item.objects.filter(closed_at__gte=_midnight(monday), closed_at__lt=_midnight(monday + 7 * DAY))
        found = {week.stage: week for week in _counted(cards, monday)}
        Week.objects.bulk_create(
            [found.get(stage) or Week(stage=stage, begins=monday, done=0) for stage in Stage.values],
            update_conflicts=True,
            unique_fields=["begins", "stage"],
            update_fields=["done", "median", "p95"],
        )


def backlog(now: datetime | None = None) -> Mapping[str, Mapping[str, int]]:
    """Return how much waits of each stage, by age: a key of AGES, or OLDER."""
    now = now or timezone.now()
    upper, groups = now + DAY, {}  # whatever a clock was off
    for name, days in (*AGES, (OLDER, 36_500)):
        lower = now - timedelta(days=days)
        groups[name] = Count("pk", filter=Q(opened_at__gt=lower, opened_at__lte=upper))
        upper = lower
    counts = {f"age_{name}": count for name, count in groups.items()}
    rows = Item.objects.filter(closed_at=None).values_list("stage").annotate(**counts).order_by()
    found = {stage: dict(zip(groups, numbers, strict=True)) for stage, *numbers in rows}
    return {stage: found.get(stage, dict.fromkeys(groups, 0)) for stage in Stage.values}


class _Percentile(Aggregate):
    """PostgreSQL's `percentile_cont` of a duration: between two values it takes what lies between, in proportion."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def _counted(cards: QuerySet[Item], monday: date) -> Iterable[Week]:
    if connection.vendor == "postgresql":
        spent = F("closed_at") - F("opened_at")
        found = cards.values("stage").annotate(
            done=Count("pk"), median=_Percentile(spent, fraction=0.5), p95=_Percentile(spent, fraction=0.95)
        )
        for row in found.order_by():
            yield Week(
                stage=row["stage"],
                begins=monday,
                done=row["done"],
                median=row["median"] / DAY,
                p95=row["p95"] / DAY,
            )
        return
    days: dict[str, list[float]] = defaultdict(list)
    for stage, opened_at, closed_at in cards.values_list("stage", "opened_at", "closed_at").iterator(chunk_size=5000):
        if closed_at is not None:
            days[stage].append((closed_at - opened_at) / DAY)
    for stage, spans in days.items():
        cuts = quantiles(spans, n=100, method="inclusive") if len(spans) > 1 else spans * 99
        yield Week(stage=stage, begins=monday, done=len(spans), median=cuts[49], p95=cuts[94])


def _kept(mondays: Sequence[date]) -> Mapping[tuple[str, date], Week]:
    return {(week.stage, week.begins): week for week in Week.objects.filter(begins__in=mondays)}


def _mondays(now: datetime) -> list[date]:
    today = timezone.localtime(now, timezone.get_default_timezone()).date()
    this = today - today.weekday() * DAY
    return [this - back * 7 * DAY for back in reversed(range(WEEKS))]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, datetime.min.time()), timezone.get_default_timezone())
