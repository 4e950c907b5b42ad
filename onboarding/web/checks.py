"""Settings that contradict themselves, found at start; and what must not be served to others (`--deploy`)."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from onboarding.credentials.issuers import load
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.login_range import LoginRange
from onboarding.partners.models import StaffRole
from onboarding.partners.modes import MODES
from onboarding.programmes import PROGRAMMES, SANDBOX, profile
from onboarding.rehearsals import PORTS
from onboarding.validation.schedule import intervals
from onboarding.web.oidc import ALWAYS

CUSTODIES = tuple(CertificateRequest.Custody.values)
STAFF = frozenset(StaffRole.Role.values)
SIGN_UPS = ("open", "invited")
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
LAST_PORT = 65_535


@register()
def settings_agree(**_options: Any) -> Sequence[CheckMessage]:
    """Check what would otherwise fail later, and far from its cause."""
    found: list[CheckMessage] = []
    if settings.PORTAL_MODE not in MODES:
        found.append(
            Error(
                f"PORTAL_MODE is {settings.PORTAL_MODE!r}.",
                hint=f"Set it to one of: {', '.join(MODES)}.",
                id="portal.E001",
            )
        )
    if unknown := [custody for custody in settings.KEY_CUSTODIES if custody not in CUSTODIES]:
        found.append(
            Error(
                f"KEY_CUSTODIES names {', '.join(unknown)}.",
                hint=f"Choose among: {', '.join(CUSTODIES)}.",
                id="portal.E002",
            )
        )
    sandbox_ports = (settings.SANDBOX_PORT, settings.SANDBOX_PORT + 1)
    if settings.SANDBOX and (settings.PORT in sandbox_ports or sandbox_ports[1] > LAST_PORT):
        found.append(
            Error(
                f"PORT {settings.PORT} and SANDBOX_PORT {settings.SANDBOX_PORT} do not fit together.",
                hint="The sandbox takes SANDBOX_PORT and the port after it; the portal needs another one.",
                id="portal.E003",
            )
        )
    if settings.SANDBOX and (ports := _fault_ports()):
        taken = {settings.PORT, *sandbox_ports} & set(ports)
        if taken or ports[-1] > LAST_PORT:
            found.append(
                Error(
                    f"SANDBOX_FAULT_PORTS {settings.SANDBOX_FAULT_PORTS} does not fit: it takes {len(ports)} ports.",
                    hint="None may be PORT, SANDBOX_PORT or the port after it, or above 65535. 0: no such ports.",
                    id="portal.E007",
                )
            )
    try:
        schedules = intervals(settings.REVALIDATE_HOURS)
    except ValueError:
        found.append(
            Error(
                f"REVALIDATE_HOURS is {settings.REVALIDATE_HOURS!r}.",
                hint='Give hours, and others for single environments as you like: "24,sandbox:168". 0 switches it off.',
                id="portal.E008",
            )
        )
        schedules = {}
    known = {name for programme in PROGRAMMES for name in profile(programme).environments}
    if unknown := [name for name in settings.FLEET_ENVIRONMENTS if name not in known]:
        found.append(
            Error(
                f"FLEET_ENVIRONMENTS names {', '.join(unknown)}.",
                hint=f"Choose among: {', '.join(sorted(known))}.",
                id="portal.E005",
            )
        )
    if unknown := [name for name in schedules if name and name not in known | {SANDBOX}]:
        found.append(
            Error(
                f"REVALIDATE_HOURS names {', '.join(unknown)}.",
                hint=f"Choose among: {', '.join(sorted(known | {SANDBOX}))}.",
                id="portal.E008",
            )
        )
    found += _issuers_fit(known | {SANDBOX})
    if settings.SIGN_UP not in SIGN_UPS:
        found.append(
            Error(
                f"SIGN_UP is {settings.SIGN_UP!r}.", hint=f"Set it to one of: {', '.join(SIGN_UPS)}.", id="portal.E011"
            )
        )
    if settings.DOSSIER_TO and not _is_address(settings.DOSSIER_TO):
        found.append(
            Error(
                f"DOSSIER_TO is {settings.DOSSIER_TO!r}.",
                hint="Give one e-mail address, or nothing.",
                id="portal.E009",
            )
        )
    if any(days < 1 for days in settings.CHASE_AFTER_DAYS):
        found.append(
            Error(
                f"CHASE_AFTER_DAYS is {','.join(map(str, settings.CHASE_AFTER_DAYS))!r}.",
                hint="Give working days, each at least 1, such as 5,10,20. Empty: nobody is reminded.",
                id="portal.E010",
            )
        )
    if settings.PARTNER_LOGIN_RANGE:
        try:
            LoginRange.parse(settings.PARTNER_LOGIN_RANGE)
        except ValueError as error:
            found.append(
                Error(
                    f"PARTNER_LOGIN_RANGE is {settings.PARTNER_LOGIN_RANGE!r}. {error}",
                    hint="Give the first and the last partner login: MZP100000-MZP199999. Empty: reviewers type each.",
                    id="portal.E014",
                )
            )
    if settings.ACCENT_COLOUR and not COLOUR.fullmatch(settings.ACCENT_COLOUR):
        found.append(
            Error(
                f"ACCENT_COLOUR is {settings.ACCENT_COLOUR!r}.",
                hint="Give it as six hexadecimal digits: #0b5a78",
                id="portal.E006",
            )
        )
    found += [Error(problem, hint=hint, id="portal.E012") for problem, hint in _single_sign_on()]
    address = urlsplit(settings.PUBLIC_URL)
    if address.scheme not in ("http", "https") or not address.hostname or address.path:
        found.append(
            Error(
                f"PUBLIC_URL is {settings.PUBLIC_URL!r}.",
                hint="Give scheme, host and any unusual port, and no path: https://portal.example.com",
                id="portal.E004",
            )
        )
    return found


@register(Tags.security, deploy=True)
def fit_for_others(**_options: Any) -> Sequence[CheckMessage]:
    """Check that an installation may be served to others."""
    found: list[CheckMessage] = []
    if settings.DEMO:
        found.append(
            Error(
                "DEMO is on: demo accounts exist, and everybody can read all mail at /outbox/.",
                hint="Unset DEMO, and start with an empty VAR_DIR and database.",
                id="portal.E101",
            )
        )
    if urlsplit(settings.PUBLIC_URL).scheme != "https":
        found.append(
            Error(
                "PUBLIC_URL does not begin with https://.",
                hint="Put a TLS proxy in front and name its address: cookies and passkeys depend on it.",
                id="portal.E102",
            )
        )
    if settings.OIDC_ISSUER and urlsplit(settings.OIDC_ISSUER).scheme != "https":
        found.append(
            Error(
                "OIDC_ISSUER does not begin with https://.",
                hint="Who can change what the provider says on its way can sign in as anybody.",
                id="portal.E106",
            )
        )
    if settings.PORTAL_MODE == "hub" and (names := _kept_in_files()):
        found.append(
            Warning(
                f"{', '.join(names)}: made by this machine and kept in {settings.VAR_DIR / 'keys'}.",
                hint="Give each as an environment variable or NAME_FILE, and keep a copy elsewhere.",
                id="portal.W103",
            )
        )
    if settings.PORTAL_MODE == "hub" and not settings.STAFF_SECOND_FACTOR and not settings.DEMO:
        found.append(
            Warning(
                "STAFF_SECOND_FACTOR is off: a stolen password is enough to approve and to issue.",
                hint="Unset STAFF_SECOND_FACTOR: staff are led to set up a passkey or an authenticator app.",
                id="portal.W105",
            )
        )
    if settings.EMAIL_BACKEND == "onboarding.notifications.outbox.MaildirBackend":
        found.append(
            Warning(
                "EMAIL_URL is not set: mails are written to a folder and reach nobody.",
                hint="Set EMAIL_URL, such as submission://user:password@mail.example.com.",
                id="portal.W104",
            )
        )
    return found


def _single_sign_on() -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the settings of single sign-on, and what to do."""
    given = {name: getattr(settings, name) for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")}
    extras = ("OIDC_CA_FILE", "OIDC_EMAIL_DOMAIN", "OIDC_SECOND_FACTOR", "OIDC_ROLE_CLAIM", "OIDC_ROLES")
    missing = [name for name, value in given.items() if not value]
    if missing and (len(missing) < len(given) or any(getattr(settings, name) for name in extras)):
        yield f"Single sign-on is configured by half: {', '.join(missing)} is missing.", "Give all of it, or nothing."
    if any(given.values()) and settings.PORTAL_MODE != "hub":
        yield "OIDC_ISSUER is set, but there is no staff in solo mode.", "Unset what begins with OIDC_."
    issuer = urlsplit(settings.OIDC_ISSUER)
    if settings.OIDC_ISSUER and not (
        issuer.hostname
        and not (issuer.query or issuer.username)
        and (issuer.scheme == "https" or issuer.hostname in ("127.0.0.1", "::1"))
    ):
        yield f"OIDC_ISSUER is {settings.OIDC_ISSUER!r}.", "Give the issuer as the provider names it: https://..."
    if bool(settings.OIDC_ROLE_CLAIM) != bool(settings.OIDC_ROLES):
        yield "OIDC_ROLE_CLAIM and OIDC_ROLES only work together.", "Give both, or neither."
    if wrong := [
        one for one in settings.OIDC_ROLES if one.rpartition("=")[2] not in STAFF or not one.rpartition("=")[0]
    ]:
        yield f"OIDC_ROLES has {', '.join(wrong)}.", f"Give value=role; the roles: {', '.join(sorted(STAFF))}."
    if wrong := [one for one in settings.OIDC_SECOND_FACTOR if one != ALWAYS and not all(one.partition("="))]:
        yield f"OIDC_SECOND_FACTOR has {', '.join(wrong)}.", f"Give claim=value, such as amr=mfa, or {ALWAYS}."
    if settings.OIDC_CA_FILE and not Path(settings.OIDC_CA_FILE).is_file():
        yield f"OIDC_CA_FILE is {settings.OIDC_CA_FILE!r}.", "Give the path of a PEM file that can be read."


def _issuers_fit(environments: Collection[str]) -> Iterator[CheckMessage]:
    """Check ISSUERS: each place is known, each issuer can be loaded, and the sandbox's is the CA that it trusts."""
    for place, name in settings.ISSUERS.items():
        programme, _, environment = place.rpartition("/")
        if environment not in environments or (programme and programme not in PROGRAMMES):
            hint = "Name an environment, or programme/environment, such as production or fleet_owner/production."
            yield Error(f"ISSUERS names {place!r}.", hint=hint, id="portal.E013")
        elif (environment == SANDBOX) != (name == "embedded"):
            hint = "The sandbox trusts the embedded CA alone, and nothing else does. Leave the sandbox out."
            yield Error(f"ISSUERS has {name!r} for {place}.", hint=hint, id="portal.E013")
        else:
            try:
                load(name)
            except Exception as error:  # a module that others wrote may fail in any way
                hint = "Give manual, embedded, or the dotted path of a class with issue(); see docs/ISSUERS.md."
                yield Error(f"The issuer {name!r} cannot be loaded: {error}", hint=hint, id="portal.E013")


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _fault_ports() -> range:
    first = settings.SANDBOX_FAULT_PORTS
    return range(first, first + len(PORTS)) if first else range(0)


def _kept_in_files() -> list[str]:
    """Return the names of the secrets in use that come from this machine's own files."""
    in_use = {
        "SECRET_KEY": settings.SECRET_KEY,
        "AUDIT_KEY": settings.AUDIT_KEY,
        "VAULT_KEYS": " ".join(settings.VAULT_KEYS),
    }
    files = {"SECRET_KEY": "secret_key", "AUDIT_KEY": "audit_key", "VAULT_KEYS": "vault_key"}
    return [name for name, file in files.items() if _kept(file) in in_use[name]]


def _kept(file: str) -> str:
    path = settings.VAR_DIR / "keys" / file
    return path.read_text("ascii").strip() if path.exists() else "\0"
