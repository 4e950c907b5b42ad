"""To the provider of single sign-on, and back. Where none is configured there are no such pages."""

import hmac
import secrets
import time
from dataclasses import asdict

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from onboarding.partners.models import User
from onboarding.web import access, security
from onboarding.web.oidc import Attempt, Person, Provider, SingleSignOnError
from onboarding.web.second_factor import SINGLE_SIGN_ON
from onboarding.web.single_sign_on import Refused, admit, linked

log = structlog.get_logger(__name__)

ATTEMPTS = "single_sign_on"
"""Where the session keeps what it is waiting for, by state."""

AT_MOST, FOR_SECONDS = 5, 600


@access.single_sign_on
@never_cache
@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Lead to the provider. Who has signed in and comes to prove it again is asked again there."""
    user = str(request.user.pk) if request.user.is_authenticated else ""
    attempt, state = Attempt.begin(user=user, then=_path_here(request.GET.get("next", ""))), secrets.token_urlsafe(32)
    try:
        way = Provider.find().way(attempt, state)
    except SingleSignOnError as error:
        return _failed(request, error)
    since = time.time() - FOR_SECONDS
    waiting = [(name, one) for name, one in request.session.get(ATTEMPTS, {}).items() if one["at"] > since]
    request.session[ATTEMPTS] = dict([*waiting, (state, asdict(attempt))][-AT_MOST:])
    return redirect(way)


@access.single_sign_on
@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Come back from the provider: signed in, or with the reason why not."""
    attempt = _attempt(request)
    if attempt is None:
        return _failed(request, SingleSignOnError("no state that this browser waits for"))
    if request.GET.get("error") == "access_denied":
        return _turned_away(request, _("You were not signed in: it was cancelled."))
    code = request.GET.get("code")
    try:
        if not code:
            raise SingleSignOnError("the provider sent an error instead of a code")
        provider = Provider.find()
        if not hmac.compare_digest(request.GET.get("iss", provider.issuer).encode(), provider.issuer.encode()):
            raise SingleSignOnError("the answer is of another issuer")  # RFC 9207
        person = provider.redeem(code, attempt)
    except SingleSignOnError as error:
        return _failed(request, error)
    return _prove_again(request, attempt, person) if attempt.user else _sign_in(request, attempt, person)


def _sign_in(request: HttpRequest, attempt: Attempt, person: Person) -> HttpResponse:
    try:
        user = admit(request, person)
    except Refused as refused:
        security.refused(refused.known, request)
        return _turned_away(request, str(refused))
    if request.user.is_authenticated:
        get_adapter(request).logout(request)
    _remember(request, user, person)
    answer: HttpResponse = perform_login(request, user, redirect_url=attempt.then or None)
    return answer


def _prove_again(request: HttpRequest, attempt: Attempt, person: Person) -> HttpResponse:
    """Take note that the same person was asked again; whoever else came changes nothing about the session."""
    user = request.user
    if not user.is_authenticated or str(user.pk) != attempt.user or linked(person) != user:
        if user.is_authenticated:
            security.refused(user, request)
        return _turned_away(request, _("Somebody else signed in at the provider. Sign in there as yourself."))
    _remember(request, user, person, reauthenticated=True)
    request.GET = QueryDict(urlencode({"next": attempt.then}))  # what was sent before they were asked goes on
    return resume_request(request) or redirect(attempt.then or settings.LOGIN_REDIRECT_URL)


def _remember(request: HttpRequest, user: User, person: Person, **more: bool) -> None:
    proven = {"proven_at": person.proven_at, "second_factor": person.second_factor or None}
    record_authentication(request, user, SINGLE_SIGN_ON, **proven, **more)


def _attempt(request: HttpRequest) -> Attempt | None:
    """Return what this browser set out for, once."""
    waiting = request.session.get(ATTEMPTS, {})
    found = waiting.pop(request.GET.get("state", ""), None)
    if found is None:
        return None
    request.session[ATTEMPTS] = waiting
    request.session.save()  # at once: of two that come back with one state, the second finds nothing
    return Attempt(**found) if found["at"] > time.time() - FOR_SECONDS else None


def _path_here(target: str) -> str:
    """Return the path that was asked for, if it is one of ours."""
    return target if target.startswith("/") and url_has_allowed_host_and_scheme(target, None) else ""


def _failed(request: HttpRequest, error: SingleSignOnError) -> HttpResponse:
    log.warning("single sign-on failed", error=str(error))
    return _turned_away(
        request, _("Single sign-on did not work. Try again; if it stays so, tell who runs this portal.")
    )


def _turned_away(request: HttpRequest, reason: str) -> HttpResponse:
    """Lead back to the sign-in, or to who one is, and say why."""
    messages.error(request, reason)
    return redirect("profile" if request.user.is_authenticated else "account_login")
