from django.apps import AppConfig


class WorklistConfig(AppConfig):
    """What waits for staff, and who of them has it."""

    name = "onboarding.worklist"
    default_auto_field = "django.db.models.BigAutoField"
