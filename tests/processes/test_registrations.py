"""Describing, submitting, deciding."""

import pytest

from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.models import Mail
from onboarding.partners.models import PartnerLogin, User
from onboarding.registrations import flows, logins
from onboarding.registrations.models import Registration
from tests.conftest import member, staff
from tests.journey import ANSWERS, approved, described, submitted


def test_a_submission_is_a_snapshot_that_later_edits_do_not_change(owner: User, reviewer: User) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    flows.request_changes(registration, note="Say which depots.", actor=staff(reviewer))
    flows.save_answers(
        registration, {"concept": "Now with depots."}, seen_version=registration.version, actor=member(owner)
    )
    flows.submit(registration, actor=member(owner))
    first, second = registration.submissions.all()
    assert first.answers["concept"] == ANSWERS["concept"]
    assert second.answers["concept"] == "Now with depots."


def test_an_incomplete_description_is_not_submitted_and_says_what_is_missing(owner: User) -> None:
    registration = described(owner, gdpr=False, brands=[]).registration
    with pytest.raises(flows.Incomplete) as caught:
        flows.submit(registration, actor=member(owner))
    assert [question.name for question in caught.value.questions] == ["brands", "gdpr"]
    assert Registration.objects.get(pk=registration.pk).state == "draft"


def test_submitting_twice_makes_one_submission(owner: User) -> None:
    registration = described(owner).registration
    stale = Registration.objects.get(pk=registration.pk)
    flows.submit(registration, actor=member(owner))
    with pytest.raises(IllegalTransition):
        flows.submit(stale, actor=member(owner))
    assert registration.submissions.count() == 1


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(owner: User) -> None:
    registration = described(owner).registration
    seen = registration.version
    theirs = Registration.objects.get(pk=registration.pk)
    flows.save_answers(registration, {"concept": "Mine."}, seen_version=seen, actor=member(owner))
    with pytest.raises(flows.EditedMeanwhile):
        flows.save_answers(theirs, {"concept": "Theirs."}, seen_version=seen, actor=member(owner))
    assert Registration.objects.get(pk=registration.pk).answers["concept"] == "Mine."


def test_a_submitted_description_cannot_be_edited(owner: User) -> None:
    registration = submitted(owner).registration
    with pytest.raises(IllegalTransition):
        flows.save_answers(
            registration, {"concept": "Too late."}, seen_version=registration.version, actor=member(owner)
        )


def test_approval_assigns_the_partner_login_and_confirms_it_for_a_second_application(
    owner: User, reviewer: User
) -> None:
    first = approved(owner, reviewer, mzp="MZP128745")
    second = approved(owner, reviewer, programme="end_user", mzp="MZP128745")
    assert first.partner_login == second.partner_login
    assert PartnerLogin.objects.count() == 1


@pytest.mark.parametrize("mzp", ["MZP128745", "mzp128745"])
def test_a_partner_login_of_another_company_is_never_assigned(
    owner: User, rival: User, reviewer: User, mzp: str
) -> None:
    approved(owner, reviewer, mzp="MZP128745")
    registration = submitted(rival).registration
    flows.take(registration, actor=staff(reviewer))
    with pytest.raises((logins.LoginTaken, logins.MalformedLogin)):
        flows.approve(registration, mzp=mzp, actor=staff(reviewer))
    assert Registration.objects.get(pk=registration.pk).state == "in_review"
    assert PartnerLogin.objects.get().organisation == owner.organisations.get()


def test_a_retired_partner_login_is_never_reissued(owner: User, reviewer: User) -> None:
    login = approved(owner, reviewer).partner_login
    assert login is not None
    login.retired_at = login.assigned_at
    login.save()
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    with pytest.raises(logins.LoginTaken):
        flows.approve(registration, mzp=login.mzp, actor=staff(reviewer))


def test_each_decision_is_written_to_those_who_build_and_to_no_rival(
    owner: User, colleague: User, viewer: User, rival: User, reviewer: User
) -> None:
    approved(owner, reviewer)
    told = set(Mail.objects.filter(kind="registration_approved").values_list("address", flat=True))
    assert told == {owner.email, colleague.email}
    to_review = set(Mail.objects.filter(kind="registration_to_review").values_list("address", flat=True))
    assert to_review == {reviewer.email}


def test_declining_keeps_the_reason_and_tells_the_partner(owner: User, reviewer: User) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    flows.decline(registration, reason="data", note="Position is not needed.", actor=staff(reviewer))
    registration.refresh_from_db()
    assert (registration.state, registration.reason) == ("declined", "data")
    assert (
        Mail.objects.get(kind="registration_declined", address=owner.email).params["note"] == "Position is not needed."
    )
