from django.apps import AppConfig


class RegistrationsConfig(AppConfig):
    name = "onboarding.registrations"
    label = "registrations"
