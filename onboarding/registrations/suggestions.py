"""What a new description can be filled in with: said before, and looked over by whoever saves it."""

from typing import Any

from onboarding.partners.models import User
from onboarding.registrations.models import Registration

CARRIED = ("company", "country", "contact_name", "contact_email", "mzp")
"""Answers that are about the company rather than about one application."""


def suggestions(registration: Registration, reader: User) -> dict[str, Any]:
    """Return answers to suggest where none is given: those of the company's last description, else what is known of it.

    The contact is else the company's first verified one, and else the reader; the partner login is the confirmed one.
    """
    organisation = registration.organisation
    contact = organisation.contacts.filter(verified_at__isnull=False).order_by("created_at").first()
    logins = organisation.partner_logins.filter(environment="", confirmed_at__isnull=False, retired_at=None)
    login = logins.order_by("mzp").first()
    last = (
        Registration.objects.filter(application__organisation=organisation, answers__has_key="contact_email")
        .exclude(pk=registration.pk)
        .order_by("-application__created_at")
        .first()
    )
    known = {
        "company": organisation.name,
        "country": organisation.country,
        "contact_name": contact.name if contact else reader.name,
        "contact_email": contact.email if contact else reader.email,
        "mzp": login.mzp if login else "",
    }
    said = {name: last.answers[name] for name in CARRIED if last.answers.get(name)} if last else {}
    return known | said
