"""The list of applications tells where each stands as its own page does, in every state, and however many there are."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.portfolio import portfolio
from onboarding.credentials import flows as credentials
from onboarding.credentials import private_keys, rehearsing, sandboxing
from onboarding.credentials.models import CertificateRequest, CredentialSet, KeyOrder, PartnerPassword, SandboxClient
from onboarding.credentials.states import State as CertificateState
from onboarding.partners.models import Organisation, PartnerLogin, User
from onboarding.registrations import flows
from onboarding.registrations.logins import confirm_login
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.states import State as RegistrationState
from onboarding.rehearsals import REHEARSALS
from onboarding.validation import flows as validation
from onboarding.validation.models import PartnerReport, Run
from onboarding.vault.models import Secret
from onboarding.vault.seal import seal_secret
from onboarding.web.journey import load_many, standings, turn
from onboarding.web.journey.standing import listing
from tests.conftest import member, staff
from tests.journey import described, issued

ENDS = {"ended": -1, "soon": 10, "later": 300}


@pytest.fixture(params=[[], ["production"]], ids=["sandbox alone", "with production"])
def environments(request: Any, settings: Any) -> list[str]:
    settings.FLEET_ENVIRONMENTS = request.param
    return ["sandbox", *request.param]


@pytest.fixture
def logins(partner: Organisation) -> dict[str, PartnerLogin | None]:
    """No partner login, and one of each kind."""
    now = timezone.now()
    kinds = {"confirmed": (now, None), "claimed": (None, None), "rejected": (None, now)}
    made = {
        name: PartnerLogin.objects.create(
            organisation=partner, mzp=f"MZP{number}", confirmed_at=confirmed, retired_at=retired
        )
        for number, (name, (confirmed, retired)) in enumerate(kinds.items())
    }
    secret = seal_secret(partner, Secret.Kind.PASSWORD, b"sealed")
    for name, where in product(("confirmed", "claimed"), ("sandbox", "production")):
        PartnerPassword.objects.create(partner_login=made[name], environment=where, secret=secret)
    return {"": None, **made}


class Stage:
    """Puts applications into a state straight in the database: some can be reached only by years of use."""

    def __init__(self, partner: Organisation) -> None:
        self.partner, self.now, self.number = partner, timezone.now(), 0

    def application(self, state: str | None, login: PartnerLogin | None, programme: str = "fleet_owner") -> Application:
        self.number += 1
        application = Application.objects.create(
            organisation=self.partner, programme=programme, name=f"No {self.number}", partner_login=login
        )
        if state is not None:
            Registration.objects.create(application=application, state=state, answers={"programme": programme})
        return application

    def cycle(
        self, application: Application, where: str, state: str, login: PartnerLogin, end: str = "later"
    ) -> CertificateRequest:
        has_end = state in ("issued", "active", "revoked")
        return CertificateRequest.objects.create(
            partner_login=login,
            application=application,
            environment=where,
            state=state,
            not_valid_after=self.now + timedelta(days=ENDS[end]) if has_end else None,
        )

    def credentials(self, cycle: CertificateRequest, **values: Any) -> CredentialSet:
        self.number += 1
        return CredentialSet.objects.create(
            application=cycle.application,
            environment=cycle.environment,
            certificate_request=cycle,
            **{"client_id": f"client-{self.number}"} | values,
        )


def agree(organisations: Sequence[Organisation]) -> dict[str, int]:
    """Hold the standing of each application against what its own journey says; return how many there are of each."""
    said = {one[-32:]: standings.STANDINGS[int(one[0])] for one in standings.places(organisations)}
    applications = Application.objects.filter(organisation__in=organisations).select_related(*standings.ALL_OF_IT)
    assert len(said) == len(applications)
    for facts in load_many(list(applications)):
        found = turn(facts)
        assert said[facts.application.pk.hex] == standings.standing(facts, found), (facts.application.name, found)
    return {one: list(said.values()).count(one) for one in standings.STANDINGS}


def test_the_list_and_the_page_agree_in_every_state_of_a_review_and_of_a_signing_cycle(
    environments: list[str], logins: dict[str, PartnerLogin | None], partner: Organisation
) -> None:
    stage = Stage(partner)
    for state in RegistrationState:
        stage.application(state, None)
    for state, (name, login), first, end, second in product(
        (RegistrationState.APPROVED, None),
        logins.items(),
        ("", *CertificateState),
        ENDS,
        ("", "awaiting_csr", "csr_submitted", "csr_refused", "issued", "revoked"),
    ):
        if (state is None) != (name in ("claimed", "rejected", "")) and name != "confirmed":
            continue
        if end != "later" and first not in ("issued", "active"):
            continue
        if second in ("awaiting_csr", "csr_submitted", "csr_refused") and first in credentials.OPEN_STATES:
            continue  # one is open at a time
        application = stage.application(state, login)
        owner = login or logins["confirmed"]
        assert owner is not None
        where = environments[-1 if stage.number % 2 else 0]
        if first:
            stage.cycle(application, where, first, owner, end)
        if second:
            stage.cycle(application, where, second, owner)
    counts = agree([partner])
    assert min(counts["turn"], counts["waiting"], counts["ended"]) > 0, counts


def test_they_agree_on_what_a_partner_has_asked_to_have_revoked(
    environments: list[str], logins: dict[str, PartnerLogin | None], partner: Organisation
) -> None:
    stage, login = Stage(partner), logins["confirmed"]
    assert login is not None
    for state, asked in product(("issued", "active"), (None, timezone.now())):
        application = stage.application(RegistrationState.APPROVED, login)
        cycle = stage.cycle(application, environments[-1], state, login)
        CertificateRequest.objects.filter(pk=cycle.pk).update(revocation_asked_at=asked)
        stage.credentials(cycle)
    agree([partner])


def _runs() -> Iterator[list[dict[str, Any]]]:
    yield []
    for state, whose in product(Run.State, ("", "partner", "operator", "nobody")):
        if state == Run.State.FAILED or not whose:
            yield [{"state": state, "turn": whose}]
    yield [{"state": "passed"}, {"state": "failed", "turn": "operator"}]
    yield [{"state": "passed"}, {"state": "queued", "origin": "schedule"}]
    yield [{"state": "passed"}, {"state": "cancelled"}]
    yield [{"state": "failed"}, {"state": "passed", "facts": {Run.REHEARSAL: "proxy_invalid"}}]


@pytest.mark.parametrize("programme", ["fleet_owner", "end_user"])
def test_they_agree_whatever_became_of_the_credentials_and_their_runs(
    logins: dict[str, PartnerLogin | None], partner: Organisation, programme: str, settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    stage = Stage(partner)
    secret = seal_secret(partner, Secret.Kind.CLIENT_SECRET, b"sealed")
    faults = [one.name for one in REHEARSALS if programme in one.results and not one.has_port]
    for login_name, where, before, fault in (
        ("confirmed", "sandbox", "active", ""),
        ("confirmed", "sandbox", "", faults[0]),
        ("confirmed", "production", "active", ""),
        ("claimed", "production", "", ""),
    ):
        login = logins[login_name]
        assert login is not None
        runs_of = list(_runs())
        for runs, reported, lacks, order in [
            *((runs, reported, "", "") for runs in runs_of for reported in ("", "before", "after")),
            *(([], "", lacks, order) for lacks in ("set", "client_id", "client_secret") for order in ("", "done")),
            *(([], "", "", order) for order in ("done", "failed", "plain")),
        ]:
            application = stage.application("approved" if login_name == "confirmed" else None, login, programme)
            if before:
                stage.cycle(application, where, before, login)
            cycle = stage.cycle(application, where, "issued", login)
            if fault:
                SandboxClient.objects.create(application=application, client_id=application.name, fault=fault)
            if order:
                state = "failed" if order == "failed" else "done"
                KeyOrder.objects.create(
                    certificate_request=cycle, bits=2048, state=state, actor_kind="system", first_call=order == "done"
                )
            if lacks == "set":
                continue
            given: dict[str, Any] = {"client_secret": None if lacks == "client_secret" else secret}
            if lacks == "client_id":
                given["client_id"] = ""
            held = stage.credentials(cycle, **given)
            if reported == "before":
                _report(held)
            for values in runs:
                Run.objects.create(credential_set=held, **values)
            if reported == "after":
                _report(held)
    counts = agree([partner])
    assert min(counts["turn"], counts["waiting"], counts["live"]) > 0, counts


def _report(held: CredentialSet) -> None:
    now = timezone.now()
    PartnerReport.objects.create(
        credential_set=held, nonce=str(held.pk), signed=True, result="passed", began_at=now, ended_at=now
    )


# --- A long list -----------------------------------------------------------------------------------------------------


@pytest.fixture
def made_anew(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Collect whose list was put in order from scratch."""
    anew: list[object] = []
    every = standings._all_places

    def counted(organisations: Sequence[Organisation]) -> list[str]:
        anew.append(organisations)
        return every(organisations)

    monkeypatch.setattr(standings, "_all_places", counted)
    return anew


