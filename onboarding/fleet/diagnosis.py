"""One run up the ladder: prove a credential set with real calls, and say at which rung it stopped, and why.

How a run goes:
1. the rungs that need no network (`onboarding.fleet.material`);
2. the programme's probes, in the order of its profile; each is one call on one connection, and the rungs of
   name, TCP, TLS and client certificate are read off that same connection while it works;
3. the first failure ends the run. A rung is `not_reached` where nothing was proven either way, also below
   the failure: a gateway that answers 502 says nothing about a password.
"""

import http.client
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import requests
import urllib3.exceptions

from onboarding.fleet import client, evidence, probes
from onboarding.fleet.checks import RUNGS, Check, Evidence, Result, Rung, Turn
from onboarding.fleet.faults import UNKNOWN, Fault, classify, classify_response
from onboarding.fleet.material import MaterialChecks
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.fleet.trace import Deadline, Stage, Trace
from onboarding.programmes import profile

OnCheck = Callable[[Sequence[Check]], None]

_CALL_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,
    client.AnswerTooLarge,
)

# The rungs that one connection climbs, in order, with the stages whose time is theirs.
_CONNECTION: Mapping[Rung, tuple[Stage, ...]] = {
    Rung.NAME_RESOLUTION: (Stage.RESOLVE,),
    Rung.TCP_CONNECT: (Stage.PROXY, Stage.CONNECT),
    Rung.SERVER_TLS: (Stage.TLS, Stage.OFFER),
    Rung.CLIENT_CERTIFICATE: (Stage.WAIT,),
}
# The rung that starts when a stage is entered; all before it are then passed.
_STARTS: Mapping[Stage, Rung] = {
    Stage.RESOLVE: Rung.NAME_RESOLUTION,
    Stage.PROXY: Rung.TCP_CONNECT,
    Stage.CONNECT: Rung.TCP_CONNECT,
    Stage.TLS: Rung.SERVER_TLS,
    Stage.WAIT: Rung.CLIENT_CERTIFICATE,
    Stage.REQUEST: Rung.CLIENT_CERTIFICATE,
}
# Answers to a call without a bearer token that show the API at work, and so prove the certificate.
_EXPECTED_OF_USER = frozenset({200, 400, 401, 403})
# What the sandbox adds to each answer: the certificate and the connection as the server saw them.
_SEEN_HEADERS: Mapping[str, str] = {
    "x-sandbox-client-subject": "client_certificate_seen",
    "x-sandbox-tls": "tls_seen",
}
_ASSUMPTION: Evidence = {"basis": "assumption"}


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended.

    result: passed or failed. checks: one for every rung of the programme's ladder, in its order.
    facts: plain values for the page: tls_version, cipher, address, client_certificate_subject,
    server_subject, server_not_valid_after; fleets, first_fleet_id, first_fleet_name;
    client_certificate_seen, tls_seen (sandbox).
    """

    result: Result
    checks: tuple[Check, ...]
    facts: Mapping[str, str | int] = field(default_factory=dict)


class _Stopped(Exception):
    """A rung failed; the run is over."""


class _Ladder:
    """The checks of one run as they stand, told to the observer at each change."""

    def __init__(self, rungs: Sequence[Rung], clean: evidence.Redactor, on_check: OnCheck) -> None:
        self._checks = {rung: Check(rung, "not_reached", Result.NOT_REACHED) for rung in rungs}
        self._clean = clean
        self._on_check = on_check
        self._started: dict[Rung, float] = {}

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(self._checks.values())

    def is_settled(self, rung: Rung) -> bool:
        return self._checks[rung].result in (Result.PASSED, Result.WARNING, Result.FAILED)

    def start(self, rung: Rung) -> None:
        if self._checks[rung].result == Result.NOT_REACHED:
            self._started[rung] = time.perf_counter()
            self._set(Check(rung, "running", Result.RUNNING))

    def settle(self, check: Check, ms: float | None = None) -> None:
        """Write a check down. Raises _Stopped if it failed."""
        rung = Rung(check.rung)
        if ms is None and rung in self._started:
            ms = (time.perf_counter() - self._started[rung]) * 1000
        if check.result == Result.FAILED:
            self._stop_running()
        cleaned = self._clean.clean_all(check.evidence)
        self._set(Check(rung, check.code, check.result, check.turn, cleaned, None if ms is None else round(ms, 2)))
        if check.result == Result.FAILED:
            raise _Stopped

    def _stop_running(self) -> None:
        for rung, check in self._checks.items():
            if check.result == Result.RUNNING:
                self._checks[rung] = Check(rung, "not_reached", Result.NOT_REACHED)

    def _set(self, check: Check) -> None:
        self._checks[Rung(check.rung)] = check
        self._on_check(self.checks)


class _Run:
    """What the probes of one run share."""

    def __init__(
        self, material: CredentialMaterial, target: Target, now: datetime, seconds: float, on_check: OnCheck
    ) -> None:
        self.material = material
        self.target = target
        self.now = now
        self.deadline = Deadline(seconds)
        self.clean = evidence.Redactor(material, target)
        self.ladder = _Ladder(RUNGS[material.programme], self.clean, on_check)
        self.facts: dict[str, str | int] = {}
        self.context = client.new_context()

    def check_material(self) -> None:
        """Climb the rungs that need no network."""
        parts = MaterialChecks(self.material, self.target, self.context, self.now)
        steps = {
            Rung.COMPLETE: parts.complete,
            Rung.KEY_PAIR: parts.key_pair,
            Rung.CERTIFICATE: parts.certificate,
            Rung.COMMON_NAME: parts.common_name,
        }
        for rung, step in steps.items():
            self.ladder.start(rung)
            self.ladder.settle(step())
        self.facts["client_certificate_subject"] = parts.subject

    def api_call(self, call: client.Call) -> tuple[client.Answer, Trace]:
        """Call the API over mutual TLS, climbing as far as the client certificate with the connection."""
        trace = Trace(on_stage=lambda stage: self._climb(stage, trace))
        try:
            answer = client.send(call, self.context, trace=trace, deadline=self.deadline, proxy=self.target.proxy)
        except _CALL_ERRORS as error:
            self._note(trace)
            self._fail_api_call(error, trace)
        self._note(trace)
        self.facts |= {fact: answer.headers[name] for name, fact in _SEEN_HEADERS.items() if answer.headers.get(name)}
        return answer, trace

    def _climb(self, stage: Stage, trace: Trace) -> None:
        if stage in _STARTS:
            self._pass_below(_STARTS[stage], trace)
            self.ladder.start(_STARTS[stage])

    def _pass_below(self, rung: Rung, trace: Trace) -> None:
        """Settle the connection's rungs below this one: it was reached, so they hold."""
        for below, stages in _CONNECTION.items():
            if below == rung:
                return
            if not self.ladder.is_settled(below):
                ms = sum(trace.ms.get(stage, 0.0) for stage in stages)
                self.ladder.settle(_passed(below, trace, self.target.proxy is not None), ms)

    def _fail_api_call(self, error: Exception, trace: Trace) -> None:
        fault = classify(error, trace.stage, trace.alert)
        rung = _STARTS.get(trace.stage, fault.rung) if fault is UNKNOWN else fault.rung
        if trace.status is not None:
            self._pass_below(Rung.ANSWER, trace)  # there was an answer, though it could not be read
        elif rung in _CONNECTION:
            self._pass_below(rung, trace)
        found = {**_whereabouts(trace), **evidence.of_error(error, fault, trace)}
        self.ladder.settle(Check(rung, fault.code, Result.FAILED, fault.turn, found))

    def answer_fault(self, answer: client.Answer, trace: Trace) -> Fault | None:
        """Settle the client certificate's rung by an HTTP answer; return the fault that the answer shows.

        Raises _Stopped where it refuses the certificate.
        """
        fault = classify_response(answer.status, answer.headers, answer.body)
        if fault is not None and fault.rung in _CONNECTION:
            self.fail(fault, answer, trace)
        self._pass_below(Rung.ANSWER, trace)
        return fault

    def fail(self, fault: Fault, answer: client.Answer, trace: Trace, rung: Rung | None = None) -> None:
        """End the run with a fault that an HTTP answer shows."""
        found = {**_whereabouts(trace), **evidence.of_answer(answer, self.now)}
        self.ladder.settle(Check(rung or fault.rung, fault.code, Result.FAILED, fault.turn, found))

    def _note(self, trace: Trace) -> None:
        noted = {
            "tls_version": trace.tls_version,
            "cipher": trace.cipher,
            "address": trace.address,
            "server_subject": trace.server_subject,
            "server_not_valid_after": trace.server_not_valid_after,
        }
        self.facts |= {name: value for name, value in noted.items() if value}


