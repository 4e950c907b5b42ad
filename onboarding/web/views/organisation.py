"""An organisation: who belongs to it, who is invited, who asks, and its contacts. Members see it, owners change it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries

from onboarding.audit.models import Entry
from onboarding.memberships import invitations, joining, members, offers
from onboarding.memberships.models import Invitation
from onboarding.memberships.states import OPEN
from onboarding.partners.models import Membership, Organisation
from onboarding.partners.people import is_last_owner
from onboarding.web import access
from onboarding.web.company import contact_rows
from onboarding.web.forms.organisation import ROLES, InvitationForm, RoleForm
from onboarding.web.requests import PortalRequest
from onboarding.web.timeline import timeline

HISTORY = 30

REFUSALS: Mapping[type[Exception], Any] = {
    members.NotAnOwner: gettext_lazy("Nothing was changed: you are no longer an owner of this company."),
    members.NoMember: gettext_lazy("Nothing was changed: they are no longer a member."),
    members.LastOwner: gettext_lazy(
        "Nothing was changed: a company always has an owner, and there is no other. Make another member an owner first."
    ),
    members.HasApplications: gettext_lazy("Not deleted: the company has applications, or a partner login."),
    offers.Closed: gettext_lazy("Nothing was changed: the invitation was accepted or withdrawn meanwhile."),
    offers.TooSoon: gettext_lazy("Not sent again: the last mail went out less than a minute ago."),
    joining.Decided: gettext_lazy("Nothing was changed: it was decided, or taken back, meanwhile."),
}
"""What stands in the way of a decision, in words."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a decision went; true if it was carried out. Otherwise the reader is told why, on the next page."""

    refusal: str = ""

    def __bool__(self) -> bool:
        return not self.refusal


def attempt(request: PortalRequest, verb: Callable[..., object], *args: Any, done: str = "", **kwargs: Any) -> Attempt:
    """Carry a decision out, and say on the next page that it was done, or why not."""
    try:
        verb(*args, actor=access.member_actor(request), **kwargs)
    except tuple(REFUSALS) as refusal:
        words = str(REFUSALS[type(refusal)])
        messages.warning(request, words)
        return Attempt(words)
    if done:
        messages.success(request, done)
    return Attempt()


@access.organisation()
def organisation(request: PortalRequest, organisation: Organisation) -> HttpResponse:
    """Members, requests, invitations, contacts, and what happened."""
    may_name = request.membership.role in access.BUILDERS
    history = Entry.objects.filter(
        chain__organisation=organisation, application_id=None, partner_visible=True
    ).order_by("-position")[:HISTORY]
    memberships = organisation.memberships.filter(user__is_active=True).select_related("user")
    context = {
        "organisation": organisation,
        "country": countries.name(organisation.country),
        "membership": request.membership,
        "members": sorted(
            memberships, key=lambda one: (Membership.Role.values.index(one.role), str(one.user).casefold())
        ),
        "invitations": organisation.invitations.filter(state=Invitation.State.OPEN)
        .select_related("invited_by")
        .order_by("-created_at"),
        "requests": organisation.join_requests.filter(state__in=OPEN).select_related("user").order_by("created_at"),
        "contacts": contact_rows(organisation),
        "may_name": may_name,
        "roles": [(role.label, words) for role, words in ROLES.items()],
        "timeline": timeline(history, reader=request.user),
        "can_be_deleted": request.may_change and members.can_be_deleted(organisation),
    }
    return render(request, "organisation/organisation.html", context)


# --- Members -------------------------------------------------------------------------------------------------


@access.organisation()
@access.for_who_may_change
def member(request: PortalRequest, organisation: Organisation, membership_id: UUID) -> HttpResponse:
    """Give a member another role."""
    found = _member(organisation, membership_id)
    form = RoleForm(request.POST or None, initial={"role": found.role})
    if request.method == "POST" and form.is_valid():
        done = _("%(person)s is now: %(role)s.") % {
            "person": found.user,
            "role": Membership.Role(form.cleaned_data["role"]).label,
        }
        attempt(request, members.change_role, found, form.cleaned_data["role"], done=done)
        return redirect("organisation", organisation.pk)
    context = _about(organisation, found) | {"form": form}
    return render(request, "organisation/member.html", context)


@access.organisation()
@access.for_who_may_change
def remove(request: PortalRequest, organisation: Organisation, membership_id: UUID) -> HttpResponse:
    """Take a member out, after asking once."""
    found = _member(organisation, membership_id)
    if request.method == "POST":
        done = _("%(person)s is no longer a member.") % {"person": found.user}
        attempt(request, members.remove, found, done=done)
        return redirect("organisation", organisation.pk)
    return render(request, "organisation/remove.html", _about(organisation, found))


