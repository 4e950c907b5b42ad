"""Keys made here: ordered once, made once, sealed with their CSR in one step, and never kept for what changed since."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core import serializers
from django.utils import timezone

from onboarding import leases
from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials import flows, private_keys
from onboarding.credentials.models import CertificateRequest, KeyOrder
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.pki import keys
from onboarding.pki.csr import build_csr
from onboarding.vault.models import Secret
from tests.conftest import member
from tests.journey import SUBJECT, approved

MADE = rsa.generate_private_key(65537, 2048)


@pytest.fixture
def cycle(owner: User, reviewer: User) -> CertificateRequest:
    """A cycle that waits for a CSR, custody `vault`."""
    request = flows.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    flows.describe_key(request, subject=SUBJECT, custody="vault")
    return request


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something happen while the worker makes a key."""

    def arrange(happens: Callable[[], object]) -> None:
        def generate(bits: int) -> rsa.RSAPrivateKey:
            happens()
            return MADE

        monkeypatch.setattr(keys, "generate_rsa_key", generate)

    return arrange


def order(cycle: CertificateRequest, owner: User, bits: int = 2048) -> KeyOrder:
    return private_keys.order_key(cycle, bits=bits, actor=member(owner))


def lease_runs_out() -> None:
    KeyOrder.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    private_keys.sweep()


def kept() -> int:
    return Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY, destroyed_at=None).count()


def expect_nothing_kept(cycle: CertificateRequest, state: str) -> None:
    cycle.refresh_from_db()
    assert (cycle.state, cycle.csr_pem, cycle.key) == ("awaiting_csr", "", None)
    assert [one.state for one in cycle.key_orders.order_by("created_at")][-1] == state
    assert kept() == 0


@pytest.mark.parametrize("bits", [2048, 4096])
def test_a_key_is_made_sealed_and_its_csr_submitted_in_the_name_of_who_asked(
    cycle: CertificateRequest, owner: User, issuer: User, bits: int
) -> None:
    ordered = order(cycle, owner, bits)
    private_keys.make_key(ordered.pk)
    ordered.refresh_from_db()
    cycle.refresh_from_db()
    assert (ordered.state, ordered.attempt, ordered.lease) == ("done", 1, None)
    assert (cycle.state, cycle.custody) == ("csr_submitted", "vault")
    csr = x509.load_pem_x509_csr(cycle.csr_pem.encode())
    sealed = private_keys.sealed_key(cycle)
    assert sealed is not None
    key = keys.load_key(sealed.pem, sealed.passphrase)
    assert keys.same_key(key.public_key(), csr.public_key())
    assert keys.describe(csr.public_key()) == ("RSA", bits)
    for event in (Event.KEY_ORDERED, Event.KEY_CREATED, Event.CSR_SUBMITTED):
        assert Entry.objects.get(event=event).actor_id == owner.pk
    assert Mail.objects.filter(kind="csr_to_sign", address=issuer.email).count() == 1


