"""The verbs in solo mode: the same as in a hub, called by members, with the day and reference of what was answered."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.credentials import flows as credentials
from onboarding.credentials import issuing, recording
from onboarding.credentials.entitlement import NoPartnerLogin
from onboarding.credentials.models import CertificateRequest
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.models import Mail
from onboarding.partners.models import PartnerLogin, User
from onboarding.partners.modes import NotTheirsToDecide
from onboarding.pki.csr import build_csr
from onboarding.registrations import flows, logins
from onboarding.registrations.models import Dispatch
from onboarding.worklist.following import last_holder
from tests.alone.conftest import ago
from tests.alone.stages import MZP, approved, fresh, sent, with_csr
from tests.conftest import member, staff
from tests.corporate_ca import CA, OTHER_KEY
from tests.journey import SUBJECT, described

pytestmark = pytest.mark.django_db


def entry(event: str) -> Entry:
    return Entry.objects.get(event=event)


def test_who_decides_is_a_member_alone_and_staff_in_a_hub(owner: User, reviewer: User, settings: Any) -> None:
    application = sent(owner)
    with pytest.raises(NotTheirsToDecide):
        flows.approve(application.registration, mzp=MZP, actor=staff(reviewer))
    settings.PORTAL_MODE = "hub"
    for verb in (
        lambda: flows.take(application.registration, actor=member(owner)),
        lambda: flows.approve(application.registration, mzp=MZP, actor=member(owner)),
        lambda: flows.decline(application.registration, reason="other", note="", actor=member(owner)),
        lambda: flows.request_changes(application.registration, note="More", actor=member(owner)),
        lambda: recording.record_login(application, mzp=MZP, outside=ago(1), actor=member(owner)),
    ):
        with pytest.raises(NotTheirsToDecide):
            verb()
    application.registration.refresh_from_db()
    assert application.registration.state == "submitted"
    assert not PartnerLogin.objects.exists()


def test_sending_on_submits_what_was_read_and_notes_day_and_reference(owner: User) -> None:
    application = sent(owner, days=9)
    dispatch = Dispatch.objects.get()
    assert application.registration.state == "submitted"
    assert dispatch.submission == application.registration.submissions.get()
    assert (dispatch.sent_on, dispatch.reference) == (timezone.localdate() - timedelta(days=9), "SR-4711")
    happened = entry("registration:submit")
    assert happened.data["happened_on"] == dispatch.sent_on.isoformat()
    assert (happened.data["reference"], happened.actor_id) == ("SR-4711", owner.pk)


def test_a_description_that_changed_since_is_not_noted_as_sent(owner: User) -> None:
    registration = described(owner).registration
    with pytest.raises(flows.ChangedSinceRead):
        recording.send_description(
            registration, seen_version=registration.version - 1, outside=ago(1), actor=member(owner)
        )
    registration.refresh_from_db()
    assert (registration.state, Dispatch.objects.count()) == ("draft", 0)


def test_nobody_is_told_that_it_was_received_for_whoever_sent_it_knows(owner: User) -> None:
    sent(owner)
    assert not Mail.objects.exists()


def test_an_approval_is_recorded_with_the_partner_login_and_the_review_it_implies(owner: User) -> None:
    application = approved(owner)
    assert application.registration.state == "approved"
    assert last_holder(application.registration) is None
    assert application.confirmed_login is not None
    assert application.confirmed_login.mzp == MZP
    assert entry("registration:approve").data["reference"] == "SR-4711"
    assert entry("registration:take").data["implied"] is True
    assert Mail.objects.get().kind == "registration_approved"


def test_changes_asked_for_open_the_description_and_it_is_sent_again(owner: User) -> None:
    application = sent(owner)
    registration = application.registration
    flows.request_changes(registration, comments={"concept": "Which vans?"}, outside=ago(3), actor=member(owner))
    flows.save_answers(
        registration, {"concept": "Our own vans, and when they need service."}, seen_version=registration.version,
        actor=member(owner),
    )  # fmt: skip
    recording.send_description(registration, seen_version=registration.version, outside=ago(1), actor=member(owner))
    assert registration.state == "submitted"
    assert [one.submission.number for one in Dispatch.objects.order_by("sent_on")] == [1, 2]


def test_a_refusal_is_recorded_with_its_reason(owner: User) -> None:
    registration = sent(owner).registration
    flows.decline(registration, reason="capacity", note="Too many.", outside=ago(1), actor=member(owner))
    assert (registration.state, registration.reason, registration.note) == ("declined", "capacity", "Too many.")
    with pytest.raises(IllegalTransition):
        flows.approve(registration, mzp=MZP, outside=ago(0), actor=member(owner))


def test_a_company_that_has_a_login_makes_its_csr_before_the_answer_and_sends_both(owner: User) -> None:
    application = described(owner)
    with pytest.raises(NoPartnerLogin):
        credentials.open_request(application, "production", actor=member(owner))
    recording.record_login(application, mzp=MZP, outside=ago(400, ""), actor=member(owner))
    request = with_csr(fresh(application), owner)
    assert recording.csrs_to_send(application) == [request]
    registration = application.registration
    recording.send_description(
        registration,
        csrs=recording.csrs_to_send(application),
        seen_version=registration.version,
        outside=ago(4),
        actor=member(owner),
    )
    first, second = Dispatch.objects.order_by("-submission")
    assert {first.along_with, second.along_with} == {None, *Dispatch.objects.exclude(submission=None)}
    assert recording.csrs_to_send(application) == []
    assert entry("partner_login:recorded").data["mzp"] == MZP


def test_a_csr_under_another_login_than_the_approval_brings_is_cancelled(owner: User) -> None:
    application = described(owner)
    recording.record_login(application, mzp=MZP, outside=ago(9), actor=member(owner))
    request = with_csr(fresh(application), owner)
    registration = application.registration
    recording.send_description(registration, seen_version=registration.version, outside=ago(5), actor=member(owner))
    recording.record_approval(registration, mzp="MZP999999", outside=ago(1), actor=member(owner))
    request.refresh_from_db()
    assert request.state == "cancelled"
    anew = credentials.open_request(fresh(application), "production", actor=member(owner))
    assert anew.partner_login.mzp == "MZP999999"


def test_a_csr_is_noted_as_sent_once_and_only_as_it_stands(owner: User) -> None:
    request = with_csr(approved(owner), owner)
    recording.send_csr(request, outside=ago(1), actor=member(owner))
    with pytest.raises(recording.SentAlready):
        recording.send_csr(request, outside=ago(0), actor=member(owner))
    credentials.restart(request, actor=member(owner))
    with pytest.raises(IllegalTransition):
        recording.send_csr(request, outside=ago(0), actor=member(owner))
    assert Dispatch.objects.filter(certificate_request_id=request.pk).count() == 1


def test_a_certificate_that_does_not_fit_is_refused_as_in_a_hub(owner: User) -> None:
    request = with_csr(approved(owner), owner)
    wrong = CA.sign(request, CN="MZP000000")
    with pytest.raises(issuing.CertificateRefused):
        issuing.take_in(request, certificate=wrong, ca_certificate=CA.pem, outside=ago(0), actor=member(owner))
    request.refresh_from_db()
    assert request.state == "csr_submitted"
    issuing.take_in(request, certificate=CA.sign(request), ca_certificate=CA.pem, outside=ago(0), actor=member(owner))
    request.refresh_from_db()
    assert request.state == "issued"
    assert entry("certificate_request:receive").data["reference"] == "SR-4711"


def test_a_csr_that_was_refused_there_is_recorded_and_made_anew(owner: User) -> None:
    request = with_csr(approved(owner), owner)
    issuing.refuse_csr(request, note="OU is wrong.", outside=ago(1), actor=member(owner))
    assert (request.state, request.note) == ("csr_refused", "OU is wrong.")
    credentials.restart(request, actor=member(owner))
    assert request.state == "awaiting_csr"


def test_the_sandbox_signs_at_once_also_after_the_approval_for_there_is_nobody_to_ask(owner: User) -> None:
    application = approved(owner)
    request = credentials.open_request(application, "sandbox", actor=member(owner))
    assert request.partner_login.is_of_sandbox
    credentials.describe_key(request, subject=SUBJECT, custody="own")
    assert credentials.submit_csr(request, build_csr(OTHER_KEY, request.subject), actor=member(owner)).fit
    assert CertificateRequest.objects.get(pk=request.pk).state == "issued"


def test_a_login_of_another_company_cannot_be_recorded(owner: User, rival: User) -> None:
    logins.claim_login(rival.organisations.get(), MZP, actor=member(rival))
    with pytest.raises(logins.LoginTaken):
        recording.record_login(described(owner), mzp=MZP, outside=ago(1), actor=member(owner))


def test_a_staff_role_left_over_from_a_hub_counts_for_nothing(reviewer: User) -> None:
    assert reviewer.staff_roles == frozenset()
