"""A form that was sent too late, after its session had ended: what was typed is handed back after the sign-in.

Each form says, signed, for whom its page was made. What arrives without that person's session, or with a token that is
too old, is kept in the session of this browser for some minutes, without anything that is secret. Whoever signs in as
that person finds the form filled in again, and nothing is sent by itself; whoever else signs in, finds nothing.

So a form sent from another site is not kept: only our pages carry the mark. One that somebody got for themselves
brings entries back to nobody but them.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.signals import user_logged_in
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, QueryDict

from onboarding.partners.models import User

MARK = "made_for"
"""Name of the hidden field that says for whom the page was made."""

SESSION_KEY = "kept_entries"
SECONDS = 30 * 60
MOST_BYTES = 64 * 1024
"""Of all entries together; more is not kept."""

SECRET_NAMES = re.compile(
    r"passw|passphrase|secret|token|credential|private|\bcode\b|car_data|sdk_answer", re.IGNORECASE
)
SECRET_VALUES = re.compile(r"PRIVATE KEY-----")

_SIGNER = Signer(salt="onboarding.web.kept_entries")
_offered: ContextVar[QueryDict | None] = ContextVar("offered", default=None)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was typed, by whom, and where it belongs. entries: as in a form's body; kept_at: seconds since 1970."""

    user_id: str
    path: str
    entries: str
    kept_at: float


def mark(user: User) -> str:
    """Return what a form carries that is made for `user`."""
    return _SIGNER.sign(str(user.pk))


def is_ours(request: HttpRequest) -> bool:
    """Tell whether a form was sent from a page of ours that was made for somebody."""
    return _made_for(request) is not None


def keep(request: HttpRequest) -> bool:
    """Keep the entries of a form that cannot be taken now; True if there were any, of somebody who may have them.

    Whoever is signed in must be the one for whom the form was made. That files or secrets were given is kept, too:
    the page then says that they have to be given once more.
    """
    owner = _made_for(request)
    if owner is None or request.method != "POST" or (request.user.is_authenticated and str(request.user.pk) != owner):
        return False
    entries = QueryDict(mutable=True)
    gone = bool(request.FILES)
    for name, values in request.POST.lists():
        if name in (MARK, "csrfmiddlewaretoken"):
            continue
        kept = [] if SECRET_NAMES.search(name) else [value for value in values if not SECRET_VALUES.search(value)]
        gone = gone or len(kept) < sum(map(bool, values))
        entries.setlist(name, kept)
    body = entries.urlencode()
    if not (any(entries.values()) or gone) or len(body) > MOST_BYTES:
        return False
    request.session[SESSION_KEY] = [owner, request.path, body, time.time()]
    return True


def waiting(request: HttpRequest) -> bool:
    """Tell whether this browser has something kept for somebody."""
    return SESSION_KEY in request.session


def due(request: HttpRequest) -> Kept | None:
    """Return what this page's form is to be filled with again. Drops what is too old."""
    kept = _kept(request)
    if kept is None or not request.user.is_authenticated or request.method != "GET":
        return None
    if time.time() - kept.kept_at > SECONDS or kept.user_id != str(request.user.pk):
        del request.session[SESSION_KEY]
        return None
    return kept if kept.path == request.path else None


@contextmanager
def offering(kept: Kept) -> Iterator[None]:
    """Fill forms that are made meanwhile with what was kept; see `offered`."""
    token = _offered.set(QueryDict(kept.entries))
    try:
        yield
    finally:
        _offered.reset(token)


def offered() -> QueryDict | None:
    """Return what forms are to be filled with, if anything."""
    return _offered.get()


def settle(request: HttpRequest, response: HttpResponse, kept: Kept) -> None:
    """After the page: it had the entries, so they are dropped; if it leads to another page, they are for that one."""
    location = urlsplit(response.headers.get("Location", ""))
    if 300 <= response.status_code < 400 and not location.netloc:
        request.session[SESSION_KEY] = [kept.user_id, location.path, kept.entries, kept.kept_at]
    else:
        request.session.pop(SESSION_KEY, None)


def _made_for(request: HttpRequest) -> str | None:
    try:
        return _SIGNER.unsign(request.POST.get(MARK, ""))
    except BadSignature:
        return None


def _kept(request: HttpRequest) -> Kept | None:
    stored = request.session.get(SESSION_KEY)
    return Kept(*stored) if stored else None


def _drop_for_others(*, request: HttpRequest, user: User, **_details: Any) -> None:
    kept = _kept(request) if hasattr(request, "session") else None
    if kept and kept.user_id != str(user.pk):
        del request.session[SESSION_KEY]


user_logged_in.connect(_drop_for_others, dispatch_uid="onboarding.kept_entries")
