"""Looking back: everything that happened to an application, and each of its submissions with what became of it."""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render

from onboarding.partners.modes import mode
from onboarding.registrations.models import Application, Registration
from onboarding.web import access, journey
from onboarding.web.history import entries_of, history
from onboarding.web.requests import PortalRequest
from onboarding.web.rounds import rounds

PAGE_SIZE = 50


@access.application()
def application_history(request: PortalRequest, application: Application) -> HttpResponse:
    """Everything that happened, who has it now, and by when."""
    facts = journey.load(application)
    page = Paginator(entries_of(application), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "application": application,
        "turn": journey.turn(facts),
        "page": page,
        "entries": history(
            page,
            application=application,
            reader=request.user,
            may_correct=request.may_change and not mode().has_desk,
        ),
        "submitted": facts.submitted,
    }
    return render(request, "application_history.html", context)


@access.application()
def submissions(request: PortalRequest, application: Application) -> HttpResponse:
    """Each submission, for the partner."""
    registration: Registration | None = getattr(application, "registration", None)
    if registration is None:
        raise Http404
    registration.application = application
    context = {
        "application": application,
        "registration": registration,
        "rounds": rounds(registration, reader=request.user),
    }
    return render(request, "submissions.html", context)


@access.staff()
def desk_submissions(request: PortalRequest, registration_id: UUID) -> HttpResponse:
    """Each submission, for staff: with what was submitted."""
    found = get_object_or_404(Registration.objects.select_related("application__organisation"), pk=registration_id)
    context = {
        "application": found.application,
        "registration": found,
        "rounds": rounds(found, reader=request.user, with_sections=True),
    }
    return render(request, "desk/submissions.html", context)
