"""The list of somebody's applications: where each stands, sorted by what is to be done first, searched and filtered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.registrations.models import Application
from onboarding.registrations.states import CLOSED
from onboarding.web.journey.facts import Journey, Track, load_many
from onboarding.web.journey.saying import Turn
from onboarding.web.journey.turns import track_turn, turn

STANDINGS: Mapping[str, Any] = {
    "turn": gettext_lazy("Your turn"),
    "waiting": gettext_lazy("Waiting for others"),
    "live": gettext_lazy("Live"),
    "ended": gettext_lazy("Ended"),
}
"""Where applications stand, in the order in which they are listed."""

LONG_LIST = 10
"""Applications beyond which they can be searched and filtered."""

LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """One environment of an application. tone and label: how far it is."""

    name: str
    label: str
    tone: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """One application. standing: a key of STANDINGS."""

    application: Application
    turn: Turn
    standing: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows that were asked for; how many there are of each standing; whether searching them is worth while."""

    rows: Sequence[Row]
    counts: Mapping[str, int]
    is_long: bool


def listing(applications: QuerySet[Application], *, search: str = "", standing: str = "") -> Listing:
    """Read the applications, in a number of queries that does not grow with them.

    search: part of a name or of a reference. standing: a key of STANDINGS, empty for all.
    """
    every = applications.select_related("organisation", "registration", "partner_login")
    words = search.split()
    for word in words:
        every = every.filter(Q(name__icontains=word) | Q(reference__icontains=word))
    rows = [_row(facts) for facts in load_many(list(every))]
    order = {one: place for place, one in enumerate(STANDINGS)}
    rows.sort(key=lambda row: (order[row.standing], row.turn.since or LAST))
    counts = Counter(row.standing for row in rows)
    return Listing(
        [row for row in rows if standing in ("", row.standing)],
        {one: counts[one] for one in STANDINGS},
        bool(words or standing) or len(rows) > LONG_LIST,
    )


def _row(facts: Journey) -> Row:
    found = turn(facts)
    # An environment that cannot be begun is no place yet.
    places = tuple(_place(one) for one in facts.tracks if one.is_begun or one.can_begin)
    return Row(facts.application, found, _standing(facts, found), places)


def _standing(facts: Journey, found: Turn) -> str:
    registration = facts.registration
    if found.who == "partner":
        return "turn"
    if (registration is not None and registration.state in CLOSED) or found.is_setback:
        return "ended"
    return "live" if found.who == "nobody" else "waiting"


def _place(one: Track) -> Place:
    expires_at = one.request.not_valid_after if one.request is not None and one.has_certificate else None
    found = track_turn(one)
    if one.is_live and found.who == "nobody":
        label, tone = _("live"), "success"
    elif not one.is_begun:
        label, tone = _("not begun"), "neutral"
    elif found.is_setback or (found.who == "partner" and one.run is not None):
        label, tone = _("does not work"), "danger"
    else:
        label, tone = _("under way"), "waiting"
    return Place(_(one.environment.label), label, tone, expires_at)
