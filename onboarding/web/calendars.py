"""Calendar files: dates to keep, for any calendar (RFC 5545)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
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


def calendar(days: Sequence[Day], *, now: datetime) -> bytes:
    """Return the days as a calendar file. now: when it is made."""
    made = Calendar()
    made.add("prodid", f"-//{settings.PORTAL_NAME}//EN")
    made.add("version", "2.0")
    for day in days:
        event = Event()
        event.add("uid", f"{day.id}@{urlsplit(settings.PUBLIC_URL).hostname}")
        event.add("dtstamp", now)
        event.add("dtstart", day.on)
        event.add("dtend", day.on + timedelta(days=1))
        event.add("summary", day.title)
        event.add("description", day.text)
        event.add("url", day.url)
        event.add("transp", "TRANSPARENT")
        if day.warn_days:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", day.title)
            alarm.add("trigger", timedelta(days=-day.warn_days))
            event.add_component(alarm)
        made.add_component(event)
    return bytes(made.to_ical())
