"""The sandbox at once: every draft can have credentials there without anybody's approval, and nowhere else."""

from typing import Any

import pytest
from cryptography import x509
from django.db import IntegrityError, transaction
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.credentials import flows, issuing, private_keys, sandboxing
from onboarding.credentials.entitlement import OPEN_ELSEWHERE, OPEN_IN_SANDBOX, ApplicationClosed, NoPartnerLogin
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder, SandboxClient
from onboarding.credentials.sets import password_of
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.models import Mail
from onboarding.partners.models import Organisation, PartnerLogin, User
from onboarding.pki import csr, keys
from onboarding.registrations import flows as registrations
from onboarding.registrations import logins
from onboarding.registrations.models import Application
from onboarding.registrations.states import State
from onboarding.registrations.suggestions import suggestions
from onboarding.sandbox.portal_registry import DatabaseRegistry
from onboarding.validation import sandboxing as validating
from onboarding.validation import schedule
from onboarding.validation.models import Run
from onboarding.vault.seal import open_secret
from tests.conftest import member, staff
from tests.journey import SUBJECT, approved, described, issued, submitted

pytestmark = pytest.mark.django_db


def begun(owner: User, programme: str = "fleet_owner") -> Application:
    """A draft with nothing in it."""
    return registrations.start_application(owner.organisations.get(), programme, actor=member(owner))


def with_credentials(owner: User, application: Application) -> CredentialSet:
    """What one click makes, the worker's part included."""
    order = sandboxing.get_credentials(application, actor=member(owner))
    assert order is not None
    private_keys.make_key(order.pk)
    return CredentialSet.objects.get(application=application, retired_at=None)


@pytest.mark.parametrize("programme", ["fleet_owner", "end_user"])
def test_an_empty_draft_gets_a_certificate_and_credentials_in_one_go(owner: User, programme: str) -> None:
    held = with_credentials(owner, begun(owner, programme))
    cycle = held.certificate_request
    assert cycle.state == "issued"
    assert cycle.partner_login.is_of_sandbox
    certificate = x509.load_pem_x509_certificate(cycle.certificate_pem.encode())
    assert certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == cycle.partner_login.mzp
    known = DatabaseRegistry().find(held.client_id)
    assert [one.certificate_sha256 for one in known] == [cycle.certificate_sha256]
    if programme == "fleet_owner":
        password = password_of(held)
        assert password is not None
        assert known[0].password_is(open_secret(password).decode())
    else:
        assert held.client_secret is not None
        assert known[0].secret_is(open_secret(held.client_secret).decode())


