"""The audit's pages and files: who reads what, narrowed how; watched, and told when it is not whole."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.models import Checkpoint, Entry, Verification
from onboarding.audit.record import record
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.actors import SYSTEM, Actor, ActorKind
from onboarding.partners.models import Organisation, User
from onboarding.web import audit_watch, auditing
from tests.conftest import member
from tests.journey import submitted
from tests.records.chains import chain_of, chains_hold, edit

AUDIT = "/desk/audit/"


def count(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def labels(client: Client, query: str = "") -> list[str]:
    """What a page lists, in its order."""
    return [row["what"] for row in client.get(f"{AUDIT}?{query}").context["page"].rows]


@pytest.fixture
def auditors(auditor: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(auditor)


def test_it_lists_what_happened_the_latest_first_in_words(owner: User, auditors: Client) -> None:
    application = submitted(owner)
    answer = auditors.get(AUDIT)
    page = answer.content.decode()
    assert next(one for one in labels(auditors) if one != "Signed in") == "Description submitted for review"
    for text in ("Description submitted for review", "Application started", str(owner), application.name, "Signed in"):
        assert text in page


def test_each_filter_narrows(owner: User, rival: User, auditor: User, auditors: Client) -> None:
    application = submitted(owner)
    other = submitted(rival)
    record(
        Event.JOIN_REQUESTED,
        rival,
        actor=Actor(ActorKind.MEMBER, rival.pk, "192.0.2.7"),
        organisation=rival.organisations.get(),
    )
    assert set(labels(auditors, "event=registration:submit")) == {"Description submitted for review"}
    assert len(labels(auditors, f"who={owner.email}")) == Entry.objects.filter(actor_id=owner.pk).count()
    assert len(labels(auditors, f"who={owner.pk}")) == Entry.objects.filter(actor_id=owner.pk).count()
    assert labels(auditors, "address=192.0.2.7") == labels(auditors, "address=192.0.2.") == ["Somebody asked to join"]
    theirs = Entry.objects.filter(chain__organisation=rival.organisations.get()).count()
    assert len(labels(auditors, "organisation=rival")) == theirs
    about = Entry.objects.filter(application_id=application.pk).count()
    assert len(labels(auditors, f"application={application.reference}")) == about
    assert len(labels(auditors, f"application={other.pk}")) == about
    tomorrow = f"{timezone.localdate() + timedelta(days=1)}"
    assert labels(auditors, f"since={tomorrow}") == []
    assert len(labels(auditors, f"until={timezone.localdate()}")) == Entry.objects.count()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("who=nobody@nowhere.example", "Nobody here is called that"),
        ("organisation=nothing", "No company here is called that"),
        ("application=nothing", "No application has this name or number"),
        ("address=here%20and%20there", "This is no network address"),
        ("event=nothing:happened", "Select a valid choice"),
        ("since=yesterday", "Enter a valid date"),
        ("since=2026-02-02&until=2026-02-01", "This day is before the first one"),
        ("who=%00", ""),
    ],
)
def test_a_filter_that_means_nothing_is_explained_beside_it(query: str, words: str, auditors: Client) -> None:
    answer = auditors.get(f"{AUDIT}?{query}")
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert auditors.get(f"{AUDIT}export.csv?{query}").status_code == 404


@pytest.mark.parametrize("mark", ["nonsense", "2026-01-01T00:00:00_", "_", "2026-01-01T00:00:00_" + "0" * 32, "\0"])
def test_a_page_that_there_is_not_is_the_first_one(mark: str, owner: User, auditors: Client) -> None:
    submitted(owner)
    assert auditors.get(AUDIT, {"before": mark}).context["page"].rows


def test_long_histories_are_read_page_by_page_and_each_entry_stands_on_one(
    partner: Organisation, owner: User, auditors: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(auditing, "PAGE_SIZE", 7)
    chain_of(partner, owner, 20)
    Entry.objects.values_list("pk", flat=True)
    seen: list[Any] = []
    mark = ""
    while True:
        page = auditors.get(AUDIT, {"before": mark, "organisation": "Example"}).context["page"]
        seen += [row["entry"].position for row in page.rows]
        mark = page.older
        if not mark:
            break
    assert seen == list(range(20, 0, -1))


def test_a_page_costs_the_same_with_few_and_with_many(
    partner: Organisation, owner: User, rival: User, auditors: Client
) -> None:
    submitted(owner)
    before = count(auditors, AUDIT)
    chain_of(partner, owner, 100)
    for _ in range(3):
        submitted(owner)
        submitted(rival)
    assert count(auditors, AUDIT) == before


def test_who_was_erased_and_what_was_deleted_is_listed_all_the_same(owner: User, auditors: Client) -> None:
    gone = Organisation.objects.create(name="Gone", country="FR")
    person = User.objects.create_user("gone@x.example")
    record(Event.ORGANISATION_CREATED, gone, actor=member(person), organisation=gone)
    gone.delete()
    person.delete()
    assert "somebody who has left" in auditors.get(AUDIT).content.decode()


def test_what_was_written_past_the_portal_is_shown_whatever_it_is(
    partner: Organisation, owner: User, auditors: Client
) -> None:
    chain = chain_of(partner, owner, 3)
    edit(chain, 1, event="nothing:known", data={"member": "nobody", "from": [1], "to": {"a": None}})
    edit(chain, 2, data=["not", "an", "object"])
    page = auditors.get(AUDIT)
    assert page.status_code == 200
    assert "nothing:known" in page.content.decode()
    assert taken(auditors, "csv").count("nothing:known") == 1


# --- Files -------------------------------------------------------------------------------------------------------


def taken(client: Client, kind: str, query: str = "") -> str:
    answer = client.get(f"{AUDIT}export.{kind}?{query}")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def test_json_lines_hold_each_entry_and_its_place_in_the_chain(owner: User, auditors: Client) -> None:
    submitted(owner)
    before = Entry.objects.count()
    lines = [json.loads(line) for line in taken(auditors, "jsonl").splitlines()]
    assert len(lines) >= before
    first = Entry.objects.order_by("occurred_at", "id")[0]
    assert (lines[0]["mac"], lines[0]["position"]) == (first.mac, first.position)


def test_csv_holds_what_the_filters_let_through(owner: User, auditors: Client) -> None:
    submitted(owner)
    rows = list(csv.DictReader(io.StringIO(taken(auditors, "csv", "event=registration:submit"))))
    assert [row["event"] for row in rows] == ["registration:submit"]
    assert rows[0]["organisation"] == "Example Mobility"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_nothing_in_a_csv_is_a_formula(name: str, owner: User, auditors: Client) -> None:
    User.objects.filter(pk=owner.pk).update(name=name)
    submitted(owner)
    rows = list(csv.DictReader(io.StringIO(taken(auditors, "csv", f"who={owner.pk}"))))
    assert {row["actor"] for row in rows} == {f"'{name}"}


def test_taking_it_along_is_recorded_without_what_was_typed(owner: User, auditor: User, auditors: Client) -> None:
    taken(auditors, "csv", f"who={owner.email}&event=account:signed_in")
    entry = Entry.objects.get(event=Event.AUDIT_EXPORTED)
    assert entry.actor_id == auditor.pk
    assert entry.data == {"what": "csv", "filters": {"event": "account:signed_in", "who": "…"}}
    assert chains_hold()


# --- What is recorded besides ------------------------------------------------------------------------------------


def test_a_wrong_password_is_recorded_for_whoever_it_was_tried_on(owner: User) -> None:
    for address in (owner.email, "nobody@nowhere.example"):
        Client().post("/accounts/login/", {"login": address, "password": "wrong password"})
    first, second = Entry.objects.filter(event=Event.SIGN_IN_FAILED).order_by("position")
    assert (first.subject_id, first.actor_id, first.address) == (owner.pk, None, "127.0.0.1")
    assert second.subject_id.int == 0
    assert "nowhere" not in str(list(Entry.objects.values()))


def test_a_changed_profile_and_choice_of_mails_are_recorded(owner: User, signed_in: Callable[[User], Client]) -> None:
    client = signed_in(owner)
    client.post(reverse("profile"), {"name": "Another", "language": "en", "time_zone": "UTC"})
    client.post(reverse("my_mails"), {"categories": ["turn"]})
    profile = Entry.objects.get(event=Event.PROFILE_CHANGED)
    assert profile.data["fields"] == ["name"]
    assert Entry.objects.get(event=Event.MAILS_CHOSEN).data["unwanted"] == ["checks", "conversation", "result"]


def test_settings_are_recorded_when_they_are_other_ones(settings: Any, db: None) -> None:
    audit_watch.note_settings()
    audit_watch.note_settings()
    settings.SEPARATE_DUTIES = not settings.SEPARATE_DUTIES
    audit_watch.note_settings()
    first, second = Entry.objects.filter(event=Event.SETTINGS_CHANGED).order_by("position")
    assert first.data["changed"] == {}
    assert list(second.data["changed"]) == ["SEPARATE_DUTIES"]


# --- Owners ------------------------------------------------------------------------------------------------------


def test_owners_read_their_companys_activity_and_nothing_of_others_or_of_the_desk(
    owner: User, rival: User, reviewer: User, signed_in: Callable[[User], Client], partner: Organisation
) -> None:
    application = submitted(owner)
    submitted(rival)
    actor = Actor(ActorKind.STAFF, reviewer.pk, "192.0.2.99")
    record(Event.REGISTRATION_TAKEN, application, actor=actor, organisation=partner, application_id=application.pk)
    page = signed_in(owner).get(reverse("organisation_activity", args=[partner.pk])).content.decode()
    assert "Description submitted for review" in page
    assert "Mobilisights" in page
    for hidden in ("192.0.2.99", str(reviewer), "Rival"):
        assert hidden not in page


def test_other_members_are_led_back_to_the_companys_page(
    colleague: User, partner: Organisation, signed_in: Callable[[User], Client]
) -> None:
    answer = signed_in(colleague).get(reverse("organisation_activity", args=[partner.pk]))
    assert answer.headers["Location"] == reverse("organisation", args=[partner.pk])


# --- Watched -----------------------------------------------------------------------------------------------------


def test_what_is_due_is_done_and_then_not_again(partner: Organisation, owner: User, settings: Any) -> None:
    chain_of(partner, owner, 3)
    audit_watch.watch()
    audit_watch.watch()
    assert Checkpoint.objects.count() == 1
    verification = Verification.objects.get()
    assert verification.is_whole
    assert len(list(Path(settings.AUDIT_CHECKPOINT_DIR).glob("*.jsonl"))) == 1
    Checkpoint.objects.update(made_at=timezone.now() - timedelta(hours=2))
    Verification.objects.update(began_at=timezone.now() - timedelta(hours=25))
    audit_watch.watch()
    assert (Checkpoint.objects.count(), Verification.objects.count()) == (2, 2)


def test_switched_off_nothing_is_due(partner: Organisation, owner: User, settings: Any) -> None:
    settings.AUDIT_CHECKPOINT_HOURS = settings.AUDIT_VERIFY_HOURS = 0
    audit_watch.watch()
    assert not Checkpoint.objects.exists()
    assert not Verification.objects.exists()


def test_an_audit_that_is_not_whole_is_told_of_once_a_day_and_stands_on_the_page(
    partner: Organisation, owner: User, administrator: User, auditor: User, reviewer: User, auditors: Client
) -> None:
    edit(chain_of(partner, owner, 5), 2, data={})
    audit_watch.verify_all()
    audit_watch.verify_all()
    mails = Mail.objects.filter(kind="audit_tampered")
    assert set(mails.values_list("user", flat=True)) == {administrator.pk, auditor.pk}
    message = render(mails[0])
    assert "not whole" in message.subject
    assert "Entry 2 was edited" in str(message.body)
    page = auditors.get(AUDIT).content.decode()
    assert "The audit is not whole: 1 finding" in page
    assert "Entry 2 was edited" in page


def test_no_checkpoint_is_signed_for_an_audit_that_is_not_whole(
    partner: Organisation, owner: User, administrator: User
) -> None:
    edit(chain_of(partner, owner, 5), 5, data={})
    audit_watch.make_checkpoint()
    assert not Checkpoint.objects.exists()
    assert Mail.objects.filter(kind="audit_tampered").count() == 1


def test_without_the_key_it_says_that_it_could_not_run(partner: Organisation, owner: User, settings: Any) -> None:
    chain_of(partner, owner, 2)
    settings.AUDIT_KEY = "another"
    row = audit_watch.verify_all()
    assert not row.is_whole
    assert "AUDIT_KEY does not hold" in row.error


def test_a_folder_that_cannot_be_written_delays_the_export_and_nothing_else(
    partner: Organisation, owner: User, settings: Any, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    settings.AUDIT_CHECKPOINT_DIR = str(in_the_way / "folder")
    record(Event.ROLE_GRANTED, owner, actor=SYSTEM, organisation=None)
    audit_watch.make_checkpoint()
    assert Checkpoint.objects.count() == 1
    settings.AUDIT_CHECKPOINT_DIR = str(tmp_path / "folder")
    audit_watch.make_checkpoint()
    assert len(list((tmp_path / "folder").iterdir())) == 2
