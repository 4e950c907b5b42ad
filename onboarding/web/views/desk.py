"""The desk: requests to decide on, CSRs to sign."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials import duties, issuing, sets
from onboarding.credentials.duties import SameHands
from onboarding.credentials.entitlement import ApplicationClosed
from onboarding.credentials.environments import shown
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.credentials.states import LIFECYCLE as CERTIFICATE_LIFECYCLE
from onboarding.credentials.states import USABLE
from onboarding.credentials.states import State as CertificateState
from onboarding.credentials.telling import put_on_record
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.models import StaffRole, User
from onboarding.partners.people import OwnOrganisation, belongs
from onboarding.programmes import SANDBOX
from onboarding.registrations import conversation, flows, logins
from onboarding.registrations.models import Registration, Side
from onboarding.registrations.states import CLOSED, LIFECYCLE
from onboarding.registrations.states import State as RegistrationState
from onboarding.web import access, talking
from onboarding.web.context import AUDIT_READERS
from onboarding.web.describing import describe_answers, describe_changes
from onboarding.web.forms.credentials import HandOutForm, TakeInForm
from onboarding.web.forms.desk import (
    ApproveForm,
    ChangesForm,
    DeclineForm,
    HandOverForm,
    NoteForm,
    ReinstateForm,
    SuspendForm,
)
from onboarding.web.hanging import hanging
from onboarding.web.history import history
from onboarding.web.presenting import (
    certificate_report,
    explain_findings,
    other_certificate,
    subject_rows,
)
from onboarding.web.requests import PortalRequest
from onboarding.worklist import assigning
from onboarding.worklist.following import open_item
from onboarding.worklist.models import Item, Stage

PAGE_SIZE = 50
CERTIFICATE_TABS = {
    "waiting": (CertificateState.CSR_SUBMITTED, CertificateState.CSR_ACCEPTED),
    "decided": (
        CertificateState.ISSUED,
        CertificateState.ACTIVE,
        CertificateState.CSR_REFUSED,
        CertificateState.SUPERSEDED,
        CertificateState.REVOKED,
    ),
}


@access.staff()
def waiting_messages(request: PortalRequest) -> HttpResponse:
    """The requests in which a partner wrote what nobody has read, or waits for an answer, whatever their state."""
    every = Registration.objects.select_related("application__organisation")
    page = Paginator(conversation.to_answer(every), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "desk/messages.html", {"page": page})


@access.staff(StaffRole.Role.REVIEWER)
def registration(request: PortalRequest, registration_id: UUID) -> HttpResponse:
    """One request, whole."""
    return _registration_page(request, _registration(registration_id))


@access.staff(StaffRole.Role.REVIEWER)
def decide(request: PortalRequest, registration_id: UUID, verb: str) -> HttpResponse:
    """Carry one decision out; what is wrong with it is said on the request's page."""
    found = _registration(registration_id)
    if verb not in DECISIONS:
        raise Http404
    if request.method != "POST":
        return redirect("desk_registration", found.pk)
    form_class, decision, done = DECISIONS[verb]
    extra: dict[str, Any] = {}
    if form_class is ChangesForm:
        extra = {"answers": _under_review(found)}
    elif form_class is HandOverForm:
        extra = {"candidates": _candidates(request, open_item(found))}
    form = form_class(request.POST, **extra)
    if verb not in _possible(found):
        return _too_late(request, found, RegistrationState(found.state), form)
    if form.is_valid():
        try:
            decision(found, actor=access.staff_actor(request), **form.cleaned_data)
        except IllegalTransition as error:
            return _too_late(request, _registration(found.pk), RegistrationState(error.state), form)
        except OwnOrganisation:
            messages.warning(request, OWN)
            return redirect("desk_registration", found.pk)
        except assigning.NotHeld as error:
            messages.warning(request, _not_held(error))
            return redirect("desk_registration", found.pk)
        except assigning.MovedOn:
            messages.warning(request, _("Nothing was changed: a colleague was quicker."))
            return redirect("desk_registration", found.pk)
        except assigning.CannotHave:
            messages.warning(
                request, _("Nothing was changed: whoever belongs to a company does not decide on its requests.")
            )
            return redirect("desk_registration", found.pk)
        except logins.MalformedLogin:
            form.add_error("mzp", _("A partner login has only capital letters and digits, such as MZP128745."))
        except logins.LoginTaken:
            form.add_error(
                "mzp",
                _(
                    "This partner login belongs to another company or was retired. "
                    "It is never issued twice: choose another."
                ),
            )
        else:
            messages.success(request, done)
            return redirect("desk_registration", found.pk)
    return _registration_page(request, found, {verb: form}, status=422)


