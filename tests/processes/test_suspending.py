"""Suspending what was approved, and reinstating it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.credentials import flows as credentials
from onboarding.credentials import issuing
from onboarding.credentials.entitlement import ApplicationClosed
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, User
from onboarding.partners.people import OwnOrganisation
from onboarding.registrations import flows
from onboarding.registrations.models import Registration
from onboarding.registrations.states import LIFECYCLE, State
from onboarding.validation import schedule
from onboarding.validation.models import Run
from onboarding.web import journey
from tests.conftest import member, staff
from tests.journey import approved, issued, submitted, with_key


def suspended(registration: Registration, reviewer: User) -> Registration:
    flows.suspend(registration, reason="misuse", note="Say why it calls at night.", actor=staff(reviewer))
    return registration


def test_a_suspended_application_says_why_on_its_page_and_by_mail(
    owner: User, colleague: User, viewer: User, reviewer: User
) -> None:
    application = approved(owner, reviewer)
    suspended(application.registration, reviewer)
    turn = journey.turn(journey.load(application))
    assert turn.title.startswith("Suspended by")
    assert turn.text == "The API is used otherwise than described.\nSay why it calls at night."
    mails = Mail.objects.filter(kind="registration_suspended")
    assert {mail.address for mail in mails} == {owner.email, colleague.email}
    body = str(render(mails[0]).body)
    assert "The API is used otherwise than described." in body
    assert "Say why it calls at night." in body


def test_the_mail_is_in_the_readers_language(owner: User, reviewer: User) -> None:
    owner.language = "fr"
    owner.save()
    suspended(approved(owner, reviewer).registration, reviewer)
    body = str(render(Mail.objects.get(kind="registration_suspended")).body)
    assert "L'API est utilisée autrement que décrit." in body


def test_reinstated_it_is_approved_as_before_and_the_partner_is_told(owner: User, reviewer: User) -> None:
    application = approved(owner, reviewer)
    registration = suspended(application.registration, reviewer)
    flows.reinstate(registration, note="Thank you.", actor=staff(reviewer))
    assert (registration.state, registration.reason, registration.note) == ("approved", "", "")
    assert "Thank you." in str(render(Mail.objects.get(kind="registration_reinstated")).body)
    credentials.open_request(application, "sandbox", actor=member(owner))


def test_both_are_in_the_audit_with_the_reason(owner: User, reviewer: User) -> None:
    registration = suspended(approved(owner, reviewer).registration, reviewer)
    flows.reinstate(registration, actor=staff(reviewer))
    found = Entry.objects.filter(event__in=["registration:suspend", "registration:reinstate"]).order_by("position")
    assert [(one.actor_id, one.data) for one in found] == [
        (reviewer.pk, {"from": "approved", "to": "suspended", "reason": "misuse"}),
        (reviewer.pk, {"from": "suspended", "to": "approved"}),
    ]


def test_nothing_new_can_be_asked_for_meanwhile(owner: User, reviewer: User) -> None:
    application = approved(owner, reviewer)
    suspended(application.registration, reviewer)
    with pytest.raises(ApplicationClosed):
        credentials.open_request(application, "sandbox", actor=member(owner))


def test_an_open_request_is_not_signed_meanwhile_and_is_afterwards(owner: User, reviewer: User, issuer: User) -> None:
    request = with_key(owner, reviewer)
    registration = suspended(request.application.registration, reviewer)
    with pytest.raises(ApplicationClosed):
        issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    request = CertificateRequest.objects.get(pk=request.pk)
    assert (request.state, request.certificate_pem) == ("csr_submitted", "")
    flows.reinstate(registration, actor=staff(reviewer))
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    assert request.state == "issued"


def test_it_leaves_the_schedule_and_comes_back(owner: User, reviewer: User, issuer: User) -> None:
    held = issued(owner, reviewer, issuer)
    CertificateRequest.objects.update(state="active")
    Run.objects.create(credential_set=held, state=Run.State.PASSED)
    Run.objects.update(created_at=timezone.now() - timedelta(days=3))

    def due() -> list[CredentialSet]:
        return schedule.due("sandbox", timezone.now(), 10)

    assert due() == [held]
    registration = suspended(held.application.registration, reviewer)
    assert due() == []
    flows.reinstate(registration, actor=staff(reviewer))
    assert due() == [held]


@pytest.mark.parametrize("state", [state for state in State if not LIFECYCLE.allows(state, "suspend")])
def test_only_what_is_approved_is_suspended(owner: User, reviewer: User, state: str) -> None:
    registration = submitted(owner).registration
    Registration.objects.update(state=state)
    registration.refresh_from_db()
    with pytest.raises(IllegalTransition):
        suspended(registration, reviewer)
    assert not Mail.objects.filter(kind="registration_suspended").exists()


def test_of_two_reviewers_who_suspend_at_once_one_does(owner: User, reviewer: User, second_reviewer: User) -> None:
    registration = approved(owner, reviewer).registration
    stale = Registration.objects.get(pk=registration.pk)
    suspended(registration, reviewer)
    with pytest.raises(IllegalTransition):
        flows.suspend(stale, reason="load", note="Too much.", actor=staff(second_reviewer))
    assert Registration.objects.get().reason == "misuse"
    assert Mail.objects.filter(kind="registration_suspended").count() == 1


def test_nobody_suspends_or_reinstates_for_a_company_of_their_own(
    owner: User, reviewer: User, second_reviewer: User
) -> None:
    registration = approved(owner, reviewer).registration
    Membership.objects.create(organisation=registration.organisation, user=second_reviewer, role="viewer")
    with pytest.raises(OwnOrganisation):
        suspended(registration, second_reviewer)
    suspended(registration, reviewer)
    with pytest.raises(OwnOrganisation):
        flows.reinstate(registration, actor=staff(second_reviewer))
    assert Registration.objects.get().state == "suspended"


def test_a_reason_that_does_not_exist_suspends_nothing(owner: User, reviewer: User) -> None:
    registration = approved(owner, reviewer).registration
    with pytest.raises(ValueError, match="concept"):
        flows.suspend(registration, reason="concept", note="x", actor=staff(reviewer))
    assert Registration.objects.get().state == "approved"
