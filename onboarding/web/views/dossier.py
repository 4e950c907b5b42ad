"""Solo mode: the dossiers for the car maker, to be sent on, and the note that they were."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from onboarding.credentials import recording
from onboarding.credentials.models import CertificateRequest
from onboarding.lifecycle import IllegalTransition
from onboarding.registrations import flows
from onboarding.registrations.description import missing
from onboarding.registrations.models import Application, Dispatch, Registration
from onboarding.web import access, dossier_files, dossiers, journey
from onboarding.web.dossiers import Dossier
from onboarding.web.forms.recording import SentForm
from onboarding.web.journey.turns import registration_turn, track_turn
from onboarding.web.requests import PortalRequest
from onboarding.web.views.tracks import track_context, track_of


@access.application(mode="solo")
def dossier(request: PortalRequest, application: Application) -> HttpResponse:
    """The dossier of the description: what is in it, how to send it on, and the note that it was sent."""
    registration = _described(application)
    if registration.is_editable and missing(registration.answers):
        messages.info(request, _("The description is not complete yet: the dossier is made of it."))
        return redirect("describe_check", application.pk)
    form = None
    if registration.is_editable:
        keys = _keys(recording.csrs_to_send(application))
        form = SentForm(request.POST or None, initial={"version": registration.version, "csrs": keys})
        if request.method == "POST" and form.is_valid():
            return _description_sent(request, application, registration, form)
    elif request.method == "POST":
        messages.info(request, _("It was noted already."))
        return redirect("dossier", application.pk)
    facts = journey.load(application)
    dispatch = facts.dispatch
    context = {
        "application": application,
        "turn": registration_turn(facts) if dispatch else None,
        "form": form,
        **_shown(
            request, lambda: dossiers.of_description(application, registration), dispatch, "dossier", application.pk
        ),
    }
    return render(request, "dossier.html", context, status=422 if form and form.errors else 200)


def _description_sent(
    request: PortalRequest, application: Application, registration: Registration, form: SentForm
) -> HttpResponse:
    seen, csrs = form.cleaned_data["version"], recording.csrs_to_send(application)
    try:
        if form.cleaned_data["csrs"] != _keys(csrs):
            raise flows.ChangedSinceRead
        submission = recording.send_description(
            registration,
            csrs=csrs,
            seen_version=seen if seen is not None else -1,
            outside=form.happened,
            actor=access.member_actor(request),
        )
    except flows.Incomplete:
        return redirect("describe_check", application.pk)
    except flows.ChangedSinceRead:
        messages.warning(
            request, _("Not noted: somebody changed the description after this dossier was made. Make it once more.")
        )
        return redirect("dossier", application.pk)
    except (IllegalTransition, recording.SentAlready):
        messages.info(request, _("It was noted already."))
    else:
        messages.success(
            request,
            _("Noted: %(number)s is with %(operator)s.")
            % {"number": submission.receipt, "operator": settings.OPERATOR_NAME},
        )
    return redirect("application", application.pk)


@access.application(mode="solo")
def dossier_print(request: PortalRequest, application: Application) -> HttpResponse:
    """The dossier of the description, to print."""
    made = _in_language(request, lambda: _of_description(application))
    return _print(request, application, made, reverse("dossier", args=[application.pk]))


@access.application(mode="solo")
def dossier_file(request: PortalRequest, application: Application, what: str, kind: str) -> HttpResponse:
    """The dossier of the description as a file, or the words that ask how it stands."""
    sent = journey.load(application).dispatch
    return _file(request, lambda: _of_description(application), sent, what, kind)


@access.application(mode="solo")
def csr_dossier(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The dossier of a CSR, likewise."""
    track = track_of(application, environment_id).in_work
    cycle = track.request
    if cycle is None or not track.has_dossier:
        return redirect("application", application.pk)
    form = None
    if track.dispatch is None:
        form = SentForm(request.POST or None, initial={"csrs": _keys([cycle])})
        if request.method == "POST" and form.is_valid():
            try:
                if form.cleaned_data["csrs"] != _keys([cycle]):
                    raise IllegalTransition("dossier", cycle.state, "send")
                recording.send_csr(cycle, outside=form.happened, actor=access.member_actor(request))
            except recording.SentAlready:
                messages.info(request, _("It was noted already."))
            except IllegalTransition:
                messages.warning(request, _("Nothing was changed: meanwhile it moved on. This is where it stands now."))
            else:
                messages.success(request, _("Noted: the CSR is with %(name)s.") % {"name": settings.OPERATOR_NAME})
            return redirect("application", application.pk)
    elif request.method == "POST":
        messages.info(request, _("It was noted already."))
        return redirect(track.url("csr_dossier"))
    context = {
        **track_context(track),
        "turn": track_turn(track) if track.dispatch else None,
        "form": form,
        **_shown(
            request, lambda: dossiers.of_csr(cycle), track.dispatch, "csr_dossier", application.pk, environment_id
        ),
    }
    return render(request, "dossier.html", context, status=422 if form and form.errors else 200)


@access.application(mode="solo")
def csr_dossier_print(request: PortalRequest, application: Application, environment_id: str) -> HttpResponse:
    """The dossier of a CSR, to print."""
    made = _in_language(request, lambda: _of_csr(application, environment_id))
    return _print(request, application, made, reverse("csr_dossier", args=[application.pk, environment_id]))


