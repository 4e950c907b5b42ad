"""Where people arrive: the promise for strangers, the applications for members, the desk for staff."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control

from onboarding.memberships.invitations import open_invitations
from onboarding.memberships.models import JoinRequest
from onboarding.memberships.states import OPEN
from onboarding.partners.models import Membership, Organisation, User
from onboarding.programmes import PROGRAMMES
from onboarding.programmes import profile as programme_profile
from onboarding.registrations import flows
from onboarding.web import access, first_account, once
from onboarding.web.describing import grouped
from onboarding.web.forms.people import OrganisationForm
from onboarding.web.journey.standing import STANDINGS, listing
from onboarding.web.presenting import example_ladder
from onboarding.web.requests import PortalRequest
from onboarding.web.views.joining import ways_in

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
    builds = set(
        Membership.objects.filter(user=user, role__in=access.BUILDERS).values_list("organisation_id", flat=True)
    )
    beside = {side: request.GET.get(side, "") for side in ("before", "after")}
    found = listing(organisations, reader=user, builds=builds, search=search, standing=standing, **beside)
    total = sum(found.counts.values())
    context = {
        "organisations": organisations,
        "page": found,
        "extent": {"first": grouped(found.number), "last": grouped(found.last), "total": grouped(found.total)},
        "filters": [
            {"id": "", "label": _("All"), "count": grouped(total)},
            *({"id": one, "label": label, "count": grouped(found.counts[one])} for one, label in STANDINGS.items()),
        ],
        "is_empty": not total and not search,
        "search": search,
        "show": standing,
        "has_sandbox": settings.SANDBOX,
        "may_start": bool(builds),
        "invited": open_invitations(user),
        "asked": JoinRequest.objects.filter(
            state__in=OPEN,
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
        given = form.cleaned_data
        flows.create_organisation(
            request.user,
            **given,
            actor=access.member_actor(request),
            id_=once.new_id(request, Organisation, given["name"], given["country"]),
        )
        return redirect("new_application")
    return render(request, "organisation_new.html", {"form": form})


@access.public
@cache_control(public=True, max_age=300)
def theme(request: HttpRequest) -> HttpResponse:
    """The operator's accent colour, as a stylesheet: the content security policy allows no inline style."""
    if not settings.ACCENT_COLOUR:
        raise Http404
    return HttpResponse(f":root{{--accent:{settings.ACCENT_COLOUR}}}\n", content_type="text/css")
