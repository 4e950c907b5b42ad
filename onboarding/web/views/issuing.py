"""Issuing: CSRs to sign, certificates to take in, credentials to hand out."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from onboarding import keyset
from onboarding.audit.events import Event
from onboarding.credentials import duties, issuing, revoking, sets, signing
from onboarding.credentials.duties import SameHands
from onboarding.credentials.entitlement import ApplicationClosed
from onboarding.credentials.environments import shown
from onboarding.credentials.issuers import issuer_for, name_for
from onboarding.credentials.models import CertificateRequest, CredentialSet, IssuerOrder
from onboarding.credentials.states import LIFECYCLE as CERTIFICATE_LIFECYCLE
from onboarding.credentials.states import USABLE
from onboarding.credentials.states import State as CertificateState
from onboarding.credentials.telling import drafts_to_builders, put_on_record
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.models import StaffRole
from onboarding.partners.people import OwnOrganisation, belongs
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Registration
from onboarding.registrations.states import CLOSED
from onboarding.web import access, letters
from onboarding.web.deciding import OWN, moved_on, written
from onboarding.web.forms.credentials import HandOutForm, TakeInForm
from onboarding.web.forms.desk import NoteForm
from onboarding.web.forms.letters import LetterForm
from onboarding.web.forms.revoking import RevokeForm
from onboarding.web.hanging import on_certificate
from onboarding.web.presenting import certificate_report, explain_findings, other_certificate, subject_rows
from onboarding.web.requests import PortalRequest
from onboarding.web.revoked import facts_of
from onboarding.worklist.following import open_item
from onboarding.worklist.letters import carry_out
from onboarding.worklist.models import Stage

PAGE_SIZE = 50
PEMS = ("csr_pem", "certificate_pem", "ca_pem", "certificate_report", "findings", "subject")
"""What a list does not show, and is long."""
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
def certificates(request: PortalRequest) -> HttpResponse:
    """The certificate requests: those that wait, the longest waiting first; and those done."""
    tab = _tab(request, CERTIFICATE_TABS)
    rows = (
        CertificateRequest.objects.filter(state__in=CERTIFICATE_TABS[tab])
        .exclude(partner_login__environment=SANDBOX)  # signed at once, without staff
        .select_related("application__organisation", "partner_login")
        .defer(*PEMS)
    )
    order = ("state_since", "id") if tab == "waiting" else ("-state_since", "-id")
    page = keyset.page(rows, order, PAGE_SIZE, request.GET.get("from", ""))
    return render(request, "desk/certificates.html", {"page": page, "rows": page.rows, "tab": tab})


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
    extra = EXTRA.get(form_class, _nothing)(found)
    form = form_class(request.POST, request.FILES, **extra)
    refused = None
    if not POSSIBLE.get(verb, _waits)(found):
        return _too_late(request, found, CertificateState(found.state), form)
    beside = _letters(found, request.POST).get(verb, [])
    if letters.step(request) is letters.Step.BACK:
        return _certificate_page(request, found, {verb: form})
    if form.is_valid() and letters.all_valid(beside):
        actor = access.staff_actor(request)
        reading = None
        try:
            if verb in LETTER_VERBS and letters.step(request) is not letters.Step.AT_ONCE:
                reading = letters.decide(
                    request,
                    lambda: _issue(request, _certificate_request(found.pk), verb, form),
                    row=found,
                    actor=actor,
                )
            else:
                said = carry_out(
                    lambda: _issue(request, found, verb, form), letters.instead_of(beside), row=found, actor=actor
                )
                done = said or done
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
            if reading is None:
                messages.success(request, done)
                return redirect("desk_certificate", found.pk)
            back = reverse("desk_certificate", args=[found.pk])
            title = str(found.partner_login)
            words, danger = LETTER_VERBS[verb], verb != "sign"
            return letters.page(request, reading, verb=words, back=back, title=title, danger=danger)
    return _certificate_page(request, found, {verb: form}, refused, status=422, beside={verb: beside})


def _issue(request: PortalRequest, found: CertificateRequest, verb: str, form: Any) -> Any:
    """Call the verb. Returns what is said afterwards, where it is not what `ISSUING` says."""
    actor = access.staff_actor(request)
    if verb == "revoke":
        revoking.revoke(found, actor=actor, **form.cleaned_data)
    elif verb == "tell":
        revoking.tell_ca_again(found, actor=actor)
    elif verb == "sign" and found.environment != SANDBOX:
        signing.order_signature(found, actor=actor)
        return ORDERED
    elif verb == "sign":
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
    return None


BESIDE: Mapping[str, str] = {"upload": "certificate_issued", "hand_out": "credentials_handed_out"}
"""The kind of mail that is read beside the verb's fields, which are files and secrets: they are sent once."""


