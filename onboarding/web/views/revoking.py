"""A partner's own certificate: have it revoked, and see what became of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from onboarding.credentials import revoking
from onboarding.credentials.models import CertificateRequest
from onboarding.lifecycle import IllegalTransition
from onboarding.registrations.models import Application
from onboarding.web import access
from onboarding.web.forms.revoking import OwnRevokeForm
from onboarding.web.hanging import on_certificate
from onboarding.web.requests import PortalRequest
from onboarding.web.revoked import described, facts_of
from onboarding.web.views.tracks import track_context, track_of


@access.application()
def revoke(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Revoke at once in the sandbox; elsewhere ask staff to, or note that the CA has. First, what hangs on it."""
    track = track_of(application, environment_id)
    cycles = _revocable(application, environment_id)
    if not cycles:
        return redirect(track.url("certificate")) if track.is_revoked else redirect("application", application.pk)
    at_once = revoking.counts_at_once(cycles[0])
    is_outside = at_once and not track.is_sandbox
    asked = next((one for one in cycles if one.revocation_asked_at is not None), None)
    form = OwnRevokeForm(request.POST or None, certificates=cycles, is_outside=is_outside)
    if request.method == "POST" and "take_back" in request.POST:
        if asked is not None and revoking.take_back(asked, actor=access.member_actor(request)):
            messages.success(request, _("Taken back: the certificate stays as it is."))
        return redirect(track.url("certificate"))
    if request.method == "POST" and form.is_valid():
        return _carry_out(request, application, environment_id, cycles, form)
    context = track_context(track) | {
        "form": form,
        "asked": asked,
        "at_once": at_once,
        "is_outside": is_outside,
        "hanging": [{"key": described(one), "values": on_certificate(one)} for one in cycles],
        "facts": [facts_of(one) for one in cycles],
    }
    return render(request, "certificate_revoke.html", context)


def _carry_out(
    request: PortalRequest, application: Application, environment_id: str, cycles: list[Any], form: OwnRevokeForm
) -> HttpResponse:
    given = form.cleaned_data
    cycle = next(one for one in cycles if str(one.pk) == given["certificate"])
    said = {"reason": given["reason"], "note": given["note"], "actor": access.member_actor(request)}
    try:
        if revoking.counts_at_once(cycle):
            revoking.revoke(cycle, **said, outside=form.happened_outside)
            messages.success(request, _("Revoked, for good. Calls with this certificate are refused."))
        else:
            revoking.ask(cycle, **said)
            messages.success(request, _("Asked for: the issuers have a mail. Do not use the certificate any more."))
    except IllegalTransition:
        messages.warning(request, _("Nothing was changed: meanwhile it moved on. This is where it stands now."))
    return redirect("certificate", application.pk, environment_id)


def _revocable(application: Application, environment_id: str) -> list[CertificateRequest]:
    """Return the certificates that can be revoked, those in use first."""
    cycles = CertificateRequest.objects.filter(
        application=application, environment=environment_id, state__in=revoking.REVOCABLE
    )
    order = ("active", "issued", "superseded")
    found = cycles.select_related("application__organisation", "partner_login__organisation", "key")
    return sorted(found.order_by("-created_at"), key=lambda one: order.index(one.state))
