"""The task list of an application: what there is to do, in which state, and why some of it cannot start yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding.credentials.renewing import BEGIN_BEFORE
from onboarding.credentials.states import State as CertificateState
from onboarding.partners.models import PartnerLogin
from onboarding.partners.people import missing_contacts
from onboarding.registrations.description import STEPS, missing
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.states import CLOSED
from onboarding.registrations.states import State as RegistrationState
from onboarding.validation.models import Run
from onboarding.web.company import contact_group
from onboarding.web.journey import alone
from onboarding.web.journey.facts import Journey, Track, talk_url
from onboarding.web.journey.saying import Turn, day_in_words, status
from onboarding.web.journey.turns import answer_first, registration_turn, track_turn


@dataclass(frozen=True, slots=True)
class Column:
    """One of the tracks that run side by side, for the component `task_list.html`.

    note: what it is, in a sentence. quick: where everything can be made in one go; empty where it cannot be.
    turn: whose turn it is in it; None where that cannot be said for the whole of it.
    """

    id: str
    title: str
    note: str
    groups: list[dict[str, Any]]
    turn: Turn | None = None
    quick: str = ""


def task_columns(journey: Journey) -> list[Column]:
    """Return the task list of an application: the sandbox beside the way to the car maker's environments."""
    shown = _shown_tracks(journey)
    sandbox = [one for one in shown if one.is_sandbox]
    return [*(_sandbox_column(one, journey) for one in sandbox), *_real_columns(journey, shown)]


def _shown_tracks(journey: Journey) -> list[Track]:
    """Return the environments to show. With a login that is only claimed nothing can be begun, and nothing gone on with
    after it was rejected; after the application's end nothing is begun either.
    """
    if journey.registration is not None and journey.registration.state in CLOSED:
        return [one for one in journey.tracks if one.is_begun]
    login = journey.application.partner_login if journey.registration is None else None
    if login is not None and login.is_rejected:
        return []
    return [one for one in journey.tracks if login is None or one.can_begin or one.is_begun]


def _sandbox_column(one: Track, journey: Journey) -> Column:
    begun = one.is_begun and (one.request_state != CertificateState.AWAITING_CSR or one.is_key_ordered)
    return Column(
        "sandbox",
        _("Sandbox"),
        _("A fleet API to try everything out. It needs nobody's approval.")
        if one.is_open
        else _("Nothing new can be asked for. What is there can still be used, or be deleted."),
        [{"title": "", "tasks": _track_tasks(one, journey)}],
        track_turn(one),
        one.url("sandbox_start") if one.is_quick and not begun else "",
    )


def _real_columns(journey: Journey, shown: list[Track]) -> list[Column]:
    groups = []
    if journey.registration is not None:
        groups.append({"title": _("Registration"), "tasks": _registration_tasks(journey, journey.registration)})
    if missing_contacts(journey.application.organisation):
        groups.append(contact_group(journey.application.organisation))
    real = [one for one in shown if not one.is_sandbox]
    groups += [{"title": _(one.environment.label), "tasks": _track_tasks(one, journey)} for one in real]
    login = journey.application.partner_login if journey.registration is None else None
    if login is not None:
        groups.append({"title": _("Partner login"), "tasks": [_login_task(journey, login)]})
    if not groups:
        return []
    values = {"operator": settings.OPERATOR_NAME}
    title = _("%(operator)s, for real") if real else _("Approval by %(operator)s")
    note = (
        _("Real vehicles. It needs the approval, and credentials of its own.")
        if real
        else _("Needed to call real vehicles. This portal calls the sandbox alone.")
    )
    turns = [answer_first(journey, registration_turn(journey))] if journey.registration else []
    turns = [*(track_turn(one) for one in real if one.is_begun or one.can_begin), *turns]
    return [Column("real", title % values, note, groups, turns[0] if turns else None)]


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
            "status": status("waiting"),
            "hint": _("It is on record as another company's. %(operator)s decides.") % values,
        }
    if login.is_claim:
        return task | {
            "status": status("later"),
            "because": _("Happens as soon as a validation passes, or when %(operator)s says so.") % values,
        }
    return task | {"status": status("done")}


