"""Credentials that exist already and work elsewhere are brought in: an application without a registration.

Everything is checked first, and told together; what does not fit leaves nothing behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from onboarding import programmes
from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.credentials.environments import available
from onboarding.credentials.issuing import taken_in
from onboarding.credentials.models import CertificateRequest, CredentialSet, PartnerPassword
from onboarding.credentials.sets import ClientIdTaken, is_anothers_client_id, store_credentials
from onboarding.credentials.states import State
from onboarding.credentials.telling import put_on_record
from onboarding.findings import Finding, Severity
from onboarding.partners.actors import Actor
from onboarding.partners.models import Organisation, PartnerLogin
from onboarding.pki import certificates, keys, names
from onboarding.pki.certificates import BROUGHT, CertificateReport
from onboarding.pki.intake import Offer, read_offer
from onboarding.pki.subject import visible
from onboarding.pki.traits import fingerprint, is_ca
from onboarding.programmes import SANDBOX, Profile
from onboarding.registrations.logins import MZP_FORM, LoginTaken, claim_login, reject_login
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret
from onboarding.vault.seal import CannotOpen, encrypted, open_secret, seal_key

Custody = CertificateRequest.Custody
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

MAX_NAME = 120
MAX_CLIENT_ID = 120
SECRETS = ("client_secret", "password")


@dataclass(frozen=True, slots=True)
class Brought:
    """What is brought in for one application.

    certificate: a file in any of the forms of `intake.read_certificates`; ca: the CA's, empty where the first file
    holds it. key: whatever `keys.load_key` reads; empty where the partner keeps it; passphrase: of that file.
    """

    environment: str
    programme: str
    name: str
    brands: tuple[str, ...]
    mzp: str
    client_id: str
    certificate: bytes
    ca: bytes = b""
    client_secret: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    key: bytes = field(default=b"", repr=False)
    passphrase: bytes = field(default=b"", repr=False)


class ImportRefused(Exception):
    """Something does not fit. Nothing was kept.

    findings: what is wrong beside the certificate; report: on that, None where it was not looked at.
    """

    def __init__(self, findings: tuple[Finding, ...], report: CertificateReport | None = None) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.own_findings = findings
        self.report = report

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was found, the certificate's included."""
        return (*self.own_findings, *(self.report.findings if self.report is not None else ()))


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it. is_new: False if the same certificate was there already with this client ID."""

    application: Application
    request: CertificateRequest
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Fit:
    """What was checked and can be kept."""

    report: CertificateReport
    offer: Offer
    key: PrivateKey | None


def importable(profile: Profile) -> tuple[programmes.Environment, ...]:
    """Return the environments that credentials can be brought into: the sandbox's are made here."""
    return tuple(one for one in available(profile) if one.id != SANDBOX)


def import_credentials(organisation: Organisation, brought: Brought, *, actor: Actor, keep: bool = True) -> Imported:
    """Check credentials that work already, and keep them, sealed, as an application that waits to be validated.

    The partner login is claimed by it, no more: see `onboarding.registrations.logins`. Where the organisation has an
    application with this client ID and login, the certificate joins that one, as a renewal does. keep: False to
    find out what would come of it. Raises ImportRefused.
    """
    fit = _check(organisation, brought)
    try:
        with transaction.atomic():
            # Two clicks at once: the second finds what the first has brought.
            Organisation.objects.select_for_update().get(pk=organisation.pk)
            there = _already_there(organisation, brought, fit.report)
            imported = Imported(there.application, there, False) if there else _keep(organisation, brought, fit, actor)
            transaction.set_rollback(not keep)
    except LoginTaken:
        raise ImportRefused((_error("import_login_taken", "CN", brought.mzp),)) from None
    except ClientIdTaken:
        raise ImportRefused((_error("import_client_id_taken", "client_id"),)) from None
    return imported


def reject_claim(login: PartnerLogin, *, actor: Actor) -> None:
    """Staff reject a claim: nothing is called any more with what was brought in for it. Raises AlreadyDecided."""
    with transaction.atomic():
        reject_login(login, actor=actor)
        CredentialSet.objects.filter(certificate_request__partner_login=login, retired_at=None).update(
            retired_at=timezone.now()
        )


# --- Checking ------------------------------------------------------------------------------------------------


def _check(organisation: Organisation, brought: Brought) -> _Fit:
    found = list(_field_findings(organisation, brought))
    key: PrivateKey | None = None
    if brought.key:
        try:
            key = _read_key(brought)
        except keys.UnreadableKey as error:
            found.append(error.finding)
    spki = keys.spki_sha256(key.public_key()) if key is not None else ""
    expected = spki or certificates.key_of_login(brought.certificate, brought.ca, mzp=brought.mzp)
    try:
        offer = read_offer(brought.certificate, brought.ca, spki_sha256=expected)
    except certificates.UnreadableCertificate as error:
        raise ImportRefused(tuple(found), certificates.unreadable(error.finding, BROUGHT)) from None
    report = certificates.check_brought(offer, mzp=brought.mzp, key_spki_sha256=spki, now=timezone.now())
    if found or not report.fit:
        raise ImportRefused(tuple(found), report)
    return _Fit(report, offer, key)


