"""The facts of an application, read once for a page: each environment with its newest signing cycle, set and runs."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.urls import reverse

from onboarding.credentials import recording, sandboxing
from onboarding.credentials.entitlement import has_login, is_open
from onboarding.credentials.environments import available
from onboarding.credentials.flows import OPEN_STATES
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder, PartnerPassword
from onboarding.credentials.rehearsing import all_rehearsed
from onboarding.credentials.states import LIFECYCLE as CERTIFICATE_LIFECYCLE
from onboarding.credentials.states import USABLE
from onboarding.credentials.states import State as CertificateState
from onboarding.fleet.checks import Result
from onboarding.partners.models import User
from onboarding.partners.modes import mode
from onboarding.programmes import SANDBOX, Environment
from onboarding.registrations import dispatches
from onboarding.registrations.conversation import NO_TALK, Talk, talks
from onboarding.registrations.models import Application, Dispatch, Registration, Side, Submission
from onboarding.registrations.states import State as RegistrationState
from onboarding.rehearsals import Rehearsal
from onboarding.validation.models import PartnerReport, Run
from onboarding.worklist.following import target_of
from onboarding.worklist.models import UNDATED


@dataclass(frozen=True, slots=True)
class Track:
    """One environment of an application: its signing cycle, the set made from it, and its runs.

    request: the newest cycle; while a renewal is on its way, the one whose certificate is in use.
    renewal: the track of the cycle on its way, whose certificate is to follow. outgoing: the cycle whose certificate is
    still in use while the one that follows it has not passed a validation yet.
    key_order: the latest one of the signing cycle, custody `vault`.
    good_report: the latest report of the offline checker that was signed and passed.
    dispatch: when the CSR was sent to the car maker, where members note that.
    decide_by: the day by which a CSR that waits for staff is to be signed or refused; None where none is promised.
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
    renewal: "Track | None" = None
    outgoing: CertificateRequest | None = None
    dispatch: Dispatch | None = None
    decide_by: date | None = None

    def url(self, name: str) -> str:
        """Return the address of one of this track's pages."""
        return reverse(name, args=[self.application.pk, self.environment.id])

    @property
    def is_sandbox(self) -> bool:
        """Whether it is the sandbox's."""
        return self.environment.id == SANDBOX

    @property
    def is_open(self) -> bool:
        """Whether something new may be asked for, as far as the review goes."""
        return is_open(self.application, self.environment.id)

    @property
    def can_begin(self) -> bool:
        """Whether a key and a certificate may be asked for now."""
        return self.is_open and has_login(self.application, self.environment.id)

    @property
    def is_begun(self) -> bool:
        """Whether somebody has asked for a key or a certificate."""
        return self.request is not None

    @property
    def is_quick(self) -> bool:
        """Whether everything can be made here in one go, and nothing was submitted yet in another way."""
        waits = self.request_state in (CertificateState.AWAITING_CSR, CertificateState.REVOKED)
        return self.is_sandbox and waits and self.is_open and sandboxing.is_offered()

    @property
    def request_state(self) -> str:
        """The signing cycle's state; awaiting_csr where none was opened yet."""
        return self.request.state if self.request else CertificateState.AWAITING_CSR

    @property
    def is_revoked(self) -> bool:
        """Whether its certificate was revoked, and there is no other."""
        return self.request_state == CertificateState.REVOKED

    @property
    def is_key_ordered(self) -> bool:
        """Whether a key is being made, or waits to be."""
        return self.key_order is not None and self.key_order.is_open

    @property
    def has_key_failed(self) -> bool:
        """Whether the key that was asked for last could not be made."""
        return self.key_order is not None and self.key_order.state in KeyOrder.UNSUCCESSFUL

    @property
    def is_call_coming(self) -> bool:
        """Whether the first call was asked for together with the key, and is about to begin."""
        order = self.key_order
        return order is not None and order.state == KeyOrder.State.DONE and order.first_call

    @property
    def has_certificate(self) -> bool:
        """Whether there is a certificate that calls can be made with."""
        return self.request is not None and self.request.state in USABLE

    @property
    def in_work(self) -> "Track":
        """The track whose key, CSR or certificate is worked on: the renewal's, while there is one."""
        return self.renewal or self

    @property
    def can_renew(self) -> bool:
        """Whether a renewal can be begun."""
        return self.has_certificate and self.renewal is None and self.outgoing is None

    def expires_within(self, days: int, now: datetime) -> bool:
        """Return whether the certificate in use ends within so many days, or has ended."""
        end = self.request.not_valid_after if self.request and self.has_certificate else None
        return end is not None and end <= now + timedelta(days=days)

    @property
    def can_receive(self) -> bool:
        """Whether the partner may take in a certificate that came by e-mail: the sandbox's are made here."""
        return self.environment.id != SANDBOX and CERTIFICATE_LIFECYCLE.allows(self.request_state, "receive")

    @property
    def has_dossier(self) -> bool:
        """Whether the CSR goes to the car maker outside, in a dossier, and nothing has come back yet."""
        return not mode().has_desk and not self.is_sandbox and self.request_state in recording.WAITING

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
    """An application's facts, read once for a page.

    decide_by: the day by which a review that waits or runs is to be decided; None where none is promised.
    submitted: how often it was; the number of the latest receipt. talk: what is said with the reviewers about it.
    dispatch: when the description that is waited on was sent to the car maker, where members note that.
    """

    application: Application
    registration: Registration | None
    tracks: tuple[Track, ...]
    decide_by: date | None = None
    submitted: int = 0
    talk: Talk = NO_TALK
    dispatch: Dispatch | None = None

    @property
    def sandbox(self) -> Track | None:
        """The sandbox's track, if this installation has a sandbox."""
        return next((one for one in self.tracks if one.is_sandbox), None)

    @property
    def is_disputed(self) -> bool:
        """Whether a call has passed with a partner login that still is only claimed: another company has it."""
        login = self.application.partner_login
        real = (one for one in self.tracks if one.environment.id != SANDBOX)
        return login is not None and login.is_claim and any(one.good_run is not None for one in real)


