"""Where each of thousands of applications stands, without reading thousands of journeys.

The rules are those of `turns.py`, and nothing here repeats them. What they go by is read in a few narrow queries, as
one plain value an application: its likeness. Applications of one likeness stand alike, so the rules are asked about one
of each. `tests/web/test_standings.py` asks them about every one, in every state there is, and compares.

The order is kept in the cache, and caught up with from the audit: whatever changes a standing is put on
record there, so only the applications that it names since are looked at again.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q, QuerySet, Subquery
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.models import Chain, Entry
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder, PartnerPassword
from onboarding.credentials.rehearsing import all_rehearsed
from onboarding.credentials.renewing import BEGIN_BEFORE
from onboarding.credentials.states import State as CertificateState
from onboarding.fleet.checks import Result
from onboarding.partners.models import Organisation
from onboarding.partners.modes import mode
from onboarding.registrations.conversation import NO_TALK, talks
from onboarding.registrations.models import Application, Side
from onboarding.registrations.states import CLOSED
from onboarding.registrations.states import State as RegistrationState
from onboarding.validation.models import PartnerReport, Run
from onboarding.web.journey.facts import Journey, load_many, proving_runs
from onboarding.web.journey.saying import Turn
from onboarding.web.journey.turns import turn

STANDINGS = ("turn", "waiting", "live", "ended")
"""Where an application can stand, in the order in which they are listed."""

KEPT = 3600
"""Seconds for which the order is kept. What is on record is in it at once; a certificate that nears its end, then."""
MOST_CHANGED = 100
"""Applications that are looked at one by one; after more changes the order is made anew."""
OF_SEVERAL = (Event.LOGIN_CONFIRMED, Event.LOGIN_REJECTED)
"""Events that change the standing of more applications than the one they name."""

ALL_OF_IT = ("organisation", "registration", "partner_login")
"""What an application's journey is read with."""
NEWEST = 10**16
Place = str
"""Where an application is in the list: standing, age and id, of one length, so that places are in the list's order."""


def standing(facts: Journey, found: Turn) -> str:
    """Return where an application stands, one of STANDINGS. found: whose turn it is."""
    registration = facts.registration
    if found.who == "partner":
        return "turn"
    if registration is not None and registration.state in CLOSED:
        return "ended"
    if found.who != "nobody":
        return "waiting"
    return "ended" if found.is_setback else "live"


def place_of(facts: Journey) -> Place:
    """Return the place of an application in the list: by standing, the newest first."""
    return _place(facts.application.pk, facts.application.created_at, standing(facts, turn(facts)))


def _place(application_id: UUID, created_at: datetime, its_standing: str) -> Place:
    return f"{STANDINGS.index(its_standing)}{NEWEST - int(created_at.timestamp() * 1e6):016}{application_id.hex}"


def application_at(one: Place) -> UUID:
    """Return the id of the application that is there."""
    return UUID(one[-32:])


def between(places: Sequence[Place], its_standing: str) -> Sequence[Place]:
    """Return the places of one standing, among places in order; of all of them for an empty one."""
    if not its_standing:
        return places
    rank = STANDINGS.index(its_standing)
    return places[bisect_left(places, str(rank)) : bisect_left(places, str(rank + 1))]


def places(organisations: Collection[Organisation]) -> Sequence[Place]:
    """Return the places of all applications of some organisations, in order."""
    chains = Chain.objects.filter(organisation__in=organisations).order_by("pk")
    heads = dict(chains.values_list("pk", "length"))  # before anything else: what comes after it is caught up with
    basis = (
        sorted(one.pk for one in organisations),
        *heads,
        settings.SANDBOX,
        settings.FLEET_ENVIRONMENTS,
        settings.SANDBOX_FAULT_PORTS,
    )
    name = "places:" + hashlib.sha256(repr(basis).encode()).hexdigest()
    kept: tuple[Mapping[UUID, int], str] | None = cache.get(name)
    changed = _changed(kept[0], heads) if kept is not None else None
    if kept is None or changed is None:
        found = _all_places(organisations)
    elif changed:
        ids = {one.hex for one in changed}
        others = [one for one in kept[1].split() if one[-32:] not in ids]
        found = sorted([*others, *_places_of(organisations, changed)])
    else:
        return kept[1].split()
    cache.set(name, (heads, "\n".join(found)), KEPT)
    return found


def _changed(before: Mapping[UUID, int], heads: Mapping[UUID, int]) -> Collection[UUID] | None:
    """Return the applications of which something was put on record since; None if that does not tell all."""
    since = Q(pk=None)
    for chain, length in heads.items():
        if length > before[chain]:
            since |= Q(chain=chain, position__gt=before[chain], position__lte=length)
    entries = Entry.objects.filter(since).values_list("event", "application_id").distinct()
    found = list(entries[: MOST_CHANGED + 1]) if since != Q(pk=None) else []
    if len(found) > MOST_CHANGED or any(event in OF_SEVERAL for event, _pk in found):
        return None
    return {pk for _event, pk in found if pk is not None}


def _places_of(organisations: Collection[Organisation], ids: Iterable[UUID] | None = None) -> list[Place]:
    asked = Application.objects.filter(organisation__in=organisations)
    if ids is not None:
        asked = asked.filter(pk__in=ids)
    return [place_of(facts) for facts in load_many(list(asked.select_related(*ALL_OF_IT)))]


