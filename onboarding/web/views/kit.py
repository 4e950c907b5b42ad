"""The integration kit: certificates and examples in one file, ready for the first own call."""

import secrets

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from onboarding.audit.events import Event
from onboarding.credentials import kit as kits
from onboarding.credentials import private_keys
from onboarding.credentials.models import CredentialSet
from onboarding.credentials.telling import put_on_record
from onboarding.registrations.models import Application
from onboarding.web import access, journey
from onboarding.web.forms.credentials import ExportKeyForm
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of


@never_cache
@sensitive_post_parameters()
@access.application()
def kit(request: PortalRequest, application: Application, environment_id: str) -> HttpResponseBase:
    """Download the kit; where the key is kept here, for those who may take it away, with an encrypted copy of it."""
    track = track_of(application, environment_id)
    held = track.credential_set
    if held is None or not track.has_certificate:
        raise Http404
    if "client_id" in track.missing:
        messages.info(request, _("The examples in the kit name your client ID: store it first."))
        return redirect(track.url("credentials"))
    if held.certificate_request.key_id is None or not request.may_change:
        return _file(request, held, kits.build(kits.values_of(held)))
    return _kit_with_key(request, track, held)


@access.recent_sign_in
def _kit_with_key(request: PortalRequest, track: journey.Track, held: CredentialSet) -> HttpResponse:
    form = ExportKeyForm(request.POST or None, initial={"passphrase": secrets.token_urlsafe(18)})
    if request.method == "POST" and form.is_valid():
        key = private_keys.export_key(
            held.certificate_request,
            passphrase=form.cleaned_data["passphrase"].encode(),
            actor=access.member_actor(request),
        )
        return _file(request, held, kits.build(kits.values_of(held), encrypted_key=key))
    return render(request, "kit.html", track_context(track) | {"form": form})


def _file(request: PortalRequest, held: CredentialSet, content: bytes) -> HttpResponse:
    put_on_record(Event.KIT_DOWNLOADED, held, access.member_actor(request))
    name = "-".join(filter(None, ("integration-kit", slugify(str(held.application)), held.environment)))
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return HttpResponse(content, content_type="application/zip", headers=headers)
