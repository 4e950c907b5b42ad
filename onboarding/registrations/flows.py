"""One verb per decision about an application. Forms, REST and commands call these."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.db import models, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.lifecycle import IllegalTransition
from onboarding.notifications.mails import notify
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import Contact, Membership, Organisation, PartnerLogin, StaffRole, User
from onboarding.partners.modes import mode, require_decider
from onboarding.partners.people import builders, staff
from onboarding.registrations import statements
from onboarding.registrations.description import BY_NAME, STEPS, Question, applicable, missing, settled
from onboarding.registrations.drafts import Conflict, Merge, differences, merge
from onboarding.registrations.logins import assign_login, assign_next
from onboarding.registrations.models import Application, DraftEdit, Registration, Submission, mail_params
from onboarding.registrations.outside import Outside, said
from onboarding.registrations.reopening import open_steps
from onboarding.registrations.states import EDITABLE, LIFECYCLE, State
from onboarding.worklist import assigning
from onboarding.worklist.following import open_item
from onboarding.worklist.transitions import advance

NAME_LENGTH = 120
IMPLIED = "implied"
"""In the audit: a step that nobody took by itself, because the one after it was recorded."""

COPY_ROOM = 20
"""Letters of a name that are left for what says that it is a copy."""


class NothingToCopy(Exception):
    """The application has no description, or it was erased."""


class DescriptionErased(Exception):
    """The description need not be kept any longer and was erased: there is nothing to look at. Nothing was changed."""


class Incomplete(Exception):
    """The description lacks required answers."""

    def __init__(self, questions: list[Question]) -> None:
        super().__init__(", ".join(question.name for question in questions))
        self.questions = questions


class EditedMeanwhile(Exception):
    """Somebody else changed the same answers since they were read, to something else. Nothing was written.

    conflicts: these answers, in both versions. theirs: other answers, among those sent, that they have changed, too: as
    they are, or put together from both.
    """

    def __init__(self, conflicts: list[Conflict], theirs: Mapping[str, Any]) -> None:
        super().__init__(", ".join(conflict.name for conflict in conflicts))
        self.conflicts, self.theirs = conflicts, theirs


class ChangedSinceRead(Exception):
    """The draft was changed after the person who submits it had read it. Nothing was submitted."""


class NotReopened(Exception):
    """Only the steps with a reviewer's comment can be changed, and this is none of them. Nothing was written."""


class ProgrammeFixed(Exception):
    """The programme cannot be changed any more: the description was submitted, or something was made for it."""


def create_organisation(user: User, *, name: str, country: str, actor: Actor, id_: UUID | None = None) -> Organisation:
    """Create an organisation, with `user` as its owner. id_: its id; asked for twice with it, one is created."""
    with transaction.atomic():
        organisation, is_new = Organisation.objects.get_or_create(
            pk=id_ or uuid4(), defaults={"name": name, "country": country}
        )
        if not is_new:
            return organisation
        Membership.objects.create(organisation=organisation, user=user, role=Membership.Role.OWNER)
        # They have confirmed this address to sign in: the first contact that can be written to.
        Contact.objects.create(
            organisation=organisation, name=user.name or user.email, email=user.email, verified_at=timezone.now()
        )
        record(Event.ORGANISATION_CREATED, organisation, actor=actor, organisation=organisation)
    return organisation


def start_application(
    organisation: Organisation, programme: str, *, actor: Actor, id_: UUID | None = None
) -> Application:
    """Start a draft for `programme`; company and country are those of the organisation.

    id_: that of the application; asked for twice with it, one is started.
    """
    with transaction.atomic():
        application, is_new = Application.objects.get_or_create(
            pk=id_ or uuid4(),
            defaults={"organisation": organisation, "programme": programme, "created_by_id": actor.user_id},
        )
        if not is_new:
            return application
        Registration.objects.create(
            application=application,
            answers={"programme": programme, "company": organisation.name, "country": organisation.country},
        )
        record(
            Event.APPLICATION_CREATED,
            application,
            actor=actor,
            organisation=organisation,
            application_id=application.pk,
            data={"programme": programme},
        )
    return application