def _field_findings(organisation: Organisation, brought: Brought) -> Iterator[Finding]:
    if not brought.name.strip() or len(brought.name) > MAX_NAME or not brought.name.isprintable():
        yield _error("import_name", "name", brought.name, f"{MAX_NAME}")
    if not MZP_FORM.fullmatch(brought.mzp):
        yield _error("import_login", "CN", brought.mzp)
    client_id = brought.client_id
    if not client_id.isprintable() or any(map(str.isspace, client_id)) or not 0 < len(client_id) <= MAX_CLIENT_ID:
        yield _error("import_client_id", "client_id", expected=f"{MAX_CLIENT_ID}")
    elif is_anothers_client_id(organisation, brought.environment, client_id):
        yield _error("import_client_id_taken", "client_id")
    if brought.programme not in programmes.PROGRAMMES:
        yield _error("import_programme", "programme", brought.programme, ", ".join(programmes.PROGRAMMES))
        return
    profile = programmes.profile(brought.programme)
    environments = [one.id for one in importable(profile)]
    if brought.environment not in environments:
        yield _error("import_environment", "environment", brought.environment, ", ".join(environments) or "–")
    brands = {brand.id for brand in profile.brands}
    for brand in [one for one in brought.brands if one not in brands] or ([] if brought.brands else [""]):
        yield _error("import_brand", "brands", brand, ", ".join(sorted(brands)))
    for name in SECRETS:
        if getattr(brought, name) and name not in profile.credentials:
            yield _error("import_needless", name)
    if "client_secret" in profile.credentials and not brought.client_secret:
        yield _error("import_no_client_secret", "client_secret")
    if "password" in profile.credentials:
        yield from _password_findings(organisation, brought)


def _password_findings(organisation: Organisation, brought: Brought) -> Iterator[Finding]:
    stored = _stored_password(organisation, brought)
    if stored is None and not brought.password:
        yield _error("import_no_password", "password")
    elif stored is not None and brought.password and not _is(stored.secret, brought.password):
        yield _error("import_other_password", "password")


def _is(secret: Secret, password: str) -> bool:
    try:
        return open_secret(secret) == password.encode()
    except CannotOpen:
        return False


def _stored_password(organisation: Organisation, brought: Brought) -> PartnerPassword | None:
    return (
        PartnerPassword.objects.select_related("secret")
        .filter(
            partner_login__organisation=organisation,
            partner_login__mzp__iexact=brought.mzp,
            environment=brought.environment,
        )
        .first()
    )


def _read_key(brought: Brought) -> PrivateKey:
    if Custody.VAULT not in settings.KEY_CUSTODIES:
        raise keys.UnreadableKey(_error("import_key_unwanted", "key"))
    key = keys.load_key(brought.key, brought.passphrase or None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise keys.UnreadableKey(_error("key_type", "key", keys.describe(key.public_key())[0], "RSA / EC"))
    return key


def _error(code: str, field_: str, found: str = "", expected: str = "") -> Finding:
    return Finding(code, Severity.ERROR, field_, visible(found), expected)


# --- Keeping -------------------------------------------------------------------------------------------------


def _already_there(
    organisation: Organisation, brought: Brought, report: CertificateReport
) -> CertificateRequest | None:
    return (
        CertificateRequest.objects.select_related("application", "partner_login")
        .filter(
            application__organisation=organisation,
            environment=brought.environment,
            certificate_sha256=fingerprint(report.path[0]),
            credential_sets__client_id=brought.client_id,
            credential_sets__retired_at=None,
            partner_login__retired_at=None,
        )
        .order_by("-created_at")
        .first()
    )


def _keep(organisation: Organisation, brought: Brought, fit: _Fit, actor: Actor) -> Imported:
    login = claim_login(organisation, brought.mzp, actor=actor)
    application = _application_of(login, brought) or _new_application(login, brought, actor)
    leaf = fit.report.path[0]
    secret = seal_key(organisation, Secret.Kind.PRIVATE_KEY, encrypted(fit.key)) if fit.key is not None else None
    request = CertificateRequest.objects.create(
        partner_login=login,
        application=application,
        environment=brought.environment,
        state=State.ISSUED,
        custody=Custody.VAULT if secret is not None else Custody.OWN,
        key=secret,
        subject={name: ", ".join(values) for name, values in names.subject_values(leaf.subject).items()},
        spki_sha256=keys.spki_sha256(leaf.public_key()),
        **taken_in(fit.report, filter(is_ca, fit.offer.ca)),
    )
    put_on_record(
        Event.CERTIFICATE_IMPORTED,
        request,
        actor,
        environment=request.environment,
        serial_number=request.serial_number,
        custody=str(request.custody),
    )
    if secret is not None:
        kind, bits = keys.describe(leaf.public_key())
        put_on_record(Event.KEY_IMPORTED, request, actor, type=kind, bits=bits)
    credential_set = CredentialSet.objects.create(
        application=application, environment=brought.environment, certificate_request=request
    )
    is_stored = _stored_password(organisation, brought) is not None
    store_credentials(
        credential_set,
        actor=actor,
        client_id=brought.client_id,
        client_secret=brought.client_secret,
        password="" if is_stored else brought.password,
    )
    return Imported(application, request, True)


def _application_of(login: PartnerLogin, brought: Brought) -> Application | None:
    """Return the application that this client ID is of already."""
    return Application.objects.filter(
        partner_login=login,
        programme=brought.programme,
        credential_sets__environment=brought.environment,
        credential_sets__client_id=brought.client_id,
        credential_sets__retired_at=None,
    ).first()


def _new_application(login: PartnerLogin, brought: Brought, actor: Actor) -> Application:
    application = Application.objects.create(
        organisation=login.organisation,
        programme=brought.programme,
        name=brought.name.strip(),
        brands=list(dict.fromkeys(brought.brands)),
        partner_login=login,
        created_by_id=actor.user_id,
    )
    record(
        Event.APPLICATION_IMPORTED,
        application,
        actor=actor,
        organisation=login.organisation,
        application_id=application.pk,
        data={"programme": brought.programme, "environment": brought.environment},
    )
    return application
