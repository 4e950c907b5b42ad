"""What a check of the audit finds, in words."""

from collections.abc import Callable, Mapping

from onboarding.findings import Explanation, Finding, Message, Severity, explain, gettext_noop

CODES: Mapping[str, Message] = {
    "edited": Message(
        gettext_noop("Entry {first} was edited: its content is not what was recorded."),
        gettext_noop("Compare it with a backup from before."),
    ),
    "unproven": Message(
        gettext_noop("Entry {first} cannot be judged, since the hash of the one before it was changed."),
        gettext_noop("Compare it with a backup from before."),
    ),
    "forged": Message(
        gettext_noop("Entry {first}, the last one, was edited or put in: it is not what the portal wrote."),
        gettext_noop("Compare it with a backup from before."),
    ),
    "inserted": Message(
        gettext_noop("Entry {first} was put in: the portal has not written it."),
        gettext_noop("Find out who wrote to the database."),
    ),
    "deleted": Message(
        gettext_noop("Entries were deleted: {first} to {last}."),
        gettext_noop("They are in a backup from before."),
    ),
    "reordered": Message(
        gettext_noop("Entries {first} to {last} were put into another order."),
        gettext_noop("Compare them with a backup from before."),
    ),
    "altered": Message(
        gettext_noop("Entries {first} to {last} do not follow from those before: edited, put in, or moved."),
        gettext_noop("Compare them with a backup from before."),
    ),
    "cut_off": Message(
        gettext_noop("The end was cut off: entries {first} to {last} are missing."),
        gettext_noop("They are in a backup from before."),
    ),
    "head_differs": Message(
        gettext_noop("The chain's head was changed: it does not name its last entry, {last}."),
        gettext_noop("Find out who wrote to the database."),
    ),
    "rewritten": Message(
        gettext_noop("Entry {first} is not the one that was signed for, though it fits those before it."),
        gettext_noop(
            "The end was cut off, and the portal went on from there; or the chain was written anew with the audit key. "
            "Compare with a backup from before."
        ),
    ),
    "swapped": Message(
        gettext_noop("The entries are those of another chain, {found}."),
        gettext_noop("Two chains or their companies changed places in the database."),
    ),
    "chain_removed": Message(
        gettext_noop("The whole chain is gone: {last} entries."),
        gettext_noop("It is in a backup from before."),
    ),
    "orphans": Message(
        gettext_noop("There are {last} entries whose chain is gone."),
        gettext_noop("It is in a backup from before."),
    ),
    "unguarded": Message(
        gettext_noop("The database does not refuse changes of the audit: triggers are missing: {found}."),
        gettext_noop("Run manage.py migrate: it makes them again. Find out who took them away."),
    ),
    "checkpoint_lost": Message(
        gettext_noop("Checkpoint {last} was exported, and the database knows none later than {first}."),
        gettext_noop("The database was set back, or checkpoints were deleted from it."),
    ),
    "checkpoint_changed": Message(
        gettext_noop("Checkpoint {first}, as the database keeps it, was changed."),
        gettext_noop("Verify with the exported file."),
    ),
}

ONE: Mapping[str, Message] = {
    "deleted": Message(gettext_noop("Entry {first} was deleted."), gettext_noop("It is in a backup from before.")),
    "cut_off": Message(
        gettext_noop("The end was cut off: entry {first} is missing."), gettext_noop("It is in a backup from before.")
    ),
    "altered": Message(
        gettext_noop("Entry {first} does not follow from those before: edited, put in, or moved."),
        gettext_noop("Compare it with a backup from before."),
    ),
}
"""The same, of a single entry."""


def in_words(one: Finding, translate: Callable[[str], str] = str) -> Explanation:
    """Put a finding into words."""
    return explain(one, {**CODES, **ONE} if one.params["first"] == one.params["last"] else CODES, translate)


def finding(
    code: str, *, chain: str = "", organisation: str = "", first: int = 0, last: int | None = None, found: str = ""
) -> Finding:
    """Return a finding about entries `first` to `last` of a chain."""
    params: dict[str, str | int] = {
        "chain": chain,
        "organisation": organisation,
        "first": first,
        "last": first if last is None else last,
    }
    params["last"] = first if last is None else last
    return Finding(code, Severity.ERROR, "audit", found=found, params=params)