@access.staff()
def certificates(request: PortalRequest) -> HttpResponse:
    """The certificate requests: those that wait, the longest waiting first; and those done."""
    tab = _tab(request, CERTIFICATE_TABS)
    rows = (
        CertificateRequest.objects.filter(state__in=CERTIFICATE_TABS[tab])
        .exclude(partner_login__environment=SANDBOX)  # signed at once, without staff
        .select_related("application__organisation", "partner_login")
        .order_by("state_since" if tab == "waiting" else "-state_since")
    )
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "desk/certificates.html", {"page": page, "tab": tab})


@access.staff(StaffRole.Role.ISSUER)
def certificate(request: PortalRequest, request_id: UUID) -> HttpResponse:
    """One certificate request: the CSR with its check, and the ways to sign it."""
    return _certificate_page(request, _certificate_request(request_id))


@access.staff(StaffRole.Role.ISSUER)
def certificate_csr(request: PortalRequest, request_id: UUID) -> HttpResponse:
    """The CSR, for the corporate CA."""
    found = _certificate_request(request_id)
    if not found.csr_pem:
        raise Http404
    put_on_record(Event.CSR_DOWNLOADED, found, access.staff_actor(request))
    name = f"{found.partner_login.mzp}-{found.environment}.csr"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(found.csr_pem, content_type="application/pkcs10", headers=headers)


@sensitive_post_parameters()
@access.staff(StaffRole.Role.ISSUER)
def issue(request: PortalRequest, request_id: UUID, verb: str) -> HttpResponse:
    """Sign, take in, or refuse."""
    found = _certificate_request(request_id)
    if verb not in ISSUING:
        raise Http404
    if request.method != "POST":
        return redirect("desk_certificate", found.pk)
    form_class, done = ISSUING[verb]
    extra = _hand_out_extra(found) if form_class is HandOutForm else {}
    form = form_class(request.POST, request.FILES, **extra)
    refused = None
    if not POSSIBLE.get(verb, _waits)(found):
        return _too_late(request, found, CertificateState(found.state), form)
    if form.is_valid():
        try:
            _issue(request, found, verb, form)
        except ApplicationClosed:
            messages.warning(request, ENDED)
            return redirect("desk_certificate", found.pk)
        except IllegalTransition as error:
            return _too_late(request, _certificate_request(found.pk), CertificateState(error.state), form)
        except (OwnOrganisation, SameHands) as error:
            messages.warning(request, OWN if isinstance(error, OwnOrganisation) else APPROVED)
            return redirect("desk_certificate", found.pk)
        except sets.ClientIdTaken:
            form.add_error("client_id", _("This client ID is another company's. Nothing was stored: look it up again."))
        except issuing.CertificateRefused as error:
            refused = certificate_report(error.report, found.application, _desk_page)
        else:
            messages.success(request, done)
            return redirect("desk_certificate", found.pk)
    return _certificate_page(request, found, {verb: form}, refused, status=422)


def _issue(request: PortalRequest, found: CertificateRequest, verb: str, form: Any) -> None:
    actor = access.staff_actor(request)
    if verb == "sign":
        issuing.sign_with_embedded_ca(found, actor=actor)
    elif verb == "hand_out":
        credential_set = _set_to_fill(found)
        if credential_set is None:
            raise IllegalTransition(CERTIFICATE_LIFECYCLE.name, found.state, verb)
        sets.hand_out(credential_set, actor=actor, **form.cleaned_data)
    elif verb == "refuse":
        issuing.refuse_csr(found, note=form.cleaned_data["note"], actor=actor)
    else:
        for claim in issuing.take_in(found, actor=actor, **form.files_given).also_for:
            messages.info(request, other_certificate(claim))


