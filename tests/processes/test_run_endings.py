"""Every way in which a run can end, and what is left then: one result, no key, nothing of a worker that came late."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from onboarding import leases
from onboarding.audit.models import Entry
from onboarding.credentials import flows as credentials
from onboarding.credentials import issuing
from onboarding.credentials.models import CredentialSet
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.diagnosis import Report
from onboarding.notifications.models import Mail
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import User
from onboarding.pki.csr import build_csr
from onboarding.pki.keys import generate_rsa_key
from onboarding.validation import flows
from onboarding.validation.models import Run
from onboarding.vault.models import Secret
from tests.conftest import member, staff
from tests.journey import SUBJECT, approved, issued
from tests.processes.test_validation import CHECK, diagnosis, pem

VIN = "VF3SANDBX00000001"


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User) -> CredentialSet:
    """Custody `vault`."""
    return issued(owner, reviewer, issuer)


@pytest.fixture
def lent(owner: User, reviewer: User, issuer: User) -> Run:
    """A run that waits, with a key and a VIN that were given for it alone."""
    key = generate_rsa_key(2048)
    request = credentials.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    credentials.describe_key(request, subject=SUBJECT, custody="own")
    assert credentials.submit_csr(request, build_csr(key, request.subject), actor=member(owner)).fit
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    return flows.request_run(request.credential_sets.get(), actor=member(owner), key=pem(key), vin=VIN)


def killed(run: Run) -> None:
    """Let a worker take the run and die, and the sweep find that."""
    assert flows._claim(run.pk) is not None
    Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    flows.sweep()


def passes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "diagnose", diagnosis(Result.PASSED))
    flows.execute(run.pk)


def fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "diagnose", diagnosis(Result.FAILED))
    flows.execute(run.pk)


def cannot_begin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_options: Any) -> Any:
        raise KeyError("environment")

    monkeypatch.setattr(flows, "target_of", refuse)
    flows.execute(run.pk)


def is_cancelled_while_it_waits(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert flows.cancel_run(run, actor=SYSTEM)


def is_cancelled_while_it_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def diagnose(*_args: Any, on_check: Any, **_options: Any) -> Report:
        on_check([CHECK])
        flows.cancel_run(run, actor=SYSTEM)
        return Report(Result.PASSED, (CHECK,))

    monkeypatch.setattr(flows, "diagnose", diagnose)
    flows.execute(run.pk)


def loses_every_worker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(leases.MAX_ATTEMPTS):
        killed(run)


def is_cancelled_after_a_worker_died(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(run)
    assert flows.cancel_run(run, actor=SYSTEM)


ENDS = {
    passes: "passed",
    fails: "failed",
    cannot_begin: "failed",
    is_cancelled_while_it_waits: "cancelled",
    is_cancelled_while_it_runs: "cancelled",
    loses_every_worker: "abandoned",
    is_cancelled_after_a_worker_died: "cancelled",
}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_the_key_and_the_vin_lent_for_a_run_are_gone_whatever_its_end(
    lent: Run, monkeypatch: pytest.MonkeyPatch, end: Callable[..., None]
) -> None:
    end(lent, monkeypatch)
    lent.refresh_from_db()
    assert (lent.state, lent.lease) == (ENDS[end], None)
    assert lent.finished_at is not None
    for kind in (Secret.Kind.KEY_FOR_ONE_RUN, Secret.Kind.VIN_FOR_ONE_RUN):
        secret = Secret.objects.get(kind=kind)
        assert bytes(secret.sealed) == b""
        assert secret.destroyed_at is not None


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_only_a_pass_is_written_about_and_once(
    lent: Run, owner: User, monkeypatch: pytest.MonkeyPatch, end: Callable[..., None]
) -> None:
    before = set(Mail.objects.values_list("pk", flat=True))
    end(lent, monkeypatch)
    told = Mail.objects.exclude(pk__in=before).values_list("kind", "address")
    assert list(told) == ([("application_live", owner.email)] if end is passes else [])


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_run_that_has_ended_ends_no_second_time(
    lent: Run, monkeypatch: pytest.MonkeyPatch, end: Callable[..., None]
) -> None:
    end(lent, monkeypatch)
    before = Run.objects.values().get(pk=lent.pk)
    entries = Entry.objects.count()
    assert not flows.cancel_run(lent, actor=SYSTEM)
    flows.execute(lent.pk)
    flows.sweep()
    assert Run.objects.values().get(pk=lent.pk) == before
    assert Entry.objects.count() == entries


def test_a_worker_that_comes_to_write_after_the_cancel_is_dropped(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = flows.request_run(held, actor=member(owner))
    is_cancelled_while_it_runs(run, monkeypatch)
    run.refresh_from_db()
    assert run.state == "cancelled"
    held.certificate_request.refresh_from_db()
    assert held.certificate_request.state == "issued"  # the pass that came late made nothing live


def test_a_cancel_is_on_record_with_who_did_it(held: CredentialSet, owner: User) -> None:
    run = flows.request_run(held, actor=member(owner))
    assert flows.cancel_run(run, actor=member(owner))
    entry = Entry.objects.get(event="validation:cancelled")
    assert (entry.actor_id, entry.subject_id) == (owner.pk, run.pk)


def test_after_a_cancel_the_set_can_be_run_again(held: CredentialSet, owner: User) -> None:
    first = flows.request_run(held, actor=member(owner))
    flows.cancel_run(first, actor=member(owner))
    assert flows.request_run(held, actor=member(owner)) != first


def test_a_run_brought_back_from_a_lost_worker_counts_its_attempts(held: CredentialSet, owner: User) -> None:
    run = flows.request_run(held, actor=member(owner))
    killed(run)
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("queued", 1)
    again = flows._claim(run.pk)
    assert again is not None
    assert again.attempt == 2


def test_whatever_is_written_into_a_run_counts_as_progress(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = flows.request_run(held, actor=member(owner))
    seen = [run.progress]

    def diagnose(*_args: Any, on_check: Any, **_options: Any) -> Report:
        for _ in range(2):
            seen.append(Run.objects.get(pk=run.pk).progress)
            on_check([CHECK])
        return Report(Result.PASSED, (CHECK,))

    monkeypatch.setattr(flows, "diagnose", diagnose)
    flows.execute(run.pk)
    run.refresh_from_db()
    assert [*seen, run.progress] == [0, 1, 2, 4]


def test_the_rungs_of_a_regular_check_are_written_twice_a_second_at_most(
    held: CredentialSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, now, seen = flows.request_run(held, actor=SYSTEM), [0.0], []
    monkeypatch.setattr(flows, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def diagnose(*_args: Any, on_check: Any, **_options: Any) -> Report:
        for now[0] in (0.1, 0.4, 0.6, 0.7, 1.0, 1.2):
            on_check([CHECK])
            seen.append(Run.objects.get(pk=run.pk).progress)
        return Report(Result.PASSED, (CHECK, CHECK))

    monkeypatch.setattr(flows, "diagnose", diagnose)
    flows.execute(run.pk)
    run.refresh_from_db()
    assert seen == [1, 1, 2, 2, 2, 3]
    assert (run.state, len(run.checks), run.progress) == ("passed", 2, 4)


def test_a_failed_run_can_be_looked_up_by_its_cause(
    held: CredentialSet, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Check(Rung.AUTHENTICATION, "login_refused", Result.FAILED, Turn.PARTNER, {"http_status": 401})
    monkeypatch.setattr(flows, "diagnose", lambda *_a, **_o: Report(Result.FAILED, (CHECK, refused)))
    flows.execute(flows.request_run(held, actor=member(owner)).pk)
    run = held.runs.get()
    assert (run.stopped_at, run.fault, run.turn) == ("authentication", "login_refused", "partner")
    assert (run.refused, run.shared) == (True, False)
    assert run.failing_since is not None
