"""The queue: what waits for staff, and what they have done; filtered, counted, page by page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from onboarding import keyset
from onboarding.partners.models import Organisation, StaffRole, User
from onboarding.worklist.models import ROLES, Item, Stage

PAGE_SIZE = 50
CHUNK = 2000
MOST_COUNTED = 2000
"""Counting ends there."""
LITTLE = 200
"""Cards whose ids fit into a query."""


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
        "country": query.country,
        "organisation": query.organisation,
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if query.assignee == NOBODY:
        found = found.filter(assignee=None)
    elif query.assignee:
        found = found.filter(assignee_id=query.reader.pk if query.assignee == ME else UUID(query.assignee))
    if query.words:
        found = found.filter(search__has_words=query.words)
    if query.age and query.show != Show.DONE:  # what is done has no age
        found = found.filter(_aged(query.age, timezone.localdate()))
    return found


def page(query: Query, cursor: str = "") -> keyset.Page[Item]:
    """Return one page of what the query asks for.

    What words find is looked for before, and the page made of it if it is little: asked for a page in its order,
    PostgreSQL would rather go through all the cards for a word that none of them has.
    """
    rows = items(query)
    if query.words:
        found = list(rows.order_by(*query.order).values_list("pk", flat=True)[: MOST_COUNTED + 1])
        if len(found) <= LITTLE:
            rows = Item.objects.filter(pk__in=found)
    return keyset.page(rows.select_related("organisation", "assignee"), query.order, PAGE_SIZE, cursor)


def every(query: Query) -> Iterator[Item]:
    """Yield all that the query asks for, in its order."""
    return keyset.every(items(query).select_related("organisation", "assignee"), query.order, CHUNK)


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; or that there are more than so many."""

    number: int
    is_more: bool = False

    def __add__(self, other: "Count") -> "Count":
        return Count(self.number + other.number, self.is_more or other.is_more)

    def __bool__(self) -> bool:
        return self.number > 0 or self.is_more

    def __str__(self) -> str:
        return f"{self.number}+" if self.is_more else str(self.number)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much waits: by stage, whichever stage is asked for; and how much is late of what is asked for."""

    by_stage: Mapping[str, Count]
    overdue: Count

    @property
    def total(self) -> Count:
        """All stages together."""
        return sum(self.by_stage.values(), Count(0))


def counts(query: Query) -> Counts | None:
    """Count what the query asks for, in one query, no further than it takes a moment; None for what is done."""
    if query.show == Show.DONE:
        return None
    today = timezone.localdate()
    if query.words:
        return _found(query, today)
    stages = [items(replace(query, stage=stage)) for stage in Stage.values]
    *by_stage, overdue = _counted([*stages, items(query).filter(due_on__lt=today)])
    return Counts(dict(zip(Stage.values, by_stage, strict=True)), overdue)


def _counted(several: Sequence[QuerySet[Item]]) -> list[Count]:
    """Count each, which takes nothing but an index, up to MOST_COUNTED."""
    most = MOST_COUNTED
    parts = [rows.order_by().values_list("pk")[: most + 1].query.sql_with_params() for rows in several]
    columns = ", ".join(f"(SELECT count(*) FROM ({sql}) AS part)" for sql, _parameters in parts)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", [one for _sql, parameters in parts for one in parameters])
        return [Count(min(number, most), number > most) for number in cursor.fetchone()]


def _found(query: Query, today: date) -> Counts:
    """Count what words find, which are looked for once; of more than MOST_COUNTED, how much of the first is what."""
    rows = list(
        items(replace(query, stage="")).order_by(*ORDERS[Sort.DUE]).values_list("stage", "due_on")[: MOST_COUNTED + 1]
    )
    is_more, rows = len(rows) > MOST_COUNTED, rows[:MOST_COUNTED]
    by_stage = Counter(stage for stage, _due in rows)
    late = sum(due < today and query.stage in ("", stage) for stage, due in rows)
    return Counts({stage: Count(by_stage[stage], is_more) for stage in Stage.values}, Count(late, is_more))


def stages_of(user: User) -> list[str]:
    """Return the stages that somebody's roles let them do."""
    return [stage for stage, role in ROLES.items() if role in user.staff_roles]


def colleagues() -> QuerySet[User]:
    """Return those to whom anything can be assigned."""
    doing = User.objects.filter(is_active=True, roles__role__in=[StaffRole.Role.REVIEWER, StaffRole.Role.ISSUER])
    return doing.distinct().order_by("name", "email")


def countries() -> list[str]:
    """Return the countries that organisations are in, each read once from the index."""
    table = connection.ops.quote_name(Organisation._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH RECURSIVE found(country) AS (
                SELECT min(country) FROM {table}
                UNION ALL
                SELECT (SELECT min(country) FROM {table} WHERE country > found.country)
                FROM found WHERE found.country IS NOT NULL
            ) SELECT country FROM found WHERE country <> ''"""  # noqa: S608
        )
        return [country for (country,) in cursor.fetchall()]


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
        "country": item.country,
        "programme": item.programme,
        "environment": item.environment,
        "since": item.opened_at.isoformat(timespec="seconds"),
        "due": item.due.isoformat() if item.due else "",
        "assigned_to": item.assignee.email if item.assignee else "",
        "ended": item.closed_at.isoformat(timespec="seconds") if item.closed_at else "",
        "outcome": item.outcome,
    }
