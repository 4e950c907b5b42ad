"""The key and its CSR: who makes and keeps it, and the ways from there to a CSR that was submitted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from onboarding.credentials import flows, known, private_keys
from onboarding.credentials.entitlement import ApplicationClosed, known_login
from onboarding.credentials.models import CertificateRequest, KeyOrder
from onboarding.credentials.states import LIFECYCLE, USABLE, State
from onboarding.findings import Finding
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.actors import Actor
from onboarding.partners.models import PartnerLogin
from onboarding.partners.people import contact_addresses, missing_contacts, verified_addresses
from onboarding.pki import instructions, recipe
from onboarding.pki.csr import CsrReport
from onboarding.registrations.models import Application
from onboarding.registrations.states import CLOSED
from onboarding.web import access, heartbeat, journey
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.credentials import (
    CUSTODIES,
    BrowserCsrForm,
    BrowserKeyForm,
    CsrForm,
    ImportKeyForm,
    MakeKeyForm,
    SubjectForm,
)
from onboarding.web.presenting import explain_findings, key_order_steps, key_row, steps, subject_rows
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of

Custody = CertificateRequest.Custody

KEY_PAGES = {Custody.BROWSER: "key_browser", Custody.OWN: "key_upload", Custody.VAULT: "key_make"}
"""Where the choice of a custody leads."""

USUAL_TIME: Mapping[int, Any] = {
    2048: gettext_lazy("usually done in less than a second"),
    3072: gettext_lazy("usually done in a second"),
    4096: gettext_lazy("usually done in one to three seconds"),
}
"""How long the worker needs for a key of so many bits."""


SIGNED = gettext_lazy("The CSR was checked and signed. The sandbox's credentials are stored beside it.")


def first_click_wins(view: access.View) -> access.View:
    """Where a second click, or another tab, comes too late, show the CSR that the first one submitted."""

    @wraps(view)
    def inner(request: PortalRequest, application: Application, environment_id: str) -> HttpResponseBase:
        try:
            return view(request, application, environment_id)
        except ApplicationClosed:
            messages.warning(request, _("Nothing new can be asked for: the application has come to its end."))
            return redirect("application", application.pk)
        except IllegalTransition:
            messages.info(request, _("A CSR was submitted already. This is the one."))
            return redirect("csr", application.pk, environment_id)

    return inner


# --- Names and custody ---------------------------------------------------------------------------------------


@access.application()
@first_click_wins
def key(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The names in the certificate, and who makes and keeps the key."""
    track = track_of(application, environment_id).in_work
    if track.request is not None and track.request.state not in (State.AWAITING_CSR, State.REVOKED):
        return redirect(track.url("csr"))
    if not track.can_begin:
        messages.info(request, _why_not(track))
        return redirect("application", application.pk)
    contacts = contact_addresses(application.organisation)
    initial = _subject_so_far(application, track.request, contacts)
    form = SubjectForm(
        request.POST or None,
        initial=initial,
        profile=application.profile,
        custodies=settings.KEY_CUSTODIES,
        verified=verified_addresses(application.organisation),
        contacts=contacts,
    )
    if request.method == "POST" and form.is_valid():
        custody = form.cleaned_data["custody"]
        opened = flows.open_request(application, environment_id, actor=access.member_actor(request))
        flows.describe_key(opened, subject=form.subject, custody=custody)
        return redirect(track.url(KEY_PAGES[custody]))
    context = track_context(track) | {
        "form": form,
        "fixed": _fixed(application, track, known_login(application, environment_id)),
        "remarks": _remarks(application, request.POST or initial),
        "lacks_contacts": missing_contacts(application.organisation),
    }
    return render(request, "key.html", context)


def _remarks(application: Application, subject: Mapping[str, str]) -> "Explained":
    """Explain what can be said of a subject before a key is made, and is no reason to refuse it."""
    return explain_findings(known.email_findings(application.organisation, subject.get("emailAddress", "")))


