"""Live: what you have, until when, and your own first call."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from onboarding.registrations.models import Application
from onboarding.web import access, journey
from onboarding.web.presenting import snippets
from onboarding.web.requests import PortalRequest


@access.application()
def live(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The page one comes back to."""
    try:
        track = journey.track(application, environment_id)
    except KeyError:
        raise Http404 from None
    if track.good_run is None or track.credential_set is None:
        return redirect("application", application.pk)
    context = {
        "application": application,
        "environment": track.environment,
        "track": track,
        "cycle": track.request,
        "held": track.credential_set,
        "facts": track.good_run.facts,
        "snippets": snippets(track.credential_set),
    }
    return render(request, "live.html", context)
