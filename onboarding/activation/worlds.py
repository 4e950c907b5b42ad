"""The world of a rehearsal as a JSON column keeps it: versioned, bounded, and read back only if it is whole."""

import json
from collections.abc import Mapping
from typing import Any

from onboarding.mobile.rehearsal import Rehearsal as World

FORMAT = 1
MAX_BYTES = 256 * 1024


class Unreadable(ValueError):
    """What is kept is no world, or one of another format: its rehearsal has to be reset."""


class TooLarge(ValueError):
    """More has been done in a rehearsal than is kept."""


def dump(world: World) -> dict[str, Any]:
    """Return plain values, as `load` reads them. Raises TooLarge."""
    kept = {"format": FORMAT, "world": world.to_json()}
    if len(json.dumps(kept)) > MAX_BYTES:
        raise TooLarge
    return kept


def load(kept: Mapping[str, Any]) -> World:
    """Read what `dump` wrote, and JSON has kept. Raises Unreadable."""
    if not isinstance(kept, Mapping) or kept.get("format") != FORMAT:
        raise Unreadable
    try:
        return World.from_json(kept["world"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable from error
