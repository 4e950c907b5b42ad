"""The rehearsals' API: the mobile SDK's calls over HTTP, so that an app's tests can be run against it.

Apart from the pages: no session, no cookie, no form. Each request brings the token of its rehearsal.
"""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache

from onboarding.activation import rehearsing
from onboarding.activation.findings_command import as_json
from onboarding.activation.models import Rehearsal
from onboarding.mobile import rules, situations, spellings, traces
from onboarding.mobile.errors import BY_NUMBER
from onboarding.mobile.machine import Call
from onboarding.mobile.sdk import CarKeyStatus, Method
from onboarding.mobile.situations import BY_NAME
from onboarding.web import access, sdk_openapi
from onboarding.web.rehearsed import state
from onboarding.web.sdk_bodies import Body, read
from onboarding.web.sdk_problems import ERRORS, Problem, problem_of

PER_MINUTE = 600
"""Requests, of one rehearsal."""
WRONG_PER_MINUTE = 60
"""Requests without a token that is any rehearsal's, from one network address."""
TRACE_TYPE = "application/x-ndjson"

Verb = Callable[[Rehearsal, Body], Any]


def _over(what: str, most: int) -> bool:
    """Count, and tell whether there were more than so many within this minute."""
    key = f"sdk-requests:{what}:{int(timezone.now().timestamp()) // 60}"
    cache.add(key, 0, 120)
    try:
        return cache.incr(key) > most
    except ValueError:  # the minute was forgotten in between
        return False


def _opened(request: HttpRequest, rehearsal_id: UUID) -> Rehearsal:
    """Return the rehearsal that the request may use. Raises Problem."""
    kind, _blank, token = request.headers.get("Authorization", "").strip().partition(" ")
    found = rehearsing.by_token(token.strip()) if kind.casefold() == "bearer" else None
    if found is None:
        if _over(f"wrong:{access.client_address(request)}", WRONG_PER_MINUTE):
            raise Problem("too_many_requests", most=WRONG_PER_MINUTE)
        raise Problem("token_wrong" if token.strip() else "token_missing")
    if _over(str(found.pk), PER_MINUTE):
        raise Problem("too_many_requests", most=PER_MINUTE)
    if found.pk != rehearsal_id:
        raise Problem("not_found")
    return found


def _endpoint(**verbs: Verb) -> access.View:
    """Return a view that takes these methods of HTTP, each with what it does."""

    @access.by_token
    @never_cache
    @wraps(next(iter(verbs.values())))
    def view(request: HttpRequest, rehearsal_id: UUID) -> HttpResponse:
        try:
            rehearsal = _opened(request, rehearsal_id)
            if request.method not in verbs:
                raise Problem("method_not_allowed", method=str(request.method), wanted=", ".join(verbs))
            answer = verbs[request.method](rehearsal, read(request))
        except ERRORS as error:
            problem = problem_of(error)
            assert problem is not None  # noqa: S101 - ERRORS is what it knows
            response = problem.answer()
            if problem.code == "method_not_allowed":
                response["Allow"] = ", ".join(verbs)
            return response
        return answer if isinstance(answer, HttpResponse) else JsonResponse(answer)

    return view


def _state(rehearsal: Rehearsal, body: Body) -> Mapping[str, Any]:
    body.only(())
    return state(rehearsal)


def _call(rehearsal: Rehearsal, body: Body) -> Mapping[str, Any]:
    """Make a call; the answer is the SDK's message, whatever it says."""
    body.only(("device", "method", "api", "parameters"))
    method = body.text("method")
    if not spellings.method(method):
        raise Problem("field_wrong", field="method", wanted=", ".join(Method))
    _row, made = rehearsing.call(
        rehearsal,
        body.device("device", rehearsing.FIRST_PHONE),
        method,
        body.text("api"),
        body.parameters("parameters"),
    )
    return made.message


def _phone(rehearsal: Rehearsal, body: Body) -> HttpResponse:
    """Add a phone."""
    body.only(("name",))
    body.text("name")
    return JsonResponse(state(rehearsing.add_phone(rehearsal, body.device("name", ""))), status=201)