def test_what_is_put_on_record_is_in_the_kept_order_at_once(
    owner: User, reviewer: User, issuer: User, partner: Organisation, made_anew: list[object], settings: Any
) -> None:
    settings.FLEET_ENVIRONMENTS = ["production"]
    application = described(owner)
    seen = [agree([partner])]

    def look() -> None:
        seen.append(agree([partner]))

    flows.submit(application.registration, actor=member(owner))
    look()
    flows.take(application.registration, actor=staff(reviewer))
    flows.approve(application.registration, mzp="MZP128745", actor=staff(reviewer))
    look()
    application = Application.objects.get(pk=application.pk)
    order = sandboxing.get_credentials(application, actor=member(owner))
    assert order is not None
    look()
    private_keys.make_key(order.pk)
    look()
    held = issued(owner, reviewer, issuer)
    look()
    validation.cancel_run(validation.request_run(held, actor=member(owner)), actor=member(owner))
    look()
    rehearsing.rehearse(held, "proxy_invalid", actor=member(owner))
    look()
    flows.withdraw(described(owner).registration, actor=member(owner))
    look()
    assert len(made_anew) == 1
    assert len({tuple(one.values()) for one in seen}) > 3


def test_a_login_that_is_decided_on_changes_all_its_applications(
    partner: Organisation, logins: dict[str, PartnerLogin | None], reviewer: User, made_anew: list[object]
) -> None:
    stage, login = Stage(partner), logins["claimed"]
    assert login is not None
    for _ in range(3):
        stage.application(None, login)
    assert agree([partner])["waiting"] == 3
    confirm_login(login, actor=staff(reviewer))
    assert agree([partner])["turn"] == 3
    assert len(made_anew) == 2


