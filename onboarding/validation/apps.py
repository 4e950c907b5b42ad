from django.apps import AppConfig


class ValidationConfig(AppConfig):
    name = "onboarding.validation"
    label = "validation"