def copy_application(application: Application, *, actor: Actor, id_: UUID | None = None) -> Application:
    """Start a draft with the answers of another application, in whatever state that is; nothing else goes along.

    Attestations are given anew, by whoever submits. id_: that of the copy; asked for twice with it, one is made.
    Raises NothingToCopy if there is no description, or none any more.
    """
    registration: Registration | None = getattr(application, "registration", None)
    if registration is None or registration.erased_at is not None:
        raise NothingToCopy
    answers = {name: answer for name, answer in registration.answers.items() if name not in statements.CURRENT}
    if answers.get("name"):
        answers["name"] = _("%(name)s (copy)") % {"name": answers["name"][: NAME_LENGTH - COPY_ROOM]}
    with transaction.atomic():
        made = start_application(application.organisation, application.programme, actor=actor, id_=id_)
        Registration.objects.filter(application=made, version=0).update(answers=made.registration.answers | answers)
        Application.objects.filter(pk=made.pk).update(name=answers.get("name", ""), brands=answers.get("brands", []))
    return Application.objects.select_related("organisation", "registration").get(pk=made.pk)


def save_answers(registration: Registration, answers: Mapping[str, Any], *, seen_version: int, actor: Actor) -> Merge:
    """Write some answers into the draft, beside what others have written meanwhile, and never over it.

    answers: by question name; those to statements are True or False. seen_version: of the draft that the person was
    shown. Returns what became of the answers: which others changed since, and this person did not; and which choices of
    several were put together from both.

    Raises EditedMeanwhile if both changed another answer, ProgrammeFixed, NotReopened, and IllegalTransition if the
    description is not the partner's to change now.
    """
    while True:
        registration.refresh_from_db()
        if not registration.is_editable:
            raise IllegalTransition(LIFECYCLE.name, registration.state, "edit")
        if not {BY_NAME[name].step for name in answers} <= open_steps(registration):
            raise NotReopened
        # Nobody has seen what is still to come; whoever says so has seen nothing.
        seen = seen_version if seen_version <= registration.version else 0
        unseen = list(registration.edits.filter(version__gt=seen))
        merged = merge(answers, registration.answers, unseen, user_id=actor.user_id)
        if merged.conflicts:
            together = {one.name: list(one.items) for one in merged.together}
            raise EditedMeanwhile(merged.conflicts, {**merged.theirs, **together})
        after = settled(registration.answers | merged.changes)
        before = differences(registration.answers, after)
        if not before or _written(registration, before, after, actor=actor):
            return merged


def _written(registration: Registration, before: Mapping[str, Any], after: dict[str, Any], *, actor: Actor) -> bool:
    """Write a draft's answers, unless another change came first. Raises ProgrammeFixed."""
    changing = Application.objects.filter(pk=registration.application_id)
    if "programme" in before:
        changing = changing.filter(**_NOTHING_MADE)
    with transaction.atomic():
        draft = Registration.objects.filter(pk=registration.pk, version=registration.version, state__in=EDITABLE)
        if not draft.update(answers=after, version=models.F("version") + 1):
            return False
        registration.refresh_from_db()
        DraftEdit.objects.create(
            registration=registration, version=registration.version, before=before, edited_by_id=actor.user_id
        )
        if not changing.update(
            name=after.get("name") or "", brands=after.get("brands") or [], programme=after["programme"]
        ):
            raise ProgrammeFixed
    registration.application.refresh_from_db()
    return True


# What is made for an application is made for its programme. These rows are those of packages above this one.
_NOTHING_MADE: Mapping[str, Any] = {
    "certificate_requests": None,
    "credential_sets": None,
    "registration__state": State.DRAFT,
}


def is_programme_fixed(registration: Registration) -> bool:
    """Whether the programme can no longer be changed."""
    return not Application.objects.filter(pk=registration.application_id, **_NOTHING_MADE).exists()


