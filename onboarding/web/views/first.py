"""Solo mode: where the link leads that is printed at start."""

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.audit.events import Event
from onboarding.web import access, first_account, security
from onboarding.web.forms.first import FirstAccountForm


@never_cache
@sensitive_post_parameters()
@access.public_alone
def first(request: HttpRequest, token: str) -> HttpResponse:
    """Make the first account: e-mail and password, and a company of one's own."""
    try:
        first_account.check(token)
        form = FirstAccountForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            user = first_account.make(
                **form.account,
                language=(translation.get_language() or "en")[:2],
                address=access.client_address(request),
            )
            security.happened(Event.ACCOUNT_CREATED, user, request)
            login = Login(user=user, email=user.email, redirect_url="/")
            return perform_password_login(request, {"email": user.email}, login)
    except first_account.AccountThere:
        return _no_more(request, _("It has been used, or somebody has an account already. Sign in, or be invited."))
    except first_account.LinkTooOld:
        return _no_more(request, _("It is older than a day. Start the portal again: it prints a new one."))
    except first_account.NoSuchLink:
        return _no_more(request, _("It was not copied whole, or is another portal's. Copy it again from the start."))
    return render(request, "first_account.html", {"form": form}, status=422 if form.errors else 200)


def _no_more(request: HttpRequest, why: str) -> HttpResponse:
    return render(request, "first_account_closed.html", {"why": why}, status=410)
