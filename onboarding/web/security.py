"""What happens to a person's account: recorded in the audit, and mailed to them, always.

django-allauth says what happened by signals. One table says what each is to us.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from allauth.account import signals as account
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.userkit import filter_users_by_email
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import Signal
from django.http import HttpRequest

from onboarding.audit.events import ACCOUNT, Event
from onboarding.audit.models import Entry
from onboarding.audit.record import record
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import User
from onboarding.vault.models import Secret
from onboarding.web.access import client_address
from onboarding.web.devices import device
from onboarding.web.second_factor import MFA, SINGLE_SIGN_ON

NOT_MAILED = frozenset({Event.ACCOUNT_CREATED, Event.SIGNED_IN, Event.PROFILE_CHANGED, Event.MAILS_CHOSEN})
"""What everybody does by themselves all the time."""

ONCE_A_DAY = frozenset({Event.SECOND_FACTOR_FAILED})
"""What somebody else could make happen often."""

NOBODY = User(pk=UUID(int=0))
"""Whom an attempt to sign in is about that names no account."""

ADDED = {
    Authenticator.Type.WEBAUTHN: Event.PASSKEY_ADDED,
    Authenticator.Type.TOTP: Event.AUTHENTICATOR_APP_ADDED,
}
"""Recovery codes come with the first of these; only those made anew are told of."""

REMOVED = {
    Authenticator.Type.WEBAUTHN: Event.PASSKEY_REMOVED,
    Authenticator.Type.TOTP: Event.AUTHENTICATOR_APP_REMOVED,
}
USED = {Authenticator.Type.RECOVERY_CODES: Event.RECOVERY_CODE_USED}

Told = Callable[..., Event | None]
SIGNALS: tuple[tuple[Signal, Told], ...] = (
    (account.user_signed_up, lambda **_: Event.ACCOUNT_CREATED),
    (account.user_logged_in, lambda **_: Event.SIGNED_IN),
    (account.password_set, lambda **_: Event.PASSWORD_CHANGED),
    (account.password_changed, lambda **_: Event.PASSWORD_CHANGED),
    (account.password_reset, lambda **_: Event.PASSWORD_CHANGED),
    (account.email_added, lambda **_: Event.EMAIL_ADDED),
    (account.email_changed, lambda **_: Event.EMAIL_CHANGED),
    (account.email_removed, lambda **_: Event.EMAIL_REMOVED),
    (mfa.authenticator_added, lambda authenticator, **_: ADDED.get(authenticator.type)),
    (mfa.authenticator_removed, lambda authenticator, **_: REMOVED.get(authenticator.type)),
    (mfa.authenticator_reset, lambda **_: Event.RECOVERY_CODES_MADE),
    (mfa.authenticator_used, lambda authenticator, **_: USED.get(authenticator.type)),
    (mfa.authentication_failed, lambda **_: Event.SECOND_FACTOR_FAILED),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody to write to at an address of their own choosing. See `notify`."""

    pk: UUID
    email: str
    language: str


def happened(event: Event, user: User, request: HttpRequest, *, also_to: Iterable[str] = (), **data: Any) -> Entry:
    """Record what somebody did to their account, and mail it to them. also_to: further addresses of theirs."""
    kind = ActorKind.STAFF if user.staff_roles else ActorKind.MEMBER
    browser = device(request.headers.get("User-Agent", ""))
    actor = Actor(kind, user.pk, client_address(request))
    return tell(event, user, actor=actor, also_to=also_to, browser=browser, **data)


def tell(
    event: Event, user: User, *, actor: Actor, also_to: Iterable[str] = (), browser: str = "", **data: Any
) -> Entry:
    """Record what happened to somebody's account, whoever did it, and mail it to them."""
    with transaction.atomic():
        entry = record(event, user, actor=actor, organisation=None, data={"browser": browser, **data})
        if event not in NOT_MAILED:
            moment = entry.occurred_at.astimezone(ZoneInfo(user.time_zone))
            notify(
                "account_changed",
                [Reader(user.pk, address, user.language) for address in (user.email, *also_to)],
                once=f"{event}:{user.pk}:{moment:%Y-%m-%d}" if event in ONCE_A_DAY else f"account:{entry.pk}",
                params={
                    "event": event,
                    "when": f"{moment:%Y-%m-%d %H:%M} ({user.time_zone})",
                    "where": ", ".join(filter(None, (browser, entry.address))),
                },
            )
    return entry


def remove_second_factors(user: User, *, actor: Actor) -> int:
    """Take all second factors away from somebody who has lost them, recovery codes included; how many there were."""
    with transaction.atomic():
        found = list(Authenticator.objects.filter(user=user))
        for authenticator in found:
            authenticator.delete()
            if event := REMOVED.get(authenticator.type):
                tell(event, user, actor=actor)
    return sum(authenticator.type in REMOVED for authenticator in found)


def history(user: User, most: int) -> list[Entry]:
    """Return the latest of what happened to an account, the newest first."""
    entries = Entry.objects.filter(subject_type="user", subject_id=user.pk, event__in=ACCOUNT)
    return list(entries.order_by("-occurred_at")[:most])


def connect() -> None:
    """Listen to allauth."""
    for number, (signal, told) in enumerate(SIGNALS):
        signal.connect(_listener(told), weak=False, dispatch_uid=f"onboarding.security.{number}")
    mfa.authenticator_added.connect(_proven, dispatch_uid="onboarding.security.proven")
    user_login_failed.connect(_failed, dispatch_uid="onboarding.security.failed")
    post_delete.connect(_forget, sender=Authenticator, dispatch_uid="onboarding.security.forget")


def _listener(told: Told) -> Callable[..., None]:
    def listen(*, request: HttpRequest, user: User, **details: Any) -> None:
        event = told(**details)
        if event is None:
            return
        data: dict[str, Any] = {}
        if event == Event.SIGNED_IN:
            records = get_authentication_records(request, user)
            data["with"] = [record.get("type", record["method"]) for record in records]
        former = details.get("from_email_address")
        happened(event, user, request, also_to=[former.email] if former else [], **data)

    return listen


def _failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_details: Any) -> None:
    """Record a sign-in with a wrong password: never what was typed; of an unknown address, as of nobody, as quickly."""
    if request is None:
        return
    known = next(iter(filter_users_by_email(str(credentials.get("email", "")))), None)
    _record_failure(known, request)


def refused(known: User | None, request: HttpRequest) -> None:
    """Record that somebody whom the provider of single sign-on brought was not let in."""
    _record_failure(known, request, **{"with": [SINGLE_SIGN_ON]})


def _record_failure(known: User | None, request: HttpRequest, **data: Any) -> None:
    record(
        Event.SIGN_IN_FAILED,
        known or NOBODY,
        actor=Actor(ActorKind.MEMBER, None, client_address(request)),
        organisation=None,
        data={"browser": device(request.headers.get("User-Agent", "")), **data},
    )


def _proven(*, request: HttpRequest, user: User, authenticator: Authenticator, **_details: Any) -> None:
    """Who has just set up a second factor has shown it: they are not asked for it again at once."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, user, MFA, id=authenticator.pk, type=authenticator.type, reauthenticated=True)


def _forget(*, instance: Authenticator, **_details: Any) -> None:
    """What was sealed for an authenticator goes with it."""
    ids = [instance.data[name] for name in ("secret", "seed") if instance.data.get(name)]
    Secret.objects.filter(pk__in=ids, kind=Secret.Kind.SECOND_FACTOR).delete()
