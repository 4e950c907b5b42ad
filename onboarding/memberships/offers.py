"""What all invitations by e-mail have in common: one link that works, a time, one end.

The link is signed, not stored; the row counts which mail is the latest.
"""

from datetime import timedelta
from typing import TypeVar

from django.db import models
from django.utils import timezone

from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.models import Offer, link_lifetime
from onboarding.notifications.links import read_token
from onboarding.partners.models import User

OPEN_AT_MOST = 50
PAUSE = timedelta(minutes=1)
"""So many can be open, and so often is one mailed."""

Offered = TypeVar("Offered", bound=Offer)


class InvitedAlready(Exception):
    """There is an open invitation for this address. Nothing was changed."""


class TooMany(Exception):
    """There are as many open invitations, or as many were sent today, as there may be. Nothing was sent."""


class TooSoon(Exception):
    """The mail was sent a moment ago. Nothing was sent."""


class Closed(Exception):
    """The invitation was accepted or withdrawn meanwhile, or its time is over. Nothing was changed."""


class NotInvited(Exception):
    """The invitation is for an address that this person has not confirmed as theirs. Nothing was changed."""


def renew_link(offer: Offer) -> None:
    """Make the link so far worthless, and give the next one its time. Raises TooSoon or Closed."""
    now = timezone.now()
    still_open = _rows(offer).filter(state=Offer.State.OPEN)
    if still_open.filter(link_sent_at__gt=now - PAUSE).exists():
        raise TooSoon
    if not still_open.update(
        link_serial=models.F("link_serial") + 1, link_sent_at=now, expires_at=now + link_lifetime()
    ):
        raise Closed
    offer.refresh_from_db()


def withdraw(offer: Offer) -> None:
    """Take an offer back. Raises Closed."""
    if not _end(offer, Offer.State.WITHDRAWN):
        raise Closed


def require_invited(offer: Offer, user: User) -> None:
    """Raise NotInvited unless somebody has confirmed the invited address as theirs."""
    if offer.email.casefold() not in confirmed_addresses(user):
        raise NotInvited


def accept(offer: Offer, user: User) -> None:
    """Close an offer as accepted by somebody, in its time. Raises Closed."""
    in_time = _rows(offer).filter(expires_at__gt=timezone.now()).exists()
    if not in_time or not _end(offer, Offer.State.ACCEPTED, accepted_by=user):
        raise Closed


def from_link(offers: models.QuerySet[Offered], purpose: str, text: str) -> tuple[Offered | None, bool]:
    """Return the offer that a link leads to, and whether it is the latest link; (None, False) if there is none."""
    read = read_token(purpose, text)
    if read is None:
        return None, False
    found = offers.filter(pk=read[0]).first()
    return found, found is not None and found.link_serial == read[1]


def _rows(offer: Offer) -> models.QuerySet[Offer]:
    rows: models.QuerySet[Offer] = type(offer)._default_manager.filter(pk=offer.pk)
    return rows


def _end(offer: Offer, state: str, **changes: object) -> bool:
    """Compare-and-set: of two who end it at once, one does."""
    written = _rows(offer).filter(state=Offer.State.OPEN).update(state=state, ended_at=timezone.now(), **changes)
    if written:
        offer.refresh_from_db()
    return bool(written)
