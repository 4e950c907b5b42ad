"""The desk: requests to join that no owner has answered. Staff look who is asking, and decide in the owners' place."""

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from onboarding.audit.models import Entry
from onboarding.memberships import joining
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.members import NoMember
from onboarding.memberships.models import JoinRequest
from onboarding.memberships.states import State
from onboarding.partners.models import Membership, StaffRole
from onboarding.partners.people import OwnOrganisation, belongs
from onboarding.web import access
from onboarding.web.deciding import OWN
from onboarding.web.forms.organisation import RoleForm
from onboarding.web.requests import PortalRequest
from onboarding.web.timeline import timeline
from onboarding.worklist import assigning
from onboarding.worklist.following import open_item

LATE = (joining.Decided, NoMember, assigning.MovedOn)


@access.staff(StaffRole.Role.REVIEWER)
def decide(request: PortalRequest, request_id: UUID) -> HttpResponse:
    """One request: who asks, who could have answered; take it, accept it with a role, or decline it."""
    found = get_object_or_404(JoinRequest.objects.select_related("user", "organisation"), pk=request_id)
    owners = _owners(found)
    proposed = Membership.Role.DEVELOPER if any(one.user.is_active for one in owners) else Membership.Role.OWNER
    accepts = request.method == "POST" and "accept" in request.POST
    form = RoleForm(request.POST if accepts else None, initial={"role": proposed})
    if request.method == "POST" and (not accepts or form.is_valid()):
        try:
            done = _carry_out(request, found, form)
        except LATE:
            messages.warning(request, _("Nothing was changed: it was decided, or somebody else took it, meanwhile."))
        except (OwnOrganisation, assigning.CannotHave):
            messages.warning(request, OWN)
        except assigning.NotHeld:
            messages.warning(request, _("Nothing was changed: take it first, so that only one of you decides."))
        else:
            messages.success(request, done)
            if found.state != State.WITH_STAFF:
                return redirect("desk")
        return redirect("desk_join", found.pk)
    item = open_item(found)
    context = {
        "asked": found,
        "form": form,
        "item": item,
        "is_open": found.state == State.WITH_STAFF,
        "is_own": belongs(request.user.pk, found.organisation),
        "holds": item is not None and item.assignee_id == request.user.pk,
        "addresses": sorted(confirmed_addresses(found.user)),
        "owners": owners,
        "contacts": found.organisation.contacts.filter(verified_at__isnull=False).order_by("kind"),
        "applications": found.organisation.applications.count(),
        "timeline": timeline(_entries(found), reader=request.user),
    }
    return render(request, "desk/join.html", context, status=422 if form.errors else 200)


def _carry_out(request: PortalRequest, found: JoinRequest, form: RoleForm) -> str:
    """Do what the button says, and return what is to be said of it."""
    actor, item = access.staff_actor(request), open_item(found)
    if form.is_bound:
        joining.accept(found, form.cleaned_data["role"], actor=actor)
        return _("%(person)s is a member now, and is told; so are the company's owners and contacts.") % {
            "person": found.user
        }
    if "decline" in request.POST:
        joining.decline(found, actor=actor)
        return _("Declined. %(person)s is told.") % {"person": found.user}
    if item is None:
        raise joining.Decided
    if "release" in request.POST:
        assigning.require_holder(found, actor)
        assigning.release(item, actor=actor)
        return _("Given back: any reviewer can take it.")
    assigning.assign(item, request.user, actor=actor)
    return _("You have it now.")


def _entries(found: JoinRequest) -> QuerySet[Entry]:
    entries = Entry.objects.filter(subject_type=str(JoinRequest._meta.model_name), subject_id=found.pk)
    return entries.order_by("-occurred_at")


def _owners(found: JoinRequest) -> list[Membership]:
    memberships = found.organisation.memberships.filter(role=Membership.Role.OWNER).select_related("user")
    return list(memberships.order_by("user__last_login"))
