"""The trace check: a recorded log of an app's calls, held against the rules; its report, attached or taken off.

A report is handed back to its reader signed, and kept here only once somebody attaches it; the trace is never kept.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.activation import attaching
from onboarding.activation.attaching import Checked
from onboarding.activation.findings_command import as_json
from onboarding.activation.models import TraceReport
from onboarding.findings import Severity
from onboarding.mobile import rules, samples, snippets
from onboarding.partners.models import Membership, StaffRole
from onboarding.partners.modes import mode
from onboarding.registrations.models import Application
from onboarding.web import access, mobile
from onboarding.web.forms.mobile import AttachForm, TraceForm
from onboarding.web.requests import PortalRequest

MOST_SHOWN = 200
"""So many findings stand on a page; the JSON has the others."""
SIGNED_FOR = timedelta(hours=24)
BUSY = 120
"""Seconds after which a check that has not ended holds up no other."""
SAMPLES = {"right": samples.right, "wrong": samples.wrong}


@never_cache
@sensitive_post_parameters()
@access.application(change=access.MEMBERS)
def traces(request: PortalRequest, application: Application) -> HttpResponse:
    """Check a trace. It changes nothing, so viewers may, too."""
    form = TraceForm(request.POST, request.FILES) if request.method == "POST" else TraceForm()
    chosen = SAMPLES.get(request.POST.get("sample", ""))
    if chosen is not None:
        form = TraceForm({"private_trace": chosen(timezone.now() - timedelta(minutes=2)).decode()})
    if not form.is_bound or not form.is_valid():
        return _page(request, application, form)
    only_one = f"trace-check-{request.user.pk}"
    if not cache.add(only_one, True, BUSY):
        form.add_error("trace", _("Another trace of yours is being checked. Wait for it, then send this one again."))
        return _page(request, application, form)
    try:
        checked = attaching.check(form.stream, timezone.now())
    finally:
        cache.delete(only_one)
    signed = signing.dumps(checked.to_json(), salt=_salt(request, application), compress=True)
    return _page(request, application, TraceForm(), checked, AttachForm(initial={"private_report": signed}))


@never_cache
@access.application(change=access.MEMBERS)
def download(request: PortalRequest, application: Application) -> HttpResponse:
    """The report of the page before, as JSON."""
    checked = _signed(request, application)
    if checked is None:
        return redirect("activation_traces", application.pk)
    return _json(checked)


@never_cache
@access.application()
def attach(request: PortalRequest, application: Application) -> HttpResponse:
    """Attach the report of the page before."""
    checked = _signed(request, application)
    if checked is None or not checked.readable:
        if request.method == "POST":
            messages.error(request, _("The report is no longer there. Check the trace again, then attach it."))
        return redirect("activation_traces", application.pk)
    form = AttachForm(request.POST)
    if not form.is_valid():
        return _page(request, application, TraceForm(), checked, form)
    try:
        report = attaching.attach(
            application, checked, app_version=form.cleaned_data["app_version"], actor=access.member_actor(request)
        )
    except attaching.AttachedAlready as error:
        messages.info(request, _("This report is attached already."))
        return redirect("trace_report", error.report.pk)
    except attaching.TooMany:
        form.add_error(None, _("An application can have 50 reports. Take one off that is no longer needed."))
        return _page(request, application, TraceForm(), checked, form)
    seen = _("Attached. Staff see it beside the application.")
    messages.success(request, seen if mode().has_desk else _("Attached to the application."))
    return redirect("trace_report", report.pk)


@access.application()
def sample(_request: PortalRequest, _application: Application, which: str) -> HttpResponse:
    """A trace to try."""
    if which not in SAMPLES:
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="trace-{which}.jsonl"'}
    content = SAMPLES[which](timezone.now() - timedelta(minutes=2))
    return HttpResponse(content, content_type="application/x-ndjson", headers=headers)


@access.application()
def recorder(_request: PortalRequest, _application: Application, language: str) -> HttpResponse:
    """The code that records traces."""
    if language not in snippets.LANGUAGES:
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="{mobile.FILES[language]}"'}
    return HttpResponse(snippets.recorder(language), content_type="text/plain; charset=utf-8", headers=headers)


@access.signed_in
def report(request: PortalRequest, trace_id: UUID) -> HttpResponse:
    """One report that is attached; for its company, and for staff. Sending the form takes it off."""
    found = _readable(request, trace_id)
    role = Membership.objects.filter(organisation=found.organisation, user=request.user).values_list("role").first()
    may_change = role is not None and role[0] in access.BUILDERS
    if request.method == "POST":
        if role is None:
            raise Http404
        if not may_change:
            raise PermissionDenied(_("Owners and developers of the company can take a report off."))
        attaching.detach(found, actor=access.member_actor(request))
        messages.success(request, _("Taken off, and erased."))
        return redirect("activation_traces", found.application_id)
    context = {
        "application": found.application,
        "report": found,
        "is_member": role is not None,
        "may_change": may_change,
        "checked": _in_words(_of(found)),
    }
    return render(request, "activation/trace.html", context)


@access.signed_in
def report_json(request: PortalRequest, trace_id: UUID) -> HttpResponse:
    """One report that is attached, as JSON."""
    return _json(_of(_readable(request, trace_id)))


def _page(
    request: PortalRequest,
    application: Application,
    form: TraceForm,
    checked: Checked | None = None,
    attach_form: AttachForm | None = None,
) -> HttpResponse:
    role = Membership.objects.get(organisation=application.organisation_id, user=request.user).role
    context = {
        "application": application,
        "here": "traces",
        "form": form,
        "checked": _in_words(checked) if checked else None,
        "attach": attach_form,
        "forms": [one for one in (form, attach_form) if one is not None],
        "may_attach": role in access.BUILDERS,
        "attached": attaching.attached_to(application),
        "recorders": mobile.recorders(),
    }
    wrong = form.is_bound or bool(attach_form and attach_form.is_bound)
    return render(request, "activation/traces.html", context, status=422 if wrong else 200)


def _in_words(checked: Checked) -> dict[str, Any]:
    """Return a report in words, for the partial `activation/trace_report.html`."""
    shown = checked.findings[:MOST_SHOWN]
    told = [mobile.told(finding, number, False, excerpt) for number, (finding, excerpt) in enumerate(shown, 1)]
    return {
        "report": checked,
        "is_clean": checked.clean,
        "violations": checked.counts[Severity.ERROR] + checked.counts[Severity.WARNING] + checked.further,
        "notes": checked.counts[Severity.NOTE],
        "findings": told,
        "unlisted": len(checked.findings) - len(shown) + checked.further,
    }


def _json(checked: Checked) -> HttpResponse:
    """Return a report as `manage.py check_trace --json` prints it, with excerpts."""
    found = []
    for finding, excerpt in checked.findings:
        rule = rules.BY_CODE.get(finding.code)
        found.append(as_json(finding) | {"source": rule.source if rule else "", "excerpt": excerpt})
    plain = {
        "readable": checked.readable,
        "clean": checked.clean,
        "lines": checked.lines,
        "calls": checked.calls,
        "messages": checked.messages,
        "devices": list(checked.devices),
        "findings": found,
        "further": checked.further,
        "trace_sha256": checked.trace_sha256,
        "checked_at": checked.checked_at.isoformat(timespec="seconds"),
    }
    headers = {"Content-Disposition": f'attachment; filename="trace-report-{checked.trace_sha256[:8]}.json"'}
    return JsonResponse(plain, headers=headers, json_dumps_params={"indent": 2, "ensure_ascii": False})


def _salt(request: PortalRequest, application: Application) -> str:
    """A report is good for the application and the person that it was made for."""
    return f"trace-report:{application.pk}:{request.user.pk}"


def _signed(request: PortalRequest, application: Application) -> Checked | None:
    """Return the report that a form brought back; None where there is none, or no longer."""
    try:
        plain = signing.loads(
            request.POST.get("private_report", ""), salt=_salt(request, application), max_age=SIGNED_FOR
        )
    except signing.BadSignature:
        return None
    return Checked.from_json(plain)


def _of(report: TraceReport) -> Checked:
    return Checked(
        report.trace_sha256,
        report.size,
        report.lines,
        report.calls,
        report.messages,
        tuple(report.devices),
        attaching.findings_of(report.findings),
        report.further,
        True,
        report.checked_at,
    )


def _readable(request: PortalRequest, trace_id: UUID) -> TraceReport:
    """Return a report of an organisation of the reader's; for staff, any."""
    found: QuerySet[TraceReport] = TraceReport.objects.select_related("application__organisation", "attached_by")
    may = Exists(Membership.objects.filter(user=request.user, organisation=OuterRef("application__organisation")))
    if mode().has_desk:
        return get_object_or_404(found.filter(may | Exists(StaffRole.objects.filter(user=request.user))), pk=trace_id)
    return get_object_or_404(found.filter(may), pk=trace_id)
