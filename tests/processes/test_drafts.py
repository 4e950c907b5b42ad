"""Two people at one draft: whatever each of them changes, no change is lost without a word."""

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.registrations.description import applicable, chosen_items, missing, settled
from onboarding.registrations.drafts import differences, is_same, merge
from onboarding.registrations.models import DraftEdit, Registration
from onboarding.worklist.targets import working_days_after
from tests.conftest import member
from tests.journey import ANSWERS, described

NAMES = ("name", "concept", "vehicles", "brands", "data_items")
SOME_ANSWERS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from([None, "", "one", "two", 3, [], ["x"], ["x", "y"]]) for name in NAMES}
)


def edits_of(*versions: dict[str, Any]) -> list[DraftEdit]:
    """The edits that led from each version of the answers to the next."""
    return [
        DraftEdit(version=number, before=differences(before, after), edited_at=timezone.now())
        for number, (before, after) in enumerate(pairwise(versions), start=1)
    ]


@settings(max_examples=200, deadline=None)
@given(seen=SOME_ANSWERS, first=SOME_ANSWERS, second=SOME_ANSWERS, mine=SOME_ANSWERS)
def test_each_answer_is_taken_kept_or_put_before_a_person(
    seen: dict[str, Any], first: dict[str, Any], second: dict[str, Any], mine: dict[str, Any]
) -> None:
    versions = (seen, seen | first, seen | first | second)
    now = versions[-1]
    result = merge(mine, now, edits_of(*versions), user_id=None)
    conflicts = {conflict.name for conflict in result.conflicts}
    assert not conflicts & (result.changes.keys() | result.theirs.keys())
    for name, sent in mine.items():
        i_changed = not is_same(sent, seen.get(name))
        they_changed = not is_same(now.get(name), seen.get(name))
        agreed = is_same(sent, now.get(name))
        both = i_changed and they_changed and not agreed
        together = both and name in {one.name for one in result.together}
        assert together in (False, isinstance(sent, list) and isinstance(now.get(name), list))
        assert (name in conflicts) == (both and not together)
        assert (name in result.changes) == (together or (i_changed and not they_changed and not agreed))
        assert (name in result.theirs) == (they_changed and not i_changed)


CHOICE = st.lists(st.sampled_from("abcdef"), unique=True)


@given(before=CHOICE, theirs=CHOICE, mine=CHOICE)
def test_of_two_choices_each_item_is_as_whoever_changed_it_has_left_it(
    before: list[str], theirs: list[str], mine: list[str]
) -> None:
    result = merge({"brands": mine}, {"brands": theirs}, edits_of({"brands": before}, {"brands": theirs}), user_id=None)
    now = result.changes.get("brands", theirs)
    if result.conflicts:  # nothing would be left, which neither asked for: a person decides
        assert not set(before) & set(mine) & set(theirs)
        return
    assert len(now) == len(set(now))
    for item in "abcdef":
        was, is_mine, is_theirs = item in before, item in mine, item in theirs
        assert (item in now) == (is_theirs if is_mine == was else is_mine)


def test_a_change_that_comes_between_reading_and_writing_is_merged_too(
    owner: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = described(owner).registration
    others = [Registration.objects.get(pk=registration.pk)]

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        result = merge(*args, **kwargs)
        if others:
            flows.save_answers(others.pop(), {"name": "Theirs"}, seen_version=1, actor=member(colleague))
        return result

    monkeypatch.setattr(flows, "merge", interrupted)
    flows.save_answers(registration, {"concept": "Mine."}, seen_version=1, actor=member(owner))
    registration.refresh_from_db()
    assert (registration.answers["name"], registration.answers["concept"]) == ("Theirs", "Mine.")
    assert [edit.before for edit in registration.edits.all()][1:] == [
        {"name": ANSWERS["name"]},
        {"concept": ANSWERS["concept"]},
    ]


def test_a_save_that_changes_nothing_makes_no_version(owner: User) -> None:
    registration = described(owner).registration
    flows.save_answers(registration, ANSWERS, seen_version=1, actor=member(owner))
    assert Registration.objects.get().version == 1


def test_a_submission_is_never_written_again(owner: User) -> None:
    submission = flows.submit(described(owner).registration, actor=member(owner))
    submission.answers["concept"] = "Other."
    with pytest.raises(TypeError):
        submission.save()


def test_requests_follow_from_vehicles_and_calls_and_are_missing_without_them() -> None:
    counted = {"programme": "fleet_owner", "usage_basis": "vehicles", "vehicles": 3, "calls_per_day": 0.14}
    assert settled(counted)["requests_per_month"] == 13
    assert settled(counted | {"vehicles": None, "requests_per_month": 5})["requests_per_month"] is None


def test_only_what_is_asked_is_missing_and_only_what_is_asked_is_submitted() -> None:
    answers = {"programme": "end_user", "data_items": ["speed", "monitor_zone"], "purpose_monitor": "x", "vehicles": 3}
    names = [question.name for question in missing(answers)]
    assert "purpose_telemetry" in names
    assert "callback_url" in names
    assert "purpose_monitor" not in names
    assert list(chosen_items(answers)) == ["telemetry"]
    assert applicable(answers) == {"programme": "end_user", "data_items": ["speed"]}


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [("2026-11-27", 1, "2026-11-30"), ("2026-11-27", 5, "2026-12-04"), ("2026-11-28", 1, "2026-11-30")],
)
def test_working_days_leave_weekends_out(start: str, days: int, end: str) -> None:
    assert working_days_after(date.fromisoformat(start), days) == date.fromisoformat(end)
