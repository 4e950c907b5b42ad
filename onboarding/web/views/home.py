"""Where people arrive: the promise for strangers, the applications for members, the desk for staff."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control

from onboarding.partners.models import Organisation, User
from onboarding.programmes import PROGRAMMES
from onboarding.programmes import profile as programme_profile
from onboarding.registrations import flows
from onboarding.registrations.models import Application
from onboarding.web import access, journey
from onboarding.web.forms.people import OrganisationForm
from onboarding.web.presenting import example_ladder
from onboarding.web.requests import PortalRequest

PAGE_SIZE = 50


@access.public
def home(request: HttpRequest) -> HttpResponse:
    """The first page, for each kind of reader."""
    user = request.user
    if not isinstance(user, User):
        profiles = [programme_profile(id_) for id_ in PROGRAMMES]
        return render(request, "welcome.html", {"programmes": profiles, "example": example_ladder()})
    organisations = list(Organisation.objects.filter(memberships__user=user).order_by("name"))
    if not organisations:
        return redirect("desk" if user.staff_roles else "new_organisation")
    applications = Paginator(
        Application.objects.filter(organisation__in=organisations)
        .select_related("organisation", "registration", "partner_login")
        .order_by("-created_at"),
        PAGE_SIZE,
    ).get_page(request.GET.get("page"))
    rows = [
        {"application": facts.application, "turn": journey.turn(facts)}
        for facts in journey.load_many(list(applications))
    ]
    return render(request, "home.html", {"organisations": organisations, "rows": rows, "page": applications})


@access.signed_in
def new_organisation(request: PortalRequest) -> HttpResponse:
    """Create an organisation; whoever does is its owner."""
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        flows.create_organisation(request.user, **form.cleaned_data, actor=access.member_actor(request))
        return redirect("new_application")
    return render(request, "organisation_new.html", {"form": form})


@access.public
@cache_control(public=True, max_age=300)
def theme(request: HttpRequest) -> HttpResponse:
    """The operator's accent colour, as a stylesheet: the content security policy allows no inline style."""
    if not settings.ACCENT_COLOUR:
        raise Http404
    return HttpResponse(f":root{{--accent:{settings.ACCENT_COLOUR}}}\n", content_type="text/css")
