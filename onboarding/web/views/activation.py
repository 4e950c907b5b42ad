"""Service activation in the mobile SDK: what it is, and each service's guide."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.mobile import sdk
from onboarding.registrations.models import Application
from onboarding.web import access, mobile
from onboarding.web.forms.mobile import NEWEST, ValuesForm
from onboarding.web.requests import PortalRequest

SERVICES = {one.id.replace("_", "-"): one for one in sdk.SERVICES}
"""By the word in the address."""


class ServiceConverter:
    """The services in an address, and no other word, so that the guide's other pages can stand beside them."""

    regex = "|".join(SERVICES)

    def to_python(self, value: str) -> sdk.Service:
        """Return the service."""
        return SERVICES[value]

    def to_url(self, value: sdk.Service | str) -> str:
        """Return the word."""
        return (value if isinstance(value, str) else value.id).replace("_", "-")


@access.application()
def activation(request: PortalRequest, application: Application) -> HttpResponse:
    """What service activation is, and the way."""
    context = {"application": application, "here": "activation", "services": services(), "steps": steps()}
    return render(request, "activation/index.html", context)


@never_cache
@sensitive_post_parameters()
@access.application(change=access.MEMBERS)
def service(request: PortalRequest, application: Application, service: sdk.Service) -> HttpResponse:
    """A service's guide. Values are filled in by a form that changes nothing, so viewers may send it, too."""
    form = values_form(request)
    context = {
        "application": application,
        "here": service.id,
        "service": {"id": service.id, "title": _(service.title), "gives": _(service.gives)},
        "services": services(),
        "steps": steps(),
        "errors": list(mobile.error_rows()),
        "examples": mobile.examples(timezone.now()),
    }
    return render(request, "activation/service.html", context | code_context(form))


def services() -> list[dict[str, str]]:
    """Return the services in words."""
    return [{"id": one.id, "title": _(one.title), "gives": _(one.gives)} for one in sdk.SERVICES]


def steps() -> list[dict[str, str]]:
    """Return the steps in words, in their order."""
    return [{"name": str(one), "title": _(sdk.STEP_TITLES[one]), "task": _(sdk.STEP_TASKS[one])} for one in sdk.Step]


def values_form(request: PortalRequest) -> ValuesForm:
    """Return the form of a page that shows code; the version of the SDK can stand in the address."""
    chosen = request.GET.get("sdk", "")
    initial = {"sdk": chosen if sdk.version(chosen) in sdk.VERSIONS else NEWEST}
    is_sent = request.method == "POST" and "sdk" in request.POST
    return ValuesForm(request.POST if is_sent else None, initial=initial)


def code_context(form: ValuesForm) -> dict[str, Any]:
    """Return what a page shows code with."""
    version = form.version
    return {
        "form": form,
        "version": mobile.text_of(version),
        "has_short_way": version >= sdk.BY_ID["enrol_with_phone"].since,
        "selects_vehicle": version >= sdk.BY_ID["select_vehicle"].since,
        "calls": mobile.calls(version, form.values),
    }
