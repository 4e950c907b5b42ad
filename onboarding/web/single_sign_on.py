"""Single sign-on: whom the provider may bring in. Staff, and partners never.

Who somebody is, is the provider's name for them (`sub`). The first time their account is found by an address that the
provider says is verified, and linked; from then on no address decides. With a role mapping the provider also says who
is staff: it makes their accounts, grants the roles that it names and withdraws them.
"""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from onboarding.audit.events import Event
from onboarding.memberships import desk
from onboarding.memberships.models import ProviderIdentity
from onboarding.partners.models import User
from onboarding.web import security
from onboarding.web.oidc import Person
from onboarding.web.second_factor import SINGLE_SIGN_ON


class Refused(Exception):
    """Who came may not sign in this way. known: their account, if there is one. The message is for them."""

    def __init__(self, message: str, known: User | None = None) -> None:
        super().__init__(message)
        self.known = known


def admit(request: HttpRequest, person: Person) -> User:
    """Return the account of who came, linked to them, with the roles that they have now. Raises Refused."""
    if not _is_address(person.email):
        raise Refused(_("The provider does not say that your e-mail address is verified, so it does not count here."))
    if settings.OIDC_EMAIL_DOMAIN and person.email.rpartition("@")[2].lower() != settings.OIDC_EMAIL_DOMAIN:
        raise Refused(_("Only addresses at %(domain)s sign in this way.") % {"domain": settings.OIDC_EMAIL_DOMAIN})
    user = linked(person)
    is_linked = user is not None
    if user is None:
        user = _by_address(person.email)
    not_staff = _("There is no staff account here with the address %(email)s. Ask an administrator for one.") % {
        "email": person.email
    }
    if user is not None:
        if not user.is_active or user.memberships.exists():
            raise Refused(_("This account is not one that signs in this way. Use its password or passkey."), user)
        if not is_linked and not user.staff_roles:
            raise Refused(not_staff, user)
        if not is_linked and _identities(user).exists():
            raise Refused(
                _("The provider knows somebody else under this account's address. Ask an administrator."), user
            )
    if settings.OIDC_ROLES:
        granted = roles(person)
        if user is None:
            if not granted:
                raise Refused(not_staff)
            user, is_linked = _make(request, person), True
        if not desk.take_over_roles(user, granted, managed=managed()):
            raise Refused(_("The provider gives you no role here. Ask who gives them there."), user)
    if user is None or not user.staff_roles:
        raise Refused(not_staff, user)
    if not is_linked:
        _link(request, user, person)
    _identities(user).update(last_used_at=timezone.now())
    return user


def linked(person: Person) -> User | None:
    """Return the account that is linked to who came."""
    found = ProviderIdentity.objects.select_related("user").filter(issuer=settings.OIDC_ISSUER, subject=person.subject)
    identity = found.first()
    return identity.user if identity else None


def roles(person: Person) -> set[str]:
    """Return the roles that the provider gives, by OIDC_ROLES."""
    mapping = (one.rpartition("=") for one in settings.OIDC_ROLES)
    return {role for value, _equals, role in mapping if value in person.values}


def managed() -> set[str]:
    """Return the roles that the provider gives and takes; the others are given at the desk."""
    return {one.rpartition("=")[2] for one in settings.OIDC_ROLES}


def _by_address(email: str) -> User | None:
    """Return whose confirmed address it is, to the letter: no other script's letters, as databases fold case."""
    found = EmailAddress.objects.select_related("user").filter(email__iexact=email, verified=True)
    return next((one.user for one in found if one.email.lower() == email.lower()), None)


def _identities(user: User) -> models.QuerySet[ProviderIdentity]:
    return ProviderIdentity.objects.filter(issuer=settings.OIDC_ISSUER, user=user)


def _link(request: HttpRequest, user: User, person: Person) -> None:
    """Take this person, from now on, for the owner of the account. Raises Refused if somebody was quicker."""
    try:
        with transaction.atomic():
            ProviderIdentity.objects.create(user=user, issuer=settings.OIDC_ISSUER, subject=person.subject)
            security.happened(Event.SINGLE_SIGN_ON_LINKED, user, request)
    except IntegrityError:
        if linked(person) != user:
            raise Refused(
                _("The provider knows somebody else under this account's address. Ask an administrator."), user
            ) from None


def _make(request: HttpRequest, person: Person) -> User:
    """Make an account without a password, for staff. Raises Refused if there is one with this address."""
    language = (translation.get_language() or settings.LANGUAGE_CODE)[:2]
    try:
        with transaction.atomic():
            if EmailAddress.objects.filter(email__iexact=person.email).exists():
                raise IntegrityError
            user = User.objects.create_user(person.email, name=person.name[:120], language=language)
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            ProviderIdentity.objects.create(user=user, issuer=settings.OIDC_ISSUER, subject=person.subject)
            security.happened(Event.ACCOUNT_CREATED, user, request, **{"with": [SINGLE_SIGN_ON]})
    except IntegrityError:
        raise Refused(_("There is an account with this address that is not a staff account.")) from None
    return user


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return email.isascii()