def test_its_first_call_follows_in_the_name_of_who_asked_and_only_once(
    owner: User, nothing_queued: list[tuple[str, tuple[str, ...]]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        held = with_credentials(owner, begun(owner))
    (asked,) = [ids for name, ids in nothing_queued if name == private_keys.FIRST_CALL]
    validating.first_call(*asked)
    validating.first_call(*asked)
    validating.sweep()
    assert held.runs.get().requested_by_id == owner.pk


def test_a_first_call_that_nobody_was_told_of_is_found(owner: User) -> None:
    held = with_credentials(owner, begun(owner))
    validating.sweep()
    assert not held.runs.exists()  # it may still be on its way
    KeyOrder.objects.update(finished_at=timezone.now() - 2 * private_keys.LEASE)
    validating.sweep()
    assert held.runs.count() == 1


def test_nobody_of_the_staff_is_asked_and_no_mail_is_sent(owner: User, issuer: User, reviewer: User) -> None:
    with_credentials(owner, begun(owner))
    assert not Mail.objects.exists()


@pytest.mark.parametrize("custody", ["own", "browser"])
def test_a_csr_of_a_draft_is_checked_like_any_other_and_signed_at_once(owner: User, custody: str) -> None:
    cycle = flows.open_request(begun(owner), "sandbox", actor=member(owner))
    flows.describe_key(cycle, subject=SUBJECT, custody=custody)
    key = keys.generate_rsa_key(2048)
    foreign = csr.build_csr(key, cycle.subject | {"CN": "MZP128745"})
    assert not flows.submit_csr(cycle, foreign, actor=member(owner)).fit
    assert cycle.state == "awaiting_csr"
    assert flows.submit_csr(cycle, csr.build_csr(key, cycle.subject), actor=member(owner)).fit
    assert cycle.state == "issued"
    assert cycle.credential_sets.get().client_id


# --- Never anywhere else ---------------------------------------------------------------------------------------------

CLOSED = {State.DECLINED, State.WITHDRAWN, State.SUSPENDED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_where_something_may_be_asked_for_is_a_matter_of_the_registrations_state(
    owner: User, reviewer: User, settings: Any, environment: str, state: State
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application = approved(owner, reviewer) if state in (State.APPROVED, State.SUSPENDED) else described(owner)
    application.registration.state = state
    application.registration.save()
    if state in (OPEN_IN_SANDBOX if environment == "sandbox" else OPEN_ELSEWHERE):
        cycle = flows.open_request(application, environment, actor=member(owner))
        assert cycle.partner_login.is_of_sandbox == (state != State.APPROVED)
        return
    with pytest.raises(ApplicationClosed if state in CLOSED else NoPartnerLogin):
        flows.open_request(application, environment, actor=member(owner))
    assert not CertificateRequest.objects.exists()


def test_a_login_of_the_sandbox_opens_nothing_anywhere_else(owner: User, reviewer: User, settings: Any) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application = approved(owner, reviewer)
    login = logins.sandbox_login(application.organisation, actor=member(owner))
    with pytest.raises(NoPartnerLogin):
        flows.open_request(application, "production", actor=member(owner), login=login)
    Application.objects.filter(pk=application.pk).update(partner_login=login)
    application.refresh_from_db()
    with pytest.raises(NoPartnerLogin):
        flows.open_request(application, "production", actor=member(owner))


def test_approval_brings_the_real_login_for_the_real_environments_and_the_sandbox_keeps_its_own(
    owner: User, reviewer: User, settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application = submitted(owner)
    held = with_credentials(owner, application)
    registrations.take(application.registration, actor=staff(reviewer))
    registrations.approve(application.registration, mzp="MZP128745", actor=staff(reviewer))
    application = Application.objects.get(pk=application.pk)
    assert flows.open_request(application, "production", actor=member(owner)).partner_login.mzp == "MZP128745"
    renewal = flows.open_request(application, "sandbox", actor=member(owner))
    assert renewal.partner_login == held.certificate_request.partner_login


def test_only_its_own_ca_signs_for_a_login_of_the_sandbox_and_only_for_that_at_once(
    owner: User, reviewer: User, issuer: User
) -> None:
    held = with_credentials(owner, begun(owner))
    with pytest.raises(IllegalTransition):
        issuing.take_in(held.certificate_request, certificate=b"", actor=staff(issuer))
    cycle = flows.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    with pytest.raises(IllegalTransition):
        issuing.sign_at_once(cycle)


@pytest.mark.parametrize(
    ("mzp", "environment"), [("SANDBOX-ABC234", ""), ("MZP128745", "sandbox"), ("SANDBOX-ABC234", "production")]
)
def test_the_database_keeps_logins_of_the_sandbox_apart_from_real_ones(
    partner: Organisation, mzp: str, environment: str
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PartnerLogin.objects.create(organisation=partner, mzp=mzp, environment=environment, confirmed_at=timezone.now())


def test_nobody_can_assign_or_claim_a_login_that_looks_like_the_sandboxs(owner: User, reviewer: User) -> None:
    mzp = logins.sandbox_login(owner.organisations.get(), actor=member(owner)).mzp
    with pytest.raises(logins.MalformedLogin):
        logins.assign_login(owner.organisations.get(), mzp, actor=staff(reviewer))
    with pytest.raises(logins.MalformedLogin):
        logins.claim_login(owner.organisations.get(), mzp, actor=member(owner))


# --- Twice, and at once ----------------------------------------------------------------------------------------------


def test_a_second_click_finds_what_the_first_has_begun(owner: User, colleague: User) -> None:
    application = begun(owner)
    first = sandboxing.get_credentials(application, actor=member(owner))
    assert sandboxing.get_credentials(application, actor=member(colleague)) == first
    assert first is not None
    private_keys.make_key(first.pk)
    private_keys.make_key(first.pk)
    assert sandboxing.get_credentials(application, actor=member(colleague)) is None
    assert CertificateRequest.objects.count() == CredentialSet.objects.count() == SandboxClient.objects.count() == 1


def test_of_two_members_who_click_at_the_same_moment_the_later_one_gets_what_the_other_began(
    owner: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = begun(owner)
    wait, orders = sandboxing._one_at_a_time, []

    def overtaken(_application: Application) -> None:
        monkeypatch.setattr(sandboxing, "_one_at_a_time", wait)
        orders.append(sandboxing.get_credentials(application, actor=member(colleague)))

    monkeypatch.setattr(sandboxing, "_one_at_a_time", overtaken)
    orders.append(sandboxing.get_credentials(application, actor=member(owner)))
    assert orders == [KeyOrder.objects.get()] * 2
    assert CertificateRequest.objects.count() == PartnerLogin.objects.count() == 1


def test_of_two_logins_made_for_the_sandbox_at_the_same_moment_one_stays(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation, made = owner.organisations.get(), []

    def while_a_colleague_is_quicker(letters: str) -> str:
        monkeypatch.undo()
        made.append(logins.sandbox_login(organisation, actor=member(owner)))
        return letters[0]

    monkeypatch.setattr(logins.secrets, "choice", while_a_colleague_is_quicker)
    made.append(logins.sandbox_login(organisation, actor=member(owner)))
    assert made == [PartnerLogin.objects.get()] * 2


def test_applications_of_one_organisation_share_the_sandboxs_login_and_its_password(owner: User) -> None:
    first, second = with_credentials(owner, begun(owner)), with_credentials(owner, begun(owner))
    assert first.certificate_request.partner_login == second.certificate_request.partner_login
    assert first.client_id != second.client_id
    password = password_of(first)
    assert password is not None
    for held in (first, second):
        assert DatabaseRegistry().find(held.client_id)[0].password_is(open_secret(password).decode())


def test_names_that_a_certificate_cannot_have_are_told_and_kept_to_be_mended(owner: User) -> None:
    application = described(owner, company="<your company>")
    with pytest.raises(private_keys.SubjectUnfit):
        sandboxing.get_credentials(application, actor=member(owner))
    cycle = CertificateRequest.objects.get()
    assert cycle.subject["O"] == "<your company>"
    assert not cycle.key_orders.exists()


def test_where_no_key_may_be_kept_here_it_is_not_offered_in_one_go(owner: User, settings: Any) -> None:
    settings.KEY_CUSTODIES = ["browser", "own"]
    with pytest.raises(sandboxing.NotOffered):
        sandboxing.get_credentials(begun(owner), actor=member(owner))
    assert not CertificateRequest.objects.exists()


def test_what_was_begun_with_the_companys_own_login_gives_way_while_nothing_was_submitted(
    owner: User, reviewer: User
) -> None:
    application = approved(owner, reviewer)
    waiting = flows.open_request(application, "sandbox", actor=member(owner))
    held = with_credentials(owner, application)
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    assert held.certificate_request.partner_login.is_of_sandbox


# --- The end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "is_called"), [(State.DRAFT, True), (State.DECLINED, False), (State.WITHDRAWN, False)]
)
def test_a_set_is_called_by_itself_until_its_application_comes_to_its_end(
    owner: User, state: State, is_called: bool
) -> None:
    held = with_credentials(owner, begun(owner))
    flows.activate(held.certificate_request, actor=member(owner))
    Run.objects.create(credential_set=held, state="passed")
    Run.objects.update(created_at=timezone.now() - timezone.timedelta(days=30))
    held.application.registration.state = state
    held.application.registration.save()
    assert schedule.due("sandbox", timezone.now(), 10) == ([held] if is_called else [])


def test_a_withdrawn_application_submits_nothing_more(owner: User) -> None:
    application = begun(owner)
    order = sandboxing.get_credentials(application, actor=member(owner))
    assert order is not None
    registrations.withdraw(application.registration, actor=member(owner))
    private_keys.make_key(order.pk)
    order.refresh_from_db()
    assert order.state == "cancelled"
    assert not CredentialSet.objects.exists()
    with pytest.raises(ApplicationClosed):
        sandboxing.get_credentials(application, actor=member(owner))


def test_what_is_in_the_sandbox_can_be_deleted_and_begun_anew(owner: User) -> None:
    application = begun(owner, "end_user")
    held = with_credentials(owner, application)
    key, secret = held.certificate_request.key, held.client_secret
    run = Run.objects.create(credential_set=held)
    assert validating.delete_credentials(application, actor=member(owner))
    assert not validating.delete_credentials(application, actor=member(owner))
    for gone in (key, secret):
        assert gone is not None
        gone.refresh_from_db()
        assert gone.destroyed_at
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert DatabaseRegistry().find(held.client_id) == []
    assert Entry.objects.filter(event="certificate_request:discard").count() == 1
    assert with_credentials(owner, application).pk != held.pk


def test_deleting_leaves_the_other_applications_of_the_organisation_as_they_are(owner: User) -> None:
    first, second = with_credentials(owner, begun(owner)), with_credentials(owner, begun(owner))
    validating.delete_credentials(first.application, actor=member(owner))
    password = password_of(second)
    assert password is not None
    assert DatabaseRegistry().find(second.client_id)[0].password_is(open_secret(password).decode())


def test_deleting_touches_no_real_environment(owner: User, reviewer: User, issuer: User) -> None:
    held = issued(owner, reviewer, issuer)
    CertificateRequest.objects.update(environment="production")
    CredentialSet.objects.update(environment="production")
    assert not validating.delete_credentials(held.application, actor=member(owner))
    held.certificate_request.refresh_from_db()
    assert held.certificate_request.state == "issued"


def test_the_sandboxs_login_is_not_suggested_to_a_description_as_the_companys(owner: User) -> None:
    draft = registrations.start_application(owner.organisations.get(), "fleet_owner", actor=member(owner))
    logins.sandbox_login(draft.organisation, actor=member(owner))
    assert suggestions(draft.registration, owner)["mzp"] == ""