def _switch(rehearsal: Rehearsal, body: Body) -> Mapping[str, Any]:
    """Set switches, of phones, the core, the account."""
    body.only(("phones", "core", "account"))
    account = Body(body.members.get("account", {}))
    if not isinstance(account.members, dict):
        raise Problem("field_wrong", field="account", wanted=gettext("an object"))
    account.only(("blocked", "carkey"))
    blocked, carkey = account.members.get("blocked"), account.members.get("carkey")
    if not (blocked is None or isinstance(blocked, bool)):
        raise Problem("field_wrong", field="account.blocked", wanted="true, false")
    if not (carkey is None or carkey in list(CarKeyStatus)):
        raise Problem("field_wrong", field="account.carkey", wanted=", ".join(CarKeyStatus))
    changed = rehearsing.switch(
        rehearsal,
        phones=body.switches_by_phone("phones", rehearsing.PHONE_SWITCHES),
        core=body.switches("core", rehearsing.CORE_SWITCHES),
        blocked=blocked,
        carkey=CarKeyStatus(carkey) if carkey else None,
    )
    return state(changed)


def _provoke(rehearsal: Rehearsal, body: Body) -> Mapping[str, Any]:
    """Let the next call end with an error, or put the world into a situation; the answer names what meets it."""
    body.only(("number", "situation", "device"))
    if "number" in body.members:
        number = body.integer("number", max(BY_NUMBER))
        if number not in BY_NUMBER:
            raise Problem("field_wrong", field="number", wanted=", ".join(map(str, sorted(BY_NUMBER))))
        return {"number": number, "calls": [], "state": state(rehearsing.force(rehearsal, number))}
    situation = BY_NAME.get(body.text("situation"))
    has = [one for _title, rows in situations.offered(rehearsal.version) for one in rows]
    if situation not in has:
        raise Problem("field_wrong", field="situation", wanted=", ".join(one.id for one in has))
    device = body.device("device", rehearsing.FIRST_PHONE)
    changed, calls = rehearsing.provoke(rehearsal, situation, device)
    return {"number": situation.number or None, "calls": list(map(as_call, calls)), "state": state(changed)}


def as_call(call: Call) -> dict[str, Any]:
    """Return a call as the API takes it."""
    return {"device": call.device, "method": call.method, "api": call.api, "parameters": dict(call.parameters)}


def _clock(rehearsal: Rehearsal, body: Body) -> Mapping[str, Any]:
    """Let time pass."""
    body.only(("advance_seconds",))
    return state(rehearsing.wait(rehearsal, body.integer("advance_seconds", rehearsing.MAX_AHEAD)))


def _reset(rehearsal: Rehearsal, body: Body) -> Mapping[str, Any]:
    """Begin again."""
    body.only(())
    return state(rehearsing.reset(rehearsal))


def trace_lines(rehearsal: Rehearsal) -> list[bytes]:
    """Return a rehearsal's trace, a line each."""
    return [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in rehearsing.trace(rehearsal)]


def trace_answer(rehearsal: Rehearsal) -> StreamingHttpResponse:
    """Return a rehearsal's trace as a file."""
    headers = {"Content-Disposition": f'attachment; filename="rehearsal-{rehearsal.pk}.jsonl"'}
    return StreamingHttpResponse(iter(trace_lines(rehearsal)), content_type=TRACE_TYPE, headers=headers)


def _trace(rehearsal: Rehearsal, body: Body) -> Any:
    """Return the trace so far."""
    body.only(())
    return HttpResponse(b"".join(trace_lines(rehearsal)), content_type=TRACE_TYPE)


def _check(rehearsal: Rehearsal, body: Body) -> Mapping[str, Any]:
    """Hold the trace so far against the rules; the answer is that of `manage.py check_trace --json`."""
    body.only(())
    report = traces.check(b"".join(trace_lines(rehearsal)))
    found = [
        {**as_json(one), "source": rules.BY_CODE[one.code].source if one.code in rules.BY_CODE else ""}
        for one in report.findings
    ]
    return {
        "readable": report.readable,
        "clean": report.clean,
        "lines": report.lines,
        "calls": report.calls,
        "messages": report.messages,
        "devices": list(report.devices),
        "findings": found,
        "further": report.further,
    }


sdk_state = _endpoint(GET=_state)
sdk_calls = _endpoint(POST=_call)
sdk_phones = _endpoint(POST=_phone)
sdk_switches = _endpoint(POST=_switch)
sdk_provoke = _endpoint(POST=_provoke)
sdk_clock = _endpoint(POST=_clock)
sdk_reset = _endpoint(POST=_reset)
sdk_trace = _endpoint(GET=_trace)
sdk_check = _endpoint(GET=_check)


@access.public
def openapi(_request: HttpRequest) -> HttpResponse:
    """The description of this API for programs: OpenAPI 3.1."""
    return JsonResponse(sdk_openapi.document(), json_dumps_params={"indent": 2})
