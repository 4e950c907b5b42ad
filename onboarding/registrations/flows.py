"""One verb per decision about an application. Forms, REST and commands call these."""

from typing import Any

from django.db import models, transaction
from django.utils import timezone

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.audit.transitions import advance
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor
from onboarding.partners.models import Contact, Membership, Organisation, PartnerLogin, StaffRole, User
from onboarding.partners.people import builders, staff
from onboarding.registrations.description import TERMS_VERSION, Question, missing
from onboarding.registrations.logins import assign_login
from onboarding.registrations.models import Application, Registration, Submission
from onboarding.registrations.states import EDITABLE, LIFECYCLE


class Incomplete(Exception):
    """The description lacks required answers."""

    def __init__(self, questions: list[Question]) -> None:
        super().__init__(", ".join(question.name for question in questions))
        self.questions = questions


class EditedMeanwhile(Exception):
    """Somebody else saved the draft since it was read. Nothing was written."""


def create_organisation(user: User, *, name: str, country: str, actor: Actor) -> Organisation:
    """Create an organisation, with `user` as its owner."""
    with transaction.atomic():
        organisation = Organisation.objects.create(name=name, country=country)
        Membership.objects.create(organisation=organisation, user=user, role=Membership.Role.OWNER)
        # They have confirmed this address to sign in: the first contact that can be written to.
        Contact.objects.create(
            organisation=organisation, name=user.name or user.email, email=user.email, verified_at=timezone.now()
        )
        record(Event.ORGANISATION_CREATED, organisation, actor=actor, organisation=organisation)
    return organisation


def start_application(organisation: Organisation, programme: str, *, actor: Actor) -> Application:
    """Start a draft for `programme`; contact and company are filled in from what is known."""
    with transaction.atomic():
        application = Application.objects.create(
            organisation=organisation, programme=programme, created_by_id=actor.user_id
        )
        Registration.objects.create(application=application, answers={"company": organisation.name})
        record(
            Event.APPLICATION_CREATED,
            application,
            actor=actor,
            organisation=organisation,
            application_id=application.pk,
            data={"programme": programme},
        )
    return application


def save_answers(registration: Registration, answers: dict[str, Any], *, seen_version: int) -> None:
    """Write some answers into the draft.

    seen_version: the version that the person was shown. Raises EditedMeanwhile if there is a newer one, and
    IllegalTransition if the description is not the partner's to change now.
    """
    if not registration.is_editable:
        raise IllegalTransition(LIFECYCLE.name, registration.state, "edit")
    merged = registration.answers | answers
    with transaction.atomic():
        written = Registration.objects.filter(pk=registration.pk, version=seen_version, state__in=EDITABLE).update(
            answers=merged, version=models.F("version") + 1
        )
        if not written:
            raise EditedMeanwhile
        Application.objects.filter(pk=registration.application_id).update(
            name=merged.get("name", ""), brands=merged.get("brands", [])
        )
    registration.refresh_from_db()


def submit(registration: Registration, *, actor: Actor) -> Submission:
    """Hand the description in for review: an immutable snapshot, and the reviewers' turn.

    Raises Incomplete, or IllegalTransition (a second click finds it submitted already).
    """
    if unanswered := missing(registration.answers):
        raise Incomplete(unanswered)
    with transaction.atomic():
        advance(registration, LIFECYCLE, "submit", actor=actor, reason="", note="")
        submission = Submission.objects.create(
            registration=registration,
            number=registration.submissions.count() + 1,
            answers=registration.answers,
            terms_version=TERMS_VERSION,
            submitted_by_id=actor.user_id,
        )
        params = _params(registration)
        once = f"registration:{registration.pk}:submit:{submission.number}"
        notify("registration_received", builders(registration.organisation), once=once, params=params)
        notify("registration_to_review", staff(StaffRole.Role.REVIEWER), once=once, params=params)
    return submission


def take(registration: Registration, *, actor: Actor) -> None:
    """Begin the review: the reviewer who acts is the assignee from now on."""
    advance(registration, LIFECYCLE, "take", actor=actor, assignee_id=actor.user_id)


def approve(registration: Registration, *, mzp: str, actor: Actor) -> PartnerLogin:
    """Approve, with the organisation's partner login: an existing one confirmed, or a new one assigned.

    Raises MalformedLogin, LoginTaken, or IllegalTransition.
    """
    with transaction.atomic():
        login = assign_login(registration.organisation, mzp, actor=actor)
        Application.objects.filter(pk=registration.application_id).update(partner_login=login)
        advance(registration, LIFECYCLE, "approve", actor=actor, data={"mzp": login.mzp}, reason="", note="")
        registration.application.refresh_from_db()
        _tell_partner("registration_approved", registration, mzp=login.mzp)
    return login


def decline(registration: Registration, *, reason: str, note: str, actor: Actor) -> None:
    """Decline, with a typed reason and a note to the partner."""
    with transaction.atomic():
        advance(registration, LIFECYCLE, "decline", actor=actor, data={"reason": reason}, reason=reason, note=note)
        _tell_partner("registration_declined", registration, note=note)


def request_changes(registration: Registration, *, note: str, actor: Actor) -> None:
    """Give the description back to the partner, saying what to change."""
    with transaction.atomic():
        advance(registration, LIFECYCLE, "request_changes", actor=actor, note=note)
        _tell_partner("registration_changes_requested", registration, note=note)


def withdraw(registration: Registration, *, actor: Actor) -> None:
    """Take the registration back."""
    advance(registration, LIFECYCLE, "withdraw", actor=actor)


def _tell_partner(kind: str, registration: Registration, **params: str) -> None:
    once = f"{kind}:{registration.pk}:{timezone.now():%Y%m%dT%H%M%S%f}"
    notify(kind, builders(registration.organisation), once=once, params=_params(registration) | params)


def _params(registration: Registration) -> dict[str, str]:
    application = registration.application
    return {
        "application": str(application),
        "application_id": str(application.pk),
        "registration_id": str(registration.pk),
        "reference": application.reference,
        "organisation": registration.organisation.name,
    }
