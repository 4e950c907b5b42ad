"""The description of an application: which answers there are, and which are missing.

One table serves the wizard's steps, the check before submitting, and the pages that show a description.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from onboarding.programmes import Profile, data_items

TERMS_VERSION = "2026-11"
"""Version of the compliance statements below; kept with each answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """One answer of the description.

    step: the page it is asked on. required: whether a description without it can be submitted.
    """

    name: str
    step: str
    label: str | Promise
    required: bool = True


QUESTIONS: tuple[Question, ...] = (
    Question("name", "concept", _("Name")),
    Question("concept", "concept", _("Concept")),
    Question("company", "company", _("Company")),
    Question("contact_name", "company", _("Contact")),
    Question("contact_email", "company", _("Contact's e-mail")),
    Question("mzp", "company", _("Partner login (MZP)"), required=False),
    Question("brands", "usage", _("Brands")),
    Question("requests_per_month", "usage", _("Requests per month")),
    Question("data_items", "data", _("Vehicle data")),
    Question("exve", "compliance", _("ExVe")),
    Question("gdpr", "compliance", _("GDPR")),
    Question("maker_rules", "compliance", _("Car maker's rules")),
)

STEPS: tuple[tuple[str, str | Promise], ...] = (
    ("concept", _("Name and concept")),
    ("company", _("Company and contact")),
    ("usage", _("Brands and usage")),
    ("data", _("Vehicle data")),
    ("compliance", _("Compliance")),
)


def missing(answers: Mapping[str, Any], step: str | None = None) -> list[Question]:
    """Return the required questions without an answer, of one step or of all."""
    return [
        question
        for question in QUESTIONS
        if question.required and not answers.get(question.name) and step in (None, question.step)
    ]


def chosen_data(answers: Mapping[str, Any], profile: Profile) -> dict[str, list[str]]:
    """Return the labels of the data asked for, by category id, in the catalogue's order.

    Items that the programme does not offer are left out.
    """
    chosen = set(answers.get("data_items", ()))
    result: dict[str, list[str]] = {}
    for item in data_items().values():
        if item.id in chosen and profile.id in item.programmes:
            result.setdefault(item.category, []).append(item.label)
    return result
