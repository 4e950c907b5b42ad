"""Solo mode: correct the date or reference of what was noted."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from onboarding.registrations import correcting
from onboarding.registrations.models import Application
from onboarding.web import access
from onboarding.web.forms.recording import OutsideFields
from onboarding.web.history import history
from onboarding.web.requests import PortalRequest


@access.application(mode="solo")
def correct(request: PortalRequest, application: Application, entry_id: UUID) -> HttpResponse:
    """One entry of the history: what it says, and what it should."""
    entry = correcting.noted(application, entry_id)
    if entry is None:
        raise Http404
    counts = correcting.current(entry)
    form = OutsideFields(request.POST or None, initial={"on": counts.on, "reference": counts.reference})
    if request.method == "POST" and form.is_valid():
        try:
            correcting.correct(application, entry, outside=form.happened, actor=access.member_actor(request))
        except correcting.NothingNew:
            messages.info(request, _("It was noted so already. Nothing was changed."))
        else:
            messages.success(request, _("Corrected. What was noted before stays in the history."))
        return redirect("application_history", application.pk)
    [told] = history([entry], application=application, reader=request.user)
    context = {"application": application, "told": told, "form": form}
    return render(request, "correct.html", context, status=422 if form.errors else 200)
