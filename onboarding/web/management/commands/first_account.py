"""`manage.py first_account`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from onboarding.partners.modes import mode
from onboarding.web import first_account


class Command(BaseCommand):
    """Prints a link that makes the first account, in solo mode."""

    help = "Solo mode: print a link, good once within a day, that makes the first account."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print it. Raises CommandError in a hub, or if somebody has an account."""
        if mode().has_desk:
            raise CommandError("In a hub people sign up, and first_admin makes the first administrator.")
        if not first_account.is_wanted():
            raise CommandError("Somebody has an account already. Sign in, or be invited.")
        self.stdout.write(first_account.link())
