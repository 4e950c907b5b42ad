"""The sandbox before anybody has decided anything: its first call follows by itself, and it can be given back."""

import uuid

from django.db import transaction
from django.utils import timezone

from onboarding.credentials import sandboxing
from onboarding.credentials.models import CredentialSet, KeyOrder
from onboarding.leases import NEVER_CLAIMED
from onboarding.partners.actors import Actor, ActorKind
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application
from onboarding.validation.flows import cancel_run, request_run
from onboarding.validation.models import Run


def first_call(order_id: str | uuid.UUID) -> None:
    """Validate what came of a key that was ordered with its first call, in the name of who ordered it. Once."""
    with transaction.atomic():
        done = KeyOrder.objects.filter(pk=order_id, state=KeyOrder.State.DONE, first_call=True)
        if not done.update(first_call=False):
            return
        order = KeyOrder.objects.get(pk=order_id)
        held = CredentialSet.objects.filter(
            certificate_request=order.certificate_request_id, environment=SANDBOX, retired_at=None
        ).first()
        if held is not None and not held.runs.exists():
            request_run(held, actor=Actor(ActorKind(order.actor_kind), order.actor_id))


def sweep() -> None:
    """Make first calls of which nobody was told."""
    forgotten = timezone.now() - NEVER_CLAIMED
    for order_id in KeyOrder.objects.filter(
        first_call=True, state=KeyOrder.State.DONE, finished_at__lt=forgotten
    ).values_list("pk", flat=True)[:100]:
        first_call(order_id)


def delete_credentials(application: Application, *, actor: Actor) -> bool:
    """Take away what an application has in the sandbox, and end what runs with it; False if there was nothing."""
    with transaction.atomic():
        for run in Run.objects.filter(
            credential_set__application=application, credential_set__environment=SANDBOX, state__in=Run.OPEN
        ).select_related("credential_set__application__organisation", "key"):
            cancel_run(run, actor=actor)
        return bool(sandboxing.discard(application, actor=actor))
