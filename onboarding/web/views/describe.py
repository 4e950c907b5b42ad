"""The description: one thing per page, saved at each step, then checked and submitted."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from onboarding.lifecycle import IllegalTransition
from onboarding.registrations import flows
from onboarding.registrations.description import STEPS, missing
from onboarding.registrations.models import Application, Registration
from onboarding.web import access
from onboarding.web.forms.description import FORMS
from onboarding.web.presenting import describe_answers
from onboarding.web.requests import PortalRequest


@access.application()
def step(request: PortalRequest, application: Application, step: str) -> HttpResponse:
    """One step of the description."""
    registration = _registration(application)
    if step not in FORMS:
        raise Http404
    if not request.may_change:
        return redirect("describe_check", application.pk)
    if not registration.is_editable:
        messages.info(request, _("The description was submitted; it cannot be changed now."))
        return redirect("describe_check", application.pk)
    seen = {"version": registration.version}
    initial = {"contact_name": request.user.name, "contact_email": request.user.email} | registration.answers | seen
    form = FORMS[step](request.POST or None, initial=initial, profile=application.profile)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            flows.save_answers(registration, form.answers, seen_version=form.cleaned_data["version"])
        except flows.EditedMeanwhile:
            registration.refresh_from_db()
            data = request.POST.copy()
            data["version"] = str(registration.version)
            form.data = data
            form.add_error(
                None,
                _(
                    "Somebody else saved this description while you were writing. Your entries are still here. "
                    "Look at the other version (Check your answers), then save again to put yours in its place."
                ),
            )
            status = 409
        else:
            return redirect(_after(application, registration, step))
    context = {
        "application": application,
        "form": form,
        "title": dict(STEPS)[step],
        "steps": _steps(application, registration, step),
        "number": [slug for slug, _label in STEPS].index(step) + 1,
    }
    return render(request, "describe_step.html", context, status=status)


@access.application()
def check(request: PortalRequest, application: Application) -> HttpResponse:
    """Check your answers; submit."""
    registration = _registration(application)
    if request.method == "POST":
        try:
            flows.submit(registration, actor=access.member_actor(request))
        except flows.Incomplete as error:
            messages.error(
                request,
                _("Not submitted. Still missing: %(names)s.")
                % {"names": ", ".join(str(question.label) for question in error.questions)},
            )
            return redirect("describe_check", application.pk)
        except IllegalTransition:
            messages.info(request, _("It was submitted already."))
        else:
            messages.success(
                request,
                _("Submitted to %(operator)s under the number %(reference)s.")
                % {"operator": settings.OPERATOR_NAME, "reference": application.reference},
            )
        return redirect("application", application.pk)
    change = registration.is_editable and request.may_change
    context = {
        "application": application,
        "registration": registration,
        "sections": describe_answers(application, registration.answers, change=change),
        "missing": missing(registration.answers),
        "change": change,
        "steps": _steps(application, registration, "check"),
    }
    return render(request, "describe_check.html", context)


def _registration(application: Application) -> Registration:
    registration: Registration | None = getattr(application, "registration", None)
    if registration is None:
        raise Http404
    return registration


def _after(application: Application, registration: Registration, step: str) -> Any:
    """Return where to go next: the next step that is unanswered, else the check."""
    order = [slug for slug, _label in STEPS]
    later = order[order.index(step) + 1 :]
    unanswered = next((slug for slug in later if missing(registration.answers, slug)), None)
    if unanswered is None:
        unanswered = next((slug for slug in order if missing(registration.answers, slug)), None)
    return (
        reverse("describe", args=[application.pk, unanswered])
        if unanswered
        else reverse("describe_check", args=[application.pk])
    )


def _steps(application: Application, registration: Registration, current: str) -> list[dict[str, Any]]:
    rows = [
        {
            "label": label,
            "state": "current" if slug == current else "todo" if missing(registration.answers, slug) else "done",
            "href": reverse("describe", args=[application.pk, slug]) if registration.is_editable else None,
        }
        for slug, label in STEPS
    ]
    return [
        *rows,
        {"label": _("Check and submit"), "state": "current" if current == "check" else "todo", "href": None},
    ]
