"""What the checker knows of the programmes: their profiles, in short, as JSON that `build.py` puts beside this file."""

import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DATA = "programmes.json"


@dataclass(frozen=True, slots=True)
class Programme:
    """One programme (`onboarding.fleet.target.Programme`). name: for people."""

    id: str
    name: str
    credentials: tuple[str, ...]
    probes: tuple[str, ...]


def programmes() -> Mapping[str, Programme]:
    """Return every programme by its id. Raises FileNotFoundError outside the built file."""
    data: dict[str, Any] = json.loads(pkgutil.get_data(__package__, DATA) or b"{}")
    return {
        id_: Programme(id_, row["name"], tuple(row["credentials"]), tuple(row["probes"])) for id_, row in data.items()
    }
