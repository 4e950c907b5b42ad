"""What hangs on an approved application, environment by environment: told before it is suspended, and while it is."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from onboarding.credentials.environments import shown
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.credentials.states import LIFECYCLE, USABLE, State
from onboarding.registrations.models import Application
from onboarding.validation.schedule import interval
from onboarding.web.journey.saying import end_in_words

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


def usable_certificates(application: Application) -> QuerySet[CertificateRequest]:
    """Return what could be revoked of an application: the certificates that calls can be made with."""
    requests = CertificateRequest.objects.filter(application=application, state__in=USABLE)
    return requests.only("pk", "environment", "serial_number").order_by("environment", "created_at")


def on_certificate(request: CertificateRequest) -> list[str]:
    """Return what hangs on one certificate, in words; told before it is revoked."""
    sets = CredentialSet.objects.filter(certificate_request=request, retired_at=None)
    lines = [line for one in sets.select_related("certificate_request") for line in _of_set(one)]
    if request.state not in USABLE:
        lines = [_("Another certificate has taken its place: nothing is called with it any more.")]
    others = CertificateRequest.objects.filter(application=request.application_id, environment=request.environment)
    follows = others.filter(state__in=USABLE | OPEN).exclude(pk=request.pk).order_by("-created_at").first()
    if request.state in USABLE:
        lines.append(_in_its_place(follows))
    if request.key_id is not None:
        lines.append(_("Its private key, sealed here: it is destroyed."))
    return lines


def _in_its_place(other: CertificateRequest | None) -> str:
    if other is None:
        return _("No other certificate: calls stop until a new one is issued.")
    if other.state in OPEN:
        values = {"state": other.get_state_display()}
        return _("A renewal is on its way (%(state)s): calls stop until it is issued.") % values
    return _("Another certificate is there, until %(day)s: calls go on with that one.") % {"day": _last_day(other)}


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
    return end_in_words(end)
