"""Runs: asked for, claimed, carried out, finished once, and swept up when a worker was lost."""

import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from onboarding import leases
from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.celery import INTERACTIVE, SCHEDULE, wake
from onboarding.credentials import flows as credentials
from onboarding.credentials.embedded_ca import sandbox_ca_pem
from onboarding.credentials.environments import environment
from onboarding.credentials.models import CredentialSet
from onboarding.credentials.rehearsing import rehearsed
from onboarding.credentials.sets import password_of
from onboarding.findings import Finding
from onboarding.fleet.checks import Check, Result, can_be_shared, ended_in_refusal
from onboarding.fleet.diagnosis import Report, diagnose, portal_fault, revoked_here
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.partners.actors import SYSTEM, Actor, ActorKind
from onboarding.pki import certificates, keys
from onboarding.programmes import SANDBOX
from onboarding.registrations.logins import prove_login
from onboarding.rehearsals import Rehearsal
from onboarding.validation import telling
from onboarding.validation.models import Run
from onboarding.vault.models import Secret
from onboarding.vault.seal import (
    CannotOpen,
    EncryptedKey,
    destroy_secret,
    encrypted,
    open_key,
    open_secret,
    seal_key,
    seal_secret,
)

log = structlog.get_logger(__name__)

VALIDATE = "onboarding.validation.tasks.validate"
QUEUES = {Run.Origin.PERSON: INTERACTIVE, Run.Origin.SCHEDULE: SCHEDULE}
PATIENCE = {Run.Origin.PERSON: leases.NEVER_CLAIMED, Run.Origin.SCHEDULE: timedelta(minutes=5)}
"""How long a run may wait before it counts as forgotten: those of the schedule stand in a queue."""
PAUSE = {Run.Origin.PERSON: 0.0, Run.Origin.SCHEDULE: 0.5}
"""Seconds between two looks at the ladder that are written down. Most of what a regular check cost was writing rungs
that nobody watched."""
LEASE_MARGIN = timedelta(seconds=45)  # more than what surrounds the call, and than the task's hard time limit


class KeyNeeded(Exception):
    """The private key is not here: it has to be uploaded for this run."""


