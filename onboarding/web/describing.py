"""A description in the reader's words: its answers, what they add up to, and what two people made of one of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django_countries import countries

from onboarding.credentials.environments import shown as environment_shown
from onboarding.partners.models import User
from onboarding.programmes import brands, catalogue, data_items, profile
from onboarding.registrations import statements
from onboarding.registrations.description import BY_NAME, STEPS, Answers, asked, chosen_items, purpose_of, scopes_of
from onboarding.registrations.drafts import Conflict, ItemMerge
from onboarding.registrations.models import Application
from onboarding.registrations.reopening import open_steps
from onboarding.registrations.revisions import changes
from onboarding.registrations.usage import Rates, seconds_for_all

CATEGORY_LABELS: Mapping[str, str] = {category.id: category.label for category in catalogue()}
_BY_PURPOSE: Mapping[str, str] = {purpose_of(id_): id_ for id_ in CATEGORY_LABELS}


@dataclass(slots=True)
class People:
    """Names of people by id, read at once."""

    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, ids: Iterable[Any]) -> "People":
        """Read the names of these people."""
        wanted = {str(id_) for id_ in ids if id_}
        return cls({str(user.pk): str(user) for user in User.objects.filter(pk__in=wanted)} if wanted else {})

    def name(self, id_: UUID | str | None) -> str:
        """Return a person's name, or that they have left."""
        return self.names.get(str(id_), _("somebody who has left"))


def describe_answers(
    application: Application,
    answers: Answers,
    *,
    change: bool,
    comments: Mapping[str, str] | None = None,
    people: People | None = None,
) -> list[dict[str, Any]]:
    """Return the description as summary lists, one per step; with links to change them if `change`.

    comments: what reviewers ask, by question name. people: who is named in it, if they were read already.

    Each row has the question's `name`, and `missing` where an answer is required and not there.
    """
    people = people or People.read(attesting(answers))
    opened = open_steps(application.registration) if change else frozenset[str]()
    sections = []
    for step, label in STEPS:
        href = reverse("describe", args=[application.pk, step]) if step in opened else ""
        rows = [
            {
                "name": question.name,
                "key": _(str(question.label)),
                **shown(question.name, answers.get(question.name), answers, people),
                "comment": comment_in_words((comments or {}).get(question.name, "")),
                "href": href,
                "change": _(str(question.label)).lower(),
                "missing": question.required and not question.is_given(answers),
            }
            for question in asked(answers, step)
        ]
        if rows:
            sections.append({"step": step, "title": str(label), "rows": rows})
    return sections


def attesting(answers: Answers) -> list[str]:
    """Return the ids of those who attested something in a description."""
    return [answer["by"] for answer in answers.values() if isinstance(answer, dict) and answer.get("by")]


def comment_in_words(text: str) -> str:
    """Return a reviewer's comment as it stands beside an answer; nothing if there is none."""
    return _("%(operator)s asks: %(text)s") % {"operator": settings.OPERATOR_NAME, "text": text} if text else ""


def describe_conflicts(conflicts: Iterable[Conflict], answers: Answers) -> list[dict[str, Any]]:
    """Return answers in two versions, to be shown side by side, for `describe_step.html`."""
    conflicts = list(conflicts)
    people = People.read(conflict.by for conflict in conflicts)
    return [
        {
            "name": conflict.name,
            "label": _(str(BY_NAME[conflict.name].label)),
            "sides": [
                (side, shown(conflict.name, answer, {**answers, conflict.name: answer}, people))
                for side, answer in (("theirs", conflict.theirs), ("mine", conflict.mine))
            ],
            "by": people.name(conflict.by),
            "at": conflict.at,
        }
        for conflict in conflicts
    ]


MOST_NAMED = 6
"""Items that are named one by one; of more, how many there are besides."""


def merged_in_words(merged: Iterable[ItemMerge], answers: Answers) -> list[str]:
    """Say of each choice that two people changed who added and took away what."""
    merged = list(merged)
    people = People.read(one.by for one in merged)
    return [" ".join(_merged(one, answers, people.name(one.by))) for one in merged]


def _merged(one: ItemMerge, answers: Answers, name: str) -> Iterable[str]:
    yield _("%(label)s: %(name)s saved another choice meanwhile; the two were put together.") % {
        "label": _(str(BY_NAME[one.name].label)),
        "name": name,
    }
    for items, words in (
        (one.their_added, _("Added by %(name)s: %(items)s.")),
        (one.their_removed, _("Taken out by %(name)s: %(items)s.")),
        (one.added, _("Added by you: %(items)s.")),
        (one.removed, _("Taken out by you: %(items)s.")),
    ):
        if items:
            yield words % {"name": name, "items": _items_named(one.name, items, answers)}


