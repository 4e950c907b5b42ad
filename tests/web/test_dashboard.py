"""The desk's figures: computed here a second time, by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.test import Client
from django.utils import timezone

from onboarding.partners.models import Organisation, User
from onboarding.web.charts import chart
from onboarding.worklist import figures
from onboarding.worklist.models import Item

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday


def item(partner: Organisation, *, opened: float, closed: float | None = None, stage: str = "review") -> Item:
    """opened, closed: days before NOW."""
    return Item.objects.create(
        stage=stage,
        subject_type="registration",
        subject_id=partner.pk,
        organisation=partner,
        opened_at=NOW - timedelta(days=opened),
        closed_at=None if closed is None else NOW - timedelta(days=closed),
    )


def test_a_week_has_its_median_and_its_95th_percentile(partner: Organisation) -> None:
    for days in range(1, 22):
        item(partner, opened=days + 1, closed=1)
    item(partner, opened=40, closed=9)
    weeks = figures.weekly(NOW)["review"]
    assert len(weeks) == figures.WEEKS
    assert (weeks[-1].begins.isoformat(), weeks[-1].done, weeks[-1].median, weeks[-1].p95) == ("2026-11-23", 21, 11, 20)
    assert (weeks[-2].done, weeks[-2].median, weeks[-2].p95) == (1, 31, 31)
    assert (weeks[-3].done, weeks[-3].median) == (0, None)


def test_what_waits_is_grouped_by_age(partner: Organisation) -> None:
    for number, days in enumerate((0.5, 2, 2.5, 6, 100)):
        found = item(partner, opened=days)
        Item.objects.filter(pk=found.pk).update(subject_type=f"t{number}")
    item(partner, opened=3, closed=1)
    assert figures.backlog(NOW)["review"] == {"1": 1, "3": 2, "7": 1, "14": 0, "30": 0, "older": 1}


def test_columns_keep_their_proportions() -> None:
    found = chart([("a", 10, 20), ("b", 5, None), ("c", None, None), ("d", 0.001, 1)])
    assert [bar.height for bar in found.bars] == ["48.00", "24.00", "", "1.00"]
    assert [bar.line_y for bar in found.bars] == ["4.00", None, None, "95.20"]


def test_pictures_have_their_tables(partner: Organisation, reviewer: User, signed_in: Callable[[User], Client]) -> None:
    client = signed_in(reviewer)
    assert "No figures yet" in client.get("/desk/figures/").content.decode()
    now = timezone.now()
    Item.objects.create(
        stage="review",
        subject_type="registration",
        subject_id=partner.pk,
        organisation=partner,
        opened_at=now - timedelta(days=4),
        closed_at=now,
    )
    page = client.get("/desk/figures/").content.decode()
    assert page.count('<svg class="chart__field"') == page.count("<figcaption") == 2
    assert '<td class="number">4.0</td>' in page