@access.organisation(change=access.MEMBERS)
def leave(request: PortalRequest, organisation: Organisation) -> HttpResponse:
    """Leave, after asking once."""
    if request.method == "POST":
        done = _("You have left %(company)s.") % {"company": organisation}
        if attempt(request, members.leave, request.membership, done=done):
            return redirect("home")
        return redirect("organisation", organisation.pk)
    return render(request, "organisation/leave.html", _about(organisation, request.membership))


@access.organisation()
@access.for_who_may_change
def delete(request: PortalRequest, organisation: Organisation) -> HttpResponse:
    """Delete an organisation without applications, after asking once."""
    if request.method == "POST":
        done = _("%(company)s was deleted.") % {"company": organisation}
        if attempt(request, members.delete_organisation, organisation, done=done):
            return redirect("home")
        return redirect("organisation", organisation.pk)
    context = {
        "organisation": organisation,
        "can_be_deleted": members.can_be_deleted(organisation),
        "others": organisation.memberships.exclude(user=request.user).count(),
    }
    return render(request, "organisation/delete.html", context)


def _member(organisation: Organisation, membership_id: UUID) -> Membership:
    return get_object_or_404(organisation.memberships.select_related("user", "organisation"), pk=membership_id)


def _about(organisation: Organisation, membership: Membership) -> dict[str, Any]:
    return {"organisation": organisation, "member": membership, "is_last_owner": is_last_owner(membership)}


# --- Invitations and requests --------------------------------------------------------------------------------


@access.organisation()
@access.for_who_may_change
def invite(request: PortalRequest, organisation: Organisation) -> HttpResponse:
    """Invite somebody."""
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        done = _("Invited: %(address)s. The link in the mail works until it is accepted, withdrawn or too old.")
        try:
            sent = attempt(
                request, invitations.invite, organisation, **form.cleaned_data, by=request.user,
                done=done % {"address": email},
            )  # fmt: skip
        except invitations.MemberAlready:
            form.add_error("email", _("Somebody with this address is a member already."))
        except offers.InvitedAlready:
            form.add_error("email", _("This address is invited already. Send that invitation again, or withdraw it."))
        except offers.TooMany:
            form.add_error(
                "email", _("Your company has sent too many invitations. Withdraw those that are open, or wait a day.")
            )
        else:
            return redirect("organisation", organisation.pk) if sent else redirect("home")
    return render(request, "organisation/invite.html", {"organisation": organisation, "form": form})


@access.organisation()
def invitation(request: PortalRequest, organisation: Organisation, invitation_id: UUID, verb: str) -> HttpResponse:
    """Send an invitation again, or withdraw it."""
    if verb not in ("send", "withdraw"):
        raise Http404
    found = get_object_or_404(organisation.invitations.select_related("organisation"), pk=invitation_id)
    if request.method == "POST" and verb == "send":
        done = _("Sent again to %(address)s. The link in the earlier mail works no longer.") % {"address": found.email}
        attempt(request, invitations.send_again, found, by=request.user, done=done)
    elif request.method == "POST":
        done = _("Withdrawn: the link that %(address)s has works no longer.") % {"address": found.email}
        attempt(request, invitations.withdraw, found, done=done)
    return redirect("organisation", organisation.pk)


@access.organisation()
@access.for_who_may_change
def join_request(request: PortalRequest, organisation: Organisation, request_id: UUID) -> HttpResponse:
    """Accept with a role, or decline."""
    found = get_object_or_404(organisation.join_requests.select_related("user", "organisation"), pk=request_id)
    if found.state not in OPEN:
        messages.info(request, REFUSALS[joining.Decided])
        return redirect("organisation", organisation.pk)
    declines = "decline" in request.POST
    form = RoleForm(None if declines else request.POST or None, initial={"role": Membership.Role.DEVELOPER})
    if request.method == "POST" and declines:
        attempt(request, joining.decline, found, done=_("Declined. %(person)s is told.") % {"person": found.user})
        return redirect("organisation", organisation.pk)
    if request.method == "POST" and form.is_valid():
        done = _("%(person)s is a member now, and is told.") % {"person": found.user}
        attempt(request, joining.accept, found, form.cleaned_data["role"], done=done)
        return redirect("organisation", organisation.pk)
    context = {"organisation": organisation, "asked": found, "form": form}
    return render(request, "organisation/request.html", context)