class KeyRefused(Exception):
    """The uploaded key cannot be used; the finding says why. It was not kept."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


def request_run(
    credential_set: CredentialSet,
    *,
    actor: Actor,
    key: bytes | None = None,
    passphrase: bytes | None = None,
    vin: str = "",
) -> Run:
    """Create a run and wake a worker; if one is waiting or running already, return that one instead.

    key: PEM or DER. vin: of a vehicle to ask about, too, as `onboarding.fleet.vin.read` returns it; a run that a person
    had asked for already does without. Both are used for this run only: sealed, and destroyed when the run ends,
    however it ends.
    Raises KeyNeeded or KeyRefused.
    """
    one_time = None
    if credential_set.certificate_request.key_id is None:
        if not key:
            raise KeyNeeded
        one_time = read_key(credential_set, key, passphrase)
    for _attempt in range(2):
        if waiting := Run.objects.filter(credential_set=credential_set, state__in=Run.OPEN).first():
            return _hurried(waiting, actor, vin)
        try:
            return _create_run(credential_set, one_time, actor, vin)
        except IntegrityError:  # somebody else was quicker; theirs may have ended since
            continue
    raise RuntimeError("runs of this set begin and end faster than they can be looked at")


def _create_run(credential_set: CredentialSet, one_time: EncryptedKey | None, actor: Actor, vin: str) -> Run:
    origin = Run.Origin.SCHEDULE if actor.kind == ActorKind.SYSTEM else Run.Origin.PERSON
    with transaction.atomic():
        run = Run.objects.create(
            credential_set=credential_set,
            origin=origin,
            requested_by_id=actor.user_id,
            key=seal_key(credential_set.organisation, Secret.Kind.KEY_FOR_ONE_RUN, one_time) if one_time else None,
            vin=_sealed_vin(credential_set, vin),
        )
        if origin == Run.Origin.PERSON:  # the schedule is on record where it finds a change
            _record(Event.RUN_REQUESTED, run, actor)
        wake(VALIDATE, str(run.pk), queue=QUEUES[origin])
    return run


def _sealed_vin(credential_set: CredentialSet, vin: str) -> Secret | None:
    if not vin:
        return None
    return seal_secret(credential_set.organisation, Secret.Kind.VIN_FOR_ONE_RUN, vin.encode("ascii"))


def _hurried(run: Run, actor: Actor, vin: str) -> Run:
    """Return a run that is open; one that the schedule has put into its queue is brought before those, for a person."""
    if actor.kind != ActorKind.SYSTEM:
        with transaction.atomic():
            waits = Run.objects.filter(pk=run.pk, state=Run.State.QUEUED, origin=Run.Origin.SCHEDULE)
            if waits.select_for_update().first() is not None:
                sealed = _sealed_vin(run.credential_set, vin)
                waits.update(origin=Run.Origin.PERSON, requested_by_id=actor.user_id, vin=sealed)
                run.refresh_from_db()
                _record(Event.RUN_REQUESTED, run, actor)
                wake(VALIDATE, str(run.pk))
    return run


def cancel_run(run: Run, *, actor: Actor) -> bool:
    """End a run that waits or runs; False, and nothing changed, if it has ended already.

    What was lent for it, key and VIN, goes at once. A worker that is at it is dropped when it comes to write, at the
    next check of a person's run; a call that is under way at that moment is still made.
    """
    with transaction.atomic():
        one = Run.objects.filter(pk=run.pk)
        if not leases.cancel(one, Run.State.CANCELLED, progress=models.F("progress") + 1):
            return False
        run.refresh_from_db(fields=["key", "vin"])  # a VIN may have come while it waited
        _destroy_lent(run)
        _record(Event.RUN_CANCELLED, run, actor)
    return True


def execute(run_id: str | uuid.UUID) -> None:
    """Carry out one run, if nobody else has it. Every step is safe to repeat."""
    run = _claim(run_id)
    if run is None:
        return
    request = run.credential_set.certificate_request
    if request.revoked_at is not None:
        _finish(run, revoked_here(run.credential_set.application.profile, request.revoked_at))
        return
    rehearsal = rehearsed(run.credential_set)
    try:
        material = material_of(run.credential_set, run.key)
        target = target_of(run.credential_set, rehearsal, vin=open_secret(run.vin).decode("ascii") if run.vin else None)
    except (CannotOpen, KeyError) as error:
        # The operator's own set-up stands in the way: a master key or an environment was taken away.
        log.error("the run cannot begin", run=str(run.pk), error=f"{type(error).__name__}: {error}")
        _finish(run, portal_fault(run.credential_set.application.profile))
        return
    try:
        report = diagnose(
            material,
            target,
            checks=PortalChecks,
            now=timezone.now(),
            deadline=settings.VALIDATION_DEADLINE,
            on_check=_Progress(run),
        )
    except leases.LostLease:
        log.warning("the run was taken over by another worker", run=str(run.pk))
        return
    _finish(run, report, rehearsal)


def sweep() -> None:
    """Look after runs that nobody looks after: see `leases.sweep`."""
    runs = Run.objects.select_related("key", "vin", "credential_set__application__organisation")
    for origin, queue in QUEUES.items():
        leases.sweep(
            runs.filter(origin=origin),
            VALIDATE,
            give_up=lambda run: _close(run, Run.State.ABANDONED, Event.RUN_ABANDONED),
            queue=queue,
            patience=PATIENCE[origin],
        )


class _Progress:
    """Writes the ladder into the run as it grows: each change of a run that a person asked for, and what there is
    twice a second of a regular one.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.pause = PAUSE[Run.Origin(run.origin)]
        self.next_at = time.monotonic() + self.pause

    def __call__(self, checks: Sequence[Check]) -> None:
        if time.monotonic() < self.next_at:
            return
        leases.keep(self.run, checks=[check.to_json() for check in checks], progress=models.F("progress") + 1)
        self.next_at = time.monotonic() + self.pause


def _claim(run_id: str | uuid.UUID) -> Run | None:
    runs = Run.objects.select_related(
        "key",
        "vin",
        "credential_set__application",
        "credential_set__client_secret",
        "credential_set__certificate_request__partner_login",
        "credential_set__certificate_request__key",
    )
    lease = timedelta(seconds=settings.VALIDATION_DEADLINE) + LEASE_MARGIN
    return leases.claim(runs, run_id, lease=lease, checks=[], progress=models.F("progress") + 1)


def _finish(run: Run, report: Report, rehearsal: Rehearsal | None = None) -> None:
    """Write the result down, and what follows from it; nothing follows from a rehearsed failure."""
    passed = report.result == Result.PASSED
    state, event = (Run.State.PASSED, Event.RUN_PASSED) if passed else (Run.State.FAILED, Event.RUN_FAILED)
    checks = [check.to_json() for check in report.checks]
    facts = dict(report.facts) | ({Run.REHEARSAL: rehearsal.name} if rehearsal else {})
    with transaction.atomic():
        before = telling.result_before(run) if rehearsal is None else None
        turned = before is not None and before.state != state
        if run.origin == Run.Origin.SCHEDULE:
            event = Event.SCHEDULE_RECOVERED if passed else Event.SCHEDULE_FAILED
        cause = {} if passed else _cause(report, before) | {"stands": rehearsal is None}
        on_record = event if turned or run.origin == Run.Origin.PERSON else None
        if not _close(run, state, on_record, checks=checks, facts=facts, **cause):
            return
        if rehearsal is not None:
            return
        if before is not None and before.stands:
            Run.objects.filter(pk=before.pk).update(stands=False)
        if passed:
            _is_live(run, is_news=before is None or turned)
        if turned and before is not None and run.origin == Run.Origin.SCHEDULE:
            run.refresh_from_db(fields=["state", "finished_at", "checks", *cause])
            telling.tell_of_change(run, before)


