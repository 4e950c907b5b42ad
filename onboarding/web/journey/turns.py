"""Whose turn it is, since when, and what comes next."""

from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding.credentials.renewing import BEGIN_BEFORE
from onboarding.credentials.states import State as CertificateState
from onboarding.registrations.description import STEPS, missing
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.states import CLOSED
from onboarding.registrations.states import State as RegistrationState
from onboarding.validation.models import Run
from onboarding.web.journey import alone
from onboarding.web.journey.facts import Journey, Track, talk_url
from onboarding.web.journey.saying import Turn, end_in_words


def turn(journey: Journey) -> Turn:
    """Say whose turn it is and what comes next, for the application as a whole."""
    return answer_first(journey, _turn(journey))


def answer_first(journey: Journey, found: Turn) -> Turn:
    """Return the turn, or that the reviewers wait for an answer, where the partner has nothing else to do.

    The state stays what it is: the review goes on meanwhile, and its target day stands.
    """
    asked = journey.talk.asked_since
    if asked is None or found.is_setback or found.who not in ("operator", "nobody"):
        return found
    return Turn(
        "partner",
        _("Your turn: answer the reviewer"),
        _("%(operator)s has asked you something. Apart from that: %(standing)s.")
        % {"operator": settings.OPERATOR_NAME, "standing": found.title},
        asked,
        f"{talk_url(journey)}#new",
        _("Answer"),
        by=found.by,
    )


def _turn(journey: Journey) -> Turn:
    registration = journey.registration
    if registration is not None and registration.state != RegistrationState.APPROVED:
        return _meanwhile(journey, registration_turn(journey))
    if (claim := _claim_turn(journey)) is not None:
        return claim
    is_sandbox_all = all(one.is_sandbox for one in journey.tracks)
    # A sandbox that was never begun is no task any more for somebody who may call the car maker.
    wanted = [
        one for one in journey.tracks if one.is_begun or (registration and (is_sandbox_all or not one.is_sandbox))
    ]
    if not (wanted := wanted or list(journey.tracks[:1])):
        return Turn("nobody", _("Approved"), "")
    return _meanwhile(journey, min(((track_turn(one), one) for one in wanted), key=_urgency)[0])


def _urgency(entry: tuple[Turn, Track]) -> tuple[bool | int, ...]:
    """Return what orders environments: what the partner can do, then what others do, then what has come to an end.

    Among these, first a certificate that ends, then what is not live yet; of both, and of all that is live, the car
    maker's environments before the sandbox, save that the sandbox is where one begins.
    """
    found, one = entry
    whose = {"partner": 0, "nobody": 2 if found.is_setback else 3}.get(found.who, 1)
    is_ending, is_begun = _ending_turn(one) is not None, one.is_live
    return whose, not is_ending, is_begun, one.is_sandbox and (is_ending or is_begun)


def _meanwhile(journey: Journey, found: Turn) -> Turn:
    """Return the turn with something to do in the sandbox while others decide."""
    one = journey.sandbox
    if found.by_day or (found.is_setback and found.href):
        return found  # what came from outside is recorded there, and that is nearer
    if found.who != "operator" or one is None or not one.is_open or one.is_live:
        return found
    sandbox = track_turn(one)
    if sandbox.who not in ("partner", "portal") or not sandbox.href:
        return found
    return replace(found, href=sandbox.href, action=_("Meanwhile: the sandbox"), is_aside=True)


def _claim_turn(journey: Journey) -> Turn | None:
    """Say what became of a partner login that was only claimed, where that decides what comes next."""
    login = journey.application.partner_login
    if login is None:
        return None
    values = {"operator": settings.OPERATOR_NAME, "mzp": login.mzp}
    if login.is_rejected:
        return Turn(
            "nobody",
            _("The partner login was not confirmed"),
            _("%(operator)s did not confirm that %(mzp)s is your company's. Nothing is called with it any more.")
            % values,
            login.retired_at,
            is_setback=True,
        )
    if journey.is_disputed:
        return Turn(
            "operator",
            _("%(operator)s decides whose the partner login is") % values,
            _("Your call has passed, but %(mzp)s is on record as another company's. %(operator)s has been told.")
            % values,
        )
    return None


