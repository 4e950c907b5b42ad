from django.apps import AppConfig


class ActivationConfig(AppConfig):
    name = "onboarding.activation"
    label = "activation"
