from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "onboarding.credentials"
    label = "credentials"
