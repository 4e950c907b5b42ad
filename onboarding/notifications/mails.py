"""Writing to people: a row first, sent after the commit."""

import smtplib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.headerregistry import Address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models
from django.template.loader import render_to_string
from django.utils import timezone, translation

from onboarding.celery import wake
from onboarding.notifications import links
from onboarding.notifications.models import Mail

log = structlog.get_logger(__name__)

SEND = "onboarding.notifications.tasks.send"
MAX_ATTEMPTS = 8
LEASE = timedelta(minutes=2)  # longer than EMAIL_TIMEOUT, so that two workers do not send the same mail


def notify(kind: str, people: Iterable[Any], *, once: str, params: Mapping[str, Any]) -> None:
    """Queue one mail of `kind` to each of `people` (users), in their own language.

    once: what it is about; calling twice with the same value sends nothing twice. params: fills the template.
    """
    for person in people:
        write_to(person.email, kind, language=person.language, once=once, params=params, user_id=person.pk)


def write_to(
    address: str, kind: str, *, language: str, once: str, params: Mapping[str, Any], user_id: UUID | None = None
) -> None:
    """Queue one mail of `kind` to an address, whether or not somebody has an account with it. Else like `notify`."""
    id_ = Mail._meta.pk.get_default()
    mail, created = Mail.objects.get_or_create(
        once=once,
        address=address,
        defaults={
            "id": id_,
            "kind": kind,
            "user_id": user_id,
            "language": language,
            "params": dict(params),
            "message_id": f"<{id_}@{urlsplit(settings.PUBLIC_URL).hostname}>",
            "not_before": timezone.now(),
        },
    )
    if created:
        wake(SEND, str(mail.pk))


def deliver(mail_id: str | UUID) -> bool:
    """Send one queued mail that is due; True if it went out.

    Claimed by moving `not_before` on: a worker that dies leaves the mail due again after the lease.
    """
    now = timezone.now()
    due = Mail.objects.filter(pk=mail_id, state=Mail.State.QUEUED, not_before__lte=now)
    if not due.update(not_before=now + LEASE, attempts=models.F("attempts") + 1):
        return False
    mail = Mail.objects.get(pk=mail_id)
    try:
        render(mail).send()
    except (OSError, smtplib.SMTPException) as error:
        gone = mail.attempts >= MAX_ATTEMPTS
        mail.state = Mail.State.FAILED if gone else Mail.State.QUEUED
        mail.not_before = now + timedelta(minutes=2**mail.attempts)
        mail.last_error = f"{type(error).__name__}: {error}"[:300]
        log.warning("mail not sent", mail=str(mail.pk), attempt=mail.attempts, error=mail.last_error)
    else:
        mail.state, mail.sent_at, mail.last_error = Mail.State.SENT, timezone.now(), ""
    mail.save(update_fields=["state", "sent_at", "not_before", "last_error"])
    return mail.state == Mail.State.SENT


def render(mail: Mail) -> EmailMessage:
    """Make the message from its templates: the first line is the subject."""
    context = {
        **mail.params,
        "token": links.token(*mail.params["link"]) if "link" in mail.params else "",
        "portal_name": settings.PORTAL_NAME,
        "operator": settings.OPERATOR_NAME,
        "public_url": settings.PUBLIC_URL,
    }
    with translation.override(mail.language):
        text = render_to_string(f"mail/{mail.kind}.txt", context).strip()
    subject, _, body = text.partition("\n")
    return EmailMessage(
        subject=" ".join(subject.split()),
        body=body.strip() + "\n",
        to=[str(Address(addr_spec=mail.address))],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
    )


def due_mails() -> list[UUID]:
    """Return the ids of mails that should have gone out by now."""
    return list(
        Mail.objects.filter(
            state=Mail.State.QUEUED, not_before__lte=timezone.now() - timedelta(seconds=20)
        ).values_list("pk", flat=True)[:500]
    )
