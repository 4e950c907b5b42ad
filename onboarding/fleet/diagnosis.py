"""One run up the ladder: prove a credential set with real calls, and say at which rung it stopped, and why.

How a run goes:
1. the rungs that need no network (`onboarding.fleet.material`);
2. the programme's probes, in the order of its profile; each is one call on one connection, and the rungs of
   proxy, name, TCP, TLS and client certificate are read off that same connection while it works;
3. a call that failed in a way that may pass is made again (`onboarding.fleet.retry`): the ladder is climbed anew from
   the connection, and its checks say which attempt they belong to;
4. the first failure ends the run. A rung is `not_reached` where nothing was proven either way, also below
   the failure: a gateway that answers 502 says nothing about a password. What the API's answer said beside, about
   rate limits and the clock, is shown all the same.
"""

import http.client
import random
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NoReturn

import requests
import urllib3.exceptions

from onboarding.fleet import client, evidence, limits, probes
from onboarding.fleet.checks import REFUSALS, Check, Evidence, Result, Rung, Turn, ended_in_refusal, rungs
from onboarding.fleet.faults import UNKNOWN, Fault, classify, effective_status, read_json
from onboarding.fleet.handshake import MAX_NAMES
from onboarding.fleet.material import MakeChecks, MaterialChecks, check_complete
from onboarding.fleet.retry import POLICY, Failure, Policy, seconds_to_wait
from onboarding.fleet.server_chain import hints
from onboarding.fleet.target import CredentialMaterial, Programme, Target
from onboarding.fleet.trace import Deadline, Stage, Trace
from onboarding.fleet.vin import masked

OnCheck = Callable[[Sequence[Check]], None]

CLOCK_TOLERANCE = 60
"""Seconds by which the server's clock and ours may differ before it is worth a warning."""

CALL_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,
    client.AnswerTooLarge,
    client.ProxyInvalid,
)

