"""A code exchanged for tokens, and the first call with them: over the same two ways that a partner's program takes."""

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.fleet import client, evidence
from onboarding.fleet.checks import Check, Result, Rung, Turn, rungs
from onboarding.fleet.diagnosis import CALL_ERRORS, Report, diagnose
from onboarding.fleet.faults import classify, classify_response, read_json
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.target import CredentialMaterial, Programme, Target
from onboarding.fleet.trace import Deadline, Trace

LEFT_OUT = (Rung.TOKEN_ENDPOINT, Rung.CLIENT_ID)
"""Rungs of a validation whose place the exchange takes."""

RUNGS: Sequence[str] = (
    Rung.TOKEN_ENDPOINT,
    *(rung for rung in rungs("end_user") if rung not in LEFT_OUT),
)
"""The ladder of a walk, in its order."""


@dataclass(frozen=True, slots=True)
class _FirstCall:
    """The programme of a run that asks for the driver and for nothing else."""

    id: str
    credentials: tuple[str, ...]
    probes: tuple[str, ...] = ("user",)


def walk(
    material: CredentialMaterial,
    target: Target,
    *,
    code: str,
    redirect_uri: str,
    now: datetime,
    deadline: float,
    on_check: Callable[[Sequence[Check]], None],
) -> Report:
    """Exchange a code, then GET /user with the token. Nothing that was secret is in the report.

    target: with token_url. redirect_uri: as in the request. deadline: seconds for each of the two calls.
    on_check: told of the ladder as it stands; what it raises comes through.
    """
    on_check([Check(Rung.TOKEN_ENDPOINT, "running", Result.RUNNING)])
    exchanged, token = _exchange(material, target, code, redirect_uri, now, deadline)
    on_check([exchanged])
    if not token:
        ahead = [Check(rung, "not_reached", Result.NOT_REACHED) for rung in RUNGS[1:]]
        return Report(Result.FAILED, (exchanged, *ahead))
    programme: Programme = _FirstCall(material.programme.id, material.programme.credentials)

    def whole(checks: Sequence[Check]) -> list[Check]:
        return [exchanged, *(check for check in checks if check.rung not in LEFT_OUT)]

    report = diagnose(
        replace(material, programme=programme),
        replace(target, access_token=token, vin=None),
        checks=PortalChecks,
        now=now,
        deadline=deadline,
        on_check=lambda checks: on_check(whole(checks)),
    )
    facts = dict(report.facts) | {"scope": exchanged.evidence.get("scope", "")}
    return Report(report.result, tuple(whole(report.checks)), facts)


def _exchange(
    material: CredentialMaterial, target: Target, code: str, redirect_uri: str, now: datetime, deadline: float
) -> tuple[Check, str]:
    """Return what came of the exchange, and the access token; empty where there is none."""
    rung, trace = Rung.TOKEN_ENDPOINT, Trace()
    context = client.new_context()
    try:
        ca = target.token_ca_pem
        client.trust(context, None if ca is None else ca.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return Check(rung, "token_ca_unreadable", Result.FAILED, Turn.OPERATOR), ""
    call = client.Call(
        target.token_url or "",
        headers={"Accept": "application/json"},
        basic=(material.client_id, material.client_secret or ""),
        form={"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri},
    )
    # What is read off the answer is held against the code, too.
    clean = evidence.Redactor(material, replace(target, access_token=code))
    began = time.perf_counter()
    answer = error = None
    try:
        answer = client.send(call, context, trace=trace, deadline=Deadline(deadline), proxy=target.proxy)
    except CALL_ERRORS as failure:
        error = failure
    ms = round((time.perf_counter() - began) * 1000, 2)
    where: dict[str, str | int] = {"host": trace.host, "port": trace.port}
    if answer is None:
        fault = classify(error or OSError(), trace.stage, trace.alert)
        found = where | evidence.of_error(error or OSError(), fault, trace)
        return Check(rung, fault.code, Result.FAILED, fault.turn, clean.clean_all(found), ms), ""
    content = read_json(answer.body)
    token = content.get("access_token") if isinstance(content, dict) and answer.status == 200 else None
    if isinstance(content, dict) and isinstance(token, str) and token:
        found = where | {"scope": str(content.get("scope") or "—"), "tls_version": trace.tls_version}
        return Check(rung, "code_exchanged", Result.PASSED, evidence=clean.clean_all(found), ms=ms), token
    found = clean.clean_all(where | evidence.of_answer(answer, now))
    known = classify_response(answer.status, answer.headers, answer.body)
    if known is None:
        return Check(rung, "no_access_token", Result.FAILED, Turn.MAKER, found, ms), ""
    if known.code == "invalid_grant":
        return Check(rung, "code_refused", Result.FAILED, Turn.PARTNER, found, ms), ""
    return Check(rung, known.code, Result.FAILED, known.turn, found, ms), ""