def test_the_queue_is_told_the_orders_id_and_nothing_else(
    cycle: CertificateRequest, owner: User, nothing_queued: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        ordered = order(cycle, owner)
    assert nothing_queued == [(private_keys.MAKE_KEY, (str(ordered.pk),))]


def test_asking_twice_gives_the_order_that_waits(cycle: CertificateRequest, owner: User, colleague: User) -> None:
    first = order(cycle, owner)
    assert order(cycle, colleague, 4096) == first
    assert KeyOrder.objects.get().bits == 2048
    assert Entry.objects.filter(event=Event.KEY_ORDERED).count() == 1


def test_names_that_would_be_refused_are_told_before_a_key_is_ordered(cycle: CertificateRequest, owner: User) -> None:
    flows.describe_key(cycle, subject=SUBJECT | {"L": " Paris"}, custody="vault")
    with pytest.raises(private_keys.SubjectUnfit) as refused:
        order(cycle, owner)
    assert [finding.field for finding in refused.value.findings] == ["L"]
    assert KeyOrder.objects.count() == 0


def test_no_key_is_ordered_behind_a_submitted_csr(cycle: CertificateRequest, owner: User) -> None:
    stale = CertificateRequest.objects.get(pk=cycle.pk)
    private_keys.make_key(order(cycle, owner).pk)
    with pytest.raises(IllegalTransition):
        order(stale, owner)
    assert KeyOrder.objects.count() == 1


def test_a_key_is_made_once_however_often_the_queue_says_look(
    cycle: CertificateRequest, owner: User, meanwhile: Callable[..., None]
) -> None:
    ordered = order(cycle, owner)
    made = []

    def look_again() -> None:
        made.append(1)
        private_keys.make_key(ordered.pk)

    meanwhile(look_again)
    private_keys.make_key(ordered.pk)
    private_keys.make_key(ordered.pk)
    assert len(made) == kept() == 1


def test_what_was_never_claimed_is_woken_again(
    cycle: CertificateRequest, owner: User, nothing_queued: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    ordered = order(cycle, owner)
    with django_capture_on_commit_callbacks(execute=True):
        private_keys.sweep()
    assert nothing_queued == []
    KeyOrder.objects.update(created_at=timezone.now() - leases.NEVER_CLAIMED - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        private_keys.sweep()
    assert nothing_queued == [(private_keys.MAKE_KEY, (str(ordered.pk),))]


def test_what_a_lost_worker_had_is_done_by_the_next(
    cycle: CertificateRequest, owner: User, meanwhile: Callable[..., None]
) -> None:
    def die() -> None:
        raise SystemExit

    ordered = order(cycle, owner)
    meanwhile(die)
    with pytest.raises(SystemExit):
        private_keys.make_key(ordered.pk)
    private_keys.sweep()
    private_keys.make_key(ordered.pk)
    ordered.refresh_from_db()
    assert (ordered.state, ordered.step) == ("running", "making")
    lease_runs_out()
    meanwhile(lambda: None)
    private_keys.make_key(ordered.pk)
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempt, kept()) == ("done", 2, 1)


def test_a_late_worker_whose_lease_was_lost_is_dropped_with_its_key(
    cycle: CertificateRequest, owner: User, meanwhile: Callable[..., None]
) -> None:
    ordered = order(cycle, owner)
    meanwhile(lease_runs_out)
    private_keys.make_key(ordered.pk)
    expect_nothing_kept(cycle, "queued")


def test_a_worker_that_loses_its_lease_at_the_last_moment_leaves_nothing_behind(
    cycle: CertificateRequest, owner: User, issuer: User, meanwhile: Callable[..., None], monkeypatch: Any
) -> None:
    ordered = order(cycle, owner)
    meanwhile(lambda: None)
    seal = private_keys.seal_key

    def slow_seal(*args: Any) -> Secret:
        lease_runs_out()
        return seal(*args)

    monkeypatch.setattr(private_keys, "seal_key", slow_seal)
    private_keys.make_key(ordered.pk)
    # What the test itself did is undone with the transaction it did it in.
    expect_nothing_kept(cycle, "running")
    assert not Mail.objects.filter(kind="csr_to_sign").exists()


def test_an_order_whose_workers_keep_dying_is_given_up_and_can_be_given_anew(
    cycle: CertificateRequest, owner: User
) -> None:
    ordered = order(cycle, owner)
    for _ in range(leases.MAX_ATTEMPTS):
        assert leases.claim(KeyOrder.objects.all(), ordered.pk, lease=private_keys.LEASE) is not None
        lease_runs_out()
    expect_nothing_kept(cycle, "abandoned")
    assert Entry.objects.get(event=Event.KEY_NOT_CREATED).data == {"reason": "abandoned"}
    again = order(cycle, owner)
    assert again != ordered
    private_keys.make_key(again.pk)
    assert kept() == 1


@pytest.mark.parametrize("change", [{"custody": "own"}, {"subject": SUBJECT | {"L": "Lyon"}}], ids=["custody", "names"])
@pytest.mark.parametrize("when", ["before", "while"])
def test_a_key_is_not_kept_whose_names_or_custody_were_changed_since(
    cycle: CertificateRequest, owner: User, meanwhile: Callable[..., None], change: dict[str, Any], when: str
) -> None:
    ordered = order(cycle, owner)

    def describe() -> None:
        flows.describe_key(
            CertificateRequest.objects.get(pk=cycle.pk), **({"subject": SUBJECT, "custody": "vault"} | change)
        )

    meanwhile(describe if when == "while" else lambda: None)
    if when == "before":
        describe()
    private_keys.make_key(ordered.pk)
    expect_nothing_kept(cycle, "cancelled")


def test_an_order_goes_on_where_the_same_names_and_custody_are_chosen_again(
    cycle: CertificateRequest, owner: User
) -> None:
    ordered = order(cycle, owner)
    flows.describe_key(cycle, subject=SUBJECT, custody="vault")
    private_keys.make_key(ordered.pk)
    assert kept() == 1


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_csr_that_came_in_another_way_wins_over_an_order(
    cycle: CertificateRequest, owner: User, meanwhile: Callable[..., None], when: str
) -> None:
    ordered = order(cycle, owner)
    own = build_csr(rsa.generate_private_key(65537, 2048), cycle.subject)

    def submit() -> None:
        assert flows.submit_csr(CertificateRequest.objects.get(pk=cycle.pk), own, actor=member(owner)).fit

    meanwhile(submit if when == "while" else lambda: None)
    if when == "before":
        submit()
    private_keys.make_key(ordered.pk)
    cycle.refresh_from_db()
    ordered.refresh_from_db()
    assert (cycle.state, cycle.custody, cycle.csr_pem.encode()) == ("csr_submitted", "own", own)
    assert (ordered.state, kept()) == ("cancelled", 0)


def test_a_key_that_was_sealed_is_destroyed_when_its_csr_is_taken_back(cycle: CertificateRequest, owner: User) -> None:
    private_keys.make_key(order(cycle, owner).pk)
    cycle.refresh_from_db()
    flows.restart(cycle, actor=member(owner))
    assert kept() == 0
    private_keys.make_key(order(cycle, owner).pk)
    assert kept() == 1


def test_a_key_that_would_be_refused_is_not_kept_and_the_order_says_why(
    cycle: CertificateRequest, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "generate_rsa_key", lambda _bits: rsa.generate_private_key(65537, 1024))
    private_keys.make_key(order(cycle, owner).pk)
    expect_nothing_kept(cycle, "failed")
    assert [row["code"] for row in KeyOrder.objects.get().findings] == ["key_too_small"]


def test_the_key_is_nowhere_in_the_clear(
    cycle: CertificateRequest,
    owner: User,
    meanwhile: Callable[..., None],
    nothing_queued: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    meanwhile(lambda: None)
    private_keys.make_key(order(cycle, owner).pk)
    written = caplog.text + str(nothing_queued)
    for model in (CertificateRequest, KeyOrder, Secret, Entry, Mail):
        written += serializers.serialize("json", model._default_manager.all())
    assert "csr_submitted" in written
    numbers = MADE.private_numbers()
    for secret in (numbers.d, numbers.p, numbers.q):
        raw = secret.to_bytes((secret.bit_length() + 7) // 8, "big")
        for form in (raw.hex(), str(secret), base64.b64encode(raw).decode()[4:-4]):
            assert form not in written
