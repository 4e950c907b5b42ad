"""Key, CSR, certificate, and what else a call needs."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.credentials import flows, issuing, sets
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.credentials.states import LIFECYCLE, State
from onboarding.findings import Finding
from onboarding.lifecycle import IllegalTransition
from onboarding.pki import instructions, recipe
from onboarding.registrations.models import Application
from onboarding.web import access, journey
from onboarding.web.forms.credentials import (
    BrowserCsrForm,
    BrowserKeyForm,
    CsrForm,
    ExportKeyForm,
    MakeKeyForm,
    StoreCredentialsForm,
    SubjectForm,
    TakeInForm,
)
from onboarding.web.presenting import (
    certificate_report,
    certificate_subject,
    explain_findings,
    other_certificate,
    subject_rows,
)
from onboarding.web.requests import PortalRequest

KEY_PAGES = {
    CertificateRequest.Custody.BROWSER: "key_browser",
    CertificateRequest.Custody.OWN: "key_upload",
    CertificateRequest.Custody.VAULT: "key_make",
}


def first_click_wins(view: access.View) -> access.View:
    """Where a second click, or another tab, comes too late, show the CSR that the first one submitted."""

    @wraps(view)
    def inner(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
        try:
            return view(request, application, environment_id)
        except IllegalTransition:
            messages.info(request, _("A CSR was submitted already. This is the one."))
            return redirect("csr", application.pk, environment_id)

    return inner


@access.application()
@first_click_wins
def key(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The names in the certificate, and who makes and keeps the key."""
    track = _track(application, environment_id)
    if track.request is not None and track.request.state != State.AWAITING_CSR:
        return redirect(track.url("csr"))
    if application.partner_login is None:
        messages.info(request, _("Keys and certificates start with the approval, which brings your partner login."))
        return redirect("application", application.pk)
    form = SubjectForm(
        request.POST or None,
        initial=_subject_so_far(application, track.request),
        profile=application.profile,
        custodies=settings.KEY_CUSTODIES,
    )
    if request.method == "POST" and form.is_valid():
        custody = form.cleaned_data["custody"]
        opened = flows.open_request(application, environment_id, actor=access.member_actor(request))
        flows.describe_key(opened, subject=form.subject, custody=custody)
        return redirect(track.url(KEY_PAGES[custody]))
    context = _context(track) | {"form": form, "fixed": _fixed(application)}
    return render(request, "key.html", context)


