"""The certificate, and what else a call needs."""

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.audit.events import Event
from onboarding.credentials import issuing, private_keys, sets
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.credentials.states import State
from onboarding.credentials.telling import put_on_record
from onboarding.lifecycle import IllegalTransition
from onboarding.pki import instructions
from onboarding.registrations.models import Application
from onboarding.web import access, journey
from onboarding.web.forms.credentials import ExportKeyForm
from onboarding.web.forms.recording import ReceivedCertificateForm, ReceivedCredentialsForm
from onboarding.web.presenting import certificate_report, certificate_subject, other_certificate, subject_rows
from onboarding.web.requests import PortalRequest
from onboarding.web.revoked import facts_of
from onboarding.web.views.tracks import track_context, track_of


@access.application()
def receive(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """Take in the certificate that came by e-mail."""
    track = track_of(application, environment_id).in_work
    cycle = track.request
    if cycle is None or not track.can_receive:
        return redirect(track.url("certificate" if track.has_certificate else "csr"))
    sent = track.dispatch.sent_on if track.dispatch else None
    form = ReceivedCertificateForm(request.POST or None, request.FILES or None, not_before=sent)
    report = None
    if request.method == "POST" and form.is_valid():
        try:
            actor = access.member_actor(request)
            taken = issuing.take_in(cycle, **form.files_given, actor=actor, outside=form.outside)
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
    context = track_context(track) | {"form": form, "cycle": cycle, "report": report}
    return render(request, "certificate_receive.html", context, status=422 if report else 200)


def _csr_page(claim: Mapping[str, Any]) -> str:
    """Return where a member finds a certificate request that a finding names."""
    return reverse("csr", args=[claim["application_id"], claim["environment_id"]])


@access.application()
def certificate(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The certificate and the CA certificate, to look at and to download; or why it was revoked, and how to go on."""
    if (revoked := track_of(application, environment_id)).is_revoked and revoked.request is not None:
        facts = {"cycle": revoked.request, "facts": facts_of(revoked.request), "turn": journey.track_turn(revoked)}
        return render(request, "certificate_revoked.html", track_context(revoked) | facts)
    track, cycle, _held = _with_certificate(application, environment_id)
    context = track_context(track) | {
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
    put_on_record(Event.CERTIFICATE_DOWNLOADED, cycle, access.member_actor(request), what=what)
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
        pem = private_keys.export_key(
            cycle, passphrase=form.cleaned_data["passphrase"].encode(), actor=access.member_actor(request)
        )
        return _file(pem.decode("ascii"), "private-key.pem")
    return render(request, "key_export.html", track_context(track) | {"form": form})


@sensitive_post_parameters()
@access.application()
def store(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """What is held, and where the rest is stored."""
    track, cycle, held = _with_certificate(application, environment_id)
    names = application.profile.credentials
    have = {name: name not in track.missing for name in names}
    form = ReceivedCredentialsForm(
        request.POST or None, initial={"client_id": held.client_id}, profile=application.profile, held=have
    )
    if request.method == "POST" and form.is_valid():
        try:
            sets.store_credentials(held, actor=access.member_actor(request), outside=form.outside, **form.said)
        except sets.ClientIdTaken:
            form.add_error(
                "client_id",
                _("This client ID belongs to another company. Copy yours again, or ask who gave it to you."),
            )
        else:
            messages.success(request, _("Stored. Secrets are sealed and shown only on request."))
            return redirect(track.url("credentials"))
    context = track_context(track) | {"form": form, "held": held, "have": have, "login": cycle.partner_login}
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
    return render(request, "reveal.html", track_context(track) | {"name": names[what], "shown": shown})


class _Held(NamedTuple):
    track: journey.Track
    cycle: CertificateRequest
    credential_set: CredentialSet


def _with_certificate(application: Application, environment_id: str) -> _Held:
    track = track_of(application, environment_id)
    if track.request is None or track.credential_set is None or not track.has_certificate:
        raise Http404
    return _Held(track, track.request, track.credential_set)


def _file(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(text, content_type="application/x-pem-file", headers=headers)
