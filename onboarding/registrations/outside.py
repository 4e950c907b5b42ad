"""What happened outside this portal, as a member records it: on which day, and under which reference."""

from dataclasses import dataclass
from datetime import date
from typing import Any

HAPPENED_ON, REFERENCE = "happened_on", "reference"
"""How it stands in the audit, beside who recorded it and when."""


@dataclass(frozen=True, slots=True)
class Outside:
    """One thing that happened there. reference: theirs, such as the number of a ticket; may be empty."""

    on: date
    reference: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the audit keeps it."""
        return {HAPPENED_ON: self.on.isoformat(), REFERENCE: self.reference}


def said(outside: Outside | None) -> dict[str, Any]:
    """Return what the audit keeps of it; nothing where it happened here."""
    return outside.to_json() if outside else {}
