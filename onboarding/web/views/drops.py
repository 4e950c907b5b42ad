"""The issuing desk, by the hundred: CSRs out in one ZIP, certificates back in one drop."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding import keyset
from onboarding.credentials import dispatching, drops
from onboarding.credentials.entitlement import is_ended
from onboarding.credentials.models import CertificateRequest, Drop, Dropped
from onboarding.findings import Finding
from onboarding.partners.models import StaffRole
from onboarding.programmes import SANDBOX
from onboarding.web import access
from onboarding.web.forms.drops import DropForm
from onboarding.web.presenting import certificate_report, explain_findings
from onboarding.web.requests import PortalRequest

PAGE_SIZE = 50
LATEST = 20
TONES: Mapping[str, str] = {
    Dropped.State.UNCHECKED: "waiting",
    Dropped.State.FITS: "turn",
    Dropped.State.REFUSED: "danger",
    Dropped.State.UNKNOWN: "warning",
    Dropped.State.AGAIN: "warning",
    Dropped.State.TAKEN: "neutral",
    Dropped.State.RELEASED: "success",
}
"""How a certificate's state is shown."""


@access.staff(StaffRole.Role.ISSUER)
def index(request: PortalRequest) -> HttpResponse:
    """Drop what came back; the latest drops."""
    form = DropForm(request.POST, request.FILES) if request.method == "POST" else DropForm()
    if request.method == "POST" and form.is_valid():
        files = [drops.File(file.name or "", file.read()) for file in form.cleaned_data["certificates"]]
        try:
            made = drops.drop(files, by=request.user)
        except drops.NothingDropped as nothing:
            form.add_error("certificates", _("No certificate of a partner is in it. Nothing was kept."))
            notes = explain_findings(nothing.notes)
            return render(request, "desk/drops.html", {"form": form, "notes": notes, "drops": _latest()}, status=422)
        return redirect("desk_drop", made.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "desk/drops.html", {"form": form, "drops": _latest()}, status=status)


@access.staff(StaffRole.Role.ISSUER)
def show(request: PortalRequest, drop_id: UUID) -> HttpResponse:
    """One drop: each certificate beside its request."""
    found = get_object_or_404(Drop.objects.select_related("dropped_by"), pk=drop_id)
    counts = drops.counts(found)
    state = request.GET.get("state", "")
    state = state if state in counts else ""
    rows = found.certificates.filter(state=state) if state else found.certificates.all()
    rows = rows.select_related("request__application__organisation", "request__partner_login")
    page = keyset.page(rows.defer("certificate_pem", "report"), ("position",), PAGE_SIZE, request.GET.get("from", ""))
    wanted = found.certificates.filter(state=Dropped.State.FITS, wanted_at__isnull=False).count()
    context = {
        "drop": found,
        "state": state,
        "tabs": [(one, one.label, counts[one]) for one in Dropped.State if counts[one] or one == state],
        "total": sum(counts.values()),
        "rows": [(one, TONES[one.state]) for one in page.rows],
        "page": page,
        "fits": counts[Dropped.State.FITS] - wanted,
        "is_at_work": found.is_open or wanted > 0,
        "notes": explain_findings([Finding.from_json(note) for note in found.notes]),
        "here": request.get_full_path(),
    }
    return render(request, "desk/drop.html#work" if request.htmx else "desk/drop.html", context)


@access.staff(StaffRole.Role.ISSUER)
def certificate(request: PortalRequest, dropped_id: UUID) -> HttpResponse:
    """One dropped certificate: its check, with what differs side by side."""
    rows = Dropped.objects.select_related(
        "drop", "request__application__organisation", "request__application__registration", "request__partner_login"
    )
    found = get_object_or_404(rows, pk=dropped_id)
    report = certificate_report(found.report, found.request.application, _desk_page) if found.request else None
    ended = found.request.application.registration if found.request and is_ended(found.request.application) else None
    context = {"ended": ended, "one": found, "tone": TONES[found.state], "report": report if found.report else None}
    return render(request, "desk/dropped.html", context)


@access.staff(StaffRole.Role.ISSUER)
def release(request: PortalRequest, drop_id: UUID) -> HttpResponse:
    """Release one, or all that fit."""
    found = get_object_or_404(Drop, pk=drop_id)
    if request.method == "POST":
        rows = found.certificates.all()
        if one := _id(request.POST.get("one", "")):
            rows = rows.filter(pk=one)
        number = drops.want_released(rows, actor=access.staff_actor(request))
        if number:
            messages.success(
                request,
                ngettext("%(n)d certificate is being released.", "%(n)d certificates are being released.", number)
                % {"n": number},
            )
        else:
            messages.info(request, _("There was nothing to release: only what fits, and was not released, can be."))
    return redirect("desk_drop", found.pk)


@access.staff()
def archive(request: PortalRequest) -> HttpResponse:
    """All CSRs that wait to be signed outside, or those that were ticked, as one ZIP with a manifest."""
    waiting = CertificateRequest.objects.filter(state__in=drops.WAITING).exclude(csr_pem="")
    waiting = waiting.exclude(partner_login__environment=SANDBOX)
    ids = [id_ for one in request.GET.getlist("request") if (id_ := _id(one))]
    rows = waiting.filter(pk__in=ids) if ids else waiting
    rows = rows.select_related("application__organisation", "partner_login").order_by("state_since")
    headers = {"Content-Disposition": f'attachment; filename="csrs-{timezone.localdate()}.zip"'}
    packed = dispatching.archive(rows[: dispatching.MOST])
    return HttpResponse(packed, content_type="application/zip", headers=headers)


def _latest() -> Any:
    return Drop.objects.select_related("dropped_by").order_by("-created_at")[:LATEST]


def _desk_page(claim: Mapping[str, Any]) -> str:
    return reverse("desk_certificate", args=[claim["request_id"]])


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
