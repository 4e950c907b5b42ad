"""What hangs on an approved application, environment by environment: told before it is suspended, and while it is."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from onboarding.credentials.environments import shown
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.credentials.states import LIFECYCLE, USABLE, State
from onboarding.registrations.models import Application
from onboarding.validation.schedule import interval

OPEN = frozenset(state for state in LIFECYCLE.states if LIFECYCLE.allows(state, "cancel"))
"""States of a certificate request from which a certificate may still come."""


def hanging(application: Application) -> list[dict[str, Any]]:
    """Return rows for a summary list, one for each environment in which there is something; in two queries."""
    requests = CertificateRequest.objects.filter(application=application, state__in=USABLE | OPEN)
    sets = CredentialSet.objects.filter(application=application, retired_at=None, certificate_request__state__in=USABLE)
    lines: dict[str, list[str]] = {}
    used = set()
    for one in sets.select_related("certificate_request").order_by("environment", "created_at"):
        used.add(one.certificate_request_id)
        lines.setdefault(one.environment, []).extend(_of_set(one))
    for request in requests.order_by("environment", "created_at"):
        if request.pk not in used:
            lines.setdefault(request.environment, []).append(_of_request(request))
    return [
        {"key": _(shown(application.profile, environment).label), "values": told} for environment, told in lines.items()
    ]


def _of_set(one: CredentialSet) -> Iterator[str]:
    request = one.certificate_request
    in_use = request.state == State.ACTIVE
    yield (
        _("Credentials in use, with a certificate until %(day)s")
        if in_use
        else _("Credentials not in use yet, with a certificate until %(day)s")
    ) % {"day": _last_day(request)}
    if in_use and request.key_id is not None and interval(one.environment):
        yield _("Regular checks")


def _of_request(request: CertificateRequest) -> str:
    if request.state in OPEN:
        return _("Open certificate request: %(state)s") % {"state": request.get_state_display()}
    return _("Certificate until %(day)s") % {"day": _last_day(request)}


def _last_day(request: CertificateRequest) -> str:
    end = request.not_valid_after
    return date_format(timezone.localtime(end), "DATE_FORMAT") if end else ""
