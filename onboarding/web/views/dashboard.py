"""The desk's figures: how long, how many, how old; what expires, what fails."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.states import USABLE
from onboarding.programmes import SANDBOX
from onboarding.validation.failures import causes
from onboarding.validation.figures import Figure
from onboarding.web import access
from onboarding.web.charts import Chart, chart
from onboarding.web.requests import PortalRequest
from onboarding.web.runs import cause_title
from onboarding.worklist import figures
from onboarding.worklist.models import Stage

EXPIRY_WEEKS = 13
"""90 days and a little."""

MOST_CAUSES = 10
weekly = Figure("weekly", figures.weekly, size=lambda found: sum(w.done for weeks in found.values() for w in weeks))


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with its table. rows: a head, and what stands in each column."""

    title: str
    chart: Chart
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@access.staff()
def dashboard(request: PortalRequest) -> HttpResponse:
    """Pictures, each with the table behind it."""
    found = weekly()
    context: dict[str, Any] = {
        "stages": [
            {"label": stage.label, "spent": _spent(found[stage]), "done": _done(found[stage])}
            for stage in Stage
            if any(week.done for week in found[stage])
        ],
        "backlog": _backlog(),
        "expiring": _expiring(),
        "causes": [(cause_title(cause.fault), cause) for cause in causes()[:MOST_CAUSES]],
    }
    return render(request, "desk/dashboard.html", context)


def _spent(weeks: list[figures.Week]) -> Picture:
    return Picture(
        _("Days from the beginning to the decision"),
        chart([(_day(week.begins), week.median, week.p95) for week in weeks]),
        (_("Week of"), _("Median, days"), _("95th percentile, days")),
        tuple((_day(week.begins), _days(week.median), _days(week.p95)) for week in weeks),
    )


def _done(weeks: list[figures.Week]) -> Picture:
    return Picture(
        _("Done in a week"),
        chart([(_day(week.begins), float(week.done), None) for week in weeks]),
        (_("Week of"), _("Done")),
        tuple((_day(week.begins), str(week.done)) for week in weeks),
    )


def _backlog() -> Picture | None:
    found = figures.backlog()
    groups = [name for name, _days_ in figures.AGES] + [figures.OLDER]
    sums = {name: sum(one[name] for one in found.values()) for name in groups}
    if not any(sums.values()):
        return None
    stages = [stage for stage in Stage if any(found[stage].values())]
    return Picture(
        _("What waits, by age"),
        chart([(_age(name), float(sums[name]), None) for name in groups]),
        (_("Age"), *(str(stage.label) for stage in stages), _("Together")),
        tuple((_age(name), *(str(found[stage][name]) for stage in stages), str(sums[name])) for name in groups),
    )


def _expiring() -> Picture | None:
    """Count the certificates that end in each of the next weeks and are not the sandbox's."""
    now = timezone.now()
    ends = (
        CertificateRequest.objects.filter(
            state__in=USABLE, not_valid_after__gte=now, not_valid_after__lt=now + timedelta(weeks=EXPIRY_WEEKS)
        )
        .exclude(environment=SANDBOX)
        .values_list("not_valid_after", flat=True)
    )
    weeks = Counter((end - now).days // 7 for end in ends if end)
    if not weeks:
        return None
    labels = [_day(timezone.localdate() + timedelta(weeks=number)) for number in range(EXPIRY_WEEKS)]
    return Picture(
        _("Certificates that end in the next 90 days"),
        chart([(label, float(weeks[number]), None) for number, label in enumerate(labels)]),
        (_("From"), _("Certificates")),
        tuple((label, str(weeks[number])) for number, label in enumerate(labels)),
    )


def _day(day: Any) -> str:
    return format_date(day, pgettext("date format", "j M"))


def _days(days: float | None) -> str:
    return "–" if days is None else f"{days:.1f}"


def _age(name: str) -> str:
    if name == figures.OLDER:
        return _("older")
    days = int(name)
    return ngettext("up to %(n)d day", "up to %(n)d days", days) % {"n": days}
