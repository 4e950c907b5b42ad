"""Runs: one at a time, claimed once, finished once, swept up when lost, the one-time key gone whatever happens."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from django.utils import timezone

from onboarding import leases
from onboarding.credentials import flows as credentials
from onboarding.credentials import issuing
from onboarding.credentials.models import CredentialSet
from onboarding.fleet.checks import Check, Result, Rung
from onboarding.fleet.diagnosis import Report
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.pki.csr import build_csr
from onboarding.validation import flows
from onboarding.validation.models import Run
from onboarding.vault.models import Secret
from tests.conftest import member, staff
from tests.journey import SUBJECT, approved, issued

CHECK = Check(Rung.COMPLETE, "set_complete", Result.PASSED)


def diagnosis(result: Result) -> Any:
    def diagnose(material: Any, target: Any, *, on_check: Any, **_options: Any) -> Report:
        on_check([CHECK])
        return Report(result, (CHECK,), {"tls_version": "TLSv1.3"})

    return diagnose


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    """Custody `vault`."""
    return issued(owner, reviewer, issuer)


@pytest.fixture
def own_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def own(owner: User, reviewer: User, issuer: User, own_key: rsa.RSAPrivateKey) -> CredentialSet:
    """Custody `own`."""
    request = credentials.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    credentials.describe_key(request, subject=SUBJECT, custody="own")
    assert credentials.submit_csr(request, build_csr(own_key, request.subject), actor=member(owner)).fit
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    return request.credential_sets.get()


def pem(key: rsa.RSAPrivateKey, passphrase: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_a_passed_run_makes_the_set_live_and_says_so_once(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "diagnose", diagnosis(Result.PASSED))
    for _ in range(2):
        flows.execute(flows.request_run(held, actor=member(owner)).pk)
    assert [run.state for run in held.runs.all()] == ["passed", "passed"]
    held.certificate_request.refresh_from_db()
    assert held.certificate_request.state == "active"
    assert Mail.objects.filter(kind="application_live", address=owner.email).count() == 1


def test_a_failed_run_leaves_the_certificate_as_it_is(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "diagnose", diagnosis(Result.FAILED))
    flows.execute(flows.request_run(held, actor=member(owner)).pk)
    assert held.runs.get().state == "failed"
    held.certificate_request.refresh_from_db()
    assert held.certificate_request.state == "issued"


def test_asking_twice_gives_the_run_that_waits(held: CredentialSet, owner: User) -> None:
    first, second = (flows.request_run(held, actor=member(owner)) for _ in range(2))
    assert first == second
    assert Run.objects.count() == 1


def test_a_run_is_claimed_once_however_often_the_queue_says_look(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    run = flows.request_run(held, actor=member(owner))

    def diagnose(*_args: Any, **_options: Any) -> Report:
        calls.append(1)
        flows.execute(run.pk)
        return Report(Result.PASSED, (CHECK,))

    monkeypatch.setattr(flows, "diagnose", diagnose)
    flows.execute(run.pk)
    flows.execute(run.pk)
    assert len(calls) == 1


@pytest.mark.parametrize("taken_away", ["master key", "environment"])
def test_a_run_that_the_portal_itself_prevents_says_so_at_once(
    held: CredentialSet, owner: User, settings: Any, taken_away: str
) -> None:
    run = flows.request_run(held, actor=member(owner))
    if taken_away == "environment":
        settings.SANDBOX = False
    else:
        settings.VAULT_KEYS = [f"other:{base64.b64encode(bytes(32)).decode()}"]
    flows.execute(run.pk)
    run.refresh_from_db()
    assert run.state == "failed"
    first, *others = run.checks
    assert (first["code"], first["turn"]) == ("set_cannot_be_opened", "operator")
    assert {check["result"] for check in others} == {"not_reached"}


def test_a_late_writer_whose_lease_was_lost_is_dropped(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = flows.request_run(held, actor=member(owner))

    def diagnose(*_args: Any, on_check: Any, **_options: Any) -> Report:
        Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        flows.sweep()
        on_check([CHECK])
        raise AssertionError("the late writer went on")

    monkeypatch.setattr(flows, "diagnose", diagnose)
    flows.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.checks, run.attempt) == ("queued", [], 1)


def test_what_was_never_claimed_is_woken_again(
    held: CredentialSet, owner: User, nothing_queued: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    run = flows.request_run(held, actor=member(owner))
    Run.objects.update(created_at=timezone.now() - leases.NEVER_CLAIMED - timedelta(seconds=1))
    nothing_queued.clear()
    with django_capture_on_commit_callbacks(execute=True):
        flows.sweep()
    assert nothing_queued == [("onboarding.validation.tasks.validate", (str(run.pk),))]


def test_a_long_queue_is_not_made_longer_by_sweeps(
    held: CredentialSet,
    owner: User,
    nothing_queued: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    flows.request_run(held, actor=member(owner))
    Run.objects.update(created_at=timezone.now() - leases.NEVER_CLAIMED - timedelta(seconds=1))
    monkeypatch.setattr(leases, "waiting", lambda _queue: leases.MOST_WOKEN)
    nothing_queued.clear()
    with django_capture_on_commit_callbacks(execute=True):
        flows.sweep()
    assert nothing_queued == []


def test_a_run_whose_workers_keep_dying_is_given_up_and_its_key_destroyed(
    own: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey
) -> None:
    run = flows.request_run(own, actor=member(owner), key=pem(own_key))
    for _ in range(leases.MAX_ATTEMPTS):
        assert flows._claim(run.pk) is not None
        Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        flows.sweep()
    run.refresh_from_db()
    assert run.state == "abandoned"
    assert run.key is not None
    assert run.key.destroyed_at is not None
    assert bytes(run.key.sealed) == b""


@pytest.mark.parametrize("result", [Result.PASSED, Result.FAILED])
def test_a_key_lent_for_one_run_is_destroyed_with_it(
    own: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "diagnose", diagnosis(result))
    run = flows.request_run(own, actor=member(owner), key=pem(own_key, b"its passphrase"), passphrase=b"its passphrase")
    assert Secret.objects.get(kind=Secret.Kind.KEY_FOR_ONE_RUN).destroyed_at is None
    flows.execute(run.pk)
    assert bytes(Secret.objects.get(kind=Secret.Kind.KEY_FOR_ONE_RUN).sealed) == b""


def test_without_a_key_there_is_no_run_for_a_partner_who_keeps_it(own: CredentialSet, owner: User) -> None:
    with pytest.raises(flows.KeyNeeded):
        flows.request_run(own, actor=member(owner))
    assert Run.objects.count() == 0


@pytest.mark.parametrize("wrong", ["other key", "passphrase", "garbage"])
def test_a_key_that_cannot_be_used_is_refused_and_not_kept(
    own: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey, wrong: str
) -> None:
    key = {
        "other key": pem(rsa.generate_private_key(65537, 2048)),
        "passphrase": pem(own_key, b"its passphrase"),
        "garbage": b"garbage",
    }[wrong]
    with pytest.raises(flows.KeyRefused):
        flows.request_run(own, actor=member(owner), key=key, passphrase=b"wrong")
    assert not Secret.objects.filter(kind=Secret.Kind.KEY_FOR_ONE_RUN).exists()