def _subject_so_far(
    application: Application, cycle: CertificateRequest | None, contacts: Sequence[str]
) -> dict[str, str]:
    """Prefill from what was entered before, else from the company, its first verified contact, and the description."""
    if cycle is not None and cycle.subject:
        return cycle.subject | {"custody": cycle.custody}
    registration = getattr(application, "registration", None)
    answers = registration.answers if registration else {}
    return {
        "C": answers.get("country") or application.organisation.country,
        "O": answers.get("company", application.organisation.name),
        "emailAddress": contacts[0] if contacts else answers.get("contact_email", ""),
    }


def _why_not(track: journey.Track) -> str:
    if not track.is_open and track.application.registration.state in CLOSED:
        return _("Nothing new can be asked for: the application has come to its end.")
    if track.application.partner_login is None:
        return _("Keys and certificates start with the approval, which brings your partner login.")
    return _("Keys and certificates can be asked for once your partner login is confirmed.")


def _fixed(application: Application, track: journey.Track, login: PartnerLogin | None) -> list[dict[str, object]]:
    """login: None for the sandbox's own that is made when one goes on."""
    mzp = login.mzp if login else _("Made for you when you go on")
    is_of_sandbox = track.is_sandbox and (login is None or login.is_of_sandbox)
    of_sandbox = _("A partner login for the sandbox alone. The car maker's own (MZP) comes with the approval.")
    return [
        {
            "key": f"{_(rule.label)} ({rule.attribute})",
            "value": mzp if rule.is_mzp else rule.value,
            "mono": True,
            "note": of_sandbox if rule.is_mzp and is_of_sandbox else f"{_(rule.what)} {_(rule.why)}",
        }
        for rule in application.profile.dn
        if rule.is_mzp or rule.value
    ]


# --- The ways to a CSR ---------------------------------------------------------------------------------------

Explained = list[dict[str, Any]]


def _without_commands(findings: Iterable[Finding]) -> Explained:
    """Explain findings where their commands, which are for OpenSSL in a POSIX shell, are of no use."""
    return explain_findings(replace(finding, params={**finding.params, "command": ""}) for finding in findings)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a CSR: a page with a form, whose answers a verb takes.

    verb: does it, and returns what stood in the way, if anything did. then: the page after it; done: what that says.
    further: what else the template needs. with_commands: whether findings come with the commands that mend them, which
    are for OpenSSL in a POSIX shell.
    """

    custody: Custody
    template: str
    form: Callable[[PortalRequest, CertificateRequest], PortalForm]
    verb: Callable[[CertificateRequest, dict[str, Any], Actor], Sequence[Finding]]
    then: str = "csr"
    done: Any = ""
    further: Callable[[PortalRequest, CertificateRequest], dict[str, Any]] = lambda _request, _cycle: {}
    with_commands: Callable[[PortalRequest], bool] = lambda _request: False


def _walk(request: PortalRequest, track: journey.Track, way: Way) -> HttpResponse:
    """Show a way's page, and take its form."""
    cycle = _awaiting(track, way.custody)
    if cycle is None:
        return redirect(track.url("key"))
    form = way.form(request, cycle)
    findings: Explained = []
    if request.method == "POST" and form.is_valid():
        found = way.verb(cycle, form.cleaned_data, access.member_actor(request))
        if not found:
            if cycle.state in USABLE:  # a login of the sandbox: signed at once
                messages.success(request, SIGNED)
                return redirect(track.url("certificate"))
            if way.done:
                messages.success(request, way.done)
            return redirect(track.url(way.then))
        findings = (explain_findings if way.with_commands(request) else _without_commands)(found)
    context = track_context(track) | {
        "form": form,
        "subject": subject_rows(track.application, cycle.subject),
        # Said before anything else is asked for.
        "obstacles": _without_commands(flows.subject_errors(cycle)),
        "remarks": _remarks(track.application, cycle.subject),
        "findings": findings,
        **way.further(request, cycle),
    }
    return render(request, way.template, context, status=422 if findings else 200)


def _awaiting(track: journey.Track, custody: Custody) -> CertificateRequest | None:
    """Return the cycle if it waits for a CSR in this custody, None if another page is right."""
    cycle = track.request
    chosen = cycle is not None and cycle.custody == custody and custody in settings.KEY_CUSTODIES
    return cycle if cycle is not None and cycle.state == State.AWAITING_CSR and chosen else None


