"""Settings: every one has a default that works on one machine, and an environment variable that changes it.

A variable NAME can also be given as NAME_FILE, a path to a file that holds the value (Docker and Kubernetes
secrets). README.md lists them all.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import csp.constants
from django.utils.translation import gettext_lazy as _
from environs import FileAwareEnv, validate
from kombu import Exchange, Queue

from onboarding.local_secrets import local_secret

env = FileAwareEnv(strip_whitespace=True)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))

# --- How it runs ---------------------------------------------------------------------------------------------

PORTAL_NAME = env.str("PORTAL_NAME", "Fleet Onboarding")
ACCENT_COLOUR = env.str("ACCENT_COLOUR", "")  # "#RRGGBB", the operator's own
OPERATOR_NAME = env.str("OPERATOR_NAME", "Mobilisights")  # who reviews and issues, as pages name them
PORTAL_MODE = env.str("PORTAL_MODE", "hub")
# Working days after which staff decide on a request to join that no owner has answered; 0: only owners decide
JOIN_OWNERS_DAYS = env.int("JOIN_OWNERS_DAYS", 10)
# Partner logins that reviewers give out one after the other, "MZP100000-MZP199999"; empty: they type each.
PARTNER_LOGIN_RANGE = env.str("PARTNER_LOGIN_RANGE", "")
REVIEW_TARGET_DAYS = env.int("REVIEW_TARGET_DAYS", 5)  # working days in which a review is to be decided; 0: not said
ISSUE_TARGET_DAYS = env.int("ISSUE_TARGET_DAYS", 5)  # the same for whatever else waits for staff
# Solo mode: where dossiers are sent to, and after how many working days without an answer people are reminded to ask.
# Whether anybody may sign up ("open"), or only whom a company has invited ("invited").
SIGN_UP = env.str("SIGN_UP", "") or ("invited" if PORTAL_MODE == "solo" else "open")
DOSSIER_TO = env.str("DOSSIER_TO", "")
CHASE_AFTER_DAYS: list[int] = env.list("CHASE_AFTER_DAYS", [5, 10, 20, 30], subcast=int)
DEMO = env.bool("DEMO", False)
DEBUG = env.bool("DEBUG", False)

PORT = env.int("PORT", 8000, validate=validate.Range(1, 65_535))
SANDBOX_PORT = env.int("SANDBOX_PORT", 8443, validate=validate.Range(1, 65_534))
PUBLIC_URL = env.str("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
_https = _public.scheme == "https"

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [_public.hostname or "localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECRET_KEY = env.str("SECRET_KEY", "") or local_secret(VAR_DIR / "keys" / "secret_key")

# --- The fleet API -------------------------------------------------------------------------------------------

# Environments of the car maker that may be called, by the names the programme profiles give them. The sandbox is
# always there unless SANDBOX is off; nothing else is ever called.
FLEET_ENVIRONMENTS: list[str] = env.list("FLEET_ENVIRONMENTS", [])
SANDBOX = env.bool("SANDBOX", True)
SANDBOX_BIND = env.str("SANDBOX_BIND", "127.0.0.1")
# First of the ports for failures below HTTP, see onboarding/rehearsals.py; 0: there are none.
SANDBOX_FAULT_PORTS = env.int(
    "SANDBOX_FAULT_PORTS", SANDBOX_PORT + 2 if DEMO else 0, validate=validate.Range(0, 65_535)
)
SANDBOX_API_URL = env.str("SANDBOX_API_URL", f"https://localhost:{SANDBOX_PORT}").rstrip("/")
SANDBOX_TOKEN_URL = env.str("SANDBOX_TOKEN_URL", f"https://localhost:{SANDBOX_PORT + 1}").rstrip("/")
FLEET_PROXY = env.str("FLEET_PROXY", "")  # http://host:port, for calls to the fleet API only
VALIDATION_DEADLINE = env.float("VALIDATION_DEADLINE", 30.0)  # seconds, for one run as a whole
# How often live sets whose key is kept here are called with: hours, or "24,sandbox:168"; 0 switches it off.
REVALIDATE_HOURS = env.str("REVALIDATE_HOURS", "24")
KEY_CUSTODIES = env.list(
    "KEY_CUSTODIES", ["browser", "own", "vault"] if DEMO or PORTAL_MODE == "solo" else ["browser", "own"]
)

# Where signed checkpoints of the audit go, how often they are made, and how often all of it is verified; 0: never.
AUDIT_CHECKPOINT_DIR = env.str("AUDIT_CHECKPOINT_DIR", str(VAR_DIR / "audit"))
AUDIT_CHECKPOINT_HOURS = env.float("AUDIT_CHECKPOINT_HOURS", 1.0, validate=validate.Range(0, 8_760))
AUDIT_VERIFY_HOURS = env.float("AUDIT_VERIFY_HOURS", 24.0, validate=validate.Range(0, 8_760))

# How many days links work that invite somebody, or that confirm a contact's address.
LINK_DAYS = env.int("LINK_DAYS", 7, validate=validate.Range(1, 90))
# How many days what is over is kept, 0 for ever: descriptions of declined and withdrawn applications, mails, runs.
RETAIN_CLOSED_DAYS = env.int("RETAIN_CLOSED_DAYS", 365, validate=validate.Range(0, 36_500))
RETAIN_MAIL_DAYS = env.int("RETAIN_MAIL_DAYS", 365, validate=validate.Range(0, 36_500))
RETAIN_RUN_DAYS = env.int("RETAIN_RUN_DAYS", 400, validate=validate.Range(0, 36_500))
RETAIN_REHEARSAL_DAYS = env.int("RETAIN_REHEARSAL_DAYS", 30, validate=validate.Range(0, 36_500))  # since the last use

# Master keys of the vault: "id:base64 of 32 bytes", newest first. See onboarding/vault/keyring.py.
VAULT_KEYS = env.list("VAULT_KEYS", []) or [f"local:{local_secret(VAR_DIR / 'keys' / 'vault_key')}"]
# Keys of the audit, the newest first: that one is used, all are believed. See onboarding/audit/keys.py.
AUDIT_KEY = env.str("AUDIT_KEY", "") or local_secret(VAR_DIR / "keys" / "audit_key")

# --- Django --------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.forms",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_countries",
    "django_htmx",
    "template_partials",
    "onboarding.partners",
    "onboarding.audit",
    "onboarding.vault",
    "onboarding.notifications",
    "onboarding.worklist",
    "onboarding.registrations",
    "onboarding.credentials",
    "onboarding.validation",
    "onboarding.virtualkeys",
    "onboarding.enrolment",
    "onboarding.activation",
    "onboarding.memberships",
    "onboarding.sandbox",
    "onboarding.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # It pads each answer at random, so that lengths tell nothing about what is in it (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "onboarding.web.middleware.ModeMiddleware",
    "onboarding.web.middleware.SignInMiddleware",
    "onboarding.web.middleware.ReaderMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "onboarding.web.gone.GoneMiddleware",
    "onboarding.web.middleware.SessionsMiddleware",
    "onboarding.web.middleware.SecondFactorMiddleware",
    "onboarding.web.middleware.NotStoredMiddleware",
    "onboarding.web.middleware.KeptEntriesMiddleware",
]

ROOT_URLCONF = "onboarding.urls"
WSGI_APPLICATION = "onboarding.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "onboarding.web.context.portal",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "onboarding.web.templatetags.portal",
            ],
        },
    },
]
FORM_RENDERER = "onboarding.web.forms.renderer.PortalRenderer"

DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers queue instead of failing: a transaction takes the write lock when it begins.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    # Disks do not turn any more: without this PostgreSQL rather reads a table from end to end than a few hundred rows.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c random_page_cost=1.1")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", "")
CACHES = {
    # Shared by all processes: sign-in rate limits count in it.
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": VAR_DIR / "cache"},
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "UTC")

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Bounds on what is sent to us ------------------------------------------------------------------------------

MAX_UPLOAD_BYTES = 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
FILE_UPLOAD_HANDLERS = ["onboarding.web.uploads.BoundedMemoryUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 600
# Where more and larger files come in: path, as a pattern, bytes of all of them, how many.
LARGE_UPLOADS = {
    "/desk/drops/": (16 * 1024 * 1024, 500),
    "/applications/[0-9a-f-]{36}/activation/traces/": (10 * 1024 * 1024, 1),
}
DATA_UPLOAD_MAX_NUMBER_FILES = 500
MAX_FILES = 8  # elsewhere

# --- Who may come in -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "partners.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # e-mail addresses are unique, in any case of letters, by a constraint
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "onboarding.partners.passwords.MaximumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "onboarding.web.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "onboarding.web.forms.account.LoginForm",
    "signup": "onboarding.web.forms.account.SignupForm",
    "add_email": "onboarding.web.forms.account.AddEmailForm",
    "change_password": "onboarding.web.forms.account.ChangePasswordForm",
    "reset_password": "onboarding.web.forms.account.ResetPasswordForm",
    "reset_password_from_key": "onboarding.web.forms.account.ResetPasswordKeyForm",
    "reauthenticate": "onboarding.web.forms.account.ReauthenticateForm",
    "set_password": "onboarding.web.forms.account.SetPasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 3
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up; elsewhere the password is asked for
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # seconds; a secret is shown only after a sign-in this recent
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # for e-mail addresses, too; see AccountAdapter
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
MFA_ADAPTER = "onboarding.web.accounts.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "onboarding.web.forms.account.CodeForm",
    "reauthenticate": "onboarding.web.forms.account.CodeAgainForm",
    "activate_totp": "onboarding.web.forms.account.AuthenticatorAppForm",
    "add_webauthn": "onboarding.web.forms.account.PasskeyForm",
    "authenticate_webauthn": "onboarding.web.forms.account.SecondPasskeyForm",
    "reauthenticate_webauthn": "onboarding.web.forms.account.PasskeyAgainForm",
    "login_webauthn": "onboarding.web.forms.account.PasskeySignInForm",
    "edit_webauthn": "onboarding.web.forms.account.PasskeyNameForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # periods of 30 s before and after: phones' clocks are off
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # of a further address; nobody signs in before the first one is confirmed
# Who signs, by environment or programme/environment: "manual", "embedded", or a dotted path; see docs/ISSUERS.md.
ISSUERS: dict[str, str] = env.dict("ISSUERS", {})
SEPARATE_DUTIES = env.bool("SEPARATE_DUTIES", False)  # who approved an application does not issue its certificates
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", not DEMO and PORTAL_MODE == "hub")
# Staff sign in with their company's OpenID Connect provider: off, unless these say where. See web/single_sign_on.py.
OIDC_ISSUER = env.str("OIDC_ISSUER", "").rstrip("/")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
OIDC_LABEL = env.str("OIDC_LABEL", OPERATOR_NAME)  # "Sign in with ..."
OIDC_CA_FILE = env.str("OIDC_CA_FILE", "")  # PEM, whom to trust instead of the public authorities
OIDC_EMAIL_DOMAIN = env.str("OIDC_EMAIL_DOMAIN", "").lower()
# "always", or "claim=value" of the ID token (amr, acr): where the provider asks for a second factor, we need not
OIDC_SECOND_FACTOR: list[str] = env.list("OIDC_SECOND_FACTOR", [])
OIDC_ROLE_CLAIM = env.str("OIDC_ROLE_CLAIM", "")
OIDC_ROLES: list[str] = env.list("OIDC_ROLES", [])  # "value of the claim=role", the roles of StaffRole
USERSESSIONS_ADAPTER = "onboarding.web.accounts.SessionsAdapter"
PASSWORD_RESET_TIMEOUT = 24 * 3600  # seconds; also of the link that `first_admin` prints

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600  # seconds; a choice made in the footer by who has not signed in
CSRF_FAILURE_VIEW = "onboarding.web.views.errors.csrf_failure"
SECURE_SSL_REDIRECT = _https and env.bool("SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^crl/"]  # a list of revoked certificates is signed
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)  # a proxy of ours sets X-Forwarded-Proto and X-Forwarded-For
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # sign-in limits count per client, not per proxy
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.constants.NONE],
        "script-src": [csp.constants.SELF],
        "style-src": [csp.constants.SELF],
        "img-src": [csp.constants.SELF, "data:"],
        "font-src": [csp.constants.SELF],
        "connect-src": [csp.constants.SELF],
        "form-action": [csp.constants.SELF],
        "base-uri": [csp.constants.NONE],
        "frame-ancestors": [csp.constants.NONE],
        "manifest-src": [csp.constants.SELF],
    },
}

# --- Mail ------------------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"{PORTAL_NAME} <no-reply@{_public.hostname}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
OUTBOX_DIR = VAR_DIR / "outbox"
if env.str("EMAIL_URL", ""):
    _email = env.dj_email_url("EMAIL_URL")
    EMAIL_BACKEND = _email["EMAIL_BACKEND"]
    EMAIL_HOST, EMAIL_PORT = _email["EMAIL_HOST"], _email["EMAIL_PORT"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_USER"], _email["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS, EMAIL_USE_SSL = _email["EMAIL_USE_TLS"], _email["EMAIL_USE_SSL"]
    EMAIL_TIMEOUT = 20
else:
    EMAIL_BACKEND = "onboarding.notifications.outbox.MaildirBackend"

# --- Background work -------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL or "atomic-filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # A killed task's message comes back visibility_timeout + 1 s later; longer than any task may run.
    {"visibility_timeout": VALIDATION_DEADLINE + 270, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    if REDIS_URL
    else {"queue_folder": str(VAR_DIR / "queue"), "polling_interval": 0.1}
)
# Somebody waits for what is in the first queue, nobody for what is in the second: each has workers of its own, so that
# the regular checks never delay a person. A worker that is told of no queue takes from both.
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("celery", "schedule")]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # the sweep brings a lost run back, and counts its attempts
CELERY_TASK_TIME_LIMIT = VALIDATION_DEADLINE + 30  # less than a run's lease, see onboarding/validation/flows.py
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = bool(REDIS_URL)  # it needs a fanout, which the folder has not
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")


def _every(seconds: float, task: str, *, queue: str = "celery", expires: float | None = None) -> dict[str, Any]:
    """Return an entry of beat's schedule. expires: seconds after which a message that nobody took is worth nothing."""
    return {
        "task": f"onboarding.{task}",
        "schedule": seconds,
        "options": {"expires": expires or seconds, "queue": queue},
    }


