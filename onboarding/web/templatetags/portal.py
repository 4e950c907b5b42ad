"""Template tags of the portal's components: state shapes, instants, the ladder's rows, the error summary's links."""

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BaseForm, BoundField
from django.forms.utils import flatatt
from django.template.defaulttags import CsrfTokenNode
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext, pgettext

from onboarding.audit.events import Event
from onboarding.web import auditing, kept_entries, once
from onboarding.web.devices import device
from onboarding.web.presenting import environment_name
from onboarding.web.runs import check_in_words
from onboarding.worklist.models import Stage

register = template.Library()
register.filter(environment_name)

# One shape per tone, drawn on a 16 × 16 field: the state can be told without its colour.
_SHAPES: Mapping[str, str] = {
    "neutral": '<circle cx="8" cy="8" r="4.75" stroke-dasharray="1.9 1.83"/>',
    "turn": '<path d="M5.5 3.75 11.75 8 5.5 12.25z" fill="currentColor" stroke-linejoin="round"/>',
    "waiting": '<circle cx="8" cy="8" r="5.5"/><path d="M8 4.9V8l2.1 1.4"/>',
    "success": '<path d="m3.25 8.5 3.1 3.1 6.4-7"/>',
    "warning": '<path d="M8 2.6 14 13H2zM8 6.6v3"/><path d="M8 11.35v.05"/>',
    "danger": '<path d="m4.25 4.25 7.5 7.5m0-7.5-7.5 7.5"/>',
    "info": '<circle cx="8" cy="8" r="6"/><path d="M8 7.4V11"/><path d="M8 5v.05"/>',
    "running": '<circle cx="8" cy="8" r="5.25" stroke-dasharray="3 2.5"/>',
    "chevron": '<path d="m6 4 4 4-4 4"/>',
    "copy": '<rect x="5.5" y="5.5" width="7.5" height="7.5" rx="1.5"/>'
    '<path d="M3.5 10.5H3a1 1 0 0 1-1-1V3.5A1.5 1.5 0 0 1 3.5 2H9a1 1 0 0 1 1 1v.5"/>',
}

_MESSAGE_TONES: Mapping[str, str] = {"error": "danger", "success": "success", "warning": "warning"}


@dataclass(frozen=True, slots=True)
class _Result:
    """How a check's result is shown: its word, the tone that colours it, and the shape."""

    label: str
    tone: str
    shape: str


_RESULTS: Mapping[str, _Result] = {
    "passed": _Result(gettext_noop("Passed"), "success", "success"),
    "warning": _Result(gettext_noop("Warning"), "warning", "warning"),
    "failed": _Result(gettext_noop("Failed"), "danger", "danger"),
    "running": _Result(gettext_noop("Running"), "turn", "running"),
    "not_reached": _Result(gettext_noop("Not reached"), "neutral", "neutral"),
}

# The narrowest bar that can still be seen, in per cent of the scale.
_MIN_BAR = 1.5


@register.simple_tag
def glyph(shape: str, size: int = 16) -> SafeString:
    """Draw a shape (a tone, "info", "running", "chevron" or "copy") as decoration; `size` in CSS pixels.

    Raises KeyError for a shape that does not exist.
    """
    return format_html(
        '<svg class="glyph glyph--{0}" width="{1}" height="{1}" viewBox="0 0 16 16" fill="none" '
        'stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" '
        'aria-hidden="true" focusable="false">{2}</svg>',
        shape,
        size,
        mark_safe(_SHAPES[shape]),  # noqa: S308 – a constant of this module
    )


@register.simple_tag(takes_context=True)
def csrf_token(context: template.Context) -> SafeString:
    """Put Django's token into a form, and for whom the page is made: what is typed can be handed back to them alone."""
    token = mark_safe(CsrfTokenNode().render(context))  # noqa: S308 – Django's own tag
    user = context.get("user")
    if user is None or not user.is_authenticated:
        return token
    return format_html(
        '{}<input type="hidden" name="{}" value="{}">', token, kept_entries.MARK, kept_entries.mark(user)
    )


@register.simple_tag(takes_context=True)
def new_id(context: template.Context) -> SafeString:
    """Put into a form the id of what its sending makes, so that a double click makes one."""
    return format_html('<input type="hidden" name="{}" value="{}">', once.NAME, once.mark(context["user"]))


