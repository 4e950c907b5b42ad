"""Mails: rows first, sent after the commit, once per occasion and person, and never lost."""

import smtplib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from django.core import mail as django_mail
from django.test import Client
from django.utils import timezone

from onboarding.notifications import mails
from onboarding.notifications.kinds import ALWAYS, KINDS, Category
from onboarding.notifications.models import Mail
from onboarding.notifications.wording import html, paragraphs
from onboarding.partners.models import User

PARAMS = {
    "application": "Depot dashboard",
    "application_id": "5a6b7c8d-0000-4000-8000-000000000001",
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
    assert "/applications/5a6b7c8d-0000-4000-8000-000000000001/" in sent.body


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


@pytest.mark.parametrize(("kind", "address"), [("no_such_template", "a@b.example"), ("registration_received", "a@@b")])
def test_a_mail_that_cannot_be_written_or_addressed_is_given_up_and_shown_without_its_words(
    owner: User, auditor: User, signed_in: Callable[[User], Client], kind: str, address: str
) -> None:
    mails.notify("registration_received", [owner], once="a", params=PARAMS | {"application": "Secret project"})
    Mail.objects.update(kind=kind, address=address)
    row = Mail.objects.get()
    with structlog.testing.capture_logs() as logged:
        for attempt in range(1, mails.MAX_ATTEMPTS + 1):
            Mail.objects.update(not_before=timezone.now() - timedelta(minutes=1))
            assert mails.due_mails() == [row.pk]
            assert not mails.deliver(row.pk)
            row.refresh_from_db()
            assert row.attempts == attempt
    assert row.state == "failed"
    Mail.objects.update(not_before=timezone.now() - timedelta(minutes=1))
    assert mails.due_mails() == []
    page = signed_in(auditor).get("/desk/health/").content.decode()
    assert "Mails that were not sent" in page
    assert row.last_error in page
    assert kind in page
    assert not any(text in str((logged, page, row.last_error)) for text in ("Secret project", "a@@b"))


def test_a_mail_claimed_by_a_worker_that_died_is_due_again_after_its_lease(owner: User) -> None:
    mails.notify("registration_received", [owner], once="a", params=PARAMS)
    Mail.objects.update(not_before=timezone.now() + mails.LEASE, attempts=1)
    assert not mails.deliver(Mail.objects.get().pk)
    Mail.objects.update(not_before=timezone.now())
    assert mails.deliver(Mail.objects.get().pk)


def test_each_template_has_a_kind_and_each_kind_a_template(settings: object) -> None:
    folder = Path(__file__).parents[2] / "templates/mail"
    assert {path.stem for path in folder.glob("*.txt")} == set(KINDS)


def test_html_says_the_same_and_loads_nothing(owner: User) -> None:
    mails.notify("registration_received", [owner], once="a", params=PARAMS | {"application": "<b>Depot</b> & co"})
    mails.deliver(Mail.objects.get().pk)
    [sent] = django_mail.outbox
    [(page, kind)] = sent.alternatives
    assert kind == "text/html"
    assert "Received: &lt;b&gt;Depot&lt;/b&gt; &amp; co (FA-222222)</h1>" in page
    assert 'href="http://localhost:8000/applications/5a6b7c8d-0000-4000-8000-000000000001/"' in page
    for loads in ("<img", "<script", "<link", "src=", "url(", "@import"):
        assert loads not in page
    assert "<b>Depot</b> & co" in sent.body


def test_only_an_address_of_the_portal_becomes_a_link() -> None:
    text = "See: http://localhost:8000/a/\n\nhttp://elsewhere.example/\nhttp://localhost:8000.elsewhere.example/"
    [[ours], [theirs, lookalike]] = paragraphs(text)
    assert (ours.text, ours.url) == ("See", "http://localhost:8000/a/")
    assert not theirs.url
    assert not lookalike.url
    assert "elsewhere.example/</a>" not in html("Subject", text)


def test_a_muted_category_is_not_written_about_to_who_muted_it(owner: User, colleague: User) -> None:
    mails.mute(owner, {Category.RESULT})
    mails.notify("registration_received", [owner, colleague], once="a", params=PARAMS)
    assert [mail.address for mail in Mail.objects.all()] == [colleague.email]
    mails.mute(owner, {Category.TURN})
    mails.notify("registration_received", [owner], once="b", params=PARAMS)
    assert Mail.objects.filter(user=owner).count() == 1


def test_mails_about_certificates_and_security_cannot_be_muted(owner: User) -> None:
    mails.mute(owner, set(Category))
    assert mails.wanted(owner) == ALWAYS
    for number, kind in enumerate(kind for kind, category in KINDS.items() if category in ALWAYS):
        mails.notify(kind, [owner], once=str(number), params=PARAMS)
    assert Mail.objects.count() == sum(category in ALWAYS for category in KINDS.values())


def test_a_mail_sent_again_is_one_of_its_own_with_the_same_words(owner: User) -> None:
    mails.notify("registration_received", [owner], once="a", params=PARAMS)
    first = Mail.objects.get()
    with pytest.raises(mails.TooSoon):
        mails.resend(first)
    mails.deliver(first.pk)
    Mail.objects.update(created_at=timezone.now() - timedelta(hours=1))
    again = mails.resend(Mail.objects.get())
    assert again.message_id != first.message_id
    assert mails.deliver(again.pk)
    assert django_mail.outbox[0].body == django_mail.outbox[1].body
    with pytest.raises(mails.TooSoon):
        mails.resend(again)
    Mail.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert mails.resend(again).resends == first