def talk_url(journey: Journey) -> str:
    """Return where the reviewers can be talked with; empty before there are any, and after all was erased."""
    registration = journey.registration
    if settings.PORTAL_MODE != "hub" or not journey.submitted or registration is None or registration.erased_at:
        return ""
    return reverse("conversation", args=[journey.application.pk])


def load(application: Application, *, reader: User | None = None) -> Journey:
    """Read the facts of one application. reader: for whom messages are new."""
    return load_many([application], reader=reader)[0]


def load_many(applications: Sequence[Application], *, reader: User | None = None) -> list[Journey]:
    """Read the facts of several applications, in as many queries as for one."""
    cycles: dict[tuple[UUID, str], list[CertificateRequest]] = {}
    for request in (
        CertificateRequest.objects.filter(application__in=applications)
        .exclude(state__in=(CertificateState.CANCELLED, CertificateState.SUPERSEDED))
        .annotate(target=target_of(CertificateRequest))
        .select_related("partner_login__organisation", "key")
        .order_by("created_at")
    ):
        cycles.setdefault((request.application_id, request.environment), []).append(request)
    every = [request for several in cycles.values() for request in several]
    orders = {
        order.certificate_request_id: order  # the newest stays
        for order in KeyOrder.objects.filter(certificate_request__in=every).order_by("created_at")
    }
    held = _sets_of(every, applications)
    passwords = set(
        PartnerPassword.objects.filter(partner_login__in={request.partner_login_id for request in every}).values_list(
            "partner_login_id", "environment"
        )
    )
    rehearsals = all_rehearsed(applications)
    runs = Run.objects.in_bulk(
        [id_ for one in held.values() for id_ in (one.latest_run_id, one.good_run_id) if id_ is not None]
    )
    reports = PartnerReport.objects.in_bulk(
        [one.good_report_id for one in held.values() if one.good_report_id is not None]
    )
    submissions = _latest_submissions(applications)
    conversations = talks(applications, side=Side.PARTNER, reader=reader)
    has_desk = mode().has_desk
    descriptions = {} if has_desk else dispatches.of_descriptions(applications)
    csrs = {} if has_desk else recording.of_csrs(applications)
    dated = {one.pk: vars(one)["target"] for one in every} if has_desk else {}
    promised = {id_: day for id_, day in dated.items() if day != UNDATED}
    return [
        Journey(
            application,
            getattr(application, "registration", None),
            tracks=tuple(
                _track(
                    application,
                    where,
                    cycles.get((application.pk, where.id), []),
                    orders,
                    held,
                    passwords,
                    runs,
                    reports,
                    rehearsals.get(application.pk) if where.id == SANDBOX else None,
                    csrs,
                    promised,
                )
                for where in _in_order(application, cycles)
            ),
            decide_by=submissions[application.pk].decide_by if application.pk in submissions else None,
            submitted=submissions[application.pk].number if application.pk in submissions else 0,
            talk=conversations.get(application.pk, NO_TALK),
            dispatch=descriptions.get(application.pk),
        )
        for application in applications
    ]


@dataclass(frozen=True, slots=True)
class _Submitted:
    """The latest submission: its number, and by when it is to be decided while it waits, as the partner was told."""

    number: int
    decide_by: date | None