LETTER_VERBS: Mapping[str, Any] = {
    "sign": gettext_lazy("Sign"),
    "refuse": gettext_lazy("Refuse"),
    "revoke": gettext_lazy("Revoke"),
}
"""The verbs whose mail is read first, on a page of its own; and the words of its button."""


def _letters(found: CertificateRequest, data: QueryDict | None = None) -> dict[str, list[LetterForm]]:
    """Return the mails that are read beside the fields of each verb, as they are, or as they were sent."""
    return {
        verb: letters.beside(
            data, drafts_to_builders(kind, (_set_to_fill(found) if verb == "hand_out" else None) or found)
        )
        for verb, kind in BESIDE.items()
    }


def _desk_page(claim: Mapping[str, Any]) -> str:
    """Return where staff find a certificate request that a finding names."""
    return reverse("desk_certificate", args=[claim["request_id"]])


ORDERED = gettext_lazy("The CA is being asked. What it signs is checked, and released to the partner if it is clean.")

APPROVED = gettext_lazy("You approved this application, so somebody else issues its certificate. Nothing was changed.")

ENDED = gettext_lazy("Nothing was issued: the application is suspended, or has come to its end.")


ISSUING: dict[str, tuple[type[forms.Form], Any]] = {
    "sign": (forms.Form, gettext_lazy("Signed. The certificate and the sandbox credentials are with the partner.")),
    "upload": (TakeInForm, gettext_lazy("Checked and released to the partner.")),
    "refuse": (NoteForm, gettext_lazy("Refused. The partner has been told what to change.")),
    "hand_out": (
        HandOutForm,
        gettext_lazy("Handed out: sealed, and the partner has been told. Nobody here sees it again."),
    ),
    "revoke": (RevokeForm, gettext_lazy("Revoked, for good. The partner has been told.")),
    "tell": (forms.Form, gettext_lazy("The CA is being asked to revoke it.")),
}


def _has_issuer(found: CertificateRequest) -> bool:
    return _waits(found) and name_for(found.application.programme, found.environment) != "manual"


def _waits(found: CertificateRequest) -> bool:
    return found.state in CERTIFICATE_TABS["waiting"]


def _may_be_refused(found: CertificateRequest) -> bool:
    return CERTIFICATE_LIFECYCLE.allows(found.state, "refuse")


def _may_be_revoked(found: CertificateRequest) -> bool:
    return CERTIFICATE_LIFECYCLE.allows(found.state, "revoke")


def _ca_has_not_revoked(found: CertificateRequest) -> bool:
    asked = signing.latest(found, IssuerOrder.Verb.REVOKE)
    return asked is not None and not asked.is_open and asked.state != IssuerOrder.State.DONE


def _lacks_something(found: CertificateRequest) -> bool:
    return _set_to_fill(found) is not None


POSSIBLE: Mapping[str, Callable[[CertificateRequest], bool]] = {
    "sign": _has_issuer,
    "refuse": _may_be_refused,
    "hand_out": _lacks_something,
    "revoke": _may_be_revoked,
    "tell": _ca_has_not_revoked,
}
"""By verb, whether it is possible; the others are as long as it waits."""


def _too_late(
    request: PortalRequest, found: CertificateRequest, state: CertificateState, form: forms.Form
) -> HttpResponse:
    """Say that somebody else decided meanwhile; nothing that was written is lost."""
    messages.warning(request, moved_on(state))
    if unsent := [*written(form), *letters.written(request.POST)]:
        return _certificate_page(request, found, unsent=unsent, status=409)
    return redirect("desk_certificate", found.pk)


def _set_to_fill(cycle: CertificateRequest) -> CredentialSet | None:
    """Return the set that staff hand out credentials for; None where nobody waits for them, as in the sandbox."""
    if cycle.state not in USABLE or cycle.environment == SANDBOX or cycle.partner_login.is_claim:
        return None
    return cycle.credential_sets.filter(retired_at=None).select_related("application__organisation").first()


def _nothing(_cycle: CertificateRequest) -> dict[str, Any]:
    return {}


def _revoke_extra(cycle: CertificateRequest) -> dict[str, Any]:
    """Return what the form has to know: who revokes, and since when there is something to revoke."""
    begin = cycle.not_valid_before
    return {
        "by_hand": revoking.is_by_hand(cycle),
        "not_before": timezone.localtime(begin).date() if begin else None,
    }


