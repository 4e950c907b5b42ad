"""What partners attest: the texts with their versions. An attestation names the version that was read.

A text that changes gets a new version, and the one before stays here, so that old submissions can still be read; drafts
have to attest the new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Statement:
    """One text to attest.

    name: the question's. title and text: what is read. refusal: said to whoever leaves it open.
    """

    name: str
    version: str
    label: str | Promise
    title: str | Promise
    text: str | Promise
    refusal: str | Promise


STATEMENTS: tuple[Statement, ...] = (
    Statement(
        "exve",
        "2026-11",
        _("ExVe"),
        _("It follows the Extended Vehicle (ExVe) principles"),
        _(
            "Vehicle data is read through the car maker's interface only (ISO 20077, 20078), "
            "never from the vehicle by other means."
        ),
        _("Confirm the ExVe principles, or describe your application's case to us before you go on."),
    ),
    Statement(
        "gdpr",
        "2026-11",
        _("GDPR"),
        _("It complies with the GDPR"),
        _(
            "There is a legal basis for every kind of data asked for; "
            "drivers are informed, and can withdraw and be erased."
        ),
        _("Confirm GDPR compliance. Personal data cannot be handed out without it."),
    ),
    Statement(
        "maker_rules",
        "2026-11",
        _("Car maker's rules"),
        _("It follows the car maker's rules for partners"),
        _(
            "Credentials stay with your company, the rate limits are kept, "
            "and data is used for the concept described here."
        ),
        _("Confirm the car maker's rules. Applications that break them are suspended."),
    ),
)
"""All versions of all texts; of each, the last one counts."""

CURRENT: Mapping[str, Statement] = {one.name: one for one in STATEMENTS}


def attestation(name: str, user_id: UUID | None) -> dict[str, str]:
    """Return what is kept of an attestation of the present text: its version, by whom, and when (ISO 8601)."""
    return {"version": CURRENT[name].version, "by": str(user_id or ""), "at": timezone.now().isoformat()}


def stands(name: str, answer: Any) -> bool:
    """Whether an answer attests the present text."""
    return isinstance(answer, dict) and answer.get("version") == CURRENT[name].version


def read(name: str, version: str) -> Statement | None:
    """Return the text as it was in that version, if it is known."""
    return next((one for one in STATEMENTS if (one.name, one.version) == (name, version)), None)
