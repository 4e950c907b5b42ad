"""The ledger of mails: members see what was written about their applications, and may have it sent again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from onboarding.notifications import mails
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from tests.journey import submitted

SignIn = Callable[[User], Client]


@pytest.fixture
def received(owner: User, reviewer: User, settings: object) -> Mail:
    """The mail that tells the owner that the description was received."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    submitted(owner)
    found = Mail.objects.get(kind="registration_received", user=owner)
    mails.deliver(found.pk)
    Mail.objects.update(created_at=timezone.now() - timedelta(hours=1))
    return Mail.objects.get(pk=found.pk)


def test_a_colleague_sees_to_whom_it_went_and_what_it_said(received: Mail, viewer: User, signed_in: SignIn) -> None:
    client = signed_in(viewer)
    ledger = client.get(reverse("application_mails", args=[received.application_id])).content.decode()
    assert received.address in ledger
    assert "Received: Depot dashboard" in ledger
    assert "To review" not in ledger, "the desk's mails are the desk's"
    page = client.get(reverse("mail", args=[received.pk])).content.decode()
    assert "will review it" in page
    assert "Send it again" not in page
    assert client.post(reverse("mail", args=[received.pk])).status_code == 403


def test_a_developer_has_it_sent_again_once(received: Mail, colleague: User, signed_in: SignIn) -> None:
    client = signed_in(colleague)
    for _click in range(2):
        client.post(reverse("mail", args=[received.pk]))
    assert received.repeats.count() == 1


def test_who_is_not_of_the_company_finds_no_such_mail(
    received: Mail, rival: User, reviewer: User, signed_in: SignIn
) -> None:
    for somebody in (rival, reviewer):
        client = signed_in(somebody)
        for answer in (client.get, client.post):
            assert answer(reverse("mail", args=[received.pk])).status_code == 404


def test_somebody_chooses_their_mails_and_finds_the_choice_again(owner: User, signed_in: SignIn) -> None:
    client = signed_in(owner)
    assert client.post(reverse("my_mails"), {"categories": ["turn"]}).status_code == 302
    page = client.get(reverse("my_mails")).content.decode()
    assert page.count("checked") == 1
    assert client.post(reverse("my_mails"), {"categories": ["security"]}).status_code == 422


def test_why_a_mail_did_not_go_out_is_shown(received: Mail, owner: User, signed_in: SignIn) -> None:
    Mail.objects.filter(pk=received.pk).update(state="failed", attempts=8, last_error="SMTPException: refused")
    page = signed_in(owner).get(reverse("mail", args=[received.pk])).content.decode()
    assert "It could not be sent in 8 attempts" in page
    assert "SMTPException: refused" in page
