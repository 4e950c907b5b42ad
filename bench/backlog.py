"""A desk with a past: companies, their requests of two years, and the cards of what waited and waits for staff.

Written straight into the database, in amounts; needs Django to be set up. Entries of the audit are there for their
number: they are not chained.
"""

import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, models, transaction
from django.utils import timezone

from bench.portfolio import PEM
from onboarding.audit.models import Chain, Entry
from onboarding.credentials.models import CertificateRequest, CredentialSet
from onboarding.partners.models import Organisation, PartnerLogin, StaffRole, User
from onboarding.registrations.models import Application, Message, Registration, Side, Submission
from onboarding.validation.models import Run
from onboarding.worklist.models import Item, Stage
from onboarding.worklist.search import searchable
from onboarding.worklist.targets import working_days_after
from tests.journey import ANSWERS

BATCH = 5_000
KINDS: Sequence[type[models.Model]] = (
    Organisation, PartnerLogin, Chain, Application, Registration, Submission, Message, CertificateRequest,
    CredentialSet, Run, Item, Entry,
)  # fmt: skip
"""In the order in which they are written."""
A_COMPANY = 10
"""Requests of one company."""
PAST = timedelta(days=730)
COUNTRIES = ("FR", "DE", "IT", "ES", "NL", "BE", "AT", "PL", "PT", "SE")
RARE, OF_RARE = "LU", 10
"""A country in which so many companies are, however many there are in all; all their requests wait, for one person."""
PEOPLE = 12
FAILING = 10
"""Of ten thousand sets; of the country that is RARE all fail."""
TALKING, LONG = 50, 2_000
"""So many requests in which an answer is waited for; so many entries of the audit about the first of all."""
WORDS = (
    "alpine", "amber", "cargo", "city", "coast", "courier", "depot", "electric", "express", "fleet", "green", "harbour",
    "leasing", "logistics", "mobility", "motion", "north", "parcel", "rapid", "rental", "river", "service", "south",
    "taxi", "transport", "union", "valley", "vans", "west", "works",
)  # fmt: skip
OPEN = {Stage.REVIEW: 5, Stage.LOGIN: 1, Stage.CSR: 3, Stage.RENEWAL: 2, Stage.HAND_OUT: 2}
"""In which proportions the stages wait."""
FAULTS = ("client_refused", "credentials_refused", "timeout", "name_mismatch")
LETTERS = string.ascii_uppercase + string.digits


def colleagues() -> list[User]:
    """Make the people of the desk; each has every role."""
    people = [
        User.objects.create_user(f"desk{number}@maker.example", name=f"Desk {number}") for number in range(PEOPLE)
    ]
    StaffRole.objects.bulk_create(StaffRole(user=one, role=role) for one in people for role in StaffRole.Role)
    return people


def seed(requests: int, waiting: int, people: list[User]) -> None:
    """Make so many requests; a card waits for about so many of them, those of the country that is RARE among them."""
    chance, now = random.Random(requests), timezone.now()
    share = max(0, waiting - OF_RARE * A_COMPANY) / requests
    with transaction.atomic():
        for first in range(0, requests, BATCH):
            numbers = range(first, min(first + BATCH, requests))
            rows: dict[type[models.Model], list[Any]] = {kind: [] for kind in KINDS}
            for row in _rows(numbers, share, people, now, chance):
                rows[type(row)].append(row)
            for kind in KINDS:
                _write(kind, rows[kind])


def _write(kind: type[models.Model], rows: list[Any]) -> None:
    """Write rows as `bulk_create` does; on PostgreSQL by COPY, which takes a fraction of the time."""
    if connection.vendor != "postgresql":
        kind._default_manager.bulk_create(rows, batch_size=500)
        return
    fields = [(field, _reader(field)) for field in kind._meta.concrete_fields]
    quoted = ", ".join(connection.ops.quote_name(field.column) for field, _read in fields)
    table = connection.ops.quote_name(kind._meta.db_table)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([read(row) for _field, read in fields])


def _reader(field: "models.Field[Any, Any]") -> Callable[[Any], Any]:
    """Return what reads a field as the database wants it; most are as they are."""
    if (
        isinstance(field, models.JSONField)
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
    ):
        return lambda row: field.get_db_prep_save(field.pre_save(row, add=True), connection)
    name = field.attname
    return lambda row: getattr(row, name)


def _rows(numbers: range, share: float, people: list[User], now: datetime, chance: random.Random) -> Iterator[Any]:
    for number in numbers:
        rare = number < OF_RARE * A_COMPANY
        if number % A_COMPANY == 0:
            name = " ".join(chance.sample(WORDS, 2)).title() + f" {number // A_COMPANY}"
            organisation = Organisation(name=name, country=RARE if rare else chance.choice(COUNTRIES))
            login = PartnerLogin(organisation=organisation, mzp=f"MZP{number:06}", confirmed_at=now)
            chain = Chain(organisation=organisation, length=3 * A_COMPANY)
            yield from (organisation, login, chain)
        application = Application(
            reference="FA-" + "".join(chance.choices(LETTERS, k=3)) + f"{number:06}",
            organisation=organisation,
            programme=chance.choice(Application.Programme.values),
            name=" ".join(chance.sample(WORDS, 2)).title(),
            brands=["peugeot"],
            partner_login=login,
        )
        yield application
        holders = people[:1] if rare else people
        yield from _history(application, login, chain, number, rare or chance.random() < share, holders, now, chance)


