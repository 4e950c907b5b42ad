"""Rehearsing a failure: which one the sandbox plays for an application, until its partner switches it off."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.conf import settings
from django.db import transaction

from onboarding.audit.events import Event
from onboarding.credentials.models import CredentialSet, SandboxClient
from onboarding.credentials.telling import put_on_record
from onboarding.fleet.checks import VIRTUAL_KEY
from onboarding.partners.actors import Actor
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application
from onboarding.rehearsals import BY_NAME, REHEARSALS, Rehearsal

_BESIDE: Mapping[str, tuple[str, ...]] = {"fleet_owner": (VIRTUAL_KEY,)}
"""Ladders of requests that a programme's applications make beside a validation."""


class NotOffered(Exception):
    """No such failure can be rehearsed with this credential set."""


def offered(programme: str) -> tuple[Rehearsal, ...]:
    """Return what can be rehearsed here, in the order of the ladder."""
    return tuple(rehearsal for rehearsal in REHEARSALS if _is_offered(rehearsal, programme))


def rehearsed(credential_set: CredentialSet, *also: str) -> Rehearsal | None:
    """Return the failure that the set meets at present, None for none.

    A validation meets those of its programme. also: ladders of other requests, where it is about one of them.
    """
    if credential_set.environment != SANDBOX:
        return None
    application = credential_set.application
    found = all_rehearsed([application]).get(application.pk)
    return found if found is not None and found.results.keys() & {application.programme, *also} else None


def all_rehearsed(applications: Iterable[Application]) -> Mapping[UUID, Rehearsal]:
    """Return the failures that are switched on, by application, in one query."""
    clients = SandboxClient.objects.filter(application__in=applications).exclude(fault="").select_related("application")
    return {
        client.application_id: BY_NAME[client.fault]
        for client in clients
        if client.fault in BY_NAME and _is_offered(BY_NAME[client.fault], client.application.programme)
    }


def rehearse(credential_set: CredentialSet, name: str, *, actor: Actor) -> None:
    """Switch a failure on for the set's application, in place of any other; an empty name switches it off.

    Raises NotOffered.
    """
    programme = credential_set.application.programme
    if credential_set.environment != SANDBOX or (name and name not in {one.name for one in offered(programme)}):
        raise NotOffered(name)
    with transaction.atomic():
        changed = (
            SandboxClient.objects.filter(application=credential_set.application).exclude(fault=name).update(fault=name)
        )
        if changed:
            event = Event.REHEARSAL_BEGUN if name else Event.REHEARSAL_ENDED
            put_on_record(event, credential_set, actor, **({"what": name} if name else {}))


def _is_offered(rehearsal: Rehearsal, programme: str) -> bool:
    has_ports = bool(settings.SANDBOX_FAULT_PORTS)
    met_by = {programme, *_BESIDE.get(programme, ())}
    return bool(rehearsal.results.keys() & met_by) and (has_ports or not rehearsal.has_port)
