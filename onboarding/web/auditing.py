"""The audit as it is looked through: pages of entries, and each in words.

A page begins where the last one ended (by moment and id), so that the thousandth costs what the first does.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding import keyset
from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.audit.wording import in_words
from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.states import State as CertificateState
from onboarding.findings import Finding
from onboarding.notifications.kinds import Category
from onboarding.partners.models import Membership, Organisation, StaffRole, User
from onboarding.registrations.description import BY_NAME
from onboarding.registrations.models import Application, Registration, Side
from onboarding.registrations.states import State as RegistrationState
from onboarding.web import tables
from onboarding.web.timeline import WAYS_IN
from onboarding.worklist.models import Stage

PAGE_SIZE = 50
EXPORTED_AT_ONCE = 500
LATEST_FIRST = ("-occurred_at", "-id")

_STATES = {str(one.value): one.label for one in (*RegistrationState, *CertificateState, *Membership.Role)}
_WORDS: Mapping[str, Mapping[str, Any]] = {
    "from": _STATES,
    "to": _STATES,
    "role": {str(one.value): one.label for one in (*StaffRole.Role, *Membership.Role)},
    "reason": {str(one.value): one.label for one in (*Registration.DeclineReason, *Registration.SuspendReason)},
    "custody": {str(one.value): one.label for one in CertificateRequest.Custody},
    "programme": {str(one.value): one.label for one in Application.Programme},
    "questions": {name: question.label for name, question in BY_NAME.items()},
    "with": {way: gettext_lazy(words) for way, words in WAYS_IN.items()},
    "what": {
        "private_key": gettext_lazy("private key"),
        "client_secret": gettext_lazy("client secret"),
        "password": gettext_lazy("password"),
    },
    "fields": {
        "name": gettext_lazy("name"),
        "language": gettext_lazy("language"),
        "time_zone": gettext_lazy("time zone"),
    },
    "unwanted": {str(one.value): one.label for one in Category},
    "stage": {str(one.value): one.label for one in Stage},
    "side": {str(one.value): one.label for one in Side},
}
"""The words of values, by the names in `data`."""

_LABELS: Mapping[str, Any] = {
    "unwanted": gettext_lazy("not wanted"),
    "mzp": gettext_lazy("MZP"),
    "reason": gettext_lazy("reason"),
    "custody": gettext_lazy("who keeps the key"),
    "role": gettext_lazy("role"),
    "member": gettext_lazy("person"),
    "what": gettext_lazy("what"),
    "environment": gettext_lazy("environment"),
    "browser": gettext_lazy("browser"),
    "with": gettext_lazy("by means of"),
    "count": gettext_lazy("number"),
    "serial_number": gettext_lazy("serial number"),
    "questions": gettext_lazy("questions"),
    "fields": gettext_lazy("fields"),
    "changed": gettext_lazy("changed"),
    "programme": gettext_lazy("programme"),
    "filters": gettext_lazy("filters"),
    "entries": gettext_lazy("entries"),
    "stage": gettext_lazy("to do"),
    "side": gettext_lazy("by"),
    "asks": gettext_lazy("needs an answer"),
}
"""What is said of an entry beside what happened, by the names in its `data`; the others stand under their names."""

_UNSAID = frozenset({"settings"})


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, the latest first. older: what the address of the next page ends in, "" if there is none."""

    rows: Sequence[Mapping[str, Any]]
    older: str


@dataclass(slots=True)
class Names:
    """What ids of entries are called now. Who was erased has no name any more."""

    people: dict[UUID, str] = field(default_factory=dict)
    organisations: dict[UUID, str] = field(default_factory=dict)
    applications: dict[UUID, Application] = field(default_factory=dict)


def page(entries: QuerySet[Entry], before: str, *, reader: User) -> Page:
    """Return the page of entries that come after the one that `before` names. It is made of untrusted text."""
    found = keyset.page(entries.select_related("chain"), LATEST_FIRST, PAGE_SIZE, before)
    names = names_of(found.rows)
    return Page([row(entry, names, reader=reader) for entry in found.rows], found.following)


def names_of(entries: Iterable[Entry]) -> Names:
    """Look up what the entries name, in three queries."""
    entries = list(entries)
    people = {one for entry in entries for one in (entry.actor_id, *_people_in(entry)) if one}
    return Names(
        {user.pk: str(user) for user in User.objects.filter(pk__in=people)},
        dict(
            Organisation.objects.filter(pk__in={entry.chain.organisation_id for entry in entries}).values_list(
                "pk", "name"
            )
        ),
        Application.objects.select_related("registration").in_bulk(
            {entry.application_id for entry in entries if entry.application_id}
        ),
    )


def row(entry: Entry, names: Names, *, reader: User) -> dict[str, Any]:
    """Return one entry, in words."""
    return {
        "entry": entry,
        # What was written past the portal may be no word of the vocabulary, and has to be seen all the more.
        "what": Event(entry.event).label if entry.event in Event.values else entry.event,
        "who": who(entry, names, reader=reader),
        "address": entry.address,
        "organisation": names.organisations.get(entry.chain.organisation_id) if entry.chain.organisation_id else None,
        "application": names.applications.get(entry.application_id) if entry.application_id else None,
        "details": details(entry, names),
    }