def registration_turn(journey: Journey) -> Turn:
    """Say whose turn it is in the description and its review."""
    registration = journey.registration
    if registration is None or registration.state == RegistrationState.APPROVED:
        return Turn("nobody", _("Approved"), "", registration.state_since if registration else None)
    found = alone.registration_turn(journey, registration) or _registration_turn(journey.application, registration)
    return replace(found, by=journey.decide_by)


def _registration_turn(application: Application, registration: Registration) -> Turn:
    values = {"operator": settings.OPERATOR_NAME}
    since = registration.state_since
    check = reverse("describe_check", args=[application.pk])
    first = next((slug for slug, _label in STEPS if missing(registration.answers, slug)), None)
    describe = reverse("describe", args=[application.pk, first]) if first else check
    match registration.state:
        case RegistrationState.DRAFT:
            return Turn(
                "partner",
                _("Your turn: describe the application") if first else _("Your turn: check your answers and submit"),
                _("%(operator)s decides on this description. You can stop and come back at any time.") % values,
                since,
                describe,
                _("Continue") if first else _("Check and submit"),
            )
        case RegistrationState.SUBMITTED | RegistrationState.IN_REVIEW:
            begun = registration.state == RegistrationState.IN_REVIEW
            return Turn(
                "operator",
                (_("%(operator)s is reviewing it") if begun else _("Waiting for %(operator)s")) % values,
                _("There is nothing for you to do. We write to you as soon as it is decided."),
                since,
            )
        case RegistrationState.CHANGES_REQUESTED:
            return Turn(
                "partner",
                _("Your turn: %(operator)s asks for changes") % values,
                _what_to_change(registration),
                since,
                check,
                _("Change it"),
            )
        case RegistrationState.DECLINED:
            return Turn("nobody", _("Declined by %(operator)s") % values, _why(registration), since, is_setback=True)
        case RegistrationState.WITHDRAWN:
            return Turn(
                "nobody",
                _("Withdrawn"),
                _("You took this application back. Nothing more happens with it."),
                since,
                is_setback=True,
            )
        case _:
            why = _why(registration)
            return Turn("operator", _("Suspended by %(operator)s") % values, why, since, is_setback=True)


def _why(registration: Registration) -> str:
    """Return the typed reason and the reviewer's note, as far as there are any."""
    reason = f"{registration.get_reason_display()}." if registration.reason else ""
    return "\n".join(filter(None, (reason, registration.note)))


def _what_to_change(registration: Registration) -> str:
    """Return the reviewer's note, and how many answers have a comment of their own."""
    number = len(registration.comments)
    beside = (
        ngettext("%(number)d answer has a comment.", "%(number)d answers have a comment.", number) if number else ""
    )
    return "\n".join(filter(None, (registration.note, beside % {"number": number} if beside else "")))


def _ending_turn(one: Track) -> Turn | None:
    """Say what the end of the certificate in use asks for: a renewal in time, or to go on with the one begun."""
    now = timezone.now()
    end = one.request.not_valid_after if one.request else None
    if end is None or not one.has_certificate:
        return None
    values = {"end": end_in_words(end)}
    if one.renewal is not None:
        going = track_turn(one.renewal)
        text = _("Renewal: the certificate in use ends on %(end)s.") % values
        return replace(going, text=f"{text} {going.text}", is_setback=going.is_setback or end <= now)
    if end <= now:
        return Turn(
            "partner",
            _("Your turn: the certificate has ended"),
            _("It ended on %(end)s, and calls with it are refused. Renew it.") % values,
            end,
            one.url("certificate_renew"),
            _("Renew"),
            is_setback=True,
        )
    if one.expires_within(BEGIN_BEFORE, now) and one.can_renew:
        return Turn(
            "partner",
            _("Your turn: renew the certificate"),
            _("It ends on %(end)s. Signing can take weeks, and the old one stays in use until the new one works.")
            % values,
            end - timedelta(days=BEGIN_BEFORE),
            one.url("certificate_renew"),
            _("Renew"),
        )
    return None


