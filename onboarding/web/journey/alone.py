"""Solo mode: the words and tasks that are otherwise than in a hub, because the car maker is outside.

Each function returns None where nothing is otherwise, and everything in a hub.
"""

from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from onboarding.credentials.recording import WAITING as CSR_WAITING
from onboarding.credentials.states import State as CertificateState
from onboarding.partners.modes import mode
from onboarding.registrations.description import STEPS, missing
from onboarding.registrations.dispatches import WAITING, next_chase
from onboarding.registrations.models import Dispatch, Registration
from onboarding.registrations.states import CLOSED
from onboarding.registrations.states import State as RegistrationState
from onboarding.web.journey.facts import Journey, Track
from onboarding.web.journey.saying import Turn, day_in_words, status


def sent_at(dispatch: Dispatch) -> datetime:
    """Return the day of sending as an instant: its beginning, in the reader's zone."""
    return datetime.combine(dispatch.sent_on, time(), timezone.get_current_timezone())


def clock(dispatch: Dispatch) -> str:
    """Say under which reference something was sent, and when to ask how it stands."""
    parts = []
    if dispatch.reference:
        parts.append(_("Reference: %(reference)s.") % {"reference": dispatch.reference})
    if (day := next_chase(dispatch.sent_on, timezone.localdate())) is not None:
        parts.append(_("If nothing comes, you are reminded to ask on %(day)s.") % {"day": day_in_words(day)})
    else:
        parts.append(_("Nothing has come for long: ask how it stands. A text for it is ready on the dossier's page."))
    return " ".join(parts)


def registration_turn(journey: Journey, registration: Registration) -> Turn | None:
    """Say whose turn it is in the description and its answer."""
    if mode().has_desk:
        return None
    values = {"operator": settings.OPERATOR_NAME}
    pk = journey.application.pk
    if registration.state == RegistrationState.DRAFT:
        first = next((slug for slug, _label in STEPS if missing(registration.answers, slug)), None)
        return Turn(
            "partner",
            _("Your turn: describe the application") if first else _("Your turn: check your answers and send them on"),
            _("A dossier for %(operator)s is made of this description. You can stop and come back at any time.")
            % values,
            registration.state_since,
            reverse("describe", args=[pk, first]) if first else reverse("describe_check", args=[pk]),
            _("Continue") if first else _("Check and send"),
        )
    if journey.dispatch is not None:
        return Turn(
            "operator",
            _("Waiting for %(operator)s to answer") % values,
            _("When the answer comes, record it here.") + " " + clock(journey.dispatch),
            sent_at(journey.dispatch),
            reverse("answer", args=[pk]),
            _("Record the answer"),
            by_day=True,
        )
    return None


def track_turn(one: Track) -> Turn | None:
    """Say whose turn it is in one of the car maker's environments, up to the certificate."""
    registration: Registration | None = getattr(one.application, "registration", None)
    if mode().has_desk or one.is_sandbox or (registration is not None and registration.state in CLOSED):
        return None
    values = {"operator": settings.OPERATOR_NAME, "environment": _(one.environment.label)}
    if not one.is_begun and not one.can_begin and registration is not None:
        return Turn(
            "operator",
            _("After the partner login is known"),
            _("%(operator)s gives it with the approval. If your company has one already, record it now.") % values,
            href=reverse("application_login", args=[one.application.pk]),
            action=_("Record the partner login"),
            is_aside=True,
        )
    if one.request_state == CertificateState.AWAITING_CSR and not one.is_key_ordered and not one.has_key_failed:
        return Turn(
            "partner",
            _("Your turn: key and certificate request"),
            _("The partner login is known. Next, a key and a certificate request (CSR) for %(environment)s.") % values,
            one.request.state_since if one.request else None,
            one.url("key"),
            _("Start"),
        )
    if one.request is None or one.request_state not in CSR_WAITING:
        return None
    if one.dispatch is not None:
        return Turn(
            "operator",
            _("Waiting for %(operator)s to sign your CSR") % values,
            _("If the certificate has come, take it in here: it is checked first.") + " " + clock(one.dispatch),
            sent_at(one.dispatch),
            one.url("certificate_receive"),
            _("Take it in"),
            by_day=True,
        )
    if goes_along(registration):
        return Turn(
            "partner",
            _("Your turn: send the CSR with the description"),
            _("It is checked and fit. The dossier of the description takes it along."),
            one.request.state_since,
            reverse("dossier", args=[one.application.pk]),
            _("See the dossier"),
        )
    return Turn(
        "partner",
        _("Your turn: send the CSR to %(operator)s") % values,
        _("It is checked and fit. A dossier with it is ready to be sent."),
        one.request.state_since,
        one.url("csr_dossier"),
        _("See the dossier"),
    )


