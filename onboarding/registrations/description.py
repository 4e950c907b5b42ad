"""The description of an application: which answers there are, and which are missing.

One table serves the wizard's steps, the check before submitting, and the pages that show a description. The names of
its questions are the keys of a draft's and a submission's answers, and stay what they are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from types import MappingProxyType
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from onboarding.programmes import PROGRAMMES, DataItem, catalogue, data_items
from onboarding.registrations import statements

Answers = Mapping[str, Any]

DAYS_PER_MONTH = 30
"""What a month counts for, where requests per month and per day are worked out from one another."""


@dataclass(frozen=True, slots=True)
class Question:
    """One answer of the description.

    step: the page it is asked on. required: whether a description without it can be submitted.
    shown: how an answer is put into words; a key of `onboarding.web.describing.SHOWN`.
    programmes: which ask it. when: whether it is asked, given the other answers.
    """

    name: str
    step: str
    label: str | Promise
    required: bool = True
    shown: str = "text"
    programmes: tuple[str, ...] = PROGRAMMES
    when: Callable[[Answers], bool] = lambda _answers: True

    def is_asked(self, answers: Answers) -> bool:
        """Whether it is asked, of this programme and with these other answers."""
        return answers.get("programme") in self.programmes and self.when(answers)

    def is_given(self, answers: Answers) -> bool:
        """Whether it has an answer that counts; an attestation of an earlier text does not."""
        answer = answers.get(self.name)
        return statements.stands(self.name, answer) if self.shown == "statement" else not is_blank(answer)


def by_vehicles(answers: Answers) -> bool:
    """Whether the requests are to be worked out from the vehicles."""
    return answers.get("usage_basis") == "vehicles"


def _asks_for(category: str) -> Callable[[Answers], bool]:
    return lambda answers: category in chosen_items(answers)


def purpose_of(category: str) -> str:
    """Return the name of the question for what a category's data is needed."""
    return f"purpose_{category}"


QUESTIONS: tuple[Question, ...] = (
    Question("programme", "programme", _("Programme"), shown="programme"),
    Question("name", "concept", _("Name")),
    Question("concept", "concept", _("Concept")),
    Question("company", "company", _("Company")),
    Question("country", "company", _("Country"), shown="country"),
    Question("contact_name", "company", _("Contact")),
    Question("contact_email", "company", _("Contact's e-mail")),
    Question("mzp", "company", _("Partner login (MZP)"), required=False, shown="mzp"),
    Question("brands", "usage", _("Brands"), shown="brands"),
    Question("usage_basis", "usage", _("How the requests are counted"), required=False, shown="basis"),
    Question("vehicles", "usage", _("Vehicles"), shown="number", when=by_vehicles),
    Question("calls_per_day", "usage", _("Calls per vehicle and day"), shown="number", when=by_vehicles),
    Question("requests_per_month", "usage", _("Requests per month"), shown="requests"),
    Question("data_items", "data", _("Vehicle data"), shown="data"),
    *(
        Question(purpose_of(category.id), "purposes", category.label, shown="purpose", when=_asks_for(category.id))
        for category in catalogue()
    ),
    *(Question(one.name, "compliance", one.label, shown="statement") for one in statements.CURRENT.values()),
    Question("environments", "environments", _("Environments"), shown="environments"),
    Question(
        "callback_url", "environments", _("Callback address"), shown="address", programmes=("end_user",)
    ),
)  # fmt: skip
BY_NAME: Mapping[str, Question] = {question.name: question for question in QUESTIONS}

STEPS: tuple[tuple[str, str | Promise], ...] = (
    ("programme", _("Programme")),
    ("concept", _("Name and concept")),
    ("company", _("Company")),
    ("usage", _("Brands and usage")),
    ("data", _("Vehicle data")),
    ("purposes", _("Purposes")),
    ("compliance", _("Compliance")),
    ("environments", _("Environments")),
)


def asked(answers: Answers, step: str | None = None) -> list[Question]:
    """Return the questions that are asked with these answers, of one step or of all."""
    return [question for question in QUESTIONS if step in (None, question.step) and question.is_asked(answers)]


def missing(answers: Answers, step: str | None = None) -> list[Question]:
    """Return the required questions without an answer, of one step or of all.

    For what data is needed can be asked only once some was chosen: until then that step counts as unanswered, too.
    """
    found = [question for question in asked(answers, step) if question.required and not question.is_given(answers)]
    if step == "purposes" and not chosen_items(answers):
        found.append(BY_NAME["data_items"])
    return found


def applicable(answers: Answers) -> dict[str, Any]:
    """Return the answers to what is asked, and no others: what a submission holds."""
    result = {question.name: answers[question.name] for question in asked(answers) if question.name in answers}
    if "data_items" in result:
        result["data_items"] = [item.id for items in chosen_items(answers).values() for item in items]
    return result


def left_out(answers: Answers) -> list[Question]:
    """Return the questions that have an answer which does not count: another programme would ask them.

    They include the vehicle data, if some that was chosen is not offered.
    """
    return [
        question
        for question in QUESTIONS
        if not is_blank(answers.get(question.name))
        and (
            answers.get("programme") not in question.programmes
            or (question.name == "data_items" and any(True for _item in not_offered(answers)))
        )
    ]


def chosen_items(answers: Answers) -> Mapping[str, Sequence[DataItem]]:
    """Return the data asked for, by category id, in the catalogue's order; what the programme does not offer is left
    out.
    """
    return _chosen_items(answers.get("programme"), tuple(answers.get("data_items") or ()))


@lru_cache(maxsize=256)
def _chosen_items(programme: str | None, ids: tuple[str, ...]) -> Mapping[str, Sequence[DataItem]]:
    """The same, of a choice: each question about a purpose asks for it, and a list of drafts asks for each of them."""
    chosen = set(ids)
    result: dict[str, list[DataItem]] = {}
    for item in data_items().values():
        if item.id in chosen and programme in item.programmes:
            result.setdefault(item.category, []).append(item)
    return MappingProxyType(result)


def not_offered(answers: Answers) -> Iterable[DataItem]:
    """Yield the data that was chosen and that the programme does not offer."""
    chosen = set(answers.get("data_items") or ())
    return (
        item for item in data_items().values() if item.id in chosen and answers.get("programme") not in item.programmes
    )


def scopes_of(items: Iterable[DataItem]) -> list[str]:
    """Return the scopes that a driver consents to for these items, each once, in the catalogue's order."""
    return list(dict.fromkeys(scope for item in items for scope in item.scopes))


def settled(answers: Answers) -> dict[str, Any]:
    """Return the answers with what follows from others: the requests per month, if they are counted by vehicles."""
    result = dict(answers)
    if by_vehicles(result):
        vehicles, calls = result.get("vehicles"), result.get("calls_per_day")
        result["requests_per_month"] = ceil(round(vehicles * calls * DAYS_PER_MONTH, 6)) if vehicles and calls else None
    return result


def is_blank(answer: Any) -> bool:
    """Whether this is no answer."""
    return answer in (None, "", False) or answer == [] or answer == {}
