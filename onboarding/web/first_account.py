"""Solo mode: the first account, by a link that is printed at start. It stands for having started the portal.

The link is signed and stored nowhere. It works until somebody has an account, so once, and for a day; as long as nobody
has one, each start prints another.
"""

from urllib.parse import urljoin

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db import transaction
from django.urls import reverse

from onboarding.audit.models import Chain
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import User
from onboarding.partners.modes import mode
from onboarding.registrations.flows import create_organisation

SECONDS = 24 * 3600
WORD = "first-account"


class LinkTooOld(Exception):
    """The link was printed longer than a day ago."""


class NoSuchLink(Exception):
    """It was printed by no start of this portal."""


class AccountThere(Exception):
    """Somebody has an account already. Nothing was made."""


def is_wanted() -> bool:
    """Tell whether nobody has an account yet, where the first one is made by the link."""
    return not mode().has_desk and not User.objects.exists()


def link() -> str:
    """Return a link, whole, that makes the first account."""
    token = TimestampSigner(salt=WORD).sign(WORD).removeprefix(f"{WORD}:")
    return urljoin(settings.PUBLIC_URL, reverse("first_account", args=[token]))


def check(token: str) -> None:
    """Raise NoSuchLink, LinkTooOld, or AccountThere, unless the link makes an account now."""
    try:
        TimestampSigner(salt=WORD).unsign(f"{WORD}:{token}", max_age=SECONDS)
    except SignatureExpired:
        raise LinkTooOld from None
    except BadSignature:
        raise NoSuchLink from None
    if User.objects.exists():
        raise AccountThere


def make(*, email: str, password: str, name: str, company: str, country: str, language: str, address: str) -> User:
    """Make the first account, with its company; the address counts as confirmed: who has the link runs this portal.

    address: of the network. Raises AccountThere; of two who try at once, one does.
    """
    with transaction.atomic():
        # One at a time: whoever comes second waits here, and finds the first one's account.
        chain, _created = Chain.objects.get_or_create(organisation=None)
        Chain.objects.select_for_update().get(pk=chain.pk)
        if User.objects.exists():
            raise AccountThere
        user = User.objects.create_user(email, password, name=name, language=language)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        create_organisation(user, name=company, country=country, actor=Actor(ActorKind.MEMBER, user.pk, address))
    return user
