from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "onboarding.web"
    label = "web"

    def ready(self) -> None:
        """Register the system checks."""
        from onboarding.web import checks  # noqa: F401
