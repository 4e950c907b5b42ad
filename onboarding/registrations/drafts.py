"""Two people at one draft: what each of them changed, told apart answer by answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from onboarding.registrations import statements
from onboarding.registrations.description import BY_NAME, Answers, is_blank
from onboarding.registrations.models import DraftEdit


@dataclass(frozen=True, slots=True)
class Conflict:
    """An answer that two people changed, each to something else, without having seen the other's.

    theirs: as saved; mine: as sent now. by, at: who saved theirs last (None: has left), and when.
    """

    name: str
    theirs: Any
    mine: Any
    by: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ItemMerge:
    """A choice of several that two people changed, put together item by item.

    items: what is chosen now. added, removed: by the one who sends it. their_added, their_removed: by who saved before.
    by, at: who that was last (None: has left), and when.
    """

    name: str
    items: tuple[Any, ...]
    added: tuple[Any, ...]
    removed: tuple[Any, ...]
    their_added: tuple[Any, ...]
    their_removed: tuple[Any, ...]
    by: UUID | None
    at: datetime


@dataclass(slots=True)
class Merge:
    """What becomes of answers that were written over an older version.

    changes: what to write. conflicts: what only a person can decide. theirs: answers, among those sent, that others
    have changed and this person has not, as they are now. together: choices of several that both have changed; they are
    among the changes.
    """

    changes: dict[str, Any] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    theirs: dict[str, Any] = field(default_factory=dict)
    together: list[ItemMerge] = field(default_factory=list)


def merge(mine: Answers, current: Answers, unseen: Iterable[DraftEdit], *, user_id: UUID | None) -> Merge:
    """Compare each answer sent with the one that the person was shown, and with the present one.

    mine: the answers sent; an attestation is True or False. unseen: the edits since the version that was shown, in
    order. user_id: who sends them, for attestations.
    """
    shown, last = dict(current), dict[str, DraftEdit]()
    for edit in sorted(unseen, key=lambda one: one.version, reverse=True):
        shown |= edit.before
        for name in edit.before:
            last.setdefault(name, edit)
    result = Merge()
    for name, sent in mine.items():
        before, now = shown.get(name), current.get(name)
        answer = _attested(name, sent, before, now, user_id) if BY_NAME[name].shown == "statement" else sent
        if is_same(answer, now):
            continue
        if is_same(before, now):
            result.changes[name] = answer
        elif is_same(answer, before):
            result.theirs[name] = now
        else:
            edit = last[name]
            if isinstance(answer, list) and isinstance(now, list):
                found = merge_items(name, before, now, answer, edit)
                if found.items:
                    result.changes[name] = list(found.items)
                    result.together.append(found)
                    continue
            result.conflicts.append(Conflict(name, now, answer, edit.edited_by_id, edit.edited_at))
    return result


def merge_items(name: str, before: Any, theirs: Sequence[Any], mine: Sequence[Any], edit: DraftEdit) -> ItemMerge:
    """Put two choices from the same list together: each item is as whoever changed it has left it.

    No item can be in dispute: it was there before or not, so two who both changed it did the same. That what is left is
    empty though neither wanted that, is for the caller to see. edit: the latest that made `theirs`.
    """
    was = before if isinstance(before, list) else []
    kept = [item for item in theirs if item in mine or item not in was]
    return ItemMerge(
        name=name,
        items=(*kept, *(item for item in mine if item not in was and item not in theirs)),
        added=tuple(item for item in mine if item not in was),
        removed=tuple(item for item in was if item not in mine),
        their_added=tuple(item for item in theirs if item not in was),
        their_removed=tuple(item for item in was if item not in theirs),
        by=edit.edited_by_id,
        at=edit.edited_at,
    )


def is_same(one: Any, other: Any) -> bool:
    """Whether two answers say the same: all ways of saying nothing do, and so do the same things in another order."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(item in other for item in one)
    return (is_blank(one) and is_blank(other)) or one == other


def differences(before: Answers, after: Answers) -> Mapping[str, Any]:
    """Return the answers that differ, as they were before; None: not given."""
    return {name: before.get(name) for name in after if not is_same(before.get(name), after[name])}


def _attested(name: str, sent: Any, before: Any, now: Any, user_id: UUID | None) -> Any:
    """Return the attestation that stands already, whoever gave it, before making a new one."""
    if not sent:
        return None
    return next((one for one in (before, now) if statements.stands(name, one)), None) or statements.attestation(
        name, user_id
    )
