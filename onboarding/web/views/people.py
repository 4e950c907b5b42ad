"""The people at the desk: who has which role, a second factor, and was here when; invited, and given other roles."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from onboarding.memberships import desk, offers
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.models import StaffInvitation
from onboarding.partners.models import StaffRole, User
from onboarding.web import access
from onboarding.web.context import AUDIT_READERS
from onboarding.web.forms.staff import ROLES, StaffForm, StaffRolesForm
from onboarding.web.requests import PortalRequest
from onboarding.web.second_factor import FACTORS

Role = StaffRole.Role
FACTOR_WORDS = {
    Authenticator.Type.WEBAUTHN: gettext_lazy("Passkey"),
    Authenticator.Type.TOTP: gettext_lazy("Authenticator app"),
}
REFUSALS: Mapping[type[Exception], Any] = {
    desk.NotAnAdministrator: gettext_lazy("Nothing was changed: you are no longer an administrator."),
    desk.LastAdministrator: gettext_lazy(
        "Nothing was changed: there is no other administrator. Make somebody else one first."
    ),
    offers.Closed: gettext_lazy("Nothing was changed: the invitation was accepted or withdrawn meanwhile."),
    offers.TooSoon: gettext_lazy("Not sent again: the last mail went out less than a minute ago."),
}
"""What stands in the way of a decision, in words."""

administrators = access.staff(Role.ADMINISTRATOR, read=AUDIT_READERS)


@administrators
def people(request: PortalRequest) -> HttpResponse:
    """Everybody at the desk, and who is invited to it."""
    staff = User.objects.filter(roles__isnull=False).distinct().prefetch_related("roles")
    factors: dict[UUID, set[Any]] = {}
    for user_id, kind in Authenticator.objects.filter(user__in=staff, type__in=FACTORS).values_list("user_id", "type"):
        factors.setdefault(user_id, set()).add(FACTOR_WORDS[Authenticator.Type(kind)])
    rows = [
        {
            "person": person,
            "roles": [Role(role).label for role in Role.values if role in {one.role for one in person.roles.all()}],
            "factors": sorted(map(str, factors.get(person.pk, ()))),
        }
        for person in staff
    ]
    context = {
        "rows": sorted(rows, key=lambda row: str(row["person"]).casefold()),
        "invitations": [
            {"invitation": one, "roles": [Role(role).label for role in one.roles]}
            for one in StaffInvitation.objects.filter(state=StaffInvitation.State.OPEN)
            .select_related("invited_by")
            .order_by("-created_at")
        ],
        "roles": [(role.label, words) for role, words in ROLES.items()],
    }
    return render(request, "desk/people.html", context)


@never_cache
@administrators
@access.recent_sign_in
def add(request: PortalRequest) -> HttpResponse:
    """Give roles to somebody who has an account, or invite somebody who has none."""
    if not request.may_change:
        return redirect("desk_people")
    form = StaffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = desk.add(**form.cleaned_data, by=request.user, actor=access.staff_actor(request))
        except desk.NotAnAdministrator as refusal:
            return _refused(request, refusal)
        except offers.InvitedAlready:
            form.add_error("email", _("This address is invited already. Send that invitation again, or withdraw it."))
        except offers.TooMany:
            form.add_error("email", _("Too many invitations are open. Withdraw some first."))
        else:
            if isinstance(added, User):
                messages.success(request, _("%(person)s has these roles now, and is told.") % {"person": added})
            else:
                messages.success(request, _("Invited: a mail is on its way to %(address)s.") % {"address": added.email})
            return redirect("desk_people")
    return render(request, "desk/people_add.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@administrators
@access.recent_sign_in
def person(request: PortalRequest, user_id: UUID) -> HttpResponse:
    """Somebody's roles."""
    found = get_object_or_404(User.objects.filter(roles__isnull=False).distinct(), pk=user_id)
    form = StaffRolesForm(request.POST or None, initial={"roles": sorted(found.staff_roles)})
    if request.method == "POST":
        form = StaffRolesForm(request.POST)
        if form.is_valid():
            return _attempt(
                request,
                lambda: desk.set_roles(found, form.cleaned_data["roles"], actor=access.staff_actor(request)),
                done=_("Saved. %(person)s is told.") % {"person": found},
            )
    context = {"person": found, "form": form, "is_last": desk.is_last_administrator(found)}
    return render(request, "desk/person.html", context, status=422 if form.errors else 200)


@administrators
def invitation_decide(request: PortalRequest, invitation_id: UUID, verb: str) -> HttpResponse:
    """Send an invitation again, or withdraw it."""
    if verb not in ("send", "withdraw"):
        raise Http404
    found = get_object_or_404(StaffInvitation, pk=invitation_id)
    if request.method != "POST":
        return redirect("desk_people")
    actor = access.staff_actor(request)
    if verb == "send":
        return _attempt(
            request,
            lambda: desk.send_again(found, by=request.user, actor=actor),
            done=_("Sent again to %(address)s. The link in the earlier mail works no longer.")
            % {"address": found.email},
        )
    return _attempt(
        request,
        lambda: desk.withdraw(found, actor=actor),
        done=_("Withdrawn: the link that %(address)s has works no longer.") % {"address": found.email},
    )


@never_cache
@access.public
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link in an invitation leads: what it offers, and to whom; or that it works no longer."""
    found, works = desk.from_link(token)
    user = request.user if isinstance(request.user, User) else None
    is_theirs = bool(user and found and found.email.casefold() in confirmed_addresses(user))
    if request.method == "POST" and user is not None and found is not None and works and is_theirs:
        try:
            desk.accept(found, user, actor=access.staff_actor(request))  # type: ignore[arg-type]
        except offers.Closed:
            works = False
        else:
            messages.success(request, _("You are at the desk now."))
            return redirect("desk")
    context = {
        "invitation": found,
        "works": works,
        "is_theirs": is_theirs,
        "roles": [{"label": Role(role).label, "words": ROLES[Role(role)]} for role in found.roles] if found else [],
    }
    return render(request, "desk/invitation.html", context, status=200 if works else 410)


def _attempt(request: PortalRequest, verb: Callable[[], None], *, done: str) -> HttpResponse:
    """Carry a decision out, and say on the next page that it was done, or why not."""
    try:
        verb()
    except tuple(REFUSALS) as refusal:
        return _refused(request, refusal)
    messages.success(request, done)
    # Who has taken the role from themselves reads the rest of the desk, if they have another one.
    still = StaffRole.objects.filter(user=request.user, role__in=AUDIT_READERS).exists()
    return redirect("desk_people" if still else "home")


def _refused(request: PortalRequest, refusal: Exception) -> HttpResponse:
    messages.warning(request, REFUSALS[type(refusal)])
    return redirect("desk_people" if AUDIT_READERS & request.user.staff_roles else "home")
