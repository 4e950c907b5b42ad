"""Where an application stands, whose turn it is, and what comes next: derived from facts, stored nowhere."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding.credentials.environments import available
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder, PartnerPassword
from onboarding.credentials.rehearsing import all_rehearsed
from onboarding.credentials.sets import missing_credentials
from onboarding.credentials.states import LIFECYCLE as CERTIFICATE_LIFECYCLE
from onboarding.credentials.states import USABLE
from onboarding.credentials.states import State as CertificateState
from onboarding.fleet.checks import Result
from onboarding.partners.models import PartnerLogin
from onboarding.partners.people import missing_contacts
from onboarding.programmes import SANDBOX, Environment
from onboarding.registrations.description import STEPS, missing
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.states import State as RegistrationState
from onboarding.rehearsals import Rehearsal
from onboarding.validation.models import PartnerReport, Run
from onboarding.web.company import contact_group

Status = dict[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, since when, and the next thing to do.

    who: partner, operator, portal (it is at work) or nobody. is_setback: it ended otherwise than hoped for.
    """

    who: str
    title: str
    text: str
    since: datetime | None = None
    href: str = ""
    action: str = ""
    is_setback: bool = False

    @property
    def tone(self) -> str:
        """How it is shown."""
        if self.is_setback:
            return "danger"
        return {"partner": "turn", "operator": "waiting", "portal": "waiting"}.get(self.who, "success")


@dataclass(frozen=True, slots=True)
class Track:
    """One environment of an application: its newest signing cycle, the set made from it, and its runs.

    key_order: the latest one of the signing cycle, custody `vault`.
    good_report: the latest report of the offline checker that was signed and passed.
    rehearsal: the failure that the sandbox plays for it. Runs that met one count as little as if they had not been.
    """

    application: Application
    environment: Environment
    request: CertificateRequest | None
    key_order: KeyOrder | None
    credential_set: CredentialSet | None
    missing: tuple[str, ...]
    run: Run | None
    good_run: Run | None
    rehearsal: Rehearsal | None
    good_report: PartnerReport | None = None

    def url(self, name: str) -> str:
        """Return the address of one of this track's pages."""
        return reverse(name, args=[self.application.pk, self.environment.id])

    @property
    def request_state(self) -> str:
        """The signing cycle's state; awaiting_csr where none was opened yet."""
        return self.request.state if self.request else CertificateState.AWAITING_CSR

    @property
    def is_key_ordered(self) -> bool:
        """Whether a key is being made, or waits to be."""
        return self.key_order is not None and self.key_order.is_open

    @property
    def has_key_failed(self) -> bool:
        """Whether the key that was asked for last could not be made."""
        return self.key_order is not None and self.key_order.state in KeyOrder.UNSUCCESSFUL

    @property
    def has_certificate(self) -> bool:
        """Whether there is a certificate that calls can be made with."""
        return self.request is not None and self.request.state in USABLE

    @property
    def can_receive(self) -> bool:
        """Whether the partner may take in a certificate that came by e-mail: the sandbox's are made here."""
        return self.environment.id != SANDBOX and CERTIFICATE_LIFECYCLE.allows(self.request_state, "receive")

    @property
    def is_complete(self) -> bool:
        """Whether everything a call needs is here, save a key that the partner keeps."""
        return self.has_certificate and self.credential_set is not None and not self.missing

    @property
    def is_live(self) -> bool:
        """Whether the set is known to work: by a run of ours, or as reported by the partner."""
        return self.good_run is not None or self.good_report is not None

    @property
    def is_reported(self) -> bool:
        """Whether the partner's report is the latest word on the set."""
        if self.good_report is None:
            return False
        return self.run is None or (
            self.run.state in (Run.State.FAILED, Run.State.ABANDONED, Run.State.CANCELLED)
            and self.run.created_at < self.good_report.received_at
        )


