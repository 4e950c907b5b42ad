"""What is held about a person, as one JSON document. One table says what; a test walks all tables that name people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.audit.record import record
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.partners.actors import Actor
from onboarding.partners.models import User


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that name a person by a foreign key. fields: what of them is told; paths through relations, too."""

    name: str
    model: str
    person: str
    fields: tuple[str, ...]


ACCOUNT = ("id", "email", "name", "language", "time_zone", "date_joined", "last_login")
SECTIONS = (
    Section("addresses", "account.emailaddress", "user", ("email", "verified", "primary")),
    Section("second_factors", "mfa.authenticator", "user", ("type", "created_at", "last_used_at")),
    Section(
        "single_sign_on", "memberships.provideridentity", "user", ("issuer", "subject", "linked_at", "last_used_at")
    ),
    Section("sessions", "usersessions.usersession", "user", ("created_at", "last_seen_at", "ip", "user_agent")),
    Section("memberships", "partners.membership", "user", ("organisation__name", "role", "joined_at")),
    Section("drops", "credentials.drop", "dropped_by", ("created_at", "state")),
    Section("certificates_released", "credentials.dropped", "released_by", ("common_name", "wanted_at", "state")),
    Section("saved_views", "worklist.savedview", "user", ("name", "query", "created_at")),
    Section("staff_roles", "partners.staffrole", "user", ("role", "granted_at")),
    Section(
        "invitations_sent", "memberships.invitation", "invited_by",
        ("organisation__name", "email", "role", "state", "created_at"),
    ),
    Section(
        "invitations_accepted", "memberships.invitation", "accepted_by",
        ("organisation__name", "role", "created_at", "ended_at"),
    ),
    Section(
        "staff_invitations_sent", "memberships.staffinvitation", "invited_by", ("email", "roles", "state", "created_at")
    ),
    Section(
        "staff_invitations_accepted", "memberships.staffinvitation", "accepted_by", ("roles", "created_at", "ended_at")
    ),
    Section("requests_to_join", "memberships.joinrequest", "user", ("domain", "state", "created_at", "state_since")),
    Section(
        "applications_begun", "registrations.application", "created_by",
        ("reference", "name", "programme", "organisation__name", "created_at"),
    ),
    Section(
        "drafts_edited", "registrations.draftedit", "edited_by",
        ("registration__application__reference", "version", "edited_at"),
    ),
    Section(
        "descriptions_submitted", "registrations.submission", "submitted_by",
        ("registration__application__reference", "number", "submitted_at"),
    ),
    Section(
        "dossiers_sent", "registrations.dispatch", "recorded_by",
        ("application__reference", "sent_on", "reference", "recorded_at"),
    ),
    Section(
        "work_at_the_desk", "worklist.item", "assignee", ("reference", "stage", "opened_at", "assigned_at", "closed_at")
    ),
    Section(
        "messages_written", "registrations.message", "author",
        ("registration__application__reference", "text", "written_at"),
    ),
    Section(
        "messages_read", "registrations.reading", "reader", ("registration__application__reference", "side", "read_to")
    ),
    Section(
        "validations_asked_for", "validation.run", "requested_by",
        ("credential_set__application__reference", "state", "created_at"),
    ),
    Section(
        "virtual_key_tokens_asked_for", "virtualkeys.tokenrequest", "requested_by",
        ("credential_set__application__reference", "seconds", "state", "created_at", "expires_at", "shown_at"),
    ),
    Section(
        "consents_walked", "enrolment.walk", "started_by",
        ("credential_set__application__reference", "brand", "state", "created_at"),
    ),
    Section(
        "reports_sent", "validation.partnerreport", "received_from",
        ("credential_set__application__reference", "result", "received_at"),
    ),
    Section(
        "rehearsals_begun", "activation.rehearsal", "created_by",
        ("application__reference", "name", "version", "created_at"),
    ),
    Section(
        "trace_reports_attached", "activation.tracereport", "attached_by",
        ("application__reference", "app_version", "trace_sha256", "attached_at"),
    ),
    Section("mails_not_wanted", "notifications.muted", "user", ("category",)),
    Section("mails", "notifications.mail", "user", ("kind", "address", "language", "state", "created_at", "sent_at")),
)  # fmt: skip


def export(user: User, *, actor: Actor) -> dict[str, Any]:
    """Return what is held about a person, as plain JSON values without any secret, and record the asking."""
    addresses = confirmed_addresses(user) | {user.email.casefold()}
    with transaction.atomic():
        record(Event.PERSON_EXPORTED, user, actor=actor, organisation=None)
        document: dict[str, Any] = {
            "made_at": timezone.now(),
            "account": {name: getattr(user, name) for name in ACCOUNT},
        }
        for section in SECTIONS:
            if (model := _installed(section.model)) is not None:
                rows = model._default_manager.filter(**{section.person: user})
                document[section.name] = _rows(rows, section.fields)
        document["invitations_received"] = _rows(
            _by_address("memberships.invitation", addresses), ("organisation__name", "role", "state", "created_at")
        )
        document["contacts"] = _rows(
            _by_address("partners.contact", addresses), ("organisation__name", "kind", "name", "email", "verified_at")
        )
        document["history"] = _rows(
            Entry.objects.filter(models.Q(actor_id=user.pk) | models.Q(data__member=str(user.pk))).order_by(
                "occurred_at"
            ),
            ("event", "occurred_at", "actor_kind", "address", "subject_type", "subject_id", "application_id"),
        )
        document["other_tables"] = _others(user)
    plain: dict[str, Any] = _plain(document)
    return plain


def _others(user: User) -> dict[str, int]:
    """Count the rows of tables that name the person and stand in no section, so that none is passed over in silence."""
    told = {(section.model, section.person) for section in SECTIONS}
    result = {}
    for relation in _relations():
        if (relation.related_model._meta.label_lower, relation.field.name) not in told:
            count = relation.related_model._default_manager.filter(**{relation.field.name: user}).count()
            if count:
                result[relation.related_model._meta.label_lower] = count
    return result


def _relations() -> list[Any]:
    """Return each relation of another table to the table of people; those of joining tables are their rows'."""
    return [one for one in User._meta.get_fields(include_hidden=True) if one.one_to_many or one.one_to_one]


def _installed(label: str) -> Any:
    try:
        return apps.get_model(label)
    except LookupError:
        return None


def _by_address(label: str, addresses: frozenset[str]) -> models.QuerySet[Any]:
    model: Any = apps.get_model(label)
    found: models.QuerySet[Any] = model.objects.annotate(lowered=Lower("email")).filter(lowered__in=addresses)
    return found


def _rows(rows: models.QuerySet[Any], fields: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{_key(path): value for path, value in row.items()} for row in rows.values(*fields)]


def _key(path: str) -> str:
    """Return what a field is called in the document: an organisation by its name, all others by their last part."""
    return "organisation" if path == "organisation__name" else path.rpartition("__")[2]


def _plain(value: Any) -> Any:
    """Return values as JSON has them."""
    match value:
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return value
