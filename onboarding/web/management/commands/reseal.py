"""Bring every secret under the newest master key, while the site runs."""

from typing import Any

from django.core.management.base import BaseCommand

from onboarding.audit.events import Event
from onboarding.audit.record import platform_chain, record
from onboarding.partners.actors import SYSTEM
from onboarding.vault.keyring import master_keys
from onboarding.vault.models import Secret
from onboarding.vault.seal import reseal


class Command(BaseCommand):
    """After it, older keys can be taken out of VAULT_KEYS. Safe to stop and to run again."""

    help = "Re-seal all secrets under the newest key of VAULT_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        newest = next(iter(master_keys()))
        old = Secret.objects.filter(destroyed_at=None).exclude(master_key=newest)
        done = sum(reseal(pk) for pk in old.values_list("pk", flat=True).iterator())
        if done:
            data = {"key": newest, "count": done}
            record(Event.SECRETS_RESEALED, platform_chain(), actor=SYSTEM, organisation=None, data=data)
        self.stdout.write(f"{done} secrets re-sealed under {newest!r}.")
