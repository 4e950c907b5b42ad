from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "onboarding.vault"
    label = "vault"
