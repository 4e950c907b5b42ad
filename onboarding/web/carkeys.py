"""The CarKey in words: what each status means, whose turn it is, how long there is time, and what two messages say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from onboarding.findings import Severity
from onboarding.mobile import errors, spellings
from onboarding.mobile.outcomes import Kind, Outcome
from onboarding.mobile.reading import Reading, read
from onboarding.mobile.sdk import CarKeyStatus
from onboarding.web import mobile

PERSON = gettext_noop("The person's, in the car")
APP = gettext_noop("Your app's")


@dataclass(frozen=True, slots=True)
class Told:
    """What a status means, whose turn it is, what to do; texts to translate. tone: of its tag."""

    means: str
    turn: str
    do: str
    tone: str


STATUSES: Mapping[CarKeyStatus, Told] = {
    CarKeyStatus.UNKNOWN: Told(
        gettext_noop("There is no CarKey for this vehicle yet."),
        PERSON,
        gettext_noop("Show the checklist, then activate."),
        "turn",
    ),
    CarKeyStatus.ACTIVE: Told(
        gettext_noop("The CarKey is activated, and kept in the account."),
        APP,
        gettext_noop("Stop here: do not activate again. Ask for the next step."),
        "success",
    ),
    CarKeyStatus.SUSPENDED: Told(
        gettext_noop("There is a CarKey, and it is paused. Until maxReactivationDate it can be taken up again."),
        PERSON,
        gettext_noop("Remind the person in good time. Activate again in the car before that date."),
        "warning",
    ),
    CarKeyStatus.DISABLED: Told(
        gettext_noop("The account has no CarKey for this vehicle any more."),
        PERSON,
        gettext_noop("Show the checklist, then activate from the beginning."),
        "danger",
    ),
}
"""In the order of the documents."""

ERRORS = (*(2000, 2006, 2101, 2102, 2201, 2202, 2203, 2204, 2205, 2301, 2302, 2341, 2342, 2354, 2355, 2356, 2366),)
"""What the calls about a CarKey can end with."""


def statuses() -> list[dict[str, str]]:
    """Return the table of the statuses in words."""
    return [
        {"status": str(status), "means": _(told.means), "turn": _(told.turn), "do": _(told.do), "tone": told.tone}
        for status, told in STATUSES.items()
    ]


def left(until: datetime | None, now: datetime) -> dict[str, Any] | None:
    """Return how long it is until a moment, for the partial `activation/countdown.html`; None where there is none."""
    if until is None:
        return None
    seconds = int((until - now).total_seconds())
    days, hours = divmod(abs(seconds) // 3600, 24)
    parts = [ngettext("%d day", "%d days", days) % days] if days else []
    if hours or not days:
        parts.append(ngettext("%d hour", "%d hours", hours) % hours if hours else _("less than an hour"))
    return {
        "until": until,
        "iso": until.isoformat(),
        "is_over": seconds <= 0,
        "is_near": 0 < seconds < 3 * 86400,
        "span": ", ".join(parts),
    }


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two messages. kind: what it should be; api: of which call it is the answer."""

    name: str
    kind: Kind
    call: str


SIDES = (
    Side("get", Kind.CARKEY, "get pims.vehicle.carkey"),
    Side("set", Kind.CARKEY_ACTIVATED, "set pims.vehicle.carkey"),
)


def heard(side: Side, text: str, now: datetime) -> dict[str, Any]:
    """Return what one of the two messages says, for the partial `activation/carkey_said.html`."""
    reading = read(text, now)
    outcome = reading.outcome
    error = errors.BY_NUMBER.get(outcome.code) if outcome else None
    fits = outcome is not None and outcome.kind == side.kind
    return {
        "call": side.call,
        "text": reading.text,
        "fits": fits,
        "kind": _(mobile.KINDS[reading.kind]) if reading.kind else "",
        "meaning": mobile.told(reading.meaning) if reading.meaning else None,
        "error": next(mobile.error_rows([error.number])) if error else None,
        "tone": _tone(outcome, now) if fits and outcome else "danger" if outcome is None or outcome.code else "warning",
        "rows": _rows(outcome, reading, now) if fits and outcome else [],
        "findings": [mobile.told(one) for one in reading.findings if one.severity != Severity.NOTE][:10],
    }


def _tone(outcome: Outcome, now: datetime) -> str:
    if outcome.kind == Kind.CARKEY_ACTIVATED:
        return "success" if outcome.flag else "danger"
    if outcome.carkey is None:
        return "success" if outcome.flag else "warning"
    late = outcome.until is not None and outcome.until <= now
    return "danger" if outcome.carkey == CarKeyStatus.SUSPENDED and late else STATUSES[outcome.carkey].tone


def _rows(outcome: Outcome, reading: Reading, now: datetime) -> list[dict[str, Any]]:
    said = {True: _("yes"), False: _("no"), None: "–"}[outcome.flag]
    if outcome.kind == Kind.CARKEY_ACTIVATED:
        shown = {field.name: field.shown for field in reading.fields}
        return [
            {"key": "hasCarKey", "value": said},
            {"key": "vin", "value": shown.get("vin", "–")},
            {"key": "securityCode", "value": _("masked, and stored nowhere") if "securityCode" in shown else "–"},
            {"key": "securityExpiration", "value": "", "left": left(outcome.until, now)},
        ]
    status = spellings.carkey_status(str(outcome.carkey)) if outcome.carkey else None
    return [
        {"key": "cvsStatus", "value": str(outcome.carkey or "–"), "note": _(STATUSES[status].means) if status else ""},
        {"key": "isCarKeyVerified", "value": said},
        {
            "key": "maxReactivationDate",
            "value": "",
            "left": left(outcome.until, now),
            "counts": status == CarKeyStatus.SUSPENDED,
        },
        {"key": _("Whose turn"), "value": _(STATUSES[status].turn) if status else "–", "is_word": True},
    ]
