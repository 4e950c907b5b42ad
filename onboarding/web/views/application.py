"""One application: its start, its task list, its end."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from onboarding.lifecycle import IllegalTransition
from onboarding.partners.models import Organisation
from onboarding.registrations import flows
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.retention import kept_until
from onboarding.registrations.states import LIFECYCLE, State
from onboarding.web import access, journey, once
from onboarding.web.beyond import beyond
from onboarding.web.forms.application import NewApplicationForm
from onboarding.web.history import entries_of, history
from onboarding.web.requests import PortalRequest

LATEST = 8
"""How many of the latest events the task list shows."""


@access.signed_in
def new(request: PortalRequest) -> HttpResponse:
    """Choose a programme and start a draft."""
    organisations = Organisation.objects.filter(
        memberships__user=request.user, memberships__role__in=access.BUILDERS
    ).order_by("name")
    if not organisations:
        return redirect("new_organisation" if not request.user.organisations.exists() else "home")
    form = NewApplicationForm(request.POST or None, organisations=organisations)
    if request.method == "POST" and form.is_valid():
        organisation = get_object_or_404(organisations, pk=form.cleaned_data["organisation"])
        programme = form.cleaned_data["programme"]
        application = flows.start_application(
            organisation,
            programme,
            actor=access.member_actor(request),
            id_=once.new_id(request, Application, organisation.pk, programme),
        )
        return redirect("describe", application.pk, "concept")
    return render(request, "application_new.html", {"form": form})


@access.application()
def overview(request: PortalRequest, application: Application) -> HttpResponse:
    """The task list: where the application stands, and what comes next."""
    facts = journey.load(application, reader=request.user if request.may_change else None)
    entries = entries_of(application)
    registration = facts.registration
    context = {
        "application": application,
        "turn": journey.turn(facts),
        "columns": journey.task_columns(facts),
        "beyond": list(beyond(application)),
        "talk": facts.talk,
        "talk_url": journey.talk_url(facts),
        "sandbox": facts.sandbox,
        "has_review": registration is not None,
        "timeline": history(entries[:LATEST], application=application, reader=request.user),
        "submitted": facts.submitted,
        "kept_until": kept_until(registration) if registration is not None else None,
        "can_copy": request.may_change and registration is not None and registration.erased_at is None,
        "is_over": registration is not None and registration.state in (State.DECLINED, State.WITHDRAWN),
        "can_withdraw": request.may_change
        and registration is not None
        and LIFECYCLE.allows(registration.state, "withdraw"),
    }
    return render(request, "application.html", context)


@access.application()
def copy(request: PortalRequest, application: Application) -> HttpResponse:
    """Start a new draft with the same answers."""
    if request.method != "POST":
        return redirect("application", application.pk)
    try:
        made = flows.copy_application(
            application,
            actor=access.member_actor(request),
            id_=once.new_id(request, Application, "copy of", application.pk),
        )
    except flows.NothingToCopy:
        messages.warning(request, _("There is no description to copy."))
        return redirect("application", application.pk)
    messages.success(request, _("A new draft with the same answers. Attest the rules anew, then submit it."))
    return redirect("application", made.pk)


@access.application()
def withdraw(request: PortalRequest, application: Application) -> HttpResponse:
    """Take the application back, after asking once."""
    registration: Registration | None = getattr(application, "registration", None)
    if registration is None:
        raise Http404
    if request.method == "POST":
        try:
            flows.withdraw(registration, actor=access.member_actor(request))
        except IllegalTransition:
            messages.warning(request, _("It could not be withdrawn: it was decided or withdrawn meanwhile."))
        else:
            messages.success(request, _("Withdrawn. Nothing more happens with it."))
        return redirect("application", application.pk)
    if not LIFECYCLE.allows(registration.state, "withdraw"):
        state = registration.get_state_display()
        messages.info(request, _("It cannot be withdrawn now: it stands at “%(state)s”.") % {"state": state})
        return redirect("application", application.pk)
    if not request.may_change:
        messages.info(
            request, _("As a viewer you can read this application. Ask an owner or a developer to change it.")
        )
        return redirect("application", application.pk)
    context = {
        "application": application,
        "is_draft": registration.state == State.DRAFT,
        "kept_days": settings.RETAIN_CLOSED_DAYS,
    }
    return render(request, "application_withdraw.html", context)