def diagnose(
    material: CredentialMaterial,
    target: Target,
    *,
    now: datetime,
    deadline: float,
    on_check: OnCheck = lambda _checks: None,
) -> Report:
    """Prove a credential set by calling the fleet API with it.

    now: aware; verdicts about validity are made for it. deadline: seconds for the whole run.
    on_check: called, in this thread, whenever a rung starts or is settled, with the whole ladder as it then
    stands; what it raises ends the run and comes through, unless it is an OSError.
    Raises KeyError for a programme that does not exist, and otherwise nothing: what goes wrong is in the
    report.
    """
    run = _Run(material, target, now, deadline, on_check)
    try:
        run.check_material()
        for probe in profile(material.programme).probes:
            PROBES[probe](run)
    except _Stopped:
        result = Result.FAILED
    else:
        result = Result.PASSED
    return Report(result, run.ladder.checks, run.clean.clean_all(run.facts))


def portal_fault(programme: str) -> Report:
    """Return the report of a run that could not begin, because the portal cannot put the credential set together."""
    first, *others = RUNGS[programme]
    return Report(
        Result.FAILED,
        (
            Check(first, "set_cannot_be_opened", Result.FAILED, Turn.OPERATOR),
            *(Check(rung, "not_reached", Result.NOT_REACHED) for rung in others),
        ),
    )


