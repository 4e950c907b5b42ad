"""`manage.py first_admin EMAIL`."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import StaffRole, User
from onboarding.partners.modes import mode

# Who starts an installation alone must be able to take an application all the way.
ROLES = (StaffRole.Role.ADMINISTRATOR, StaffRole.Role.REVIEWER, StaffRole.Role.ISSUER)


class Command(BaseCommand):
    """Makes the first administrator, and prints a link that sets the password."""

    help = "Make the first administrator, and print a link, good once, to set the password."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("email", help="e-mail address of the administrator")
        parser.add_argument("--force", action="store_true", help="even if there is an administrator")

    def handle(self, *_args: Any, email: str, force: bool, **_options: Any) -> None:
        """Print the link. Raises CommandError for a bad address, if there is an administrator, and in solo mode."""
        if not mode().has_desk:
            raise CommandError("In solo mode there is no staff. For the first account: manage.py first_account")
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address.") from error
        if not force and StaffRole.objects.filter(role=StaffRole.Role.ADMINISTRATOR).exists():
            raise CommandError("There is an administrator already. To make another, add --force.")
        with transaction.atomic():
            user = self._account(email)
            for role in ROLES:
                _granted, new = StaffRole.objects.get_or_create(user=user, role=role)
                if new:
                    data = {"role": role, "member": str(user.pk)}
                    record(Event.ROLE_GRANTED, user, actor=SYSTEM, organisation=None, data=data)
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        self.stdout.write(f"{user.email} is now: {', '.join(str(role.label).lower() for role in ROLES)}.")
        self.stdout.write(f"Set the password here; the link works once, within {hours} hours:")
        self.stdout.write(get_adapter().get_reset_password_from_key_url(key))

    @staticmethod
    def _account(email: str) -> User:
        """Return the user of that address, made if need be. Who can run this vouches for the address."""
        user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email)
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
        return user