# The rungs that one connection climbs, in order, with the stages whose time is theirs.
_CONNECTION: Mapping[Rung, tuple[Stage, ...]] = {
    Rung.PROXY: (Stage.PROXY, Stage.TUNNEL),
    Rung.NAME_RESOLUTION: (Stage.RESOLVE,),
    Rung.TCP_CONNECT: (Stage.CONNECT,),
    Rung.SERVER_TLS: (Stage.TLS, Stage.OFFER),
    Rung.CLIENT_CERTIFICATE: (Stage.WAIT,),
}
# The rung that starts when a stage is entered; all before it are then passed.
_STARTS: Mapping[Stage, Rung] = {
    Stage.PROXY: Rung.PROXY,
    Stage.TUNNEL: Rung.PROXY,
    Stage.RESOLVE: Rung.NAME_RESOLUTION,
    Stage.CONNECT: Rung.TCP_CONNECT,
    Stage.TLS: Rung.SERVER_TLS,
    Stage.WAIT: Rung.CLIENT_CERTIFICATE,
    Stage.REQUEST: Rung.CLIENT_CERTIFICATE,
}
# What the sandbox adds to each answer: the certificate and the connection as the server saw them.
_SEEN_HEADERS: Mapping[str, str] = {
    "x-sandbox-client-subject": "client_certificate_seen",
    "x-sandbox-tls": "tls_seen",
}
_ASSUMPTION: Evidence = {"basis": "assumption"}


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended.

    result: passed or failed. checks: one for every rung of the run's ladder, in its order.
    facts: plain values for the page: tls_version, cipher, address, client_certificate_subject,
    client_certificate_serial_number, server_subject, server_issuer, server_not_valid_after; fleets, first_fleet_id,
    first_fleet_name; client_certificate_seen, tls_seen (sandbox).
    """

    result: Result
    checks: tuple[Check, ...]
    facts: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def is_refusal(self) -> bool:
        """Whether it ended because a login, a client or a call was refused: it must not be repeated by itself."""
        return ended_in_refusal(self.checks)


class _Stopped(Exception):
    """A rung failed; the run is over."""


class _Ladder:
    """The checks of one run as they stand, told to the observer at each change.

    attempt: which attempt at a call the checks being settled belong to; in their evidence from the second on.
    """

    def __init__(self, ladder: Sequence[Rung], clean: evidence.Redactor, on_check: OnCheck) -> None:
        self._checks: dict[str, Check] = {rung: _not_reached(rung) for rung in ladder}
        self._clean = clean
        self._on_check = on_check
        self._started: dict[str, float] = {}
        self.attempt = 1

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(self._checks.values())

    def has(self, rung: Rung) -> bool:
        """Whether it is on this ladder."""
        return rung in self._checks

    def is_open(self, rung: Rung) -> bool:
        """Whether it is on this ladder and not settled yet."""
        check = self._checks.get(rung)
        return check is not None and check.result in (Result.NOT_REACHED, Result.RUNNING)

    def start(self, rung: Rung) -> None:
        if self._checks[rung].result == Result.NOT_REACHED:
            self._started[rung] = time.perf_counter()
            self._set(Check(rung, "running", Result.RUNNING, evidence=self._attempt()))

    def settle(self, check: Check, ms: float | None = None) -> None:
        """Write a check down. Raises _Stopped if it failed."""
        if ms is None and check.rung in self._started:
            ms = (time.perf_counter() - self._started[check.rung]) * 1000
        if check.result == Result.FAILED:
            self.stop_running()
        cleaned = self._clean.clean_all(check.evidence) | self._attempt()
        ms = None if ms is None else round(ms, 2)
        self._set(Check(check.rung, check.code, check.result, check.turn, cleaned, ms))
        if check.result == Result.FAILED:
            raise _Stopped

    def wait(self, check: Check, seconds: float, climbed: Iterable[Rung]) -> None:
        """Show at a rung that it failed in a way that may pass, and wait, telling the observer each second.

        climbed: rungs that belong to that attempt, and count no more.
        """
        self.stop_running()
        self.forget(climbed)
        found = {**self._clean.clean_all(check.evidence), "failed_with": check.code, "attempt": self.attempt + 1}
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            waiting = {**found, "seconds": max(1, round(left))}
            self._set(Check(check.rung, "retrying", Result.RUNNING, check.turn, waiting))
            time.sleep(min(1.0, left))
        self.forget([check.rung])
        self.attempt += 1

    def forget(self, some: Iterable[str]) -> None:
        for rung in some:
            if rung in self._checks:
                self._checks[rung] = _not_reached(rung)

    def stop_running(self) -> None:
        self.forget([rung for rung, check in self._checks.items() if check.result == Result.RUNNING])

    def _attempt(self) -> dict[str, int]:
        return {"attempt": self.attempt} if self.attempt > 1 else {}

    def _set(self, check: Check) -> None:
        self._checks[check.rung] = check
        self._on_check(tuple(self._checks.values()))


def _nobody_listens(_stage: Stage) -> None:
    """Take the place of an observer once a call is over."""


def _not_reached(rung: str) -> Check:
    return Check(rung, "not_reached", Result.NOT_REACHED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call went. took: seconds. error: why there is no answer. fault: None for a good one.

    uncertain: whether it was to have an effect, and may have had it, though no answer says so.
    """

    trace: Trace
    took: float
    fault: Fault | None
    answer: client.Answer | None = None
    error: Exception | None = None
    uncertain: bool = False

    @property
    def ms(self) -> float:
        """Milliseconds from the request to the end of the answer."""
        return _ms(self.trace, Stage.REQUEST, Stage.BODY)


