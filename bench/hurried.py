"""The portal with shorter waits, so that what a killed worker held comes back within seconds, not within minutes.

Nothing else differs: the orders between the times stay (time limit < lease; the mail server's answer < a mail's lease).
"""

import time
from collections.abc import Sequence
from datetime import timedelta

from django.apps import AppConfig
from django.core.mail import EmailMessage

from onboarding.notifications.outbox import MaildirBackend

MARGIN = timedelta(seconds=5)
"""What a lease exceeds the deadline by."""


class HurriedConfig(AppConfig):
    name = "bench"
    label = "bench"

    def ready(self) -> None:
        from onboarding.notifications import mails
        from onboarding.validation import flows

        flows.LEASE_MARGIN = MARGIN
        mails.LEASE = timedelta(seconds=10)


class SlowBackend(MaildirBackend):
    """A mail server that has a mail before it says so: who dies in between cannot know whether the mail went out."""

    ANSWER_AFTER = 0.05
    """Seconds."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sent = super().send_messages(email_messages)
        time.sleep(self.ANSWER_AFTER)
        return sent
