"""Invitations: sent, sent again, withdrawn, accepted. One verb per decision."""

from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.members import lock, owner_decides
from onboarding.memberships.models import Invitation, JoinRequest, link_lifetime
from onboarding.notifications.links import read_token
from onboarding.notifications.mails import write_to
from onboarding.partners.actors import Actor
from onboarding.partners.models import Membership, Organisation, User

LINK = "invitation"
OPEN_AT_MOST = 50
A_DAY_AT_MOST = 100
PAUSE = timedelta(minutes=1)
"""So much can one organisation make this portal write to people who have not asked for it, and so often to one."""

State = Invitation.State


class MemberAlready(Exception):
    """The address is a member's. Nothing was changed."""


class InvitedAlready(Exception):
    """There is an open invitation for this address. Nothing was changed."""


class TooMany(Exception):
    """The organisation has as many open invitations, or has sent as many today, as it may. Nothing was sent."""


class TooSoon(Exception):
    """The mail was sent a moment ago. Nothing was sent."""


class Closed(Exception):
    """The invitation was accepted or withdrawn meanwhile, or its time is over. Nothing was changed."""


class NotInvited(Exception):
    """The invitation is for an address that this person has not confirmed as theirs. Nothing was changed."""


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
            raise InvitedAlready
        if (
            invitations.filter(state=State.OPEN).count() >= OPEN_AT_MOST
            or invitations.filter(created_at__gt=now - timedelta(days=1)).count() >= A_DAY_AT_MOST
        ):
            raise TooMany
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
    now = timezone.now()
    with transaction.atomic():
        owner_decides(invitation.organisation, actor)
        still_open = Invitation.objects.filter(pk=invitation.pk, state=State.OPEN)
        if still_open.filter(link_sent_at__gt=now - PAUSE).exists():
            raise TooSoon
        if not still_open.update(
            link_serial=models.F("link_serial") + 1, link_sent_at=now, expires_at=now + link_lifetime()
        ):
            raise Closed
        invitation.refresh_from_db()
        record(Event.INVITATION_RESENT, invitation, actor=actor, organisation=invitation.organisation)
        _write(invitation, by)


def withdraw(invitation: Invitation, *, actor: Actor) -> None:
    """Take an invitation back: its link works no longer. Raises NotAnOwner or Closed."""
    with transaction.atomic():
        owner_decides(invitation.organisation, actor)
        if not _end(invitation, State.WITHDRAWN):
            raise Closed
        record(Event.INVITATION_WITHDRAWN, invitation, actor=actor, organisation=invitation.organisation)


def accept(invitation: Invitation, user: User, *, actor: Actor) -> Membership:
    """Make `user` a member, in the role that was offered; one who is a member already keeps theirs.

    Raises NotInvited unless they have confirmed the invited address as theirs, NoMember if the organisation is gone,
    and Closed.
    """
    if invitation.email.casefold() not in confirmed_addresses(user):
        raise NotInvited
    with transaction.atomic():
        lock(invitation.organisation)
        in_time = Invitation.objects.filter(pk=invitation.pk, expires_at__gt=timezone.now()).exists()
        if not in_time or not _end(invitation, State.ACCEPTED, accepted_by=user):
            raise Closed
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
    JoinRequest.objects.filter(organisation=organisation, user=user, state=JoinRequest.State.WAITING).update(
        state=JoinRequest.State.ACCEPTED, decided_at=timezone.now()
    )
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
    read = read_token(LINK, text)
    if read is None:
        return None, False
    found = Invitation.objects.select_related("organisation", "invited_by").filter(pk=read[0]).first()
    return found, found is not None and found.link_serial == read[1]


def _end(invitation: Invitation, state: str, **changes: object) -> bool:
    """Compare-and-set: of two who end it at once, one does."""
    still_open = Invitation.objects.filter(pk=invitation.pk, state=State.OPEN)
    written = still_open.update(state=state, ended_at=timezone.now(), **changes)
    if written:
        invitation.refresh_from_db()
    return bool(written)


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