class Run:
    """What the probes of one run share."""

    def __init__(
        self,
        material: CredentialMaterial,
        target: Target,
        now: datetime,
        seconds: float,
        on_check: OnCheck,
        policy: Policy,
        secrets: Collection[str] = (),
    ) -> None:
        self.material = material
        self.target = target
        self.deadline = Deadline(seconds)
        self.clean = evidence.Redactor(material, target, secrets)
        optional = [Rung.PROXY] * bool(target.proxy) + [Rung.CAPABILITIES] * bool(target.vin)
        self.ladder = _Ladder(rungs(material.programme.id, optional), self.clean, on_check)
        self.facts: dict[str, str | int] = {}
        self.context = client.new_context()
        self._now = now
        self._began = time.monotonic()
        self._policy = policy
        self._heard: Outcome | None = None
        self._parts: MaterialChecks | None = None

    def now(self) -> datetime:
        """Return the time that it is, by the clock that the run was given."""
        return self._now + timedelta(seconds=time.monotonic() - self._began)

    def check_material(self, make_checks: MakeChecks) -> None:
        """Climb the rungs that need no network."""
        self.ladder.start(Rung.COMPLETE)
        self.ladder.settle(check_complete(self.material, self.target))
        parts = make_checks(self.material, self.context, self._now)
        steps = {
            Rung.KEY_PAIR: parts.key_pair,
            Rung.CERTIFICATE: parts.certificate,
            Rung.COMMON_NAME: parts.common_name,
        }
        for rung, step in steps.items():
            self.ladder.start(rung)
            self.ladder.settle(step())
        self._parts = parts
        self.facts |= {
            "client_certificate_subject": parts.subject,
            "client_certificate_serial_number": parts.serial_number,
        }

    def api_call(
        self,
        taken: Mapping[int, probes.Expected],
        call: client.Call,
        on_request: Callable[[], None] = lambda: None,
    ) -> tuple[Outcome, client.Answer]:
        """Call the API over mutual TLS, climbing as far as the client certificate with the connection.

        taken: the answers that it takes, by status. on_request: called when the connection stands, before the request
        goes out; what it raises keeps it from going.
        Raises _Stopped where there is no answer that says more than a fault of the connection.
        """

        def climb(stage: Stage, trace: Trace) -> None:
            self._climb(stage, trace)
            if stage == Stage.REQUEST:
                on_request()

        outcome = self.place(taken, call, self.context, climb, self._failed_check, climbed=_CONNECTION)
        self._note(outcome.trace)
        answer, fault = outcome.answer, outcome.fault
        if answer is None or (fault is not None and fault.rung in _CONNECTION):
            check = self._failed_check(outcome)
            self._pass_below_failure(check.rung, outcome.trace)
            self.stop(check)
        self._pass_below(Rung.ANSWER, outcome.trace)
        self.facts |= {fact: answer.headers[name] for name, fact in _SEEN_HEADERS.items() if answer.headers.get(name)}
        return outcome, answer

    def accept_login(self, outcome: Outcome) -> None:
        """Settle the rungs of login and client ID: the API did what was asked, so both hold."""
        where = _whereabouts(outcome.trace)
        self.ladder.settle(Check(Rung.AUTHENTICATION, "login_accepted", Result.PASSED, evidence=where))
        self.ladder.settle(Check(Rung.CLIENT_ID, "client_id_known", Result.PASSED, evidence=where))

    def place(
        self,
        taken: Mapping[int, probes.Expected],
        call: client.Call,
        context: ssl.SSLContext,
        climb: Callable[[Stage, Trace], None],
        failed_check: Callable[[Outcome], Check],
        climbed: Iterable[Rung] = (),
    ) -> Outcome:
        """Make a call, and again as long as the policy says so.

        taken: by what its answer is judged, as in `onboarding.fleet.probes.EXPECTED`.
        climb: told of each stage. failed_check: says at which rung, and how, a failed attempt is shown while the next
        one is waited for. climbed: the rungs that each attempt climbs anew.
        """
        self.ladder.attempt = 1
        while True:
            outcome = self._try(taken, call, context, climb)
            wait = self._wait_after(outcome, call)
            if wait is None:
                return outcome
            self.ladder.wait(failed_check(outcome), wait, climbed)

    def _try(
        self,
        taken: Mapping[int, probes.Expected],
        call: client.Call,
        context: ssl.SSLContext,
        climb: Callable[[Stage, Trace], None],
    ) -> Outcome:
        trace = Trace(on_stage=lambda stage: climb(stage, trace))
        started = time.monotonic()
        try:
            answer = client.send(call, context, trace=trace, deadline=self.deadline, proxy=self.target.proxy)
        except CALL_ERRORS as error:
            is_about_trust = any(isinstance(one, ssl.SSLCertVerificationError) for one in evidence.error_chain(error))
            trusted = context.get_ca_certs(binary_form=True) if is_about_trust else ()
            said = hints(trace.server_chain, trusted) if is_about_trust else self._hints(trace)
            fault = classify(error, trace.stage, trace.alert, said)
            uncertain = call.once and trace.may_have_arrived
            return Outcome(trace, time.monotonic() - started, fault, error=error, uncertain=uncertain)
        finally:
            trace.on_stage = _nobody_listens  # a cycle would keep the run, and with it the key, for a while
        fault_of_answer = probes.judge(taken, answer, self.target, self._hints(trace))
        uncertain = call.once and fault_of_answer is not None and _tells_nothing(answer)
        outcome = Outcome(trace, time.monotonic() - started, fault_of_answer, answer=answer, uncertain=uncertain)
        if context is self.context:
            self._heard = outcome
        return outcome

    def _hints(self, trace: Trace) -> tuple[str, ...]:
        """Return the hints about our own certificate for `onboarding.fleet.faults`."""
        if trace.certificate_sent is False:
            return ("unsent",)
        is_named = self._parts is not None and _named(self._parts.issuers, trace).get("issuer_named") == "yes"
        return ("named",) if is_named else ()

    def _wait_after(self, outcome: Outcome, call: client.Call) -> float | None:
        if outcome.fault is None:
            return None
        answer = outcome.answer
        rng = random.Random()  # noqa: S311 - spreads calls, guards nothing
        failure = Failure(
            outcome.fault,
            self.ladder.attempt,
            outcome.took,
            effective_status(answer.status, read_json(answer.body)) if answer else None,
            evidence.retry_after_seconds(answer.headers.get("retry-after", ""), self.now()) if answer else None,
            arrived=call.once and outcome.trace.may_have_arrived,
        )
        return seconds_to_wait(failure, remaining=self.deadline.left(), policy=self._policy, rng=rng)

    def _climb(self, stage: Stage, trace: Trace) -> None:
        if stage in _STARTS:
            self._pass_below(_STARTS[stage], trace)
            self.ladder.start(_STARTS[stage])

    def _pass_below(self, rung: str, trace: Trace) -> None:
        """Settle the connection's rungs below this one: it was reached, so they hold."""
        for below, stages in _CONNECTION.items():
            if below == rung:
                return
            if self.ladder.is_open(below):
                self.ladder.settle(_passed(below, trace), _ms(trace, *stages))

    def _pass_below_failure(self, rung: str, trace: Trace) -> None:
        if trace.stage == Stage.LOAD:
            return  # nothing was tried
        if trace.status is not None and rung not in _CONNECTION:
            self._pass_below(Rung.ANSWER, trace)  # there was an answer, though it could not be read
        elif rung == Rung.TCP_CONNECT and trace.stage == Stage.TUNNEL:
            self._pass_below(Rung.NAME_RESOLUTION, trace)  # the proxy is well; it may have failed at the name
        elif rung in _CONNECTION:
            self._pass_below(rung, trace)

    def _failed_check(self, outcome: Outcome) -> Check:
        """Say of a call that failed at which rung it did."""
        fault, trace = outcome.fault or UNKNOWN, outcome.trace
        rung = fault.rung
        if fault is UNKNOWN and outcome.answer is None:
            rung = Rung.ANSWER if trace.status is not None else _STARTS.get(trace.stage, rung)
        return Check(rung, fault.code, Result.FAILED, fault.turn, self.said(outcome))

    def said(self, outcome: Outcome) -> dict[str, str | int]:
        """Return what is known of a call, good or bad."""
        found = _whereabouts(outcome.trace)
        if outcome.answer is not None:
            found |= evidence.of_answer(outcome.answer, self.now())
        elif outcome.error is not None:
            found |= evidence.of_error(outcome.error, outcome.fault or UNKNOWN, outcome.trace)
        if outcome.uncertain:
            found["uncertain"] = "yes"
            if outcome.answer is not None and outcome.answer.status < HTTPStatus.MULTIPLE_CHOICES:
                found.pop("text", None)  # what was granted may be in it, in whatever form
        if outcome.fault is not None and outcome.fault.rung == Rung.CLIENT_CERTIFICATE:
            found |= _offer(outcome.trace)
            if self._parts is not None:
                found |= {"serial_number": self._parts.serial_number, **_named(self._parts.issuers, outcome.trace)}
        return found

    def stop(self, check: Check, ms: float | None = None) -> NoReturn:
        """End the run with this failed check."""
        self.ladder.settle(check, ms)
        raise _Stopped

    def fail(self, outcome: Outcome, **more: str | int) -> NoReturn:
        """End the run with the fault that an answer shows, at its rung. more: what else is evidence."""
        fault = outcome.fault or UNKNOWN
        rung = fault.rung if self.ladder.has(fault.rung) else Rung.ANSWER
        check = Check(rung, fault.code, Result.FAILED, fault.turn, {**self.said(outcome), **more})
        self.stop(check, outcome.ms if rung == Rung.ANSWER else None)

    def settle_asides(self, *, is_over: bool) -> None:
        """Settle what the API's last answer said beside: rate limits and the clock.

        is_over: the run failed before; then only what was really said is shown.
        """
        heard = self._heard
        if heard is None or heard.answer is None:
            return
        self.ladder.attempt = 1
        quotas = limits.read_quotas(heard.answer.headers)
        if quotas or not is_over:
            self.ladder.settle(_rate_limits(quotas))
        at = self._now + timedelta(seconds=heard.trace.answered_at - self._began)
        ahead = limits.seconds_ahead(heard.answer.headers, at, heard.took)
        if ahead is not None or not is_over:
            self.ladder.settle(_clock(ahead, heard))

    def _note(self, trace: Trace) -> None:
        noted = {
            "tls_version": trace.tls_version,
            "cipher": trace.cipher,
            "address": trace.address,
            **trace.server,
        }
        self.facts |= {name: value for name, value in noted.items() if value}