def _cause(report: Report, before: Run | None) -> dict[str, object]:
    """Return what a failed run is looked up by. before: the result before this one."""
    since = before.failing_since if before is not None else None
    failed = next((check for check in report.checks if check.result == Result.FAILED), None)
    found: dict[str, object] = {
        "failing_since": since or timezone.now(),
        "refused": ended_in_refusal(report.checks),
    }
    if failed is not None:
        found |= {
            "stopped_at": str(failed.rung),
            "fault": failed.code,
            "turn": str(failed.turn),
            "shared": can_be_shared(failed),
        }
    return found


def _is_live(run: Run, *, is_news: bool) -> None:
    """Take the certificate into use, and say once that the set works. is_news: whether the run before did not pass."""
    if not credentials.activate(run.credential_set.certificate_request, actor=SYSTEM):
        return  # revoked, since the call
    prove_login(run.credential_set.certificate_request.partner_login, run.credential_set.environment)
    if is_news:
        telling.tell_live("application_live", run.credential_set)


def _close(run: Run, state: Run.State, event: Event | None, **changes: object) -> bool:
    """Finish a run once: only the worker whose lease it still is writes. What was lent for it goes with it.

    event: what is put on record; nothing for None.
    """
    with transaction.atomic(savepoint=False):
        written = leases.finish(run, state, progress=models.F("progress") + 1, **changes)
        if written:
            _destroy_lent(run)
            if event is not None:
                _record(event, run, SYSTEM)
    return written


def _destroy_lent(run: Run) -> None:
    for secret in run.lent:
        destroy_secret(secret)


def read_key(credential_set: CredentialSet, key: bytes, passphrase: bytes | None) -> EncryptedKey:
    """Read a key that is lent for one call, and see that it is the set's. Raises KeyRefused."""
    try:
        private_key = keys.load_key(key, passphrase)
    except keys.UnreadableKey as error:
        raise KeyRefused(error.finding) from None
    leaf = certificates.load_certificates(credential_set.certificate_request.certificate_pem.encode("ascii"))[0]
    if keys.spki_sha256(private_key.public_key()) != keys.spki_sha256(leaf.public_key()):
        raise KeyRefused(keys.other_key_finding())
    return encrypted(private_key)


def material_of(credential_set: CredentialSet, lent: Secret | None = None) -> CredentialMaterial:
    """Open a set for one call. lent: the key for it, where none is kept here. Raises CannotOpen."""
    request = credential_set.certificate_request
    sealed = lent or request.key
    key = open_key(sealed) if sealed is not None else EncryptedKey(b"", b"")
    password = password_of(credential_set)
    return CredentialMaterial(
        programme=credential_set.application.profile,
        client_id=credential_set.client_id,
        client_secret=open_secret(credential_set.client_secret).decode() if credential_set.client_secret else None,
        mzp=request.partner_login.mzp,
        password=open_secret(password).decode() if password else None,
        certificate_pem=request.certificate_pem.encode("ascii"),
        key_pem=key.pem,
        key_passphrase=key.passphrase,
        ca_pem=request.ca_pem.encode("ascii"),
    )


def target_of(credential_set: CredentialSet, rehearsal: Rehearsal | None, *, vin: str | None = None) -> Target:
    """Return where a call with a set goes. Raises KeyError if its environment is not available."""
    application = credential_set.application
    where = environment(application.profile, credential_set.environment)
    brand = application.brand
    api_url, proxy = where.api_url, (settings.FLEET_PROXY or None) if where.id != SANDBOX else None
    if rehearsal is not None:
        api_url, proxy = rehearsal.route(api_url, settings.SANDBOX_FAULT_PORTS)
    token_url = where.token_url.format(domain=brand.domain) or None
    return Target(
        api_url=api_url,
        token_url=token_url,
        token_ca_pem=sandbox_ca_pem().encode("ascii") if token_url and where.id == SANDBOX else None,
        realm=brand.realm if "client_secret" in application.profile.credentials else None,
        proxy=proxy,
        vin=vin,
    )


def _record(event: Event, run: Run, actor: Actor) -> None:
    record(
        event,
        run,
        actor=actor,
        organisation=run.organisation,
        application_id=run.credential_set.application_id,
        data={"environment": run.credential_set.environment},
    )