def _revoked(one: Track) -> Turn:
    """Say what follows from a certificate that was revoked, with no other in its place."""
    since = one.request.revoked_at if one.request else None
    if not one.can_begin:
        return Turn("nobody", _("The certificate was revoked"), _("Calls with it are refused."), since, is_setback=True)
    return Turn(
        "partner",
        _("Your turn: the certificate was revoked"),
        _("Calls with it are refused. Make a new key, and have a new certificate issued for it."),
        since,
        one.url("certificate"),
        _("See why, and go on"),
        is_setback=True,
    )


def _to_be_revoked(one: Track) -> Turn | None:
    """Say that the certificate in use waits to be revoked, as the partner has asked."""
    if one.request is None or one.request.revocation_asked_at is None or not one.has_certificate:
        return None
    values = {"operator": settings.OPERATOR_NAME}
    return Turn(
        "operator",
        _("Waiting for %(operator)s to revoke the certificate") % values,
        _("Do not use it any more. A new key and a new certificate can be asked for at once."),
        one.request.revocation_asked_at,
        one.url("certificate_renew"),
        _("Go on with a new key"),
        is_setback=True,
    )


def _not_yet(one: Track) -> Turn:
    """Say why an environment cannot be begun."""
    values = {"operator": settings.OPERATOR_NAME}
    registration: Registration | None = getattr(one.application, "registration", None)
    if registration is not None and registration.state in CLOSED:
        return Turn("nobody", str(registration.get_state_display()), "", registration.state_since, is_setback=True)
    if registration is None:
        return Turn("operator", _("After the partner login is confirmed"), "")
    return Turn("operator", _("After the approval"), _("%(operator)s decides on your description first.") % values)


