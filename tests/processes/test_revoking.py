"""Revoking: by staff, by the partner, at the CA; and what follows from it."""

import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from django.test import Client
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.credentials import (
    flows,
    issuing,
    private_keys,
    renewing,
    revocation_lists,
    revoking,
    sandboxing,
    signing,
)
from onboarding.credentials.issuers import CertificateProfile, Signed, Unreachable
from onboarding.credentials.models import CertificateRequest, CredentialSet, IssuerOrder, RevocationList
from onboarding.credentials.reasons import Reason
from onboarding.credentials.sets import store_credentials
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, Organisation, User
from onboarding.partners.modes import NotTheirsToDecide
from onboarding.partners.people import OwnOrganisation
from onboarding.pki.csr import build_csr
from onboarding.registrations.models import Application
from onboarding.sandbox.management.commands.sandbox import revoked_since
from onboarding.validation.flows import execute, request_run
from onboarding.vault.models import Secret
from onboarding.web import journey
from onboarding.worklist.models import Item
from tests.conftest import member, staff
from tests.corporate_ca import CA, KEY, OTHER_KEY, submitted
from tests.journey import issued
from tests.programs import require

Browser = Callable[[User], Client]
WHY = {"reason": "keyCompromise", "note": "The key was on a public page."}


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    """Credentials of the sandbox, with a key that is sealed here."""
    return issued(owner, reviewer, issuer)


@pytest.fixture
def real(owner: User, reviewer: User, issuer: User, settings: Any) -> CertificateRequest:
    """A certificate of the corporate CA's, for the car maker's API."""
    settings.FLEET_ENVIRONMENTS = ["production"]
    request = submitted(owner, reviewer)
    issuing.take_in(request, certificate=CA.sign(request), ca_certificate=CA.pem, actor=staff(issuer))
    return request


def track(request: CertificateRequest) -> journey.Track:
    return journey.track(Application.objects.get(pk=request.application_id), request.environment)


def serials() -> set[str]:
    crl = x509.load_der_x509_crl(bytes(revocation_lists.current().der))
    return {f"{one.serial_number:x}" for one in crl}


def test_staff_revoke_for_good_and_all_is_told(held: CredentialSet, owner: User, issuer: User) -> None:
    request = held.certificate_request
    key = request.key_id
    revoking.revoke(request, **WHY, actor=staff(issuer))
    assert (request.state, request.revocation_reason, request.key) == ("revoked", Reason.KEY_COMPROMISE, None)
    assert Secret.objects.get(pk=key).destroyed_at is not None
    entry = Entry.objects.get(event="certificate_request:revoke")
    assert (entry.data["reason"], entry.data["serial_number"]) == ("keyCompromise", request.serial_number)
    body = str(render(Mail.objects.get(kind="certificate_revoked", address=owner.email)).body)
    assert "The private key is, or may be, in the wrong hands." in body
    assert "The key was on a public page." in body
    assert serials() == {request.serial_number}


def test_a_second_revocation_changes_nothing(held: CredentialSet, issuer: User) -> None:
    other = CertificateRequest.objects.get(pk=held.certificate_request_id)
    revoking.revoke(held.certificate_request, **WHY, actor=staff(issuer))
    with pytest.raises(IllegalTransition):
        revoking.revoke(other, reason="superseded", note="x", actor=staff(issuer))
    other.refresh_from_db()
    assert other.revocation_reason == "keyCompromise"
    assert RevocationList.objects.count() == 1


def test_nobody_revokes_for_their_own_company_at_the_desk(
    held: CredentialSet, issuer: User, partner: Organisation
) -> None:
    Membership.objects.create(organisation=partner, user=issuer, role="viewer")
    with pytest.raises(OwnOrganisation):
        revoking.revoke(held.certificate_request, **WHY, actor=staff(issuer))


def test_a_reason_that_does_not_exist_is_none(held: CredentialSet, issuer: User) -> None:
    with pytest.raises(ValueError, match="certificateHold"):
        revoking.revoke(held.certificate_request, reason="certificateHold", note="x", actor=staff(issuer))


