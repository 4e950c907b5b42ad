"""The pages, in the order of the journey."""

from django.urls import path

from onboarding.web import health
from onboarding.web.views import (
    account,
    application,
    bring,
    claims,
    credentials,
    describe,
    desk,
    failures,
    home,
    keys,
    kit,
    live,
    outbox,
    rehearse,
    reports,
    styleguide,
    validation,
)

APPLICATION = "applications/<uuid:application_id>/"
TRACK = APPLICATION + "<slug:environment_id>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("profile/", account.profile, name="profile"),
    path("profile/history/", account.history, name="account_history"),
    path("organisation/new/", home.new_organisation, name="new_organisation"),
    # Describe
    path("applications/new/", application.new, name="new_application"),
    path("applications/bring/", bring.bring, name="bring_credentials"),
    path(APPLICATION, application.overview, name="application"),
    path(APPLICATION + "withdraw/", application.withdraw, name="application_withdraw"),
    path(APPLICATION + "describe/check/", describe.check, name="describe_check"),
    path(APPLICATION + "describe/<slug:step>/", describe.step, name="describe"),
    # Key, CSR, certificate, credentials
    path(TRACK + "key/", keys.key, name="key"),
    path(TRACK + "key/browser/", keys.key_browser, name="key_browser"),
    path(TRACK + "key/upload/", keys.key_upload, name="key_upload"),
    path(TRACK + "key/upload/request.cnf", keys.key_config, name="key_config"),
    path(TRACK + "key/make/", keys.key_make, name="key_make"),
    path(TRACK + "key/making/", keys.key_making, name="key_making"),
    path(TRACK + "key/import/", keys.key_import, name="key_import"),
    path(TRACK + "csr/", keys.csr, name="csr"),
    path(TRACK + "certificate/", credentials.certificate, name="certificate"),
    path(TRACK + "certificate/receive/", credentials.receive, name="certificate_receive"),
    path(TRACK + "certificate/<slug:what>.pem", credentials.download, name="certificate_download"),
    path(TRACK + "certificate/key/", credentials.export_key, name="certificate_key"),
    path(TRACK + "kit/", kit.kit, name="kit"),
    path(TRACK + "credentials/", credentials.store, name="credentials"),
    path(TRACK + "credentials/<slug:what>/", credentials.reveal, name="credentials_reveal"),
    # First call
    path(TRACK + "validate/", validation.validate, name="validate"),
    path(TRACK + "checker/", reports.checker, name="checker"),
    path(TRACK + "checker/fleet-check.pyz", reports.download, name="checker_download"),
    path("reports/<uuid:report_id>/", reports.report, name="report"),
    path(TRACK + "rehearse/", rehearse.rehearse, name="rehearse"),
    path("runs/<uuid:run_id>/", validation.run, name="run"),
    path("runs/<uuid:run_id>/cancel/", validation.cancel, name="run_cancel"),
    path("runs/<uuid:run_id>/result.<slug:kind>", validation.bundle, name="run_bundle"),
    path(TRACK + "live/", live.live, name="live"),
    # The desk
    path("desk/", desk.registrations, name="desk"),
    path("desk/registrations/<uuid:registration_id>/", desk.registration, name="desk_registration"),
    path("desk/registrations/<uuid:registration_id>/<slug:verb>/", desk.decide, name="desk_registration_decide"),
    path("desk/certificates/", desk.certificates, name="desk_certificates"),
    path("desk/certificates/<uuid:request_id>/", desk.certificate, name="desk_certificate"),
    path("desk/certificates/<uuid:request_id>/csr.pem", desk.certificate_csr, name="desk_certificate_csr"),
    path("desk/certificates/<uuid:request_id>/<slug:verb>/", desk.issue, name="desk_certificate_issue"),
    path("desk/logins/", claims.logins, name="desk_logins"),
    path("desk/logins/<uuid:login_id>/<slug:verb>/", claims.decide, name="desk_login_decide"),
    path("desk/health/", failures.health, name="desk_health"),
    # Beside the journey
    path("language/", account.language, name="language"),
    path("theme.css", home.theme, name="theme"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<str:key>/", outbox.mail, name="outbox_mail"),
    path("healthz", health.healthz, name="healthz"),
]