def diagnose(
    material: CredentialMaterial,
    target: Target,
    *,
    checks: MakeChecks,
    now: datetime,
    deadline: float,
    on_check: OnCheck = lambda _checks: None,
    policy: Policy = POLICY,
    by_name: Mapping[str, "Probe"] | None = None,
    secrets: Collection[str] = (),
) -> Report:
    """Prove a credential set by calling the fleet API with it.

    checks: who proves the set itself, before any call: `onboarding.fleet.portal_material.PortalChecks`, or
    `onboarding.fleet.offline_material.OfflineChecks` where there is nothing but the standard library.
    now: aware; verdicts about validity are made for it. deadline: seconds for the whole run, waiting included.
    on_check: called, in this thread, whenever a rung starts or is settled, and each second while a further attempt is
    waited for, with the whole ladder as it then stands; what it raises ends the run and comes through, unless it is
    an OSError.
    by_name: what the names of the programme's probes stand for; None: PROBES. secrets: what goes out with a call and is
    not of the set; no check shows it.
    Raises KeyError for a programme that does not exist, and otherwise nothing: what goes wrong is in the
    report.
    """
    run = Run(material, target, now, deadline, on_check, policy, secrets)
    try:
        run.check_material(checks)
        for probe in material.programme.probes:
            (PROBES if by_name is None else by_name)[probe](run)
        if target.vin:
            _probe_capabilities(run)
    except _Stopped:
        result = Result.FAILED
    else:
        result = Result.PASSED
    run.settle_asides(is_over=result == Result.FAILED)
    return Report(result, run.ladder.checks, run.clean.clean_all(run.facts))


