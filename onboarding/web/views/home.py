"""Where people arrive: the promise for strangers, the applications for members, the desk for staff."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control

from onboarding.memberships.invitations import open_invitations
from onboarding.memberships.models import JoinRequest
from onboarding.partners.models import Membership, Organisation, User
from onboarding.programmes import PROGRAMMES
from onboarding.programmes import profile as programme_profile
from onboarding.registrations import flows
from onboarding.registrations.models import Application
from onboarding.web import access, first_account
from onboarding.web.forms.people import OrganisationForm
from onboarding.web.journey.standing import STANDINGS, listing
from onboarding.web.presenting import example_ladder
from onboarding.web.requests import PortalRequest
from onboarding.web.views.joining import ways_in

PAGE_SIZE = 25
MAX_SEARCH = 120


@access.public
def home(request: HttpRequest) -> HttpResponse:
    """The first page, for each kind of reader."""
    user = request.user
    if not isinstance(user, User):
        profiles = [programme_profile(id_) for id_ in PROGRAMMES]
        return render(
            request,
            "welcome.html",
            {"programmes": profiles, "example": example_ladder(), "is_new": first_account.is_wanted()},
        )
    organisations = list(Organisation.objects.filter(memberships__user=user).order_by("name"))
    if not organisations:
        return redirect(
            "desk" if user.staff_roles else "organisations" if any(ways_in(user).values()) else "new_organisation"
        )
    search, standing = request.GET.get("search", "")[:MAX_SEARCH].replace("\0", "").strip(), request.GET.get("show", "")
    standing = standing if standing in STANDINGS else ""
    found = listing(Application.objects.filter(organisation__in=organisations), search=search, standing=standing)
    total = sum(found.counts.values())
    context = {
        "organisations": organisations,
        "page": Paginator(found.rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "filters": [
            {"id": "", "label": _("All"), "count": total},
            *({"id": one, "label": label, "count": found.counts[one]} for one, label in STANDINGS.items()),
        ],
        "is_long": found.is_long,
        "is_empty": not total and not search,
        "search": search,
        "show": standing,
        "has_sandbox": settings.SANDBOX,
        "may_start": Membership.objects.filter(user=user, role__in=access.BUILDERS).exists(),
        "invited": open_invitations(user),
        "asked": JoinRequest.objects.filter(
            state=JoinRequest.State.WAITING,
            organisation__memberships__user=user,
            organisation__memberships__role=Membership.Role.OWNER,
        ).select_related("organisation", "user"),
    }
    return render(request, "home.html", context)


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
