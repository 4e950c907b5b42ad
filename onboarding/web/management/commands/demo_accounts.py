"""`manage.py demo_accounts`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from onboarding.web.demo import KEPT_LOGINS, ensure_demo_accounts


class Command(BaseCommand):
    """Makes the demo's accounts where they are missing, and prints how to sign in."""

    help = "Make the demo's accounts where they are missing, and print how to sign in. Only under DEMO=1."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print one line an account. Raises CommandError outside the demo."""
        if not settings.DEMO:
            raise CommandError("Demo accounts exist only under DEMO=1. A real one: manage.py first_admin EMAIL")
        for login in ensure_demo_accounts(settings.VAR_DIR / KEPT_LOGINS):
            self.stdout.write(str(login))
