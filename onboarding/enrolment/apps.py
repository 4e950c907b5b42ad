from django.apps import AppConfig


class EnrolmentConfig(AppConfig):
    name = "onboarding.enrolment"
    label = "enrolment"
