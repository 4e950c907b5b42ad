"""The description: one thing per page, saved at each step, then checked and submitted."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from onboarding.lifecycle import IllegalTransition
from onboarding.registrations import flows
from onboarding.registrations.description import (
    STEPS,
    chosen_items,
    is_blank,
    left_out,
    missing,
    not_offered,
)
from onboarding.registrations.drafts import Conflict, Merge
from onboarding.registrations.models import Application, Registration, Submission
from onboarding.registrations.reopening import commented_steps, open_steps
from onboarding.registrations.suggestions import suggestions
from onboarding.web import access
from onboarding.web.describing import (
    People,
    comment_in_words,
    describe_answers,
    describe_changes,
    describe_conflicts,
    labels_of,
    merged_in_words,
)
from onboarding.web.forms.description import FORMS, StepForm, put, with_category
from onboarding.web.requests import PortalRequest

MAX_VERSION = 2**31 - 1


@access.application()
def step(request: PortalRequest, application: Application, step: str) -> HttpResponse:
    """One step of the description."""
    registration = _registration(application)
    if step not in FORMS:
        raise Http404
    if not request.may_change:
        return redirect("describe_check", application.pk)
    if request.method == "POST":
        return _sent(request, registration, step)
    if not registration.is_editable:
        messages.info(request, _("The description was submitted; it cannot be changed now."))
        return redirect("describe_check", application.pk)
    if step not in open_steps(registration):
        messages.info(request, _("Only what is asked for can be changed now."))
        return redirect("describe_check", application.pk)
    return _page(request, registration, step, _form(registration, step, request))


def _sent(request: PortalRequest, registration: Registration, step: str) -> HttpResponse:
    """Save a step that was sent; or show it again, with all that was typed, and say why."""
    data, answers = request.POST.copy(), registration.answers
    for name in [key.removeprefix("keep-") for key in data if key.startswith("keep-")]:
        if data[f"keep-{name}"] == "theirs":
            put(data, name, answers.get(name))
    if not registration.is_editable:
        return _page(request, registration, step, _form(registration, step, request, data), status=409)
    if "preview" in data or "toggle" in data:
        if step == "data" and "toggle" in data:
            with_category(data, str(data["toggle"]), answers["programme"])
        form = _form(registration, step, request, data).for_preview()
        if request.htmx and form.aside:
            return render(request, form.aside, {"summary": form.summary})
        return _page(request, registration, step, form, seen=_seen(data))
    form = _form(registration, step, request, data)
    if not form.is_valid():
        return _page(request, registration, step, form, seen=_seen(data))
    try:
        merged = flows.save_answers(
            registration, form.answers, seen_version=_seen(data), actor=access.member_actor(request)
        )
    except flows.EditedMeanwhile as error:
        for name, answer in error.theirs.items():
            put(data, name, answer)
        form = _form(registration, step, request, data)
        return _page(request, registration, step, form, conflicts=error.conflicts, status=409)
    except flows.ProgrammeFixed:
        registration.refresh_from_db()
        return _page(request, registration, step, _form(registration, step, request), status=409)
    except (IllegalTransition, flows.NotReopened):
        return _page(request, registration, step, form, status=409)
    _tell(request, registration, step, answers, merged)
    return redirect(_after(registration, step))


def _tell(
    request: PortalRequest, registration: Registration, step: str, before: Mapping[str, Any], merged: Merge
) -> None:
    """Say what the person who saved might not expect."""
    if merged.theirs:
        kept = labels_of(merged.theirs)
        messages.info(request, _("Somebody else changed this meanwhile; it was kept: %(names)s.") % {"names": kept})
    for text in merged_in_words(merged.together, registration.answers):
        messages.info(request, text)
    after = registration.answers
    if step != "programme" or before["programme"] == after["programme"]:
        return
    names = [str(_(item.label)) for item in not_offered(after)]
    unused = [question.name for question in left_out(after) if question.name != "data_items"]
    if unused:
        names.append(labels_of(unused))
    if names:
        messages.warning(
            request,
            _("This programme does not ask for, and does not offer: %(names)s. It is left out of what you submit.")
            % {"names": ", ".join(names)},
        )


def _form(registration: Registration, step: str, request: PortalRequest, data: QueryDict | None = None) -> StepForm:
    """Make a step's form; a new one is filled in with what is known."""
    answers = registration.answers
    initial = StepForm.initial_of(answers)
    if step == "company" and data is None:
        given = {name: answer for name, answer in answers.items() if not is_blank(answer)}
        initial = suggestions(registration, request.user) | given
    extra = {"find": (data or request.GET).get("q", "")[:100]} if step == "data" else {}
    form = FORMS[step](data, initial=initial, application=registration.application, answers=answers, **extra)
    for name, text in registration.comments.items():
        if name in form.fields:
            field: Any = form.fields[name]
            field.comment = comment_in_words(text)
            described_by = [f"id_{name}_helptext"] if field.help_text else []
            field.widget.attrs["aria-describedby"] = " ".join([*described_by, f"id_{name}_comment"])
    return form


