"""Rehearsing the mobile SDK on a page: a simulated phone, and what the core says to it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.translation import gettext as _

from onboarding.activation import rehearsing, retention, worlds
from onboarding.activation.models import Rehearsal
from onboarding.mobile.sdk import BY_ID, CarKeyStatus
from onboarding.mobile.situations import BY_NAME
from onboarding.registrations.models import Application
from onboarding.web import access, once
from onboarding.web.forms.sdk_rehearsal import BeginForm, CallForm, CarKeyForm, NumberForm, PhoneForm
from onboarding.web.rehearsal_page import CORE_LABELS, PHONE_LABELS, WAITS, stage
from onboarding.web.requests import PortalRequest
from onboarding.web.sdk_clients import base, clients
from onboarding.web.sdk_problems import ERRORS, Problem, problem_of
from onboarding.web.views.sdk import trace_answer


@access.application()
def rehearsals(request: PortalRequest, application: Application) -> HttpResponse:
    """The application's rehearsals; begin another."""
    there = application.rehearsals.all()
    form = BeginForm(request.POST or None, initial={"name": _("Rehearsal %(number)d") % {"number": len(there) + 1}})
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            begun = rehearsing.begin(
                application,
                **asked,
                by=request.user,
                actor=access.member_actor(request),
                id_=once.new_id(request, Rehearsal, application.pk, *asked.values()),
            )
            return redirect("rehearsal", application.pk, begun.pk)
        except rehearsing.TooManyRehearsals:
            form.add_error(None, _("There are %(most)d rehearsals already. End one first.") % {"most": rehearsing.MOST})
    context = {
        "application": application,
        "rehearsals": there,
        "form": form,
        "most": rehearsing.MOST,
        "days": settings.RETAIN_REHEARSAL_DAYS,
    }
    return render(request, "activation/rehearsals.html", context, status=422 if form.errors else 200)


def _found(application: Application, rehearsal_id: UUID) -> Rehearsal:
    return get_object_or_404(
        Rehearsal.objects.select_related("application__organisation"), pk=rehearsal_id, application=application
    )


@access.application()
def rehearsal(request: PortalRequest, application: Application, rehearsal_id: UUID) -> HttpResponse:
    """One rehearsal, with one of its phones in hand."""
    found = _found(application, rehearsal_id)
    if request.htmx and "news" in request.GET:
        if request.GET["news"] == str(found.revision):
            return HttpResponse(status=204)
        return render(request, "activation/rehearsal.html#news", {"rehearsal": found, "here": _address(request, found)})
    return _page(request, found, request.GET.get("phone", ""))


def _address(request: PortalRequest, found: Rehearsal) -> str:
    phone = urlencode({"phone": request.GET["phone"]}) if "phone" in request.GET else ""
    return f"{reverse('rehearsal', args=[found.application_id, found.pk])}?{phone}"


