"""What every page knows: the portal's name, where the reader is, and where they can go."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from onboarding.partners.models import StaffRole
from onboarding.partners.modes import mode
from onboarding.web import oidc

AUDIT_READERS = frozenset({StaffRole.Role.AUDITOR, StaffRole.Role.ADMINISTRATOR})


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return `portal`, for the page frame, and `may_change`: whether the reader may send the page's forms."""
    return {
        "may_change": getattr(request, "may_change", False),
        "portal": {
            "name": settings.PORTAL_NAME,
            "operator": settings.OPERATOR_NAME,
            "demo": settings.DEMO,
            "mode": settings.PORTAL_MODE,
            "has_desk": mode().has_desk,
            "can_sign_up": settings.SIGN_UP == "open",
            "single_sign_on": settings.OIDC_LABEL if oidc.configured() else "",
            "accent": bool(settings.ACCENT_COLOUR),
            "is_staff_area": request.path.startswith("/desk/"),
            "nav": _nav(request),
        },
    }


def _nav(request: HttpRequest) -> list[dict[str, Any]]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    entries = [(_("Applications"), reverse("home")), (_("Company"), reverse("organisations"))]
    if user.staff_roles:
        entries = [
            (_("Queue"), reverse("desk")),
            (_("Certificates"), reverse("desk_certificates")),
            (_("Figures"), reverse("desk_figures")),
            (_("Health"), reverse("desk_health")),
            (_("Partner logins"), reverse("desk_logins")),
        ]
        if user.staff_roles & AUDIT_READERS:
            entries.append((_("People"), reverse("desk_people")))
            entries.append((_("Audit"), reverse("desk_audit")))
    match = getattr(request, "resolver_match", None)
    here = match.url_name if match else ""
    return [
        {"label": label, "href": href, "current": href == request.path or _belongs(str(here), href)}
        for label, href in entries
    ]


def _belongs(name: str, href: str) -> bool:
    """Tell whether the page of that route name is below the navigation entry."""
    sections = {
        reverse("desk_certificates"): ("desk_certificate", "desk_drop"),
        reverse("desk"): ("desk_registration", "desk_conversation", "desk_submissions", "desk_messages"),
        reverse("desk_health"): ("run",),
        reverse("desk_people"): ("desk_person", "desk_people"),
        reverse("organisations"): ("organisation", "invit", "member", "contact", "join"),
        reverse("home"): (
            "application",
            "conversation",
            "describe",
            "key",
            "csr",
            "certificate",
            "credentials",
            "validate",
            "rehearse",
            "run",
            "kit",
            "live",
            "sandbox",
            "submissions",
            "dossier",
            "answer",
        ),
    }
    return name.startswith(sections.get(href, ()))