def _page(
    request: PortalRequest,
    registration: Registration,
    step: str,
    form: StepForm,
    *,
    seen: int | None = None,
    conflicts: list[Conflict] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show a step. seen: the version of the draft that the form was begun with, if it is not the present one."""
    application, answers = registration.application, registration.answers
    context = {
        "application": application,
        "registration": registration,
        "step": step,
        "form": form,
        "version": registration.version if seen is None else seen,
        "conflicts": describe_conflicts(conflicts or (), answers),
        "title": dict(STEPS)[step],
        "steps": _steps(registration, step),
        "can_change": step in open_steps(registration),
        "fixed": step == "programme" and flows.is_programme_fixed(registration),
        "nothing_chosen": step == "purposes" and not chosen_items(answers),
    }
    return render(request, "describe_step.html", context, status=status)


@access.application()
def check(request: PortalRequest, application: Application) -> HttpResponse:
    """Check your answers; submit."""
    registration = _registration(application)
    if request.method == "POST":
        seen = _seen(request.POST) if "version" in request.POST else None
        try:
            submission = flows.submit(registration, actor=access.member_actor(request), seen_version=seen)
        except flows.Incomplete as error:
            names = ", ".join(_(str(question.label)) for question in error.questions)
            messages.error(request, _("Not submitted. Still missing: %(names)s.") % {"names": names})
            return redirect("describe_check", application.pk)
        except flows.ChangedSinceRead:
            messages.warning(
                request, _("Not submitted: somebody changed the description after you read it. Read it once more.")
            )
            return redirect("describe_check", application.pk)
        except IllegalTransition:
            messages.info(request, _("It was submitted already."))
        else:
            messages.success(
                request,
                _("Submitted to %(operator)s under the number %(reference)s.")
                % {"operator": settings.OPERATOR_NAME, "reference": submission.receipt},
            )
        last = registration.submissions.last()
        return redirect("receipt", application.pk, last.number) if last else redirect("application", application.pk)
    change = registration.is_editable and request.may_change
    submissions = list(registration.submissions.all())
    context = {
        "application": application,
        "registration": registration,
        "sections": describe_answers(application, registration.answers, change=change, comments=registration.comments),
        "missing": [
            {"label": _(str(question.label)), "href": reverse("describe", args=[application.pk, question.step])}
            for question in missing(registration.answers)
        ],
        "change": change,
        "steps": _steps(registration, "check"),
        "submissions": submissions,
        "differences": describe_changes(submissions[-1].answers, registration.answers)
        if submissions and registration.is_editable
        else [],
    }
    return render(request, "describe_check.html", context)


@access.application()
def receipt(request: PortalRequest, application: Application, number: int) -> HttpResponse:
    """What was submitted, to whom, when, and what happens next: to print, and to come back to."""
    submission = get_object_or_404(
        Submission.objects.select_related("submitted_by", "registration__application"),
        registration=_registration(application),
        number=number,
    )
    before = application.registration.submissions.filter(number=number - 1).first()
    context = {
        "application": application,
        "registration": application.registration,
        "differences": describe_changes(before.answers, submission.answers) if before else [],
        "submission": submission,
        "by": People.read([submission.submitted_by_id]).name(submission.submitted_by_id),
        "decide_by": date_format(submission.decide_by, pgettext("date format", "j M Y"))
        if submission.decide_by
        else "",
        "is_latest": not application.registration.submissions.filter(number__gt=number).exists(),
        "sections": describe_answers(application, submission.answers, change=False),
    }
    return render(request, "receipt.html", context)


def _registration(application: Application) -> Registration:
    registration: Registration | None = getattr(application, "registration", None)
    if registration is None:
        raise Http404
    # The two are one thing to the pages: changing the one is to be seen at the other.
    registration.application = application
    return registration


def _seen(data: QueryDict) -> int:
    """Return the version that a form says it was begun with. What is none was begun with nothing."""
    given = data.get("version", "")
    return min(int(given), MAX_VERSION) if given.isascii() and given.isdecimal() and len(given) < 12 else 0


def _after(registration: Registration, step: str) -> str:
    """Return where to go next: the next step that is unanswered, else the check."""
    order = [slug for slug, _label in STEPS]
    here = order.index(step)
    pk = registration.application_id
    if asked := next((slug for slug in order[here + 1 :] if slug in commented_steps(registration)), None):
        return reverse("describe", args=[pk, asked])
    unanswered = next((slug for slug in order[here + 1 :] + order[:here] if missing(registration.answers, slug)), None)
    return reverse("describe", args=[pk, unanswered]) if unanswered else reverse("describe_check", args=[pk])


def _steps(registration: Registration, current: str) -> list[dict[str, Any]]:
    opened, asked = open_steps(registration), commented_steps(registration)
    rows = [
        {
            "label": label,
            "asked": slug in asked,
            "state": "current" if slug == current else "todo" if missing(registration.answers, slug) else "done",
            "href": reverse("describe", args=[registration.application_id, slug]) if slug in opened else None,
        }
        for slug, label in sorted(STEPS, key=lambda one: one[0] not in asked)
    ]
    complete = not missing(registration.answers)
    href = reverse("describe_check", args=[registration.application_id])
    return [
        *rows,
        {
            "label": _("Check"),
            "state": "current" if current == "check" else "todo",
            "href": href if complete else None,
        },
    ]
