"""The sandbox before any approval: everything made in one go, with each piece to look at; and given back."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.vary import vary_on_headers

from onboarding.credentials import private_keys, sandboxing
from onboarding.credentials.entitlement import ApplicationClosed
from onboarding.lifecycle import IllegalTransition
from onboarding.registrations.models import Application
from onboarding.validation.sandboxing import delete_credentials
from onboarding.web import access, heartbeat, journey
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of


@never_cache
@vary_on_headers("HX-Request")
@access.application()
def start(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Ask for everything, and watch it come. While it comes, the fragment asks for itself again."""
    track = _sandbox(application, environment_id)
    if request.method == "POST":
        return _begin(request, track)
    if not track.is_begun and not track.is_quick:
        return redirect(track.url("key")) if track.can_begin else redirect("application", application.pk)
    progress = journey.sandbox_progress(track)
    worker_is_there = heartbeat.is_fresh()
    seen = f"{progress.seen}-{worker_is_there:d}"
    if request.htmx and request.GET.get("seen") == seen:
        return HttpResponse(status=204)  # nothing new: the page stays as it is, and nothing is read out again
    context: dict[str, Any] = track_context(track) | {
        "progress": progress,
        "seen": seen,
        "turn": journey.track_turn(track),
        "names": sandboxing.suggested_subject(application, access.member_actor(request)),
        "worker_is_there": worker_is_there,
    }
    return render(request, "sandbox_start.html#progress" if request.htmx else "sandbox_start.html", context)


def _begin(request: PortalRequest, track: journey.Track) -> HttpResponse:
    application = track.application
    try:
        sandboxing.get_credentials(application, actor=access.member_actor(request))
    except sandboxing.NotOffered:
        return redirect(track.url("key"))
    except private_keys.SubjectUnfit:
        messages.warning(request, _("One of the names cannot stand in a certificate. Mend it here, and go on."))
        return redirect(track.url("key"))
    except ApplicationClosed:
        messages.warning(request, _("Nothing new can be asked for: the application has come to its end."))
        return redirect("application", application.pk)
    except IllegalTransition:
        messages.info(request, _("A CSR was submitted already. This is the one."))
    return redirect(track.url("sandbox_start"))


@access.application()
def delete(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Take away what is in the sandbox, after asking once."""
    track = _sandbox(application, environment_id)
    if request.method == "POST":
        if delete_credentials(application, actor=access.member_actor(request)):
            messages.success(request, _("Deleted. The sandbox no longer knows this application."))
        return redirect("application", application.pk)
    if not track.is_begun:
        return redirect("application", application.pk)
    return render(request, "sandbox_delete.html", track_context(track))


def _sandbox(application: Application, environment_id: str) -> journey.Track:
    track = track_of(application, environment_id)
    if not track.is_sandbox:
        raise Http404
    return track
