"""What stands out in a request: worked out from facts, for reviewers alone. It decides nothing.

Pure rules, one table. `hint_facts.py` looks the facts up; `onboarding/web/hinting.py` puts the hints into words.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from onboarding.findings import Finding, Message, Severity, gettext_noop
from onboarding.partners.mail_domains import company_domain
from onboarding.partners.names import domain_sketch, is_within, name_key
from onboarding.pki.lookalikes import latin, names_of_lookalikes
from onboarding.programmes import RateLimits, catalogue
from onboarding.registrations.description import Answers, chosen_items, purpose_of
from onboarding.registrations.states import State
from onboarding.registrations.usage import Rates


class Area(StrEnum):
    """What a hint is about; the value is the step of the description that it belongs to."""

    CONCEPT = "concept"
    COMPANY = "company"
    USAGE = "usage"
    DATA = "data"
    PURPOSES = "purposes"


class LinkTo(StrEnum):
    """What a hint's link leads to."""

    REGISTRATION = "registration"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Link:
    """Where a fact can be read. to, id: the row. label: its name. state: of a registration."""

    to: LinkTo
    id: str
    label: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing that stands out (a warning: worth a look), or that was looked at and is fine (a note)."""

    finding: Finding
    links: tuple[Link, ...] = ()

    @property
    def is_worth_a_look(self) -> bool:
        """Whether it is more than that something is fine."""
        return self.finding.severity is Severity.WARNING


@dataclass(frozen=True, slots=True)
class Login:
    """A row of the partner login that the description names. organisation: whose, if it is another's."""

    is_own: bool
    is_confirmed: bool
    is_retired: bool
    organisation: Link


@dataclass(frozen=True, slots=True)
class Distribution:
    """What others ask for: how many they are, and the values below which each hundredth of them lies, 0 to 100."""

    count: int
    percentiles: Sequence[float]

    def below(self, value: float) -> int:
        """Return how many in a hundred ask for less."""
        return min(100, bisect_left(self.percentiles, value))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at.

    answers: the description under review. company: the organisation's name.
    others: the organisation's other applications: how many by state, the latest ones, and those of the same name.
    same, similar: other organisations with the same name, or one that is like it.
    own_domains: those of addresses that this organisation has confirmed; at_domain: other organisations with the one of
    the description. addresses: all confirmed ones. logins: rows of the partner login it names.
    usage: by measure.
    """

    answers: Answers
    company: str
    limits: RateLimits
    by_state: Mapping[str, int] = field(default_factory=dict)
    latest: tuple[Link, ...] = ()
    namesakes: tuple[Link, ...] = ()
    same: tuple[Link, ...] = ()
    similar: tuple[Link, ...] = ()
    addresses: frozenset[str] = frozenset()
    at_domain: tuple[Link, ...] = ()
    logins: tuple[Login, ...] = ()
    usage: Mapping[str, Distribution] = field(default_factory=dict)

    @property
    def own_domains(self) -> list[str]:
        """The company's domains: of its confirmed addresses, those that not everybody can have."""
        return sorted({domain for address in self.addresses if (domain := company_domain(address))})


ENOUGH_OTHERS = 20
"""With fewer others nothing is compared."""
UNUSUAL = 95
"""Above so many in a hundred it is worth a look."""
SHORT_PURPOSE = 25
SHORT_CONCEPT = 40
"""Characters below which a text hardly says anything."""
EXAMPLES = re.compile(r"MZP(123456|X+|0+)", re.IGNORECASE)
"""Partner logins that the documentation has as examples."""

