"""The demo's mails: what would have been sent."""

from datetime import UTC
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import urlize
from django.utils.safestring import SafeString

from onboarding.notifications import outbox as box
from onboarding.web import access


@access.demo
def outbox(request: HttpRequest) -> HttpResponse:
    """All mails, the newest first."""
    rows = [{"key": key, **_headers(message)} for key, message in box.messages()[:200]]
    return render(request, "outbox.html", {"rows": rows})


@access.demo
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """One mail."""
    try:
        message = box.message(key)
    except KeyError:
        raise Http404 from None
    body = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
    text = body.get_content() if body else ""
    return render(request, "outbox_mail.html", {**_headers(message), "body": _with_links(text)})


def _headers(message: Any) -> dict[str, Any]:
    date = parsedate_to_datetime(message["Date"]) if message["Date"] else None
    return {
        "subject": message["Subject"] or "",
        "to": message["To"] or "",
        # "-0000", which Django writes, reads as a time without a zone; it is UTC (RFC 5322, section 3.3).
        "date": date.replace(tzinfo=date.tzinfo or UTC) if date else None,
    }


def _with_links(text: str) -> SafeString:
    return SafeString(urlize(text, nofollow=True, autoescape=True))