@register.simple_tag
def options(optgroups: Iterable[tuple[str | None, Iterable[Mapping[str, Any]], int]]) -> SafeString:
    """Write the options of a select. There are hundreds of countries and time zones: a template takes a while for each.

    optgroups: as Django's widgets give them to templates; a group without a name is an option by itself.
    """
    return format_html_join("\n", "{}", ((_group(name, choices),) for name, choices, _index in optgroups))


def _group(name: str | None, choices: Iterable[Mapping[str, Any]]) -> SafeString:
    rows = ((one["value"], flatatt(one["attrs"]) if one["attrs"] else "", one["label"]) for one in choices)
    inner = format_html_join("\n", '<option value="{}"{}>{}</option>', rows)
    return format_html('<optgroup label="{}">\n{}\n</optgroup>', name, inner) if name else inner


@register.simple_tag
def entries_are_back() -> str:
    """Tell whether the page's forms are filled in with what was typed before a sign-in: "all", or, where there was
    nothing but files and secrets, "none"; empty where there is nothing to say.
    """
    offered = kept_entries.offered()
    return "" if offered is None else "all" if any(offered.values()) else "none"


@register.filter
def event_label(event: str) -> str:
    """Say what happened, of the audit's vocabulary; nothing for nothing."""
    return str(Event(event).label) if event else ""


@register.filter
def audit_finding(finding: Mapping[str, Any]) -> str:
    """Say what a verification of the audit found."""
    return auditing.finding_text(finding)


@register.filter
def stage_label(stage: str) -> str:
    """Say what staff are to do, of the worklist's stages."""
    return str(Stage(stage).label)


@register.filter
def json_text(value: Any) -> str:
    """Write a value as JSON, for an attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def lines(items: Iterable[str]) -> str:
    """Put each item on a line of its own."""
    return "\n".join(items)


@register.filter
def text_file(items: Iterable[str]) -> str:
    """Make an address that holds the items as a text file, for a link that saves it: nothing is fetched."""
    return f"data:text/plain;charset=utf-8,{quote(lines(items) + chr(10))}"


@register.filter
def device_name(user_agent: str) -> str:
    """Name browser and system out of a User-Agent header."""
    return device(user_agent)


@register.filter
def message_tone(level_tag: str) -> str:
    """Return the notice's tone for the level tag of a django.contrib.messages message."""
    return _MESSAGE_TONES.get(level_tag, "info")


@register.simple_tag
def when(instant: datetime | None, style: str = "auto") -> SafeString:
    """Show an instant in the reader's time zone, with the exact one as tooltip; nothing for None.

    style: "relative" ("3 days ago", "in 2 hours"), "moment" ("Tue 24 Nov, 14:05"), "date" ("24 Nov 2026"), "exact" (to
    the second, with zone), or "auto": relative within the last hour, else the moment.
    """
    if instant is None:
        return mark_safe("")
    now = timezone.now()
    local = timezone.localtime(instant)
    exact = f"{format_date(local, 'l j F Y, H:i:s')} ({_zone(local)})"
    if style == "relative" or (style == "auto" and timedelta() <= now - instant < timedelta(hours=1)):
        text = relative(instant, now)
    elif style == "date":
        text = format_date(local, pgettext("date format", "j M Y"))
    elif style == "exact":
        text = exact
    else:
        this_year = local.year == timezone.localtime(now).year
        format_ = pgettext("date format", "D j M, H:i") if this_year else pgettext("date format", "j M Y, H:i")
        text = format_date(local, format_)
    return format_html('<time datetime="{}" title="{}">{}</time>', instant.astimezone(UTC).isoformat(), exact, text)


@register.filter
def day(value: date | None) -> str:
    """Show a day of these weeks, such as "3 Dec"; one of another year with it."""
    if value is None:
        return ""
    this_year = value.year == timezone.localdate().year
    return format_date(value, pgettext("date format", "j M") if this_year else pgettext("date format", "j M Y"))


def _zone(local: datetime) -> str:
    """Name a local time's zone, with its offset: "CET, UTC+01:00"."""
    offset = format_date(local, "O")
    return f"{local.tzname()}, UTC{offset[:3]}:{offset[3:]}" if local.utcoffset() else "UTC"


