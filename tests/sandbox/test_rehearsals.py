"""Every failure that can be rehearsed, played by a real sandbox and diagnosed by the real ladder."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import trustme

from onboarding.credentials.models import SandboxClient
from onboarding.fleet import faults
from onboarding.fleet.checks import VIRTUAL_KEY, Check, Result, Rung
from onboarding.fleet.diagnosis import Report, diagnose
from onboarding.fleet.messages import MESSAGES
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.retry import Policy
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.fleet.virtual_key import Asked, obtain
from onboarding.programmes import profile
from onboarding.rehearsals import BY_NAME, BY_TEST_ONLY, PORTS, REHEARSALS, SUFFIX, Played, Rehearsal
from onboarding.sandbox import api, token, virtual_keys
from onboarding.sandbox.faults.answers import ANSWERS, CHANGES, TOKEN_ANSWERS
from onboarding.sandbox.faults.certificates import CONTEXTS
from onboarding.sandbox.faults.listeners import HELD, openers
from onboarding.sandbox.faults.wire import TALKS
from onboarding.sandbox.limits import RateLimiter
from onboarding.sandbox.server import Ports, listening
from tests.fleet.conftest import MZP, PASSWORD, SECRET, material_of, mint
from tests.ports import free_ports
from tests.sandbox.doubles import KnownCredential, MemoryRegistry, contexts_of, fingerprint

REALM = "clientsB2CPeugeot"
ONCE = Policy(attempts=1)
KNOWN_BY_WAITING = {"connect_timeout", "proxy_silent", "handshake_timeout", "answer_timeout", "answer_stalled"}
LONG = 30.0
"""Deadline of all others."""


@dataclass(frozen=True)
class Rehearsing:
    """A running sandbox with a set of each programme."""

    ports: Ports
    first: int
    materials: Mapping[str, CredentialMaterial]
    registry: MemoryRegistry

    def target(self, programme: str, rehearsal: Rehearsal | None = None) -> Target:
        url, proxy = f"https://localhost:{self.ports.api}{profile(programme).api_path}", None
        if rehearsal is not None:
            url, proxy = rehearsal.route(url, self.first)
        token_url = f"https://localhost:{self.ports.token}{token.TOKEN_PATH}"
        return Target(url, token_url, self.materials[programme].ca_pem, REALM, proxy)


@contextmanager
def rehearsing(fault: str = "") -> Iterator[Rehearsing]:
    """Run the sandbox in a thread of its own, with all its ports. fault: for all callers."""
    ca = trustme.CA()
    leaf = mint(ca)
    materials = {programme: material_of(leaf, ca, programme) for programme in ("fleet_owner", "end_user")}
    materials["end_user"] = replace(materials["end_user"], client_id="client-8")
    registry = MemoryRegistry(
        [
            KnownCredential("client-7", "fleet_owner", MZP, fingerprint(leaf), password=PASSWORD),
            KnownCredential("client-8", "end_user", MZP, fingerprint(leaf), secret=SECRET),
        ]
    )

    def now() -> datetime:
        return datetime.now(UTC)

    contexts, limiter = contexts_of(ca, now()), RateLimiter()
    special = openers(
        contexts, lambda request: api.answer(request, registry, limiter, now(), asks_for_certificate=False), now()
    )
    first = free_ports(len(PORTS))[0]
    started = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, Ports]] = []

    async def run() -> None:
        async with listening(
            bind="127.0.0.1",
            ports=Ports(0, 0),
            contexts=contexts,
            answer_api=lambda request: api.answer(request, registry, limiter, now(), fault=fault),
            answer_token=lambda request: token.answer(request, registry, now(), fault=fault),
            clock=now,
            instead=special.get(fault),
            further={one.port(first): special[one.name] for one in PORTS},
        ) as ports:
            stop = asyncio.Event()
            running.append((asyncio.get_running_loop(), stop, ports))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert started.wait(20)
        yield Rehearsing(running[0][2], first, materials, registry)
    finally:
        if running:
            running[0][0].call_soon_threadsafe(running[0][1].set)
        thread.join(20)
    assert not thread.is_alive()


def run(sandbox: Rehearsing, programme: str, rehearsal: Rehearsal, patience: float) -> Report:
    """Meet a failure by the name after the client ID, or at its own address. patience: seconds to wait in vain."""
    material = sandbox.materials["fleet_owner" if programme == VIRTUAL_KEY else programme]
    if rehearsal.played in (Played.ANSWER, Played.VIRTUAL_KEY, Played.TOKEN):
        material = replace(material, client_id=f"{material.client_id}{SUFFIX}{rehearsal.name}")
    if programme == VIRTUAL_KEY:
        return ask_for_token(sandbox, material)
    return diagnose(
        material,
        sandbox.target(programme, rehearsal),
        checks=PortalChecks,
        now=datetime.now(UTC),
        deadline=patience if rehearsal.code in KNOWN_BY_WAITING else LONG,
        policy=ONCE,
    )


def ask_for_token(sandbox: Rehearsing, material: CredentialMaterial) -> Report:
    return obtain(
        material,
        sandbox.target("fleet_owner"),
        Asked("SGVsbG8=", "V29ybGQ=", 3600),
        checks=PortalChecks,
        now=datetime.now(UTC),
        deadline=LONG,
        policy=ONCE,
    ).report


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Rehearsing]:
    with rehearsing() as it:
        yield it


def the_check(report: Report) -> Check:
    """Return what the run says in the end: what failed, else what is a warning, else what the API answered."""
    for result in (Result.FAILED, Result.WARNING):
        for check in report.checks:
            if check.result == result:
                return check
    return next(check for check in report.checks if check.rung == Rung.ANSWER)


def test_each_failure_leads_to_its_diagnosis(sandbox: Rehearsing) -> None:
    """All at once, since most of the time is waiting. Each with a set of each programme that it is offered to, but
    below HTTP with one, as both make the same connection.
    """
    cases = [
        (rehearsal, programme)
        for rehearsal in REHEARSALS
        for programme in rehearsal.results
        if programme == "fleet_owner" or "fleet_owner" not in rehearsal.results or rehearsal.played == Played.ANSWER
    ]
    cases.sort(key=lambda case: case[0].code not in KNOWN_BY_WAITING)  # the slow ones first
    call(sandbox, "client-7")
    started = time.monotonic()
    assert call(sandbox, "client-7").result == Result.PASSED
    patience = max(2.5, 50 * (time.monotonic() - started))  # as long as this machine now needs for so many calls
    with ThreadPoolExecutor(24) as pool:
        reports = list(pool.map(lambda case: run(sandbox, case[1], case[0], patience), cases))
    # What went wrong in the crowd, on a busy machine, is right alone.
    again = [case for case, report in zip(cases, reports, strict=True) if misdiagnosed(*case, report)]
    assert len(again) < len(cases) / 2
    wrong = [misdiagnosed(*case, run(sandbox, case[1], case[0], patience)) for case in again]
    assert [one for one in wrong if one] == []


def misdiagnosed(rehearsal: Rehearsal, programme: str, report: Report) -> tuple[object, ...]:
    """Return what a report says, if it is not what the rehearsal announces; else nothing."""
    check = the_check(report)
    found = (check.rung, check.code, check.result)
    expected = (rehearsal.rung, rehearsal.code, rehearsal.results[programme])
    return () if found == expected else (rehearsal.name, programme, *found, dict(check.evidence))


# --- The tables -----------------------------------------------------------------------------------------------


def test_each_code_of_the_catalogue_is_offered_or_says_why_not() -> None:
    catalogue = {fault.code for fault in (*faults.FAULTS, faults.UNKNOWN)}
    offered = {rehearsal.code for rehearsal in REHEARSALS}
    assert catalogue - offered == set(BY_TEST_ONLY)
    assert all(rehearsal.code in MESSAGES for rehearsal in REHEARSALS)


def test_the_sandbox_plays_what_is_offered_and_nothing_else() -> None:
    def names(played: Played) -> set[str]:
        return {rehearsal.name for rehearsal in REHEARSALS if rehearsal.played == played}

    ports = CONTEXTS.keys() | TALKS.keys() | HELD.keys()
    assert (ANSWERS.keys() | CHANGES.keys(), set(virtual_keys.CHANGES), set(TOKEN_ANSWERS), ports) == (
        names(Played.ANSWER),
        names(Played.VIRTUAL_KEY),
        names(Played.TOKEN),
        {rehearsal.name for rehearsal in PORTS},
    )


def test_each_name_is_its_code_with_a_suffix_and_fits_its_column() -> None:
    assert len(BY_NAME) == len(REHEARSALS)
    for name, rehearsal in BY_NAME.items():
        assert name == rehearsal.code or name.startswith(f"{rehearsal.code}_")
        assert len(name) <= SandboxClient._meta.get_field("fault").max_length
        assert SUFFIX not in name


# --- The other two ways to meet one ---------------------------------------------------------------------------


def code_of(report: Report) -> str:
    return the_check(report).code


def call(sandbox: Rehearsing, client_id: str, programme: str = "fleet_owner") -> Report:
    material = replace(sandbox.materials[programme], client_id=client_id)
    return diagnose(
        material,
        sandbox.target(programme),
        checks=PortalChecks,
        now=datetime.now(UTC),
        deadline=LONG,
        policy=ONCE,
    )


def test_what_is_switched_on_is_met_with_the_plain_client_id_and_by_nobody_else(
    sandbox: Rehearsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, driver = sandbox.registry.known
    monkeypatch.setattr(sandbox.registry, "known", [replace(owner, fault="no_vehicle"), driver])
    assert code_of(call(sandbox, "client-7")) == "no_vehicle"
    assert code_of(call(sandbox, "client-7~bad_gateway")) == "bad_gateway"
    assert call(sandbox, "client-8", "end_user").result == Result.PASSED
    monkeypatch.setattr(sandbox.registry, "known", [owner, replace(driver, fault="token_endpoint_failing")])
    assert call(sandbox, "client-7").result == Result.PASSED
    assert code_of(call(sandbox, "client-8", "end_user")) == "token_endpoint_failing"


def test_who_is_not_known_meets_no_failure(sandbox: Rehearsing) -> None:
    assert code_of(call(sandbox, "nobody~no_vehicle")) == "client_id_refused"


@pytest.mark.parametrize(("name", "said"), [("no_such", "No failure is called"), ("server_expired", "another address")])
def test_a_name_that_no_answer_can_play_is_told_so(sandbox: Rehearsing, name: str, said: str) -> None:
    for programme, client_id in (("fleet_owner", "client-7"), ("end_user", "client-8")):
        checks = call(sandbox, f"{client_id}~{name}", programme).checks
        assert said in str([check.evidence for check in checks])


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ("rate_limited_date", ("rate_limited", "client_recognised")),
        ("token_request_refused", ("fleets_listed", "token_request_refused")),
        ("fleets_listed_unknown_fields", ("fleets_listed", "client_recognised")),
        ("server_expired", ("server_expired", "server_expired")),
        ("client_access_denied_tls12", ("client_access_denied", "client_access_denied")),
        ("connection_refused", ("connection_refused", "connection_refused")),
    ],
)
def test_a_failure_for_all_callers_is_met_by_all(fault: str, codes: tuple[str, str]) -> None:
    with rehearsing(fault) as sandbox:
        found = (
            call(sandbox, "client-7").checks,
            call(sandbox, "client-8", "end_user").checks,
        )
    assert all(code in {check.code for check in checks} for code, checks in zip(codes, found, strict=True)), found
