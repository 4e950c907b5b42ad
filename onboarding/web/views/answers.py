"""Solo mode: a member records what the car maker answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.credentials import issuing, recording
from onboarding.credentials.states import LIFECYCLE as CSR_LIFECYCLE
from onboarding.lifecycle import IllegalTransition
from onboarding.registrations import flows, logins
from onboarding.registrations.dispatches import WAITING, of_descriptions
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.states import CLOSED
from onboarding.registrations.states import State as RegistrationState
from onboarding.web import access
from onboarding.web.forms.recording import (
    ApprovalForm,
    ChangesAskedForm,
    CsrRefusedForm,
    DeclinedForm,
    LoginForm,
    OutsideFields,
)
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to be answered. record: the verb. done: what is said then."""

    label: Any
    hint: Any
    form: type[OutsideFields]
    record: Callable[..., Any]
    done: Any
    tone: str = "primary"


ANSWERS: Mapping[str, Answer] = {
    "approved": Answer(
        gettext_lazy("Approved"),
        gettext_lazy("With the partner login (MZP), which your certificates will name."),
        ApprovalForm,
        recording.record_approval,
        gettext_lazy("Recorded: approved. Next, a key and a certificate request."),
    ),
    "changes": Answer(
        gettext_lazy("Changes asked for"),
        gettext_lazy("The description is opened again; the next dossier shows what changed."),
        ChangesAskedForm,
        flows.request_changes,
        gettext_lazy("Recorded. The description can be changed now."),
    ),
    "declined": Answer(
        gettext_lazy("Declined"),
        gettext_lazy("With the reason. The description can be copied as a new application."),
        DeclinedForm,
        flows.decline,
        gettext_lazy("Recorded: declined."),
        "danger",
    ),
}


@access.application(mode="solo")
def answer(request: PortalRequest, application: Application) -> HttpResponse:
    """What did they answer? One choice, each with a page of its own."""
    registration = _waiting(application)
    if registration is None:
        return _moved_on(request, application)
    sent = of_descriptions([application]).get(application.pk)
    context = {"application": application, "answers": ANSWERS, "dispatch": sent}
    return render(request, "answer.html", context)


@access.application(mode="solo")
def answer_record(request: PortalRequest, application: Application, verb: str) -> HttpResponse:
    """Record one answer, with its day and reference."""
    if verb not in ANSWERS:
        raise Http404
    kind, registration = ANSWERS[verb], _waiting(application)
    if registration is None:
        return _moved_on(request, application)
    sent = of_descriptions([application]).get(application.pk)
    extra: dict[str, Any] = {"not_before": sent.sent_on} if sent else {}
    answers = sent.submission.answers if sent and sent.submission else registration.answers
    if kind.form is ChangesAskedForm:
        extra["answers"] = answers
    if kind.form is ApprovalForm:
        login = application.confirmed_login
        extra["initial"] = {"mzp": login.mzp if login else answers.get("mzp", "")}
    form = kind.form(request.POST or None, **extra)
    if request.method == "POST" and form.is_valid():
        actor = access.member_actor(request)
        try:
            kind.record(registration, outside=form.happened, actor=actor, **form.said)
        except IllegalTransition:
            return _moved_on(request, application)
        except (logins.MalformedLogin, logins.LoginTaken) as error:
            _say(form, error)
        else:
            messages.success(request, kind.done)
            return redirect("application", application.pk)
    context = {"application": application, "kind": kind, "form": form, "dispatch": sent}
    return render(request, "answer_record.html", context, status=422 if form.errors else 200)


@access.application(mode="solo")
def login(request: PortalRequest, application: Application) -> HttpResponse:
    """Record the partner login that the company has already: the key and the CSR need not wait for the answer then."""
    registration = _registration(application)
    if registration.state in CLOSED or registration.state == RegistrationState.APPROVED:
        return _moved_on(request, application)
    known = application.organisation.partner_logins.filter(environment="", retired_at=None).values_list(
        "mzp", flat=True
    )
    held = application.confirmed_login
    first = held.mzp if held else registration.answers.get("mzp") or next(iter(known), "")
    form = LoginForm(request.POST or None, initial={"mzp": first})
    if request.method == "POST" and form.is_valid():
        try:
            recording.record_login(
                application,
                outside=form.happened,
                actor=access.member_actor(request),
                **form.said,
            )
        except IllegalTransition:
            return _moved_on(request, application)
        except (logins.MalformedLogin, logins.LoginTaken) as error:
            _say(form, error)
        else:
            messages.success(request, _("Recorded. A key and a certificate request can be made with it now."))
            return redirect("application", application.pk)
    context = {"application": application, "form": form, "known": list(known), "held": held}
    return render(request, "application_login.html", context, status=422 if form.errors else 200)


@access.application(mode="solo")
def csr_refused(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Record that a CSR was refused, and why."""
    track = track_of(application, environment_id).in_work
    cycle = track.request
    if cycle is None or track.is_sandbox or not CSR_LIFECYCLE.allows(cycle.state, "refuse"):
        return _moved_on(request, application)
    form = CsrRefusedForm(request.POST or None, not_before=track.dispatch.sent_on if track.dispatch else None)
    if request.method == "POST" and form.is_valid():
        try:
            issuing.refuse_csr(cycle, outside=form.happened, actor=access.member_actor(request), **form.said)
        except IllegalTransition:
            return _moved_on(request, application)
        messages.success(request, _("Recorded. Take the CSR back, and make another one."))
        return redirect(track.url("csr"))
    context = track_context(track) | {"form": form, "cycle": cycle}
    return render(request, "csr_refused.html", context, status=422 if form.errors else 200)


def _registration(application: Application) -> Registration:
    registration: Registration | None = getattr(application, "registration", None)
    if registration is None:
        raise Http404
    registration.application = application
    return registration


def _waiting(application: Application) -> Registration | None:
    """Return the registration if an answer to it is waited for."""
    registration = _registration(application)
    return registration if registration.state in WAITING else None


def _moved_on(request: PortalRequest, application: Application) -> HttpResponse:
    messages.info(request, _("There is nothing to record there now. This is where it stands."))
    return redirect("application", application.pk)


def _say(form: OutsideFields, error: Exception) -> None:
    words = (
        _("A partner login has only capital letters and digits, such as MZP128745.")
        if isinstance(error, logins.MalformedLogin)
        else _("This partner login is on record as another company's, or was retired. Check it, letter by letter.")
    )
    form.add_error("mzp", words)