def portal_fault(programme: Programme) -> Report:
    """Return the report of a run that could not begin, because the portal cannot put the credential set together."""
    first, *others = rungs(programme.id)
    return Report(
        Result.FAILED,
        (
            Check(first, "set_cannot_be_opened", Result.FAILED, Turn.OPERATOR),
            *map(_not_reached, others),
        ),
    )


def revoked_here(programme: Programme, at: datetime) -> Report:
    """Return the report of a run that made no call: the portal knows that the certificate is revoked. at: when."""
    evidence = {"revoked_at": at.isoformat()}
    found = Check(Rung.CERTIFICATE, "certificate_revoked", Result.FAILED, Turn.PARTNER, evidence)
    return Report(
        Result.FAILED, tuple(found if one is Rung.CERTIFICATE else _not_reached(one) for one in rungs(programme.id))
    )


def _probe_fleets(run: Run) -> None:
    """Fleet owner: the partner's fleets prove certificate, login, client ID and plan in one call."""
    outcome, answer = run.api_call(probes.EXPECTED["fleets"], probes.fleets_call(run.material, run.target))
    fault = outcome.fault
    if fault is None or fault.proven:
        run.accept_login(outcome)
    fleets = probes.read_fleets(answer) if fault is None else None
    if fleets is None:
        run.fail(outcome)
    found: dict[str, str | int] = {
        "http_status": answer.status,
        "content_type": answer.headers.get("content-type", ""),
        "fleets": fleets.count,
    }
    if fleets.count:
        listed: dict[str, str | int] = {
            "fleets": fleets.count,
            "first_fleet_id": fleets.first_id,
            "first_fleet_name": fleets.first_name,
        }
        run.facts |= listed
        found |= listed
    code, result, turn = "fleets_listed", Result.PASSED, Turn.NOBODY
    if not fleets.count:
        code, result, turn = "no_fleets", Result.WARNING, Turn.MAKER
    elif not probes.is_called_json(answer):
        code, result, turn = "unexpected_media_type", Result.WARNING, Turn.MAKER
    run.ladder.settle(Check(Rung.ANSWER, code, result, turn, found), outcome.ms)


