"""Tables for spreadsheets."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet begins a formula, which could send the other cells away when it is opened."""


class _Line:
    """Gives back what is written to it: csv writes one line at a time."""

    def write(self, text: str) -> str:
        return text


def as_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield rows as lines of CSV (RFC 4180), the names first; no cell begins a formula (OWASP, CSV injection)."""
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(_Line(), fieldnames=list(row))
            yield str(writer.writeheader())
        yield str(writer.writerow({name: safe(value) for name, value in row.items()}))


def safe(value: Any) -> str:
    """Return a cell's text; one that would begin a formula gets an apostrophe before it, which shows it is text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text
