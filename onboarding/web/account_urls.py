"""Pages of an account that are ours, below /accounts/, beside and before those of django-allauth."""

from allauth.account.views import password_set
from django.urls import path

from onboarding.web import access
from onboarding.web.views import account, single_sign_on

urlpatterns = [
    path("sso/", single_sign_on.begin, name="sso"),
    path("sso/callback/", single_sign_on.callback, name="sso_callback"),
    path("password/set/", access.recent_sign_in(password_set), name="account_set_password"),
    path("confirm-email/", account.confirm_address, name="account_email_verification_sent"),
    path("confirm-email/<str:key>/", account.confirm_email, name="account_confirm_email"),
    path("2fa/webauthn/", account.passkeys, name="mfa_list_webauthn"),
    path("2fa/webauthn/add/", account.add_passkey, name="mfa_add_webauthn"),
    path("sessions/<int:session_id>/end/", account.end_session, name="session_end"),
]
