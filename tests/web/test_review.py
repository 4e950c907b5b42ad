"""While others decide: what changed, what reviewers ask for, and starting again from a copy."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.registrations.description import STEPS
from onboarding.registrations.models import Application
from onboarding.registrations.reopening import open_steps
from onboarding.registrations.revisions import changes
from tests.conftest import member, staff
from tests.journey import ANSWERS, submitted

Browser = Callable[[User], Client]


def given_back(owner: User, reviewer: User, note: str = "Say which depots.", **kwargs: Any) -> Application:
    application = submitted(owner)
    flows.take(application.registration, actor=staff(reviewer))
    flows.request_changes(application.registration, note=note, actor=staff(reviewer), **kwargs)
    return application


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {}, []),
        ({"concept": "A"}, {"concept": "B"}, [("concept", "A", "B")]),
        ({"mzp": ""}, {"mzp": None}, []),
        ({"brands": ["ds", "opel"]}, {"brands": ["opel", "ds"]}, []),
        ({"callback_url": "https://a.example/"}, {}, []),  # of the other programme
        ({"vehicles": 5}, {"usage_basis": "vehicles", "vehicles": 6}, [("usage_basis", None, "vehicles"),
                                                                       ("vehicles", None, 6)]),
    ],
)  # fmt: skip
def test_only_answers_that_are_asked_and_say_something_else_have_changed(
    before: dict[str, object], after: dict[str, object], found: list[tuple[str, object, object]]
) -> None:
    base = {"programme": "fleet_owner", "name": "Depots"}
    compared = changes(base | before, base | after)
    assert [(one.question.name, one.before, one.after) for one in compared] == found


def test_of_an_erased_description_no_change_is_told() -> None:
    assert changes({}, {"programme": "fleet_owner", "name": "Depots"}) == []


def test_what_changed_since_the_last_submission_is_shown_to_the_partner_and_to_reviewers(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = given_back(owner, reviewer)
    registration = application.registration
    pages = f"/applications/{application.pk}/describe"
    browser = signed_in(owner)
    assert browser.get(f"{pages}/receipt/1/").context["differences"] == []
    assert browser.get(f"{pages}/check/").context["differences"] == []
    new = {"concept": "Now with depots.", "data_items": [*ANSWERS["data_items"], "speed"]}
    flows.save_answers(registration, new, seen_version=registration.version, actor=member(owner))
    check = browser.get(f"{pages}/check/")
    assert [one["name"] for one in check.context["differences"]] == ["concept", "data_items"]
    assert dict(check.context["differences"][0]["sides"]) == {
        "Before": [ANSWERS["concept"]],
        "Now": ["Now with depots."],
    }
    assert "What changed since the last submission" in check.content.decode()
    flows.submit(registration, actor=member(owner))
    for response in (
        browser.get(f"{pages}/receipt/2/"),
        signed_in(reviewer).get(f"/desk/registrations/{registration.pk}/"),
    ):
        assert [one["name"] for one in response.context["differences"]] == ["concept", "data_items"]
        assert ANSWERS["concept"] in response.content.decode()


def test_a_reviewers_comment_stands_beside_its_field_in_the_mail_and_before_submitting_until_then(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = submitted(owner)
    registration = application.registration
    flows.take(registration, actor=staff(reviewer))
    url = f"/desk/registrations/{registration.pk}/request_changes/"
    desk = signed_in(reviewer)
    refused = desk.post(url, {"comment_concept": "  "})
    assert refused.status_code == 422
    assert "note" in refused.context["changes"].errors
    assert desk.post(url, {"comment_concept": "Which depots?", "comment_nothing": "?"}).status_code == 302
    registration.refresh_from_db()
    assert (registration.comments, registration.reopened) == ({"concept": "Which depots?"}, ["concept"])
    mail = Mail.objects.filter(kind="registration_changes_requested").first()
    assert mail is not None
    assert "Concept: Which depots?" in render(mail).body
    browser, pages = signed_in(owner), f"/applications/{application.pk}/describe"
    for page in ("concept", "check"):
        assert "asks: Which depots?" in browser.get(f"{pages}/{page}/").content.decode()
    flows.submit(registration, actor=member(owner))
    assert (registration.comments, registration.reopened) == ({}, [])
    assert [one.comments for one in registration.submissions.all()] == [{}, {"concept": "Which depots?"}]


def test_with_comments_only_their_steps_are_reopened_and_come_first(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    application = given_back(owner, reviewer, note="", comments={"environments": "Production, too?"})
    registration = application.registration
    with pytest.raises(flows.NotReopened):
        flows.save_answers(registration, {"concept": "New."}, seen_version=registration.version, actor=member(owner))
    browser, pages = signed_in(owner), f"/applications/{application.pk}/describe"
    assert browser.get(f"{pages}/concept/").headers["Location"] == f"{pages}/check/"
    sent = {"version": registration.version, "name": "Depots", "concept": "Typed in vain."}
    refused = browser.post(f"{pages}/concept/", sent)
    assert (refused.status_code, "Typed in vain." in refused.content.decode()) == (409, True)
    first, *others = browser.get(f"{pages}/check/").context["steps"]
    assert (first["asked"], first["href"]) == (True, f"{pages}/environments/")
    assert {one["href"] for one in others[:-1]} == {None}


@pytest.mark.parametrize("asked", [{"note": "More."}, {"note": "", "comments": {"concept": "More."}, "whole": True}])
def test_with_a_general_note_alone_or_if_the_reviewer_says_so_all_is_reopened(
    owner: User, reviewer: User, asked: dict[str, Any]
) -> None:
    registration = given_back(owner, reviewer, **asked).registration
    assert len(open_steps(registration)) == len(STEPS)


def test_what_a_change_makes_necessary_is_reopened_too(owner: User, reviewer: User) -> None:
    registration = given_back(owner, reviewer, note="", comments={"data_items": "And the fuel?"}).registration
    assert open_steps(registration) == {"data"}
    more = {"data_items": [*ANSWERS["data_items"], "monitor_zone"]}
    flows.save_answers(registration, more, seen_version=registration.version, actor=member(owner))
    assert open_steps(registration) == {"data", "purposes"}
