"""The offline checker: the ladder beside the partner's key, and the report that comes of it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from onboarding.checker import build
from onboarding.credentials import kit
from onboarding.credentials.environments import shown
from onboarding.registrations.models import Application
from onboarding.validation import reports
from onboarding.validation.models import PartnerReport
from onboarding.web import access
from onboarding.web.forms.reports import ReportForm
from onboarding.web.presenting import explain_findings, ladder
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of


@never_cache
@access.application()
def checker(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Download the checker, run it beside the key, upload its report."""
    track = track_of(application, environment_id)
    held = track.credential_set
    if held is None or not track.is_complete:
        messages.info(request, _("Validation needs the certificate and all credentials."))
        return redirect("application", application.pk)
    form = ReportForm(request.POST or None, request.FILES or None)
    findings = []
    if request.method == "POST" and form.is_valid():
        try:
            accepted = reports.accept(held, form.cleaned_data["report"].read(), actor=access.member_actor(request))
        except reports.ReportRefused as error:
            findings = explain_findings([error.finding], catalogue=reports.REFUSALS)
        else:
            return redirect("report", accepted.pk)
    context = track_context(track) | {
        "form": form,
        "findings": findings,
        "command": reports.command(held, reports.new_nonce(held)),
        "key_file": kit.KEY_FILE,
        "needs_secret": "client_secret" in application.profile.credentials,
    }
    return render(request, "checker.html", context, status=422 if findings else 200)


@access.application()
def download(_request: PortalRequest, _application: Application, environment_id: str) -> HttpResponse:
    """The checker: one file, the same for everybody."""
    headers = {"Content-Disposition": f'attachment; filename="{build.FILE_NAME}"'}
    return HttpResponse(build.build(), content_type="application/octet-stream", headers=headers)


@access.signed_in
def report(request: PortalRequest, report_id: UUID) -> HttpResponse:
    """One report, as the partner reported it."""
    found = get_object_or_404(
        PartnerReport.objects.select_related("credential_set__application__organisation"),
        pk=report_id,
        credential_set__application__organisation__memberships__user=request.user,
    )
    application = found.credential_set.application
    context = {
        "report": found,
        "application": application,
        "environment": shown(application.profile, found.credential_set.environment),
        "checks": ladder(found),
    }
    return render(request, "report.html", context)
