"""The task list of an application: what there is to do, in which state, and why some of it cannot start yet."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding.credentials.renewing import BEGIN_BEFORE
from onboarding.credentials.states import State as CertificateState
from onboarding.partners.models import PartnerLogin
from onboarding.registrations.description import STEPS, missing
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.states import State as RegistrationState
from onboarding.validation.models import Run
from onboarding.web.journey.facts import Journey, Track
from onboarding.web.journey.turns import track_turn

Status = dict[str, str]


def task_groups(journey: Journey) -> list[dict[str, Any]]:
    """Return the task list of an application: the description and its review, then one group per environment."""
    groups = []
    if journey.registration is not None:
        groups.append(
            {"title": _("Registration"), "tasks": _registration_tasks(journey.application, journey.registration)}
        )
    login = journey.application.partner_login if journey.registration is None else None
    # Nothing can be begun with a login that is only claimed, and nothing gone on with after it was rejected.
    tracks = [one for one in journey.tracks if login is None or journey.has_login or one.request is not None]
    if login is not None and login.is_rejected:
        tracks = []
    several = len(tracks) > 1
    for one in tracks:
        title = _("Credentials: %(environment)s") if several else _("Credentials and first call")
        groups.append({"title": title % {"environment": _(one.environment.label)}, "tasks": _track_tasks(one, journey)})
    if login is not None:
        groups.append({"title": _("Partner login"), "tasks": [_login_task(journey, login)]})
    return groups


def _login_task(journey: Journey, login: PartnerLogin) -> dict[str, Any]:
    values = {"operator": settings.OPERATOR_NAME, "mzp": login.mzp}
    task: dict[str, Any] = {"title": _("%(mzp)s is confirmed as yours") % values, "href": None}
    if login.is_rejected:
        return task | {
            "status": {"label": _("Not confirmed"), "tone": "danger"},
            "hint": _("%(operator)s did not confirm that it is your company's.") % values,
        }
    if journey.is_disputed:
        return task | {
            "status": _status("waiting"),
            "hint": _("It is on record as another company's. %(operator)s decides.") % values,
        }
    if login.is_claim:
        return task | {
            "status": _status("later"),
            "because": _("Happens as soon as a validation passes, or when %(operator)s says so.") % values,
        }
    return task | {"status": _status("done")}


def _registration_tasks(application: Application, registration: Registration) -> list[dict[str, Any]]:
    unfinished = [slug for slug, _label in STEPS if missing(registration.answers, slug)]
    editable, state = registration.is_editable, registration.state
    check = reverse("describe_check", args=[application.pk])
    done = len(STEPS) - len(unfinished)
    describe = {
        "title": _("Describe the application"),
        "href": (reverse("describe", args=[application.pk, (unfinished or ["concept"])[0]])) if editable else check,
        "hint": ngettext("%(done)d of %(all)d step done", "%(done)d of %(all)d steps done", done)
        % {"done": done, "all": len(STEPS)},
        "status": _status("turn" if unfinished else "done"),
    }
    submit = {
        "title": _("Check your answers and submit"),
        "href": check if editable and not unfinished else None,
        "status": _status(("later" if unfinished else "turn") if editable else "done"),
        "because": _("Finish the description first.") if editable and unfinished else "",
    }
    review: dict[str, Any] = {"title": _("Review by %(operator)s") % {"operator": settings.OPERATOR_NAME}, "href": None}
    if state in (RegistrationState.SUBMITTED, RegistrationState.IN_REVIEW):
        review |= {
            "status": _status("waiting"),
            "since": registration.state_since,
            "hint": _("We write to you when it is decided."),
        }
    elif state == RegistrationState.APPROVED:
        login = application.partner_login.mzp if application.partner_login else ""
        review |= {"status": _status("done"), "hint": _("Approved, with the partner login %(mzp)s") % {"mzp": login}}
    elif state in (RegistrationState.DECLINED, RegistrationState.SUSPENDED, RegistrationState.WITHDRAWN):
        review |= {
            "status": {"label": str(registration.get_state_display()), "tone": "danger"},
            "hint": registration.note,
        }
    else:
        review |= {"status": _status("later"), "because": _("Starts when you submit.")}
    return [describe, submit, review]


def _track_tasks(one: Track, journey: Journey) -> list[dict[str, Any]]:
    operator = settings.OPERATOR_NAME
    state = one.request_state
    tasks: list[dict[str, Any]] = []

    key: dict[str, Any] = {"title": _("Key and certificate request")}
    if one.request is not None and one.request.is_brought_in:
        key = {
            "title": _("Private key"),
            "href": one.url("certificate") if one.has_certificate else None,
            "status": _status("done"),
            "hint": _("Brought in, and sealed here") if one.request.key_id else _("Kept by you; lent to validate"),
        }
    elif not journey.has_login:
        key |= {
            "href": None,
            "status": _status("later"),
            "because": _("Starts with the approval, which brings your partner login (MZP)."),
        }
    elif state == CertificateState.AWAITING_CSR and one.is_key_ordered:
        key |= {"href": one.url("key_making"), "status": {"label": _("On its way"), "tone": "waiting"}}
    elif state == CertificateState.AWAITING_CSR:
        key |= {"href": one.url("key"), "status": _status("turn"), "hint": _("Names, key custody, CSR")}
    elif state == CertificateState.CSR_REFUSED:
        key |= {
            "href": one.url("csr"),
            "status": {"label": _("Refused"), "tone": "danger"},
            "hint": _("The CSR was refused; see what to change."),
        }
    else:
        custody = one.request.get_custody_display() if one.request else ""
        key |= {
            "href": one.url("csr"),
            "status": _status("done"),
            "hint": _("Key: %(custody)s") % {"custody": custody.lower()},
        }
    tasks.append(key)

    certificate: dict[str, Any] = {"title": _("Certificate"), "href": None}
    if one.has_certificate:
        certificate |= {
            "href": one.url("certificate"),
            "status": _status("done"),
            "hint": _("Brought in, and checked")
            if one.request is not None and one.request.is_brought_in
            else _("Download it with the CA certificate."),
        }
    elif state in (CertificateState.CSR_SUBMITTED, CertificateState.CSR_ACCEPTED):
        certificate |= {
            "status": _status("waiting"),
            "since": one.request.state_since if one.request else None,
            "hint": _("%(operator)s signs your CSR.") % {"operator": operator},
        }
        if one.can_receive:
            certificate |= {
                "href": one.url("certificate_receive"),
                "hint": _("It comes by e-mail from %(operator)s. If it has come, take it in here.")
                % {"operator": operator},
            }
    elif state == CertificateState.REVOKED:
        certificate |= {"href": one.url("certificate"), "status": {"label": _("Revoked"), "tone": "danger"}}
    else:
        certificate |= {"status": _status("later"), "because": _("Needs your CSR.")}
    tasks.append(certificate)

    names = credential_names(one.application)
    stored: dict[str, Any] = {"title": _("Store credentials"), "hint": names}
    if one.is_complete:
        stored |= {"href": one.url("credentials"), "status": _status("done")}
    elif one.has_certificate:
        stored |= {"href": one.url("credentials"), "status": _status("turn")}
    else:
        stored |= {"href": None, "status": _status("later"), "because": _("They come with the certificate.")}
    tasks.append(stored)

    validate: dict[str, Any] = {"title": _("Validate with a real call")}
    if not one.is_complete:
        validate |= {
            "href": None,
            "status": _status("later"),
            "because": _("Needs the certificate and all credentials."),
        }
    elif one.good_report is not None and one.is_reported:
        validate |= {
            "href": one.url("validate"),
            "status": _status("done"),
            "since": one.good_report.received_at,
            "hint": _("Reported by the partner"),
        }
    elif one.run is None:
        validate |= {"href": one.url("validate"), "status": _status("turn"), "hint": _("Takes a few seconds.")}
    elif one.run.is_open:
        validate |= {"href": one.url("validate"), "status": {"label": _("Running"), "tone": "waiting"}}
    elif one.run.state == Run.State.PASSED:
        validate |= {"href": one.url("validate"), "status": _status("done"), "since": one.run.finished_at}
    else:
        validate |= {
            "href": one.url("validate"),
            "status": {"label": _("Failed"), "tone": "danger"},
            "hint": _("See where it stopped and what to do."),
        }
    tasks.append(validate)

    live: dict[str, Any] = {"title": _("Make your own calls")}
    if one.is_live:
        live |= {
            "href": one.url("live"),
            "status": {"label": _("Live"), "tone": "success"},
            "hint": _("curl and Python, ready to copy"),
        }
    else:
        live |= {"href": None, "status": _status("later"), "because": _("Starts when a validation has passed.")}
    tasks.append(live)
    if (renewal := _renewal_task(one)) is not None:
        tasks.append(renewal)
    return tasks


def _renewal_task(one: Track) -> dict[str, Any] | None:
    """Return the renewal's task: while one is on its way, and from the day on which it should begin."""
    task: dict[str, Any] = {"title": _("Renew the certificate"), "href": one.url("certificate_renew")}
    if one.renewal is not None:
        turn = track_turn(one.renewal)
        status = _status("turn") if turn.who == "partner" else {"label": _("On its way"), "tone": "waiting"}
        return task | {"href": turn.href or one.url("csr"), "status": status, "hint": turn.title, "since": turn.since}
    if one.can_renew and one.expires_within(BEGIN_BEFORE, timezone.now()):
        return task | {"status": _status("turn"), "hint": _("The old one stays in use until the new one works.")}
    return None


def credential_names(application: Application) -> str:
    """Return what has to be stored, in words, as a list for one line."""
    words = {
        "client_id": _("client ID"),
        "client_secret": _("client secret"),
        "password": _("password of the partner login"),
    }
    return _sentence(words[name] for name in application.profile.credentials if name in words)


def _sentence(parts: Iterable[str]) -> str:
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _status(kind: str) -> Status:
    return {
        "done": {"label": _("Done"), "tone": "success"},
        "turn": {"label": _("Your turn"), "tone": "turn"},
        "waiting": {"label": _("Waiting for %(operator)s") % {"operator": settings.OPERATOR_NAME}, "tone": "waiting"},
        "later": {"label": _("Not yet"), "tone": "neutral"},
    }[kind]