def _latest_submissions(applications: Sequence[Application]) -> Mapping[UUID, _Submitted]:
    waiting = (RegistrationState.SUBMITTED, RegistrationState.IN_REVIEW)
    every = Submission.objects.filter(registration__application__in=applications).order_by("number")
    return {  # the newest stays
        application_id: _Submitted(number, day if state in waiting else None)
        for application_id, number, day, state in every.values_list(
            "registration__application_id", "number", "decide_by", "registration__state"
        )
    }


def _in_order(
    application: Application, cycles: Mapping[tuple[UUID, str], list[CertificateRequest]]
) -> tuple[Environment, ...]:
    """Return the environments, the sandbox first; without a registration, first where something was brought in."""
    environments = available(application.profile)
    if hasattr(application, "registration"):
        return environments
    return tuple(sorted(environments, key=lambda one: (application.pk, one.id) not in cycles))


def track(application: Application, environment_id: str) -> Track:
    """Read the facts of one environment. Raises KeyError for one that is not available."""
    for one in load(application).tracks:
        if one.environment.id == environment_id:
            return one
    raise KeyError(environment_id)


def _sets_of(requests: Iterable[CertificateRequest], applications: Iterable[Application]) -> dict[UUID, Any]:
    """Return the newest set of each request, with the ids of its latest run, and of the latest run and report that
    passed.
    """
    by_id, owners = {one.pk: one for one in requests}, {one.pk: one for one in applications}
    if not by_id:
        return {}
    runs = proving_runs().order_by("-created_at").values("pk")
    reports = PartnerReport.objects.filter(credential_set=models.OuterRef("pk"), signed=True, result=Result.PASSED)
    sets = CredentialSet.objects.filter(certificate_request__in=[*by_id], retired_at=None).annotate(
        latest_run_id=models.Subquery(runs[:1]),
        good_run_id=models.Subquery(runs.filter(state=Run.State.PASSED)[:1]),
        good_report_id=models.Subquery(reports.order_by("-received_at").values("pk")[:1]),
    )
    held: dict[UUID, Any] = {}
    for one in sets.order_by("created_at"):
        # Read already, PEM and all; not a second time.
        one.certificate_request, one.application = by_id[one.certificate_request_id], owners[one.application_id]
        held[one.certificate_request_id] = one
    return held


def proving_runs() -> models.QuerySet[Run]:
    """Return the runs of an outer query's credential set that say something of it: of these, the latest counts."""
    return (
        Run.objects.filter(credential_set=models.OuterRef("pk"))
        .exclude(facts__has_key=Run.REHEARSAL)
        .exclude(state=Run.State.CANCELLED)
        .exclude(state__in=Run.OPEN, origin=Run.Origin.SCHEDULE)  # nobody waits for these
    )


def _standing(cycles: Sequence[CertificateRequest]) -> Sequence[CertificateRequest]:
    """Leave out what was revoked, where something came after it, or another certificate can be used."""
    is_usable = any(one.state in USABLE for one in cycles)
    return [one for one in cycles if one.state != CertificateState.REVOKED or (one is cycles[-1] and not is_usable)]


def _track(
    application: Application,
    where: Environment,
    cycles: Sequence[CertificateRequest],
    orders: Mapping[UUID, KeyOrder],
    held: Mapping[UUID, Any],
    passwords: AbstractSet[tuple[UUID, str]],
    runs: Mapping[UUID, Run],
    reports: Mapping[UUID, PartnerReport],
    rehearsal: Rehearsal | None,
    csrs: Mapping[tuple[UUID, str], Dispatch],
    promised: Mapping[UUID, date | None],
) -> Track:
    def about(request: CertificateRequest | None) -> Track:
        one = held.get(request.pk) if request else None
        has_password = request is not None and (request.partner_login_id, where.id) in passwords
        return Track(
            application=application,
            environment=where,
            request=request,
            key_order=orders.get(request.pk) if request else None,
            credential_set=one,
            missing=one.missing(has_password=has_password) if one else (),
            run=runs.get(one.latest_run_id) if one else None,
            good_run=runs.get(one.good_run_id) if one else None,
            rehearsal=rehearsal,
            good_report=reports.get(one.good_report_id) if one else None,
            dispatch=csrs.get((request.pk, request.spki_sha256)) if request else None,
            decide_by=promised.get(request.pk) if request else None,
        )

    cycles = _standing(cycles)
    newest = cycles[-1] if cycles else None
    usable = next((one for one in reversed(cycles) if one.state in USABLE), None)
    if newest is not None and usable is not None and newest.state in OPEN_STATES:
        return replace(about(usable), renewal=about(newest))
    active = next((one for one in cycles if one.state == CertificateState.ACTIVE), None)
    is_overlap = newest is not None and newest.state == CertificateState.ISSUED and active is not None
    return replace(about(newest), outgoing=active if is_overlap else None)