def submit(
    registration: Registration, *, actor: Actor, seen_version: int | None = None, outside: Outside | None = None
) -> Submission:
    """Hand the description in for review: an immutable snapshot, and the reviewers' turn.

    seen_version: of the draft that the person has read; None if nobody did. outside: where it was sent on.
    Raises Incomplete, ChangedSinceRead, or
    IllegalTransition (a second click finds it submitted already).
    """
    try:
        with transaction.atomic():
            # First of all, because from here on nobody else can change the draft.
            advance(registration, LIFECYCLE, "submit", actor=actor, data=said(outside))
            if seen_version is not None and seen_version != registration.version:
                raise ChangedSinceRead
            if unanswered := missing(registration.answers):
                raise Incomplete(unanswered)
            waiting = open_item(registration)
            submission = Submission.objects.create(
                registration=registration,
                number=registration.submissions.count() + 1,
                answers=applicable(registration.answers),
                comments=registration.comments,
                note=registration.note,
                decide_by=waiting.due if waiting and mode().has_desk else None,
                submitted_by_id=actor.user_id,
            )
            Registration.objects.filter(pk=registration.pk).update(comments={}, reopened=[], reason="", note="")
            params = mail_params(registration) | {"receipt": submission.receipt, "number": submission.number}
            once = f"registration:{registration.pk}:submit:{submission.number}"
            notify("registration_received", builders(registration.organisation), once=once, params=params)
            notify("registration_to_review", staff(StaffRole.Role.REVIEWER), once=once, params=params)
    finally:
        registration.refresh_from_db()
    return submission


def assign(registration: Registration, person: User, *, actor: Actor) -> None:
    """Give the review to somebody of the staff; with the first one it begins.

    Raises MovedOn, CannotHave, or IllegalTransition if it waits for nobody of the staff.
    """
    with transaction.atomic():
        if registration.state != State.IN_REVIEW:
            advance(registration, LIFECYCLE, "take", actor=actor)
        item = open_item(registration)
        if item is None:
            raise IllegalTransition(LIFECYCLE.name, registration.state, "take")
        assigning.assign(item, person, actor=actor)


def take(registration: Registration, *, actor: Actor) -> None:
    """Begin the review: whoever acts has it from now on. Raises NotTheirsToDecide, or like `assign`."""
    require_decider(actor)
    assign(registration, User.objects.get(pk=str(actor.user_id)), actor=actor)


def release(registration: Registration, *, actor: Actor) -> None:
    """Give the review back, for another reviewer to take. Raises MovedOn or IllegalTransition."""
    with transaction.atomic():
        advance(registration, LIFECYCLE, "release", actor=actor)
        if (item := open_item(registration)) is not None:
            assigning.release(item, actor=actor)


def approve(
    registration: Registration,
    *,
    mzp: str = "",
    of_range: bool = False,
    seen: str = "",
    actor: Actor,
    outside: Outside | None = None,
) -> PartnerLogin:
    """Approve, with the organisation's partner login: an existing one confirmed, or a new one assigned.

    of_range: assign the next one of the configured range, whatever `mzp` is; seen: the one that was shown as the next.
    outside: where that was answered, if a member records it; so with the other decisions.
    Raises MalformedLogin, LoginTaken, RangeExhausted, NextMoved, NotTheirsToDecide, NotHeld, or IllegalTransition.
    """
    require_decider(actor)
    with transaction.atomic():
        _looked_at(registration, outside, actor=actor)
        assigning.require_holder(registration, actor)
        # Both before the login is recorded: see `hold_chain`.
        Application.objects.select_for_update(no_key=True).get(pk=registration.application_id)
        Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
        organisation = registration.organisation
        if of_range:
            login = assign_next(organisation, seen=seen, actor=actor)
        else:
            login = assign_login(organisation, mzp, actor=actor)
        Application.objects.filter(pk=registration.application_id).update(partner_login=login)
        data = {"mzp": login.mzp, **said(outside)}
        advance(registration, LIFECYCLE, "approve", actor=actor, data=data, reason="", note="")
        registration.application.refresh_from_db()
        _tell_partner("registration_approved", registration, mzp=login.mzp)
    return login


def decline(
    registration: Registration, *, reason: str, note: str, actor: Actor, outside: Outside | None = None
) -> None:
    """Decline, with a typed reason and a note to the partner.

    Raises NotTheirsToDecide, NotHeld, IllegalTransition, or ValueError if there is no such reason.
    """
    require_decider(actor)
    with translation.override("en"):  # the mail's template translates it, for each reader
        why = str(Registration.DeclineReason(reason).label)
    with transaction.atomic():
        _looked_at(registration, outside, actor=actor)
        assigning.require_holder(registration, actor)
        data = {"reason": reason, **said(outside)}
        advance(registration, LIFECYCLE, "decline", actor=actor, data=data, reason=reason, note=note)
        _tell_partner("registration_declined", registration, note=note, reason=why)


