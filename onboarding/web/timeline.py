"""The audit as people read it."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.partners.models import User

TONES = {
    Event.REGISTRATION_APPROVED: "success",
    Event.RUN_PASSED: "success",
    Event.CERTIFICATE_ISSUED: "success",
    Event.CERTIFICATE_RECEIVED: "success",
    Event.REGISTRATION_DECLINED: "danger",
    Event.CSR_REFUSED: "danger",
    Event.RUN_FAILED: "danger",
    Event.CERTIFICATE_REVOKED: "danger",
    Event.REGISTRATION_CHANGES_REQUESTED: "warning",
}


def timeline(entries: Iterable[Entry], *, reader: User) -> list[dict[str, Any]]:
    """Return entries for the component `timeline.html`. Partners see staff as the operator, staff by name."""
    rows = list(entries)
    names = {user.pk: str(user) for user in User.objects.filter(pk__in={row.actor_id for row in rows if row.actor_id})}
    return [
        {
            "when": row.occurred_at,
            "what": Event(row.event).label,
            "who": _who(row, names, reader),
            "tone": TONES.get(Event(row.event), "neutral"),
        }
        for row in rows
    ]


def _who(row: Entry, names: dict[Any, str], reader: User) -> str:
    if row.actor_kind == "system":
        return _("this portal")
    if row.actor_id == reader.pk:
        return _("you")
    if row.actor_kind == "staff" and not reader.staff_roles:
        return settings.OPERATOR_NAME
    if row.actor_id in names:
        return names[row.actor_id]
    return _("a former member") if row.actor_kind == "member" else _("somebody who has left")
