"""The virtual-key token: asked for with the live credentials of a fleet owner's application, shown once."""

from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.vary import vary_on_headers

from onboarding.credentials import kit
from onboarding.credentials.entitlement import ApplicationClosed
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.fleet.virtual_key import DEFAULT_SECONDS
from onboarding.registrations.models import Application
from onboarding.registrations.states import CLOSED
from onboarding.validation.flows import KeyRefused
from onboarding.virtualkeys import flows
from onboarding.virtualkeys.models import TokenRequest
from onboarding.web import access, journey, virtual_keys
from onboarding.web.calendars import Moment, calendar
from onboarding.web.forms.virtual_key import VirtualKeyForm, VirtualKeyWithKeyForm
from onboarding.web.presenting import explain_findings, rehearsal_title
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of

HISTORY = 20
WARN_MINUTES = 60
"""How long before a token's end a calendar tells of it."""


@never_cache
@sensitive_post_parameters()
@access.application()
def virtual_key(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Ask for a token, and look at what was asked for before."""
    held = _held(application, environment_id)
    if not held.track.is_live:
        messages.info(request, _("A virtual-key token can be asked for once the application is live."))
        return redirect("application", application.pk)
    is_closed = _is_closed(application)
    form = _form(request, held.credential_set.certificate_request)
    findings = []
    if request.method == "POST" and form.is_valid():
        lent = form.cleaned_data.get("key")
        try:
            asked = flows.ask(
                held.credential_set,
                form.asked,
                actor=access.member_actor(request),
                key=lent.read() if lent else None,
                passphrase=(form.cleaned_data.get("passphrase") or "").encode() or None,
            )
        except flows.UnderWay as under_way:
            messages.info(request, _("A request was under way already: this is it. Nothing else was asked for."))
            return redirect("virtual_key_request", application.pk, environment_id, under_way.request.pk)
        except flows.TooMany as refused:
            said = _("So many were asked for lately that the next has to wait until %(time)s. Nothing was asked for.")
            form.add_error(None, said % {"time": date_format(timezone.localtime(refused.until), "H:i")})
        except KeyRefused as error:
            findings = explain_findings([error.finding])
        except (ApplicationClosed, flows.NotOffered):
            is_closed = True
        else:
            return redirect("virtual_key_request", application.pk, environment_id, asked.pk)
    rows = held.credential_set.token_requests.select_related("requested_by").order_by("-created_at")[:HISTORY]
    history = virtual_keys.history(rows, timezone.now())
    context = track_context(held.track) | {
        "form": form,
        "findings": findings,
        "is_closed": is_closed,
        "history": history,
        "open": next((row["request"] for row in history if row["request"].is_open), None),
        "snippets": virtual_keys.snippets(kit.values_of(held.credential_set), DEFAULT_SECONDS),
        "minutes": _minutes(),
    }
    return render(request, "virtual_key.html", context, status=422 if findings or form.errors else 200)


@never_cache
@vary_on_headers("HX-Request")
@access.application()
def token_request(
    request: PortalRequest, application: Application, environment_id: str, request_id: UUID
) -> HttpResponse:
    """One request. While it goes on, the fragment asks for itself again; without JavaScript a reload does."""
    found = _found(application, environment_id, request_id)
    seen = f"{found.state}-{found.attempt}-{found.progress}-{found.token_id is not None}"
    if request.htmx and request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    now = timezone.now()
    context = {
        "request_row": found,
        "seen": seen,
        "application": application,
        "environment": track_of(application, environment_id).environment,
        "checks": virtual_keys.ladder(found),
        "rehearsal": rehearsal_title(found),
        "duration": virtual_keys.duration(found.seconds),
        "is_requester": found.requested_by_id == request.user.pk,
        "can_be_shown": found.can_be_shown(now),
        "remaining": virtual_keys.remaining(found.expires_at, now),
        "may_change": request.may_change,
        "minutes": _minutes(),
    }
    template = "virtual_key_request.html"
    return render(request, f"{template}#request" if request.htmx else template, context)


@access.application()
def cancel(request: PortalRequest, application: Application, environment_id: str, request_id: UUID) -> HttpResponse:
    """End a request that has not gone out yet."""
    found = _found(application, environment_id, request_id)
    if request.method == "POST" and not flows.cancel(found, actor=access.member_actor(request)):
        messages.info(request, _("Nothing was cancelled: the request had gone out already."))
    return redirect("virtual_key_request", application.pk, environment_id, found.pk)


@never_cache
@access.application()
@access.recent_sign_in
def token(request: PortalRequest, application: Application, environment_id: str, request_id: UUID) -> HttpResponse:
    """Show the token, once, to who asked for it, after a recent sign-in; recorded, and mailed to the owners."""
    found = _found(application, environment_id, request_id)
    if found.requested_by_id != request.user.pk:
        raise Http404
    shown = None
    if request.method == "POST":
        with suppress(flows.NothingToShow):
            shown = flows.show(found, actor=access.member_actor(request))
    if shown is None and (request.method == "POST" or not found.can_be_shown(timezone.now())):
        messages.info(request, _("The token is not here any more: it is shown once, and kept for some minutes only."))
        return redirect("virtual_key_request", application.pk, environment_id, found.pk)
    context = {
        "request_row": found,
        "application": application,
        "environment": track_of(application, environment_id).environment,
        "shown": shown,
        "remaining": virtual_keys.remaining(found.expires_at, timezone.now()),
    }
    return render(request, "virtual_key_token.html", context)


@access.application()
def expiry(request: PortalRequest, application: Application, environment_id: str, request_id: UUID) -> HttpResponse:
    """The end of a token, for a calendar. Nothing of the token is in it."""
    found = _found(application, environment_id, request_id)
    if found.expires_at is None:
        raise Http404
    label = _(track_of(application, environment_id).environment.label)
    page = reverse("virtual_key", args=[application.pk, environment_id])
    moment = Moment(
        f"virtual-key-{found.pk}",
        found.expires_at,
        _("The virtual-key token ends: %(application)s") % {"application": application},
        _("%(environment)s. Ask for another one if the vehicle is to be opened later.") % {"environment": label},
        urljoin(settings.PUBLIC_URL, page),
        warn_minutes=min(WARN_MINUTES, found.seconds // 120),
    )
    return HttpResponse(
        calendar([moment], now=timezone.now()),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="virtual-key-token.ics"'},
    )


class _Held(NamedTuple):
    track: journey.Track
    credential_set: CredentialSet


def _held(application: Application, environment_id: str) -> _Held:
    """Return what there is to ask with. Raises Http404 where there is no such token."""
    track = track_of(application, environment_id)
    if application.programme not in flows.PROGRAMMES or track.credential_set is None:
        raise Http404
    return _Held(track, track.credential_set)


def _found(application: Application, environment_id: str, request_id: UUID) -> TokenRequest:
    return get_object_or_404(
        TokenRequest.objects.select_related("requested_by", "car_token", "key", "credential_set__application"),
        pk=request_id,
        credential_set__application=application,
        credential_set__environment=environment_id,
    )


def _form(request: PortalRequest, cycle: CertificateRequest) -> VirtualKeyForm:
    given, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    if cycle.key_id is not None:
        return VirtualKeyForm(given, files)
    return VirtualKeyWithKeyForm(given, files, made_in_browser=cycle.custody == CertificateRequest.Custody.BROWSER)


def _is_closed(application: Application) -> bool:
    registration = getattr(application, "registration", None)
    return registration is not None and registration.state in CLOSED


def _minutes() -> int:
    return int(flows.KEPT.total_seconds() // 60)