@dataclass(frozen=True, slots=True)
class Journey:
    """An application's facts, read once for a page."""

    application: Application
    registration: Registration | None
    tracks: tuple[Track, ...]

    @property
    def has_login(self) -> bool:
        """Whether keys and certificates can be asked for."""
        return self.application.confirmed_login is not None

    @property
    def is_disputed(self) -> bool:
        """Whether a call has passed with a partner login that still is only claimed: another company has it."""
        login = self.application.partner_login
        real = (one for one in self.tracks if one.environment.id != SANDBOX)
        return login is not None and login.is_claim and any(one.good_run is not None for one in real)


def load(application: Application) -> Journey:
    """Read the facts of one application."""
    return load_many([application])[0]


def load_many(applications: Sequence[Application]) -> list[Journey]:
    """Read the facts of several applications, in as many queries as for one."""
    requests: dict[tuple[UUID, str], CertificateRequest] = {}
    for request in (
        CertificateRequest.objects.filter(application__in=applications)
        .exclude(state__in=(CertificateState.CANCELLED, CertificateState.SUPERSEDED))
        .select_related("partner_login__organisation", "key")
        .order_by("created_at")
    ):
        requests[request.application_id, request.environment] = request  # the newest stays
    orders = {
        order.certificate_request_id: order  # the newest stays
        for order in KeyOrder.objects.filter(certificate_request__in=requests.values()).order_by("created_at")
    }
    held = _sets_of(requests.values())
    passwords = set(
        PartnerPassword.objects.filter(
            partner_login__in={request.partner_login_id for request in requests.values()}
        ).values_list("partner_login_id", "environment")
    )
    rehearsals = all_rehearsed(applications)
    runs = Run.objects.in_bulk(
        [id_ for one in held.values() for id_ in (one.latest_run_id, one.good_run_id) if id_ is not None]
    )
    reports = PartnerReport.objects.in_bulk(
        [one.good_report_id for one in held.values() if one.good_report_id is not None]
    )
    return [
        Journey(
            application,
            getattr(application, "registration", None),
            tuple(
                _track(
                    application,
                    where,
                    requests.get((application.pk, where.id)),
                    orders,
                    held,
                    passwords,
                    runs,
                    reports,
                    rehearsals.get(application.pk) if where.id == SANDBOX else None,
                )
                for where in _in_order(application, requests)
            ),
        )
        for application in applications
    ]


def _in_order(
    application: Application, requests: Mapping[tuple[UUID, str], CertificateRequest]
) -> tuple[Environment, ...]:
    """Return the environments, the sandbox first; without a registration, first where something was brought in."""
    environments = available(application.profile)
    if hasattr(application, "registration"):
        return environments
    return tuple(sorted(environments, key=lambda one: (application.pk, one.id) not in requests))


def track(application: Application, environment_id: str) -> Track:
    """Read the facts of one environment. Raises KeyError for one that is not available."""
    for one in load(application).tracks:
        if one.environment.id == environment_id:
            return one
    raise KeyError(environment_id)


def _sets_of(requests: Iterable[CertificateRequest]) -> dict[UUID, Any]:
    """Return the newest set of each request, with the ids of its latest run, and of the latest run and report that
    passed.
    """
    proving = (
        Run.objects.filter(credential_set=models.OuterRef("pk"))
        .exclude(facts__has_key=Run.REHEARSAL)
        .exclude(state=Run.State.CANCELLED)
        .exclude(state__in=Run.OPEN, origin=Run.Origin.SCHEDULE)  # nobody waits for these
    )
    runs = proving.order_by("-created_at").values("pk")
    reports = PartnerReport.objects.filter(credential_set=models.OuterRef("pk"), signed=True, result=Result.PASSED)
    return {
        one.certificate_request_id: one
        for one in CredentialSet.objects.filter(
            certificate_request__in=[request.pk for request in requests], retired_at=None
        )
        .select_related("application__organisation", "certificate_request__partner_login", "client_secret")
        .annotate(
            latest_run_id=models.Subquery(runs[:1]),
            good_run_id=models.Subquery(runs.filter(state=Run.State.PASSED)[:1]),
            good_report_id=models.Subquery(reports.order_by("-received_at").values("pk")[:1]),
        )
        .order_by("created_at")
    }


