"""Asking to belong to an organisation that is here already, instead of making a second one of the same company.

Who may ask: somebody who has confirmed an address at a domain that a member or a contact of the organisation has
confirmed one at, too. What they learn before an owner has accepted: that somebody with such an address is here. No
name, no number: it may be a group's other company, and owners may not want to be known.

Who decides: the owners. Where they are silent for JOIN_OWNERS_DAYS, or none is left, it waits for staff, beside them.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.lifecycle import IllegalTransition
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.invitations import join
from onboarding.memberships.members import lock, owner_decides
from onboarding.memberships.models import JoinRequest, link_lifetime
from onboarding.memberships.states import LIFECYCLE, OPEN, State
from onboarding.notifications.mails import notify, write_to
from onboarding.partners.actors import SYSTEM, Actor, ActorKind
from onboarding.partners.mail_domains import company_domain
from onboarding.partners.models import Membership, Organisation, StaffRole, User
from onboarding.partners.modes import mode
from onboarding.partners.people import contact_addresses, members, require_impartial, staff
from onboarding.worklist.assigning import require_holder
from onboarding.worklist.targets import working_days_after
from onboarding.worklist.transitions import advance

ASKED_AT_MOST = 5
"""How many organisations of one domain are asked at once."""


class NobodyToAsk(Exception):
    """No organisation has the person's domain, or all of them have been asked. Nothing was changed."""


class Decided(Exception):
    """The request was decided or taken back meanwhile. Nothing was changed."""


def known_domains(user: User) -> list[str]:
    """Return those domains of a person's confirmed addresses at which there is an organisation that can be asked."""
    return sorted({domain for _one, domain in _can_be_asked(user)})


def ask(user: User, *, actor: Actor) -> list[JoinRequest]:
    """Ask the owners of each organisation that has the person's domain, or staff where there are none left.

    Raises NobodyToAsk.
    """
    with transaction.atomic():
        made = []
        for organisation, domain in _can_be_asked(user):
            asked, new = JoinRequest.objects.get_or_create(
                organisation=organisation,
                user=user,
                state__in=OPEN,
                defaults={"domain": domain, "state": State.WAITING, "owners_until": _owners_until()},
            )
            if not new:
                continue
            made.append(asked)
            record(Event.JOIN_REQUESTED, asked, actor=actor, organisation=organisation)
            params = _params(organisation) | {"person": user.name or user.email, "address": user.email}
            notify("join_request", _owners(organisation), once=f"join:{asked.pk}", params=params)
            if asked.owners_until is not None and not _owners(organisation).exists():
                _leave_to_staff(asked)
    if not made:
        raise NobodyToAsk
    return made


def take_back(requests: Iterable[JoinRequest], *, actor: Actor) -> None:
    """The person does not want to join any more. What was decided meanwhile stays decided."""
    with transaction.atomic():
        for one in requests:
            with suppress(IllegalTransition):
                advance(one, LIFECYCLE, "withdraw", actor=actor)


def accept(request: JoinRequest, role: str, *, actor: Actor) -> None:
    """An owner, or one of the staff who has it, takes the person in as `role`.

    The company's owners and contacts are told what staff decided.
    Raises NotAnOwner, NoMember, Decided, NotHeld or OwnOrganisation.
    """
    with transaction.atomic():
        _require_decider(request, actor)
        data = {"member": str(request.user_id), "role": str(role)}
        _decide(request, "accept", actor, data)
        membership = join(request.organisation, request.user, role)
        organisation = request.organisation
        params = _params(organisation) | {"role": Membership.Role(membership.role).name.capitalize()}
        by_staff = actor.kind == ActorKind.STAFF
        about = params | {"by_staff": by_staff}
        notify("join_accepted", [request.user], once=f"join:{request.pk}:accepted", params=about)
        if by_staff:
            _tell_company(request, params)
        # Whoever else was asked need not decide any more.
        others = JoinRequest.objects.filter(user=request.user, state__in=OPEN).select_related("organisation")
        take_back(others, actor=SYSTEM)


def decline(request: JoinRequest, *, actor: Actor) -> None:
    """An owner, or one of the staff who has it, does not take the person in. The mail about it names no organisation.

    Raises NotAnOwner, Decided, NotHeld or OwnOrganisation.
    """
    with transaction.atomic():
        _require_decider(request, actor)
        _decide(request, "decline", actor, {})
        params = {"domain": request.domain}
        notify("join_declined", [request.user], once=f"join:{request.pk}:declined", params=params)


