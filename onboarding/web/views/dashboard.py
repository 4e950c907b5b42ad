"""The desk's figures: how long, how many, how old; what expires, what fails."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
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
from onboarding.web import access
from onboarding.web.charts import Chart, chart
from onboarding.web.requests import PortalRequest
from onboarding.web.runs import cause_title
from onboarding.worklist import figures
from onboarding.worklist.models import Stage, Week

EXPIRY_WEEKS = 13
"""90 days and a little."""

MOST_CAUSES = 10


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
    found = figures.weekly()
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


def _spent(weeks: list[Week]) -> Picture:
    return Picture(
        _("Days from the beginning to the decision"),
        chart([(_day(week.begins), week.median, week.p95) for week in weeks]),
        (_("Week of"), _("Median, days"), _("95th percentile, days")),
        tuple((_day(week.begins), _days(week.median), _days(week.p95)) for week in weeks),
    )


def _done(weeks: list[Week]) -> Picture:
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
    now, week = timezone.now(), timedelta(weeks=1)
    until = now + EXPIRY_WEEKS * week
    ends = CertificateRequest.objects.filter(
        state__in=USABLE, not_valid_after__gte=now, not_valid_after__lt=until
    ).exclude(environment=SANDBOX)
    weeks = list(
        ends.aggregate(
            **{
                f"week_{number}": Count(
                    "not_valid_after",
                    filter=Q(not_valid_after__gte=now + number * week, not_valid_after__lt=now + (number + 1) * week),
                )
                for number in range(EXPIRY_WEEKS)
            }
        ).values()
    )
    if not any(weeks):
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