def _probe_user(run: Run) -> None:
    """End user (a): an answer in the API's own words shows that the certificate was let in.

    Trouble that may pass, or of the application itself, is a warning: it says nothing against the set.
    """
    outcome, answer = run.api_call(probes.EXPECTED["user"], probes.user_call(run.material, run.target))
    if run.target.access_token:
        _settle_driver(run, outcome, answer)
        return
    fault = outcome.fault
    found = {**run.said(outcome), **_ASSUMPTION}
    if fault is None:
        code, result, turn = "user_probe_answered", Result.PASSED, Turn.NOBODY
        if not probes.is_called_json(answer):
            code, result, turn = "unexpected_media_type", Result.WARNING, Turn.MAKER
        run.ladder.settle(Check(Rung.ANSWER, code, result, turn, {"content_type": "", **found}), outcome.ms)
    elif fault.transient or fault.proven:
        run.ladder.settle(Check(Rung.ANSWER, fault.code, Result.WARNING, fault.turn, found), outcome.ms)
    else:
        run.fail(outcome, **_ASSUMPTION)


def _settle_driver(run: Run, outcome: Outcome, answer: client.Answer) -> None:
    """With a driver's token only their account is a good answer."""
    if outcome.fault is not None:
        run.fail(outcome)
    if answer.status in REFUSALS:
        run.stop(Check(Rung.ANSWER, "access_token_refused", Result.FAILED, Turn.PARTNER, run.said(outcome)), outcome.ms)
    if answer.status != HTTPStatus.OK:
        run.stop(Check(Rung.ANSWER, "unexpected_status", Result.FAILED, Turn.MAKER, run.said(outcome)), outcome.ms)
    shown = probes.read_driver(answer)
    run.facts |= shown
    run.ladder.settle(
        Check(Rung.ANSWER, "driver_shown", Result.PASSED, evidence={"http_status": 200, **shown}), outcome.ms
    )


