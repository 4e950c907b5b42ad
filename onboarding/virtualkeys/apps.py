from django.apps import AppConfig


class VirtualKeysConfig(AppConfig):
    name = "onboarding.virtualkeys"
    label = "virtualkeys"
