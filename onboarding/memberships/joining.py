"""Asking to belong to an organisation that is here already, instead of making a second one of the same company.

Who may ask: somebody who has confirmed an address at a domain that a member or a contact of the organisation has
confirmed one at, too. What they learn before an owner has accepted: that somebody with such an address is here. No
name, no number: it may be a group's other company, and owners may not want to be known.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.invitations import join
from onboarding.memberships.members import owner_decides
from onboarding.memberships.models import JoinRequest, link_lifetime
from onboarding.notifications.mails import notify
from onboarding.partners.actors import SYSTEM, Actor
from onboarding.partners.mail_domains import company_domain
from onboarding.partners.models import Membership, Organisation, User
from onboarding.partners.people import members

ASKED_AT_MOST = 5
"""How many organisations of one domain are asked at once."""

State = JoinRequest.State


class NobodyToAsk(Exception):
    """No organisation has the person's domain, or all of them have been asked. Nothing was changed."""


class Decided(Exception):
    """The request was decided or taken back meanwhile. Nothing was changed."""


def known_domains(user: User) -> list[str]:
    """Return those domains of a person's confirmed addresses at which there is an organisation that can be asked."""
    return sorted({domain for _one, domain in _can_be_asked(user)})


def ask(user: User, *, actor: Actor) -> list[JoinRequest]:
    """Ask the owners of each organisation that has the person's domain. Raises NobodyToAsk."""
    with transaction.atomic():
        made = []
        for organisation, domain in _can_be_asked(user):
            asked, new = JoinRequest.objects.get_or_create(
                organisation=organisation, user=user, state=State.WAITING, defaults={"domain": domain}
            )
            if not new:
                continue
            made.append(asked)
            record(Event.JOIN_REQUESTED, asked, actor=actor, organisation=organisation)
            notify(
                "join_request",
                members(organisation, (Membership.Role.OWNER,)),
                once=f"join:{asked.pk}",
                params=_params(organisation) | {"person": user.name or user.email, "address": user.email},
            )
    if not made:
        raise NobodyToAsk
    return made


def take_back(requests: Iterable[JoinRequest], *, actor: Actor) -> None:
    """The person does not want to join any more. What was decided meanwhile stays decided."""
    with transaction.atomic():
        for one in requests:
            if _decide(one, State.WITHDRAWN):
                record(Event.JOIN_WITHDRAWN, one, actor=actor, organisation=one.organisation)


def accept(request: JoinRequest, role: str, *, actor: Actor) -> None:
    """An owner takes the person in, as `role`. Raises NotAnOwner or Decided."""
    with transaction.atomic():
        owner_decides(request.organisation, actor)
        if not _decide(request, State.ACCEPTED):
            raise Decided
        membership = join(request.organisation, request.user, role)
        data = {"member": str(request.user_id), "role": membership.role}
        record(Event.JOIN_ACCEPTED, request, actor=actor, organisation=request.organisation, data=data)
        params = _params(request.organisation) | {"role": Membership.Role(membership.role).name.capitalize()}
        notify("join_accepted", [request.user], once=f"join:{request.pk}:accepted", params=params)
        # Whoever else was asked need not decide any more.
        others = JoinRequest.objects.filter(user=request.user, state=State.WAITING).select_related("organisation")
        take_back(others, actor=SYSTEM)


def decline(request: JoinRequest, *, actor: Actor) -> None:
    """An owner does not take the person in. The mail that says so names no organisation.

    Raises NotAnOwner or Decided.
    """
    with transaction.atomic():
        owner_decides(request.organisation, actor)
        if not _decide(request, State.DECLINED):
            raise Decided
        record(Event.JOIN_DECLINED, request, actor=actor, organisation=request.organisation)
        params = {"domain": request.domain}
        notify("join_declined", [request.user], once=f"join:{request.pk}:declined", params=params)


def _can_be_asked(user: User) -> list[tuple[Organisation, str]]:
    """Return the organisations at each domain of the person's, without those they belong to or that declined lately."""
    domains = sorted({domain for address in confirmed_addresses(user) if (domain := company_domain(address))})
    declined = JoinRequest.objects.filter(
        user=user, state=State.DECLINED, decided_at__gt=timezone.now() - link_lifetime()
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


def _decide(request: JoinRequest, state: str) -> bool:
    """Compare-and-set: of two who decide at once, one does."""
    waiting = JoinRequest.objects.filter(pk=request.pk, state=State.WAITING)
    written = waiting.update(state=state, decided_at=timezone.now())
    if written:
        request.refresh_from_db()
    return bool(written)


def _params(organisation: Organisation) -> dict[str, str]:
    return {"organisation": organisation.name, "organisation_id": str(organisation.pk)}
