"""Tables for spreadsheets."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With these a spreadsheet begins a formula, which could send the other cells away when it is opened."""


class _Line:
    """Gives back what is written to it: csv writes one line at a time."""

    def write(self, text: str) -> str:
        return text


def as_csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield rows as lines of CSV (RFC 4180), the names first; no cell begins a formula (OWASP, CSV injection)."""
    writer = csv.DictWriter(_Line(), fieldnames=names)
    yield str(writer.writeheader())
    for row in rows:
        yield str(writer.writerow({name: safe(row[name]) for name in names}))


def safe(value: Any) -> str:
    """Return a cell's text; one that would begin a formula gets an apostrophe before it, which shows it is text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text
