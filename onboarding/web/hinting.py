"""Hints in the reviewer's words, with where each comes from and a link to it."""

from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from onboarding.findings import explain
from onboarding.registrations.description import STEPS, Answers
from onboarding.registrations.hint_facts import gather
from onboarding.registrations.hints import CODES, Hint, Link, LinkTo, hints
from onboarding.registrations.models import Application
from onboarding.registrations.states import State
from onboarding.web.describing import CATEGORY_LABELS, grouped

STEP_TITLES = dict(STEPS)


def hints_in_words(application: Application, answers: Answers) -> dict[str, list[dict[str, Any]]]:
    """Return what stands out of a request (`look`), and what was looked at besides (`fine`), for `parts/hints.html`."""
    found = hints(gather(application, answers))
    return {
        "look": [_in_words(hint) for hint in found if hint.is_worth_a_look],
        "fine": [_in_words(hint) for hint in found if not hint.is_worth_a_look],
    }


def _in_words(hint: Hint) -> dict[str, Any]:
    words = explain(replace(hint.finding, params=_shown(hint)), CODES, _)
    step = hint.finding.field
    return {
        "code": hint.finding.code,
        "title": words.title,
        "remedy": words.remedy,
        "source": _(str(STEP_TITLES[step])),
        "anchor": f"#step-{step}",
        "links": [_link(link) for link in hint.links],
    }


def _shown(hint: Hint) -> dict[str, Any]:
    """Return a finding's parameters as they are shown: digits grouped, categories by their names."""
    shown: dict[str, Any] = {
        name: value if isinstance(value, str) else grouped(value) for name, value in hint.finding.params.items()
    }
    if "labels" in shown:
        shown["labels"] = ", ".join(_(CATEGORY_LABELS[id_]) for id_ in shown["labels"].split("|"))
    return shown


def _link(link: Link) -> dict[str, Any]:
    shown = {**asdict(link), "state": State(link.state).label if link.state else "", "href": ""}
    if link.to == LinkTo.ORGANISATION:
        shown["href"] = f"{reverse('desk')}?{urlencode({'organisation': link.id})}"
    elif link.id:
        shown["href"] = reverse("desk_registration", args=[link.id])
    return shown