def _probe_fleets(run: _Run) -> None:
    """Fleet owner: the partner's fleets prove certificate, login, client ID and plan in one call."""
    answer, trace = run.api_call(probes.fleets_call(run.material, run.target))
    fault = run.answer_fault(answer, trace)
    if fault is None or fault.proven:
        where = _whereabouts(trace)
        run.ladder.settle(Check(Rung.AUTHENTICATION, "login_accepted", Result.PASSED, evidence=where))
        run.ladder.settle(Check(Rung.CLIENT_ID, "client_id_known", Result.PASSED, evidence=where))
    if fault is not None:
        run.fail(fault, answer, trace)
    fleets = probes.read_fleets(answer)
    ms = _ms(trace, Stage.REQUEST, Stage.BODY)
    if fleets is None:
        found = {**_whereabouts(trace), **evidence.of_answer(answer, run.now)}
        run.ladder.settle(Check(Rung.ANSWER, "wrong_shape", Result.FAILED, Turn.MAKER, found), ms)
    elif fleets.count == 0:
        run.ladder.settle(Check(Rung.ANSWER, "no_fleets", Result.WARNING, Turn.MAKER, {"fleets": 0}), ms)
    else:
        found = {
            "fleets": fleets.count,
            "first_fleet_id": fleets.first_id,
            "first_fleet_name": fleets.first_name,
        }
        run.facts |= found
        run.ladder.settle(Check(Rung.ANSWER, "fleets_listed", Result.PASSED, evidence=found), ms)


def _probe_user(run: _Run) -> None:
    """End user (a): any answer that is not about the certificate shows that it was let in."""
    answer, trace = run.api_call(probes.user_call(run.material, run.target))
    fault = run.answer_fault(answer, trace)
    found = {**_whereabouts(trace), **evidence.of_answer(answer, run.now), **_ASSUMPTION}
    ms = _ms(trace, Stage.REQUEST, Stage.BODY)
    if answer.status in _EXPECTED_OF_USER or fault is None:
        run.ladder.settle(Check(Rung.ANSWER, "user_probe_answered", Result.PASSED, evidence=found), ms)
    else:
        run.ladder.settle(Check(Rung.ANSWER, fault.code, Result.WARNING, fault.turn, found), ms)


