from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "onboarding.web"
    label = "web"

    def ready(self) -> None:
        """Register the system checks, and listen to what happens to accounts."""
        from onboarding.web import (
            checks,  # noqa: F401
            security,
        )

        security.connect()
