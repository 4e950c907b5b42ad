"""Mail without a mail server: kept in a Maildir under var/, readable at /outbox/ in the demo."""

import mailbox
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage as Message
from email.parser import BytesParser

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


def _maildir() -> mailbox.Maildir:
    return mailbox.Maildir(settings.OUTBOX_DIR, factory=None, create=True)


class MaildirBackend(BaseEmailBackend):
    """Django's mail backend for machines without a mail server. Each message is written whole or not at all."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep the messages; return how many."""
        box = _maildir()
        for message in email_messages:
            box.add(message.message().as_bytes())
        return len(email_messages)


def messages() -> list[tuple[str, Message]]:
    """Return (key, message) of all mails kept, the newest first."""
    box = _maildir()
    parser = BytesParser(policy=policy.default)
    keys = sorted(box.keys(), reverse=True)
    return [(key, parser.parsebytes(box.get_bytes(key))) for key in keys]


def message(key: str) -> Message:
    """Return one mail. Raises KeyError if there is none of that key."""
    return BytesParser(policy=policy.default).parsebytes(_maildir().get_bytes(key))