def _refusal(report: CsrReport) -> Sequence[Finding]:
    return () if report.fit else report.findings


def _submit(custody: Custody, cycle: CertificateRequest, data: bytes, actor: Actor) -> Sequence[Finding]:
    return _refusal(flows.submit_csr(cycle, data, actor=actor, custody=custody))


def _order(cycle: CertificateRequest, answers: dict[str, Any], actor: Actor) -> Sequence[Finding]:
    try:
        private_keys.order_key(cycle, bits=answers["bits"], actor=actor)
    except private_keys.SubjectUnfit as error:
        return error.findings
    return ()


def _why_not_kept(cycle: CertificateRequest) -> Explained:
    """Explain what was wrong with the key that was made last, if that was the matter."""
    order = cycle.key_orders.order_by("-created_at").first()
    return _without_commands(Finding.from_json(row) for row in order.findings) if order else []


def _import(cycle: CertificateRequest, answers: dict[str, Any], actor: Actor) -> Sequence[Finding]:
    passphrase = answers["passphrase"].encode() or None
    return _refusal(private_keys.import_key(cycle, answers["key"].read(), passphrase=passphrase, actor=actor))


def _tool(request: PortalRequest) -> str:
    """Return which tool's instructions to show: the one chosen, else what is usual on the reader's system."""
    chosen = request.GET.get("tool", "")
    if chosen in instructions.TOOLS:
        return chosen
    return "powershell" if "Windows" in request.headers.get("User-Agent", "") else "openssl"


def _instructions(tool: str, cycle: CertificateRequest) -> dict[str, Any]:
    rules = cycle.application.profile.key
    return {
        "subject": [*subject_rows(cycle.application, cycle.subject, explained=True), key_row(rules)],
        "tools": instructions.TOOLS,
        "chosen": tool,
        "shell": _(instructions.TOOLS[tool].shell),
        "steps": steps(instructions.TOOLS[tool], cycle.subject, rules.choices[0]),
    }


BROWSER = Way(
    Custody.BROWSER,
    "key_browser.html",
    form=lambda request, _cycle: BrowserCsrForm(request.POST or None),
    verb=lambda cycle, answers, actor: _submit(Custody.BROWSER, cycle, answers["csr"].encode(), actor),
    done=gettext_lazy("The CSR was checked and submitted. Keep the key's file and its passphrase."),
    further=lambda _request, cycle: {
        "key_form": BrowserKeyForm(profile=cycle.application.profile),
        "recipe": recipe.subject_recipe(cycle.subject, cycle.application.profile.dn),
    },
)
UPLOAD = Way(
    Custody.OWN,
    "key_upload.html",
    form=lambda request, _cycle: CsrForm(request.POST or None, request.FILES or None),
    verb=lambda cycle, answers, actor: _submit(Custody.OWN, cycle, answers["data"], actor),
    done=gettext_lazy("The CSR was checked and submitted."),
    further=lambda request, cycle: _instructions(_tool(request), cycle),
    with_commands=lambda request: _tool(request) == "openssl",
)
MAKE = Way(
    Custody.VAULT,
    "key_make.html",
    form=lambda request, cycle: MakeKeyForm(request.POST or None, profile=cycle.application.profile),
    verb=_order,
    then="key_making",
    further=lambda _request, cycle: {"order_findings": _why_not_kept(cycle)},
)
IMPORT = Way(
    Custody.VAULT,
    "key_import.html",
    form=lambda request, _cycle: ImportKeyForm(request.POST or None, request.FILES or None),
    verb=_import,
    done=gettext_lazy("The key was checked and sealed, and its CSR submitted."),
)


