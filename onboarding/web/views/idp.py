"""The sandbox's identity provider, as far as a driver's browser sees it: sign in, and grant or refuse.

Open to everybody, as any identity provider is: a partner's own application sends its testers here. The browser is sent
on to addresses that were registered, and to no other.
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.enrolment import idp
from onboarding.web import access
from onboarding.web.enrolling import own_callback
from onboarding.web.forms.idp import DriverForm


@never_cache
@sensitive_post_parameters()
@access.public
def authorize(request: HttpRequest, brand_id: str) -> HttpResponse:
    """Sign in as an invented driver, and grant what was asked for, part of it, or nothing."""
    if not settings.SANDBOX:
        raise Http404
    query = {name: request.GET.getlist(name) for name in request.GET}
    try:
        asked = idp.read(brand_id, query, also=[own_callback()])
    except idp.NotRedirectable as error:
        return render(request, "idp_refused.html", {"reason": _reason(error.reason)}, status=400)
    except idp.Refusal as refusal:
        return _sent_back(refusal.address)
    form = DriverForm(request.POST if request.method == "POST" else None, scopes=asked.scopes)
    if request.method == "POST" and "refuse" in request.POST:
        return _sent_back(asked.back(error="access_denied", error_description="the driver refused"))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        return _sent_back(idp.give(asked, given["driver"], given["scope"], timezone.now()))
    context = {"form": form, "asked": asked, "application_name": str(asked.application)}
    response = render(request, "idp_authorize.html", context, status=422 if form.errors else 200)
    # Browsers hold the redirect that follows a form against this, too.
    there: Any = response
    there._csp_update = {"form-action": [_origin(asked.redirect_uri)]}
    return response


class _ToDriver(HttpResponseRedirect):
    """Goes to a registered address, which may be an app's own scheme."""

    def __init__(self, address: str) -> None:
        self.allowed_schemes = [urlsplit(address).scheme]
        super().__init__(address)


def _sent_back(address: str) -> HttpResponse:
    return _ToDriver(address)


def _origin(address: str) -> str:
    """Return an address's origin, or its scheme where it is an app's own."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def _reason(code: str) -> str:
    return {
        "brand": _("The address names no brand that the sandbox knows."),
        "client": _("client_id is not that of an application for end users with sandbox credentials."),
        "redirect": _(
            "redirect_uri is not the address that is registered with this application, character by character."
        ),
    }[code]
