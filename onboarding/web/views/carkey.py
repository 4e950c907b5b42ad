"""CarKey: what has to be so in the car, what each status means, and what the two messages say."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.mobile import sdk
from onboarding.registrations.models import Application
from onboarding.web import access, carkeys, mobile
from onboarding.web.forms.mobile import CarKeyForm
from onboarding.web.requests import PortalRequest
from onboarding.web.views.activation import code_context, values_form


@never_cache
@sensitive_post_parameters()
@access.application(change=access.MEMBERS)
def carkey(request: PortalRequest, application: Application) -> HttpResponse:
    """The guide to the CarKey. Its forms change nothing, so viewers may send them, too."""
    values = values_form(request)
    now = timezone.now()
    form, said = CarKeyForm(), []
    if request.method == "POST" and not values.is_bound:
        form = CarKeyForm(request.POST)
        if form.is_valid():
            given = [(side, form.cleaned_data[f"private_{side.name}"]) for side in carkeys.SIDES]
            told = {side.name: carkeys.heard(side, text, now) for side, text in given if text.strip()}
            said = list(told.values())
            form = CarKeyForm(initial={f"private_{name}": one["text"] for name, one in told.items()})
    context = {
        "application": application,
        "here": "carkey",
        "requirements": requirements(),
        "statuses": carkeys.statuses(),
        "errors": list(mobile.error_rows(carkeys.ERRORS)),
        "examples": mobile.examples(now),
        "messages_form": form,
        "said": said,
        "forms": [values, form],
    }
    return render(request, "activation/carkey.html", context | code_context(values))


@access.application()
def checklist(request: PortalRequest, application: Application) -> HttpResponse:
    """The requirements, large, to show to the person in the car."""
    return render(request, "activation/checklist.html", {"application": application, "requirements": requirements()})


def requirements() -> list[dict[str, str]]:
    """Return what has to be so in the car, in words."""
    return [{"id": one.id, "title": _(one.title)} for one in sdk.CARKEY_REQUIREMENTS]
