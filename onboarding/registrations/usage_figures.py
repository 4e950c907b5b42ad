"""What applications ask for, as figures that a page need not count: kept, and counted anew now and then."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from onboarding.registrations.hints import MEASURES, Distribution
from onboarding.registrations.models import Registration, UsageFigures
from onboarding.registrations.states import State

COUNTED = (State.SUBMITTED, State.IN_REVIEW, State.APPROVED)
"""Whose numbers are compared with: those that are asked for, or were agreed."""


def count_usage() -> None:
    """Count the numbers of all programmes anew. It reads every description once, so no page calls it."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    columns = [f"answers__{measure}" for measure in MEASURES]
    rows = Registration.objects.filter(state__in=COUNTED, erased_at=None)
    for programme, *values in rows.values_list("application__programme", *columns).iterator(chunk_size=5000):
        for measure, value in zip(MEASURES, values, strict=True):
            if isinstance(value, int | float) and value > 0:
                found[programme, measure].append(value)
    now = timezone.now()
    with transaction.atomic():
        UsageFigures.objects.all().delete()
        UsageFigures.objects.bulk_create(
            UsageFigures(
                programme=programme,
                measure=measure,
                count=len(values),
                percentiles=percentiles(sorted(values)),
                counted_at=now,
            )
            for (programme, measure), values in found.items()
        )


def kept(programme: str) -> dict[str, Distribution]:
    """Return what was counted of one programme, by measure."""
    rows = UsageFigures.objects.filter(programme=programme)
    return {row.measure: Distribution(row.count, row.percentiles) for row in rows}


def percentiles(ordered: Sequence[float]) -> list[float]:
    """Return the values below which each hundredth lies, of values in ascending order: 101 of them, or none."""
    last = len(ordered) - 1
    return [ordered[round(share * last / 100)] for share in range(101)] if ordered else []
