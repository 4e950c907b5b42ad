"""Writing to people: a row first, sent after the commit."""

import smtplib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.headerregistry import Address
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import models, transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from onboarding.celery import wake
from onboarding.notifications import drafts, links
from onboarding.notifications.drafts import Words
from onboarding.notifications.kinds import ALWAYS, KINDS, SHARED, UNSENT, Category
from onboarding.notifications.models import Mail, Muted
from onboarding.notifications.wording import with_html

log = structlog.get_logger(__name__)

SEND = "onboarding.notifications.tasks.send"
MAX_ATTEMPTS = 8
RESEND_AFTER = timedelta(minutes=5)
GIVEN_UP_SHOWN = 1000
LEASE = timedelta(minutes=2)  # longer than EMAIL_TIMEOUT, so that two workers do not send the same mail


def notify(kind: str, people: Iterable[Any], *, once: str, params: Mapping[str, Any]) -> None:
    """Queue one mail of `kind` to each of `people` who wants such, in their own language.

    once: what it is about; calling twice with the same value sends nothing twice. params: fills the template.
    Raises KeyError if there is no such kind.
    """
    for person in _wanting(kind, people):
        write_to(person.email, kind, language=person.language, once=once, params=params, user_id=person.pk)


def drafted(kind: str, people: Iterable[Any], *, params: Mapping[str, Any]) -> list[Mail]:
    """Return the mails that `notify` would make now: not stored, and not sent."""
    return [
        Mail(kind=kind, user_id=person.pk, address=person.email, language=person.language, params=dict(params))
        for person in _wanting(kind, people)
    ]


def _wanting(kind: str, people: Iterable[Any]) -> list[Any]:
    """Return those of `people` who want such mails. Raises KeyError if there is no such kind."""
    category = KINDS[kind]
    people = [] if kind in UNSENT.get(settings.PORTAL_MODE, ()) else list(people)
    muted = set(
        Muted.objects.filter(user__in=[person.pk for person in people], category=category).values_list(
            "user", flat=True
        )
    )
    return [person for person in people if person.pk not in muted]


def write_to(
    address: str,
    kind: str,
    *,
    language: str,
    once: str,
    params: Mapping[str, Any],
    user_id: UUID | None = None,
    resends: Mail | None = None,
) -> Mail:
    """Queue one mail of `kind` to an address, whether or not somebody has an account with it. Else like `notify`.

    resends: the mail that this one repeats.
    """
    id_ = Mail._meta.pk.get_default()
    said = Words(resends.subject, resends.body) if resends else drafts.words_of(kind, language)
    mail, created = Mail.objects.get_or_create(
        once=once,
        address=address,
        defaults={
            "id": id_,
            "kind": kind,
            "user_id": user_id,
            "language": language,
            "params": dict(params),
            "subject": said.subject if said else "",
            "body": said.body if said else "",
            "application_id": params.get("application_id") if KINDS[kind] in SHARED else None,
            "resends": resends,
            "message_id": f"<{id_}@{urlsplit(settings.PUBLIC_URL).hostname}>",
            "not_before": timezone.now(),
        },
    )
    if created:
        drafts.made(mail)
        wake(SEND, str(mail.pk))
    return mail


class TooSoon(Exception):
    """The mail is still on its way, or was sent again a moment ago."""


def resend(mail: Mail) -> Mail:
    """Queue the same words to the same address once more, as a mail of its own. Raises TooSoon.

    Of two clicks at once the second finds the first one's row.
    """
    first = mail.resends or mail
    latest = first.repeats.order_by("-created_at").first() or first
    if latest.state == Mail.State.QUEUED or latest.created_at > timezone.now() - RESEND_AFTER:
        raise TooSoon
    once = f"again:{first.pk}:{first.repeats.count() + 1}"
    return write_to(
        first.address,
        first.kind,
        language=first.language,
        once=once,
        params=first.params,
        user_id=first.user_id,
        resends=first,
    )


def wanted(user: Any) -> frozenset[Category]:
    """Return the categories of which somebody gets mails."""
    muted = set(Muted.objects.filter(user=user).values_list("category", flat=True))
    return frozenset(category for category in Category if category not in muted)


@transaction.atomic
def mute(user: Any, categories: Collection[str]) -> None:
    """Send somebody no mails of these categories, save those that cannot be switched off, and those of all others."""
    unwanted = [category for category in Category if category in categories and category not in ALWAYS]
    Muted.objects.filter(user=user).exclude(category__in=unwanted).delete()
    Muted.objects.bulk_create([Muted(user=user, category=category) for category in unwanted], ignore_conflicts=True)


