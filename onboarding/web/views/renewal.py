"""The end of a certificate: when it is, and the one that follows."""

from datetime import timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from onboarding.credentials import renewing
from onboarding.credentials.entitlement import NoPartnerLogin
from onboarding.lifecycle import IllegalTransition
from onboarding.registrations.models import Application
from onboarding.web import access, journey
from onboarding.web.calendars import Day, calendar
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of


@access.application()
def renew(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Begin the renewal of the certificate in use; while one is on its way, go on with it or give it up."""
    track = track_of(application, environment_id)
    cycle = track.request
    if cycle is None or not track.has_certificate:
        return redirect("application", application.pk)
    if request.method == "POST":
        actor = access.member_actor(request)
        try:
            if "give_up" in request.POST:
                if track.renewal is not None and track.renewal.request is not None:
                    renewing.give_up(track.renewal.request, actor=actor)
                    messages.success(request, _("The renewal was given up. The certificate in use stays as it is."))
                return redirect(track.url("certificate"))
            renewing.begin(cycle, actor=actor)
        except IllegalTransition:
            messages.warning(request, _("Nothing was changed: meanwhile it moved on. This is where it stands now."))
            return redirect("application", application.pk)
        except NoPartnerLogin:
            messages.warning(request, _("A renewal needs a partner login that is confirmed as your company's."))
            return redirect("application", application.pk)
        return redirect(track.url("key"))
    context = track_context(track) | {
        "cycle": cycle,
        "days": renewing.BEGIN_BEFORE,
        "renewal_href": journey.track_turn(track.in_work).href or track.url("csr"),
    }
    return render(request, "certificate_renew.html", context)


@access.application()
def expiry(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The end of the certificate, and the day to begin its renewal, for a calendar."""
    track = track_of(application, environment_id)
    cycle = track.request
    if cycle is None or cycle.not_valid_after is None or not track.has_certificate:
        raise Http404
    end = timezone.localtime(cycle.not_valid_after).date()
    values = {"application": application, "environment": _(track.environment.label), "mzp": cycle.partner_login.mzp}
    page = urljoin(settings.PUBLIC_URL, track.url("certificate_renew"))
    days = [
        Day(
            f"renew-{cycle.pk}",
            end - timedelta(days=renewing.BEGIN_BEFORE),
            _("Renew the certificate: %(application)s") % values,
            _("%(environment)s, partner login %(mzp)s. Signing takes time: begin now.") % values,
            page,
            warn_days=1,
        ),
        Day(
            f"end-{cycle.pk}",
            end,
            _("The certificate ends: %(application)s") % values,
            _("%(environment)s, partner login %(mzp)s. Afterwards every call with it is refused.") % values,
            page,
            warn_days=7,
        ),
    ]
    return HttpResponse(
        calendar(days, now=timezone.now()),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="certificate.ics"'},
    )
