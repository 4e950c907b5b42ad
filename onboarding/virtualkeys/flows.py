"""Requests for a virtual-key token: asked for, sent once, finished once; the token shown once, to who asked.

What is different from a validation run: the request has an effect. So the row says that it goes out before it does, and
once it says so, no worker sends it again: what becomes of it then is told as it is, unknown.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from onboarding import leases
from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.celery import wake
from onboarding.credentials.entitlement import ApplicationClosed, require_not_ended
from onboarding.credentials.models import CredentialSet
from onboarding.credentials.rehearsing import rehearsed
from onboarding.credentials.states import USABLE
from onboarding.credentials.telling import tell_owners
from onboarding.fleet.checks import VIRTUAL_KEY, Check, Result
from onboarding.fleet.diagnosis import portal_fault
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.virtual_key import Asked, Obtained, asking, obtain
from onboarding.partners.actors import SYSTEM, Actor
from onboarding.rehearsals import Rehearsal
from onboarding.validation.flows import LEASE_MARGIN, KeyNeeded, material_of, read_key, target_of
from onboarding.vault.models import Secret
from onboarding.vault.seal import CannotOpen, EncryptedKey, destroy_secret, open_secret, seal_key, seal_secret
from onboarding.virtualkeys.models import TokenRequest

log = structlog.get_logger(__name__)

ASK = "onboarding.virtualkeys.tasks.ask"
PROGRAMMES = frozenset({"fleet_owner"})
"""Whose API grants such tokens."""
KEPT = timedelta(minutes=10)
"""How long a granted token waits, sealed, for who asked for it."""
MOST, WITHIN = 20, timedelta(hours=1)
"""Requests of one credential set; more than anybody who looks at each needs, and polite to the car maker."""
WHAT = "virtual_key_token"
"""What was shown, in mails and histories."""

_State = TokenRequest.State
_EVENTS = {
    _State.GRANTED: Event.VIRTUAL_KEY_GRANTED,
    _State.FAILED: Event.VIRTUAL_KEY_FAILED,
    _State.UNKNOWN: Event.VIRTUAL_KEY_UNKNOWN,
    _State.ABANDONED: Event.VIRTUAL_KEY_ABANDONED,
    _State.CANCELLED: Event.VIRTUAL_KEY_CANCELLED,
}


class NotOffered(Exception):
    """There is no such token for this credential set: its programme has none, or the set is out of use."""


class UnderWay(Exception):
    """A request of this set waits or runs already. Nothing was asked."""

    def __init__(self, request: TokenRequest) -> None:
        super().__init__(str(request.pk))
        self.request = request


class TooMany(Exception):
    """So many were asked for lately that the next has to wait until then. Nothing was asked."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class NothingToShow(Exception):
    """The token was shown already, is not kept any longer, or was never granted."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A token on its way to the page. Its repr shows nothing. signature: empty where there was none."""

    token: str = field(repr=False)
    signature: str = field(repr=False)


def ask(
    credential_set: CredentialSet,
    asked: Asked,
    *,
    actor: Actor,
    key: bytes | None = None,
    passphrase: bytes | None = None,
) -> TokenRequest:
    """Create a request and wake a worker.

    key: PEM or DER, where the set's is not kept here; sealed for this request only, as is what is asked with.
    Raises NotOffered, ApplicationClosed, KeyNeeded, KeyRefused, UnderWay, TooMany.
    """
    if credential_set.application.programme not in PROGRAMMES or not _is_usable(credential_set):
        raise NotOffered
    one_time = None
    if credential_set.certificate_request.key_id is None:
        if not key:
            raise KeyNeeded
        one_time = read_key(credential_set, key, passphrase)
    for _attempt in range(2):
        if waiting := _open(credential_set):
            raise UnderWay(waiting)
        _not_too_many(credential_set)
        try:
            return _create(credential_set, asked, one_time, actor)
        except IntegrityError:  # somebody else was quicker; theirs may have ended since
            continue
    raise RuntimeError("requests of this set begin and end faster than they can be looked at")


def cancel(request: TokenRequest, *, actor: Actor) -> bool:
    """End a request that has not gone out yet; False, and nothing changed, if it has, or has ended."""
    with transaction.atomic():
        unsent = TokenRequest.objects.filter(pk=request.pk, sent_at=None)
        if not leases.cancel(unsent, _State.CANCELLED, progress=models.F("progress") + 1):
            return False
        _destroy_lent(request)
        _record(Event.VIRTUAL_KEY_CANCELLED, request, actor)
    return True


