from django.apps import AppConfig


class MembershipsConfig(AppConfig):
    name = "onboarding.memberships"
    label = "memberships"
