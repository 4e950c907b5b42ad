"""Review: a request to decide on, whole."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.activation.attaching import attached_to
from onboarding.audit.models import Entry
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.models import StaffRole, User
from onboarding.partners.people import OwnOrganisation, belongs
from onboarding.registrations import flows, logins
from onboarding.registrations.models import Registration, Side
from onboarding.registrations.retention import kept_until
from onboarding.registrations.states import LIFECYCLE
from onboarding.registrations.states import State as RegistrationState
from onboarding.web import access, letters, talking
from onboarding.web.context import AUDIT_READERS
from onboarding.web.deciding import OWN, moved_on, written
from onboarding.web.describing import describe_answers, describe_changes
from onboarding.web.forms.desk import (
    RANGE_LOW,
    ApproveForm,
    ChangesForm,
    DeclineForm,
    HandOverForm,
    ReinstateForm,
    ReopenForm,
    SuspendForm,
)
from onboarding.web.hanging import hanging, usable_certificates
from onboarding.web.hinting import hints_in_words
from onboarding.web.history import history
from onboarding.web.requests import PortalRequest
from onboarding.worklist import assigning
from onboarding.worklist.following import open_item
from onboarding.worklist.models import Item

LOGINS_OFFERED = 20
"""Of a company's partner logins; further ones can be typed."""


@access.staff(StaffRole.Role.REVIEWER)
def registration(request: PortalRequest, registration_id: UUID) -> HttpResponse:
    """One request, whole."""
    return _registration_page(request, _registration(registration_id))


@access.staff(StaffRole.Role.REVIEWER)
def decide(request: PortalRequest, registration_id: UUID, verb: str) -> HttpResponse:
    """Carry one decision out; what is wrong with it is said on the request's page."""
    found = _registration(registration_id)
    if verb not in DECISIONS or (letters.step(request) is not letters.Step.AT_ONCE and verb not in LETTER_VERBS):
        raise Http404
    if request.method != "POST":
        return redirect("desk_registration", found.pk)
    form_class, decision, done = DECISIONS[verb]
    extra: dict[str, Any] = {}
    if form_class is ChangesForm:
        extra = {"answers": _under_review(found)}
    elif form_class is HandOverForm:
        extra = {"candidates": _candidates(request, open_item(found))}
    elif form_class is ApproveForm:
        extra = _logins_offered(found)
    form = form_class(request.POST, **extra)
    if verb not in _possible(found):
        return _too_late(request, found, RegistrationState(found.state), form)
    if letters.step(request) is letters.Step.BACK:
        return _registration_page(request, found, {verb: form})
    if form.is_valid():
        actor = access.staff_actor(request)
        try:
            reading = letters.decide(
                request,
                # Loaded anew: what is tried and undone leaves its marks on the row.
                lambda: decision(_registration(found.pk), actor=actor, **form.cleaned_data),
                row=found,
                actor=actor,
            )
        except IllegalTransition as error:
            return _too_late(request, _registration(found.pk), RegistrationState(error.state), form)
        except OwnOrganisation:
            return _refused(request, found, OWN, form)
        except assigning.NotHeld as error:
            return _refused(request, found, _not_held(error), form)
        except assigning.MovedOn:
            return _refused(request, found, _("Nothing was changed: a colleague was quicker."), form)
        except assigning.CannotHave:
            words = _("Nothing was changed: whoever belongs to a company does not decide on its requests.")
            return _refused(request, found, words, form)
        except flows.DescriptionErased:
            return _refused(request, found, _("The description was erased, so it cannot be reopened."), form)
        except logins.MalformedLogin:
            form.add_error("mzp", _("A partner login has only capital letters and digits, such as MZP128745."))
        except logins.LoginTaken as error:
            form.add_error("mzp", _taken(error))
        except logins.RangeExhausted:
            form.add_error("mzp", _("The range of partner logins is used up: type one, and tell the administrator."))
        except logins.NextMoved as error:
            words = _("Nothing was changed: a colleague was quicker, and the next partner login is %(mzp)s now.")
            messages.warning(request, words % {"mzp": error.mzp})
            return _registration_page(request, found, unsent=letters.written(request.POST), status=409)
        else:
            if reading is None:
                messages.success(request, done)
                return redirect("desk_registration", found.pk)
            return letters.page(
                request,
                reading,
                verb=LETTER_VERBS[verb],
                back=reverse("desk_registration", args=[found.pk]),
                title=str(found.application),
                danger=verb in ("decline", "suspend"),
            )
    return _registration_page(request, found, {verb: form}, status=422)


