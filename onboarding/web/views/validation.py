"""Validation: one real call, each check shown as it happens."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.vary import vary_on_headers

from onboarding.credentials.environments import shown
from onboarding.credentials.models import CertificateRequest
from onboarding.fleet.bundle import as_json, as_text
from onboarding.fleet.checks import Check
from onboarding.partners.models import Membership, StaffRole
from onboarding.partners.modes import mode
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Application
from onboarding.validation import flows, schedule
from onboarding.validation.models import Run
from onboarding.web import access
from onboarding.web.forms.credentials import OneRunKeyForm, RunForm
from onboarding.web.presenting import explain_findings, ladder, rehearsal_title, run_facts
from onboarding.web.requests import PortalRequest
from onboarding.web.runs import comparison, history, latency, support_case
from onboarding.web.views.tracks import track_context, track_of

HISTORY = 20
BUNDLES = {"txt": "text/plain; charset=utf-8", "json": "application/json"}


@sensitive_post_parameters()
@access.application()
def validate(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Start a run, and look at earlier ones."""
    track = track_of(application, environment_id)
    if not track.is_complete or track.request is None or track.credential_set is None:
        messages.info(request, _("Validation needs the certificate and all credentials."))
        return redirect("application", application.pk)
    key_is_elsewhere = track.request.key_id is None
    form = _run_form(request, application, environment_id, track.request)
    findings = []
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            run = flows.request_run(
                track.credential_set,
                actor=access.member_actor(request),
                key=given["key"].read() if key_is_elsewhere else None,
                passphrase=given["passphrase"].encode() or None if key_is_elsewhere else None,
                vin=given["vin"],
            )
        except flows.KeyRefused as error:
            findings = explain_findings([error.finding])
        else:
            if given["vin"] and run.vin_id is None:
                messages.info(request, _("A run was under way already: this is it, and it asks about no vehicle."))
            return redirect("run", run.pk)
    runs = list(track.credential_set.runs.select_related("requested_by").order_by("-created_at")[:HISTORY])
    context = track_context(track) | {
        "form": form,
        "findings": findings,
        "history": history(runs),
        "latency": latency(runs),
        "interval": _hours(environment_id) if track.good_run and not key_is_elsewhere else None,
        "off_schedule": track.run is not None and track.run.refused,
        "reports": track.credential_set.reports.order_by("-received_at")[:HISTORY],
    }
    return render(request, "validate.html", context, status=422 if findings else 200)


def _run_form(
    request: PortalRequest, application: Application, environment_id: str, held: CertificateRequest
) -> RunForm:
    given = request.POST if request.method == "POST" else None
    about = {
        "has_login": "password" in application.profile.credentials,
        "in_sandbox": environment_id == SANDBOX,
    }
    if held.key_id is not None:
        return RunForm(given, **about)
    made_in_browser = held.custody == CertificateRequest.Custody.BROWSER
    return OneRunKeyForm(given, request.FILES or None, made_in_browser=made_in_browser, **about)


@never_cache
@vary_on_headers("HX-Request")
@access.signed_in
def run(request: PortalRequest, run_id: UUID) -> HttpResponse:
    """One run. While it goes on, the fragment asks for itself again; without JavaScript a reload does."""
    readable = _readable(request)
    seen = readable.filter(pk=run_id).values_list("state", "attempt", "progress").first()
    if seen is None:
        raise Http404
    seen_as = "-".join(map(str, seen))
    if request.htmx and request.GET.get("seen") == seen_as:
        return HttpResponse(status=204)  # nothing new: the page stays as it is, and nothing is read out again
    found = _whole(readable, run_id)
    good = None if found.is_open or found.state == Run.State.PASSED else _last_good(found)
    role = Membership.objects.filter(organisation=found.organisation, user=request.user).values_list("role").first()
    context = {
        "run": found,
        "seen": seen_as,
        "application": found.credential_set.application,
        "environment": shown(found.credential_set.application.profile, found.credential_set.environment),
        "rehearsal": rehearsal_title(found),
        "checks": ladder(found),
        "facts": run_facts(found),
        "good": good,
        "differences": comparison(found, good),
        "is_member": role is not None,
        "may_change": role is not None and role[0] in access.BUILDERS,
        "needs_key": found.credential_set.certificate_request.key_id is None,
    }
    return render(request, "run.html#ladder" if request.htmx else "run.html", context)


@access.signed_in
def cancel(request: PortalRequest, run_id: UUID) -> HttpResponse:
    """End a run that waits or runs."""
    memberships = Membership.objects.filter(user=request.user)
    found = get_object_or_404(
        Run.objects.select_related("credential_set__application__organisation"),
        pk=run_id,
        credential_set__application__organisation__in=memberships.values("organisation"),
    )
    if request.method == "POST":
        if not memberships.filter(organisation=found.organisation, role__in=access.BUILDERS).exists():
            raise PermissionDenied(_("As a viewer you can follow a run. Ask an owner or a developer to cancel it."))
        if not flows.cancel_run(found, actor=access.member_actor(request)):
            messages.info(request, _("Nothing was cancelled: the run had ended already."))
    return redirect("run", found.pk)


@never_cache
@access.signed_in
def bundle(request: PortalRequest, run_id: UUID, kind: str) -> HttpResponse:
    """What support asks for about a run, to download and send: as text or JSON, and nothing secret in it."""
    if kind not in BUNDLES:
        raise Http404
    found = _whole(_readable(request), run_id)
    if found.state not in Run.RESULTS:
        messages.info(request, _("There is no result to download: the run has not come to one."))
        return redirect("run", found.pk)
    case, checks = support_case(found), [Check.from_json(row) for row in found.checks]
    content = as_json(case, checks, found.facts) if kind == "json" else as_text(case, checks, found.facts, _)
    name = f"{case.reference or found.pk}-{case.environment}-{found.created_at:%Y%m%d-%H%M%S}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=BUNDLES[kind], headers=headers)


def _readable(request: PortalRequest) -> QuerySet[Run]:
    """Return the runs that the reader may see: those of her organisations; for staff, all."""
    member = Membership.objects.filter(
        user=request.user, organisation=OuterRef("credential_set__application__organisation")
    )
    if not mode().has_desk:
        return Run.objects.filter(Exists(member))
    return Run.objects.filter(Exists(member) | Exists(StaffRole.objects.filter(user=request.user)))


def _whole(runs: QuerySet[Run], run_id: UUID) -> Run:
    return get_object_or_404(
        runs.select_related(
            "requested_by",
            "credential_set__application__organisation",
            "credential_set__certificate_request__partner_login",
        ),
        pk=run_id,
    )


def _last_good(run: Run) -> Run | None:
    return (
        Run.objects.filter(credential_set=run.credential_set_id, state=Run.State.PASSED, created_at__lt=run.created_at)
        .exclude(facts__has_key=Run.REHEARSAL)
        .order_by("-created_at")
        .first()
    )


def _hours(environment_id: str) -> int | None:
    every = schedule.interval(environment_id)
    return max(1, round(every.total_seconds() / 3600)) if every else None