def _items_named(name: str, items: Sequence[Any], answers: Answers) -> str:
    label: Callable[[Any], str] = {
        "brands": lambda id_: brands()[id_].name if id_ in brands() else id_,
        "data": lambda id_: _(data_items()[id_].label) if id_ in data_items() else id_,
        "environments": lambda id_: _(environment_shown(profile(answers["programme"]), id_).label),
    }[BY_NAME[name].shown]
    named, more = [label(id_) for id_ in items[:MOST_NAMED]], len(items) - MOST_NAMED
    text = ", ".join(named)
    if more <= 0:
        return text
    return ngettext("%(items)s and %(more)s more", "%(items)s and %(more)s more", more) % {
        "items": text,
        "more": grouped(more),
    }


def describe_changes(before: Answers, after: Answers, *, people: People | None = None) -> list[dict[str, Any]]:
    """Return what two descriptions say differently, each before and after, for `parts/changes.html`.

    Of a long list only the lines are shown that differ. people: as in `describe_answers`.
    """
    found = changes(before, after)
    people = people or People.read([*attesting(before), *attesting(after)] if found else [])
    return [
        {
            "name": change.question.name,
            "label": _(str(change.question.label)),
            "sides": _sides(
                _lines(change.question.name, change.before, before, people),
                _lines(change.question.name, change.after, after, people),
            ),
        }
        for change in found
    ]


def _lines(name: str, answer: Any, answers: Answers, people: People) -> list[str]:
    row = shown(name, answer, answers, people)
    lines = [str(value) for value in row.get("values") or [row.get("value")] if value]
    return [*lines, row["note"]] if BY_NAME[name].shown == "statement" and row.get("note") else lines


def _sides(before: list[str], after: list[str]) -> list[tuple[str, list[str]]]:
    return [
        (_("Before"), [line for line in before if line not in after]),
        (_("Now"), [line for line in after if line not in before]),
    ]


def labels_of(names: Iterable[str]) -> str:
    """Return what these questions are called, in one line."""
    return ", ".join(_(str(BY_NAME[name].label)) for name in names)


def shown(name: str, answer: Any, answers: Answers, people: People) -> dict[str, Any]:
    """Return one answer as a row of `summary_list.html`: `value` or `values`; perhaps `note`, `warnings`, `mono`."""
    return SHOWN[BY_NAME[name].shown](name, answer, answers, people)


def _text(_name: str, answer: Any, _answers: Answers, _people: People) -> dict[str, Any]:
    return {"value": answer or ""}


def _programme(_name: str, answer: Any, _answers: Answers, _people: People) -> dict[str, Any]:
    return {"value": _(profile(answer).name), "note": _(profile(answer).audience)} if answer else {"value": ""}


def _country(_name: str, answer: Any, _answers: Answers, _people: People) -> dict[str, Any]:
    return {"value": str(countries.name(answer)) if answer else ""}


def _mzp(_name: str, answer: Any, _answers: Answers, _people: People) -> dict[str, Any]:
    return {"value": answer or _("None yet"), "mono": bool(answer)}


def _brands(_name: str, answer: Any, _answers: Answers, _people: People) -> dict[str, Any]:
    return {"value": ", ".join(brands()[brand].name for brand in answer or () if brand in brands())}


def _basis(_name: str, answer: Any, _answers: Answers, _people: People) -> dict[str, Any]:
    words = {"direct": _("Given directly"), "vehicles": _("Worked out from the vehicles")}
    return {"value": words.get(answer, words["direct"])}


def _number(_name: str, answer: Any, _answers: Answers, _people: People) -> dict[str, Any]:
    return {"value": grouped(answer) if answer else ""}


def _requests(_name: str, answer: Any, answers: Answers, _people: People) -> dict[str, Any]:
    if not answer:
        return {"value": ""}
    rates = Rates(answer, profile(answers["programme"]).rate_limits)
    note = _("%(day)s a day, %(second)s a second on average") % {
        "day": grouped(rates.per_day),
        "second": per_second(rates),
    }
    return {"value": grouped(answer), "note": note, "warnings": rate_warnings(rates)}


def _data(_name: str, answer: Any, answers: Answers, _people: People) -> dict[str, Any]:
    chosen = chosen_items({**answers, "data_items": answer})
    return {
        "values": [
            f"{_(CATEGORY_LABELS[id_])}: {', '.join(_(item.label) for item in items)}" for id_, items in chosen.items()
        ],
        "note": data_summary({**answers, "data_items": answer})["text"] if chosen else "",
    }


def _purpose(name: str, answer: Any, answers: Answers, _people: People) -> dict[str, Any]:
    items = chosen_items(answers).get(_BY_PURPOSE[name], ())
    return {"value": answer or "", "note": ", ".join(_(item.label) for item in items)}


