"""What a description says otherwise than the one that was submitted before it."""

from dataclasses import dataclass
from typing import Any

from onboarding.registrations.description import QUESTIONS, Answers, Question, applicable, is_blank


@dataclass(frozen=True, slots=True)
class Change:
    """An answer that is not what it was; None: not given, or not asked."""

    question: Question
    before: Any
    after: Any


def changes(before: Answers, after: Answers) -> list[Change]:
    """Return the answers that differ, in the order of the questions; the order within a list counts for nothing.

    Only what is asked is compared. Of a description that was erased nothing is said: then either is empty.
    """
    if not before or not after:
        return []
    old, new = applicable(before), applicable(after)
    return [
        Change(question, old.get(question.name), new.get(question.name))
        for question in QUESTIONS
        if _plain(old.get(question.name)) != _plain(new.get(question.name))
    ]


def _plain(answer: Any) -> Any:
    """Return an answer so that two that say the same are equal."""
    return None if is_blank(answer) else sorted(answer) if isinstance(answer, list) else answer