# --- What follows ---


def test_the_partner_reads_what_happened_and_goes_on_with_a_new_key(
    held: CredentialSet, owner: User, issuer: User, signed_in: Browser
) -> None:
    request = held.certificate_request
    revoking.revoke(request, **WHY, actor=staff(issuer))
    one = track(request)
    turn = journey.track_turn(one)
    assert (turn.who, turn.title, turn.href) == (
        "partner",
        "Your turn: the certificate was revoked",
        one.url("certificate"),
    )
    shown = signed_in(owner).get(one.url("certificate")).content.decode()
    assert "The key was on a public page." in shown
    assert one.url("sandbox_start") in shown
    order = sandboxing.get_credentials(request.application, actor=member(owner))
    assert order is not None
    private_keys.make_key(order.pk)
    fresh = track(request)
    assert fresh.request is not None
    assert (fresh.request.pk != request.pk, fresh.has_certificate) == (True, True)
    assert fresh.credential_set.client_id == held.client_id


def test_outside_the_sandbox_a_new_key_can_be_made_from_there(
    real: CertificateRequest, owner: User, issuer: User, signed_in: Browser
) -> None:
    revoking.revoke(real, **WHY, actor=staff(issuer))
    client, one = signed_in(owner), track(real)
    assert one.url("key") in client.get(one.url("certificate")).content.decode()
    page = client.get(one.url("key"))
    assert (page.status_code, "Example Mobility" in page.content.decode()) == (200, True)
    fresh = flows.open_request(real.application, "production", actor=member(owner))
    assert fresh.pk != real.pk
    assert track(real).request == fresh


def test_a_key_that_was_exposed_is_refused_in_a_new_csr(real: CertificateRequest, owner: User, issuer: User) -> None:
    revoking.revoke(real, **WHY, actor=staff(issuer))
    fresh = flows.open_request(real.application, "production", actor=member(owner))
    flows.describe_key(fresh, subject=real.subject, custody="own")
    report = flows.submit_csr(fresh, build_csr(KEY, fresh.subject), actor=member(owner))
    assert "key_exposed" in [finding.code for finding in report.findings]
    assert not report.fit


def test_client_id_and_secret_carry_over_to_the_certificate_that_follows(
    real: CertificateRequest, owner: User, issuer: User
) -> None:
    store_credentials(real.credential_sets.get(), actor=member(owner), client_id="client-1")
    revoking.revoke(real, **WHY, actor=staff(issuer))
    fresh = flows.open_request(real.application, "production", actor=member(owner))
    flows.describe_key(fresh, subject=real.subject, custody="own")
    assert flows.submit_csr(fresh, build_csr(OTHER_KEY, fresh.subject), actor=member(owner)).fit
    issuing.take_in(fresh, certificate=CA.sign(fresh), ca_certificate=CA.pem, actor=staff(issuer))
    assert fresh.credential_sets.get().client_id == "client-1"


def test_a_renewal_that_is_revoked_leaves_the_certificate_in_use(
    held: CredentialSet, owner: User, issuer: User
) -> None:
    request = held.certificate_request
    flows.activate(request, actor=member(owner))
    renewal = renewing.begin(request, actor=member(owner))
    order = private_keys.order_key(renewal, bits=2048, actor=member(owner))
    private_keys.make_key(order.pk)
    renewal.refresh_from_db()
    issuing.sign_with_embedded_ca(renewal, actor=staff(issuer))
    revoking.revoke(renewal, reason="superseded", note="x", actor=staff(issuer))
    assert track(request).request == request
    revoking.revoke(request, reason="superseded", note="x", actor=staff(issuer))
    assert track(request).is_revoked
    assert serials() == {request.serial_number, renewal.serial_number}


# --- Races ---


def test_a_run_that_waits_says_that_the_certificate_is_revoked_and_makes_no_call(
    held: CredentialSet, owner: User, issuer: User
) -> None:
    run = request_run(held, actor=member(owner))
    revoking.revoke(held.certificate_request, **WHY, actor=staff(issuer))
    execute(run.pk)
    run.refresh_from_db()
    failed = [check for check in run.checks if check["result"] == "failed"]
    assert [(check["code"], check["turn"]) for check in failed] == [("certificate_revoked", "partner")]
    assert run.state == "failed"