def _probe_token(run: _Run) -> None:
    """End user (b): the token endpoint, over ordinary TLS, tells whether it recognises the client."""
    run.ladder.start(Rung.TOKEN_ENDPOINT)
    call = probes.token_call(run.material, run.target)
    trace = Trace()
    context = client.new_context()
    try:
        client.trust(context, run.target.token_ca_pem)
    except (ssl.SSLError, ValueError):
        run.ladder.settle(Check(Rung.TOKEN_ENDPOINT, "token_ca_unreadable", Result.FAILED, Turn.OPERATOR))
    try:
        answer = client.send(call, context, trace=trace, deadline=run.deadline, proxy=run.target.proxy)
    except _CALL_ERRORS as error:
        fault = classify(error, trace.stage, trace.alert)
        found = {**_whereabouts(trace), **evidence.of_error(error, fault, trace)}
        run.ladder.settle(Check(Rung.TOKEN_ENDPOINT, fault.code, Result.FAILED, fault.turn, found))
        return
    refusal = classify_response(answer.status, answer.headers, answer.body)
    said = {**_whereabouts(trace), **evidence.of_answer(answer, run.now), **_ASSUMPTION}
    if refusal is None:
        # It gave a token for a code that does not exist: not an answer that proves anything.
        run.ladder.settle(Check(Rung.TOKEN_ENDPOINT, "token_answer_unexpected", Result.FAILED, Turn.OPERATOR, said))
    elif refusal.rung != Rung.CLIENT_ID:
        run.fail(refusal, answer, trace, Rung.TOKEN_ENDPOINT)
    else:
        reached = {**_whereabouts(trace), "tls_version": trace.tls_version}
        run.ladder.settle(Check(Rung.TOKEN_ENDPOINT, "token_endpoint_reached", Result.PASSED, evidence=reached))
        recognised = refusal.code == "invalid_grant"
        code = "client_recognised" if recognised else refusal.code
        result = Result.PASSED if recognised else Result.FAILED
        run.ladder.settle(Check(Rung.CLIENT_ID, code, result, refusal.turn, said), _ms(trace, Stage.REQUEST))


PROBES: Mapping[str, Callable[[_Run], None]] = {
    "fleets": _probe_fleets,
    "user": _probe_user,
    "token": _probe_token,
}


def _passed(rung: Rung, trace: Trace, through_proxy: bool) -> Check:
    """Return the good news about one rung of a connection."""
    where = _whereabouts(trace)
    if rung == Rung.NAME_RESOLUTION:
        if through_proxy:
            return Check(rung, "name_left_to_proxy", Result.PASSED, evidence=where)
        return Check(rung, "name_resolved", Result.PASSED, evidence={**where, "addresses": ", ".join(trace.addresses)})
    if rung == Rung.TCP_CONNECT:
        code = "connected_through_proxy" if through_proxy else "connected"
        return Check(rung, code, Result.PASSED, evidence={**where, "address": trace.address})
    if rung == Rung.SERVER_TLS:
        found = {
            **where,
            "tls_version": trace.tls_version,
            "cipher": trace.cipher,
            "server_subject": trace.server_subject,
            "server_not_valid_after": trace.server_not_valid_after,
        }
        return Check(rung, "server_trusted", Result.PASSED, evidence=found)
    if not trace.certificate_requested:
        return Check(rung, "client_certificate_not_requested", Result.WARNING, Turn.OPERATOR, where)
    return Check(rung, "client_certificate_accepted", Result.PASSED, evidence=where)


def _whereabouts(trace: Trace) -> dict[str, str | int]:
    return {"host": trace.host, "port": trace.port}


def _ms(trace: Trace, *stages: Stage) -> float:
    return sum(trace.ms.get(stage, 0.0) for stage in stages)