def _history(
    application: Application, login: PartnerLogin, chain: Chain, number: int, waits: bool, people: list[User],
    now: datetime, chance: random.Random,
) -> Iterator[Any]:  # fmt: skip
    """Yield what happened to one request, and what of it waits."""
    stage = chance.choices(list(OPEN), list(OPEN.values()))[0] if waits else None
    if number == 0:
        stage = Stage.REVIEW
    approved = stage not in (Stage.REVIEW, None) or (stage is None and number % 4 > 0)
    began = now - PAST * chance.random()
    if stage == Stage.REVIEW:
        began = now - timedelta(days=chance.expovariate(1 / 5))
    answers = ANSWERS | {"company": application.organisation.name, "name": application.name}
    state = "in_review" if stage == Stage.REVIEW else "approved" if approved else "declined"
    registration = Registration(application=application, state=state, answers=answers)
    yield registration
    yield Submission(registration=registration, number=1, answers=answers)
    if number % 7 == 0 and number < 7 * TALKING:  # what is unanswered is a matter of days
        yield Message(registration=registration, side=Side.PARTNER, text="When?", asks=True, written_at=began)
    decided = None if stage == Stage.REVIEW else began + timedelta(days=chance.lognormvariate(0.8, 0.8))
    yield _card(Stage.REVIEW, "registration", registration.pk, application, login, began, decided, people, chance)
    if approved:
        yield from _signing(application, login, stage, decided or began, people, now, chance)
    events = ["submit", "take", *({"approved": ["approve"], "declined": ["decline"]}.get(state, []))]
    if number == 0:
        events += [("release", "take")[place % 2] for place in range(LONG)]
    for place, event in enumerate(events):
        yield Entry(
            chain=chain,
            position=3 * (number % A_COMPANY) + place + (1 if number else 3 * A_COMPANY + 1),
            event=f"registration:{event}",
            actor_kind="member" if place == 0 else "staff",
            actor_id=chance.choice(people).pk,
            subject_type="registration",
            subject_id=registration.pk,
            application_id=application.pk,
            partner_visible=True,
            occurred_at=began + timedelta(hours=place),
            key_id="none",
            mac="0" * 64,
        )


def _signing(
    application: Application, login: PartnerLogin, stage: Stage | None, approved: datetime, people: list[User],
    now: datetime, chance: random.Random,
) -> Iterator[Any]:  # fmt: skip
    """Yield the certificate of an approved request, what is called with it, and what of it waits."""
    ends = now + timedelta(days=chance.uniform(-300, 420))
    used = stage in (None, Stage.RENEWAL, Stage.HAND_OUT)
    cycle = CertificateRequest(
        partner_login=login,
        application=application,
        environment="production",
        state="csr_submitted" if not used else "active" if ends > now else "superseded",
        custody=CertificateRequest.Custody.OWN,
        csr_pem=PEM[:1200],
        certificate_pem=PEM[:1800] if used else "",
        not_valid_after=ends if used else None,
        spki_sha256=f"{chance.getrandbits(256):064x}",
    )
    yield cycle
    if cycle.state == "active":
        held = CredentialSet(
            application=application, environment="production", certificate_request=cycle, client_id=str(application.pk)
        )
        fails = chance.random() * 10_000 < FAILING or application.organisation.country == RARE
        yield held
        yield Run(
            credential_set=held,
            state="failed" if fails else "passed",
            stands=fails,
            fault=chance.choice(FAULTS) if fails else "",
            stopped_at="http" if fails else "",
            failing_since=now - timedelta(days=chance.expovariate(1 / 5)) if fails else None,
            checks=[{"id": "tls", "result": "passed"}],
        )
    asked = approved + timedelta(days=chance.expovariate(1 / 10))
    signed = asked + timedelta(days=chance.lognormvariate(1, 0.7))
    card = _card(Stage.CSR, "certificaterequest", cycle.pk, application, login, asked, signed, people, chance)
    if signed < now:
        yield card
    if stage is not None:
        since = now - timedelta(days=chance.expovariate(1 / 5))
        kind, subject = ("partnerlogin", uuid4()) if stage == Stage.LOGIN else ("certificaterequest", cycle.pk)
        yield _card(stage, kind, subject, application, login, since, None, people, chance)


def _card(
    stage: Stage, kind: str, subject: UUID, application: Application, login: PartnerLogin, since: datetime,
    ended: datetime | None, people: list[User], chance: random.Random,
) -> Item:  # fmt: skip
    holder = chance.choice(people) if ended or len(people) == 1 or chance.random() < 0.6 else None
    organisation = application.organisation
    return Item(
        stage=stage,
        subject_type=kind,
        subject_id=subject,
        organisation=organisation,
        application_id=application.pk,
        country=organisation.country,
        programme=application.programme,
        environment="" if kind == "registration" else "production",
        reference=application.reference,
        title=application.name,
        search=searchable([application.reference, application.name, organisation.name, login.mzp, ANSWERS["concept"]]),
        opened_at=since,
        due_on=working_days_after(since.date(), 5),
        assignee=holder,
        assigned_at=since if holder else None,
        closed_at=ended and min(ended, timezone.now()),
        outcome=OUTCOMES[stage] if ended else "",
    )


OUTCOMES: Mapping[Stage, str] = {
    Stage.REVIEW: "registration:approve",
    Stage.LOGIN: "partner_login:confirmed",
    Stage.CSR: "certificate_request:issue",
    Stage.RENEWAL: "certificate_request:issue",
    Stage.HAND_OUT: "credentials:client_id",
}


def quiet() -> None:
    """Queue nothing: no worker is there who would do it."""
    from onboarding.celery import app

    app.send_task = lambda *_arguments, **_options: None
