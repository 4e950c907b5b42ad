"""Enrolling drivers: the address that asks for their consent, what comes back, and the tokens."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.vary import vary_on_headers

from onboarding.credentials.models import CredentialSet
from onboarding.enrolment import flows
from onboarding.enrolment.models import Walk
from onboarding.enrolment.registered import Registered, registered
from onboarding.findings import Severity
from onboarding.oauth import authorization, callback
from onboarding.oauth.scopes import missing as missing_scopes
from onboarding.partners.models import Membership
from onboarding.programmes import SANDBOX, Brand, brands
from onboarding.registrations.models import Application
from onboarding.web import access, enrolling
from onboarding.web.forms.enrolment import CallbackForm, ConsentForm
from onboarding.web.journey import Track
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of

TONES = {Walk.State.PASSED: "success", Walk.State.FAILED: "danger", Walk.State.REFUSED: "danger"}


def _with_client_id(*environments: str) -> Callable[[access.View], access.View]:
    """For applications of end users that have a client ID; others are taken back to their task list.

    environments: where there is such a page; none: in all.
    """

    def decorate(view: access.View) -> access.View:
        @wraps(view)
        def inner(
            request: PortalRequest, application: Application, environment_id: str, **rest: Any
        ) -> HttpResponseBase:
            track = track_of(application, environment_id)
            if application.programme != "end_user" or (environments and environment_id not in environments):
                messages.info(request, _("Drivers consent only where data of end users is asked for."))
                return redirect("application", application.pk)
            if track.credential_set is None or "client_id" in track.missing:
                messages.info(request, _("The address that asks for consent names your client ID: store it first."))
                return redirect("application", application.pk)
            return view(request, application, environment_id, **rest)

        return inner

    return decorate


@never_cache
@sensitive_post_parameters()
@access.application(change=access.MEMBERS)
@_with_client_id()
def enrol(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Build the authorisation request, and read the address that came back. Neither is kept, so any member may."""
    track = track_of(application, environment_id)
    held, known = _set_of(track), registered(application)
    form = ConsentForm(request.GET or None, registered=known, redirects=_addresses(known))
    given = form.given
    brand = next(one for one in known.brands if one.id == given["brand"])
    asked = _request(request, held, brand, given, request.POST.get("state", ""))
    returned = CallbackForm(request.POST if request.method == "POST" else None, initial={"state": asked.state})
    context = track_context(track) | {
        "form": form,
        "returned": returned,
        "both_forms": [form, returned],
        "registered": known,
        "asked": asked,
        "brand": brand,
        "parts": enrolling.parts(asked),
        "contradictions": enrolling.contradictions(),
        "errors": enrolling.errors(),
        "snippets": enrolling.snippets(held, brand, asked.redirect_uri),
        "in_sandbox": environment_id == SANDBOX,
        "can_walk": flows.can_walk(held) and _may_change(request, application),
        "chosen": given,
        "last_walk": held.walks.order_by("-created_at").first() if environment_id == SANDBOX else None,
        "query": request.GET.urlencode(),
        **(_read(returned, asked, known) if request.method == "POST" else {}),
    }
    return render(request, "enrol.html", context)


def _read(form: CallbackForm, asked: authorization.Request, known: Registered) -> dict[str, Any]:
    """Return what the address that came back says; nothing of it is kept, and its code is shown masked."""
    is_valid = form.is_valid()
    form.mask()
    if not is_valid:
        return {}
    given = form.cleaned_data
    sent = callback.Sent(asked.redirect_uri, given["state"], asked.scopes)
    back = callback.read(given["secret_address"], sent, granted=given["token_scope"])
    return {
        "back": back,
        "findings": enrolling.explained(back.findings),
        "absent": enrolling.absent(known.needs, back.missing),
        "about": _about(back),
    }


def _about(back: callback.Callback) -> dict[str, Any]:
    """Return the outcome as a notice."""
    if back.may_go_on:
        return {"tone": "success", "title": _("Go on: exchange the code"), "text": _("From your server, at once.")}
    if back.error:
        return {"tone": "danger", "title": _("It ended in an error"), "text": _("There is no code to exchange.")}
    return {"tone": "danger", "title": _("Stop here"), "text": _("Do not exchange this code, if there is one.")}