DECISIONS: dict[str, tuple[type[forms.Form], Callable[..., Any], Any]] = {
    "take": (forms.Form, flows.take, gettext_lazy("You have it now.")),
    "hand_over": (HandOverForm, flows.assign, gettext_lazy("Handed over. Your colleague has a mail.")),
    "release": (forms.Form, flows.release, gettext_lazy("Given back: any reviewer can take it.")),
    "approve": (ApproveForm, flows.approve, gettext_lazy("Approved. The partner has been told.")),
    "request_changes": (
        ChangesForm,
        flows.request_changes,
        gettext_lazy("Given back. The partner has been told what to change."),
    ),
    "decline": (DeclineForm, flows.decline, gettext_lazy("Declined. The partner has been told why.")),
    "reopen": (ReopenForm, flows.reopen, gettext_lazy("Reopened. The partner has been told why.")),
    "suspend": (SuspendForm, flows.suspend, gettext_lazy("Suspended. The partner has been told why.")),
    "reinstate": (
        ReinstateForm,
        flows.reinstate,
        gettext_lazy("Reinstated: everything goes on where it stood. The partner has been told."),
    ),
}


LETTER_VERBS: dict[str, Any] = {
    "approve": gettext_lazy("Approve"),
    "request_changes": gettext_lazy("Give it back"),
    "decline": gettext_lazy("Decline"),
    "reopen": gettext_lazy("Reopen"),
    "suspend": gettext_lazy("Suspend"),
    "reinstate": gettext_lazy("Reinstate"),
}
"""The decisions with a mail to the partner, which can be read first; and the words of their buttons."""


def _taken(error: logins.LoginTaken) -> str:
    """Return the words for a partner login that cannot be this company's."""
    mzp = str(error)
    if isinstance(error, logins.LoginRetired):
        return _(
            "Partner login %(mzp)s was retired, and none is ever issued again. Choose another, or ask the company "
            "which one it uses now."
        ) % {"mzp": mzp}
    holder = logins.holder_of(mzp)
    return _(
        "Partner login %(mzp)s belongs to another company (%(company)s), and none is ever issued twice. Choose "
        "another, or ask this company whether it has mistyped its own."
    ) % {"mzp": mzp, "company": holder.organisation if holder else "?"}


def _logins_offered(found: Registration) -> dict[str, Any]:
    """Return what the form of an approval offers: the company's own partner logins, and the next of the range."""
    own = found.organisation.partner_logins.filter(environment="", retired_at=None, confirmed_at__isnull=False)
    return {
        "own": list(own.order_by("mzp").values_list("mzp", flat=True)[:LOGINS_OFFERED]),
        "following": logins.next_of_range(),
        "named": str(_under_review(found).get("mzp") or ""),
    }


def _too_late(request: PortalRequest, found: Registration, state: RegistrationState, form: forms.Form) -> HttpResponse:
    """Say that somebody else decided meanwhile; nothing that was written is lost."""
    return _refused(request, found, moved_on(state), form)


def _refused(request: PortalRequest, found: Registration, words: Any, form: forms.Form) -> HttpResponse:
    """Say why nothing was changed; nothing that was written is lost."""
    messages.warning(request, words)
    if unsent := [*written(form), *letters.written(request.POST)]:
        return _registration_page(request, found, unsent=unsent, status=409)
    return redirect("desk_registration", found.pk)