def _statement(name: str, answer: Any, _answers: Answers, people: People) -> dict[str, Any]:
    if not isinstance(answer, dict):
        return {"value": ""}
    at = parse_datetime(answer["at"])
    note = _("By %(name)s, %(when)s; version %(version)s of the text") % {
        "name": people.name(answer["by"]),
        "when": date_format(localtime(at), pgettext("date format", "j M Y, H:i")) if at else "",
        "version": answer["version"],
    }
    if not statements.stands(name, answer):
        return {"value": "", "note": _("The text has changed since. Attested before: %(note)s") % {"note": note}}
    return {"value": _("Attested"), "note": note}


def _environments(_name: str, answer: Any, answers: Answers, _people: People) -> dict[str, Any]:
    one = profile(answers["programme"])
    return {"value": ", ".join(_(environment_shown(one, id_).label) for id_ in answer or ())}


def _address(_name: str, answer: Any, _answers: Answers, _people: People) -> dict[str, Any]:
    return {"value": answer or "", "mono": bool(answer)}


SHOWN: Mapping[str, Callable[[str, Any, Answers, People], dict[str, Any]]] = {
    "text": _text,
    "programme": _programme,
    "country": _country,
    "mzp": _mzp,
    "brands": _brands,
    "basis": _basis,
    "number": _number,
    "requests": _requests,
    "data": _data,
    "purpose": _purpose,
    "statement": _statement,
    "environments": _environments,
    "address": _address,
}
"""How answers are put into words, by `Question.shown`."""


def grouped(number: float) -> str:
    """Return a number as the reader's language groups it; with decimals only where it has some."""
    decimals = None if number == int(number) else 2
    return number_format(int(number) if decimals is None else number, decimals, force_grouping=True)


def per_second(rates: Rates) -> str:
    """Return requests a second, with two decimals; of very few, only that they are."""
    number = round(rates.per_second, 2)
    least = _("less than %(number)s") % {"number": number_format(0.01, 2)}
    return number_format(number, 2, force_grouping=True) if number else least


def rate_warnings(rates: Rates) -> list[str]:
    """Say by how much the limits of the API would be exceeded."""
    warnings = []
    if rates.over_per_day:
        warnings.append(
            _(
                "%(day)s requests a day are %(over)s more than the %(limit)s that the API takes; what is over is "
                "answered with 429. Ask less often, or say in the concept why you need a larger plan."
            )
            % {
                "day": grouped(rates.per_day),
                "over": grouped(rates.over_per_day),
                "limit": grouped(rates.limits.per_day),
            }
        )
    if rates.is_over_per_second:
        warnings.append(
            _("%(second)s requests a second on average are more than the %(limit)s that the API takes in one.")
            % {"second": per_second(rates), "limit": grouped(rates.limits.per_second)}
        )
    return warnings


def rates_in_words(answers: Answers) -> dict[str, Any] | None:
    """Return what a number of requests comes to, for `parts/describe_usage.html`; None while there is no number."""
    if not answers.get("requests_per_month"):
        return None
    rates = Rates(answers["requests_per_month"], profile(answers["programme"]).rate_limits)
    limits, vehicles = rates.limits, answers.get("vehicles") or 0
    burst = ""
    if answers.get("usage_basis") == "vehicles" and vehicles > limits.per_second:
        seconds = seconds_for_all(vehicles, limits)
        burst = ngettext(
            "Do not ask for all %(vehicles)s vehicles at once: at %(limit)s a second that takes at least "
            "%(seconds)s second.",
            "Do not ask for all %(vehicles)s vehicles at once: at %(limit)s a second that takes at least "
            "%(seconds)s seconds.",
            seconds,
        ) % {"vehicles": grouped(vehicles), "limit": grouped(limits.per_second), "seconds": grouped(seconds)}
    return {
        "month": grouped(rates.per_month),
        "day": grouped(rates.per_day),
        "second": per_second(rates),
        "day_limit": grouped(limits.per_day),
        "second_limit": grouped(limits.per_second),
        "over_day": bool(rates.over_per_day),
        "over_second": rates.is_over_per_second,
        "warnings": rate_warnings(rates),
        "burst": burst,
    }


def data_summary(answers: Answers) -> dict[str, Any]:
    """Return how much data was chosen, in words, and the scopes it needs."""
    chosen = chosen_items(answers)
    count = sum(len(items) for items in chosen.values())
    scopes = scopes_of(item for items in chosen.values() for item in items)
    items = ngettext("%(n)s item", "%(n)s items", count) % {"n": count}
    text = ngettext("%(items)s in %(m)s category", "%(items)s in %(m)s categories", len(chosen)) % {
        "items": items,
        "m": len(chosen),
    }
    if scopes:
        text = _("%(text)s. Scopes: %(scopes)s") % {"text": text, "scopes": ", ".join(scopes)}
    return {"count": count, "items": items, "categories": len(chosen), "scopes": scopes, "text": text}