def leave_to_staff() -> int:
    """Let staff decide where the owners' time is over, or no owner is left; return how often. Again is safe."""
    waiting = JoinRequest.objects.filter(state=State.WAITING, owners_until__isnull=False)
    owners = Membership.objects.filter(
        organisation=models.OuterRef("organisation"), role=Membership.Role.OWNER, user__is_active=True
    )
    due = waiting.filter(Q(owners_until__lt=timezone.localdate()) | ~models.Exists(owners))
    done = 0
    for one in due.select_related("organisation", "user"):
        with suppress(IllegalTransition):
            _leave_to_staff(one)
            done += 1
    return done


def _leave_to_staff(request: JoinRequest) -> None:
    with transaction.atomic():
        advance(request, LIFECYCLE, "escalate", actor=SYSTEM)
        params = _params(request.organisation) | {"person": request.user.name or request.user.email}
        notify("join_left_to_staff", _owners(request.organisation), once=f"join:{request.pk}:left", params=params)
        params |= {"request_id": str(request.pk), "domain": request.domain}
        reviewers = staff(StaffRole.Role.REVIEWER).exclude(memberships__organisation=request.organisation)
        notify("join_to_decide", reviewers, once=f"join_to_decide:{request.pk}", params=params)


def _owners_until() -> date | None:
    """Return the last day on which only owners decide on what is asked today; None where staff never do."""
    days = settings.JOIN_OWNERS_DAYS if mode().has_desk else 0
    return working_days_after(timezone.localdate(), days) if days else None


def _require_decider(request: JoinRequest, actor: Actor) -> None:
    """Lock the organisation. Raises what `accept` does: Decided also where it is not the staff's turn."""
    if actor.kind != ActorKind.STAFF:
        owner_decides(request.organisation, actor)
        return
    lock(request.organisation)
    require_impartial(actor, request.organisation)
    if request.state != State.WITH_STAFF:
        raise Decided
    require_holder(request, actor)


def _decide(request: JoinRequest, verb: str, actor: Actor, data: dict[str, str]) -> None:
    """Of two who decide at once, one does: an owner who looks again before staff have decided is right in time."""
    try:
        advance(request, LIFECYCLE, verb, actor=actor, data=data)
    except IllegalTransition:
        raise Decided from None


def _tell_company(request: JoinRequest, params: dict[str, str]) -> None:
    """Tell the company's owners and its contacts whom staff let in, so that somebody there can object."""
    once, told = f"join:{request.pk}:decided", params | {"person": request.user.name or request.user.email}
    notify("join_decided_by_staff", _owners(request.organisation).exclude(pk=request.user_id), once=once, params=told)
    for address in contact_addresses(request.organisation):
        write_to(address, "join_decided_by_staff", language=settings.LANGUAGE_CODE, once=once, params=told)


def _owners(organisation: Organisation) -> models.QuerySet[User]:
    return members(organisation, (Membership.Role.OWNER,))


def _can_be_asked(user: User) -> list[tuple[Organisation, str]]:
    """Return the organisations at each domain of the person's, without those they belong to or that declined lately."""
    domains = sorted({domain for address in confirmed_addresses(user) if (domain := company_domain(address))})
    declined = JoinRequest.objects.filter(
        user=user, state=State.DECLINED, state_since__gt=timezone.now() - link_lifetime()
    )
    result = []
    for domain in domains:
        at = f"@{domain}"
        found = (
            Organisation.objects.filter(
                Q(
                    memberships__user__is_active=True,
                    memberships__user__emailaddress__verified=True,
                    memberships__user__emailaddress__email__iendswith=at,
                )
                | Q(contacts__verified_at__isnull=False, contacts__email__iendswith=at)
            )
            .exclude(pk__in=user.memberships.values("organisation"))
            .exclude(pk__in=declined.values("organisation"))
            .distinct()
            .order_by("created_at")
        )
        result += [(organisation, domain) for organisation in found[:ASKED_AT_MOST]]
    return result


def _params(organisation: Organisation) -> dict[str, str]:
    return {"organisation": organisation.name, "organisation_id": str(organisation.pk)}
