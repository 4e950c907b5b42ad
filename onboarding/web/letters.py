"""The step between a decision and its mail: read it, change it, or send it as it is.

Whoever presses the verb alone decides at once. The button beside it shows the mail first: the same form is sent again,
with all that it held in hidden fields, and a word on what to do with the mail.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from onboarding.notifications.drafts import Which, Words
from onboarding.notifications.models import Mail
from onboarding.partners.actors import Actor
from onboarding.web.forms.letters import MARK, LetterForm
from onboarding.worklist.letters import carry_out, letters_of, rehearse


class Step(StrEnum):
    """What the button says that was pressed."""

    AT_ONCE = ""
    READ = "read"
    SEND = "send"
    BACK = "back"


def step(request: HttpRequest) -> Step:
    """Return what is to be done with the mail."""
    said = request.POST.get(MARK, "")
    return Step(said) if said in list(Step) else Step.AT_ONCE


@dataclass(frozen=True, slots=True)
class Reading:
    """The mails of a decision that are to be read first, or that were filled in wrongly. Nothing was decided."""

    forms: Sequence[LetterForm]
    status: int


def decide(request: HttpRequest, decision: Callable[[], Any], *, row: Any, actor: Actor) -> Reading | None:
    """Make a decision, or return its mails to be read first. Raises what the decision raises.

    decision: makes it, on rows that it loads itself.
    """
    asked, instead = step(request), dict[Which, Words]()
    if asked in (Step.READ, Step.SEND):
        letters = rehearse(decision)
        if asked is Step.READ:
            return Reading([LetterForm(letter=letter) for letter in letters], 200)
        # Whoever may be written to only since it was read gets the template's words.
        sent = [LetterForm(request.POST, letter=letter) for letter in letters if _was_shown(request.POST, letter.which)]
        if not all_valid(sent):
            return Reading(sent, 422)
        instead = instead_of(sent)
    carry_out(decision, instead, row=row, actor=actor)
    return None


def beside(data: QueryDict | None, mails: Iterable[Mail]) -> list[LetterForm]:
    """Return the forms of mails that are read, and changed, beside the fields of a decision.

    For decisions whose fields cannot be sent twice: secrets and files. data: what was sent, if anything was.
    """
    return [
        LetterForm(data if data is not None and _was_shown(data, letter.which) else None, letter=letter)
        for letter in letters_of(mails)
    ]


def all_valid(sent: Iterable[LetterForm]) -> bool:
    """Tell whether what was sent of these forms can go; each of them says what is wrong with it."""
    return not [form for form in sent if form.is_bound and not form.is_valid()]


def instead_of(sent: Iterable[LetterForm]) -> dict[Which, Words]:
    """Return what to say instead, of forms that are valid."""
    return {form.letter.which: words for form in sent if form.is_bound and (words := form.instead)}


def page(request: HttpRequest, reading: Reading, *, verb: Any, back: str, title: str, danger: bool) -> HttpResponse:
    """Return the page on which the mails are read. verb: the button's words. back: what the decision is about."""
    context = {
        "forms": reading.forms,
        "carried": carried(request.POST),
        "verb": verb,
        "back": back,
        "title": title,
        "danger": danger,
    }
    return render(request, "desk/letter.html", context, status=reading.status)


def carried(data: QueryDict) -> list[tuple[str, str]]:
    """Return what a form held besides the words of mails, to be sent again as it is."""
    return [
        (name, value)
        for name, values in data.lists()
        if name not in (MARK, "csrfmiddlewaretoken") and not name.startswith(f"{MARK}-")
        for value in values
    ]


def written(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the words of mails that were sent too late, to be copied from the page."""
    return [
        {"key": _("Text of the mail"), "value": value}
        for name, value in data.items()
        if name.startswith(f"{MARK}-") and name.endswith("-body") and value
    ]


def _was_shown(data: QueryDict, which: Which) -> bool:
    return f"{MARK}-{which[0]}-{which[1]}-body" in data