def _page(request: PortalRequest, found: Rehearsal, device: str, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page; for htmx, the part of it that changes. A token that was just made is in `more`."""
    token = more.pop("token", "")
    chosen, meeting = (more.pop(name, request.GET.get(name, "")) for name in ("call", "meet"))
    context = {
        "application": found.application,
        "rehearsal": found,
        "stage": stage(found, device, chosen, meeting, **more),
        "kept_until": retention.kept_until(found),
        "most_calls": rehearsing.MAX_CALLS,
        "token": token,
        "base": base(found),
        "clients": clients(found),
        "bound": [form for form in more.values() if hasattr(form, "is_bound")],
    }
    # When the reader goes back, htmx asks for the whole page.
    part = request.htmx and not request.htmx.history_restore_request
    template = "activation/rehearsal.html#stage" if part else "activation/rehearsal.html"
    response = render(request, template, context | {"is_part": part}, status=200 if part else status)
    patch_vary_headers(response, ["HX-Request"])
    if token:
        add_never_cache_headers(response)
    return response


@access.application()
def trace(request: PortalRequest, application: Application, rehearsal_id: UUID) -> HttpResponseBase:
    """All calls and messages as a trace, to take along or to have checked."""
    return trace_answer(_found(application, rehearsal_id))


@access.application()
def do(request: PortalRequest, application: Application, rehearsal_id: UUID, verb: str) -> HttpResponse:
    """Do one of the things that can be done in a rehearsal."""
    if verb not in VERBS:
        raise Http404
    found = _found(application, rehearsal_id)
    if request.method != "POST":
        return redirect("rehearsal", application.pk, found.pk)
    device = request.POST.get("phone", "")
    try:
        return VERBS[verb](request, found, device)
    except (*ERRORS, rehearsing.UnknownSwitch) as error:
        problem = problem_of(error) or Problem("field_unknown", field=str(error), wanted="")
        if problem.code == "not_found":
            raise Http404 from None
        words = problem.words()
        messages.error(request, f"{words['what']} {words['remedy']}")
        return _back(request, found, device)


def _back(request: PortalRequest, found: Rehearsal, device: str, part: str = "", **query: str) -> HttpResponse:
    """Show the rehearsal as it is now: for htmx the part that changes, else by a redirect."""
    found = _found(found.application, found.pk)
    if request.htmx:
        return _page(request, found, device, call=query.get("call", ""), meet=query.get("meet", ""))
    address = reverse("rehearsal", args=[found.application_id, found.pk])
    return redirect(f"{address}?{urlencode({'phone': device, **query})}{part}")


def _call(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    operation = BY_ID.get(request.POST.get("call", ""))
    world = worlds.load(found.world)
    if operation is None or device not in world.phones:
        raise Http404
    form = CallForm(request.POST, operation=operation, world=world, device=device)
    if not form.is_valid():
        return _page(request, found, device, status=422, call=operation.id, call_form=form)
    rehearsing.call(found, device, operation.method, operation.api, form.parameters)
    return _back(request, found, device, "#answer")


def _meet(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    situation = BY_NAME.get(request.POST.get("situation", ""))
    world = worlds.load(found.world)
    if situation is None or device not in world.phones:
        raise Http404
    for one in situation.calls(world, device):
        rehearsing.call(found, device, one.method, one.api, one.parameters)
    return _back(request, found, device, "#answer")


def _provoke(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    situation = BY_NAME.get(request.POST.get("situation", ""))
    if situation is None or device not in worlds.load(found.world).phones:
        raise Http404
    rehearsing.provoke(found, situation, device)
    return _back(request, found, device, "#meet", meet=situation.id)


def _number(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    form = NumberForm(request.POST)
    number = 0 if "never" in request.POST else form.cleaned_data["number"] if form.is_valid() else None
    if number is None:
        raise Http404
    rehearsing.force(found, number)
    return _back(request, found, device, "#call")


def _switched(request: PortalRequest, known: Any) -> dict[str, bool]:
    """Return the one switch that was pressed, "name:on" or "name:off"."""
    name, _colon, value = request.POST.get("switch", "").partition(":")
    if name not in known or value not in ("on", "off"):
        raise Http404
    return {name: value == "on"}


def _phone_switch(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    if device not in worlds.load(found.world).phones:
        raise Http404
    rehearsing.switch(found, phones={device: _switched(request, PHONE_LABELS)})
    return _back(request, found, device, "#phone")


def _core_switch(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    rehearsing.switch(found, core=_switched(request, CORE_LABELS))
    return _back(request, found, device, "#core")


def _blocked(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    rehearsing.switch(found, blocked=_switched(request, ("blocked",))["blocked"])
    return _back(request, found, device, "#core")


def _carkey(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    form = CarKeyForm(request.POST)
    if not form.is_valid():
        raise Http404
    rehearsing.switch(found, carkey=CarKeyStatus(form.cleaned_data["carkey"]))
    return _back(request, found, device, "#core")


def _wait(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    seconds = request.POST.get("seconds", "")
    if seconds not in [str(one) for one, _label in WAITS]:
        raise Http404
    rehearsing.wait(found, int(seconds))
    return _back(request, found, device, "#phone")


def _put_right(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    if device not in worlds.load(found.world).phones:
        raise Http404
    rehearsing.put_right(found, device)
    return _back(request, found, device, "#phone")


def _add_phone(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    form = PhoneForm(request.POST, auto_id="phone_%s")
    if not form.is_valid():
        return _page(request, found, device, status=422, phone_form=form)
    rehearsing.add_phone(found, form.cleaned_data["name"])
    return _back(request, found, form.cleaned_data["name"], "#phones")


def _reset(request: PortalRequest, found: Rehearsal, _device: str) -> HttpResponse:
    rehearsing.reset(found)
    messages.success(request, _("Begun again: one phone, an account on which nothing was done."))
    return redirect("rehearsal", found.application_id, found.pk)


def _token(request: PortalRequest, found: Rehearsal, device: str) -> HttpResponse:
    token = rehearsing.make_token(found, actor=access.member_actor(request))
    return _page(request, found, device, token=token)


def _end(request: PortalRequest, found: Rehearsal, _device: str) -> HttpResponse:
    rehearsing.end(found, actor=access.member_actor(request))
    messages.success(request, _("The rehearsal is ended, and all that was in it deleted."))
    return redirect("rehearsals", found.application_id)


VERBS: dict[str, Callable[[PortalRequest, Rehearsal, str], HttpResponse]] = {
    "call": _call,
    "meet": _meet,
    "provoke": _provoke,
    "number": _number,
    "switch": _phone_switch,
    "core": _core_switch,
    "blocked": _blocked,
    "carkey": _carkey,
    "wait": _wait,
    "put-right": _put_right,
    "phones": _add_phone,
    "reset": _reset,
    "token": _token,
    "end": _end,
}
