"""Recording, and writing to people, about certificate requests and credential sets."""

import uuid

from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.notifications.mails import drafted, notify
from onboarding.notifications.models import Mail
from onboarding.partners.actors import Actor
from onboarding.partners.models import Membership
from onboarding.partners.people import builders, members


def put_on_record(event: Event, row: CertificateRequest | CredentialSet, actor: Actor, **data: str | int) -> uuid.UUID:
    """Record what happened to a request or a set, and return the entry's id."""
    entry = record(event, row, actor=actor, organisation=row.organisation, application_id=row.application_id, data=data)
    return entry.pk


def params(row: CertificateRequest | CredentialSet) -> dict[str, str]:
    """Return what the mails about a request or a set are filled with."""
    application = row.application
    return {
        "application": str(application),
        "application_id": str(application.pk),
        "certificate_request_id": str(row.pk),
        "reference": application.reference,
        "organisation": application.organisation.name,
        "environment": row.environment,
    }


def tell_owners(row: CertificateRequest | CredentialSet, entry: uuid.UUID, what: str) -> None:
    """Write to the organisation's owners that a secret was shown. entry: of the audit, one mail for each."""
    owners = members(row.organisation, (Membership.Role.OWNER,))
    notify("secret_revealed", owners, once=f"revealed:{entry}", params=params(row) | {"what": what})


def drafts_to_builders(kind: str, request: CertificateRequest | CredentialSet) -> list[Mail]:
    """Return the mails that `tell_builders` would make now, to be read before anything is decided."""
    return drafted(kind, builders(request.organisation), params=params(request))


def tell_builders(kind: str, request: CertificateRequest | CredentialSet, **more: str) -> None:
    """Write to those who build. more: further values for the mail."""
    once = f"{kind}:{request.pk}:{timezone.now():%Y%m%dT%H%M%S%f}"
    notify(kind, builders(request.organisation), once=once, params=params(request) | more)
