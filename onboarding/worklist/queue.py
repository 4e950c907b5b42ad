"""The queue: what waits for staff, and what they have done; filtered, counted, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from onboarding import keyset
from onboarding.partners.models import Organisation, StaffRole, User
from onboarding.worklist.models import ROLES, Item, Stage

PAGE_SIZE = 50


class Show(models.TextChoices):
    """Which part of the queue."""

    WAITING = "waiting", _("Waiting")
    MINE = "mine", _("Mine")
    DONE = "done", _("Done")


class Age(models.TextChoices):
    """How long it has waited, or whether too long."""

    OVERDUE = "overdue", _("Overdue")
    TODAY = "today", _("Due today")
    WEEK = "7", _("Longer than a week")
    MONTH = "30", _("Longer than 30 days")


class Sort(models.TextChoices):
    """What comes first."""

    DUE = "due", _("Target date")
    LONGEST = "longest", _("Longest waiting")
    NEWEST = "newest", _("Newest")


ORDERS: Mapping[str, Sequence[str]] = {
    Sort.DUE: ("due_on", "opened_at", "id"),
    Sort.LONGEST: ("opened_at", "id"),
    Sort.NEWEST: ("-opened_at", "-id"),
}
DONE_ORDER = ("-closed_at", "-id")
NOBODY, ME = "nobody", "me"


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody wants to see; empty: no matter. assignee: "nobody", "me" or a user's id. words: prefixes."""

    reader: User
    show: str = Show.WAITING
    stage: str = ""
    programme: str = ""
    country: str = ""
    assignee: str = ""
    organisation: UUID | None = None
    age: str = ""
    words: str = ""
    sort: str = Sort.DUE

    @property
    def order(self) -> Sequence[str]:
        """By which fields it is sorted."""
        return DONE_ORDER if self.show == Show.DONE else ORDERS[self.sort]


def items(query: Query) -> QuerySet[Item]:
    """Return what the query asks for, unordered."""
    found = Item.objects.filter(closed_at__isnull=query.show != Show.DONE)
    if query.show == Show.MINE:
        found = found.filter(assignee=query.reader)
    exact = {
        "stage": query.stage,
        "programme": query.programme,
        "organisation__country": query.country,
        "organisation": query.organisation,
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if query.assignee == NOBODY:
        found = found.filter(assignee=None)
    elif query.assignee:
        found = found.filter(assignee_id=query.reader.pk if query.assignee == ME else UUID(query.assignee))
    if query.words:
        found = found.filter(search__has_words=query.words)
    return found.filter(_aged(query.age, timezone.localdate())) if query.age else found


def page(query: Query, cursor: str = "") -> keyset.Page[Item]:
    """Return one page of what the query asks for."""
    return keyset.page(items(query).select_related("organisation", "assignee"), query.order, PAGE_SIZE, cursor)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is: by stage, whichever stage is asked for; and how much is late of what is asked for."""

    by_stage: Mapping[str, int]
    overdue: int

    @property
    def total(self) -> int:
        """All stages together."""
        return sum(self.by_stage.values())


def counts(query: Query) -> Counts:
    """Count what the query asks for, in one query."""
    overdue = Q(closed_at=None, due_on__lt=timezone.localdate())
    rows = (
        items(replace(query, stage="")).values("stage").annotate(number=Count("pk"), late=Count("pk", filter=overdue))
    )
    by_stage = {row["stage"]: row for row in rows.order_by()}
    late = [row["late"] for stage, row in by_stage.items() if query.stage in ("", stage)]
    return Counts({stage: by_stage.get(stage, {"number": 0})["number"] for stage in Stage.values}, sum(late))


def stages_of(user: User) -> list[str]:
    """Return the stages that somebody's roles let them do."""
    return [stage for stage, role in ROLES.items() if role in user.staff_roles]


def colleagues() -> QuerySet[User]:
    """Return those to whom anything can be assigned."""
    doing = User.objects.filter(is_active=True, roles__role__in=[StaffRole.Role.REVIEWER, StaffRole.Role.ISSUER])
    return doing.distinct().order_by("name", "email")


def countries() -> list[str]:
    """Return the countries that organisations with an item are in."""
    return list(
        Organisation.objects.filter(models.Exists(Item.objects.filter(organisation=models.OuterRef("pk"))))
        .values_list("country", flat=True)
        .distinct()
        .order_by("country")
    )


def _aged(age: str, today: date) -> Q:
    if age == Age.OVERDUE:
        return Q(due_on__lt=today)
    if age == Age.TODAY:
        return Q(due_on=today)
    return Q(opened_at__lt=timezone.now() - timedelta(days=int(age)))


COLUMNS = (
    "stage", "reference", "title", "company", "country", "programme", "environment", "since", "due", "assigned_to",
    "ended", "outcome",
)  # fmt: skip


def described(item: Item) -> dict[str, Any]:
    """Return what a list or a table of figures says of an item, in plain values."""
    return {
        "stage": item.get_stage_display(),
        "reference": item.reference,
        "title": item.title,
        "company": item.organisation.name,
        "country": item.organisation.country,
        "programme": item.programme,
        "environment": item.environment,
        "since": item.opened_at.isoformat(timespec="seconds"),
        "due": item.due.isoformat() if item.due else "",
        "assigned_to": item.assignee.email if item.assignee else "",
        "ended": item.closed_at.isoformat(timespec="seconds") if item.closed_at else "",
        "outcome": item.outcome,
    }