def _track(
    application: Application,
    where: Environment,
    request: CertificateRequest | None,
    orders: Mapping[UUID, KeyOrder],
    held: Mapping[UUID, Any],
    passwords: AbstractSet[tuple[UUID, str]],
    runs: Mapping[UUID, Run],
    reports: Mapping[UUID, PartnerReport],
    rehearsal: Rehearsal | None,
) -> Track:
    one = held.get(request.pk) if request else None
    has_password = request is not None and (request.partner_login_id, where.id) in passwords
    return Track(
        application=application,
        environment=where,
        request=request,
        key_order=orders.get(request.pk) if request else None,
        credential_set=one,
        missing=missing_credentials(one, has_password=has_password) if one else (),
        run=runs.get(one.latest_run_id) if one else None,
        good_run=runs.get(one.good_run_id) if one else None,
        rehearsal=rehearsal,
        good_report=reports.get(one.good_report_id) if one else None,
    )


def turn(journey: Journey) -> Turn:
    """Say whose turn it is and what comes next, for the application as a whole."""
    registration = journey.registration
    if registration is not None and registration.state != RegistrationState.APPROVED:
        return _registration_turn(journey.application, registration)
    if (claim := _claim_turn(journey)) is not None:
        return claim
    for one in journey.tracks:
        if not one.is_live and (registration is not None or one.request is not None):
            return track_turn(one)
    return track_turn(journey.tracks[0]) if journey.tracks else Turn("nobody", _("Approved"), "")


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
                registration.note,
                since,
                check,
                _("Change it"),
            )
        case RegistrationState.DECLINED:
            return Turn("nobody", _("Declined by %(operator)s") % values, registration.note, since, is_setback=True)
        case RegistrationState.WITHDRAWN:
            return Turn(
                "nobody",
                _("Withdrawn"),
                _("You took this application back. Nothing more happens with it."),
                since,
                is_setback=True,
            )
        case _:
            return Turn("operator", _("Suspended by %(operator)s") % values, registration.note, since, is_setback=True)


def track_turn(one: Track) -> Turn:
    """Say whose turn it is in one environment, and what comes next."""
    values = {"operator": settings.OPERATOR_NAME, "environment": _(one.environment.label)}
    since = one.request.state_since if one.request else None
    match one.request_state:
        case CertificateState.AWAITING_CSR if one.is_key_ordered:
            return Turn(
                "portal",
                _("Your key is on its way"),
                _("It is sealed, and its CSR submitted, as soon as it is there. You need not wait on the page."),
                one.key_order.created_at if one.key_order else None,
                one.url("key_making"),
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
                )
            return Turn(
                "operator",
                title,
                _("There is nothing for you to do. We write to you when the certificate is here."),
                since,
            )
        case CertificateState.REVOKED:
            return Turn(
                "nobody", _("The certificate was revoked"), _("Calls with it are refused."), since, is_setback=True
            )
    if one.missing:
        return Turn(
            "partner",
            _("Your turn: store your credentials"),
            _("The certificate is here. Store what else you received, and the set is complete."),
            since,
            one.url("credentials"),
            _("Store credentials"),
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
    return Turn(
        "partner",
        _("Your turn: validate"),
        _("Everything is here. One real call to the fleet API shows that it works."),
        since,
        one.url("validate"),
        _("Validate"),
    )


def task_groups(journey: Journey) -> list[dict[str, Any]]:
    """Return the task list of an application: the description and its review, then one group per environment."""
    groups = []
    if journey.registration is not None:
        groups.append(
            {"title": _("Registration"), "tasks": _registration_tasks(journey.application, journey.registration)}
        )
    if missing_contacts(journey.application.organisation):
        groups.append(contact_group(journey.application.organisation))
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
    return tasks


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
