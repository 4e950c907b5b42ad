"""The audit: for auditors and administrators all of it, for owners what concerns their company."""

from typing import cast

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from onboarding.audit.events import Event
from onboarding.audit.models import Checkpoint, Entry, Verification
from onboarding.audit.record import record
from onboarding.partners.models import Organisation
from onboarding.web import access, auditing
from onboarding.web.context import AUDIT_READERS
from onboarding.web.forms.audit import AuditForm
from onboarding.web.requests import PortalRequest

SHOWN_FINDINGS = 10

EXPORTS = {
    "csv": ("text/csv; charset=utf-8", auditing.as_csv),
    "jsonl": ("application/jsonl; charset=utf-8", auditing.as_lines),
}


@access.staff(read=AUDIT_READERS)
def entries(request: PortalRequest) -> HttpResponse:
    """What happened, the latest first, and whether the record of it is whole."""
    form = AuditForm(request.GET)
    found = Entry.objects.filter(form.condition) if form.is_valid() else Entry.objects.none()
    verification = Verification.objects.order_by("-began_at").first()
    context = {
        "form": form,
        "used": form.used,
        "page": auditing.page(found, request.GET.get("before", ""), reader=request.user),
        "is_first": "before" not in request.GET,
        "verification": verification,
        "findings": [auditing.finding_text(one) for one in verification.findings[:SHOWN_FINDINGS]]
        if verification
        else [],
        "checkpoint": Checkpoint.objects.order_by("-number").only("number", "made_at").first(),
    }
    return render(request, "desk/audit.html", context, status=200 if form.is_valid() else 422)


@never_cache
@access.staff(read=AUDIT_READERS)
def export(request: PortalRequest, kind: str) -> HttpResponse:
    """What the filters let through, as a file, from the first entry on. That it was taken is recorded."""
    form = AuditForm(request.GET)
    if kind not in EXPORTS or not form.is_valid():
        raise Http404
    content_type, write = EXPORTS[kind]
    found = Entry.objects.filter(form.condition, occurred_at__lte=timezone.now())
    # What was typed may be a name or an e-mail address; the audit holds none.
    filters = {name: value if name in ("event", "since", "until") else "…" for name, value in form.used.items()}
    data = {"what": kind, "filters": filters}
    record(Event.AUDIT_EXPORTED, request.user, actor=access.staff_actor(request), organisation=None, data=data)
    headers = {"Content-Disposition": f'attachment; filename="audit-{timezone.now():%Y%m%d-%H%M%S}.{kind}"'}
    return cast(HttpResponse, StreamingHttpResponse(write(found), content_type=content_type, headers=headers))


@access.organisation()
@access.for_who_may_change
def activity(request: PortalRequest, organisation: Organisation) -> HttpResponse:
    """What happened in a company, for its owners: who did what, and from where."""
    found = Entry.objects.filter(chain__organisation=organisation, partner_visible=True)
    page = auditing.page(found, request.GET.get("before", ""), reader=request.user)
    context = {"organisation": organisation, "page": page, "is_first": "before" not in request.GET}
    return render(request, "organisation/activity.html", context)