def _desk_page(claim: Mapping[str, Any]) -> str:
    """Return where staff find a certificate request that a finding names."""
    return reverse("desk_certificate", args=[claim["request_id"]])


OWN = gettext_lazy("You are a member of this company, so somebody else decides. Nothing was changed.")
APPROVED = gettext_lazy("You approved this application, so somebody else issues its certificate. Nothing was changed.")

ENDED = gettext_lazy("Nothing was issued: the application is suspended, or has come to its end.")

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
    "suspend": (SuspendForm, flows.suspend, gettext_lazy("Suspended. The partner has been told why.")),
    "reinstate": (
        ReinstateForm,
        flows.reinstate,
        gettext_lazy("Reinstated: everything goes on where it stood. The partner has been told."),
    ),
}
ISSUING: dict[str, tuple[type[forms.Form], Any]] = {
    "sign": (forms.Form, gettext_lazy("Signed. The certificate and the sandbox credentials are with the partner.")),
    "upload": (TakeInForm, gettext_lazy("Checked and released to the partner.")),
    "refuse": (NoteForm, gettext_lazy("Refused. The partner has been told what to change.")),
    "hand_out": (
        HandOutForm,
        gettext_lazy("Handed out: sealed, and the partner has been told. Nobody here sees it again."),
    ),
}


def _waits(found: CertificateRequest) -> bool:
    return found.state in CERTIFICATE_TABS["waiting"]


def _may_be_refused(found: CertificateRequest) -> bool:
    return CERTIFICATE_LIFECYCLE.allows(found.state, "refuse")


def _lacks_something(found: CertificateRequest) -> bool:
    return _set_to_fill(found) is not None


POSSIBLE: Mapping[str, Callable[[CertificateRequest], bool]] = {
    "refuse": _may_be_refused,
    "hand_out": _lacks_something,
}
"""By verb, whether it is possible; the others are as long as it waits."""


def _too_late(
    request: PortalRequest,
    found: Registration | CertificateRequest,
    state: RegistrationState | CertificateState,
    form: forms.Form,
) -> HttpResponse:
    """Say that somebody else decided meanwhile. What was written is shown, to be copied: its form may be gone."""
    messages.warning(request, _moved_on(state))
    written = [
        {"key": bound.label, "value": bound.value()}
        for bound in form
        if isinstance(bound.field.widget, forms.Textarea) and bound.value()
    ]
    if isinstance(found, Registration):
        if written:
            return _registration_page(request, found, unsent=written, status=409)
        return redirect("desk_registration", found.pk)
    if written:
        return _certificate_page(request, found, unsent=written, status=409)
    return redirect("desk_certificate", found.pk)


def _set_to_fill(cycle: CertificateRequest) -> CredentialSet | None:
    """Return the set that staff hand out credentials for; None where nobody waits for them, as in the sandbox."""
    if cycle.state not in USABLE or cycle.environment == SANDBOX or cycle.partner_login.is_claim:
        return None
    return cycle.credential_sets.filter(retired_at=None).select_related("application__organisation").first()


def _hand_out_extra(cycle: CertificateRequest) -> dict[str, Any]:
    """Return what the form has to know: what the programme needs, and what of it is stored."""
    credential_set = _set_to_fill(cycle)
    profile = cycle.application.profile
    has_password = cycle.partner_login.passwords.filter(environment=cycle.environment).exists()
    missing = credential_set.missing(has_password=has_password) if credential_set else profile.credentials
    return {"profile": profile, "held": {name: name not in missing for name in profile.credentials}}


def _possible(registration: Registration) -> list[str]:
    """Return what can be done with a request in its state; one under review can also go from one to another."""
    from_one_to_another = ("take", "hand_over") if registration.state == RegistrationState.IN_REVIEW else ()
    return [verb for verb in DECISIONS if verb in from_one_to_another or LIFECYCLE.allows(registration.state, verb)]


def _registration(registration_id: UUID) -> Registration:
    return get_object_or_404(
        Registration.objects.select_related("application__organisation", "application__partner_login"),
        pk=registration_id,
    )


def _under_review(registration: Registration) -> Mapping[str, Any]:
    submission = registration.submissions.last()
    return submission.answers if submission else registration.answers