@access.application(mode="solo")
def csr_dossier_file(
    request: PortalRequest, application: Application, environment_id: str, what: str, kind: str
) -> HttpResponse:
    """The dossier of a CSR as a file, or the words that ask how it stands."""
    sent = track_of(application, environment_id).in_work.dispatch
    return _file(request, lambda: _of_csr(application, environment_id), sent, what, kind)


def _keys(csrs: Iterable[CertificateRequest]) -> str:
    """Return what says which CSRs these are: one that was made anew has another key."""
    return ",".join(sorted(csr.spki_sha256 for csr in csrs))


def _described(application: Application) -> Registration:
    registration: Registration | None = getattr(application, "registration", None)
    if registration is None or registration.erased_at is not None:
        raise Http404
    registration.application = application
    if not registration.is_editable and not registration.submissions.exists():
        raise Http404  # withdrawn before anything was sent
    return registration


def _of_description(application: Application) -> Dossier:
    registration = _described(application)
    if registration.is_editable and missing(registration.answers):
        raise Http404
    return dossiers.of_description(application, registration)


def _of_csr(application: Application, environment_id: str) -> Dossier:
    track = track_of(application, environment_id).in_work
    if track.request is None or not track.has_dossier:
        raise Http404
    return dossiers.of_csr(track.request)


def _language(request: PortalRequest) -> str:
    """Return the language that the dossier is wanted in: its reader may read another one than its sender."""
    wanted = request.GET.get("language", "")
    return wanted if wanted in dict(settings.LANGUAGES) else translation.get_language() or settings.LANGUAGE_CODE


def _in_language(request: PortalRequest, make: Callable[[], Dossier]) -> Dossier:
    with translation.override(_language(request)):
        return make()


def _chase(request: PortalRequest, made: Dossier, dispatch: Dispatch | None) -> str:
    if dispatch is None:
        return ""
    with translation.override(_language(request)):
        return dossiers.chase_text(made, dispatch, str(request.user))


def _ways(made: Dossier, language: str, page: str, where: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the files of a dossier, each with what it is good for."""

    def address(name: str, *more: str) -> str:
        return f"{reverse(name, args=[*where, *more])}?{urlencode({'language': language})}"

    to = (
        _("It goes to %(address)s: read it, and send it.") % {"address": settings.DOSSIER_TO}
        if settings.DOSSIER_TO
        else _("Give the address, read it, and send it.")
    )
    attached = (
        _("It opens in your mail program, with the CSR attached.") if made.csrs else _("It opens in your mail program.")
    )
    return [
        {
            "label": _("E-mail, ready to be sent"),
            "hint": f"{attached} {to}",
            "href": address(f"{page}_file", "dossier", "eml"),
            "action": _("Download"),
            "is_file": True,
            "is_first": True,
        },
        {
            "label": _("Plain text"),
            "hint": _("For a form, a ticket or a chat."),
            "href": address(f"{page}_file", "dossier", "txt"),
            "action": _("Download"),
            "is_file": True,
        },
        {
            "label": _("Paper or PDF"),
            "hint": _("Laid out for A4."),
            "href": address(f"{page}_print"),
            "action": _("Open"),
        },
        *(
            {
                "label": _("The CSR alone"),
                "hint": csr.filename,
                "href": address(f"{page}_file", f"csr-{csr.request.environment}", "csr"),
                "action": _("Download"),
                "is_file": True,
            }
            for csr in made.csrs
        ),
    ]


def _shown(
    request: PortalRequest, make: Callable[[], Dossier], dispatch: Dispatch | None, page: str, *where: Any
) -> dict[str, Any]:
    language = _language(request)
    made: Dossier = _in_language(request, make)
    return {
        "dossier": made,
        "dispatch": dispatch,
        "chase": _chase(request, made, dispatch),
        "language": language,
        "languages": [{"code": one, "name": get_language_info(one)["name_local"]} for one, _name in settings.LANGUAGES],
        "ways": _ways(made, language, page, where),
    }


def _print(request: PortalRequest, application: Application, made: Dossier, back: str) -> HttpResponse:
    with translation.override(_language(request)):
        context = {
            "application": application,
            "dossier": made,
            "today": timezone.localdate(),
            "sender": request.user,
            "back": back,
        }
        return render(request, "dossier_print.html", context)


def _file(request: PortalRequest, make: Any, sent: Dispatch | None, what: str, kind: str) -> HttpResponse:
    now = timezone.localtime()
    with translation.override(_language(request)):
        made: Dossier = make()
        csrs = {f"csr-{csr.request.environment}": csr for csr in made.csrs}
        name = f"{made.name}.{kind}"
        match what, kind:
            case "dossier", "txt":
                content = dossier_files.as_text(made, made_at=now, sender=str(request.user)).encode()
            case "dossier", "eml":
                content = dossier_files.as_mail(made, made_at=now, sender=request.user)
            case "chase", "eml" if sent is not None:
                text = dossiers.chase_text(made, sent, str(request.user))
                subject = dossiers.chase_subject(made, sent)
                content = dossier_files.chase_mail(subject, text, made_at=now, sender=request.user)
                name = f"{made.name}-chase.{kind}"
            case _, "csr" if what in csrs:
                content, name = csrs[what].pem.encode("ascii"), csrs[what].filename
            case _:
                raise Http404
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=TYPES[kind], headers=headers)


TYPES = {"txt": "text/plain; charset=utf-8", "eml": "message/rfc822", "csr": "application/pkcs10"}