def relative(instant: datetime, now: datetime) -> str:
    """Say how far an instant is from now, in the largest whole unit up to days: "3 minutes ago", "in 2 days"."""
    seconds = int(abs((now - instant).total_seconds()))
    if seconds < 60:
        return _("just now") if instant <= now else _("in less than a minute")
    if seconds < 3600:
        span = ngettext("%d minute", "%d minutes", seconds // 60) % (seconds // 60)
    elif seconds < 86400:
        span = ngettext("%d hour", "%d hours", seconds // 3600) % (seconds // 3600)
    else:
        span = ngettext("%d day", "%d days", seconds // 86400) % (seconds // 86400)
    if instant <= now:
        return pgettext("time span", "%(span)s ago") % {"span": span}
    return pgettext("time span", "in %(span)s") % {"span": span}


@register.filter
def duration(ms: float | None) -> str:
    """Show milliseconds as "42 ms" or "1.84 s", as the reader's language writes it; nothing for None."""
    if ms is None:
        return ""
    return f"{ms:.0f} ms" if ms < 1000 else f"{number_format(ms / 1000, 2)} s"


@register.filter
def in_words(check: Mapping[str, Any]) -> dict[str, str]:
    """Put a stored check into the reader's words: `rung`, `title`, `remedy`, `whose`."""
    return check_in_words(check)


@register.filter
def rungs(checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Prepare a ladder's checks for drawing: add each result's word (unless the check has a `label` of its own) and
    shape, and the place of its time bar.

    The bars share one scale, the whole run, and follow one another: `start` and `width` are per cent, None where
    nothing was measured. Raises KeyError for a result that does not exist.
    """
    checks = list(checks)
    total = sum(check.get("ms") or 0 for check in checks) or 1
    elapsed = 0.0
    rows = []
    for check in checks:
        ms, result = check.get("ms"), _RESULTS[check["result"]]
        width = None if ms is None else max(100 * ms / total, _MIN_BAR)
        start = None if width is None else min(100 * elapsed / total, 100 - width)
        elapsed += ms or 0
        rows.append(
            {
                **check,
                "label": check.get("label") or _(result.label),
                "tone": result.tone,
                "shape": result.shape,
                "start": None if start is None else f"{start:.2f}%",
                "width": None if width is None else f"{width:.2f}%",
                "open": check.get("open") or check["result"] in {"failed", "warning"},
                "explained": bool(check.get("detail") or check.get("evidence") or check.get("remedy")),
            }
        )
    return rows


@register.filter
def total_ms(checks: Iterable[Mapping[str, Any]]) -> float:
    """Return the time of all checks together, in milliseconds."""
    return sum(check.get("ms") or 0 for check in checks)


@register.filter
def words_unbroken(command: str) -> SafeString:
    """Mark each word of a command, so that a line is broken between words: `-out` would be broken behind its hyphen."""
    parts = re.split(r"(\s+)", command)  # words and blanks in turn
    return format_html_join("", "<span>{}</span>{}", itertools.zip_longest(parts[::2], parts[1::2], fillvalue=""))


@register.filter
def field_target(field: BoundField) -> str:
    """Return the id that a link to this field should lead to: its control, or the first one of a group."""
    if field.field.widget.use_fieldset:
        return field.subwidgets[0].id_for_label or field.auto_id if field.subwidgets else field.auto_id
    return field.id_for_label


@register.filter
def form_errors(form: BaseForm | Literal[""] | None) -> list[dict[str, str]]:
    """List a form's errors for the error summary: `text`, and `target`, the id of the control (empty if none).

    A text that does not name its field is put behind the field's label.
    """
    if not form or not form.is_bound:
        return []
    items = [{"text": str(text), "target": ""} for text in form.non_field_errors()]
    for field in form:
        target = "" if field.is_hidden else field_target(field)
        items += [{"text": _naming(field, str(text)), "target": target} for text in field.errors]
    return items


def _naming(field: BoundField, text: str) -> str:
    """Put the field's label before an error that does not contain it."""
    if str(field.label).casefold() in text.casefold():
        return text
    return _("%(label)s: %(text)s") % {"label": field.label, "text": text}


@register.filter
def row_values(row: Mapping[str, Any]) -> list[Any]:
    """Return what a summary row shows: its `values`, or its one `value`; empty where nothing was given."""
    values = row["values"] if "values" in row else [row.get("value")]
    return [value for value in values if value not in (None, "")]


@register.filter
def step_number(steps: Iterable[Mapping[str, Any]]) -> int:
    """Return the number of a wizard's current step, counted from 1; 0 if no step is current."""
    return next((number for number, step in enumerate(steps, 1) if step["state"] == "current"), 0)
