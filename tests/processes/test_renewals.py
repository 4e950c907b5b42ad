"""Renewals: a second certificate beside the first, and reminders that come in time and once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from onboarding.credentials import flows, issuing, private_keys, renewing
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.models import Mail
from onboarding.partners.models import Contact, Organisation, User
from onboarding.registrations import flows as registrations
from onboarding.vault.models import Secret
from onboarding.vault.seal import open_secret
from onboarding.web import journey
from tests.conftest import member, staff
from tests.journey import issued, submitted

LAST_DAYS = {59: 60, 29: 30, 10: 14, 5: 7, 2: 3, 0.5: 1}
"""Days left, and the threshold that was crossed last."""


@pytest.fixture
def in_use(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    held = issued(owner, reviewer, issuer, programme="end_user")
    flows.activate(held.certificate_request, actor=member(owner))
    return held


def ends_in(request: CertificateRequest, days: float) -> None:
    CertificateRequest.objects.filter(pk=request.pk).update(not_valid_after=timezone.now() + timedelta(days=days))
    request.refresh_from_db()


def renewed(held: CredentialSet, owner: User, issuer: User) -> CredentialSet:
    renewal = renewing.begin(held.certificate_request, actor=member(owner))
    order = private_keys.order_key(renewal, bits=2048, actor=member(owner))
    private_keys.make_key(order.pk)
    renewal.refresh_from_db()
    issuing.sign_with_embedded_ca(renewal, actor=staff(issuer))
    return renewal.credential_sets.get()


def track(held: CredentialSet) -> journey.Track:
    return journey.track(held.application, "sandbox")


def test_a_renewal_begins_with_the_names_of_the_first_and_twice_is_once(in_use: CredentialSet, owner: User) -> None:
    first, second = (renewing.begin(in_use.certificate_request, actor=member(owner)) for _click in range(2))
    assert first == second
    assert (first.subject, first.custody) == (in_use.certificate_request.subject, "vault")


def test_while_it_is_on_its_way_the_first_one_counts(in_use: CredentialSet, owner: User) -> None:
    renewing.begin(in_use.certificate_request, actor=member(owner))
    now = track(in_use)
    assert now.request == in_use.certificate_request
    assert now.is_complete
    assert now.renewal is not None
    assert now.in_work.request_state == "awaiting_csr"
    turn = journey.track_turn(now)
    assert turn.who == "partner"
    assert turn.text.startswith("Renewal: the certificate in use ends on")


def test_what_was_stored_carries_over_as_copies_that_outlive_one_another(
    in_use: CredentialSet, owner: User, issuer: User
) -> None:
    fresh = renewed(in_use, owner, issuer)
    in_use.refresh_from_db()
    assert fresh.client_id == in_use.client_id
    assert fresh.client_secret is not None
    assert in_use.client_secret is not None
    assert fresh.client_secret != in_use.client_secret
    assert open_secret(fresh.client_secret) == open_secret(in_use.client_secret)
    assert fresh.certificate_request.spki_sha256 != in_use.certificate_request.spki_sha256


def test_the_old_one_stays_in_use_until_the_new_one_has_passed(
    in_use: CredentialSet, owner: User, issuer: User
) -> None:
    fresh = renewed(in_use, owner, issuer)
    now = track(in_use)
    assert (now.request, now.outgoing) == (fresh.certificate_request, in_use.certificate_request)
    assert journey.track_turn(now).title == "Your turn: validate with the new certificate"
    flows.activate(fresh.certificate_request, actor=member(owner))
    in_use.certificate_request.refresh_from_db()
    assert in_use.certificate_request.state == "superseded"
    assert track(in_use).outgoing is None


def test_a_renewal_given_up_leaves_no_key_and_the_first_as_it_was(in_use: CredentialSet, owner: User) -> None:
    keys = Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY, destroyed_at=None).count()
    renewal = renewing.begin(in_use.certificate_request, actor=member(owner))
    order = private_keys.order_key(renewal, bits=2048, actor=member(owner))
    private_keys.make_key(order.pk)
    renewal.refresh_from_db()
    renewing.give_up(renewal, actor=member(owner))
    assert Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY, destroyed_at=None).count() == keys
    assert track(in_use).renewal is None
    with pytest.raises(IllegalTransition):
        renewing.give_up(renewal, actor=member(owner))


def test_a_first_cycle_cannot_be_given_up_and_what_is_not_in_use_not_renewed(owner: User, reviewer: User) -> None:
    application = submitted(owner)
    registrations.take(application.registration, actor=staff(reviewer))
    registrations.approve(application.registration, mzp="MZP128745", actor=staff(reviewer))
    application.refresh_from_db()
    first = flows.open_request(application, "sandbox", actor=member(owner))
    with pytest.raises(IllegalTransition):
        renewing.give_up(first, actor=member(owner))
    with pytest.raises(IllegalTransition):
        renewing.begin(first, actor=member(owner))


@pytest.mark.parametrize("days", LAST_DAYS)
def test_a_threshold_that_was_crossed_is_told_once_to_builders_and_verified_contacts(
    days: float, in_use: CredentialSet, owner: User, colleague: User, viewer: User, partner: Organisation
) -> None:
    Contact.objects.create(organisation=partner, name="Keys", email="keys@x.example", verified_at=timezone.now())
    Contact.objects.create(organisation=partner, name="Nobody", email="unconfirmed@x.example")
    ends_in(in_use.certificate_request, days)
    assert renewing.remind() == 1
    assert renewing.remind() == 0
    mails = Mail.objects.filter(kind="certificate_expiring")
    assert {mail.address for mail in mails} == {owner.email, colleague.email, "keys@x.example"}
    assert {mail.once for mail in mails} == {f"expiring:{in_use.certificate_request.pk}:{LAST_DAYS[days]}"}


def test_each_threshold_is_told_and_a_portal_that_slept_tells_the_latest_only(in_use: CredentialSet) -> None:
    ends_in(in_use.certificate_request, 200)
    now = timezone.now()
    told = [renewing.remind(now + timedelta(days=200 - left)) for left in (150, 59, 58, 29, 6.5, 0.9)]
    assert told == [0, 1, 0, 1, 1, 1]
    assert renewing.remind(now + timedelta(days=201)) == 1
    assert Mail.objects.filter(kind="certificate_expired").count() == 1
    assert renewing.remind(now + timedelta(days=300)) == 0


def test_nobody_is_reminded_of_a_certificate_that_is_followed_or_whose_application_is_closed(
    in_use: CredentialSet, owner: User, issuer: User
) -> None:
    ends_in(in_use.certificate_request, 20)
    fresh = renewed(in_use, owner, issuer)
    ends_in(fresh.certificate_request, 365)
    assert renewing.remind() == 0
    ends_in(fresh.certificate_request, 20)
    type(in_use.application.registration).objects.update(state="suspended")
    assert renewing.remind() == 0


def test_the_turn_is_the_partners_from_sixty_days_before_the_end(in_use: CredentialSet) -> None:
    ends_in(in_use.certificate_request, 61)
    assert journey.track_turn(track(in_use)).action != "Renew"
    ends_in(in_use.certificate_request, 59)
    turn = journey.turn(journey.load(in_use.application))
    assert (turn.title, turn.action) == ("Your turn: renew the certificate", "Renew")
    ends_in(in_use.certificate_request, -1)
    assert journey.turn(journey.load(in_use.application)).title == "Your turn: the certificate has ended"