def reopen(registration: Registration, *, note: str, changes: bool = False, actor: Actor) -> None:
    """Look again at what was declined: whoever reopens it has it, as it was submitted. note: for the partner.

    changes: whether the partner is to change the description first; the note says what. What was said when it was
    declined stays with that submission until something else is said.
    Raises DescriptionErased if there is nothing left to look at, NotTheirsToDecide, OwnOrganisation, IllegalTransition.
    """
    require_decider(actor)
    with transaction.atomic():
        advance(registration, LIFECYCLE, "reopen", actor=actor)
        if registration.erased_at is not None:
            raise DescriptionErased
        if changes:
            data: dict[str, Any] = {"questions": []}
            advance(
                registration, LIFECYCLE, "request_changes", actor=actor, data=data, note=note, comments={}, reopened=[]
            )
        elif actor.kind == ActorKind.STAFF and (item := open_item(registration)) is not None:
            assigning.assign(item, User.objects.get(pk=str(actor.user_id)), actor=actor)
            # The day that was promised with the submission is over: from here on another one counts.
            Submission.objects.filter(pk=registration.submissions.latest("number").pk).update(decide_by=item.due)
        _tell_partner("registration_reopened", registration, note=note, changes=changes)


def suspend(registration: Registration, *, reason: str, note: str, actor: Actor) -> None:
    """Suspend what was approved, with a typed reason and a note to the partner; it can be reinstated.

    Nothing new can be asked for or issued meanwhile, and nothing is called by itself. What was handed out stays.
    Raises NotTheirsToDecide, IllegalTransition, OwnOrganisation, or ValueError if there is no such reason.
    """
    require_decider(actor)
    with translation.override("en"):  # the mail's template translates it, for each reader
        why = str(Registration.SuspendReason(reason).label)
    with transaction.atomic():
        advance(registration, LIFECYCLE, "suspend", actor=actor, data={"reason": reason}, reason=reason, note=note)
        _tell_partner("registration_suspended", registration, note=note, reason=why)


def reinstate(registration: Registration, *, note: str = "", actor: Actor) -> None:
    """Undo a suspension: everything goes on where it stood. note: for the partner's mail.

    Raises NotTheirsToDecide, IllegalTransition, OwnOrganisation.
    """
    require_decider(actor)
    with transaction.atomic():
        advance(registration, LIFECYCLE, "reinstate", actor=actor, reason="", note="")
        _tell_partner("registration_reinstated", registration, note=note)


def request_changes(
    registration: Registration,
    *,
    note: str = "",
    comments: Mapping[str, str] | None = None,
    whole: bool = False,
    actor: Actor,
    outside: Outside | None = None,
) -> None:
    """Give the description back to the partner, saying what to change: in general, or question by question.

    comments: by question name. Only the steps that hold these questions can be changed then, unless `whole`.
    Raises ValueError if nothing is said, KeyError if there is no such question, NotTheirsToDecide, NotHeld,
    IllegalTransition.
    """
    require_decider(actor)
    comments = dict(comments or {})
    if not note and not comments:
        raise ValueError("Say what to change.")
    steps = {BY_NAME[name].step for name in comments}
    reopened = [] if whole else [step for step, _label in STEPS if step in steps]
    with translation.override("en"):  # the mail's template translates the labels, for each reader
        asked = [[str(BY_NAME[name].label), text] for name, text in comments.items()]
    with transaction.atomic():
        _looked_at(registration, outside, actor=actor)
        assigning.require_holder(registration, actor)
        advance(
            registration,
            LIFECYCLE,
            "request_changes",
            actor=actor,
            data={"questions": list(comments), **said(outside)},
            note=note,
            comments=comments,
            reopened=reopened,
        )
        _tell_partner("registration_changes_requested", registration, note=note, comments=asked)


def withdraw(registration: Registration, *, actor: Actor) -> None:
    """Take the registration back."""
    advance(registration, LIFECYCLE, "withdraw", actor=actor)


def _looked_at(registration: Registration, outside: Outside | None, *, actor: Actor) -> None:
    """An answer from outside says, by itself, that somebody there had begun the review."""
    if outside is not None and registration.state == State.SUBMITTED:
        advance(registration, LIFECYCLE, "take", actor=actor, data={IMPLIED: True})


def _tell_partner(kind: str, registration: Registration, **params: Any) -> None:
    once = f"{kind}:{registration.pk}:{timezone.now():%Y%m%dT%H%M%S%f}"
    notify(kind, builders(registration.organisation), once=once, params=mail_params(registration) | params)
