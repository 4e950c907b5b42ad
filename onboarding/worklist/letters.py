"""Reading the mail of a decision before it goes, and giving it other words.

What a decision would send is found out by making it and undoing it: recipients, languages and words are then exactly
those of the decision itself, whatever it is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.notifications import drafts
from onboarding.notifications.drafts import Which, Words
from onboarding.notifications.kinds import KINDS, Category
from onboarding.notifications.mails import footer, words
from onboarding.notifications.models import Mail
from onboarding.notifications.wording import portal_links
from onboarding.partners.actors import Actor

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Letter:
    """What some people would get, in one language. to: their addresses. footer: what stands below the words."""

    kind: str
    language: str
    words: Words
    footer: str
    to: tuple[str, ...]

    @property
    def which(self) -> Which:
        """What tells it from the other letters of the decision."""
        return self.kind, self.language

    def rewritten(self, subject: str, body: str) -> Words | None:
        """Return the words that somebody has written instead, with the links that the mail needs; None if none."""
        written = Words(" ".join(subject.split()), _plain(body))
        if written == Words(self.words.subject, _plain(self.words.body)):
            return None
        lost = [line for url, line in portal_links(self.words.body) if url not in written.body]
        return Words(written.subject, "\n\n".join([written.body, *lost]))


class _Undo(Exception):
    """Nothing of what was tried stays."""


def rehearse(decision: Callable[[], object]) -> list[Letter]:
    """Return what a decision would send to partners, one letter for each language. Nothing is decided, nothing sent.

    decision: makes it, on rows that it loads itself; raises whatever keeps it from being made, and so does this.
    """
    try:
        with drafts.collecting() as made, transaction.atomic():
            decision()
            raise _Undo
    except _Undo:
        pass
    return letters_of(made)


def letters_of(mails: Iterable[Mail]) -> list[Letter]:
    """Return mails to partners as letters: one for all that have one kind and one language."""
    to: dict[Which, list[Mail]] = {}
    for mail in mails:
        if KINDS[mail.kind] is not Category.DESK:
            to.setdefault((mail.kind, mail.language), []).append(mail)
    return [
        Letter(kind, language, words(same[0]), footer(same[0]), tuple(sorted(mail.address for mail in same)))
        for (kind, language), same in sorted(to.items())
    ]


def carry_out(decision: Callable[[], Result], instead: Mapping[Which, Words], *, row: Any, actor: Actor) -> Result:
    """Make a decision, its mails in other words; that they were edited is recorded with it.

    row: what it is about: has `organisation` and `application_id`. instead: by kind and language.
    """
    if not instead:
        return decision()
    with transaction.atomic(), drafts.worded(instead), drafts.collecting() as made:
        result = decision()
        if edited := sorted({(mail.kind, mail.language) for mail in made if mail.body}):
            record(
                Event.MAIL_EDITED,
                row,
                actor=actor,
                organisation=row.organisation,
                application_id=row.application_id,
                data={"mails": [f"{kind}:{language}" for kind, language in edited]},
            )
    return result


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))
