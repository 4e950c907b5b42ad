"""What happened to one application, with what belongs to each event: which receipt, which reason, which environment."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from onboarding.activation.models import TraceReport
from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials.environments import shown
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.partners.models import User
from onboarding.registrations.correcting import OF, WAS_ON, WAS_REFERENCE, is_noted
from onboarding.registrations.flows import IMPLIED
from onboarding.registrations.models import Application, Registration, Side
from onboarding.rehearsals import BY_NAME as REHEARSALS
from onboarding.validation.models import Run
from onboarding.web.describing import labels_of
from onboarding.web.talking import page_of
from onboarding.web.timeline import on_day, timeline, what

OF_ITS_LOGIN = (Event.LOGIN_CONFIRMED, Event.LOGIN_REJECTED)
"""What happens to the partner login of an application, and is told in its history, too."""

SECRETS = {
    "private_key": gettext_noop("private key"),
    "client_secret": gettext_noop("client secret"),
    "password": gettext_noop("password of the partner login"),
}


def entries_of(application: Application) -> QuerySet[Entry]:
    """Return everything that is on record about an application and that its partner may see, the latest first."""
    about = Q(application_id=application.pk)
    if application.partner_login_id is not None:
        about |= Q(
            subject_id=application.partner_login_id, event__in=OF_ITS_LOGIN, occurred_at__gte=application.created_at
        )
    return Entry.objects.filter(about, partner_visible=True).order_by("-occurred_at", "-position")


def history(
    entries: Iterable[Entry],
    *,
    application: Application,
    reader: User,
    side: Side = Side.PARTNER,
    may_correct: bool = False,
) -> list[dict[str, Any]]:
    """Return entries for the component `timeline.html`, each with its detail and a link, where there is one.

    may_correct: what was noted of outside has a link to where its day and reference are corrected.
    """
    rows = [row for row in entries if not row.data.get(IMPLIED)]
    facts = _Facts.read(rows, application, side)
    found = []
    for row, told in zip(rows, timeline(rows, reader=reader), strict=True):
        more = DETAILS.get(Event(row.event), _where)(row, facts)
        details = dict.fromkeys(filter(None, (more.get("detail", ""), told["detail"])))
        fix = reverse("outside_correct", args=[application.pk, row.pk]) if may_correct and is_noted(row) else ""
        found.append(told | more | {"detail": " · ".join(details), "fix": fix})
    return found


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the details are made of, read once for all entries.

    numbers: of the submissions, by entry. environments: of certificate requests and sets, by id. runs, traces: those
    there are.
    """

    application: Application
    side: Side
    numbers: Mapping[UUID, int]
    environments: Mapping[UUID, str]
    runs: frozenset[UUID]
    traces: frozenset[UUID]

    @classmethod
    def read(cls, rows: Sequence[Entry], application: Application, side: Side) -> "_Facts":
        submitted = Entry.objects.filter(application_id=application.pk, event=Event.REGISTRATION_SUBMITTED)
        ids = submitted.order_by("position").values_list("pk", flat=True)
        subjects = {row.subject_id for row in rows}
        environments = dict(CertificateRequest.objects.filter(pk__in=subjects).values_list("pk", "environment"))
        environments |= dict(CredentialSet.objects.filter(pk__in=subjects).values_list("pk", "environment"))
        runs = Run.objects.filter(pk__in=subjects).values_list("pk", flat=True)
        traces = TraceReport.objects.filter(pk__in=subjects).values_list("pk", flat=True)
        numbers = {id_: number for number, id_ in enumerate(ids, 1)}
        return cls(application, side, numbers, environments, frozenset(runs), frozenset(traces))

    @property
    def submissions(self) -> str:
        """Where all submissions are told."""
        if self.side is Side.STAFF:
            return reverse("desk_submissions", args=[self.application.registration.pk])
        return reverse("submissions", args=[self.application.pk])


Detail = dict[str, str]


def _where(row: Entry, facts: _Facts) -> Detail:
    """Name the environment, where there is one."""
    id_ = row.data.get("environment") or facts.environments.get(row.subject_id)
    return {"detail": _(shown(facts.application.profile, id_).label)} if id_ else {}


def _also(row: Entry, facts: _Facts, text: str) -> Detail:
    return {"detail": " · ".join(filter(None, (_where(row, facts).get("detail", ""), text)))}


def _started(_row: Entry, facts: _Facts) -> Detail:
    return {"detail": str(facts.application.get_programme_display())}


