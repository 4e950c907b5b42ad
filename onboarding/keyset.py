"""Pages of long lists by their rows' own values instead of by counting: as quick on the last page as on the first.

Between two requests rows come and go; a page begins where the one before it ended, so that none is skipped or shown
twice. See https://use-the-index-luke.com/no-offset.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Field, Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

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

    order: names of fields that are never null and together unique; either all of them or none with "-" before it.
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


def every(rows: QuerySet[Row], order: Sequence[str], size: int) -> Iterator[Row]:
    """Yield all rows, `size` at a time: between two of these queries nothing is held open, and nothing in memory."""
    found = list(rows.order_by(*order)[:size])
    while found:
        yield from found
        beyond = _beyond(order, _values(found[-1], order))
        found = list(rows.filter(beyond).order_by(*order)[:size]) if len(found) == size else []


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _beyond(order: Sequence[str], values: Sequence[Any]) -> Any:
    """Return the condition for rows after the one with `values`: (a, b) > (1, 2), where an index can begin."""
    falls = order[0].startswith("-")
    if any(name.startswith("-") != falls for name in order):
        raise ValueError("Rows are compared as wholes: all fields rise, or all fall.")
    names = [name.removeprefix("-") for name in order]
    if len(names) == 1:
        return Q(**{f"{names[0]}__{'lt' if falls else 'gt'}": values[0]})
    return (TupleLessThan if falls else TupleGreaterThan)(Tuple(*map(F, names)), tuple(values))


def _values(row: Model, order: Sequence[str]) -> list[Any]:
    return [getattr(row, name.lstrip("-")) for name in order]


def _cursor(row: Model, order: Sequence[str]) -> str:
    # To the microsecond, which JSON's usual form of an instant is not.
    text = json.dumps(
        [one.isoformat() if hasattr(one, "isoformat") else one for one in _values(row, order)], cls=DjangoJSONEncoder
    )
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