def track_turn(one: Track) -> Turn:
    """Say whose turn it is in one environment, and what comes next."""
    if (revoking := _to_be_revoked(one)) is not None:
        return revoking
    if (ending := _ending_turn(one)) is not None:
        return ending
    values = {"operator": settings.OPERATOR_NAME, "environment": _(one.environment.label)}
    registration: Registration | None = getattr(one.application, "registration", None)
    since = one.request.state_since if one.request else registration.state_since if registration else None
    if (outside := alone.track_turn(one)) is not None:
        return outside
    if not one.is_begun and not one.can_begin:
        return _not_yet(one)
    match one.request_state:
        case CertificateState.AWAITING_CSR if one.is_key_ordered:
            return Turn(
                "portal",
                _("Your key is on its way"),
                _("It is sealed, and its CSR submitted, as soon as it is there. You need not wait on the page."),
                one.key_order.created_at if one.key_order else None,
                one.url("sandbox_start" if one.key_order and one.key_order.first_call else "key_making"),
                _("Watch"),
            )
        case CertificateState.AWAITING_CSR if one.has_key_failed:
            return Turn(
                "partner",
                _("Your turn: the key could not be made"),
                _("Nothing was kept. Ask for it again, or choose another way to a key."),
                one.key_order.finished_at if one.key_order else None,
                one.url("key"),
                _("Go on"),
            )
        case CertificateState.AWAITING_CSR if one.is_sandbox:
            return Turn(
                "partner",
                _("Your turn: get sandbox credentials"),
                _("They need nobody's approval: a key, a certificate and all that a call needs, good for the sandbox."),
                since,
                one.url("sandbox_start" if one.is_quick else "key"),
                _("Start"),
            )
        case CertificateState.AWAITING_CSR:
            return Turn(
                "partner",
                _("Your turn: key and certificate request"),
                _("You are approved. Next, a key and a certificate request (CSR) for %(environment)s.") % values,
                since,
                one.url("key"),
                _("Start"),
            )
        case CertificateState.CSR_REFUSED:
            return Turn(
                "partner",
                _("Your turn: the CSR was refused"),
                one.request.note if one.request else "",
                since,
                one.url("csr"),
                _("See what to change"),
            )
        case CertificateState.CSR_SUBMITTED | CertificateState.CSR_ACCEPTED:
            title = _("Waiting for %(operator)s to sign your CSR") % values
            if one.can_receive:
                return Turn(
                    "operator",
                    title,
                    _("The certificate comes by e-mail from %(operator)s. If it has come, take it in here.") % values,
                    since,
                    one.url("certificate_receive"),
                    _("Take it in"),
                    by=one.decide_by,
                )
            return Turn(
                "operator",
                title,
                _("There is nothing for you to do. We write to you when the certificate is here."),
                since,
                by=one.decide_by,
            )
        case CertificateState.REVOKED:
            return _revoked(one)
    if one.missing:
        return Turn(
            "partner",
            _("Your turn: store your credentials"),
            _("The certificate is here. Store what else you received, and the set is complete."),
            since,
            one.url("credentials"),
            _("Store credentials"),
        )
    if one.is_call_coming and one.run is None:
        return Turn(
            "portal",
            _("Validating now"),
            _("The fleet API is being called."),
            since,
            one.url("sandbox_start"),
            _("Watch"),
        )
    if one.run is not None and one.run.is_open:
        return Turn(
            "portal",
            _("Validating now"),
            _("The fleet API is being called."),
            one.run.created_at,
            one.url("validate"),
            _("Watch"),
        )
    if one.rehearsal is not None:
        return Turn(
            "partner",
            _("A failure is being rehearsed"),
            _("%(failure)s. The sandbox keeps on failing in this way until you switch it off.")
            % {"failure": _(one.rehearsal.title)},
            None,
            one.url("rehearse"),
            _("See the rehearsal"),
        )
    if one.good_run is not None and one.run is not None and one.run.state == Run.State.PASSED:
        return Turn(
            "nobody",
            _("Live in %(environment)s") % values,
            _("Your credentials work. Everything for your first own call is ready to copy."),
            one.good_run.finished_at,
            one.url("live"),
            _("See what you have"),
        )
    if one.good_report is not None and one.is_reported:
        return Turn(
            "nobody",
            _("Live in %(environment)s, reported by the partner") % values,
            _("The offline checker passed beside your key. Everything for your first own call is ready to copy."),
            one.good_report.received_at,
            one.url("live"),
            _("See what you have"),
        )
    if one.run is not None and one.run.state == Run.State.FAILED and not one.run.is_partners_turn:
        return Turn(
            "operator",
            _("Validation failed, and it is not your turn"),
            _("The checks say where it stopped, and who can do something about it."),
            one.run.failing_since or one.run.finished_at,
            one.url("validate"),
            _("See the checks"),
        )
    if one.run is not None and one.run.state in (Run.State.FAILED, Run.State.ABANDONED):
        return Turn(
            "partner",
            _("Your turn: validation failed"),
            _("The checks say where it stopped and what to do."),
            one.run.failing_since or one.run.finished_at,
            one.url("validate"),
            _("See the checks"),
        )
    if one.outgoing is not None and one.outgoing.not_valid_after is not None:
        return Turn(
            "partner",
            _("Your turn: validate with the new certificate"),
            _("Until a call with it has passed the old one stays in use. It ends on %(end)s.")
            % {"end": end_in_words(one.outgoing.not_valid_after)},
            since,
            one.url("validate"),
            _("Validate"),
        )
    return Turn(
        "partner",
        _("Your turn: validate"),
        _("Everything is here. One real call to the fleet API shows that it works."),
        since,
        one.url("validate"),
        _("Validate"),
    )
