"""Pages of an account that are ours, below /accounts/, beside and before those of django-allauth."""

from django.urls import path

from onboarding.web.views import account

urlpatterns = [
    path("confirm-email/", account.confirm_address, name="account_email_verification_sent"),
    path("confirm-email/<str:key>/", account.confirm_email, name="account_confirm_email"),
    path("2fa/webauthn/", account.passkeys, name="mfa_list_webauthn"),
    path("2fa/webauthn/add/", account.add_passkey, name="mfa_add_webauthn"),
    path("sessions/<int:session_id>/end/", account.end_session, name="session_end"),
]