def _possible(registration: Registration) -> list[str]:
    """Return what can be done with a request in its state; one under review can also go from one to another."""
    from_one_to_another = ("take", "hand_over") if registration.state == RegistrationState.IN_REVIEW else ()
    gone = ("reopen",) if registration.erased_at else ()
    return [
        verb
        for verb in DECISIONS
        if verb not in gone and (verb in from_one_to_another or LIFECYCLE.allows(registration.state, verb))
    ]


def _registration(registration_id: UUID) -> Registration:
    return get_object_or_404(
        Registration.objects.select_related("application__organisation", "application__partner_login"),
        pk=registration_id,
    )


def _under_review(registration: Registration) -> Mapping[str, Any]:
    submission = registration.submissions.last()
    return submission.answers if submission else registration.answers


def _registration_page(
    request: PortalRequest,
    found: Registration,
    bound: dict[str, forms.Form] | None = None,
    status: int = 200,
    unsent: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    application = found.application
    before, submission = ([None, None, *found.submissions.all()])[-2:]
    answers = submission.answers if submission else found.answers
    bound = bound or {}
    item = open_item(found)
    is_mine = item is not None and item.assignee_id == request.user.pk
    is_own = belongs(request.user.pk, application.organisation)
    may_decide = request.may_change and not is_own
    possible = _possible(found) if may_decide else []
    if is_mine:
        possible = [verb for verb in possible if verb != "take"]
    elif item is not None:  # only whoever has it decides; what waits for nobody has no holder
        possible = ["take"] if may_decide else []
    entries = Entry.objects.filter(application_id=application.pk).order_by("-occurred_at")[:50]
    context = {
        "registration": found,
        "item": item,
        "is_mine": is_mine,
        "hand_over": bound.get("hand_over")
        or HandOverForm(auto_id="hand_over_%s", candidates=_candidates(request, item)),
        "application": application,
        "submission": submission,
        "hints": None if found.erased_at else hints_in_words(application, answers),
        "sections": describe_answers(application, answers, change=False, comments=found.comments),
        "differences": describe_changes(before.answers, submission.answers) if before and submission else [],
        "verbs": possible,
        "is_own": is_own and request.may_change,
        "approve": bound.get("approve") or (ApproveForm(**_logins_offered(found)) if "approve" in possible else None),
        "range_low": RANGE_LOW,
        "decline": bound.get("decline") or DeclineForm(auto_id="decline_%s"),
        "kept_until": timezone.localdate(until) if (until := kept_until(found)) else None,
        "reopen": bound.get("reopen") or ReopenForm(auto_id="reopen_%s"),
        "suspend": bound.get("suspend") or SuspendForm(auto_id="suspend_%s"),
        "reinstate": bound.get("reinstate") or ReinstateForm(auto_id="reinstate_%s"),
        "certificates": usable_certificates(application) if {"suspend", "reinstate"} & set(possible) else (),
        "hanging": hanging(application) if {"suspend", "reinstate"} & set(possible) else None,
        "changes": bound.get("request_changes") or ChangesForm(auto_id="changes_%s", answers=answers),
        "bound": list(bound.values()),
        "unsent": unsent,
        "opened": next(iter(bound), ""),
        "trace_reports": attached_to(application),
        "timeline": history(entries, application=application, reader=request.user, side=Side.STAFF),
        "talk": talking.read(request, found, Side.STAFF),
        "may_audit": bool(request.user.staff_roles & AUDIT_READERS),
    }
    return render(request, "desk/registration.html", context, status=status)


def _candidates(request: PortalRequest, item: Item | None) -> QuerySet[User]:
    """Return the colleagues a request can be handed over to."""
    return assigning.candidates(item).exclude(pk=request.user.pk) if item else User.objects.none()


def _not_held(error: assigning.NotHeld) -> str:
    if error.holder is None:
        return _("Nothing was changed: take it first, so that no colleague decides on it at the same time.")
    return _("Nothing was changed: %(person)s has it. Take it over first, if that is agreed.") % {
        "person": error.holder
    }