@access.application()
@first_click_wins
def key_make(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `vault`: make the key here."""
    track = _track(application, environment_id)
    cycle = _awaiting(track, CertificateRequest.Custody.VAULT)
    if cycle is None:
        return redirect(track.url("key"))
    form = MakeKeyForm(request.POST or None, profile=application.profile)
    findings = []
    if request.method == "POST" and form.is_valid():
        report = flows.make_key(cycle, bits=form.cleaned_data["bits"], actor=access.member_actor(request))
        if report.fit:
            messages.success(request, _("The key was made and sealed, and its CSR submitted."))
            return redirect(track.url("csr"))
        findings = explain_findings(report.findings)
    context = _context(track) | {
        "form": form,
        "cycle": cycle,
        "subject": subject_rows(application, cycle.subject),
        "findings": findings,
    }
    return render(request, "key_make.html", context, status=422 if findings else 200)


@access.application()
@first_click_wins
def key_browser(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `browser`: the page makes the key; only the CSR arrives here."""
    track = _track(application, environment_id)
    cycle = _awaiting(track, CertificateRequest.Custody.BROWSER)
    if cycle is None:
        return redirect(track.url("key"))
    form = BrowserCsrForm(request.POST or None)
    findings = []
    if request.method == "POST" and form.is_valid():
        report = flows.submit_csr(
            cycle,
            form.cleaned_data["csr"].encode(),
            actor=access.member_actor(request),
            custody=CertificateRequest.Custody.BROWSER,
        )
        if report.fit:
            messages.success(request, _("The CSR was checked and submitted. Keep the key's file and its passphrase."))
            return redirect(track.url("csr"))
        findings = _explain_without_commands(report.findings)
    context = _context(track) | {
        "form": form,
        "key_form": BrowserKeyForm(profile=application.profile),
        "subject": subject_rows(application, cycle.subject),
        "recipe": recipe.subject_recipe(cycle.subject, application.profile.dn),
        "obstacles": _explain_without_commands(flows.subject_errors(cycle)),
        "findings": findings,
    }
    return render(request, "key_browser.html", context, status=422 if findings else 200)


@access.application()
@first_click_wins
def key_upload(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `own`: how to make key and CSR, and where to put the CSR."""
    track = _track(application, environment_id)
    cycle = _awaiting(track, CertificateRequest.Custody.OWN)
    if cycle is None:
        return redirect(track.url("key"))
    form = CsrForm(request.POST or None, request.FILES or None)
    findings = []
    if request.method == "POST" and form.is_valid():
        report = flows.submit_csr(cycle, form.cleaned_data["data"], actor=access.member_actor(request))
        if report.fit:
            messages.success(request, _("The CSR was checked and submitted."))
            return redirect(track.url("csr"))
        findings = explain_findings(report.findings)
    context = _context(track) | {
        "form": form,
        "cycle": cycle,
        "findings": findings,
        "openssl_config": instructions.openssl_config(cycle.subject),
        "openssl": instructions.openssl_commands(),
        "keytool": instructions.keytool_commands(cycle.subject),
    }
    return render(request, "key_upload.html", context, status=422 if findings else 200)


@access.application()
def csr(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """What was submitted; start again while it is not accepted."""
    track = _track(application, environment_id)
    cycle = track.request
    if cycle is None or cycle.state == State.AWAITING_CSR:
        return redirect(track.url("key"))
    if request.method == "POST":
        try:
            flows.restart(cycle, actor=access.member_actor(request))
        except IllegalTransition:
            messages.warning(request, _("The CSR was accepted meanwhile: it cannot be taken back now."))
            return redirect(track.url("csr"))
        return redirect(track.url("key"))
    context = _context(track) | {
        "cycle": cycle,
        "turn": journey.track_turn(track),
        "subject": subject_rows(application, cycle.subject),
        "findings": explain_findings(cycle.findings),
        "can_restart": LIFECYCLE.allows(cycle.state, "restart") and request.may_change,
    }
    return render(request, "csr.html", context)


@access.application()
def receive(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Take in the certificate that came by e-mail."""
    track = _track(application, environment_id)
    cycle = track.request
    if cycle is None or not track.can_receive:
        return redirect(track.url("certificate" if track.has_certificate else "csr"))
    form = TakeInForm(request.POST or None, request.FILES or None)
    report = None
    if request.method == "POST" and form.is_valid():
        try:
            taken = issuing.take_in(cycle, actor=access.member_actor(request), **form.files_given)
        except IllegalTransition as error:
            messages.warning(
                request,
                _("Nothing was changed: meanwhile it moved on to “%(state)s”.") % {"state": State(error.state).label},
            )
            return redirect(track.url("csr"))
        except issuing.CertificateRefused as refused:
            report = certificate_report(refused.report, application, _csr_page)
        else:
            messages.success(request, _("The certificate was checked and taken in."))
            for claim in taken.also_for:
                messages.info(request, other_certificate(claim))
            return redirect(track.url("certificate"))
    context = _context(track) | {"form": form, "cycle": cycle, "report": report}
    return render(request, "certificate_receive.html", context, status=422 if report else 200)


def _csr_page(claim: Mapping[str, Any]) -> str:
    """Return where a member finds a certificate request that a finding names."""
    return reverse("csr", args=[claim["application_id"], claim["environment_id"]])


@access.application()
def certificate(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The certificate and the CA certificate, to look at and to download."""
    track, cycle, _held = _with_certificate(application, environment_id)
    context = _context(track) | {
        "cycle": cycle,
        "subject": subject_rows(application, certificate_subject(cycle)),
        "report": certificate_report(cycle.certificate_report, application) if cycle.certificate_report else None,
        "keystore_commands": instructions.keystore_commands() if cycle.key_id is None else (),
    }
    return render(request, "certificate.html", context)


@access.application()
def download(request: PortalRequest, application: Application, environment_id: str, what: str) -> HttpResponse:
    """One of the two files."""
    cycle = _with_certificate(application, environment_id).cycle
    files = {"client-certificate": cycle.certificate_pem, "ca-certificate": cycle.ca_pem}
    if what not in files:
        raise Http404
    return _file(files[what], f"{what}.pem")


@never_cache
@sensitive_post_parameters()
@access.application()
@access.recent_sign_in
def export_key(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Custody `vault`: take a copy of the key away, encrypted under a passphrase."""
    track, cycle, _held = _with_certificate(application, environment_id)
    if cycle.key is None:
        raise Http404
    form = ExportKeyForm(request.POST or None, initial={"passphrase": secrets.token_urlsafe(18)})
    if request.method == "POST" and form.is_valid():
        pem = flows.export_key(
            cycle, passphrase=form.cleaned_data["passphrase"].encode(), actor=access.member_actor(request)
        )
        return _file(pem.decode("ascii"), "private-key.pem")
    return render(request, "key_export.html", _context(track) | {"form": form})


@sensitive_post_parameters()
@access.application()
def store(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """What is held, and where the rest is stored."""
    track, _cycle, held = _with_certificate(application, environment_id)
    names = application.profile.credentials
    have = {name: name not in track.missing for name in names}
    form = StoreCredentialsForm(
        request.POST or None, initial={"client_id": held.client_id}, profile=application.profile, held=have
    )
    if request.method == "POST" and form.is_valid():
        try:
            sets.store_credentials(held, actor=access.member_actor(request), **form.cleaned_data)
        except sets.ClientIdTaken:
            form.add_error(
                "client_id",
                _("This client ID belongs to another company. Copy yours again, or ask who gave it to you."),
            )
        else:
            messages.success(request, _("Stored. Secrets are sealed and shown only on request."))
            return redirect(track.url("credentials"))
    context = _context(track) | {"form": form, "held": held, "have": have, "login": application.partner_login}
    return render(request, "credentials.html", context)


@never_cache
@access.application()
@access.recent_sign_in
def reveal(request: PortalRequest, application: Application, environment_id: str, what: str) -> HttpResponse:
    """Show one secret, once, after a recent sign-in; recorded, and mailed to the owners."""
    track, _cycle, held = _with_certificate(application, environment_id)
    if (
        what not in ("client_secret", "password")
        or what not in application.profile.credentials
        or what in track.missing
    ):
        raise Http404
    names = {"client_secret": _("Client secret"), "password": _("Password of your partner login")}
    shown = ""
    if request.method == "POST":
        shown = sets.reveal(held, what, actor=access.member_actor(request))
    return render(request, "reveal.html", _context(track) | {"name": names[what], "shown": shown})


def _track(application: Application, environment_id: str) -> journey.Track:
    try:
        return journey.track(application, environment_id)
    except KeyError:
        raise Http404 from None


class _Held(NamedTuple):
    track: journey.Track
    cycle: CertificateRequest
    credential_set: CredentialSet


def _with_certificate(application: Application, environment_id: str) -> _Held:
    track = _track(application, environment_id)
    if track.request is None or track.credential_set is None or not track.has_certificate:
        raise Http404
    return _Held(track, track.request, track.credential_set)


def _awaiting(track: journey.Track, custody: str) -> CertificateRequest | None:
    """Return the cycle if it waits for a CSR in this custody, None if another page is right."""
    cycle = track.request
    fits = cycle is not None and cycle.state == State.AWAITING_CSR and cycle.custody == custody
    return cycle if fits else None


def _subject_so_far(application: Application, cycle: CertificateRequest | None) -> dict[str, str]:
    """Prefill from what was entered before, else from the description and the company."""
    if cycle is not None and cycle.subject:
        return cycle.subject | {"custody": cycle.custody}
    registration = getattr(application, "registration", None)
    answers = registration.answers if registration else {}
    return {
        "C": application.organisation.country,
        "O": answers.get("company", application.organisation.name),
        "emailAddress": answers.get("contact_email", ""),
    }


def _fixed(application: Application) -> list[dict[str, object]]:
    login = application.partner_login
    return [
        {
            "key": f"{_(rule.label)} ({rule.attribute})",
            "value": login.mzp if rule.is_mzp and login else rule.value,
            "mono": True,
            "note": _("Your partner login.") if rule.is_mzp else _("The same for all partners."),
        }
        for rule in application.profile.dn
        if rule.is_mzp or rule.value
    ]


def _explain_without_commands(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Explain findings where nobody works with OpenSSL: names are mended in a form, and keys made by the page."""
    return explain_findings(replace(finding, params={**finding.params, "command": ""}) for finding in findings)


def _context(track: journey.Track) -> dict[str, object]:
    return {"application": track.application, "environment": track.environment, "track": track}


def _file(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(text, content_type="application/x-pem-file", headers=headers)
