"""Whose is a partner login? One verb per decision.

An approval assigns one, confirmed at once. Credentials that are brought in claim one: in a hub that is nothing yet but
a word, and blocks nobody, until a call with these credentials has passed or staff confirm it.
"""

import re
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.notifications.mails import notify
from onboarding.partners.actors import SYSTEM, Actor
from onboarding.partners.login_range import LoginRange
from onboarding.partners.models import LoginAllocation, Organisation, PartnerLogin, StaffRole
from onboarding.partners.modes import mode
from onboarding.partners.people import builders, require_impartial, staff
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import REFERENCE_LETTERS
from onboarding.worklist.following import Card, follow
from onboarding.worklist.models import Stage

MZP_FORM = re.compile(r"[A-Z0-9]{3,64}")


NAMES_TRIED = 5


class LoginTaken(Exception):
    """The MZP belongs to another organisation, or was retired: it cannot be this one's."""


class LoginRetired(LoginTaken):
    """The MZP was retired: it is nobody's any more, and never issued again."""


class RangeExhausted(Exception):
    """Every partner login of the configured range has been given out. Nothing was changed."""


class NextMoved(Exception):
    """The next partner login of the range is not the one that was shown: a colleague was quicker. Nothing was changed.

    mzp: the next one now.
    """

    def __init__(self, mzp: str) -> None:
        super().__init__(mzp)
        self.mzp = mzp


class MalformedLogin(Exception):
    """Not an MZP: capital letters and digits only, 3 to 64 of them."""


class AlreadyDecided(Exception):
    """The claim was confirmed or rejected meanwhile. Nothing was changed."""


def assign_login(organisation: Organisation, mzp: str, *, actor: Actor) -> PartnerLogin:
    """Return the organisation's partner login `mzp`, assigning it if it is new. Its claim, if it has one, is confirmed.

    Raises MalformedLogin, or LoginTaken if it is another organisation's or was retired.
    """
    mzp = _well_formed(mzp)
    with transaction.atomic():
        login, created = _own(organisation, mzp, confirmed_at=timezone.now())
        if created:
            record(Event.LOGIN_ASSIGNED, login, actor=actor, organisation=organisation, data={"mzp": mzp})
        elif login.confirmed_at is None:
            # Whoever assigns it overrules a rejection, too.
            _confirm(login, actor=actor)
        elif login.retired_at is not None:
            raise LoginRetired(mzp)
    return login


@dataclass(frozen=True, slots=True)
class Next:
    """What the configured range gives next. mzp: empty if it is used up. left: how many there are, with this one."""

    mzp: str
    left: int


def login_range() -> LoginRange | None:
    """Return the configured range of partner logins; None if there is none."""
    return LoginRange.parse(settings.PARTNER_LOGIN_RANGE) if settings.PARTNER_LOGIN_RANGE else None


def next_of_range() -> Next | None:
    """Return which partner login the range gives next, to be shown; None if no range is configured."""
    if (given := login_range()) is None:
        return None
    allocation = LoginAllocation.objects.filter(first=given.name(given.first)).first()
    number = _unused(given, allocation.last if allocation else given.first - 1)
    return Next("", 0) if number is None else Next(given.name(number), given.last - number + 1)


def assign_next(organisation: Organisation, *, seen: str = "", actor: Actor) -> PartnerLogin:
    """Assign the next partner login of the range: the lowest that it has not given, and that nobody has, had or claims.

    seen: the one that was shown to whoever decides; empty if it does not matter which. Of two who ask at once each gets
    another one. Raises RangeExhausted, also if there is no range, or NextMoved.
    """
    if (given := login_range()) is None:
        raise RangeExhausted
    with transaction.atomic():
        allocation, _created = LoginAllocation.objects.select_for_update().get_or_create(
            first=given.name(given.first), defaults={"last": given.first - 1}
        )
        while (number := _unused(given, allocation.last)) is not None:
            mzp = given.name(number)
            if seen and mzp != seen:
                raise NextMoved(mzp)
            allocation.last = number
            try:
                login = assign_login(organisation, mzp, actor=actor)
            except LoginTaken:  # typed by somebody else this very moment
                continue
            allocation.save(update_fields=["last"])
            return login
    raise RangeExhausted


def _unused(given: LoginRange, after: int) -> int | None:
    """Return the lowest number above `after` of which there is no row, whoever's."""
    for numbers in given.batches(after):
        names = {given.name(number).lower(): number for number in numbers}
        rows = PartnerLogin.objects.alias(name=Lower("mzp")).filter(name__in=names).values_list("mzp", flat=True)
        taken = {names[mzp.lower()] for mzp in rows}
        if free := [number for number in numbers if number not in taken]:
            return free[0]
    return None


def claim_login(organisation: Organisation, mzp: str, *, actor: Actor) -> PartnerLogin:
    """Return the organisation's partner login `mzp`, claiming it if it is new; in solo mode it is confirmed at once.

    Raises MalformedLogin, or LoginTaken if it was retired, or its claim rejected; in solo mode, also if it is another
    organisation's.
    """
    mzp = _well_formed(mzp)
    at_once = mode().logins_count_at_once
    if _confirmed(mzp).filter(retired_at__isnull=False).exists():
        raise LoginTaken(mzp)
    with transaction.atomic():
        login, created = _own(organisation, mzp, confirmed_at=timezone.now() if at_once else None)
        if login.retired_at is not None:
            raise LoginTaken(mzp)
        if created:
            event = Event.LOGIN_ASSIGNED if at_once else Event.LOGIN_CLAIMED
            record(event, login, actor=actor, organisation=organisation, data={"mzp": mzp})
            follow(login, _card(login))
    return login


