"""The role mailbox and the second contact of an organisation: named, asked to confirm, confirmed.

The e-mail address in a certificate is the channel for its download and its renewal. People change jobs; so there is a
mailbox that stays, and somebody else to write to, and both have shown that what is written to them arrives.
"""

from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.audit.record import record
from onboarding.memberships.members import lock
from onboarding.memberships.models import link_lifetime
from onboarding.notifications.links import read_token
from onboarding.notifications.mails import write_to
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import Contact, Organisation, User

LINK = "contact"
PAUSE = timedelta(minutes=1)
NAMED_A_DAY = 20
"""So often can an organisation have us write to addresses that it names, in 24 hours."""


class SameAddress(Exception):
    """The address is the organisation's other named contact: two are wanted. Nothing was changed."""


class NamedMeanwhile(Exception):
    """Somebody else named another contact since the person looked. Nothing was changed. contact: the one named now."""

    def __init__(self, contact: Contact | None) -> None:
        super().__init__("named meanwhile")
        self.contact = contact


class TooSoon(Exception):
    """The mail was sent a moment ago, or too many were sent today. Nothing was sent."""


class Outdated(Exception):
    """The link works no longer: too old, replaced by a later one, or the contact was changed. Nothing was changed."""


def seen(contact: Contact | None) -> str:
    """Return by what a form tells which contact it was begun with, for `name_contact`."""
    return f"{contact.pk} {contact.email} {contact.name}" if contact else ""


def name_contact(
    organisation: Organisation,
    kind: str,
    *,
    name: str,
    email: str,
    by: User,
    actor: Actor,
    instead_of: str | None = None,
) -> Contact:
    """Name the contact of this kind, in place of the one before, and ask it to confirm by mail.

    An address that is confirmed already, as one of the organisation's contacts, is not asked again.
    instead_of: which one the person saw there, by `seen`; None replaces whichever there is.
    Raises SameAddress, NamedMeanwhile, TooSoon, or NoMember if the organisation is gone.
    """
    with transaction.atomic():
        lock(organisation)
        contacts = organisation.contacts
        there = contacts.filter(kind=kind).first()
        if instead_of not in (None, seen(there)) and (there is None or (there.name, there.email) != (name, email)):
            raise NamedMeanwhile(there)
        known = contacts.filter(email__iexact=email).first()
        if known is not None and known.kind not in (kind, Contact.Kind.OTHER):
            raise SameAddress
        before = contacts.filter(kind=kind)
        (before if known is None else before.exclude(pk=known.pk)).delete()
        if known is None:
            known = Contact(organisation=organisation, email=email)
        known.kind, known.name = kind, name
        known.save()
        record(Event.CONTACT_NAMED, known, actor=actor, organisation=organisation, data={"kind": kind})
        if known.verified_at is None:
            _ask(known, by)
    return known


def ask_again(contact: Contact, *, by: User, actor: Actor) -> None:
    """Send a new link; the one before works no longer. Raises TooSoon, NoMember, or Outdated if it is settled."""
    with transaction.atomic():
        lock(contact.organisation)
        if not Contact.objects.filter(pk=contact.pk, verified_at=None).exists():
            raise Outdated
        contact.refresh_from_db()
        if contact.link_sent_at and contact.link_sent_at > timezone.now() - PAUSE:
            raise TooSoon
        record(Event.CONTACT_ASKED, contact, actor=actor, organisation=contact.organisation)
        _ask(contact, by)


def from_link(text: str) -> tuple[Contact | None, bool]:
    """Return the contact that a link leads to, and whether the link works; (None, False) if there is none (any more).

    A link works if it is the latest one and its time is not over.
    """
    read = read_token(LINK, text)
    if read is None:
        return None, False
    contact = Contact.objects.select_related("organisation").filter(pk=read[0]).first()
    if contact is None:
        return None, False
    return contact, contact.link_serial == read[1] and not link_expired(contact)


def link_expired(contact: Contact) -> bool:
    """Tell whether the time of the latest link is over."""
    return contact.link_sent_at is None or contact.link_sent_at <= timezone.now() - link_lifetime()


def confirm(contact: Contact, serial: int) -> None:
    """Whoever reads the mailbox confirms it. A second click changes nothing. Raises Outdated."""
    now = timezone.now()
    with transaction.atomic():
        written = Contact.objects.filter(
            pk=contact.pk, verified_at=None, link_serial=serial, link_sent_at__gt=now - link_lifetime()
        ).update(verified_at=now)
        if not written:
            if not Contact.objects.filter(pk=contact.pk, verified_at__isnull=False).exists():
                raise Outdated
            return
        contact.refresh_from_db()
        # Nobody has signed in: it is the mailbox that answers.
        record(
            Event.CONTACT_CONFIRMED,
            contact,
            actor=Actor(ActorKind.MEMBER),
            organisation=contact.organisation,
            data={"kind": contact.kind},
        )


def _ask(contact: Contact, by: User) -> None:
    """Send the mail with the link, in the language of who asks for it. Raises TooSoon if it is one too many."""
    now = timezone.now()
    asked = Entry.objects.filter(
        chain__organisation=contact.organisation,
        event__in=(Event.CONTACT_NAMED, Event.CONTACT_ASKED),
        occurred_at__gt=now - timedelta(days=1),
    )
    if asked.count() > NAMED_A_DAY:
        raise TooSoon
    Contact.objects.filter(pk=contact.pk).update(link_serial=models.F("link_serial") + 1, link_sent_at=now)
    contact.refresh_from_db()
    write_to(
        contact.email,
        "contact_confirmation",
        language=by.language,
        once=f"contact:{contact.pk}:{contact.link_serial}",
        params={
            "organisation": contact.organisation.name,
            "person": str(by),
            "kind": Contact.Kind(contact.kind).value,
            "until": f"{now + link_lifetime():%Y-%m-%d}",
            "link": [LINK, str(contact.pk), contact.link_serial],
        },
    )
