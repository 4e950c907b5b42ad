"""What a company's page and the task list say of its contacts."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from onboarding.memberships.contacts import link_expired
from onboarding.partners.models import Contact, Organisation
from onboarding.web.forms.organisation import KINDS


def contact_rows(organisation: Organisation) -> list[dict[str, Any]]:
    """Return the contacts that every organisation names, as they stand, each with what it is for."""
    named = {contact.kind: contact for contact in organisation.contacts.filter(kind__in=Contact.NAMED)}
    return [
        {
            "kind": kind.value,
            "title": kind.label,
            "purpose": KINDS[kind],
            "contact": (contact := named.get(kind)),
            "status": _status(contact),
            "is_waiting": contact is not None and contact.verified_at is None,
            "has_expired": contact is not None and contact.verified_at is None and link_expired(contact),
            "href": reverse("contact", args=[organisation.pk, kind.value]),
        }
        for kind in Contact.NAMED
    ]


def contact_group(organisation: Organisation) -> dict[str, Any]:
    """Return the contacts as a group of the component `task_list.html`."""
    tasks = [
        {
            "title": row["title"],
            "href": row["href"],
            "hint": row["contact"].email if row["contact"] else row["purpose"],
            "since": row["contact"].link_sent_at if row["is_waiting"] else None,
            "status": row["status"] if row["contact"] else {"label": _("Your turn"), "tone": "turn"},
        }
        for row in contact_rows(organisation)
    ]
    return {"title": _("Contacts of your company"), "tasks": tasks}


def _status(contact: Contact | None) -> dict[str, str]:
    if contact is None:
        return {"label": _("Not named yet"), "tone": "turn"}
    if contact.verified_at is None:
        return {"label": _("Not confirmed yet"), "tone": "waiting"}
    return {"label": _("Confirmed"), "tone": "success"}
