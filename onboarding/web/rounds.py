"""Each submission of an application with what became of it: decision, reasons, comments, what changed to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from django.utils.translation import gettext as _

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.partners.models import User
from onboarding.registrations.description import BY_NAME
from onboarding.registrations.models import Registration, Submission
from onboarding.web.describing import People, attesting, describe_answers, describe_changes
from onboarding.web.timeline import TONES, who

DECISIONS = (
    Event.REGISTRATION_CHANGES_REQUESTED,
    Event.REGISTRATION_APPROVED,
    Event.REGISTRATION_DECLINED,
    Event.REGISTRATION_REOPENED,
    Event.REGISTRATION_WITHDRAWN,
    Event.REGISTRATION_SUSPENDED,
    Event.REGISTRATION_REINSTATED,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on a submission, by whom as the reader may know them."""

    what: str
    tone: str
    who: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """One submission and what became of it.

    reason: the typed one, of a decline or a suspension. note, comments: what the reviewers said; comments as rows of a
    summary list.
    changes: what the next submission says otherwise. sections: what was submitted, as summary lists.
    """

    submission: Submission
    by: str
    decisions: Sequence[Decision]
    reason: str
    note: str
    comments: Sequence[Mapping[str, Any]]
    next_receipt: str
    changes: Sequence[Mapping[str, Any]]
    sections: Sequence[Mapping[str, Any]]


def rounds(registration: Registration, *, reader: User, with_sections: bool = False) -> list[Round]:
    """Return all submissions, the latest first, in a number of queries that does not grow with them.

    with_sections: with what was submitted.
    """
    submissions = list(registration.submissions.all())
    for submission in submissions:
        submission.registration = registration
    decided = _decided(registration)
    people = People.read(
        [
            *(entry.actor_id for entries in decided.values() for entry in entries),
            *(one.submitted_by_id for one in submissions),
            *(id_ for one in submissions for id_ in attesting(one.answers)),
        ]
    )
    found = [
        _round(registration, one, later, decided.get(one.number, []), people, reader, with_sections=with_sections)
        for one, later in zip_longest(submissions, submissions[1:])
    ]
    return found[::-1]


def _decided(registration: Registration) -> Mapping[int, list[Entry]]:
    """Return what was decided after each submission, by its number; what happened before the first counts for none."""
    events = (Event.REGISTRATION_SUBMITTED, *DECISIONS)
    number, found = 0, dict[int, list[Entry]]()
    for entry in Entry.objects.filter(subject_id=registration.pk, event__in=events).order_by("position"):
        if entry.event == Event.REGISTRATION_SUBMITTED:
            number += 1
        elif number:
            found.setdefault(number, []).append(entry)
    return found


def _round(
    registration: Registration,
    submission: Submission,
    later: Submission | None,
    decided: Sequence[Entry],
    people: People,
    reader: User,
    *,
    with_sections: bool,
) -> Round:
    said: Submission | Registration = later or registration  # each keeps what was asked for before it
    names = {
        entry.actor_id: people.names[str(entry.actor_id)] for entry in decided if str(entry.actor_id) in people.names
    }
    return Round(
        submission=submission,
        by=_("you") if submission.submitted_by_id == reader.pk else people.name(submission.submitted_by_id),
        decisions=[
            Decision(
                str(Event(entry.event).label),
                TONES.get(Event(entry.event), "neutral"),
                who(entry, names, reader),
                entry.occurred_at,
            )
            for entry in decided
        ],
        reason=str(registration.get_reason_display()) if later is None and registration.reason else "",
        note=said.note,
        comments=[
            {"key": _(str(BY_NAME[name].label)), "value": text}
            for name, text in said.comments.items()
            if name in BY_NAME
        ],
        next_receipt=later.receipt if later else "",
        changes=describe_changes(submission.answers, later.answers, people=people) if later else [],
        sections=describe_answers(registration.application, submission.answers, change=False, people=people)
        if with_sections and submission.answers
        else [],
    )