def test_a_long_list_is_walked_page_by_page_and_back_and_nothing_is_left_out(db: None) -> None:
    organisations = list(portfolio("Many", 130).organisations.all())
    forth, after = [], ""
    while True:
        page = listing(organisations, after=after)
        assert page.number == len(forth) + 1
        forth += [row.application.name for row in page.rows]
        if not (after := page.after):
            break
    assert len(forth) == len(set(forth)) == page.total == sum(page.counts.values()) == 130
    back, before = [row.application.name for row in page.rows], page.before
    while before:
        page = listing(organisations, before=before)
        back = [row.application.name for row in page.rows] + back
        before = page.before
    assert back == forth


def test_an_application_that_moves_on_while_somebody_pages_shifts_nothing(owner: User, partner: Organisation) -> None:
    for number in range(60):
        described(owner, name=f"Depot {number:02}")
    first = listing([partner], standing="turn")
    next_ = [row.application.name for row in listing([partner], standing="turn", after=first.after).rows]
    for row in (first.rows[3], first.rows[24]):  # the last one is where the next page begins
        flows.withdraw(row.application.registration, actor=member(owner))
    described(owner, name="Newer than all")
    assert [row.application.name for row in listing([partner], standing="turn", after=first.after).rows] == next_


def test_a_page_costs_as_many_queries_with_a_hundred_applications_as_with_a_thousand(db: None) -> None:
    costs = []
    for number in (100, 1000):
        owner = portfolio(f"With {number}", number)
        organisations = list(owner.organisations.all())
        listing(organisations)
        with CaptureQueriesContext(connection) as queries:
            listing(organisations, standing="waiting", search="depot")
        costs.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            listing(organisations, after=listing(organisations).after)
        costs.append(len(queries))
    assert costs[:2] == costs[2:]
