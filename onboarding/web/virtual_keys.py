"""Virtual-key tokens as pages show them: durations in words, the history, the request with curl and Python."""

import shlex
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding.credentials import kit
from onboarding.credentials.kit import KitValues
from onboarding.fleet.checks import VIRTUAL_KEY, Check, Result, rungs
from onboarding.fleet.virtual_key import PATH
from onboarding.virtualkeys.models import TokenRequest
from onboarding.web.presenting import rungs_in_words
from onboarding.web.runs import rung_title


def duration(seconds: int) -> str:
    """Say a duration in the largest unit that it is a whole number of."""
    if seconds % 86_400 == 0 and seconds > 86_400:
        return ngettext("%(n)d day", "%(n)d days", seconds // 86_400) % {"n": seconds // 86_400}
    if seconds % 3600 == 0:
        return ngettext("%(n)d hour", "%(n)d hours", seconds // 3600) % {"n": seconds // 3600}
    if seconds % 60 == 0:
        return ngettext("%(n)d minute", "%(n)d minutes", seconds // 60) % {"n": seconds // 60}
    return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}


def ladder(request: TokenRequest) -> list[dict[str, Any]]:
    """Return a request's checks in the reader's words, for the component `ladder.html`, with rungs to come."""
    checks = [Check.from_json(row) for row in request.checks]
    if not request.is_open:  # it may have ended in the middle of a check
        unsettled = (Result.RUNNING, Result.NOT_REACHED)
        checks = [
            Check(one.rung, "not_reached", Result.NOT_REACHED) if one.result in unsettled else one for one in checks
        ]
    return rungs_in_words(checks, () if checks else rungs(VIRTUAL_KEY))


def history(requests: Iterable[TokenRequest], now: datetime) -> list[dict[str, Any]]:
    """Return requests for the table of the page: who, when, for how long, what came of it. No token."""
    return [
        {
            "request": request,
            "duration": duration(request.seconds),
            "stopped_at": rung_title(request.stopped_at),
            "by": str(request.requested_by) if request.requested_by else _("A former member"),
            "is_over": request.expires_at is not None and request.expires_at <= now,
        }
        for request in requests
    ]


def remaining(expires_at: datetime | None, now: datetime) -> str:
    """Say how long a token is still good, such as "23:59:41", or "2 d 03:00:00"; empty where it has ended."""
    if expires_at is None or expires_at <= now:
        return ""
    left = timedelta(seconds=int((expires_at - now).total_seconds()))
    hours, rest = divmod(left.seconds, 3600)
    clock = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    return _("%(days)s d %(clock)s") % {"days": left.days, "clock": clock} if left.days else clock


def snippets(values: KitValues, seconds: int) -> list[dict[str, str]]:
    """Return the request with curl and Python. They work as they stand, in a folder with the three files.

    Secrets, CarData among them, come from environment variables, never from the snippet.
    """
    url = f"{values.api_url.rstrip('/')}{PATH}"
    texts = {
        "api_url": values.api_url,
        "request_url": f"{url}?{urlencode({'client_id': values.client_id})}",
        "client_id": values.client_id,
        "login": values.login,
        "certificate_file": kit.LEAF_FILE,
        "seconds": str(seconds),
    }
    return [
        {
            "id": f"snippet-{name}",
            "label": label,
            "language": language,
            "code": render_to_string(template, {key: quote(text) for key, text in texts.items()}).strip(),
        }
        for name, label, language, template, quote in (
            ("curl", "curl", "shell", "kit/fleet_owner/virtual-key-curl.txt", shlex.quote),
            ("python", "Python", "python", "kit/fleet_owner/virtual-key-python.txt", kit.python_literal),
        )
    ]