# "labels" are ids of categories, with "|" between them: the page names them. It groups the digits of numbers, too.
CODES: Mapping[str, Message] = {
    "refused_before": Message(
        gettext_noop("Other applications of this company were declined or suspended: {found} of {count}."),
        gettext_noop("Read why, and whether it is put right here."),
    ),
    "others": Message(gettext_noop("This company has other applications: {count}."), ""),
    "first_one": Message(gettext_noop("This is the company's first application."), ""),
    "same_application": Message(
        gettext_noop("Another application of this company has the same name."),
        gettext_noop("Ask whether it replaces the other one, or was sent twice."),
    ),
    "lookalikes": Message(
        gettext_noop("The company's name has characters that look like Latin ones: {found}."),
        gettext_noop("Compare it with the register of companies, not with how it looks."),
    ),
    "renamed": Message(
        gettext_noop("The description names {found}, and the organisation is here as {expected}."),
        gettext_noop("Ask which of them signs, and for whom the certificate is: its O is a company's name."),
    ),
    "same_name": Message(
        gettext_noop("Another organisation has the same name, apart from capitals, accents and the legal form."),
        gettext_noop("It may be the same company twice: ask, before it gets a second partner login."),
    ),
    "similar_name": Message(
        gettext_noop("Other organisations have names like this one."),
        gettext_noop("One of its group, or somebody who wants to be taken for it? Compare addresses and contacts."),
    ),
    "own_name": Message(gettext_noop("No other organisation has this name, or one like it."), ""),
    "free_mail": Message(
        gettext_noop("The contact's address is at {found}, where everybody can have one."),
        gettext_noop("It says nothing about the company: ask for one at the company's own domain."),
    ),
    "lookalike_domain": Message(
        gettext_noop("The contact's domain {found} looks like {expected}, and is another one."),
        gettext_noop("Somebody may want to be taken for the company: call it by a number you know otherwise."),
    ),
    "other_domain": Message(
        gettext_noop("The contact's domain is {found}; the company has confirmed addresses at {expected}."),
        gettext_noop("Ask who it is: an agency, a sister company?"),
    ),
    "no_domain": Message(
        gettext_noop("The company has confirmed no address at {found}, nor at any other domain of its own."),
        gettext_noop("Nothing shows yet that the contact belongs to the company."),
    ),
    "domain_elsewhere": Message(
        gettext_noop("Other organisations have contacts at {found}, too."),
        gettext_noop("It may be the same company twice, or its group."),
    ),
    "own_domain": Message(
        gettext_noop("The contact's address is at {found}, where the company has confirmed one."), ""
    ),
    "short_concept": Message(
        gettext_noop("The concept is short: {count} characters."),
        gettext_noop("Ask what the data is for, who sees it, and how long it is kept."),
    ),
    "no_purpose": Message(
        gettext_noop("Data without a purpose: {labels}."),
        gettext_noop("Ask for what it is needed, or that it is taken out."),
    ),
    "short_purpose": Message(
        gettext_noop("A purpose of a few words: {labels}."),
        gettext_noop("Ask what happens with the data, and why it takes this one."),
    ),
    "repeated_purpose": Message(
        gettext_noop("One text as the purpose of several categories: {labels}."),
        gettext_noop("Ask for each category by itself: copied reasons are rarely reasons."),
    ),
    "all_data": Message(
        gettext_noop("All data that the programme offers is asked for: {count} items."),
        gettext_noop("Compare it with the concept: hardly any needs everything."),
    ),
    "purposes_given": Message(gettext_noop("Each category of data has a purpose of its own."), ""),
    "over_limit": Message(
        gettext_noop("{number} requests a day on average, and one client ID may make {limit}."),
        gettext_noop("It will be refused with 429 unless another plan is agreed, or it asks less often."),
    ),
    "unusual": Message(
        gettext_noop("{label}: {number}. Of a hundred applications in this programme {percent} ask for less."),
        gettext_noop("Ask whether the number is meant, and what it is made of."),
    ),
    "usual": Message(gettext_noop("{label}: {number}. Of a hundred others {percent} ask for less."), ""),
    "login_of_other": Message(
        gettext_noop("Partner login {found} is another organisation's."),
        gettext_noop("It cannot be approved with it: the company has mistyped it, or is part of the other one."),
    ),
    "login_claimed": Message(
        gettext_noop("Another organisation claims partner login {found}, too."),
        gettext_noop("Find out whose it is. An approval confirms it as this company's, and the other claim fails."),
    ),
    "login_retired": Message(
        gettext_noop("Partner login {found} was retired, or its claim rejected."),
        gettext_noop("A retired one is never issued again. An approval overrules a rejection."),
    ),
    "login_example": Message(
        gettext_noop("Partner login {found} is an example of the documentation."),
        gettext_noop("The company may have none yet: ask, or assign one."),
    ),
    "login_own": Message(gettext_noop("Partner login {found} is confirmed as this company's."), ""),
    "login_new": Message(
        gettext_noop("Nobody here has partner login {found} yet; the company says that it is theirs."), ""
    ),
}