def who(entry: Entry, names: Names, *, reader: User) -> str:
    """Say who did it: staff by name to staff, and as the operator to partners."""
    if entry.actor_kind == "system":
        return _("this portal")
    if entry.actor_id is None:
        return _("somebody who had not signed in")
    if entry.actor_kind == "staff" and not reader.staff_roles and entry.actor_id != reader.pk:
        return settings.OPERATOR_NAME
    return names.people.get(entry.actor_id) or _("somebody who has left")


def details(entry: Entry, names: Names) -> list[dict[str, str]]:
    """Return what else is known: pairs of a label and a value."""
    data = dict(entry.data) if isinstance(entry.data, dict) else {"": entry.data}
    pairs = []
    if "from" in data and "to" in data:
        change = [data.pop("from"), data.pop("to")]
        pairs.append({"label": "", "value": " → ".join(_value("to", one, names) for one in change)})
    for name, value in sorted(data.items()):
        if name in _UNSAID or value in ("", [], {}, None):
            continue
        label = str(_LABELS.get(name, name.replace("_", " ")))
        pairs.append({"label": label, "value": _value(name, value, names)})
    return pairs


def finding_text(finding: Mapping[str, Any]) -> str:
    """Say what a verification found; finding: as `Finding.to_json` gives it."""
    words = in_words(Finding.from_json(finding), _)
    chain = finding["params"].get("chain")
    return _("Chain %(chain)s: %(what)s") % {"chain": chain, "what": words.title} if chain else words.title


# --- Exports -------------------------------------------------------------------------------------------------

COLUMNS = (
    "occurred_at", "event", "actor_kind", "actor_id", "actor", "address", "organisation_id", "organisation",
    "application_id", "application", "subject_type", "subject_id", "data", "chain", "position", "key_id", "mac",
)  # fmt: skip


def as_csv(entries: QuerySet[Entry]) -> Iterator[str]:
    """Write entries as CSV, with a head; nothing in it is taken for a formula by a spreadsheet."""
    return tables.as_csv(COLUMNS, map(_flat, _exported(entries)))


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(values["data"], ensure_ascii=False, sort_keys=True) if values["data"] else ""
    return values | {"data": data}


def as_lines(entries: QuerySet[Entry]) -> Iterator[str]:
    """Write entries as JSON lines."""
    for values in _exported(entries):
        yield json.dumps(values, ensure_ascii=False) + "\n"


def _exported(entries: QuerySet[Entry]) -> Iterator[dict[str, Any]]:
    rows = entries.select_related("chain").order_by("occurred_at", "id").iterator(chunk_size=EXPORTED_AT_ONCE)
    while some := list(islice(rows, EXPORTED_AT_ONCE)):
        names = names_of(some)
        for entry in some:
            organisation = entry.chain.organisation_id
            application = names.applications.get(entry.application_id) if entry.application_id else None
            yield {
                "occurred_at": entry.occurred_at.isoformat(),
                "event": entry.event,
                "actor_kind": entry.actor_kind,
                "actor_id": str(entry.actor_id or ""),
                "actor": names.people.get(entry.actor_id, "") if entry.actor_id else "",
                "address": entry.address,
                "organisation_id": str(organisation or ""),
                "organisation": names.organisations.get(organisation, "") if organisation else "",
                "application_id": str(entry.application_id or ""),
                "application": application.reference if application else "",
                "subject_type": entry.subject_type,
                "subject_id": str(entry.subject_id),
                "data": entry.data,
                "chain": str(entry.chain_id),
                "position": entry.position,
                "key_id": entry.key_id,
                "mac": entry.mac,
            }


# --- In parts ------------------------------------------------------------------------------------------------


def _after(entries: QuerySet[Entry], mark: str) -> QuerySet[Entry]:
    moment, _separator, id_ = mark.partition("_")
    try:
        at, last = datetime.fromisoformat(moment), UUID(id_)
    except ValueError:
        return entries
    if at.tzinfo is None:
        return entries
    return entries.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, id__lt=last), occurred_at__lte=at)


def _mark(entry: Entry) -> str:
    return f"{entry.occurred_at.isoformat().replace('+00:00', 'Z')}_{entry.pk.hex}"


def _people_in(entry: Entry) -> list[UUID]:
    try:
        return [UUID(entry.data["member"])]
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def _value(name: str, value: Any, names: Names) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(_value(name, one, names) for one in value)
    if isinstance(value, dict):
        return "; ".join(f"{inner}: {_change(one)}" for inner, one in sorted(value.items()))
    text = str(value)
    if text in _WORDS.get(name, {}):
        return str(_WORDS[name][text])
    try:
        return names.people.get(UUID(text)) or text
    except ValueError:
        return text


def _change(value: Any) -> str:
    return " → ".join(str(one) or "–" for one in value) if isinstance(value, list) else str(value)
