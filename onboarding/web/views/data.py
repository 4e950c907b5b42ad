"""What is held about a person: to take along, and to have erased."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from onboarding.memberships import erasure
from onboarding.memberships.export import export
from onboarding.web import access
from onboarding.web.forms.organisation import EraseForm
from onboarding.web.requests import PortalRequest


@access.own_account
def data(request: PortalRequest) -> HttpResponse:
    """What is held, why, and what can be done with it."""
    return render(request, "organisation/data.html")


@never_cache
@access.own_account
@access.recent_sign_in
def download(request: PortalRequest) -> HttpResponse:
    """All of it, as one JSON file."""
    document = export(request.user, actor=access.member_actor(request))
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return JsonResponse(document, headers=headers, json_dumps_params={"indent": 2, "ensure_ascii": False})


@never_cache
@access.own_account
@access.recent_sign_in
def erase(request: PortalRequest) -> HttpResponse:
    """Erase the account, after saying what that means; or say what has to be done first."""
    obstacles = erasure.obstacles(request.user)
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            erasure.erase(request.user, actor=access.member_actor(request))
        except erasure.Obstructed as error:
            obstacles = error.obstacles
        else:
            request.session.flush()
            messages.success(request, _("Your account was erased. A last mail confirms it."))
            return redirect("home")
    context = {"form": form, "obstacles": obstacles, "goes_along": erasure.goes_along(request.user)}
    return render(request, "organisation/erase.html", context, status=409 if obstacles and form.is_bound else 200)
