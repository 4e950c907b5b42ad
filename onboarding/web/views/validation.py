"""Validation: one real call, each check shown as it happens."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.vary import vary_on_headers

from onboarding.credentials.environments import shown
from onboarding.credentials.models import CertificateRequest
from onboarding.fleet.checks import Result
from onboarding.registrations.models import Application
from onboarding.validation import flows
from onboarding.validation.models import Run
from onboarding.web import access
from onboarding.web.forms.credentials import OneRunKeyForm
from onboarding.web.presenting import explain_findings, ladder, rehearsal_title, run_facts
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of

HISTORY = 10


@sensitive_post_parameters()
@access.application()
def validate(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Start a run, and look at earlier ones."""
    track = track_of(application, environment_id)
    if not track.is_complete or track.request is None or track.credential_set is None:
        messages.info(request, _("Validation needs the certificate and all credentials."))
        return redirect("application", application.pk)
    key_is_elsewhere = track.request.key_id is None
    made_in_browser = track.request.custody == CertificateRequest.Custody.BROWSER
    form = (
        OneRunKeyForm(request.POST or None, request.FILES or None, made_in_browser=made_in_browser)
        if key_is_elsewhere
        else None
    )
    findings = []
    if request.method == "POST" and (form is None or form.is_valid()):
        key = form.cleaned_data["key"].read() if form else None
        passphrase = form.cleaned_data["passphrase"].encode() if form else None
        try:
            run = flows.request_run(
                track.credential_set, actor=access.member_actor(request), key=key, passphrase=passphrase or None
            )
        except flows.KeyRefused as error:
            findings = explain_findings([error.finding])
        else:
            return redirect("run", run.pk)
    context = track_context(track) | {
        "form": form,
        "findings": findings,
        "runs": track.credential_set.runs.order_by("-created_at")[:HISTORY],
        "reports": track.credential_set.reports.order_by("-received_at")[:HISTORY],
    }
    return render(request, "validate.html", context, status=422 if findings else 200)


@never_cache
@vary_on_headers("HX-Request")
@access.signed_in
def run(request: PortalRequest, run_id: UUID) -> HttpResponse:
    """One run. While it goes on, the fragment asks for itself again; without JavaScript a reload does."""
    found = get_object_or_404(
        Run.objects.select_related("credential_set__application__organisation", "credential_set__certificate_request"),
        pk=run_id,
        credential_set__application__organisation__memberships__user=request.user,
    )
    settled = sum(row["result"] not in (Result.RUNNING, Result.NOT_REACHED) for row in found.checks)
    seen = f"{found.state}-{len(found.checks)}-{settled}"
    if request.htmx and request.GET.get("seen") == seen:
        return HttpResponse(status=204)  # nothing new: the page stays as it is, and nothing is read out again
    context = {
        "run": found,
        "seen": seen,
        "application": found.credential_set.application,
        "environment": shown(found.credential_set.application.profile, found.credential_set.environment),
        "rehearsal": rehearsal_title(found),
        "checks": ladder(found),
        "facts": run_facts(found),
    }
    return render(request, "run.html#ladder" if request.htmx else "run.html", context)
