"""Mails: rows first, sent after the commit, once per occasion and person, and never lost."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail as django_mail
from django.utils import timezone

from onboarding.notifications import mails
from onboarding.notifications.models import Mail
from onboarding.partners.models import User

PARAMS = {
    "application": "Depot dashboard",
    "application_id": "1",
    "reference": "FA-222222",
    "registration_id": "2",
    "organisation": "Example",
}


@pytest.fixture(autouse=True)
def kept_in_memory(settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.mark.django_db(transaction=True)
def test_telling_twice_writes_one_mail_and_queues_it_after_the_commit(
    owner: User, nothing_queued: list[tuple[str, tuple[str, ...]]]
) -> None:
    for _ in range(2):
        mails.notify("registration_received", [owner], once="a", params=PARAMS)
    row = Mail.objects.get()
    assert nothing_queued == [("onboarding.notifications.tasks.send", (str(row.pk),))]


def test_a_mail_is_sent_once_under_its_message_id(owner: User) -> None:
    mails.notify("registration_received", [owner], once="a", params=PARAMS)
    row = Mail.objects.get()
    assert mails.deliver(row.pk)
    assert not mails.deliver(row.pk)
    [sent] = django_mail.outbox
    assert sent.extra_headers["Message-ID"] == row.message_id
    assert sent.subject == "Received: Depot dashboard (FA-222222)"
    assert "/applications/1/" in sent.body


def test_a_mail_that_could_not_be_sent_is_due_again_later(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    mails.notify("registration_received", [owner], once="a", params=PARAMS)
    row = Mail.objects.get()

    def refuse(*_args: object, **_options: object) -> None:
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    assert not mails.deliver(row.pk)
    monkeypatch.undo()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("queued", 1)
    assert row.not_before > timezone.now()
    assert mails.due_mails() == []
    Mail.objects.update(not_before=timezone.now() - timedelta(minutes=1))
    assert mails.due_mails() == [row.pk]


def test_a_mail_claimed_by_a_worker_that_died_is_due_again_after_its_lease(owner: User) -> None:
    mails.notify("registration_received", [owner], once="a", params=PARAMS)
    Mail.objects.update(not_before=timezone.now() + mails.LEASE, attempts=1)
    assert not mails.deliver(Mail.objects.get().pk)
    Mail.objects.update(not_before=timezone.now())
    assert mails.deliver(Mail.objects.get().pk)