def _registration_tasks(journey: Journey, registration: Registration) -> list[dict[str, Any]]:
    application = journey.application
    unfinished = [slug for slug, _label in STEPS if missing(registration.answers, slug)]
    editable, state = registration.is_editable, registration.state
    check = reverse("describe_check", args=[application.pk])
    done = len(STEPS) - len(unfinished)
    describe = {
        "title": _("Describe the application"),
        "href": (reverse("describe", args=[application.pk, (unfinished or ["concept"])[0]])) if editable else check,
        "hint": ngettext("%(done)d of %(all)d step done", "%(done)d of %(all)d steps done", done)
        % {"done": done, "all": len(STEPS)},
        "status": status("turn" if unfinished else "done"),
    }
    if (outside := alone.registration_tasks(journey, registration)) is not None:
        return [describe, *outside]
    submit = {
        "title": _("Check your answers and submit"),
        "href": check if editable and not unfinished else None,
        "status": status(("later" if unfinished else "turn") if editable else "done"),
        "because": _("Finish the description first.") if editable and unfinished else "",
    }
    if journey.submitted and not editable:
        receipt = f"{application.reference}/{journey.submitted}"
        submit |= {
            "href": reverse("receipt", args=[application.pk, journey.submitted]),
            "hint": _("Receipt %(number)s") % {"number": receipt},
        }
    review: dict[str, Any] = {"title": _("Review by %(operator)s") % {"operator": settings.OPERATOR_NAME}, "href": None}
    if state in (RegistrationState.SUBMITTED, RegistrationState.IN_REVIEW):
        review |= {
            "status": status("waiting"),
            "since": registration.state_since,
            "hint": _("We write to you when it is decided."),
        }
    elif state == RegistrationState.APPROVED:
        login = application.partner_login.mzp if application.partner_login else ""
        review |= {"status": status("done"), "hint": _("Approved, with the partner login %(mzp)s") % {"mzp": login}}
    elif state in (RegistrationState.DECLINED, RegistrationState.SUSPENDED, RegistrationState.WITHDRAWN):
        review |= {
            "status": {"label": str(registration.get_state_display()), "tone": "danger"},
            "hint": str(registration.get_reason_display()) if registration.reason else registration.note,
        }
        if journey.submitted:
            review |= {"href": reverse("submissions", args=[application.pk])}
    else:
        review |= {"status": status("later"), "because": _("Starts when you submit.")}
    return [describe, submit, review, *_conversation_tasks(journey)]


def _conversation_tasks(journey: Journey) -> list[dict[str, Any]]:
    """Return the conversation with the reviewers as a task, once there are any."""
    talk, page = journey.talk, talk_url(journey)
    if not page:
        return []
    task: dict[str, Any] = {
        "title": _("Talk with the reviewers"),
        "href": f"{page}#new" if talk.new else page,
        "hint": ngettext("%(number)d message", "%(number)d messages", talk.total) % {"number": talk.total}
        if talk.total
        else _("Ask what is unclear; nothing said there changes the description."),
        "status": {"label": _("Open"), "tone": "neutral"},
    }
    if talk.new:
        label = ngettext("%(number)d new", "%(number)d new", talk.new) % {"number": talk.new}
        task |= {"status": {"label": label, "tone": "info"}}
    if talk.asked_since is not None:
        task |= {"status": status("turn"), "hint": _("A question waits for your answer."), "since": talk.asked_since}
    return [task]


