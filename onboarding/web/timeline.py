"""The audit as people read it."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.partners.models import Membership, User
from onboarding.registrations.flows import IMPLIED
from onboarding.registrations.outside import HAPPENED_ON, REFERENCE

TONES = {
    Event.REGISTRATION_APPROVED: "success",
    Event.RUN_PASSED: "success",
    Event.CERTIFICATE_ISSUED: "success",
    Event.CERTIFICATE_RECEIVED: "success",
    Event.REGISTRATION_DECLINED: "danger",
    Event.REGISTRATION_REOPENED: "warning",
    Event.REGISTRATION_SUSPENDED: "danger",
    Event.REGISTRATION_REINSTATED: "success",
    Event.CSR_REFUSED: "danger",
    Event.RUN_FAILED: "danger",
    Event.VIRTUAL_KEY_GRANTED: "success",
    Event.VIRTUAL_KEY_FAILED: "danger",
    Event.VIRTUAL_KEY_UNKNOWN: "warning",
    Event.CERTIFICATE_REVOKED: "danger",
    Event.REGISTRATION_CHANGES_REQUESTED: "warning",
    Event.SECOND_FACTOR_FAILED: "danger",
    Event.SIGN_IN_FAILED: "warning",
    Event.PASSWORD_CHANGED: "warning",
    Event.EMAIL_CHANGED: "warning",
    Event.PASSKEY_ADDED: "success",
    Event.PASSKEY_REMOVED: "warning",
    Event.AUTHENTICATOR_APP_ADDED: "success",
    Event.AUTHENTICATOR_APP_REMOVED: "warning",
    Event.RECOVERY_CODE_USED: "warning",
}

WAYS_IN = {
    "password": gettext_noop("password"),
    "webauthn": gettext_noop("passkey"),
    "totp": gettext_noop("authenticator app"),
    "recovery_codes": gettext_noop("recovery code"),
    "single_sign_on": gettext_noop("single sign-on"),
}
"""How one signs in, by django-allauth's names."""


def timeline(entries: Iterable[Entry], *, reader: User) -> list[dict[str, Any]]:
    """Return entries for the component `timeline.html`. Partners see staff as the operator, staff by name."""
    rows = list(entries)
    people = {str(id_) for row in rows for id_ in (row.actor_id, row.data.get("member")) if id_}
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=people)}
    return [
        {
            "when": row.occurred_at,
            "what": what(row.event, is_outside=HAPPENED_ON in row.data),
            "who": who(row, names, reader),
            "detail": _outside(row) or _whom(row, names),
            "tone": TONES.get(Event(row.event), "neutral"),
        }
        for row in rows
        if not row.data.get(IMPLIED)
    ]


def account_timeline(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return what happened to an account, for the component: each with the browser and the address it came from."""
    return [
        {
            "when": row.occurred_at,
            "what": _happened(row),
            "who": " · ".join(filter(None, (row.data.get("browser"), row.address))),
            "tone": TONES.get(Event(row.event), "neutral"),
        }
        for row in entries
    ]


def _happened(row: Entry) -> str:
    label = str(Event(row.event).label)
    ways = ", ".join(_(WAYS_IN[way]) for way in row.data.get("with", ()) if way in WAYS_IN)
    return _("%(what)s: %(how)s") % {"what": label, "how": ways} if ways else label


OUTSIDE = {
    Event.REGISTRATION_SUBMITTED: gettext_noop("Dossier sent on"),
    Event.CERTIFICATE_RECEIVED: gettext_noop("Certificate received and taken in"),
    Event.CLIENT_ID_SET: gettext_noop("Client ID received"),
    Event.CLIENT_SECRET_SET: gettext_noop("Client secret received"),
    Event.PASSWORD_SET: gettext_noop("MZP password received"),
}
"""What is said otherwise of what happened outside this portal, and was recorded."""


def what(event: str, *, is_outside: bool) -> str:
    """Say what happened, here or outside."""
    found = Event(event)
    return _(OUTSIDE[found]) if is_outside and found in OUTSIDE else str(found.label)


def _outside(row: Entry) -> str:
    """Say on which day something happened outside, and under which reference; nothing for what happened here."""
    if HAPPENED_ON not in row.data:
        return ""
    return on_day(row.data[HAPPENED_ON], row.data.get(REFERENCE, ""))


def on_day(happened_on: str, reference: str) -> str:
    """Say a day, and a reference if there is one."""
    day = format_date(date.fromisoformat(happened_on), pgettext("date format", "j M Y"))
    values = {"day": day, "reference": reference}
    words = _("On %(day)s, reference %(reference)s") if values["reference"] else _("On %(day)s")
    return words % values


def who(row: Entry, names: Mapping[Any, str], reader: User) -> str:
    """Name who did something, as the reader may know them. names: of people, by id."""
    if row.actor_kind == "system":
        return _("this portal")
    if row.actor_id is None:
        return _("who reads the mailbox")  # a link that needs no account was followed
    if row.actor_id == reader.pk:
        return _("recorded by you") if HAPPENED_ON in row.data else _("you")
    if row.actor_kind == "staff" and not reader.staff_roles:
        return settings.OPERATOR_NAME
    if row.actor_id in names:
        name = names[row.actor_id]
        return _("recorded by %(name)s") % {"name": name} if HAPPENED_ON in row.data else name
    return _("a former member") if row.actor_kind == "member" else _("somebody who has left")


def _whom(row: Entry, names: dict[Any, str]) -> str:
    """Say which member an entry is about, and what role they have or had; nothing where it is about no other."""
    member, role = row.data.get("member"), row.data.get("to") or row.data.get("role")
    if not member or member == str(row.actor_id):
        return ""
    name = names.get(UUID(member), _("a former member"))
    return f"{name} · {Membership.Role(role).label}" if role in Membership.Role else name