def sandbox_login(organisation: Organisation, *, actor: Actor) -> PartnerLogin:
    """Return the organisation's partner login for the sandbox, made when it is first asked for. There is one."""
    for _attempt in range(NAMES_TRIED):
        of_sandbox = PartnerLogin.objects.filter(organisation=organisation, environment=SANDBOX)
        if (login := of_sandbox.first()) is not None:
            return login
        mzp = PartnerLogin.SANDBOX_PREFIX + "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(6))
        try:
            with transaction.atomic():
                login = PartnerLogin.objects.create(
                    organisation=organisation, mzp=mzp, environment=SANDBOX, confirmed_at=timezone.now()
                )
                record(Event.LOGIN_OF_SANDBOX, login, actor=actor, organisation=organisation, data={"mzp": mzp})
                return login
        except IntegrityError:  # a colleague was quicker, or the name is another's
            continue
    raise RuntimeError("no name for a partner login of the sandbox was free")


def prove_login(login: PartnerLogin, environment_id: str) -> None:
    """A call with this login has passed: confirm its claim, unless another organisation has the login.

    Then the claim stays one, and both staff and the organisation are told, once. A call of the sandbox proves nothing:
    its certificates are made here.
    """
    if environment_id == SANDBOX or login.confirmed_at is not None:
        return
    login.refresh_from_db()
    if not login.is_claim:
        return
    try:
        _confirm(login, actor=SYSTEM)
    except LoginTaken:
        params = {"mzp": login.mzp, "organisation": login.organisation.name}
        notify("login_conflict", builders(login.organisation), once=f"login_conflict:{login.pk}", params=params)
        notify("login_to_decide", staff(StaffRole.Role.REVIEWER), once=f"login_to_decide:{login.pk}", params=params)


def confirm_login(login: PartnerLogin, *, actor: Actor) -> None:
    """Staff confirm a claim. Raises LoginTaken if another organisation has it, AlreadyDecided, and OwnOrganisation."""
    require_impartial(actor, login.organisation)
    login.refresh_from_db()
    if not login.is_claim:
        raise AlreadyDecided
    _confirm(login, actor=actor)


def reject_login(login: PartnerLogin, *, actor: Actor) -> None:
    """Staff reject a claim. Raises AlreadyDecided, and OwnOrganisation."""
    require_impartial(actor, login.organisation)
    with transaction.atomic():
        claim = PartnerLogin.objects.filter(pk=login.pk, confirmed_at=None, retired_at=None)
        written = claim.update(retired_at=timezone.now())
        login.refresh_from_db()
        if not written:
            raise AlreadyDecided
        record(Event.LOGIN_REJECTED, login, actor=actor, organisation=login.organisation, data={"mzp": login.mzp})
        follow(login, _card(login), Event.LOGIN_REJECTED)


def holder_of(mzp: str) -> PartnerLogin | None:
    """Return the confirmed login of this name, whoever has it."""
    return _confirmed(mzp).select_related("organisation").first()


def _own(organisation: Organisation, mzp: str, **defaults: object) -> tuple[PartnerLogin, bool]:
    """Return the organisation's row of this name, made if it is new. Raises LoginTaken."""
    try:
        with transaction.atomic():
            return PartnerLogin.objects.get_or_create(
                organisation=organisation, mzp__iexact=mzp, defaults={"mzp": mzp, **defaults}
            )
    except IntegrityError:
        holder = holder_of(mzp)
        raise (LoginRetired if holder is not None and holder.retired_at else LoginTaken)(mzp) from None


def _confirm(login: PartnerLogin, *, actor: Actor) -> None:
    """Compare-and-set; the constraint decides between two organisations. Raises LoginTaken."""
    try:
        with transaction.atomic():
            written = PartnerLogin.objects.filter(pk=login.pk, confirmed_at=None).update(
                confirmed_at=timezone.now(), retired_at=None
            )
            if written:
                record(
                    Event.LOGIN_CONFIRMED, login, actor=actor, organisation=login.organisation, data={"mzp": login.mzp}
                )
                follow(login, None, Event.LOGIN_CONFIRMED)
    except IntegrityError:
        raise LoginTaken(login.mzp) from None
    login.refresh_from_db()


def _card(login: PartnerLogin) -> Card | None:
    """Return what of it waits for staff: that they confirm or reject it, as long as it is only claimed."""
    return Card(Stage.LOGIN, login.organisation, title=login.mzp) if login.is_claim else None


def _confirmed(mzp: str) -> QuerySet[PartnerLogin]:
    return PartnerLogin.objects.filter(mzp__iexact=mzp, confirmed_at__isnull=False)


def _well_formed(mzp: str) -> str:
    mzp = mzp.strip()
    if not MZP_FORM.fullmatch(mzp):
        raise MalformedLogin(mzp)
    return mzp
