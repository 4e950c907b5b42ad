"""Who may open which page. Every view declares it with one of these; a test walks all routes by all actors.

Closed unless opened: SignInMiddleware asks for a sign-in on whatever is not `public`, and SecondFactorMiddleware for a
second factor of staff on whatever is neither `public` nor about their own account.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import Membership, Organisation, StaffRole
from onboarding.registrations.models import Application
from onboarding.web import oidc
from onboarding.web.requests import PortalRequest
from onboarding.web.second_factor import proven_recently

View = Callable[..., HttpResponseBase]

BUILDERS = frozenset({Membership.Role.OWNER, Membership.Role.DEVELOPER})
OWNERS = frozenset({Membership.Role.OWNER})
MEMBERS = frozenset(Membership.Role)
STAFF = frozenset(StaffRole.Role.values)


@dataclass(frozen=True, slots=True)
class Access:
    """What a route requires.

    kind: public, token, demo, own_account, signed_in, application, organisation or staff; roles: one of these.
    mode: the PORTAL_MODE in which there is such a page; empty for any. ModeMiddleware sees to it.
    """

    kind: str
    roles: frozenset[str] = frozenset()
    mode: str = ""


def public(view: View) -> View:
    """Open the page to everybody."""
    return _declare(login_not_required(view), Access("public"))


def public_alone(view: View) -> View:
    """Open the page to everybody in solo mode; a hub has no such page."""
    return _declare(login_not_required(view), Access("public", mode="solo"))


def by_token(view: View) -> View:
    """Open the address to whoever brings the right token in a header; the view itself asks for it.

    No cookie counts here, so no other site can make a browser send what opens it.
    """
    return _declare(csrf_exempt(login_not_required(view)), Access("token"))


def demo(view: View) -> View:
    """Open the page to everybody in the demo; elsewhere there is no such page."""

    @login_not_required
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return _declare(inner, Access("demo"))


def single_sign_on(view: View) -> View:
    """Open the page to everybody where single sign-on is configured; elsewhere there is no such page."""

    @login_not_required
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not oidc.configured():
            raise Http404
        return view(request, *args, **kwargs)

    return _declare(inner, Access("public", mode="hub"))


def signed_in(view: View) -> View:
    """Open the page to everybody who has signed in."""
    return _declare(view, Access("signed_in"))


def own_account(view: View) -> View:
    """Open the page to everybody who has signed in: it is about nothing but their own account.

    Staff who have yet to set up a second factor can open these pages, and no other.
    """
    return _declare(view, Access("own_account"))


def application(*, change: frozenset[str] = BUILDERS, mode: str = "") -> Callable[[View], View]:
    """Open the page to members of the application's organisation; for others it does not exist (404).

    Reading is for every member; sending a form needs one of the roles in `change`. mode: where there is such a page.
    The view receives the application in place of its id, and `request.may_change`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: PortalRequest, application_id: UUID, *args: Any, **kwargs: Any) -> HttpResponseBase:
            found = get_object_or_404(
                Application.objects.select_related("organisation", "partner_login", "registration"),
                pk=application_id,
                organisation__memberships__user=request.user,
            )
            role = Membership.objects.get(organisation=found.organisation, user=request.user).role
            request.may_change = role in change
            if request.method not in ("GET", "HEAD") and not request.may_change:
                raise PermissionDenied(
                    _("As a viewer you can read this application. Ask an owner or a developer to change it.")
                )
            return view(request, found, *args, **kwargs)

        return _declare(inner, Access("application", change, mode))

    return decorate


def organisation(*, change: frozenset[str] = OWNERS) -> Callable[[View], View]:
    """Open the page to the organisation's members; for others it does not exist (404).

    Reading is for every member; sending a form needs one of the roles in `change`.
    The view receives the organisation in place of its id, `request.membership`, and `request.may_change`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: PortalRequest, organisation_id: UUID, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.membership = get_object_or_404(
                Membership.objects.select_related("organisation"), organisation=organisation_id, user=request.user
            )
            request.may_change = request.membership.role in change
            if request.method not in ("GET", "HEAD") and not request.may_change:
                raise PermissionDenied(_("Your role in the company can read this page, not change it. Ask an owner."))
            return view(request, request.membership.organisation, *args, **kwargs)

        return _declare(inner, Access("organisation", change))

    return decorate


def for_who_may_change(view: View) -> View:
    """For pages that are a form and nothing else: who may not send it is taken back to the company's page."""

    @wraps(view)
    def inner(request: PortalRequest, organisation: Organisation, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.may_change:
            messages.info(request, _("Your role in the company can read this page, not change it. Ask an owner."))
            return redirect("organisation", organisation.pk)
        return view(request, organisation, *args, **kwargs)

    return inner


def staff(*roles: str, read: frozenset[str] = STAFF) -> Callable[[View], View]:
    """Open the page to staff: reading to every staff role, sending a form to `roles`. In solo mode there is none."""

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            held = request.user.staff_roles
            request.may_change = bool(held & set(roles))
            if not held & read:
                raise PermissionDenied(_("This page is for the staff who review and issue."))
            if request.method not in ("GET", "HEAD") and not request.may_change:
                raise PermissionDenied(_("Your role can read this page, not decide on it."))
            return view(request, *args, **kwargs)

        return _declare(inner, Access("staff", frozenset(roles), "hub"))

    return decorate


def recent_sign_in(view: View) -> View:
    """Ask again who is there, unless that was just proven; see `proven_recently`.

    allauth's own decorator keeps a form that was sent in the session, to send it on afterwards; these forms hold
    secrets, so here the reader starts again at the page.
    """

    @wraps(view)
    def inner(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not proven_recently(request):
            ways = get_adapter().get_reauthentication_methods(request.user)
            way = ways[0]["url"] if ways else reverse("account_login")
            return redirect(f"{way}?{urlencode({'next': request.path})}")
        return view(request, *args, **kwargs)

    return inner


def member_actor(request: PortalRequest) -> Actor:
    """Return who acts, as a partner."""
    return Actor(ActorKind.MEMBER, request.user.pk, client_address(request))


def staff_actor(request: PortalRequest) -> Actor:
    """Return who acts, as staff."""
    return Actor(ActorKind.STAFF, request.user.pk, client_address(request))


def client_address(request: HttpRequest) -> str:
    """Return the network address a request came from; behind our own proxy, the one that the proxy saw."""
    address: str = get_adapter().get_client_ip(request)
    return address


def _declare(view: Any, access: Access) -> View:
    view.access = access
    return view
