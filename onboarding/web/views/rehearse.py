"""Rehearsing a failure: the sandbox plays one, so that partners see what it looks like before it happens."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from onboarding.credentials import rehearsing
from onboarding.fleet.messages import RUNG_TITLES
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application
from onboarding.web import access, journey
from onboarding.web.forms.rehearsal import RehearsalForm
from onboarding.web.presenting import how_to_meet
from onboarding.web.requests import PortalRequest


@access.application()
def rehearse(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Choose a failure and switch it on, or off."""
    if environment_id != SANDBOX:
        raise Http404
    try:
        track = journey.track(application, environment_id)
    except KeyError:
        raise Http404 from None
    if not track.is_complete or track.credential_set is None:
        messages.info(request, _("A failure can be rehearsed once the certificate and all credentials are here."))
        return redirect("application", application.pk)
    if request.method == "POST" and "off" in request.POST:
        rehearsing.rehearse(track.credential_set, "", actor=access.member_actor(request))
        messages.success(request, _("Switched off. The sandbox answers as it should again."))
        return redirect(track.url("validate"))
    current = track.rehearsal
    form = RehearsalForm(
        request.POST or None, initial={"failure": current.name if current else ""}, programme=application.programme
    )
    if request.method == "POST" and form.is_valid():
        rehearsing.rehearse(track.credential_set, form.cleaned_data["failure"], actor=access.member_actor(request))
        messages.success(request, _("Switched on. Validate now, and see how it is told."))
        return redirect(track.url("validate"))
    context = {
        "application": application,
        "environment": track.environment,
        "form": form,
        "rehearsal": current,
        "rung": _(RUNG_TITLES[current.rung]) if current else "",
        "how": how_to_meet(current, track.credential_set.client_id) if current else "",
    }
    return render(request, "rehearse.html", context)
