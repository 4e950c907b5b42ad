"""Looking back: every submission with what became of it, everything that happened, and how an application ends."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from onboarding.audit.events import STAFF_ONLY, Event
from onboarding.audit.models import Entry
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.registrations import flows, retention
from onboarding.registrations.models import Application, Registration
from onboarding.web.history import entries_of, history
from tests.conftest import member, staff
from tests.journey import ANSWERS, approved, described, issued, submitted
from tests.memberships.test_retention import age

Browser = Callable[[User], Client]


@pytest.fixture
def thrice(owner: User, colleague: User, reviewer: User) -> Application:
    """Submitted three times: with comments, with a note, and declined."""
    application = submitted(owner)
    registration = application.registration
    flows.take(registration, actor=staff(reviewer))
    flows.request_changes(registration, comments={"concept": "Which depots?"}, actor=staff(reviewer))
    flows.save_answers(registration, {"concept": "In Lyon."}, seen_version=registration.version, actor=member(owner))
    flows.submit(registration, actor=member(colleague))
    flows.take(registration, actor=staff(reviewer))
    flows.request_changes(registration, note="Leave out the\nposition.", actor=staff(reviewer))
    flows.submit(registration, actor=member(owner))
    flows.take(registration, actor=staff(reviewer))
    flows.decline(registration, reason="data", note="It is still in it.", actor=staff(reviewer))
    return application


def test_each_submission_is_shown_with_what_became_of_it_the_latest_first(
    thrice: Application, owner: User, colleague: User, reviewer: User, signed_in: Browser
) -> None:
    page = signed_in(owner).get(f"/applications/{thrice.pk}/submissions/")
    third, second, first = page.context["rounds"]
    assert [one.submission.number for one in (third, second, first)] == [3, 2, 1]
    assert [one.by for one in (third, second, first)] == ["you", str(colleague), "you"]
    decided = [(one.what, one.who) for one in (*third.decisions, *second.decisions, *first.decisions)]
    assert decided == [
        ("Application declined", "Mobilisights"),
        ("Changes requested", "Mobilisights"),
        ("Changes requested", "Mobilisights"),
    ]
    assert first.comments == [{"key": "Concept", "value": "Which depots?"}]
    assert (second.note, second.comments) == ("Leave out the\nposition.", [])
    assert (third.reason, third.note) == ("The data asked for is more than the concept needs", "It is still in it.")
    assert [one["name"] for one in first.changes] == ["concept"]
    assert (second.changes, third.changes, third.next_receipt) == ([], [], "")
    assert f"No answer changed to {thrice.reference}/3." in page.content.decode()


def test_staff_see_names_and_what_was_submitted_then(
    thrice: Application, reviewer: User, auditor: User, signed_in: Browser
) -> None:
    page = signed_in(auditor).get(f"/desk/registrations/{thrice.registration.pk}/submissions/")
    first = page.context["rounds"][-1]
    assert [one.who for one in first.decisions] == [str(reviewer)]
    assert ANSWERS["concept"] in str(first.sections)
    assert "/applications/" not in page.content.decode()


def test_before_the_first_and_before_a_decision_the_page_says_so(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application, browser = described(owner), signed_in(owner)
    url = f"/applications/{application.pk}/submissions/"
    assert "Not submitted yet" in browser.get(url).content.decode()
    flows.submit(application.registration, actor=member(owner))
    assert "Not decided yet" in browser.get(url).content.decode()


def test_a_withdrawal_after_comments_keeps_both_on_the_submission(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    flows.take(application.registration, actor=staff(reviewer))
    flows.request_changes(application.registration, note="Shorter.", actor=staff(reviewer))
    flows.withdraw(application.registration, actor=member(owner))
    [only] = signed_in(owner).get(f"/applications/{application.pk}/submissions/").context["rounds"]
    assert [one.what for one in only.decisions] == ["Changes requested", "Application withdrawn"]
    assert only.note == "Shorter."


def test_what_is_erased_is_not_told_any_more(thrice: Application, owner: User, signed_in: Browser) -> None:
    age(thrice.registration)
    assert retention.erase_closed() == 1
    page = signed_in(owner).get(f"/applications/{thrice.pk}/submissions/").content.decode()
    assert page.count("What was submitted and said is erased.") >= 2
    for gone in ("Which depots?", "Leave out", "It is still in it", ANSWERS["concept"]):
        assert gone not in page
    assert not any(one.note or one.comments for one in thrice.registration.submissions.all())


def test_everything_that_happened_is_told_with_what_belongs_to_it(
    thrice: Application, owner: User, signed_in: Browser
) -> None:
    page = signed_in(owner).get(f"/applications/{thrice.pk}/history/")
    told = {(one["what"], one.get("detail", ""), one.get("link", "")) for one in page.context["entries"]}
    assert told >= {
        ("Application started", "Fleet Owner API", ""),
        ("Description submitted for review", "", f"Receipt {thrice.reference}/2"),
        ("Changes requested", "One comment: Concept", "See what was asked"),
        ("Application declined", "The data asked for is more than the concept needs", "See why"),
    }
    visible = Entry.objects.filter(application_id=thrice.pk, partner_visible=True)
    assert len(page.context["entries"]) == visible.count()
    assert page.context["turn"].title == "Declined by Mobilisights"
    assert 'title="' in page.content.decode()


def test_what_happens_in_an_environment_says_in_which(owner: User, reviewer: User, issuer: User) -> None:
    application = issued(owner, reviewer, issuer).application
    rows = history(entries_of(application), application=application, reader=owner)
    there = {one["what"]: one["detail"] for one in rows}
    assert there["Application approved"] == "With the partner login MZP128745"
    for what in ("Certificate request opened", "Private key made and sealed", "CSR submitted", "Certificate issued"):
        assert there[what] == "Sandbox"


def test_no_event_breaks_the_history_whatever_it_carries(thrice: Application, owner: User) -> None:
    entry = Entry.objects.filter(application_id=thrice.pk).first()
    assert entry is not None
    for event in set(Event) - STAFF_ONLY:
        entry.event, entry.data = event, {}
        assert history([entry], application=thrice, reader=owner)[0]["what"] == event.label


def test_the_receipt_is_reached_from_the_task_list_and_from_the_mail(owner: User, signed_in: Browser) -> None:
    application = submitted(owner)
    receipt = f"/applications/{application.pk}/describe/receipt/1/"
    assert f'href="{receipt}"' in signed_in(owner).get(f"/applications/{application.pk}/").content.decode()
    mail = Mail.objects.get(kind="registration_received", user=owner)
    assert receipt in str(render(mail).body)


def test_a_declined_partner_reads_the_reason_and_is_offered_a_copy(
    thrice: Application, owner: User, signed_in: Browser
) -> None:
    browser = signed_in(owner)
    page = browser.get(f"/applications/{thrice.pk}/")
    assert page.context["turn"].text == "The data asked for is more than the concept needs.\nIt is still in it."
    assert page.content.decode().count("Copy as a new application") == 1
    made = browser.post(f"/applications/{thrice.pk}/copy/").headers["Location"]
    assert "In Lyon." in str(Application.objects.get(pk=made.split("/")[2]).registration.answers)
    mail = Mail.objects.get(kind="registration_declined", user=owner)
    assert "The data asked for is more than the concept needs." in str(render(mail).body)


@pytest.mark.parametrize("state", ["draft", "submitted"])
def test_withdrawing_asks_once_and_says_what_becomes_of_it(
    owner: User, viewer: User, signed_in: Browser, state: str
) -> None:
    application = described(owner) if state == "draft" else submitted(owner)
    url, browser = f"/applications/{application.pk}/withdraw/", signed_in(owner)
    asked = browser.get(url).content.decode()
    assert ("Mobilisights stops working on it" in asked) == (state == "submitted")
    assert "365 days" in asked
    assert signed_in(viewer).get(url).status_code == 302
    answer: Any = browser.post(url, follow=True)
    assert "Withdrawn. Nothing more happens with it." in answer.content.decode()
    again: Any = browser.get(url, follow=True)
    assert "It cannot be withdrawn now" in again.content.decode()
    assert Registration.objects.get().state == "withdrawn"


def test_an_approved_application_cannot_be_withdrawn_and_is_not_offered_to(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = approved(owner, reviewer)
    page = signed_in(owner).get(f"/applications/{application.pk}/").content.decode()
    assert f"/applications/{application.pk}/withdraw/" not in page
