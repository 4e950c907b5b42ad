"""Invitations: sent, sent again, withdrawn, accepted. One verb per decision."""

from contextlib import suppress
from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.lifecycle import IllegalTransition
from onboarding.memberships import offers
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.members import lock, owner_decides
from onboarding.memberships.models import Invitation, JoinRequest, link_lifetime
from onboarding.memberships.states import LIFECYCLE, OPEN
from onboarding.notifications.mails import write_to
from onboarding.partners.actors import SYSTEM, Actor
from onboarding.partners.models import Membership, Organisation, User
from onboarding.worklist.transitions import advance

LINK = "invitation"
A_DAY_AT_MOST = 100
"""So much can one organisation make this portal write to people who have not asked for it."""

State = Invitation.State


class MemberAlready(Exception):
    """The address is a member's. Nothing was changed."""


def invite(organisation: Organisation, *, email: str, role: str, by: User, actor: Actor) -> Invitation:
    """Offer whoever reads `email` a place, by a mail with a link.

    Says nothing of whether somebody has an account with that address, unless they are a member here.
    Raises NotAnOwner, MemberAlready, InvitedAlready or TooMany.
    """
    now = timezone.now()
    with transaction.atomic():
        owner_decides(organisation, actor)
        theirs = models.Q(user__email__iexact=email) | models.Q(
            user__emailaddress__email__iexact=email, user__emailaddress__verified=True
        )
        if organisation.memberships.filter(theirs).exists():
            raise MemberAlready
        invitations = organisation.invitations
        if invitations.filter(email__iexact=email, state=State.OPEN).exists():
            raise offers.InvitedAlready
        if (
            invitations.filter(state=State.OPEN).count() >= offers.OPEN_AT_MOST
            or invitations.filter(created_at__gt=now - timedelta(days=1)).count() >= A_DAY_AT_MOST
        ):
            raise offers.TooMany
        invitation = Invitation.objects.create(
            organisation=organisation,
            email=email,
            role=role,
            language=by.language,
            invited_by=by,
            expires_at=now + link_lifetime(),
        )
        record(Event.INVITATION_SENT, invitation, actor=actor, organisation=organisation, data={"role": role})
        _write(invitation, by)
    return invitation


def send_again(invitation: Invitation, *, by: User, actor: Actor) -> None:
    """Send a new link, good for as long as the first one was. The one before works no longer.

    Raises NotAnOwner, Closed or TooSoon.
    """
    with transaction.atomic():
        owner_decides(invitation.organisation, actor)
        offers.renew_link(invitation)
        record(Event.INVITATION_RESENT, invitation, actor=actor, organisation=invitation.organisation)
        _write(invitation, by)


def withdraw(invitation: Invitation, *, actor: Actor) -> None:
    """Take an invitation back: its link works no longer. Raises NotAnOwner or Closed."""
    with transaction.atomic():
        owner_decides(invitation.organisation, actor)
        offers.withdraw(invitation)
        record(Event.INVITATION_WITHDRAWN, invitation, actor=actor, organisation=invitation.organisation)


def accept(invitation: Invitation, user: User, *, actor: Actor) -> Membership:
    """Make `user` a member, in the role that was offered; one who is a member already keeps theirs.

    Raises NotInvited unless they have confirmed the invited address as theirs, NoMember if the organisation is gone,
    and Closed.
    """
    offers.require_invited(invitation, user)
    with transaction.atomic():
        lock(invitation.organisation)
        offers.accept(invitation, user)
        membership = join(invitation.organisation, user, invitation.role)
        record(
            Event.INVITATION_ACCEPTED,
            invitation,
            actor=actor,
            organisation=invitation.organisation,
            data={"role": membership.role},
        )
    return membership


def join(organisation: Organisation, user: User, role: str) -> Membership:
    """Make somebody a member, or return what they are already; what they asked for is settled by it."""
    membership, _created = Membership.objects.get_or_create(
        organisation=organisation, user=user, defaults={"role": role}
    )
    for asked in JoinRequest.objects.filter(organisation=organisation, user=user, state__in=OPEN):
        with suppress(IllegalTransition):  # who took it back meanwhile is a member all the same
            advance(asked, LIFECYCLE, "accept", actor=SYSTEM)
    return membership


def open_invitations(user: User) -> models.QuerySet[Invitation]:
    """Return the invitations that a person can accept now, by any address that they have confirmed."""
    return (
        Invitation.objects.annotate(address=models.functions.Lower("email"))
        .filter(address__in=confirmed_addresses(user), state=State.OPEN, expires_at__gt=timezone.now())
        .exclude(organisation__memberships__user=user)
        .select_related("organisation", "invited_by")
        .order_by("-created_at")
    )


def from_link(text: str) -> tuple[Invitation | None, bool]:
    """Return the invitation that a link leads to, and whether it is the latest one; (None, False) if there is none."""
    return offers.from_link(Invitation.objects.select_related("organisation", "invited_by"), LINK, text)


def _write(invitation: Invitation, by: User) -> None:
    serial = invitation.link_serial
    write_to(
        invitation.email,
        "invitation",
        language=invitation.language,
        once=f"invitation:{invitation.pk}:{serial}",
        params={
            "organisation": invitation.organisation.name,
            "inviter": str(by),
            "role": Membership.Role(invitation.role).name.capitalize(),
            "until": f"{invitation.expires_at:%Y-%m-%d}",
            "link": [LINK, str(invitation.pk), serial],
        },
    )
