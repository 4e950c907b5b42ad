"""Calendar files: dates to keep, for any calendar (RFC 5545)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from icalendar import Alarm, Calendar, Event


@dataclass(frozen=True, slots=True)
class Day:
    """A day to keep. id: the same whenever the file is made anew, so that calendars replace and do not double."""

    id: str
    on: date
    title: str
    text: str
    url: str
    warn_days: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant to keep, otherwise as a Day."""

    id: str
    at: datetime
    title: str
    text: str
    url: str
    warn_minutes: int = 0


def calendar(dates: Sequence[Day | Moment], *, now: datetime) -> bytes:
    """Return dates as a calendar file. now: when it is made."""
    made = Calendar()
    made.add("prodid", f"-//{settings.PORTAL_NAME}//EN")
    made.add("version", "2.0")
    for day in dates:
        event = Event()
        event.add("uid", f"{day.id}@{urlsplit(settings.PUBLIC_URL).hostname}")
        event.add("dtstamp", now)
        if isinstance(day, Day):
            event.add("dtstart", day.on)
            event.add("dtend", day.on + timedelta(days=1))
            before = timedelta(days=day.warn_days)
        else:
            event.add("dtstart", day.at.astimezone(UTC))
            before = timedelta(minutes=day.warn_minutes)
        event.add("summary", day.title)
        event.add("description", day.text)
        event.add("url", day.url)
        event.add("transp", "TRANSPARENT")
        if before:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", day.title)
            alarm.add("trigger", -before)
            event.add_component(alarm)
        made.add_component(event)
    return bytes(made.to_ical())