def _all_places(organisations: Collection[Organisation]) -> list[Place]:
    if not mode().has_desk:  # one company, which notes what it has sent where: each is asked about
        return sorted(_places_of(organisations))
    alike = likenesses(organisations)
    one_of_each = {likeness: pk for pk, (likeness, _created) in alike.items()}
    ranks = {one[-32:]: STANDINGS[int(one[0])] for one in _places_of(organisations, one_of_each.values())}
    of_likeness = {likeness: ranks[pk.hex] for likeness, pk in one_of_each.items()}
    return sorted(_place(pk, created, of_likeness[likeness]) for pk, (likeness, created) in alike.items())


def likenesses(organisations: Collection[Organisation]) -> Mapping[UUID, tuple[Hashable, datetime]]:
    """Return of each application its likeness, and when it was begun.

    A likeness holds all that its standing depends on: whether reviewers wait for an answer; while the description is
    open or has come to an end, nothing else; afterwards the login, and each signing cycle with its order for a key, its
    set, and the set's latest run.
    """
    applications = Application.objects.filter(organisation__in=organisations)
    cycles: dict[UUID, list[Hashable]] = {}
    for application_id, fact in _cycles(organisations):
        cycles.setdefault(application_id, []).append(fact)
    rehearsing = all_rehearsed(applications)
    talked = talks(applications, side=Side.PARTNER)
    login = [f"partner_login__{name}" for name in ("confirmed_at", "retired_at", "environment")]
    found: dict[UUID, tuple[Hashable, datetime]] = {}
    for pk, created, programme, state, confirmed, retired, where in applications.values_list(
        "pk", "created_at", "programme", "registration__state", *login
    ):
        asked = talked.get(pk, NO_TALK).asked_since is not None
        likeness: Hashable = (state, asked)
        if state in (None, RegistrationState.APPROVED):
            its_login = (where, confirmed is None, retired is None)
            likeness = (state, asked, programme, its_login, pk in rehearsing, *cycles.get(pk, ()))
        found[pk] = (likeness, created)
    return found


def _cycles(organisations: Collection[Organisation]) -> Iterable[tuple[UUID, Hashable]]:
    """Yield the application's id and what there is to know of each signing cycle, the oldest first."""
    now = timezone.now()
    soon = now + timedelta(days=BEGIN_BEFORE)
    cycles = CertificateRequest.objects.filter(
        Q(application__registration=None) | Q(application__registration__state=RegistrationState.APPROVED),
        application__organisation__in=organisations,
    ).exclude(state__in=(CertificateState.CANCELLED, CertificateState.SUPERSEDED))
    orders = KeyOrder.objects.filter(certificate_request__application__organisation__in=organisations)
    keys = {
        pk: (state, first_call)
        for pk, state, first_call in orders.order_by("created_at").values_list(
            "certificate_request", "state", "first_call"
        )
    }
    held = _sets(organisations)
    passwords = set(
        PartnerPassword.objects.filter(partner_login__organisation__in=organisations).values_list(
            "partner_login", "environment"
        )
    )
    for pk, application_id, where, state, ends, login, asked in cycles.order_by("created_at").values_list(
        "pk", "application", "environment", "state", "not_valid_after", "partner_login", "revocation_asked_at"
    ):
        end = "" if ends is None else "ended" if ends <= now else "soon" if ends <= soon else "later"
        is_leaving = asked is not None
        yield application_id, (where, state, end, is_leaving, keys.get(pk), held.get(pk), (login, where) in passwords)


def _sets(organisations: Collection[Organisation]) -> Mapping[UUID, Hashable]:
    """Return what there is to know of the newest set of each signing cycle."""
    sets = CredentialSet.objects.filter(application__organisation__in=organisations, retired_at=None)
    latest = sets.annotate(run=Subquery(proving_runs().order_by("-created_at").values("pk")[:1]))
    runs = {
        one.credential_set_id: one
        for one in Run.objects.filter(pk__in=latest.values("run")).only("credential_set", "state", "turn", "created_at")
    }
    reports = dict(
        PartnerReport.objects.filter(
            credential_set__application__organisation__in=organisations, signed=True, result=Result.PASSED
        )
        .order_by("received_at")
        .values_list("credential_set", "received_at")
    )
    claimed = _passed_with_a_claim(sets)
    return {
        cycle: (bool(client_id), secret is not None, pk in claimed, _of_run(runs.get(pk), reports.get(pk)))
        for pk, cycle, client_id, secret in sets.order_by("created_at").values_list(
            "pk", "certificate_request", "client_id", "client_secret"
        )
    }


def _passed_with_a_claim(sets: QuerySet[CredentialSet]) -> Collection[UUID]:
    """Return the sets with which a call has passed though their partner login is only claimed."""
    passed = Run.objects.filter(
        credential_set__in=sets.filter(application__partner_login__confirmed_at=None), state=Run.State.PASSED
    )
    return set(passed.exclude(facts__has_key=Run.REHEARSAL).values_list("credential_set", flat=True))


def _of_run(run: Run | None, reported_at: datetime | None) -> Hashable:
    if run is None:
        return reported_at is not None
    return run.state, run.is_partners_turn, reported_at is not None and run.created_at < reported_at
