"""Pages of long lists by their rows' own values instead of by counting: as quick on the last page as on the first.

Between two requests rows come and go; a page begins where the one before it ended, so that none is skipped or shown
twice. See https://use-the-index-luke.com/no-offset.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)
BACKWARDS = "-"


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page. previous, following: the cursors of the pages beside it; empty where there is none."""

    rows: Sequence[Row]
    previous: str
    following: str


def page(rows: QuerySet[Row], order: Sequence[str], size: int, cursor: str = "") -> Page[Row]:
    """Return the page that `cursor` names, the first one for an empty or unreadable cursor.

    order: names of fields that are never null, "-" before those that fall; together they are unique.
    """
    backwards, values = _read(cursor, rows.model, order)
    directed = [_turned(name) for name in order] if backwards else list(order)
    if values is not None:
        rows = rows.filter(_beyond(directed, values))
    found = list(rows.order_by(*directed)[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    if backwards and not found:
        return page(rows.model._default_manager.none(), order, size)
    at_start = not more if backwards else values is None
    at_end = False if backwards else not more
    return Page(
        found,
        "" if at_start or not found else BACKWARDS + _cursor(found[0], order),
        "" if at_end or not found else _cursor(found[-1], order),
    )


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _beyond(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Return the condition for rows after the one with `values`; the first part lets an index begin there."""
    first, value = order[0], values[0]
    name = first.lstrip("-")
    comparison = "lt" if first.startswith("-") else "gt"
    if len(order) == 1:
        return Q(**{f"{name}__{comparison}": value})
    return Q(**{f"{name}__{comparison}e": value}) & (
        Q(**{f"{name}__{comparison}": value}) | Q(**{name: value}) & _beyond(order[1:], values[1:])
    )


def _cursor(row: Model, order: Sequence[str]) -> str:
    values = [getattr(row, name.lstrip("-")) for name in order]
    # To the microsecond, which JSON's usual form of an instant is not.
    text = json.dumps([one.isoformat() if hasattr(one, "isoformat") else one for one in values], cls=DjangoJSONEncoder)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, model: type[Model], order: Sequence[str]) -> tuple[bool, list[Any] | None]:
    backwards = cursor.startswith(BACKWARDS)
    text = cursor.removeprefix(BACKWARDS)
    if not text:
        return False, None
    try:
        values = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        fields = [model._meta.get_field(name.lstrip("-")) for name in order]
        read = [field.to_python(value) for field, value in zip(fields, values, strict=True) if isinstance(field, Field)]
        return backwards, read
    except (ValueError, TypeError, ValidationError, RecursionError):
        return False, None