CELERY_BEAT_SCHEDULE = {
    "heartbeat": _every(5.0, "web.tasks.heartbeat", expires=20),
    "heartbeat of the schedule": _every(5.0, "web.tasks.heartbeat", queue="schedule", expires=20),
    "sweep runs": _every(30.0, "validation.tasks.sweep", expires=60),
    "sweep virtual keys": _every(30.0, "virtualkeys.tasks.sweep", expires=60),
    "sweep keys": _every(30.0, "credentials.tasks.sweep", expires=60),
    "sweep mails": _every(30.0, "notifications.tasks.sweep", expires=60),
    "runs that are due": _every(60.0, "validation.tasks.ask_for_due_runs", queue="schedule"),
    "sweep walks": _every(30.0, "enrolment.tasks.sweep", expires=60),
    "delete old consents": _every(3600.0, "enrolment.tasks.delete_old", queue="schedule"),
    "certificates that end": _every(600.0, "credentials.tasks.remind", queue="schedule"),
    "usage of others": _every(600.0, "registrations.tasks.count_usage", queue="schedule"),
    "messages not read": _every(60.0, "registrations.tasks.tell_unread"),
    "list of revoked certificates": _every(600.0, "credentials.tasks.renew_revocation_list", queue="schedule"),
    "answers that are overdue": _every(600.0, "credentials.tasks.chase", queue="schedule"),
    "delete old runs": _every(60.0, "validation.tasks.delete_old", queue="schedule"),
    "delete old rehearsals and trace reports": _every(3600.0, "activation.tasks.delete_old", queue="schedule"),
    "delete old requests for virtual keys": _every(3600.0, "virtualkeys.tasks.delete_old", queue="schedule"),
    "erase closed descriptions": _every(3600.0, "registrations.tasks.erase_closed", queue="schedule"),
    "delete old mails": _every(3600.0, "notifications.tasks.delete_old", queue="schedule"),
    "daily mails to staff": _every(600.0, "worklist.tasks.send_digests", queue="schedule"),
    "requests to join that nobody answers": _every(600.0, "memberships.tasks.leave_to_staff", queue="schedule"),
    "figures of the desk": _every(300.0, "worklist.tasks.renew_figures", queue="schedule"),
    "delete old invitations": _every(3600.0, "memberships.tasks.delete_old", queue="schedule"),
    "watch the audit": _every(300.0, "web.tasks.watch_audit", queue="schedule"),
}

# --- Logs ------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": "ext://onboarding.logs.RENDER",
            "foreign_pre_chain": "ext://onboarding.logs.ENRICH",
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
}
