"""Around every page: who may come in, in which language and time zone they read, and what they had typed."""

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from onboarding.web import kept_entries
from onboarding.web.second_factor import by_provider, must_set_up

GetResponse = Callable[[HttpRequest], HttpResponse]

SEEN_EVERY = 300
"""Seconds; a session's "last seen" is at most this much too old, so that few pages write."""


class ModeMiddleware:
    """Hides what this installation has no use for: the desk in solo mode, what is recorded of outside in a hub."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, _request: HttpRequest, view: Any, *_arguments: Any) -> None:
        """Raise Http404 for a page of the other mode, whoever asks."""
        access = getattr(view, "access", None)
        if access is not None and access.mode not in ("", settings.PORTAL_MODE):
            raise Http404


class SignInMiddleware(LoginRequiredMiddleware):
    """Asks for a sign-in where a page is not public. What comes in a form that is too late is kept."""

    def handle_no_permission(self, request: Any, view_func: Any) -> Any:
        """Lead to the sign-in, and from there back."""
        if kept_entries.keep(request) or kept_entries.waiting(request):
            messages.info(
                request,
                _("You were signed out in the meantime. Sign in: what you typed is kept for you. Nothing was sent."),
            )
        elif request.method == "POST" and kept_entries.is_ours(request):
            messages.info(
                request, _("You were signed out in the meantime. Nothing was sent: sign in, then do it again.")
            )
        if request.htmx:
            here = request.htmx.current_url_abs_path or request.get_full_path()
            return HttpResponseClientRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': here})}")
        return super().handle_no_permission(request, view_func)


class ReaderMiddleware:
    """Shows times in the reader's zone and pages in the reader's language, once they have signed in.

    What they see is theirs alone: no proxy keeps it, and the browser gives it up when they sign out. Until then it may
    show it again when they go back, with what they had typed.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        reader = request.user  # at the sign-out, nobody's afterwards
        if not reader.is_authenticated:
            return self.get_response(request)
        with timezone.override(reader.time_zone), translation.override(reader.language):
            response = self.get_response(request)
        # Otherwise LocaleMiddleware names the language that the browser asks for.
        response.headers.setdefault("Content-Language", reader.language)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        if not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = '"cache"'
        return response


class SessionsMiddleware:
    """Keeps the list of a person's sessions up to date, within some minutes."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        before = request.session.session_key
        if before and request.user.is_authenticated and self._due(before):
            UserSession.objects.create_from_request(request)
        response = self.get_response(request)
        now = request.session.session_key
        if now and now != before:
            self._due(now)  # a sign-in, which has written it already
        return response

    def _due(self, key: str) -> bool:
        """Tell whether it is time to write, and that it has been done then."""
        name = hashlib.sha256(key.encode("ascii")).hexdigest()
        return bool(cache.add(f"session-seen:{name}", True, SEEN_EVERY))


class SecondFactorMiddleware:
    """Leads staff who need a second factor and have none to the page where they set it up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, *_arguments: Any) -> HttpResponse | None:
        """Open nothing else to them than what is public, and what is about their own account."""
        access = getattr(view, "access", None)
        if access is None or access.kind in ("public", "token", "demo", "own_account"):
            return None  # what declares nothing is allauth's, and about the account
        if not request.user.is_authenticated or not must_set_up(request.user):
            return None
        if by_provider(request, request.user):
            return None
        messages.warning(request, _("Your role needs a second factor. Set one up, then go on."))
        return redirect("mfa_index")


class NotStoredMiddleware:
    """Pages of second factors show secrets once: no browser and no proxy keeps a copy."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match and match.url_name and match.url_name.startswith("mfa_"):
            add_never_cache_headers(response)
        return response


class KeptEntriesMiddleware:
    """Hands back what somebody had typed when their session ended."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        kept = kept_entries.due(request)
        if kept is None:
            return self.get_response(request)
        with kept_entries.offering(kept):
            response = self.get_response(request)
        kept_entries.settle(request, response, kept)
        return response