def _submitted(row: Entry, facts: _Facts) -> Detail:
    number = facts.numbers.get(row.pk)
    if number is None:
        return {}
    href = facts.submissions
    if facts.side is Side.PARTNER:
        href = reverse("receipt", args=[facts.application.pk, number])
    return {"href": href, "link": _("Receipt %(number)s") % {"number": f"{facts.application.reference}/{number}"}}


def _changes(row: Entry, facts: _Facts) -> Detail:
    questions = row.data.get("questions") or []
    said = ngettext("One comment: %(names)s", "%(number)d comments: %(names)s", len(questions))
    words = said % {"number": len(questions), "names": labels_of(questions)} if questions else ""
    return {"detail": words, "href": facts.submissions, "link": _("See what was asked")}


def _approved(row: Entry, _facts: _Facts) -> Detail:
    return {"detail": _("With the partner login %(mzp)s") % {"mzp": row.data["mzp"]}} if row.data.get("mzp") else {}


def _corrected(row: Entry, _facts: _Facts) -> Detail:
    """Say of what, and what had been noted."""
    if OF not in row.data:
        return {}
    of, was = what(row.data[OF], is_outside=True), on_day(row.data[WAS_ON], row.data.get(WAS_REFERENCE, ""))
    return {"detail": _("%(what)s, before: %(was)s") % {"what": of, "was": was}}


def _login(row: Entry, _facts: _Facts) -> Detail:
    return {"detail": row.data.get("mzp", "")}


def _why(row: Entry, facts: _Facts) -> Detail:
    reasons = dict((*Registration.DeclineReason.choices, *Registration.SuspendReason.choices))
    words = str(reasons.get(row.data.get("reason"), ""))
    return {"detail": words, "href": facts.submissions, "link": _("See why")}


def _message(row: Entry, facts: _Facts) -> Detail:
    return {
        "detail": _("Asks for an answer") if row.data.get("asks") else "",
        "href": page_of(facts.application.registration, facts.side),
        "link": _("Read it"),
    }


def _revealed(row: Entry, facts: _Facts) -> Detail:
    return _also(row, facts, _(SECRETS[row.data["what"]]) if row.data.get("what") in SECRETS else "")


def _rehearsed(row: Entry, facts: _Facts) -> Detail:
    known = REHEARSALS.get(row.data.get("what", ""))
    return _also(row, facts, _(known.title) if known else "")


def _trace(row: Entry, facts: _Facts) -> Detail:
    counts = {name: row.data.get(name, 0) for name in ("errors", "warnings")}
    said = _("Errors %(errors)s · warnings %(warnings)s") % counts
    if row.subject_id not in facts.traces:
        return {"detail": said}
    return {"detail": said, "href": reverse("trace_report", args=[row.subject_id]), "link": _("See the report")}


def _run(row: Entry, facts: _Facts) -> Detail:
    if row.subject_id not in facts.runs:
        return _where(row, facts)
    return _where(row, facts) | {"href": reverse("run", args=[row.subject_id]), "link": _("See the checks")}


DETAILS: Mapping[Event, Callable[[Entry, _Facts], Detail]] = {
    Event.APPLICATION_CREATED: _started,
    Event.REGISTRATION_SUBMITTED: _submitted,
    Event.REGISTRATION_CHANGES_REQUESTED: _changes,
    Event.REGISTRATION_APPROVED: _approved,
    Event.REGISTRATION_DECLINED: _why,
    Event.REGISTRATION_SUSPENDED: _why,
    Event.MESSAGE_WRITTEN: _message,
    Event.LOGIN_CONFIRMED: _login,
    Event.LOGIN_REJECTED: _login,
    Event.OUTSIDE_CORRECTED: _corrected,
    Event.SECRET_REVEALED: _revealed,
    Event.REHEARSAL_BEGUN: _rehearsed,
    Event.REHEARSAL_ENDED: _rehearsed,
    Event.TRACE_ATTACHED: _trace,
    Event.TRACE_DETACHED: _trace,
    **dict.fromkeys(
        (
            Event.RUN_PASSED,
            Event.RUN_FAILED,
            Event.RUN_ABANDONED,
            Event.SCHEDULE_FAILED,
            Event.SCHEDULE_RECOVERED,
        ),
        _run,
    ),
}
"""What is told beside an event. Of all others, in which environment it happened, if in one."""