def _probe_token(run: Run) -> None:
    """End user (b): the token endpoint, over ordinary TLS, tells whether it recognises the client."""
    rung = Rung.TOKEN_ENDPOINT
    run.ladder.start(rung)
    context = client.new_context()
    try:
        ca = run.target.token_ca_pem
        client.trust(context, None if ca is None else ca.decode("ascii"))
    except (ssl.SSLError, ValueError):
        run.stop(Check(rung, "token_ca_unreadable", Result.FAILED, Turn.OPERATOR))

    def failed_check(outcome: Outcome) -> Check:
        fault = outcome.fault or UNKNOWN
        return Check(rung, fault.code, Result.FAILED, fault.turn, run.said(outcome))

    call = probes.token_call(run.material, run.target)
    outcome = run.place(
        probes.EXPECTED["token"], call, context, lambda _stage, _trace: run.ladder.start(rung), failed_check
    )
    refusal, trace = outcome.fault, outcome.trace
    said = {**run.said(outcome), **_ASSUMPTION}
    if refusal is None:
        # It gave a token for a code that does not exist: not an answer that proves anything.
        run.stop(Check(rung, "token_answer_unexpected", Result.FAILED, Turn.OPERATOR, said))
    if outcome.answer is None or not refusal.is_about_client:
        run.stop(failed_check(outcome))
    reached = {**_whereabouts(trace), "tls_version": trace.tls_version}
    if probes.is_called_json(outcome.answer):
        run.ladder.settle(Check(rung, "token_endpoint_reached", Result.PASSED, evidence=reached))
    else:
        reached["content_type"] = outcome.answer.headers.get("content-type", "")
        run.ladder.settle(Check(rung, "unexpected_media_type", Result.WARNING, Turn.MAKER, reached))
    recognised = refusal.code == "invalid_grant"
    code = "client_recognised" if recognised else refusal.code
    result = Result.PASSED if recognised else Result.FAILED
    run.ladder.settle(Check(Rung.CLIENT_ID, code, result, refusal.turn, said), outcome.ms)


def _probe_capabilities(run: Run) -> None:
    """A vehicle that the partner named. The set has been proven by now: what is wrong with one vehicle is a warning."""
    rung = Rung.CAPABILITIES
    run.ladder.start(rung)

    def failed_check(outcome: Outcome) -> Check:
        fault = outcome.fault or UNKNOWN
        return Check(rung, fault.code, Result.WARNING, fault.turn, run.said(outcome))

    call = probes.capabilities_call(run.material, run.target)
    taken = probes.EXPECTED["capabilities"]
    outcome = run.place(taken, call, run.context, lambda _stage, _trace: run.ladder.start(rung), failed_check)
    vin = run.target.vin or ""
    found = {**run.said(outcome), "vin": masked(vin)}
    is_without_token = "token" in run.material.programme.probes
    if is_without_token:
        found |= _ASSUMPTION
    answer = outcome.answer
    seen = probes.read_capabilities(answer, vin) if answer is not None and outcome.fault is None else None
    if answer is None or seen is None:
        run.ladder.settle(_capabilities_missing(outcome, found), outcome.ms)
        return
    found |= {"motorization": seen.motorization or "?", "data_kinds": seen.data}
    code, result, turn = "capabilities_shown", Result.PASSED, Turn.NOBODY
    if not probes.is_called_json(answer):
        code, result, turn = "unexpected_media_type", Result.WARNING, Turn.MAKER
        found = {"content_type": "", **found}
    elif is_without_token:
        code = "capabilities_shown_without_token"
    run.ladder.settle(Check(rung, code, result, turn, found), outcome.ms)


def _capabilities_missing(outcome: Outcome, found: Evidence) -> Check:
    fault, answer = outcome.fault or UNKNOWN, outcome.answer
    code, turn = fault.code, fault.turn
    if answer is not None and not fault.is_spelled_out and probes.read_refusal(answer) is not None:
        status = effective_status(answer.status, read_json(answer.body))
        code, turn = _NO_CAPABILITIES.get(fault.code) or _NO_CAPABILITIES.get(status) or (code, turn)
    return Check(Rung.CAPABILITIES, code, Result.WARNING, turn, found)


# What it means that a vehicle is not shown, by fault or by status.
_NO_CAPABILITIES: Mapping[str | int, tuple[str, Turn]] = {
    "wrong_address": ("capabilities_not_offered", Turn.NOBODY),
    401: ("capabilities_not_open", Turn.NOBODY),
    403: ("capabilities_not_open", Turn.NOBODY),
    404: ("vehicle_not_found", Turn.PARTNER),
}


Probe = Callable[[Run], None]
"""Makes one call of a run, and settles what it proves."""

PROBES: Mapping[str, Probe] = {
    "fleets": _probe_fleets,
    "user": _probe_user,
    "token": _probe_token,
}


