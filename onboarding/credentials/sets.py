"""Credential sets: what a call needs beside the certificate, stored sealed, shown only in a reveal."""

import secrets
import uuid

from django.db import transaction

from onboarding.audit.events import Event
from onboarding.credentials.models import CertificateRequest, CredentialSet, PartnerPassword, SandboxClient
from onboarding.credentials.states import USABLE, State
from onboarding.credentials.telling import put_on_record, tell_builders, tell_owners
from onboarding.partners.actors import Actor
from onboarding.partners.models import Organisation, PartnerLogin
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application
from onboarding.registrations.outside import Outside, said
from onboarding.vault.models import Secret
from onboarding.vault.seal import destroy_secret, open_secret, seal_secret
from onboarding.worklist.following import follow


class ClientIdTaken(Exception):
    """Another organisation's credential set has this client ID in this environment."""


def store_credentials(
    credential_set: CredentialSet,
    *,
    actor: Actor,
    client_id: str = "",
    client_secret: str = "",
    password: str = "",
    outside: Outside | None = None,
) -> None:
    """Store what was received, or is handed out; an empty value leaves that one as it is.

    outside: when it came, as a member records it. Raises ClientIdTaken.
    """
    data = said(outside)
    with transaction.atomic():
        if client_id and client_id != credential_set.client_id:
            if is_anothers_client_id(credential_set.organisation, credential_set.environment, client_id):
                raise ClientIdTaken(client_id)
            credential_set.client_id = client_id
            credential_set.save(update_fields=["client_id", "changed_at"])
            put_on_record(Event.CLIENT_ID_SET, credential_set, actor, **data)
        if client_secret:
            old = credential_set.client_secret
            credential_set.client_secret = seal_secret(
                credential_set.organisation, Secret.Kind.CLIENT_SECRET, client_secret.encode()
            )
            credential_set.save(update_fields=["client_secret", "changed_at"])
            if old is not None:
                destroy_secret(old)
            put_on_record(Event.CLIENT_SECRET_SET, credential_set, actor, **data)
        if password:
            _store_password(credential_set, password)
            put_on_record(Event.PASSWORD_SET, credential_set, actor, **data)
        _nobody_waits_for(credential_set)


def is_anothers_client_id(organisation: Organisation, environment_id: str, client_id: str) -> bool:
    """Return whether another organisation has this client ID; not if that is a mere claim, as its partner login is."""
    same = CredentialSet.objects.filter(environment=environment_id, client_id=client_id)
    foreign = same.exclude(application__organisation=organisation)
    return foreign.exclude(certificate_request__partner_login__confirmed_at=None).exists()


def hand_out(
    credential_set: CredentialSet, *, actor: Actor, client_id: str = "", client_secret: str = "", password: str = ""
) -> None:
    """Staff give the partner what the set lacks: sealed at once, told to those who build, never shown to staff again.

    Raises ClientIdTaken.
    """
    with transaction.atomic():
        store_credentials(
            credential_set, actor=actor, client_id=client_id, client_secret=client_secret, password=password
        )
        tell_builders("credentials_handed_out", credential_set)


def password_of(credential_set: CredentialSet) -> Secret | None:
    """Return the MZP's sealed password in the set's environment, None if it is not stored."""
    rows = PartnerPassword.objects.select_related("secret").filter(
        partner_login_id=credential_set.certificate_request.partner_login_id,
        environment=credential_set.environment,
    )
    return next((row.secret for row in rows), None)


def reveal(credential_set: CredentialSet, what: str, *, actor: Actor) -> str:
    """Return a secret in plain text, for one page; recorded, and mailed to the organisation's owners.

    what: "client_secret" or "password". Raises KeyError if it is not stored.
    """
    secret = {"client_secret": credential_set.client_secret, "password": password_of(credential_set)}[what]
    if secret is None:
        raise KeyError(what)
    with transaction.atomic():
        tell_owners(credential_set, put_on_record(Event.SECRET_REVEALED, credential_set, actor, what=what), what)
    return open_secret(secret).decode()


def usable_sets(application: Application, environment_id: str) -> list[CredentialSet]:
    """Return the sets that calls can be made with, the newest first."""
    return list(
        CredentialSet.objects.filter(
            application=application,
            environment=environment_id,
            retired_at=None,
            certificate_request__state__in=USABLE,
        )
        .select_related(
            "certificate_request__partner_login",
            "certificate_request__key",
            "client_secret",
            "application__organisation",
        )
        .order_by("-created_at")
    )


def latest_set(application: Application, environment_id: str) -> CredentialSet | None:
    """Return the newest set that calls can be made with, or could until its certificate was revoked."""
    sets = CredentialSet.objects.filter(
        application=application,
        environment=environment_id,
        retired_at=None,
        certificate_request__state__in=USABLE | {State.REVOKED},
    )
    return sets.select_related("client_secret").order_by("-created_at").first()


def hand_out_sandbox_credentials(credential_set: CredentialSet, *, actor: Actor) -> None:
    """Sandbox: make the application known there, and store the same values in its set.

    Client ID, and client secret or the MZP's password, are made up once; a renewal gets the same ones.
    """
    application = credential_set.application
    login_id = credential_set.certificate_request.partner_login_id
    with transaction.atomic():
        # Applications of one login share its password: of two at once, the second finds the first one's.
        PartnerLogin.objects.select_for_update().get(pk=login_id)
        client = SandboxClient.objects.filter(application=application).first() or _new_sandbox_client(credential_set)
        store_credentials(
            credential_set,
            client_id=client.client_id,
            client_secret=open_secret(client.client_secret).decode() if client.client_secret else "",
            password=open_secret(client.password).decode() if client.password else "",
            actor=actor,
        )


def _new_sandbox_client(credential_set: CredentialSet) -> SandboxClient:
    application, organisation = credential_set.application, credential_set.organisation
    login = credential_set.certificate_request.partner_login
    wanted = application.profile.credentials
    secret, password = None, None
    if "client_secret" in wanted:
        secret = seal_secret(organisation, Secret.Kind.CLIENT_SECRET, secrets.token_urlsafe(32).encode())
    if "password" in wanted:
        users = CertificateRequest.objects.filter(partner_login=login, environment=SANDBOX).values("application")
        known = SandboxClient.objects.filter(application__in=users).exclude(password=None).first()
        password = known.password if known else None
        password = password or seal_secret(organisation, Secret.Kind.PASSWORD, secrets.token_urlsafe(18).encode())
    return SandboxClient.objects.create(
        application=application, client_id=str(uuid.uuid4()), client_secret=secret, password=password
    )


def _nobody_waits_for(credential_set: CredentialSet) -> None:
    """Bring the worklist up to date: what was stored may be all that staff had to hand out, also for other sets."""
    cycle = credential_set.certificate_request
    same_login = CertificateRequest.objects.filter(
        partner_login_id=cycle.partner_login_id, environment=credential_set.environment, state__in=USABLE
    )
    for one in same_login.select_related("application__organisation", "partner_login"):
        follow(one, one.card(), Event.CLIENT_ID_SET)


def _store_password(credential_set: CredentialSet, password: str) -> None:
    login = credential_set.certificate_request.partner_login
    secret = seal_secret(credential_set.organisation, Secret.Kind.PASSWORD, password.encode())
    row = (
        PartnerPassword.objects.select_for_update()
        .filter(partner_login=login, environment=credential_set.environment)
        .first()
    )
    if row is None:
        PartnerPassword.objects.create(partner_login=login, environment=credential_set.environment, secret=secret)
        return
    old, row.secret = row.secret, secret
    row.save()
    destroy_secret(old)