def goes_along(registration: Registration | None) -> bool:
    """Whether a CSR that is ready goes with the description, since that can be sent now, too."""
    return registration is not None and registration.is_editable and not missing(registration.answers)


def registration_tasks(journey: Journey, registration: Registration) -> list[dict[str, Any]] | None:
    """Return the tasks after the description: the partner login that is known already, the dossier, the answer."""
    if mode().has_desk:
        return None
    values = {"operator": settings.OPERATOR_NAME}
    pk, state = journey.application.pk, registration.state
    unfinished = bool(missing(registration.answers))
    editable, login = registration.is_editable, journey.application.confirmed_login
    dossier = reverse("dossier", args=[pk])
    send: dict[str, Any] = {"title": _("Check it, and send the dossier"), "href": None}
    if editable:
        send |= (
            {"status": status("later"), "because": _("Finish the description first.")}
            if unfinished
            else {"status": status("turn"), "href": reverse("describe_check", args=[pk])}
        )
    else:
        sent = journey.dispatch
        send |= {"status": status("done"), "href": dossier if state in WAITING else None}
        send |= {"hint": _sent(sent)} if sent else {}
    answer: dict[str, Any] = {"title": _("Answer from %(operator)s") % values, "href": None}
    if state in WAITING:
        answer |= {
            "href": reverse("answer", args=[pk]),
            "status": status("waiting"),
            "since": sent_at(journey.dispatch) if journey.dispatch else registration.state_since,
            "since_style": "date",
            "hint": _("Record it when it comes."),
        }
    elif state == RegistrationState.APPROVED:
        mzp = journey.application.partner_login.mzp if journey.application.partner_login else ""
        hint = _("Approved, with the partner login %(mzp)s") % {"mzp": mzp}
        answer |= {"status": status("done"), "hint": hint}
    elif editable:
        answer |= {"status": status("later"), "because": _("Starts when you have sent the dossier.")}
    else:
        label = {"label": str(registration.get_state_display()), "tone": "danger"}
        answer |= {"status": label, "hint": registration.note}
    return [*_login_task(journey, registration, login), send, answer]


def csr_task(one: Track) -> dict[str, Any] | None:
    """Return the task of sending the CSR."""
    if mode().has_desk or one.is_sandbox or (one.request is not None and one.request.is_brought_in):
        return None
    task: dict[str, Any] = {
        "title": _("Send the CSR to %(operator)s") % {"operator": settings.OPERATOR_NAME},
        "href": None,
    }
    if one.dispatch is not None:
        href = one.url("csr_dossier") if one.request_state in CSR_WAITING else None
        return task | {"status": status("done"), "href": href, "hint": _sent(one.dispatch)}
    if one.request_state not in CSR_WAITING:
        if one.has_certificate:
            return task | {"status": status("done")}
        return task | {"status": status("later"), "because": _("Needs your CSR.")}
    if goes_along(getattr(one.application, "registration", None)):
        href = reverse("dossier", args=[one.application.pk])
        return task | {"status": status("turn"), "href": href, "hint": _("It goes along with the description.")}
    return task | {"status": status("turn"), "href": one.url("csr_dossier")}


def why_not_yet() -> str | None:
    """Say what stands before the first task of an environment."""
    return None if mode().has_desk else _("Needs the partner login (MZP), which comes with the approval.")


def not_sent(one: Track) -> bool:
    """Whether a CSR waits to be sent, so that nobody can be waited for yet."""
    return not mode().has_desk and not one.is_sandbox and one.dispatch is None


def _login_task(journey: Journey, registration: Registration, login: Any) -> list[dict[str, Any]]:
    """The partner login, while it can be recorded ahead of the answer: afterwards the answer's task names it."""
    if registration.state in CLOSED or registration.state == RegistrationState.APPROVED:
        return []
    task: dict[str, Any] = {
        "title": _("Partner login (MZP)"),
        "href": reverse("application_login", args=[journey.application.pk]),
    }
    if login is not None:
        return [task | {"status": status("done"), "hint": login.mzp}]
    optional = {"label": _("If you have one"), "tone": "neutral"}
    return [task | {"status": optional, "hint": _("Then the key and the CSR need not wait for the answer.")}]


def _sent(dispatch: Dispatch) -> str:
    values = {"day": day_in_words(dispatch.sent_on), "reference": dispatch.reference}
    words = _("Sent on %(day)s, reference %(reference)s") if dispatch.reference else _("Sent on %(day)s")
    return words % values