def _passed(rung: Rung, trace: Trace) -> Check:
    """Return the good news about one rung of a connection."""
    where, through_proxy = _whereabouts(trace), bool(trace.proxy)
    if rung == Rung.PROXY:
        return Check(rung, "proxy_opened", Result.PASSED, evidence={**where, "proxy": trace.proxy})
    if rung == Rung.NAME_RESOLUTION:
        if through_proxy:
            return Check(rung, "name_left_to_proxy", Result.PASSED, evidence=where)
        return Check(rung, "name_resolved", Result.PASSED, evidence={**where, "addresses": ", ".join(trace.addresses)})
    if rung == Rung.TCP_CONNECT:
        if through_proxy:
            return Check(rung, "connected_through_proxy", Result.PASSED, evidence={**where, "proxy": trace.proxy})
        found = {**where, "address": trace.address}
        if trace.unreached:
            found["unreached"] = "; ".join(trace.unreached)
        return Check(rung, "connected_elsewhere" if trace.unreached else "connected", Result.PASSED, evidence=found)
    if rung == Rung.SERVER_TLS:
        found = {
            **where,
            "tls_version": trace.tls_version,
            "cipher": trace.cipher,
            **trace.server,
        }
        return Check(rung, "server_trusted", Result.PASSED, evidence=found)
    if not trace.certificate_requested:
        return Check(rung, "client_certificate_not_requested", Result.WARNING, Turn.OPERATOR, where)
    if not trace.certificate_sent:
        return Check(rung, "client_certificate_left_out", Result.WARNING, Turn.OPERATOR, {**where, **_offer(trace)})
    return Check(rung, "client_certificate_accepted", Result.PASSED, evidence={**where, **_offer(trace)})


def _offer(trace: Trace) -> dict[str, str]:
    """Return whether a client certificate was asked for and sent, and whose ones are taken."""
    found = {"requested": "yes" if trace.certificate_requested else "no"}
    if trace.certificate_requested:
        found["sent"] = "yes" if trace.certificate_sent else "no"
    if trace.accepted_issuers:
        found["accepted_issuers"] = "; ".join(trace.accepted_issuers)
    return found


def _named(issuers: Sequence[str], trace: Trace) -> dict[str, str]:
    """Return who signed our certificate, and whether the server names it among those that it takes, if it names any.

    A list that was cut short does not say no.
    """
    accepted = trace.accepted_issuers
    if not issuers or not accepted or len(accepted) == MAX_NAMES:
        return {}
    return {"issuer": issuers[0], "issuer_named": "yes" if set(issuers) & set(accepted) else "no"}


def _rate_limits(quotas: Sequence[limits.Quota]) -> Check:
    if not quotas:
        return Check(Rung.RATE_LIMITS, "rate_limits_not_announced", Result.PASSED)
    found = {"quotas": "; ".join(map(str, quotas))}
    if any(quota.is_low for quota in quotas):
        return Check(Rung.RATE_LIMITS, "rate_limits_low", Result.WARNING, Turn.PARTNER, found)
    return Check(Rung.RATE_LIMITS, "rate_limits_left", Result.PASSED, evidence=found)


def _clock(ahead: int | None, heard: Outcome) -> Check:
    host = heard.trace.host
    if ahead is None or heard.answer is None:
        return Check(Rung.CLOCK, "clock_not_compared", Result.PASSED, evidence={"host": host})
    found: dict[str, str | int] = {"host": host, "server_time": heard.answer.headers["date"], "seconds": abs(ahead)}
    if abs(ahead) <= CLOCK_TOLERANCE:
        return Check(Rung.CLOCK, "clocks_agree", Result.PASSED, evidence=found)
    code = "clock_behind" if ahead > 0 else "clock_ahead"
    return Check(Rung.CLOCK, code, Result.WARNING, Turn.OPERATOR, found)


def _tells_nothing(answer: client.Answer) -> bool:
    """Whether an answer that is no good leaves open if the request was carried out: a refusal (4xx) says that it was
    not, save one for want of time (408).
    """
    status = effective_status(answer.status, read_json(answer.body))
    return status == HTTPStatus.REQUEST_TIMEOUT or not HTTPStatus.MULTIPLE_CHOICES <= status < 500


def _whereabouts(trace: Trace) -> dict[str, str | int]:
    return {"host": trace.host, "port": trace.port}


def _ms(trace: Trace, *stages: Stage) -> float:
    return sum(trace.ms.get(stage, 0.0) for stage in stages)