def execute(request_id: str | uuid.UUID) -> None:
    """Carry out one request, if nobody else has it. Safe to repeat: what was sent is not sent again."""
    request = _claim(request_id)
    if request is None:
        return
    if request.sent_at is not None:
        _close(request, _State.UNKNOWN)
        return
    credential_set = request.credential_set
    if not _is_open(credential_set):
        _close(request, _State.CANCELLED, fault=TokenRequest.CLOSED)
        return
    rehearsal = rehearsed(credential_set, VIRTUAL_KEY)
    programme = credential_set.application.profile
    try:
        material, target = material_of(credential_set, request.key), target_of(credential_set, rehearsal)
        asked = _open_asked(request)
    except (CannotOpen, KeyError) as error:
        # The operator's own set-up stands in the way: a master key or an environment was taken away.
        log.error("the request cannot begin", request=str(request.pk), error=f"{type(error).__name__}: {error}")
        _finish(request, Obtained(portal_fault(asking(programme))), None)
        return
    try:
        obtained = obtain(
            material,
            target,
            asked,
            checks=PortalChecks,
            now=timezone.now(),
            deadline=settings.VALIDATION_DEADLINE,
            on_request=lambda: leases.keep(request, sent_at=timezone.now()),
            on_check=lambda checks: _keep(request, checks),
        )
    except leases.LostLease:
        log.warning("the request was cancelled, or taken over by another worker", request=str(request.pk))
        return
    _finish(request, obtained, rehearsal)


def show(request: TokenRequest, *, actor: Actor) -> Shown:
    """Return the token, once, to who asked for it; recorded, told to the owners, and erased here.

    Raises NothingToShow.
    """
    with transaction.atomic():
        now = timezone.now()
        kept = TokenRequest.objects.filter(
            pk=request.pk, requested_by_id=actor.user_id, token__isnull=False, kept_until__gt=now
        )
        secret = Secret.objects.filter(pk__in=kept.values("token")).first() if actor.user_id else None
        if secret is None or not kept.filter(token=secret).update(token=None, shown_at=now):
            raise NothingToShow
        try:
            content = json.loads(open_secret(secret))
        except CannotOpen:
            raise NothingToShow from None
        destroy_secret(secret)
        entry = _record(Event.VIRTUAL_KEY_SHOWN, request, actor)
        tell_owners(request.credential_set, entry, WHAT)
    return Shown(content["token"], content["signature"])


def sweep() -> None:
    """Erase tokens that nobody came for, and look after requests that nobody looks after."""
    forget()
    rows = TokenRequest.objects.select_related("car_token", "key", "credential_set__application__organisation")
    # What went out with a worker that was lost is not sent again.
    for request in rows.filter(state=_State.RUNNING, lease_until__lt=timezone.now(), sent_at__isnull=False):
        _close(request, _State.UNKNOWN)
    leases.sweep(rows, ASK, give_up=lambda request: _close(request, _State.ABANDONED))


def forget() -> None:
    """Erase tokens that were not looked at in time. Safe to repeat."""
    for request in TokenRequest.objects.filter(token__isnull=False, kept_until__lte=timezone.now()).select_related(
        "token"
    ):
        with transaction.atomic():
            if request.token is not None and TokenRequest.objects.filter(pk=request.pk, token=request.token).update(
                token=None
            ):
                destroy_secret(request.token)


def _is_usable(credential_set: CredentialSet) -> bool:
    return credential_set.retired_at is None and credential_set.certificate_request.state in USABLE


def _is_open(credential_set: CredentialSet) -> bool:
    """Whether the set may still be called with, as the database has it now."""
    try:
        with transaction.atomic():
            require_not_ended(credential_set.application)
    except ApplicationClosed:
        return False
    return _is_usable(credential_set)


def _not_too_many(credential_set: CredentialSet) -> None:
    since = timezone.now() - WITHIN
    recent = TokenRequest.objects.filter(credential_set=credential_set, created_at__gt=since).order_by("-created_at")
    moments = list(recent.values_list("created_at", flat=True)[:MOST])
    if len(moments) == MOST:
        raise TooMany(moments[-1] + WITHIN)


