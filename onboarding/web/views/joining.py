"""Coming into an organisation: invitations, requests to join, and the list of those that one belongs to."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from onboarding.memberships import invitations, joining, offers
from onboarding.memberships.addresses import confirmed_addresses
from onboarding.memberships.members import NoMember
from onboarding.memberships.models import Invitation, JoinRequest
from onboarding.memberships.states import OPEN, State
from onboarding.partners.models import Membership, User
from onboarding.web import access, invited
from onboarding.web.requests import PortalRequest
from onboarding.worklist.following import open_item


@access.signed_in
def organisations(request: PortalRequest) -> HttpResponse:
    """One's companies; and for who is new: invitations, and asking to join those who are here already."""
    if request.method == "POST":
        return _ask(request)
    coming = ways_in(request.user)
    memberships = list(
        Membership.objects.filter(user=request.user).select_related("organisation").order_by("organisation__name")
    )
    if len(memberships) == 1 and not any(coming.values()):
        return redirect("organisation", memberships[0].organisation_id)
    return render(request, "organisation/organisations.html", coming | {"memberships": memberships})


def ways_in(user: User) -> dict[str, Any]:
    """Return how somebody could come into a company now: `invited`, `waiting` (`due`), `declined`, `domains`.

    Who belongs to one already is not asked whether to join another: that is for invitations.
    """
    belongs = Membership.objects.filter(user=user).exists()
    requests = list(JoinRequest.objects.filter(user=user).order_by("created_at"))
    waiting = [one for one in requests if one.state in OPEN]
    waiting.sort(key=lambda one: one.state == State.WAITING)  # if staff decide on one, that is what to say
    declined = [one for one in requests if one.state == State.DECLINED and not belongs]
    invited = list(invitations.open_invitations(user))
    return {
        "invited": invited,
        "waiting": waiting[0] if waiting else None,
        "due": card.due if waiting and (card := open_item(waiting[0])) else None,
        "declined": declined[-1] if declined and not waiting else None,
        "domains": [] if belongs or waiting or invited else joining.known_domains(user),
    }


def _ask(request: PortalRequest) -> HttpResponse:
    try:
        joining.ask(request.user, actor=access.member_actor(request))
    except joining.NobodyToAsk:
        messages.info(request, _("There is nobody to ask, or you have asked already."))
    return redirect("organisations")


@access.signed_in
def take_back(request: PortalRequest) -> HttpResponse:
    """Take one's requests to join back."""
    if request.method == "POST":
        waiting = JoinRequest.objects.filter(user=request.user, state__in=OPEN).select_related("organisation")
        joining.take_back(waiting, actor=access.member_actor(request))
        messages.success(request, _("Your request was taken back."))
    return redirect("organisations")


@never_cache
@access.public
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link in an invitation leads: what it offers, to whom, and what to do; or why it works no longer."""
    found, is_latest = invitations.from_link(token)
    user = request.user if isinstance(request.user, User) else None
    is_theirs = bool(user and found and found.email.casefold() in confirmed_addresses(user))
    works = found is not None and is_latest and found.is_open
    if request.method == "POST" and user is not None and found is not None and works and is_theirs:
        try:
            invitations.accept(found, user, actor=access.member_actor(request))  # type: ignore[arg-type]
        except (offers.Closed, NoMember):
            works = False
            found = Invitation.objects.select_related("organisation").filter(pk=found.pk).first()
        else:
            messages.success(request, _("You are a member of %(company)s now.") % {"company": found.organisation})
            return redirect("organisation", found.organisation_id)
    if works and user is None:
        invited.remember(request, token)
    context = {
        "invitation": found,
        "is_latest": is_latest,
        "works": works,
        "is_theirs": is_theirs,
        "is_member": bool(user and found and found.organisation.memberships.filter(user=user).exists()),
        "hint": _masked(found.email) if found else "",
    }
    return render(request, "organisation/invitation.html", context, status=200 if works else 410)


@access.signed_in
def accept(request: PortalRequest, invitation_id: UUID) -> HttpResponse:
    """Accept an invitation from the list of those for one's addresses: that they are one's own is known."""
    found = get_object_or_404(invitations.open_invitations(request.user), pk=invitation_id)
    if request.method == "POST":
        try:
            invitations.accept(found, request.user, actor=access.member_actor(request))
        except (offers.Closed, NoMember):
            messages.warning(request, _("The invitation was withdrawn meanwhile."))
            return redirect("organisations")
        messages.success(request, _("You are a member of %(company)s now.") % {"company": found.organisation})
        return redirect("organisation", found.organisation_id)
    return redirect("organisations")


def _masked(address: str) -> str:
    """Show just so much of an address that its owner recognises it, and that nobody learns it."""
    local, _at, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
