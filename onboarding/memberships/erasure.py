"""Erasing a person: their account goes, what was recorded stays and makes sense without them.

The row of the person is deleted, and with it addresses, second factors, sessions, memberships and roles. What they did
names them by an id that leads to nobody any more; rows that named them name nobody. Of the mail ledger their mails go,
of the companies' contacts those that were their own address: a role mailbox is the company's and stays.
"""

from dataclasses import dataclass

from django.db import models, transaction
from django.db.models.functions import Lower

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.memberships import joining
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.members import deletable
from onboarding.memberships.models import Invitation, JoinRequest, StaffInvitation
from onboarding.memberships.states import OPEN
from onboarding.notifications.mails import write_to
from onboarding.notifications.models import Mail
from onboarding.partners.actors import Actor
from onboarding.partners.models import Contact, Membership, Organisation, StaffRole, User
from onboarding.partners.people import staff

GOODBYE = "account_erased"
"""The kind of the last mail. The ledger forgets it, and with it the address, a day after it went out."""


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What stands in the way of erasing a person.

    organisations: those that would have no owner, though they have other members or applications.
    last_administrator: whether nobody could administer this portal any more.
    """

    organisations: tuple[Organisation, ...]
    last_administrator: bool

    def __bool__(self) -> bool:
        return bool(self.organisations or self.last_administrator)


class Obstructed(Exception):
    """Something stands in the way. Nothing was changed."""

    def __init__(self, obstacles: Obstacles) -> None:
        super().__init__("the person is the last owner or administrator")
        self.obstacles = obstacles


def obstacles(user: User) -> Obstacles:
    """Return what stands in the way of erasing a person, for a page to say and `erase` to refuse."""
    other_owners = _others(user).filter(role=Membership.Role.OWNER, user__is_active=True)
    going = goes_along(user)
    administrators = staff(StaffRole.Role.ADMINISTRATOR)
    return Obstacles(
        tuple(one for one in _owned(user).filter(~models.Exists(other_owners)) if one not in going),
        administrators.filter(pk=user.pk).exists() and not administrators.exclude(pk=user.pk).exists(),
    )


def goes_along(user: User) -> list[Organisation]:
    """Return the organisations that are deleted with a person: nobody else is in them, and nothing hangs on them."""
    return list(_owned(user).filter(~models.Exists(_others(user)), pk__in=deletable()))


def erase(user: User, *, actor: Actor) -> None:
    """Erase a person, and say so in a last mail. A second click finds nobody. Raises Obstructed."""
    with transaction.atomic():
        if not User.objects.select_for_update().filter(pk=user.pk).exists():
            return
        theirs = Membership.objects.filter(user=user).select_related("organisation").order_by("organisation")
        # As in `members.lock`, for all of them; what they belong to is read after that.
        list(
            Organisation.objects.select_for_update(no_key=True)
            .filter(pk__in=[one.organisation_id for one in theirs])
            .order_by("pk")
        )
        memberships = list(theirs.all())
        if hindered := obstacles(user):
            raise Obstructed(hindered)
        addresses = confirmed_addresses(user) | {user.email.casefold()}
        email, language, user_id = user.email, user.language, user.pk
        going = goes_along(user)
        for one in memberships:
            _leave(one, actor, goes_along=one.organisation in going)
        _erase_contacts(addresses, actor)
        for offered in (Invitation, StaffInvitation):
            offered._default_manager.annotate(lowered=Lower("email")).filter(lowered__in=addresses).delete()
        Mail.objects.annotate(lowered=Lower("address")).filter(
            models.Q(user=user) | models.Q(lowered__in=addresses)
        ).delete()
        joining.take_back(JoinRequest.objects.filter(user=user, state__in=OPEN), actor=actor)
        record(Event.PERSON_ERASED, user, actor=actor, organisation=None)
        user.delete()
        write_to(email, GOODBYE, language=language, once=f"erased:{user_id}", params={})


def _owned(user: User) -> models.QuerySet[Organisation]:
    return Organisation.objects.filter(memberships__user=user, memberships__role=Membership.Role.OWNER).order_by("name")


def _others(user: User) -> models.QuerySet[Membership]:
    """Return, within a query of organisations, who else is in each."""
    return Membership.objects.filter(organisation=models.OuterRef("pk")).exclude(user=user)


def _leave(membership: Membership, actor: Actor, *, goes_along: bool) -> None:
    organisation = membership.organisation
    data = {"member": str(membership.user_id), "role": membership.role, "erased": True}
    record(Event.MEMBER_LEFT, membership, actor=actor, organisation=organisation, data=data)
    if goes_along:
        record(Event.ORGANISATION_DELETED, organisation, actor=actor, organisation=organisation)
        organisation.delete()
    else:
        membership.delete()


def _erase_contacts(addresses: frozenset[str], actor: Actor) -> None:
    theirs = Contact.objects.annotate(lowered=Lower("email")).filter(lowered__in=addresses)
    for contact in theirs.exclude(kind=Contact.Kind.ROLE_MAILBOX).select_related("organisation"):
        data = {"kind": contact.kind}
        record(Event.CONTACT_ERASED, contact, actor=actor, organisation=contact.organisation, data=data)
        contact.delete()
