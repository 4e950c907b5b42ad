"""How it is said whose turn it is."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import pgettext


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, since when, and the next thing to do.

    who: partner, operator, portal (it is at work) or nobody. is_setback: it ended otherwise than hoped for.
    by: the day by which it is to be decided. is_aside: the action is something to do meanwhile.
    by_day: whether of `since` only the day is known.
    """

    who: str
    title: str
    text: str
    since: datetime | None = None
    href: str = ""
    action: str = ""
    is_setback: bool = False
    by: date | None = None
    is_aside: bool = False
    by_day: bool = False

    @property
    def day(self) -> str:
        """The day by which it is to be decided, in words."""
        return day_in_words(self.by) if self.by else ""

    @property
    def short(self) -> str:
        """Whose turn it is, in two words, where the rest is said elsewhere."""
        if self.is_setback:
            return self.title
        return {
            "partner": _("Your turn"),
            "operator": _("Waiting for %(operator)s") % {"operator": settings.OPERATOR_NAME},
            "portal": _("At work"),
        }.get(self.who, self.title)

    @property
    def tone(self) -> str:
        """How it is shown."""
        if self.is_setback:
            return "danger"
        return {"partner": "turn", "operator": "waiting", "portal": "waiting"}.get(self.who, "success")


def day_in_words(day: date) -> str:
    """Return a day of these weeks, such as "3 Dec"."""
    return format_date(day, pgettext("date format", "j M"))


def end_in_words(moment: datetime | None) -> str:
    """Return the day on which something ends, in any year, such as "3 Dec 2027"; empty if it has no end."""
    return format_date(timezone.localtime(moment), pgettext("date format", "j M Y")) if moment else ""


def status(kind: str) -> dict[str, str]:
    """Return the status of a task: "done", "turn", "waiting" or "later"."""
    return {
        "done": {"label": _("Done"), "tone": "success"},
        "turn": {"label": _("Your turn"), "tone": "turn"},
        "waiting": {"label": _("Waiting for %(operator)s") % {"operator": settings.OPERATOR_NAME}, "tone": "waiting"},
        "later": {"label": _("Not yet"), "tone": "neutral"},
    }[kind]
