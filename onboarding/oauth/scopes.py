"""What a driver can grant: each scope, what it gives in words, and the data of an application that hangs on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onboarding.findings import gettext_noop as _
from onboarding.programmes import DataItem

SCOPES: Mapping[str, str] = {
    "data:alert": _("The vehicle's alerts, such as a low tyre pressure"),
    "data:position": _("Where the vehicle is; in alerts and trips, where they began and ended"),
    "data:telemetry": _("The vehicle's state: speed, mileage, energy, doors, maintenance and more"),
    "data:trip": _("The vehicle's trips: distance, duration, consumption"),
    "data:collision": _("Collisions of the vehicle"),
    "remote:preconditioning:write": _("Start and stop the preconditioning"),
    "remote:charging:write": _("Start and stop charging"),
    "remote:horn:write": _("Sound the horn"),
    "remote:door:write": _("Lock and unlock the doors"),
    "remote:lights:write": _("Flash the lights"),
    "remote:wakeup:write": _("Wake the vehicle up"),
    "remote:navigation:write": _("Send a destination to the navigation"),
}
"""Every scope of the data catalogue, and what a driver who ticks it gives. Source: the API's description, "Scopes"."""

SEPARATORS = (",", " ")
"""How several are joined: the documentation writes commas, RFC 6749, section 3.3, blanks. Both are read."""


@dataclass(frozen=True, slots=True)
class Need:
    """A scope that registered data needs. items: what would be absent without it."""

    scope: str
    items: tuple[DataItem, ...]


def needed(items: Iterable[DataItem]) -> tuple[Need, ...]:
    """Return the scopes that these items need, each once, in the order of SCOPES."""
    found: dict[str, list[DataItem]] = {}
    for item in items:
        for scope in item.scopes:
            found.setdefault(scope, []).append(item)
    order = {scope: place for place, scope in enumerate(SCOPES)}
    return tuple(
        Need(scope, tuple(its)) for scope, its in sorted(found.items(), key=lambda one: order.get(one[0], len(order)))
    )


def read(text: str) -> tuple[str, ...]:
    """Return the scopes that a text names, each once: joined by commas, blanks, or both."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def missing(asked: Sequence[str], granted: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes that were asked for and not granted."""
    given = set(granted)
    return tuple(scope for scope in asked if scope not in given)
