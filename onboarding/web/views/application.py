"""One application: its start, its task list, its end."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from onboarding.audit.models import Entry
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.models import Organisation
from onboarding.registrations import flows
from onboarding.registrations.models import Application
from onboarding.registrations.retention import kept_until
from onboarding.registrations.states import LIFECYCLE
from onboarding.web import access, journey
from onboarding.web.forms.application import NewApplicationForm
from onboarding.web.requests import PortalRequest
from onboarding.web.timeline import timeline


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
        application = flows.start_application(
            organisation, form.cleaned_data["programme"], actor=access.member_actor(request)
        )
        return redirect("describe", application.pk, "concept")
    return render(request, "application_new.html", {"form": form})


@access.application()
def overview(request: PortalRequest, application: Application) -> HttpResponse:
    """The task list: where the application stands, and what comes next."""
    facts = journey.load(application, reader=request.user if request.may_change else None)
    entries = Entry.objects.filter(application_id=application.pk, partner_visible=True).order_by("-occurred_at")[:30]
    registration = facts.registration
    context = {
        "application": application,
        "turn": journey.turn(facts),
        "columns": journey.task_columns(facts),
        "talk": facts.talk,
        "talk_url": journey.talk_url(facts),
        "sandbox": facts.sandbox,
        "has_review": registration is not None,
        "timeline": timeline(entries, reader=request.user),
        "kept_until": kept_until(registration) if registration is not None else None,
        "can_copy": request.may_change and registration is not None and registration.erased_at is None,
        "can_withdraw": registration is not None and LIFECYCLE.allows(registration.state, "withdraw"),
    }
    return render(request, "application.html", context)


@access.application()
def copy(request: PortalRequest, application: Application) -> HttpResponse:
    """Start a new draft with the same answers."""
    if request.method != "POST":
        return redirect("application", application.pk)
    try:
        made = flows.copy_application(application, actor=access.member_actor(request))
    except flows.NothingToCopy:
        messages.warning(request, _("There is no description to copy."))
        return redirect("application", application.pk)
    messages.success(request, _("A new draft with the same answers. Attest the rules anew, then submit it."))
    return redirect("application", made.pk)


@access.application()
def withdraw(request: PortalRequest, application: Application) -> HttpResponse:
    """Take the application back, after asking once."""
    if not hasattr(application, "registration"):
        raise Http404
    if request.method == "POST":
        try:
            flows.withdraw(application.registration, actor=access.member_actor(request))
        except IllegalTransition:
            messages.warning(request, _("It could not be withdrawn: it was decided or withdrawn meanwhile."))
        return redirect("application", application.pk)
    return render(request, "application_withdraw.html", {"application": application})