def _track_tasks(one: Track, journey: Journey) -> list[dict[str, Any]]:
    operator = settings.OPERATOR_NAME
    state = one.request_state
    tasks: list[dict[str, Any]] = []

    key: dict[str, Any] = {"title": _("Key and certificate request")}
    if one.request is not None and one.request.is_brought_in:
        key = {
            "title": _("Private key"),
            "href": one.url("certificate") if one.has_certificate else None,
            "status": status("done"),
            "hint": _("Brought in, and sealed here") if one.request.key_id else _("Kept by you; lent to validate"),
        }
    elif not one.is_begun and not one.can_begin:
        key |= {"href": None, "status": status("later"), "because": _why_not_yet(one, journey)}
    elif state == CertificateState.AWAITING_CSR and one.is_key_ordered:
        quick = one.key_order is not None and one.key_order.first_call
        key |= {
            "href": one.url("sandbox_start" if quick else "key_making"),
            "status": {"label": _("On its way"), "tone": "waiting"},
        }
    elif state == CertificateState.AWAITING_CSR and not one.can_begin:
        key |= {"href": None, "status": status("later"), "because": _why_not_yet(one, journey)}
    elif state == CertificateState.AWAITING_CSR:
        hint = _("Or your own way: other names, a key that you keep") if one.is_quick else _("Names, key custody, CSR")
        key |= {"href": one.url("key"), "status": status("turn"), "hint": hint}
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
            "status": status("done"),
            "hint": _("Key: %(custody)s") % {"custody": custody.lower()},
        }
    tasks.append(key)
    if (send := alone.csr_task(one)) is not None:
        tasks.append(send)

    certificate: dict[str, Any] = {"title": _("Certificate"), "href": None}
    if one.has_certificate and one.request is not None and one.request.revocation_asked_at is not None:
        certificate |= {
            "href": one.url("certificate_revoke"),
            "status": {"label": _("To be revoked"), "tone": "danger"},
            "hint": _("Your company has asked for it. Do not use it any more."),
        }
    elif one.has_certificate:
        certificate |= {
            "href": one.url("certificate"),
            "status": status("done"),
            "hint": _("Brought in, and checked")
            if one.request is not None and one.request.is_brought_in
            else _("Download it with the CA certificate."),
        }
    elif alone.not_sent(one):
        certificate |= {"status": status("later"), "because": _("Needs your CSR.")}
    elif state in (CertificateState.CSR_SUBMITTED, CertificateState.CSR_ACCEPTED):
        certificate |= {
            "status": status("waiting"),
            "since": alone.sent_at(one.dispatch) if one.dispatch else one.request.state_since if one.request else None,
            "since_style": "date" if one.dispatch else "moment",
            "hint": _("%(operator)s signs your CSR.") % {"operator": operator},
        }
        if one.can_receive:
            certificate |= {
                "href": one.url("certificate_receive"),
                "hint": _("It comes by e-mail from %(operator)s. If it has come, take it in here.")
                % {"operator": operator},
            }
    elif state == CertificateState.REVOKED:
        certificate |= {
            "href": one.url("certificate"),
            "status": {"label": _("Revoked"), "tone": "danger"},
            "hint": _("See why, and how to go on."),
        }
    else:
        certificate |= {"status": status("later"), "because": _("Needs your CSR.")}
    tasks.append(certificate)

    names = credential_names(one.application)
    stored: dict[str, Any] = {"title": _("Credentials") if one.is_sandbox else _("Store credentials"), "hint": names}
    if one.is_complete:
        stored |= {"href": one.url("credentials"), "status": status("done")}
    elif one.has_certificate:
        stored |= {"href": one.url("credentials"), "status": status("turn")}
    else:
        stored |= {"href": None, "status": status("later"), "because": _("They come with the certificate.")}
    tasks.append(stored)

    validate: dict[str, Any] = {"title": _("Validate with a real call")}
    if not one.is_complete:
        validate |= {
            "href": None,
            "status": status("later"),
            "because": _("Needs the certificate and all credentials."),
        }
    elif one.good_report is not None and one.is_reported:
        validate |= {
            "href": one.url("validate"),
            "status": status("done"),
            "since": one.good_report.received_at,
            "hint": _("Reported by the partner"),
        }
    elif one.run is None:
        validate |= {"href": one.url("validate"), "status": status("turn"), "hint": _("Takes a few seconds.")}
    elif one.run.is_open:
        validate |= {"href": one.url("validate"), "status": {"label": _("Running"), "tone": "waiting"}}
    elif one.run.state == Run.State.PASSED:
        validate |= {"href": one.url("validate"), "status": status("done"), "since": one.run.finished_at}
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
        live |= {"href": None, "status": status("later"), "because": _("Starts when a validation has passed.")}
    tasks.append(live)
    if (renewal := _renewal_task(one)) is not None:
        tasks.append(renewal)
    return tasks


def _renewal_task(one: Track) -> dict[str, Any] | None:
    """Return the renewal's task: while one is on its way, and from the day on which it should begin."""
    task: dict[str, Any] = {"title": _("Renew the certificate"), "href": one.url("certificate_renew")}
    if one.renewal is not None:
        turn = track_turn(one.renewal)
        state = status("turn") if turn.who == "partner" else {"label": _("On its way"), "tone": "waiting"}
        return task | {"href": turn.href or one.url("csr"), "status": state, "hint": turn.title, "since": turn.since}
    if one.can_renew and one.expires_within(BEGIN_BEFORE, timezone.now()):
        return task | {"status": status("turn"), "hint": _("The old one stays in use until the new one works.")}
    return None


def _why_not_yet(one: Track, journey: Journey) -> str:
    """Say what stands before the first task of an environment, and by when it should be out of the way."""
    registration, values = journey.registration, {"operator": settings.OPERATOR_NAME}
    if registration is None:
        return _("After the partner login is confirmed.")
    if registration.state == RegistrationState.SUSPENDED:
        return _("Goes on when %(operator)s reinstates the application.") % values
    if registration.state in CLOSED:  # it was begun, and had not come far
        return _("Nothing new can be asked for: the application has come to its end.")
    if (outside := alone.why_not_yet()) is not None:
        return outside
    if journey.decide_by is not None:
        return _("After the approval: %(operator)s decides, target %(day)s.") % {
            **values,
            "day": day_in_words(journey.decide_by),
        }
    if registration.state in (RegistrationState.SUBMITTED, RegistrationState.IN_REVIEW):
        return _("After the approval: %(operator)s decides.") % values
    return _("After the approval, which brings your partner login (MZP).")


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
