"""Whose is a partner login? One verb per decision.

An approval assigns one, confirmed at once. Credentials that are brought in claim one: in a hub that is nothing yet but
a word, and blocks nobody, until a call with these credentials has passed or staff confirm it.
"""

import re
import secrets

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.notifications.mails import notify
from onboarding.partners.actors import SYSTEM, Actor
from onboarding.partners.models import Organisation, PartnerLogin, StaffRole
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
            raise LoginTaken(mzp)
    return login


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
        raise LoginTaken(mzp) from None


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
