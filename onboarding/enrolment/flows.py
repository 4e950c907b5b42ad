"""Walks through a driver's consent in the sandbox: begun, come back from, carried out, swept up, forgotten."""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from onboarding import leases
from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.celery import wake
from onboarding.credentials.embedded_ca import sandbox_ca_pem
from onboarding.credentials.environments import environment
from onboarding.credentials.models import CredentialSet
from onboarding.enrolment.models import Consent, Walk
from onboarding.enrolment.walking import walk as carry_out
from onboarding.fleet.checks import Check, Result
from onboarding.fleet.diagnosis import Report, portal_fault
from onboarding.fleet.target import Target
from onboarding.partners.actors import SYSTEM, Actor
from onboarding.programmes import SANDBOX, Brand, brands
from onboarding.validation.flows import LEASE_MARGIN, material_of
from onboarding.vault.models import Secret
from onboarding.vault.seal import CannotOpen, destroy_secret, open_secret, seal_secret

log = structlog.get_logger(__name__)

WALK = "onboarding.enrolment.tasks.walk"
PATIENCE = timedelta(minutes=30)
"""How long a walk waits for its driver."""
KEPT = timedelta(days=7)
"""How long consents of the sandbox are kept, and the walks through them. The latest walk of a set stays."""


class NotHere(Exception):
    """It cannot be walked here: it is not the sandbox, or the private key is not kept by the portal."""


def can_walk(held: CredentialSet) -> bool:
    """Whether the portal can make the calls of a walk itself."""
    return held.environment == SANDBOX and held.certificate_request.key_id is not None


def start(
    held: CredentialSet, brand: Brand, *, scopes: Sequence[str], redirect_uri: str, state: str, actor: Actor
) -> Walk:
    """Begin a walk: the driver is asked next. Raises NotHere."""
    if not can_walk(held):
        raise NotHere
    with transaction.atomic():
        walk = Walk.objects.create(
            credential_set=held,
            started_by_id=actor.user_id,
            brand=brand.id,
            redirect_uri=redirect_uri,
            scopes=list(scopes),
            state_sha256=_sha256(state),
        )
        _record(Event.WALK_STARTED, walk, actor)
    return walk


def walk_of(held: CredentialSet, state: str, user_id: uuid.UUID) -> Walk | None:
    """Return the walk that somebody began with this state, if they did."""
    return Walk.objects.filter(credential_set=held, state_sha256=_sha256(state), started_by_id=user_id).first()


def came_back(walk: Walk, *, code: str, granted: Sequence[str], error: str) -> bool:
    """Take what the driver's browser brought back, once; False if that has happened already.

    code: sealed until a worker exchanges it. error: a code of OAuth, in its place.
    """
    with transaction.atomic():
        waiting = Walk.objects.filter(pk=walk.pk, state=Walk.State.ASKED)
        if not code:
            written = waiting.update(state=Walk.State.REFUSED, error=error[:60], finished_at=timezone.now())
            if written:
                _record(Event.WALK_FAILED, walk, SYSTEM)
            return bool(written)
        if not waiting.update(state=Walk.State.QUEUED, granted=list(granted)):
            return False
        sealed = seal_secret(walk.organisation, Secret.Kind.CODE_FOR_ONE_WALK, code.encode())
        Walk.objects.filter(pk=walk.pk).update(code=sealed)
        wake(WALK, str(walk.pk))
    return True


def execute(walk_id: str | uuid.UUID) -> None:
    """Carry out one walk, if nobody else has it."""
    walk = leases.claim(
        Walk.objects.select_related(
            "code",
            "credential_set__application__organisation",
            "credential_set__client_secret",
            "credential_set__certificate_request__partner_login",
            "credential_set__certificate_request__key",
        ),
        walk_id,
        lease=timedelta(seconds=2 * settings.VALIDATION_DEADLINE) + LEASE_MARGIN,
        checks=[],
        progress=models.F("progress") + 1,
    )
    if walk is None:
        return
    held = walk.credential_set
    try:
        material, target = material_of(held), _target(walk)
        code = open_secret(walk.code).decode() if walk.code else ""
    except (CannotOpen, KeyError) as error:
        log.error("the walk cannot begin", walk=str(walk.pk), error=f"{type(error).__name__}: {error}")
        _finish(walk, portal_fault(held.application.profile))
        return

    def on_check(checks: Sequence[Check]) -> None:
        leases.keep(walk, checks=[check.to_json() for check in checks], progress=models.F("progress") + 1)

    try:
        report = carry_out(
            material,
            target,
            code=code,
            redirect_uri=walk.redirect_uri,
            now=timezone.now(),
            deadline=settings.VALIDATION_DEADLINE / 2,
            on_check=on_check,
        )
    except leases.LostLease:
        log.warning("the walk was taken over by another worker", walk=str(walk.pk))
        return
    _finish(walk, report)


def sweep() -> None:
    """Look after walks that nobody looks after, and forget those whose driver never came back."""
    walks = Walk.objects.select_related("code", "credential_set__application__organisation")
    leases.sweep(walks, WALK, give_up=lambda walk: _close(walk, Walk.State.ABANDONED))
    late = timezone.now() - PATIENCE
    Walk.objects.filter(state=Walk.State.ASKED, created_at__lt=late).update(
        state=Walk.State.ABANDONED, finished_at=timezone.now()
    )


def delete_old() -> int:
    """Delete consents and walks that need not be kept; return how many. To call it again is safe."""
    old = timezone.now() - KEPT
    gone = Consent.objects.filter(given_at__lt=old).delete()[0]
    latest = Walk.objects.filter(credential_set=models.OuterRef("credential_set")).order_by("-created_at")
    walks = Walk.objects.filter(created_at__lt=old).exclude(state__in=Walk.OPEN)
    ids = list(walks.exclude(pk=models.Subquery(latest.values("pk")[:1])).values_list("pk", flat=True)[:1000])
    return gone + Walk.objects.filter(pk__in=ids).delete()[0]


def _finish(walk: Walk, report: Report) -> None:
    state = Walk.State.PASSED if report.result == Result.PASSED else Walk.State.FAILED
    checks = [check.to_json() for check in report.checks]
    _close(walk, state, checks=checks, facts=dict(report.facts))


def _close(walk: Walk, state: Walk.State, **changes: object) -> None:
    """Finish a walk once; its code goes with it."""
    with transaction.atomic():
        if leases.finish(walk, state, progress=models.F("progress") + 1, **changes):
            if walk.code is not None:
                destroy_secret(walk.code)
            _record(Event.WALK_PASSED if state == Walk.State.PASSED else Event.WALK_FAILED, walk, SYSTEM)


def _target(walk: Walk) -> Target:
    where = environment(walk.credential_set.application.profile, SANDBOX)
    brand = brands()[walk.brand]
    return Target(
        api_url=where.api_url,
        token_url=where.token_url.format(domain=brand.domain),
        token_ca_pem=sandbox_ca_pem().encode("ascii"),
        realm=brand.realm,
    )


def _record(event: Event, walk: Walk, actor: Actor) -> None:
    record(
        event,
        walk,
        actor=actor,
        organisation=walk.organisation,
        application_id=walk.credential_set.application_id,
        data={"environment": walk.credential_set.environment},
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
