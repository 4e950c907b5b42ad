"""`manage.py remove_second_factor EMAIL`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import User
from onboarding.web.security import remove_second_factors


class Command(BaseCommand):
    """For somebody who has lost phone, passkeys and recovery codes. Make sure by other means that it is them."""

    help = "Remove the passkeys, the authenticator app and the recovery codes of somebody who has lost them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("email", help="e-mail address of the account")

    def handle(self, *_args: Any, email: str, **_options: Any) -> None:
        """Remove them. Raises CommandError if there is no such account, or if it has none."""
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        if not remove_second_factors(user, actor=SYSTEM):
            raise CommandError(f"{user.email} has no second factor.")
        self.stdout.write(f"{user.email} signs in with the password alone now, and has been told so by mail.")