MEASURES: Mapping[str, str] = {
    "requests_per_month": gettext_noop("Requests per month"),
    "vehicles": gettext_noop("Vehicles"),
    "calls_per_day": gettext_noop("Calls per vehicle and day"),
}
"""What is compared with others, by the question that it is the answer to."""


def _look(
    code: str, area: Area, links: Iterable[Link] = (), found: str = "", expected: str = "", **params: Any
) -> Hint:
    return Hint(Finding(code, Severity.WARNING, area, found, expected, params), tuple(links))


def _fine(code: str, area: Area, links: Iterable[Link] = (), found: str = "", **params: Any) -> Hint:
    return Hint(Finding(code, Severity.NOTE, area, found, "", params), tuple(links))


def other_applications(facts: Facts) -> Iterable[Hint]:
    """What else this company has asked for, and what became of it."""
    count = sum(facts.by_state.values())
    refused = sum(facts.by_state.get(state, 0) for state in (State.DECLINED, State.SUSPENDED))
    if refused:
        yield _look("refused_before", Area.CONCEPT, facts.latest, found=str(refused), count=count)
    elif count:
        yield _fine("others", Area.CONCEPT, facts.latest, count=count)
    else:
        yield _fine("first_one", Area.CONCEPT)
    if facts.namesakes:
        yield _look("same_application", Area.CONCEPT, facts.namesakes)


def names(facts: Facts) -> Iterable[Hint]:
    """Whether the company might be taken for another one."""
    described = str(facts.answers.get("company") or "")
    if (meant := latin(described, throughout=False)) != described:
        odd = names_of_lookalikes(described, meant)
        if odd:
            yield _look("lookalikes", Area.COMPANY, found=odd)
    if described and name_key(described) != name_key(facts.company):
        yield _look("renamed", Area.COMPANY, found=described, expected=facts.company)
    if facts.same:
        yield _look("same_name", Area.COMPANY, facts.same)
    if facts.similar:
        yield _look("similar_name", Area.COMPANY, facts.similar)
    if not facts.same and not facts.similar:
        yield _fine("own_name", Area.COMPANY)


def contact(facts: Facts) -> Iterable[Hint]:
    """Whether the contact's address is the company's."""
    address = str(facts.answers.get("contact_email") or "").casefold()
    whole = address.rpartition("@")[2]
    if not whole:
        return
    domain, own = company_domain(address), facts.own_domains
    if not domain:
        yield _look("free_mail", Area.COMPANY, found=whole)
    elif is_within(domain, own):
        yield _fine("own_domain", Area.COMPANY, found=domain)
    elif alike := [one for one in own if domain_sketch(one) == domain_sketch(domain)]:
        yield _look("lookalike_domain", Area.COMPANY, found=domain, expected=alike[0])
    elif own:
        yield _look("other_domain", Area.COMPANY, found=domain, expected=", ".join(own))
    else:
        yield _look("no_domain", Area.COMPANY, found=domain)
    if facts.at_domain:
        yield _look("domain_elsewhere", Area.COMPANY, facts.at_domain, found=domain)