def deliver(mail_id: str | UUID) -> bool:
    """Send one queued mail that is due; True if it went out.

    Claimed by moving `not_before` on: a worker that dies leaves the mail due again after the lease.
    """
    now = timezone.now()
    due = Mail.objects.filter(pk=mail_id, state=Mail.State.QUEUED, not_before__lte=now)
    if not due.update(not_before=now + LEASE, attempts=models.F("attempts") + 1):
        return False
    mail = Mail.objects.get(pk=mail_id)
    error = _send(mail)
    if error:
        gone = mail.attempts >= MAX_ATTEMPTS
        mail.state = Mail.State.FAILED if gone else Mail.State.QUEUED
        mail.not_before = now + timedelta(minutes=2**mail.attempts)
        mail.last_error = error[:300]
        log.warning("mail not sent", mail=str(mail.pk), kind=mail.kind, attempt=mail.attempts, error=mail.last_error)
    else:
        mail.state, mail.sent_at, mail.last_error = Mail.State.SENT, timezone.now(), ""
    mail.save(update_fields=["state", "sent_at", "not_before", "last_error"])
    return mail.state == Mail.State.SENT


def _send(mail: Mail) -> str:
    """Send it; return what went wrong, "" if nothing did. Of words that cannot be made, only the kind of error.

    Those are tried again, too: what is at fault may be a template, and mended by an update.
    """
    try:
        message = render(mail)
    except Exception as error:  # noqa: BLE001: whatever it is, it must not bring the mail back for ever
        return f"cannot be written: {type(error).__name__}"
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001: an address or a header that no message can have
        return f"cannot be sent: {type(error).__name__}"
    return ""


def render(mail: Mail) -> EmailMultiAlternatives:
    """Make the message of a mail's words, as plain text and as HTML."""
    said = words(mail)
    message = EmailMultiAlternatives(
        subject=said.subject,
        body=said.body,
        to=[str(Address(addr_spec=mail.address))],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
    )
    with translation.override(mail.language):
        return with_html(message, footer(mail))


def words(mail: Mail) -> Words:
    """Return what a mail says: what somebody has written, else what its template gives: the first line is the subject.

    What was written is never a template: it goes as it is.
    """
    if mail.body:
        return Words(mail.subject, mail.body)
    context = {
        **mail.params,
        "token": links.token(*mail.params["link"]) if "link" in mail.params else "",
        "portal_name": settings.PORTAL_NAME,
        "operator": settings.OPERATOR_NAME,
        "public_url": settings.PUBLIC_URL,
    }
    with translation.override(mail.language):
        text = render_to_string(f"mail/{mail.kind}.txt", context).strip()
    subject, _separator, body = text.partition("\n")
    return Words(" ".join(subject.split()), body.strip())


def footer(mail: Mail) -> str:
    """Return what stands below the words of a mail, in its language; empty where nobody has an account."""
    if mail.user_id is None:
        return ""
    page = urljoin(settings.PUBLIC_URL, "/profile/mails/")
    with translation.override(mail.language):
        if mail.category in ALWAYS:
            return _("Mails about certificates and security cannot be switched off.")
        return _("Choose which mails you get: %(page)s") % {"page": page}


@dataclass(frozen=True, slots=True)
class Unsent:
    """Mails of one kind that were given up. error: of the latest."""

    kind: str
    number: int
    latest: datetime
    error: str


def given_up() -> list[Unsent]:
    """Return which mails were given up and are still in the ledger, by kind, the latest first. One query."""
    found: dict[str, Unsent] = {}
    failed = Mail.objects.filter(state=Mail.State.FAILED).order_by("-created_at")
    for kind, created_at, error in failed.values_list("kind", "created_at", "last_error")[:GIVEN_UP_SHOWN]:
        one = found.get(kind)
        found[kind] = replace(one, number=one.number + 1) if one else Unsent(kind, 1, created_at, error)
    return list(found.values())


def due_mails() -> list[UUID]:
    """Return the ids of mails that should have gone out by now."""
    return list(
        Mail.objects.filter(
            state=Mail.State.QUEUED, not_before__lte=timezone.now() - timedelta(seconds=20)
        ).values_list("pk", flat=True)[:500]
    )
