"""What partner and reviewers say to one another about a request."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.memberships import erasure, export
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.registrations import conversation, flows, retention
from onboarding.registrations.models import Application, Message, Reading, Registration, Side
from onboarding.web import journey
from tests.conftest import member, staff
from tests.journey import approved, described, submitted

Browser = Callable[[User], Client]
LATER = conversation.QUIET + timedelta(seconds=1)


def says(registration: Registration, who: User, side: Side, text: str = "Which depots?", **kwargs: Any) -> Message:
    actor = member(who) if side is Side.PARTNER else staff(who)
    last = registration.messages.last()
    given = {"asks": False, "key": uuid.uuid4(), "seen": last.pk if last else None} | kwargs
    return conversation.write(registration, side=side, text=text, actor=actor, **given)


def time_passes() -> None:
    """Let everything that was written have been written long enough ago to be mailed."""
    for message in Message.objects.all():
        Message.objects.filter(pk=message.pk).update(written_at=message.written_at - LATER)
    for reading in Reading.objects.all():
        Reading.objects.filter(pk=reading.pk).update(read_to=reading.read_to - LATER)


def page(application: Application) -> str:
    return f"/applications/{application.pk}/conversation/"


def desk(application: Application) -> str:
    return f"/desk/registrations/{application.registration.pk}/conversation/"


def test_each_side_reads_what_the_other_wrote_and_who_it_was_as_far_as_it_may_know(
    owner: User, colleague: User, reviewer: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    partner, staffer = signed_in(owner), signed_in(reviewer)
    text = "Two lines:\r\n<b>bold</b> & http://elsewhere.example/"
    sent = partner.post(page(application), {"text": text, "asks": "on", "key": uuid.uuid4()})
    message = Message.objects.get()
    assert sent.headers["Location"] == f"{page(application)}#message-{message.pk}"
    assert message.text == text.replace("\r\n", "\n")
    review = f"/desk/registrations/{application.registration.pk}/"
    answered = staffer.post(desk(application), {"text": "In Lyon.", "seen": message.pk, "on_review": "1"})
    assert answered.headers["Location"].startswith(f"{review}#message-")
    for url in (desk(application), review):
        seen = staffer.get(url).content.decode()
        assert "&lt;b&gt;bold&lt;/b&gt; &amp; http://elsewhere.example/</p>" in seen
        assert f"{owner}, Example Mobility" in seen
    assert [one.who for one in signed_in(colleague).get(page(application)).context["talk"].messages] == [
        str(owner),
        "Mobilisights",
    ]
    assert str(reviewer) not in partner.get(page(application)).content.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Fill in"),
        ("   \r\n ", "Fill in"),
        ("x" * 4001, "4000"),
        ("evil\u202egnp", "U+202E"),
        ("bell\x07", "U+0007"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nHere it is", "private key"),
    ],
)
def test_what_cannot_be_sent_is_said_beside_the_field_and_nothing_typed_is_lost_but_keys(
    owner: User, signed_in: Browser, text: str, said: str
) -> None:
    application, key = submitted(owner), str(uuid.uuid4())
    answer = signed_in(owner).post(page(application), {"text": text, "key": key})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert any(said in error for error in answer.context["bound"][0].errors["text"])
    assert key in shown
    assert "MIIE" not in shown
    assert ("Here it is" in text) == ("Here it is" in shown)
    assert not Message.objects.exists()


@pytest.mark.parametrize("length", [1, 4000])
def test_line_breaks_count_once_as_browsers_count_them(owner: User, signed_in: Browser, length: int) -> None:
    application = submitted(owner)
    text = "\r\n".join("x" * ((length + 1) // 2)) if length > 1 else "x"
    assert signed_in(owner).post(page(application), {"text": text}).status_code == 302
    assert len(Message.objects.get().text) == max(length - 1, 1)


def test_sent_twice_is_one_message_and_another_text_under_the_same_key_is_another(
    owner: User, signed_in: Browser
) -> None:
    application, browser, key = submitted(owner), signed_in(owner), uuid.uuid4()
    for text in ("Hello", "Hello", "Hello, and more", "Hello"):
        browser.post(page(application), {"text": text, "key": key})
    assert [one.text for one in Message.objects.all()] == ["Hello", "Hello, and more"]
    assert Entry.objects.filter(event="message:written").count() == 2


@pytest.mark.parametrize("key", ["", "no-uuid", None])
def test_a_message_without_its_pages_key_arrives_all_the_same(owner: User, signed_in: Browser, key: str | None) -> None:
    application = submitted(owner)
    data = {"text": "Hello", "seen": "nothing"} | ({} if key is None else {"key": key})
    assert signed_in(owner).post(page(application), data).status_code == 302


def test_the_key_of_somebody_elses_form_takes_nothing_of_theirs(owner: User, rival: User, signed_in: Browser) -> None:
    key = uuid.uuid4()
    mine, theirs = submitted(owner), submitted(rival)
    signed_in(owner).post(page(mine), {"text": "Same words", "key": key})
    signed_in(rival).post(page(theirs), {"text": "Same words", "key": key})
    assert [one.registration.messages.count() for one in (mine, theirs)] == [1, 1]


def test_a_message_changes_no_state_and_arrives_though_the_request_has_just_moved_on(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application, browser = submitted(owner), signed_in(owner)
    browser.get(page(application))
    flows.take(application.registration, actor=staff(reviewer))
    flows.decline(application.registration, reason="data", note="Too much.", actor=staff(reviewer))
    assert browser.post(page(application), {"text": "Why?"}).status_code == 302
    assert Registration.objects.get().state == "declined"


def test_in_solo_mode_there_is_nobody_to_talk_to(owner: User, signed_in: Browser, settings: Any) -> None:
    application, browser = submitted(owner), signed_in(owner)
    settings.PORTAL_MODE = "solo"
    assert browser.get(page(application)).status_code == 404
    assert page(application) not in browser.get(f"/applications/{application.pk}/").content.decode()


def test_a_draft_has_no_reviewers_and_says_so(owner: User, signed_in: Browser) -> None:
    application, browser = described(owner), signed_in(owner)
    shown = browser.get(page(application))
    assert "A draft has no reviewers." in shown.content.decode()
    assert "<textarea" not in shown.content.decode()
    refused = browser.post(page(application), {"text": "Is anybody there?"})
    assert (refused.status_code, Message.objects.count()) == (409, 0)
    assert "Is anybody there?" in refused.content.decode()


def test_viewers_and_auditors_read_and_leave_no_trace(
    owner: User, reviewer: User, viewer: User, auditor: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    says(application.registration, owner, Side.PARTNER)
    says(application.registration, reviewer, Side.STAFF)
    for person, url in ((viewer, page(application)), (auditor, desk(application))):
        shown = signed_in(person).get(url)
        assert "Which depots?" in shown.content.decode()
        assert "<textarea" not in shown.content.decode()
    assert not Reading.objects.exists()


def test_a_question_is_the_other_sides_turn_until_it_is_answered(owner: User, reviewer: User) -> None:
    application = submitted(owner)
    registration = application.registration

    def turn() -> journey.Turn:
        return journey.turn(journey.load(Application.objects.get(pk=application.pk)))

    before = turn()
    asked = says(registration, reviewer, Side.STAFF, asks=True)
    assert turn().title == "Your turn: answer the reviewer"
    assert before.title in turn().text
    assert (turn().since, turn().by, turn().href) == (asked.written_at, before.by, f"{page(application)}#new")
    says(registration, owner, Side.PARTNER, "In Lyon. Is that enough?", asks=True)
    assert turn().title == before.title
    row = conversation.at_the_desk(Registration.objects.all()).get()
    assert (row.asked_since, row.is_unread) == (Message.objects.last().written_at, True)  # type: ignore[attr-defined, union-attr]
    assert Registration.objects.get().state == "submitted"


def test_what_the_writer_had_not_seen_is_not_answered_by_what_they_wrote(owner: User, reviewer: User) -> None:
    registration = submitted(owner).registration
    first = says(registration, reviewer, Side.STAFF, asks=True)
    says(registration, reviewer, Side.STAFF, "And when?", asks=True)
    says(registration, owner, Side.PARTNER, "In Lyon.", seen=first.pk)
    says(registration, owner, Side.PARTNER, "Hello?", seen=None)
    assert [one.text for one in Message.objects.filter(asks=True, answered_at=None)] == ["And when?"]


def test_a_question_that_needs_no_answer_is_settled_once_and_on_record(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    asked = says(application.registration, owner, Side.PARTNER, "Thanks!", asks=True)
    browser = signed_in(reviewer)
    for _ in range(2):
        assert browser.post(desk(application), {"settle": "1", "seen": asked.pk}).status_code == 302
    asked.refresh_from_db()
    assert asked.answered_at is not None
    entry = Entry.objects.get(event="message:settled")
    assert (entry.actor_id, entry.application_id) == (reviewer.pk, application.pk)


def test_the_desk_sees_at_a_glance_where_a_partner_wrote_whatever_the_state(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    quiet, asking, telling = submitted(owner), approved(owner, reviewer), submitted(owner)
    says(asking.registration, owner, Side.PARTNER, asks=True)
    says(telling.registration, owner, Side.PARTNER)
    browser = signed_in(reviewer)
    listed = browser.get("/desk/messages/")
    assert [row.pk for row in listed.context["page"]] == [asking.registration.pk, telling.registration.pk]
    rows = browser.get("/desk/").context["rows"]
    marked = {row["item"].subject_id: row["talk"] and (row["talk"].is_unread, row["talk"].asked_since) for row in rows}
    assert marked == {quiet.registration.pk: None, telling.registration.pk: (True, None)}
    read = f"/desk/registrations/{telling.registration.pk}/"
    browser.get(read)
    assert telling.registration.messages.get().read_at is not None
    assert [row.pk for row in browser.get("/desk/messages/").context["page"]] == [asking.registration.pk]


def test_new_is_what_the_reader_has_not_seen_and_once_only(
    owner: User, colleague: User, viewer: User, reviewer: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    says(application.registration, reviewer, Side.STAFF)
    mine, theirs = signed_in(owner), signed_in(colleague)

    def new(browser: Client) -> int:
        facts = browser.get(f"/applications/{application.pk}/").context["columns"]
        task = next(task for group in facts[-1].groups for task in group["tasks"] if "Talk" in task["title"])
        return 1 if task["status"]["label"] == "1 new" else 0

    assert (new(mine), new(theirs)) == (1, 1)
    listed = (mine, theirs, signed_in(viewer))
    assert [one.get("/").content.decode().count("1 new message") for one in listed] == [1, 1, 0]
    assert [one.is_first_new for one in mine.get(page(application)).context["talk"].messages] == [True]
    assert (new(mine), new(theirs)) == (0, 1)
    assert [one.is_new for one in mine.get(page(application)).context["talk"].messages] == [False]


def test_the_page_is_told_what_came_since_and_nothing_else(owner: User, reviewer: User, signed_in: Browser) -> None:
    application, browser = submitted(owner), signed_in(owner)
    first = says(application.registration, reviewer, Side.STAFF, "First")
    ask = {"headers": {"HX-Request": "true"}}
    url = f"{page(application)}?after={first.pk}"
    assert browser.get(url, **ask).status_code == 204  # type: ignore[arg-type]
    last = says(application.registration, reviewer, Side.STAFF, "Second")
    news = browser.get(url, **ask).content.decode()  # type: ignore[arg-type]
    assert "Second" in news
    assert "First" not in news
    assert "<textarea" not in news
    assert f'name="seen" value="{last.pk}"' in news
    assert browser.get(f"{page(application)}?after=", **ask).content.decode().count("<li") == 2  # type: ignore[arg-type]


def test_long_conversations_are_shown_in_parts(owner: User, signed_in: Browser) -> None:
    application, browser = submitted(owner), signed_in(owner)
    for number in range(52):
        says(application.registration, owner, Side.PARTNER, f"Number {number}")
    latest = browser.get(page(application)).context["talk"]
    assert [latest.messages[0].text, latest.messages[-1].text] == ["Number 2", "Number 51"]
    earlier = browser.get(f"{page(application)}?before={latest.earlier}").context["talk"]
    assert [one.text for one in earlier.messages] == ["Number 0", "Number 1"]
    assert earlier.earlier is None


def test_one_mail_until_it_is_read_to_those_who_build_and_without_the_text(
    owner: User, colleague: User, viewer: User, reviewer: User
) -> None:
    registration = submitted(owner).registration
    for number in range(5):
        says(registration, reviewer, Side.STAFF, f"Secret plan {number}", asks=number == 3)
    assert conversation.tell_unread() == 0
    time_passes()
    assert (conversation.tell_unread(), conversation.tell_unread()) == (5, 0)
    mails = Mail.objects.filter(kind="message_to_partner")
    assert {mail.address for mail in mails} == {owner.email, colleague.email}
    assert mails.count() == 2
    body = str(render(mails[0]).body)
    assert "They need an answer from you." in body
    assert f"/applications/{registration.application_id}/conversation/" in body
    assert "Secret plan" not in body + str(list(mails.values()))
    says(registration, reviewer, Side.STAFF, "One more")
    time_passes()
    conversation.tell_unread()
    assert mails.count() == 2
    last = registration.messages.last()
    assert last is not None
    conversation.mark_read(registration, side=Side.PARTNER, reader=owner, last=last)
    says(registration, reviewer, Side.STAFF, "And now?")
    time_passes()
    conversation.tell_unread()
    assert (mails.filter(user=owner).count(), mails.filter(user=colleague).count()) == (2, 1)


def test_who_has_read_it_in_time_gets_no_mail(owner: User, reviewer: User) -> None:
    registration = submitted(owner).registration
    message = says(registration, reviewer, Side.STAFF)
    conversation.mark_read(registration, side=Side.PARTNER, reader=owner, last=message)
    time_passes()
    conversation.tell_unread()
    assert not Mail.objects.filter(kind="message_to_partner").exists()


@pytest.mark.parametrize("assigned", [True, False])
def test_the_assigned_reviewer_is_written_to_or_all_while_nobody_is_assigned(
    owner: User, reviewer: User, issuer: User, assigned: bool
) -> None:
    other = User.objects.create_user("second@desk.example")
    other.roles.create(role="reviewer")
    registration = submitted(owner).registration
    if assigned:
        flows.take(registration, actor=staff(reviewer))
    says(registration, owner, Side.PARTNER)
    time_passes()
    conversation.tell_unread()
    told = set(Mail.objects.filter(kind="message_to_desk").values_list("address", flat=True))
    assert told == ({reviewer.email} if assigned else {reviewer.email, other.email})


def test_the_record_says_that_and_by_whom_and_never_what(owner: User) -> None:
    application = submitted(owner)
    says(application.registration, owner, Side.PARTNER, "Between us", asks=True)
    entry = Entry.objects.get(event="message:written")
    assert (entry.actor_id, entry.data) == (owner.pk, {"side": "partner", "asks": True})
    assert "Between us" not in str(list(Entry.objects.values()))


def test_the_export_has_what_somebody_wrote_and_the_erased_leave_words_without_a_name(
    owner: User, colleague: User, reviewer: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    says(application.registration, colleague, Side.PARTNER, "My words")
    document = export.export(colleague, actor=member(colleague))
    assert [row["text"] for row in document["messages_written"]] == ["My words"]
    erasure.erase(colleague, actor=member(colleague))
    shown = signed_in(reviewer).get(desk(application)).context["talk"].messages
    assert [(one.who, one.text) for one in shown] == [("somebody who has left, Example Mobility", "My words")]


def test_what_was_said_is_erased_with_the_description(owner: User, reviewer: User, signed_in: Browser) -> None:
    application = submitted(owner)
    says(application.registration, reviewer, Side.STAFF)
    browser = signed_in(owner)
    browser.get(page(application))
    flows.withdraw(application.registration, actor=member(owner))
    Registration.objects.update(state_since=timezone.now() - timedelta(days=500))
    assert retention.erase_closed() == 1
    assert not Message.objects.exists()
    assert not Reading.objects.exists()
    assert "erased with the description" in browser.get(page(application)).content.decode()
    refused = browser.post(page(application), {"text": "Too late"})
    assert (refused.status_code, Message.objects.count()) == (409, 0)
