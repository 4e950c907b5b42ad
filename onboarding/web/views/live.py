"""Live: what you have, until when, and your own first call."""

from django.http import HttpResponse
from django.shortcuts import redirect, render

from onboarding.registrations.models import Application
from onboarding.web import access
from onboarding.web.beyond import beyond
from onboarding.web.presenting import snippets
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of


@access.application()
def live(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The page one comes back to."""
    track = track_of(application, environment_id)
    if not track.is_live or track.credential_set is None:
        return redirect("application", application.pk)
    context = track_context(track) | {
        "cycle": track.request,
        "held": track.credential_set,
        "facts": track.good_run.facts if track.good_run else {},
        "snippets": snippets(track.credential_set),
        "beyond": list(beyond(application, environment_id)),
    }
    return render(request, "live.html", context)