def test_what_is_revoked_during_a_call_does_not_come_into_use(held: CredentialSet, owner: User, issuer: User) -> None:
    seen_before = CertificateRequest.objects.get(pk=held.certificate_request_id)
    revoking.revoke(held.certificate_request, **WHY, actor=staff(issuer))
    assert not flows.activate(seen_before, actor=member(owner))
    assert seen_before.state == "revoked"


def test_a_certificate_that_was_revoked_meanwhile_is_not_superseded(
    held: CredentialSet, owner: User, issuer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = held.certificate_request
    flows.activate(request, actor=member(owner))
    renewal = renewing.begin(request, actor=member(owner))
    CertificateRequest.objects.filter(pk=renewal.pk).update(state="issued")
    renewal.refresh_from_db()
    advance = flows.advance

    def first_revoked(row: CertificateRequest, *args: Any, **options: Any) -> CertificateRequest:
        if row.pk == request.pk:
            revoking.revoke(CertificateRequest.objects.get(pk=row.pk), **WHY, actor=staff(issuer))
        return advance(row, *args, **options)

    monkeypatch.setattr(flows, "advance", first_revoked)
    assert flows.activate(renewal, actor=member(owner))
    request.refresh_from_db()
    assert (request.state, renewal.state) == ("revoked", "active")


# --- The partner's own ---


def test_in_the_sandbox_a_partner_revokes_at_once(held: CredentialSet, owner: User, signed_in: Browser) -> None:
    client, url = signed_in(owner), track(held.certificate_request).url("certificate_revoke")
    shown = client.get(url).content.decode()
    assert "No other certificate: calls stop until a new one is issued." in shown
    assert "Its private key, sealed here: it is destroyed." in shown
    given = WHY | {"certificate": str(held.certificate_request_id)}
    assert "Revoked, for good." in client.post(url, given, follow=True).content.decode()
    held.certificate_request.refresh_from_db()
    assert held.certificate_request.state == "revoked"
    assert client.get(url).status_code == 302


def test_elsewhere_it_becomes_work_for_the_issuers_until_it_is_done(
    real: CertificateRequest, owner: User, issuer: User, signed_in: Browser
) -> None:
    client, url = signed_in(owner), track(real).url("certificate_revoke")
    with pytest.raises(NotTheirsToDecide):
        revoking.revoke(real, **WHY, actor=member(owner))
    for _twice in range(2):
        client.post(url, WHY | {"certificate": str(real.pk)})
    real.refresh_from_db()
    assert real.state == "issued"
    assert list(Item.objects.filter(closed_at=None).values_list("stage", flat=True)) == ["revoke"]
    assert Mail.objects.filter(kind="revocation_to_do", address=issuer.email).count() == 1
    turn = journey.track_turn(track(real))
    assert (turn.who, turn.is_setback) == ("operator", True)
    assert "This certificate is to be revoked" in client.get(track(real).url("certificate")).content.decode()
    desk = signed_in(issuer)
    page = f"/desk/certificates/{real.pk}/"
    shown = desk.get(page).content.decode()
    assert "The partner asks to have it revoked" in shown
    assert real.serial_number in shown
    yesterday = max(timezone.localdate() - timedelta(days=1), timezone.localtime(real.not_valid_before).date())
    desk.post(f"{page}revoke/", WHY | {"on": yesterday.isoformat()})
    real.refresh_from_db()
    assert (real.state, timezone.localtime(real.revoked_at).date()) == ("revoked", yesterday)
    assert not Item.objects.filter(closed_at=None).exists()
    assert not RevocationList.objects.exists()  # the corporate CA has its own


def test_what_was_asked_for_can_be_taken_back_until_it_is_done(
    real: CertificateRequest, owner: User, issuer: User, signed_in: Browser
) -> None:
    revoking.ask(real, **WHY, actor=member(owner))
    url = track(real).url("certificate_revoke")
    assert "Taken back" in signed_in(owner).post(url, {"take_back": "1"}, follow=True).content.decode()
    real.refresh_from_db()
    assert (real.revocation_asked_at, real.revocation_reason, real.note) == (None, "", "")
    assert not Item.objects.filter(closed_at=None, stage="revoke").exists()
    revoking.revoke(real, **WHY, actor=staff(issuer))
    assert not revoking.take_back(real, actor=member(owner))
    with pytest.raises(IllegalTransition):
        revoking.ask(real, **WHY, actor=member(owner))


@pytest.mark.parametrize("on", ["", "2020-01-01", "2999-01-01", "yesterday"])
def test_a_day_on_which_it_cannot_have_been_is_refused_and_nothing_typed_is_lost(
    real: CertificateRequest, issuer: User, signed_in: Browser, on: str
) -> None:
    answer = signed_in(issuer).post(f"/desk/certificates/{real.pk}/revoke/", WHY | {"on": on})
    assert (answer.status_code, "The key was on a public page." in answer.content.decode()) == (422, True)
    real.refresh_from_db()
    assert real.state == "issued"


def test_staff_who_are_too_late_keep_what_they_wrote(held: CredentialSet, issuer: User, signed_in: Browser) -> None:
    client, page = signed_in(issuer), f"/desk/certificates/{held.certificate_request_id}/"
    assert 'action="' + page + 'revoke/"' in client.get(page).content.decode()
    revoking.revoke(held.certificate_request, reason="superseded", note="x", actor=staff(issuer))
    answer = client.post(f"{page}revoke/", WHY)
    assert (answer.status_code, "The key was on a public page." in answer.content.decode()) == (409, True)


# --- A CA that can revoke ---


class Revoking:
    """A CA that signs and revokes, if it can be reached."""

    label = "the test's CA"
    at_once = False
    is_up = True
    revoked: list[tuple[int, str]] = []

    def issue(self, csr: x509.CertificateSigningRequest, profile: CertificateProfile) -> Signed | None:
        return None

    def revoke(self, certificate: x509.Certificate, reason: Reason) -> None:
        if not Revoking.is_up:
            raise Unreachable
        Revoking.revoked.append((certificate.serial_number, str(reason)))


def test_a_ca_that_can_revoke_is_asked_to_by_a_worker_and_asked_again(
    real: CertificateRequest, issuer: User, settings: Any, signed_in: Browser
) -> None:
    settings.ISSUERS = {"production": f"{__name__}.Revoking"}
    Revoking.revoked, Revoking.is_up = [], False
    client, page = signed_in(issuer), f"/desk/certificates/{real.pk}/"
    client.post(f"{page}revoke/", WHY)
    real.refresh_from_db()
    order = IssuerOrder.objects.get(verb="revoke")
    assert (real.state, order.state) == ("revoked", "queued")
    for _attempt in range(3):
        signing.ask(order.pk)
    assert "The CA cannot be reached" in client.get(page).content.decode()
    Revoking.is_up = True
    client.post(f"{page}tell/")
    signing.ask(IssuerOrder.objects.get(state="queued").pk)
    assert Revoking.revoked == [(int(real.serial_number, 16), "keyCompromise")]
    assert "Revoked there, too" in client.get(page).content.decode()


# --- The list ---


def test_openssl_reads_the_list_and_refuses_what_is_on_it(
    held: CredentialSet, owner: User, issuer: User, stranger: Client, tmp_path: Path
) -> None:
    request = held.certificate_request

    def openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [require("openssl"), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    def verified() -> str:
        (tmp_path / "list.der").write_bytes(stranger.get("/crl/sandbox.crl").content)
        openssl("crl", "-inform", "DER", "-in", "list.der", "-out", "list.pem")
        told = openssl("verify", "-crl_check", "-CRLfile", "list.pem", "-CAfile", "ca.pem", "leaf.pem")
        return told.stdout + told.stderr

    (tmp_path / "ca.pem").write_text(request.ca_pem)
    (tmp_path / "leaf.pem").write_text(request.certificate_pem)
    assert verified() == "leaf.pem: OK\n"
    revoking.revoke(request, **WHY, actor=staff(issuer))
    assert "certificate revoked" in verified()
    text = openssl("crl", "-in", "list.pem", "-noout", "-text", "-verify", "-CAfile", "ca.pem")
    assert "verify OK" in text.stderr + text.stdout
    for said in ("Version 2", "X509v3 Authority Key Identifier", "Key Compromise"):
        assert said in text.stdout
    assert "URI:http://" in openssl("x509", "-in", "leaf.pem", "-noout", "-text").stdout


def test_the_list_is_public_and_may_be_kept_for_minutes(held: CredentialSet, stranger: Client) -> None:
    answer = stranger.get("/crl/sandbox.crl")
    assert answer.headers["Content-Type"] == "application/pkix-crl"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    again = stranger.get("/crl/sandbox.crl", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert stranger.post("/crl/sandbox.crl").status_code == 405
    assert revocation_lists.address().endswith("/crl/sandbox.crl")


def test_numbers_grow_by_one_and_an_unspecified_reason_is_not_said(held: CredentialSet, issuer: User) -> None:
    first = revocation_lists.current()
    revoking.revoke(held.certificate_request, reason="unspecified", note="x", actor=staff(issuer))
    newest = revocation_lists.current()
    crl = x509.load_der_x509_crl(bytes(newest.der))
    assert newest.number == first.number + 1
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == newest.number
    assert [len(list(one.extensions)) for one in crl] == [0]


def test_old_lists_go_and_the_numbers_go_on(held: CredentialSet) -> None:
    for _again in range(revocation_lists.KEPT + 3):
        revocation_lists.publish()
    assert RevocationList.objects.count() == revocation_lists.KEPT
    assert revocation_lists.current().number == revocation_lists.KEPT + 3


def test_whoever_asks_finds_a_list_that_is_no_older_than_a_day(held: CredentialSet) -> None:
    begin = timezone.now()
    first = revocation_lists.current(begin)
    assert revocation_lists.current(begin + timedelta(hours=23)).pk == first.pk
    later = revocation_lists.current(begin + timedelta(hours=25))
    assert (later.number, later.next_update) == (first.number + 1, begin + timedelta(hours=25) + revocation_lists.LIFE)


def test_the_sandbox_renews_the_list_itself_after_a_month_without_the_schedule(
    held: CredentialSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = revoked_since(0)
    assert first is not None
    assert revoked_since(first.number) is None
    in_a_month = timezone.now() + timedelta(days=30)
    monkeypatch.setattr(revocation_lists, "timezone", SimpleNamespace(now=lambda: in_a_month))
    later = revoked_since(first.number)
    assert later is not None
    assert x509.load_pem_x509_crl(later.pem).next_update_utc > in_a_month + timedelta(days=6)


def test_a_certificate_leaves_the_list_some_time_after_its_end(held: CredentialSet, issuer: User) -> None:
    request = held.certificate_request
    revoking.revoke(request, **WHY, actor=staff(issuer))
    end = request.not_valid_after
    assert end is not None
    listed = [
        len(list(x509.load_der_x509_crl(bytes(revocation_lists.publish(end + timedelta(days=days)).der))))
        for days in (0, 8, 20)
    ]
    assert listed == [1, 1, 0]


def test_what_a_partner_deletes_from_the_sandbox_stays_on_the_list(
    held: CredentialSet, owner: User, issuer: User
) -> None:
    revoking.revoke(held.certificate_request, **WHY, actor=staff(issuer))
    sandboxing.discard(held.application, actor=member(owner))
    revocation_lists.publish()
    assert serials() == {held.certificate_request.serial_number}


def test_days_are_days(real: CertificateRequest, issuer: User) -> None:
    """A day that is noted is that day in everybody's zone around here: it is kept at noon, and never in the future."""
    revoking.revoke(real, **WHY, actor=staff(issuer), on=date(2026, 3, 2))
    assert real.revoked_at is not None
    assert real.revoked_at.date() == date(2026, 3, 2)