@access.application()
@_with_client_id(SANDBOX)
def start(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Begin a walk in the sandbox: note the state, and send the browser to the driver's sign-in."""
    held, known = _set_of(track_of(application, environment_id)), registered(application)
    if request.method != "POST":
        return redirect("enrol", application.pk, environment_id)
    form = ConsentForm(request.POST, registered=known, redirects=_addresses(known))
    given = form.given
    if not form.is_valid() or not given["scope"]:
        messages.error(request, _("Choose at least one scope, then walk."))
        return redirect("enrol", application.pk, environment_id)
    brand = next(one for one in known.brands if one.id == given["brand"])
    asked = _request(request, held, brand, given)
    asked = replace(asked, redirect_uri=enrolling.own_callback().format(application=application.pk))
    try:
        flows.start(
            held,
            brand,
            scopes=asked.scopes,
            redirect_uri=asked.redirect_uri,
            state=asked.state,
            actor=access.member_actor(request),
        )
    except flows.NotHere:
        messages.info(request, _("The portal can make these calls only with a private key that is kept here."))
        return redirect("enrol", application.pk, environment_id)
    return redirect(asked.url)


@never_cache
@access.application()
@_with_client_id(SANDBOX)
def came_back(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The portal's own callback address in the sandbox: compare the state, then hand the code to a worker."""
    held, known = _set_of(track_of(application, environment_id)), registered(application)
    state = request.GET.get("state", "")
    walk = flows.walk_of(held, state, request.user.pk) if state else None
    is_own = walk is not None and enrolling.is_own_state(request, _about_brand(application, walk.brand), state)
    own_address = enrolling.own_callback().format(application=application.pk)
    # Nobody here knows which state was sent where none of this person's fits: any other differs from that.
    sent = callback.Sent(own_address, state if is_own else "-", tuple(walk.scopes) if walk else known.scopes)
    back = callback.read(f"{own_address}?{request.META.get('QUERY_STRING', '')}", sent)
    if walk is None or not is_own:
        # Shown elsewhere: the code is in this page's address, which links, logs and the history would keep.
        for one in enrolling.explained(back.findings):
            if one["severity"] == Severity.ERROR:
                messages.error(request, f"{one['title']} {one['remedy']}")
        return redirect("enrol", application.pk, environment_id)
    if walk.state == Walk.State.ASKED:
        flows.came_back(
            walk,
            code=back.code if back.may_go_on else "",
            granted=back.granted or (),
            error=back.error or ("" if back.may_go_on else "unreadable"),
        )
    return redirect("walk", application.pk, environment_id, walk.pk)


@never_cache
@vary_on_headers("HX-Request")
@access.application()
@_with_client_id(SANDBOX)
def walk(request: PortalRequest, application: Application, environment_id: str, walk_id: UUID) -> HttpResponse:
    """One walk. While it goes on, the fragment asks for itself again; without JavaScript a reload does."""
    known = registered(application)
    found = get_object_or_404(Walk, pk=walk_id, credential_set__application=application)
    seen = f"{found.state}-{found.attempt}-{found.progress}"
    if request.htmx and request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    granted = tuple(found.granted)
    missing = missing_scopes(found.scopes, granted) if found.code_id else ()
    context = track_context(track_of(application, environment_id)) | {
        "walk": found,
        "seen": seen,
        "tone": TONES.get(Walk.State(found.state), "info"),
        "brand": brands()[found.brand],
        "error": enrolling.error_in_words(found.error),
        "checks": enrolling.walk_ladder(found),
        "facts": enrolling.walk_facts(found),
        "absent": enrolling.absent(known.needs, missing),
        "granted": granted,
    }
    return render(request, "enrol_walk.html#walk" if request.htmx else "enrol_walk.html", context)


def _may_change(request: PortalRequest, application: Application) -> bool:
    roles = Membership.objects.filter(organisation=application.organisation_id, user=request.user)
    return roles.filter(role__in=access.BUILDERS).exists()


def _set_of(track: Track) -> CredentialSet:
    if track.credential_set is None:
        raise Http404
    return track.credential_set


def _addresses(known: Registered) -> dict[str, str]:
    return {known.redirect_uri: known.redirect_uri} if known.redirect_uri else {}


def _about_brand(application: Application, brand_id: str) -> str:
    return f"{application.pk}|{brand_id}"


def _request(
    request: PortalRequest, held: CredentialSet, brand: Brand, given: dict[str, Any], state: str = ""
) -> authorization.Request:
    """Return the request for what was chosen. state: one that this page gave out already, to go on with."""
    about = _about_brand(held.application, brand.id)
    return authorization.Request(
        endpoint=enrolling.endpoint(held, brand),
        client_id=held.client_id,
        realm=brand.realm,
        redirect_uri=given["redirect"],
        scopes=tuple(given["scope"]),
        state=state if enrolling.is_own_state(request, about, state) else enrolling.new_state(request, about),
        separator=given["separator"],
        language=given["language"],
    )
