"""A person's own account: who they are, how they sign in, where they are signed in, what happened.

django-allauth serves the pages that its own URLs name, with our templates; here is what it has not, or has otherwise.
"""

from typing import Any

from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.account.views import ConfirmEmailView
from allauth.core.internal import ratelimit
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.views import AddWebAuthnView
from allauth.usersessions.internal.flows.sessions import end_sessions
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import override

from onboarding.audit.events import Event
from onboarding.partners.models import User
from onboarding.web import access, pending_account, security
from onboarding.web.forms.account import AnotherAddressForm
from onboarding.web.forms.people import ProfileForm
from onboarding.web.requests import PortalRequest
from onboarding.web.timeline import account_timeline

HISTORY = 50
"""How many of the latest events are shown."""


@access.own_account
def profile(request: PortalRequest) -> HttpResponse:
    """A person's name, language and time zone."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            if form.changed_data:
                security.happened(Event.PROFILE_CHANGED, request.user, request, fields=form.changed_data)
        with override(request.user.language):
            messages.success(request, _("Saved."))
        return redirect("profile")
    return render(request, "profile.html", {"form": form})


@access.own_account
def history(request: PortalRequest) -> HttpResponse:
    """Sign-ins, and what changed in how one signs in."""
    entries = account_timeline(security.history(request.user, HISTORY))
    return render(request, "account_history.html", {"entries": entries})


@access.own_account
def end_session(request: PortalRequest, session_id: int) -> HttpResponse:
    """Sign out in one other browser."""
    if request.method != "POST":
        return redirect("usersessions_list")
    session = get_object_or_404(UserSession, pk=session_id, user=request.user)
    if session.is_current():
        return redirect("account_logout")
    end_sessions(request, [session])
    messages.success(request, _("Signed out there."))
    return redirect("usersessions_list")


@access.public
def language(request: HttpRequest) -> HttpResponse:
    """Choose a language: for the account, or for this browser."""
    chosen, target = request.POST.get("language", ""), request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = redirect(target)
    if chosen in dict(settings.LANGUAGES):
        if isinstance(request.user, User):
            request.user.language = chosen
            request.user.save(update_fields=["language"])
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
    return response


@access.public
@ratelimit.decorator(app="allauth.account", action="signup")
def confirm_address(request: HttpRequest) -> HttpResponse:
    """After signing up: look into your mailbox. The mail can be sent again, and a mistyped address be changed."""
    if request.user.is_authenticated:
        return redirect("home")
    pending = pending_account.find(request)
    form = AnotherAddressForm(request.POST if "change" in request.POST else None)
    if request.method == "POST" and pending is None:
        return redirect("account_login")
    if request.method == "POST" and pending and "change" in request.POST:
        if form.is_valid():
            return pending_account.change_address(request, pending, form.cleaned_data["email"])
    elif request.method == "POST" and pending:
        if not pending_account.send_again(request, pending):
            messages.info(request, _("We sent one less than three minutes ago. Give it a moment."))
        return redirect("account_email_verification_sent")
    return render(request, "account/verification_sent.html", {"pending": pending, "form": form})


class ConfirmAddressView(ConfirmEmailView):
    """The link in the mail. One that no longer works says why, and one that is too old is sent anew."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the address that an old link was for: whoever has it, has read its mail."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        if not self.object:
            context["once_for"] = self._address()
        return context

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Confirm, or send a new link in place of one that is too old."""
        address = self._address()
        if "again" in self.request.POST and address and not address.verified:
            if not send_verification_email_to_address(self.request, address):
                messages.info(self.request, _("We sent one less than three minutes ago. Give it a moment."))
            return redirect("account_email_verification_sent")
        try:
            response: HttpResponse = super().post(*args, **kwargs)
        except Http404:
            return redirect(self.request.path)  # the page says why
        return response

    def _address(self) -> EmailAddress | None:
        try:
            pk = signing.loads(self.kwargs["key"], salt="account")
        except signing.BadSignature:
            return None
        return EmailAddress.objects.filter(pk=pk).first()


class AddPasskeyView(AddWebAuthnView):
    """A new passkey, which can sign in alone: so it is kept in the device, and asks who is there."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the browser is asked for."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["options"] = webauthn.begin_registration(self.request.user, passwordless=True)
        return context


confirm_email = access.public(ConfirmAddressView.as_view())
add_passkey = access.own_account(AddPasskeyView.as_view())


@access.own_account
def passkeys(request: PortalRequest) -> HttpResponse:
    """allauth leads here after a change; ours are listed with the other ways to sign in."""
    return redirect("mfa_index")
