"""Sandbox credentials at once: everything in one go, and away again.

Key, CSR, certificate and credentials are made by the same verbs as anywhere else, so each of them is there afterwards
to look at, and to do by hand the next time.
"""

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.credentials import flows, private_keys
from onboarding.credentials.entitlement import require_open
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder, SandboxClient
from onboarding.credentials.states import LIFECYCLE, State
from onboarding.credentials.telling import put_on_record
from onboarding.partners.actors import Actor
from onboarding.partners.models import Organisation, User
from onboarding.programmes import SANDBOX
from onboarding.registrations.logins import sandbox_login
from onboarding.registrations.models import Application
from onboarding.vault.seal import destroy_secret
from onboarding.worklist.transitions import advance

Custody = CertificateRequest.Custody


class NotOffered(Exception):
    """There is no sandbox here, or no key may be kept here: it cannot be done in one go."""


def is_offered() -> bool:
    """Return whether everything can be made here in one go."""
    return settings.SANDBOX and Custody.VAULT in settings.KEY_CUSTODIES


def get_credentials(application: Application, *, actor: Actor) -> KeyOrder | None:
    """Order a key; certificate, credentials and the first call follow by themselves. None if that has happened already.

    Of two who ask at once, the second finds what the first has begun. Raises NotOffered, ApplicationClosed,
    SubjectUnfit (the names are kept then, to be mended by hand), IllegalTransition.
    """
    if not is_offered():
        raise NotOffered
    require_open(application, SANDBOX)
    with transaction.atomic():
        _one_at_a_time(application)
        cycle = (
            _cycles(application).exclude(state__in=(State.SUPERSEDED, State.REVOKED)).order_by("-created_at").first()
        )
        if cycle is not None and cycle.state != State.AWAITING_CSR:
            return None
        if cycle is not None and not cycle.partner_login.is_of_sandbox:
            # Begun with the company's own login, which the desk signs for; nothing was submitted yet.
            flows.cancel_key_orders(cycle)
            advance(cycle, LIFECYCLE, "cancel", actor=actor)
        login = sandbox_login(application.organisation, actor=actor)
        cycle = flows.open_request(application, SANDBOX, actor=actor, login=login)
        if waiting := cycle.key_orders.filter(state__in=KeyOrder.OPEN).first():
            return waiting
        if not cycle.subject or flows.subject_errors(cycle):
            flows.describe_key(cycle, subject=suggested_subject(application, actor), custody=Custody.VAULT)
        errors = flows.subject_errors(cycle)
        if not errors:
            bits = application.profile.key.choices[0]
            return private_keys.order_key(cycle, bits=bits, actor=actor, first_call=True)
    raise private_keys.SubjectUnfit(errors)  # after the names were kept


def suggested_subject(application: Application, actor: Actor) -> dict[str, str]:
    """Return names for a certificate of the sandbox, from what is known."""
    registration = getattr(application, "registration", None)
    answers = registration.answers if registration else {}
    organisation = application.organisation
    longest = {rule.attribute: rule.max_length for rule in application.profile.dn}
    company = " ".join((answers.get("company") or organisation.name).split())
    return {
        "C": organisation.country,
        "ST": "Sandbox",
        "L": "Sandbox",
        "O": company[: longest.get("O") or None].strip(),
        "emailAddress": answers.get("contact_email") or _address(organisation, actor),
    }


def discard(application: Application, *, actor: Actor) -> int:
    """Take away whatever the application has in the sandbox: keys and secrets are destroyed, the sandbox forgets it.

    Safe to call twice. Returns how many signing cycles that were.
    """
    with transaction.atomic():
        _one_at_a_time(application)
        cycles = list(_cycles(application))
        for cycle in cycles:
            flows.cancel_key_orders(cycle)
            key = cycle.key
            if LIFECYCLE.allows(cycle.state, "discard"):
                advance(cycle, LIFECYCLE, "discard", actor=actor, key=None)
            if key is not None:
                CertificateRequest.objects.filter(pk=cycle.pk).update(key=None)
                destroy_secret(key)
                put_on_record(Event.KEY_DESTROYED, cycle, actor)
        for held in CredentialSet.objects.filter(application=application, environment=SANDBOX, retired_at=None):
            secret, held.client_secret, held.retired_at = held.client_secret, None, timezone.now()
            held.save(update_fields=["client_secret", "retired_at", "changed_at"])
            if secret is not None:
                destroy_secret(secret)
        _forget(application)
    return len(cycles)


def _forget(application: Application) -> None:
    """The sandbox no longer knows the application. The password stays if another application calls with it."""
    for client in SandboxClient.objects.filter(application=application).select_related("client_secret", "password"):
        secrets = [client.client_secret, client.password]
        client.delete()
        for secret in secrets:
            if secret is not None and not SandboxClient.objects.filter(password=secret).exists():
                destroy_secret(secret)


def _cycles(application: Application) -> QuerySet[CertificateRequest]:
    return (
        CertificateRequest.objects.filter(application=application, environment=SANDBOX)
        .exclude(state=State.CANCELLED)
        .select_related("partner_login__organisation", "application__organisation", "key")
    )


def _one_at_a_time(application: Application) -> None:
    """Make others who ask for the same wait, and see what was done. SQLite writers wait for one another anyway."""
    Application.objects.select_for_update().get(pk=application.pk)


def _address(organisation: Organisation, actor: Actor) -> str:
    """Return an address that reaches the organisation: a verified contact's, else that of who asks."""
    contact = organisation.contacts.filter(verified_at__isnull=False).order_by("created_at").first()
    if contact is not None:
        return contact.email
    return User.objects.get(pk=actor.user_id).email if actor.user_id else ""