def _open(credential_set: CredentialSet) -> TokenRequest | None:
    return TokenRequest.objects.filter(credential_set=credential_set, state__in=TokenRequest.OPEN).first()


def _create(credential_set: CredentialSet, asked: Asked, one_time: EncryptedKey | None, actor: Actor) -> TokenRequest:
    organisation = credential_set.organisation
    sealed = json.dumps({"CarData": asked.car_data, "CarData_signature": asked.signature}).encode("ascii")
    with transaction.atomic():
        require_not_ended(credential_set.application)
        request = TokenRequest.objects.create(
            credential_set=credential_set,
            requested_by_id=actor.user_id,
            seconds=asked.seconds,
            car_token=seal_secret(organisation, Secret.Kind.CAR_TOKEN, sealed),
            key=seal_key(organisation, Secret.Kind.KEY_FOR_ONE_RUN, one_time) if one_time else None,
        )
        _record(Event.VIRTUAL_KEY_REQUESTED, request, actor, seconds=asked.seconds)
        wake(ASK, str(request.pk))
    return request


def _claim(request_id: str | uuid.UUID) -> TokenRequest | None:
    rows = TokenRequest.objects.select_related(
        "car_token",
        "key",
        "credential_set__application",
        "credential_set__client_secret",
        "credential_set__certificate_request__partner_login",
        "credential_set__certificate_request__key",
    )
    lease = timedelta(seconds=settings.VALIDATION_DEADLINE) + LEASE_MARGIN
    return leases.claim(rows, request_id, lease=lease, checks=[], progress=models.F("progress") + 1)


def _open_asked(request: TokenRequest) -> Asked:
    if request.car_token is None:
        raise CannotOpen(f"{request.pk}: nothing to ask with")
    content = json.loads(open_secret(request.car_token))
    return Asked(content["CarData"], content["CarData_signature"], request.seconds)


def _keep(request: TokenRequest, checks: Sequence[Check]) -> None:
    """Write the ladder down as it grows."""
    leases.keep(request, checks=[check.to_json() for check in checks], progress=models.F("progress") + 1)


def _finish(request: TokenRequest, obtained: Obtained, rehearsal: Rehearsal | None) -> None:
    """Write down how it ended. The token is sealed in the same transaction, or not at all."""
    token, report = obtained.token, obtained.report
    changes: dict[str, object] = {
        "checks": [check.to_json() for check in report.checks],
        "facts": dict(report.facts) | ({TokenRequest.REHEARSAL: rehearsal.name} if rehearsal else {}),
    }
    failed = next((check for check in report.checks if check.result == Result.FAILED), None)
    if failed is not None:
        changes |= {"stopped_at": str(failed.rung), "fault": failed.code, "turn": str(failed.turn)}
    if token is None:
        _close(request, _State.UNKNOWN if obtained.is_uncertain else _State.FAILED, **changes)
        return
    with transaction.atomic():
        content = json.dumps({"token": token.value, "signature": token.signature}).encode()
        sealed = seal_secret(request.organisation, Secret.Kind.VIRTUAL_KEY, content)
        written = _close(
            request,
            _State.GRANTED,
            **changes,
            token=sealed,
            kept_until=timezone.now() + KEPT,
            token_type=token.kind,
            signed=bool(token.signature),
            expires_at=token.expires,
        )
        if not written:  # nobody will come for it
            destroy_secret(sealed)


def _close(request: TokenRequest, state: TokenRequest.State, **changes: object) -> bool:
    """Finish a request once: only the worker whose lease it still is writes. What was lent for it goes with it."""
    with transaction.atomic(savepoint=False):
        written = leases.finish(request, state, progress=models.F("progress") + 1, **changes)
        if written:
            _destroy_lent(request)
            _record(_EVENTS[state], request, SYSTEM)
    return written


def _destroy_lent(request: TokenRequest) -> None:
    for secret in request.lent:
        destroy_secret(secret)


def _record(event: Event, request: TokenRequest, actor: Actor, **data: str | int) -> uuid.UUID:
    entry = record(
        event,
        request,
        actor=actor,
        organisation=request.organisation,
        application_id=request.credential_set.application_id,
        data={"environment": request.credential_set.environment, **data},
    )
    return entry.pk
