from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "onboarding.audit"
    label = "audit"

    def ready(self) -> None:
        """Guard the tables whenever they were made, or made anew, by a migration."""
        post_migrate.connect(_guard, sender=self, dispatch_uid="onboarding.audit.guards")


def _guard(*, using: str, **_details: Any) -> None:
    from onboarding.audit import guards

    guards.install(using)
