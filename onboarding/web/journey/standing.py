"""The list of somebody's applications, a page of it: what is to be done first comes first, searched and filtered."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.partners.models import Organisation, User
from onboarding.registrations.models import Application
from onboarding.web.journey import standings
from onboarding.web.journey.facts import Journey, Track, load_many
from onboarding.web.journey.saying import Turn
from onboarding.web.journey.turns import track_turn, turn

STANDINGS: Mapping[str, Any] = {
    "turn": gettext_lazy("Your turn"),
    "waiting": gettext_lazy("Waiting for others"),
    "live": gettext_lazy("Live"),
    "ended": gettext_lazy("Ended"),
}
"""Where applications stand, in words, in the order in which they are listed."""

LONG_LIST = 10
"""Applications beyond which they can be searched and filtered."""
PAGE_SIZE = 25
PLACE = re.compile(r"[0-3][0-9]{16}[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of an application. tone and label: how far it is."""

    name: str
    label: str
    tone: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """One application. new: messages that the reader has not read and may answer."""

    application: Application
    turn: Turn
    places: tuple[Environment, ...]
    new: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list. counts: how many there are of each standing, of those that were searched for.

    number: of the page's first row, from 1; total: rows on all pages. before, after: where the pages beside it end and
    begin, as `listing` takes them; empty where there is none. is_long: whether searching is worth while.
    """

    rows: Sequence[Row]
    counts: Mapping[str, int]
    number: int
    total: int
    before: str
    after: str
    is_long: bool

    @property
    def last(self) -> int:
        """The number of the page's last row."""
        return self.number + len(self.rows) - 1


def listing(
    organisations: Sequence[Organisation],
    *,
    reader: User | None = None,
    builds: Collection[UUID] = (),
    search: str = "",
    standing: str = "",
    before: str = "",
    after: str = "",
) -> Listing:
    """Read a page of the applications of some organisations.

    It costs the same whatever their number, and the same page after page.

    builds: the organisations for which the reader works on applications: to others no message is new.
    search: part of a name or of a reference. standing: a key of STANDINGS, empty for all. before, after: a place next
    to which the page is; what is none asks for the first page. An application that has moved on since stays findable:
    places are told by their order, not by their number.
    """
    applications = Application.objects.filter(organisation__in=organisations)
    few = list(applications.values_list("pk", flat=True)[: PAGE_SIZE + 1])
    read: Mapping[UUID, Journey] = {}
    if len(few) <= PAGE_SIZE:  # all are read anyway
        read = _journeys(organisations, few, reader)
        every: Sequence[str] = sorted(map(standings.place_of, read.values()))
    else:
        every = standings.places(organisations)
    if words := search.split():
        for word in words:
            applications = applications.filter(Q(name__icontains=word) | Q(reference__icontains=word))
        ids = {pk.hex for pk in applications.values_list("pk", flat=True)}
        every = [one for one in every if one[-32:] in ids]
    chosen = standings.between(every, standing)
    begin = _begin(chosen, before, after)
    shown = [standings.application_at(one) for one in chosen[begin : begin + PAGE_SIZE]]
    read = read or _journeys(organisations, shown, reader)
    return Listing(
        [_row(read[pk], builds) for pk in shown if pk in read],
        {one: len(standings.between(every, one)) for one in STANDINGS},
        begin + 1,
        len(chosen),
        chosen[begin] if begin else "",
        chosen[begin + PAGE_SIZE - 1] if begin + PAGE_SIZE < len(chosen) else "",
        bool(words or standing) or len(every) > LONG_LIST,
    )


def _begin(chosen: Sequence[str], before: str, after: str) -> int:
    """Return the index of the page's first row."""
    if PLACE.fullmatch(after):
        found = bisect_right(chosen, after)
        return found if found < len(chosen) else max(0, found - PAGE_SIZE)
    if PLACE.fullmatch(before):
        return max(0, bisect_left(chosen, before) - PAGE_SIZE)
    return 0


def _journeys(
    organisations: Sequence[Organisation], ids: Sequence[UUID], reader: User | None
) -> Mapping[UUID, Journey]:
    asked = Application.objects.filter(organisation__in=organisations, pk__in=ids)
    found = load_many(list(asked.select_related(*standings.ALL_OF_IT)), reader=reader)
    return {one.application.pk: one for one in found}


def _row(facts: Journey, builds: Collection[UUID]) -> Row:
    # An environment that cannot be begun is none yet.
    environments = tuple(_environment(one) for one in facts.tracks if one.is_begun or one.can_begin)
    new = facts.talk.new if facts.application.organisation_id in builds else 0
    return Row(facts.application, turn(facts), environments, new)


def _environment(one: Track) -> Environment:
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
    return Environment(_(one.environment.label), label, tone, expires_at)
