"""Solo mode: a date or reference that was noted wrongly is noted again. The audit keeps both, and is not changed."""

from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.audit.record import record
from onboarding.partners.actors import Actor
from onboarding.registrations.dispatches import chase_days
from onboarding.registrations.models import Application, Dispatch
from onboarding.registrations.outside import HAPPENED_ON, REFERENCE, Outside

CORRECTS, OF = "corrects", "of"
WAS_ON, WAS_REFERENCE = "was_on", "was_reference"
"""How a correction stands in the audit, beside the day and the reference that count now: of which entry, of which
event, and what was noted before."""


class NothingNew(Exception):
    """It is noted so already. Nothing was changed."""


def noted(application: Application, entry_id: UUID) -> Entry | None:
    """Return an entry of the application's that notes what happened outside; None if it is no such entry."""
    entry = Entry.objects.filter(application_id=application.pk, pk=entry_id).first()
    return entry if entry is not None and is_noted(entry) else None


def is_noted(entry: Entry) -> bool:
    """Tell whether an entry notes what happened outside; a correction of one does not."""
    return HAPPENED_ON in entry.data and CORRECTS not in entry.data


def current(entry: Entry) -> Outside:
    """Return what counts of an entry: its latest correction, or what it says itself."""
    corrections = Entry.objects.filter(
        application_id=entry.application_id, event=Event.OUTSIDE_CORRECTED, data__corrects=str(entry.pk)
    )
    data = (corrections.order_by("-position").first() or entry).data
    return Outside(date.fromisoformat(data[HAPPENED_ON]), data.get(REFERENCE, ""))


def correct(application: Application, entry: Entry, *, outside: Outside, actor: Actor) -> None:
    """Note another day or reference for what an entry says. Reminders follow the day. Raises NothingNew."""
    with transaction.atomic():
        was = current(entry)
        if was == outside:
            raise NothingNew
        data = {
            CORRECTS: str(entry.pk),
            OF: entry.event,
            WAS_ON: was.on.isoformat(),
            WAS_REFERENCE: was.reference,
            **outside.to_json(),
        }
        record(
            Event.OUTSIDE_CORRECTED,
            application,
            actor=actor,
            organisation=application.organisation,
            application_id=application.pk,
            data=data,
        )
        if (dispatch := _dispatch(application, entry)) is not None:
            today = timezone.localdate()
            begun = [count for count, day in chase_days(outside.on) if day <= today]
            Dispatch.objects.filter(pk=dispatch.pk).update(
                sent_on=outside.on,
                reference=outside.reference,
                reminded_at_days=min(dispatch.reminded_at_days, max(begun, default=0)),
            )


def _dispatch(application: Application, entry: Entry) -> Dispatch | None:
    """Return the dispatch that an entry noted: the n-th of its kind, as the entry is."""
    dispatches = Dispatch.objects.filter(application=application).order_by("recorded_at")
    entries = Entry.objects.filter(application_id=application.pk, event=entry.event, position__lt=entry.position)
    if entry.event == Event.REGISTRATION_SUBMITTED:
        dispatches = dispatches.filter(submission__isnull=False)
    elif entry.event == Event.CSR_SENT:
        dispatches = dispatches.filter(certificate_request_id=entry.subject_id)
        entries = entries.filter(subject_id=entry.subject_id)
    else:
        return None
    return dispatches[entries.count() :].first()
