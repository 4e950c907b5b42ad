"""The desk's figures: computed here a second time, by hand."""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import Organisation, PartnerLogin, User
from onboarding.registrations.models import Application
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


def between(spans: list[float], share: float) -> float:
    """The value below which a share of them is; between two, in proportion."""
    spans = sorted(spans)
    place = (len(spans) - 1) * share
    below = int(place)
    return spans[below] + (place - below) * (spans[min(below + 1, len(spans) - 1)] - spans[below])


def test_each_week_of_each_stage_is_what_a_second_count_finds(partner: Organisation) -> None:
    chance, spent = random.Random(11), defaultdict[tuple[str, str], list[float]](list)
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    for _ in range(150):
        stage, days, closed = chance.choice(["review", "csr"]), chance.expovariate(0.3), chance.uniform(0, 70)
        card = item(partner, opened=closed + days, closed=closed, stage=stage)
        assert card.closed_at is not None
        weeks_ago = -((card.closed_at - monday) // timedelta(weeks=1))
        spent[stage, f"{(monday - timedelta(weeks=weeks_ago)).date()}"].append(days)
    for stage in ("review", "csr", "renewal"):
        for week in figures.weekly(NOW)[stage]:
            spans = spent[stage, week.begins.isoformat()]
            assert week.done == len(spans)
            expected = (between(spans, 0.5), between(spans, 0.95)) if spans else (None, None)
            assert (week.median, week.p95) == pytest.approx(expected, abs=1e-6)


def test_a_week_that_is_over_is_not_counted_again(partner: Organisation) -> None:
    item(partner, opened=61, closed=60)
    figures.renew(NOW)
    Item.objects.all().delete()
    item(partner, opened=3, closed=1)
    figures.renew(NOW)
    assert [week.done for week in figures.weekly(NOW)["review"]] == [0, 0, 0, 1, *[0] * 7, 1]


def test_certificates_expire_in_the_week_that_they_are_counted_in(
    partner: Organisation, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    login = PartnerLogin.objects.create(organisation=partner, mzp="MZP128745", confirmed_at=NOW)
    application = Application.objects.create(organisation=partner, programme="fleet_owner", name="D", brands=[])
    now = timezone.now()
    for days, environment, state in (
        (1, "production", "active"), (6.9, "production", "issued"), (7.1, "production", "active"),
        (-1, "production", "active"), (1, "sandbox", "active"), (1, "production", "revoked"),
        (92, "production", "active"),
    ):  # fmt: skip
        CertificateRequest.objects.create(
            partner_login=login,
            application=application,
            environment=environment,
            state=state,
            not_valid_after=now + timedelta(days=days),
        )
    page = signed_in(reviewer).get("/desk/figures/")
    assert [row[1] for row in page.context["expiring"].rows] == ["2", "1", *["0"] * 11]


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
    figures.renew()
    page = client.get("/desk/figures/").content.decode()
    assert page.count('<svg class="chart__field"') == page.count("<figcaption") == 2
    assert '<td class="number">4.0</td>' in page