def data(facts: Facts) -> Iterable[Hint]:
    """Whether the data that is asked for fits what it is said to be for."""
    concept = " ".join(str(facts.answers.get("concept") or "").split())
    if len(concept) < SHORT_CONCEPT:
        yield _look("short_concept", Area.CONCEPT, count=len(concept))
    chosen = chosen_items(facts.answers)
    purposes = {id_: " ".join(str(facts.answers.get(purpose_of(id_)) or "").split()) for id_ in chosen}
    by_text: dict[str, list[str]] = {}
    for id_, text in purposes.items():
        by_text.setdefault(text.casefold().strip(" ."), []).append(id_)
    groups = {
        "no_purpose": by_text.pop("", []),
        "short_purpose": [id_ for id_, text in purposes.items() if 0 < len(text) < SHORT_PURPOSE],
        "repeated_purpose": [id_ for ids in by_text.values() if len(ids) > 1 for id_ in ids],
    }
    yield from (_look(code, Area.PURPOSES, labels="|".join(ids)) for code, ids in groups.items() if ids)
    if chosen and not any(groups.values()):
        yield _fine("purposes_given", Area.PURPOSES)
    programme = facts.answers.get("programme")
    offered = sum(programme in item.programmes for category in catalogue() for item in category.items)
    asked_for = sum(map(len, chosen.values()))
    if offered and asked_for == offered:
        yield _look("all_data", Area.DATA, count=asked_for)


def usage(facts: Facts) -> Iterable[Hint]:
    """Whether it is much: against the limits, and against what others ask for."""
    month = facts.answers.get("requests_per_month")
    if isinstance(month, int) and (rates := Rates(month, facts.limits)).over_per_day:
        yield _look("over_limit", Area.USAGE, number=rates.per_day, limit=facts.limits.per_day)
    for measure, label in MEASURES.items():
        value, others = facts.answers.get(measure), facts.usage.get(measure)
        if not isinstance(value, int | float) or others is None or others.count < ENOUGH_OTHERS:
            continue
        below = others.below(value)
        if below > UNUSUAL:
            yield _look("unusual", Area.USAGE, number=value, label=label, percent=min(below, 99))
        else:
            yield _fine("usual", Area.USAGE, number=value, label=label, percent=below)


def login(facts: Facts) -> Iterable[Hint]:
    """Whether the partner login that the company names can be its own."""
    mzp = str(facts.answers.get("mzp") or "")
    if not mzp:
        return
    others = [one for one in facts.logins if not one.is_own]
    held = [one.organisation for one in others if one.is_confirmed and not one.is_retired]
    claimed = [one.organisation for one in others if not one.is_confirmed and not one.is_retired]
    own = [one for one in facts.logins if one.is_own]
    if held:
        yield _look("login_of_other", Area.COMPANY, held, found=mzp)
    if claimed:
        yield _look("login_claimed", Area.COMPANY, claimed, found=mzp)
    if any(one.is_retired and (one.is_own or one.is_confirmed) for one in facts.logins):
        yield _look("login_retired", Area.COMPANY, found=mzp)
    if EXAMPLES.fullmatch(mzp):
        yield _look("login_example", Area.COMPANY, found=mzp)
    if any(one.is_confirmed and not one.is_retired for one in own):
        yield _fine("login_own", Area.COMPANY, found=mzp)
    elif not facts.logins:
        yield _fine("login_new", Area.COMPANY, found=mzp)


RULES: Sequence[Callable[[Facts], Iterable[Hint]]] = (other_applications, names, contact, login, usage, data)


def hints(facts: Facts) -> list[Hint]:
    """Return what stands out, first; then what was looked at and is fine."""
    found = [hint for rule in RULES for hint in rule(facts)]
    return sorted(found, key=lambda hint: not hint.is_worth_a_look)