def _certificate_request(request_id: UUID) -> CertificateRequest:
    return get_object_or_404(
        CertificateRequest.objects.select_related(
            "application__organisation", "application__registration", "partner_login__organisation", "key"
        ),
        pk=request_id,
    )


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
        "sections": describe_answers(application, answers, change=False, comments=found.comments),
        "differences": describe_changes(before.answers, submission.answers) if before and submission else [],
        "known_logins": application.organisation.partner_logins.filter(environment="", retired_at=None),
        "verbs": possible,
        "is_own": is_own and request.may_change,
        "approve": bound.get("approve") or ApproveForm(initial={"mzp": answers.get("mzp", "")}),
        "decline": bound.get("decline") or DeclineForm(auto_id="decline_%s"),
        "suspend": bound.get("suspend") or SuspendForm(auto_id="suspend_%s"),
        "reinstate": bound.get("reinstate") or ReinstateForm(auto_id="reinstate_%s"),
        "hanging": hanging(application) if {"suspend", "reinstate"} & set(possible) else None,
        "changes": bound.get("request_changes") or ChangesForm(auto_id="changes_%s", answers=answers),
        "bound": list(bound.values()),
        "unsent": unsent,
        "opened": next(iter(bound), ""),
        "timeline": history(entries, application=application, reader=request.user, side=Side.STAFF),
        "talk": talking.read(request, found, Side.STAFF),
        "may_audit": bool(request.user.staff_roles & AUDIT_READERS),
    }
    return render(request, "desk/registration.html", context, status=status)


def _certificate_page(
    request: PortalRequest,
    found: CertificateRequest,
    bound: dict[str, forms.Form] | None = None,
    refused: dict[str, Any] | None = None,
    status: int = 200,
    unsent: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    bound = bound or {}
    is_own = belongs(request.user.pk, found.organisation)
    may_decide = request.may_change and not is_own
    has_approved = duties.has_approved(request.user.pk, found)
    registration: Registration | None = getattr(found.application, "registration", None)
    is_ended = registration is not None and registration.state in CLOSED
    to_sign = _waits(found) and may_decide and not has_approved and not is_ended
    context = {
        "cycle": found,
        "application": found.application,
        "environment": shown(found.application.profile, found.environment),
        "subject": subject_rows(found.application, found.subject),
        "findings": explain_findings(found.findings),
        "can_sign": to_sign and found.environment == SANDBOX,
        "can_upload": to_sign,
        "hand_out": (bound.get("hand_out") or HandOutForm(auto_id="hand_out_%s", **_hand_out_extra(found)))
        if may_decide and _set_to_fill(found)
        else None,
        "is_waited_for": (item := open_item(found)) is not None and item.stage == Stage.HAND_OUT,
        "can_refuse": CERTIFICATE_LIFECYCLE.allows(found.state, "refuse") and may_decide,
        "ended": registration if is_ended and _waits(found) else None,
        "is_own": is_own and request.may_change,
        "has_approved": has_approved and may_decide and found.state in CERTIFICATE_TABS["waiting"],
        "upload": bound.get("upload") or TakeInForm(),
        "refuse": bound.get("refuse") or NoteForm(auto_id="refuse_%s"),
        "refused": refused,
        "report": certificate_report(found.certificate_report, found.application) if found.certificate_report else None,
        "bound": list(bound.values()),
        "unsent": unsent,
        "opened": next(iter(bound), ""),
    }
    return render(request, "desk/certificate.html", context, status=status)


def _tab(request: PortalRequest, tabs: Mapping[str, Any]) -> str:
    tab = request.GET.get("show", "waiting")
    return tab if tab in tabs else "waiting"


def _candidates(request: PortalRequest, item: Item | None) -> QuerySet[User]:
    """Return the colleagues a request can be handed over to."""
    return assigning.candidates(item).exclude(pk=request.user.pk) if item else User.objects.none()


def _not_held(error: assigning.NotHeld) -> str:
    if error.holder is None:
        return _("Nothing was changed: take it first, so that no colleague decides on it at the same time.")
    return _("Nothing was changed: %(person)s has it. Take it over first, if that is agreed.") % {
        "person": error.holder
    }


def _moved_on(state: RegistrationState | CertificateState) -> str:
    return _("Nothing was changed: meanwhile it moved on to “%(state)s”.") % {"state": state.label}