def _hand_out_extra(cycle: CertificateRequest) -> dict[str, Any]:
    """Return what the form has to know: what the programme needs, and what of it is stored."""
    credential_set = _set_to_fill(cycle)
    profile = cycle.application.profile
    has_password = cycle.partner_login.passwords.filter(environment=cycle.environment).exists()
    missing = credential_set.missing(has_password=has_password) if credential_set else profile.credentials
    return {"profile": profile, "held": {name: name not in missing for name in profile.credentials}}


EXTRA: Mapping[type[forms.Form], Callable[[CertificateRequest], dict[str, Any]]] = {
    HandOutForm: _hand_out_extra,
    RevokeForm: _revoke_extra,
}
"""By form, what it has to know."""


def _certificate_request(request_id: UUID) -> CertificateRequest:
    return get_object_or_404(
        CertificateRequest.objects.select_related(
            "application__organisation", "application__registration", "partner_login__organisation", "key"
        ),
        pk=request_id,
    )


def _certificate_page(
    request: PortalRequest,
    found: CertificateRequest,
    bound: dict[str, forms.Form] | None = None,
    refused: dict[str, Any] | None = None,
    status: int = 200,
    unsent: list[dict[str, Any]] | None = None,
    beside: Mapping[str, list[LetterForm]] | None = None,
) -> HttpResponse:
    bound = bound or {}
    is_own = belongs(request.user.pk, found.organisation)
    may_decide = request.may_change and not is_own
    has_approved = duties.has_approved(request.user.pk, found)
    registration: Registration | None = getattr(found.application, "registration", None)
    is_ended = registration is not None and registration.state in CLOSED
    asked = signing.latest(found, IssuerOrder.Verb.SIGN) if _has_issuer(found) else None
    to_sign = _waits(found) and may_decide and not has_approved and not is_ended
    context = {
        "cycle": found,
        "application": found.application,
        "environment": shown(found.application.profile, found.environment),
        "subject": subject_rows(found.application, found.subject),
        "findings": explain_findings(found.findings),
        "can_sign": to_sign and _has_issuer(found) and not (asked is not None and asked.is_open),
        "issuer": issuer_for(found) if to_sign else None,
        "asked": asked,
        "asked_report": certificate_report(asked.report, found.application, _desk_page)
        if asked is not None and asked.report
        else None,
        "can_upload": to_sign,
        "hand_out": (bound.get("hand_out") or HandOutForm(auto_id="hand_out_%s", **_hand_out_extra(found)))
        if may_decide and _set_to_fill(found)
        else None,
        "is_waited_for": (item := open_item(found)) is not None and item.stage == Stage.HAND_OUT,
        "can_refuse": CERTIFICATE_LIFECYCLE.allows(found.state, "refuse") and may_decide,
        "ended": registration if is_ended and _waits(found) else None,
        "revoke": (bound.get("revoke") or _revoke_form(found)) if may_decide and _may_be_revoked(found) else None,
        "by_hand": revoking.is_by_hand(found),
        "facts": facts_of(found) if found.certificate_pem else None,
        "hanging": on_certificate(found) if _may_be_revoked(found) else None,
        "telling": signing.latest(found, IssuerOrder.Verb.REVOKE) if found.revoked_at else None,
        "may_tell": may_decide and found.revoked_at is not None and _ca_has_not_revoked(found),
        "is_own": is_own and request.may_change,
        "has_approved": has_approved and may_decide and found.state in CERTIFICATE_TABS["waiting"],
        "upload": bound.get("upload") or TakeInForm(),
        "refuse": bound.get("refuse") or NoteForm(auto_id="refuse_%s"),
        "refused": refused,
        "report": certificate_report(found.certificate_report, found.application) if found.certificate_report else None,
        "letters": (_letters(found) if to_sign or may_decide else {}) | dict(beside or {}),
        "bound": [*bound.values(), *(form for forms in (beside or {}).values() for form in forms)],
        "unsent": unsent,
        "opened": next(iter(bound), request.GET.get("open", "")),
    }
    return render(request, "desk/certificate.html", context, status=status)


def _revoke_form(found: CertificateRequest) -> RevokeForm:
    asked = {"reason": found.revocation_reason} if found.revocation_asked_at else {}
    return RevokeForm(auto_id="revoke_%s", initial=asked, **_revoke_extra(found))


def _tab(request: PortalRequest, tabs: Mapping[str, Any]) -> str:
    tab = request.GET.get("show", "waiting")
    return tab if tab in tabs else "waiting"