@access.application()
@first_click_wins
def key_browser(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `browser`: the page makes the key; only the CSR arrives here."""
    return _walk(request, track_of(application, environment_id).in_work, BROWSER)


@access.application()
@first_click_wins
def key_upload(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `own`: how to make key and CSR, and where to put the CSR."""
    return _walk(request, track_of(application, environment_id).in_work, UPLOAD)


@access.application()
def key_config(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `own`: the names, as the file that OpenSSL reads."""
    track = track_of(application, environment_id).in_work
    cycle = _awaiting(track, Custody.OWN)
    if cycle is None:
        return redirect(track.url("key"))
    config = instructions.openssl_config(cycle.subject, application.profile.key.choices[0])
    headers = {"Content-Disposition": f'attachment; filename="{instructions.CONFIG_FILE}"', "Cache-Control": "no-store"}
    # As bytes: some browsers put .txt behind the name of what they take for text.
    return HttpResponse(config, content_type="application/octet-stream", headers=headers)


@access.application()
@first_click_wins
def key_make(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `vault`: have a key made here."""
    track = track_of(application, environment_id).in_work
    if request.method == "GET" and track.is_key_ordered:
        return redirect(track.url("key_making"))
    return _walk(request, track, MAKE)


@sensitive_post_parameters()
@access.application()
@first_click_wins
def key_import(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `vault`: bring a key that was made elsewhere."""
    return _walk(request, track_of(application, environment_id).in_work, IMPORT)


# --- A key on order ------------------------------------------------------------------------------------------


@never_cache
@vary_on_headers("HX-Request")
@access.application()
def key_making(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """A key on order. While it is made, the fragment asks for itself again; without JavaScript a reload does."""
    track = track_of(application, environment_id).in_work
    order = track.key_order
    if order is None or not order.is_open:
        target = _after_order(request, track)
        return HttpResponseClientRedirect(target) if request.htmx else redirect(target)
    worker_is_there = heartbeat.is_fresh()
    seen = f"{order.state}-{order.step}-{order.attempt}-{worker_is_there:d}"
    if request.htmx and request.GET.get("seen") == seen:
        return HttpResponse(status=204)  # nothing new: the page stays as it is, and nothing is read out again
    context = track_context(track) | {
        "order": order,
        "seen": seen,
        "steps": key_order_steps(order),
        "elapsed": int((timezone.now() - order.created_at).total_seconds()),
        "usual_time": USUAL_TIME.get(order.bits, ""),
        "worker_is_there": worker_is_there,
    }
    return render(request, "key_making.html#order" if request.htmx else "key_making.html", context)


def _after_order(request: PortalRequest, track: journey.Track) -> str:
    """Return where somebody belongs who waited for a key that is not being made (any more)."""
    if track.has_certificate and track.key_order is not None and track.key_order.state == KeyOrder.State.DONE:
        messages.success(request, _("The key was made and sealed, and its certificate signed."))
        return track.url("certificate")
    if track.request_state != State.AWAITING_CSR:
        if track.key_order is not None and track.key_order.state == KeyOrder.State.DONE:
            messages.success(request, _("The key was made and sealed, and its CSR submitted."))
        return track.url("csr")
    if track.has_key_failed:
        return track.url("key_make")  # says why, and makes it possible to ask again
    return track.url("key")


# --- What was submitted --------------------------------------------------------------------------------------


@access.application()
def csr(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """What was submitted; start again while it is not accepted."""
    track = track_of(application, environment_id).in_work
    cycle = track.request
    if cycle is None or cycle.state == State.AWAITING_CSR:
        return redirect(track.url("key"))
    if cycle.is_brought_in:
        return redirect(track.url("certificate"))
    if request.method == "POST":
        try:
            flows.restart(cycle, actor=access.member_actor(request))
        except IllegalTransition:
            messages.warning(request, _("The CSR was accepted meanwhile: it cannot be taken back now."))
            return redirect(track.url("csr"))
        return redirect(track.url("key"))
    context = track_context(track) | {
        "cycle": cycle,
        "turn": journey.track_turn(track),
        "custody": CUSTODIES[Custody(cycle.custody)],
        "subject": subject_rows(application, cycle.subject),
        "findings": explain_findings(cycle.findings),
        "can_restart": LIFECYCLE.allows(cycle.state, "restart") and request.may_change,
    }
    return render(request, "csr.html", context)
