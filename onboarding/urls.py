"""The product's table of contents."""

from django.urls import include, path

urlpatterns = [
    # Ours come first where both have a page of that name.
    path("accounts/", include("onboarding.web.account_urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("", include("onboarding.web.urls")),
]

handler400 = "onboarding.web.views.errors.bad_request"
handler403 = "onboarding.web.views.errors.permission_denied"
handler404 = "onboarding.web.views.errors.page_not_found"
handler500 = "onboarding.web.views.errors.server_error"
