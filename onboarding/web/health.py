"""`/healthz`: whether each part of the product works, for supervisors, load balancers and people.

Every part is asked at the same time, in a thread of its own, and has LIMIT seconds; a part that hangs is
named, and not asked again before it has answered. Reasons name the kind of failure, never an address or a
value.
"""

import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from http.client import HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from onboarding.celery import INTERACTIVE, SCHEDULE, app
from onboarding.credentials.embedded_ca import sandbox_ca_pem
from onboarding.web import access, heartbeat

LIMIT: Final = 1.5
"""Seconds that all parts together have."""


class NotWellError(Exception):
    """A part does not work; the message says why, in words for everybody's eyes."""


def check_database() -> None:
    """Ask the database something."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()  # this thread's own


def check_queue() -> None:
    """Reach the broker, or the folder that stands in for it."""
    with app.connection_for_write(connect_timeout=LIMIT) as broker:
        broker.ensure_connection(max_retries=1, timeout=LIMIT)
        broker.default_channel  # noqa: B018 — opening it is the question


def check_worker(queue: str = INTERACTIVE) -> None:
    """Look for a fresh sign of life: beat queued something, and a worker of that queue took it."""
    age = heartbeat.age(queue)
    if age is None:
        raise NotWellError("no sign of life")
    if age > heartbeat.limit():
        raise NotWellError(f"last sign of life {age:.0f} s ago")


def check_sandbox() -> None:
    """Call the sandbox over TLS, trusting the embedded CA alone."""
    context = ssl.create_default_context(cadata=sandbox_ca_pem())
    address = urlsplit(settings.SANDBOX_TOKEN_URL)
    caller = HTTPSConnection(address.hostname or "", address.port or 443, timeout=LIMIT, context=context)
    try:
        caller.request("GET", "/healthz")
        status = caller.getresponse().status
    finally:
        caller.close()
        connection.close()  # the CA came from the database
    if status != 200:
        raise NotWellError(f"answered {status}")


def checks() -> Mapping[str, Callable[[], None]]:
    """Return the parts to ask, by name. Each returns when its part is well, and raises when it is not."""
    parts = {"database": check_database, "queue": check_queue, "worker": check_worker}
    parts["schedule"] = partial(check_worker, SCHEDULE)
    return parts | {"sandbox": check_sandbox} if settings.SANDBOX else parts


_askers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="health")
_open: dict[str, Future[None]] = {}


def examine(parts: Mapping[str, Callable[[], None]]) -> dict[str, str]:
    """Ask every part, and return "ok" or a reason by name, within LIMIT seconds."""
    asked = {name: _ask(name, check) for name, check in parts.items()}
    wait(asked.values(), timeout=LIMIT)
    return {name: _verdict(answer) for name, answer in asked.items()}


def _ask(name: str, check: Callable[[], None]) -> Future[None]:
    answer = _open.get(name)
    if answer is None or answer.done():
        answer = _open[name] = _askers.submit(check)
    return answer


def _verdict(answer: Future[None]) -> str:
    if not answer.done():
        return f"no answer within {LIMIT} s"
    error = answer.exception()
    if error is None:
        return "ok"
    return str(error) if isinstance(error, NotWellError) else type(error).__name__


@access.public
@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when every part is well, else 503, naming in `checks` which is not and why."""
    results = {"web": "ok"} | examine(checks())
    well = all(result == "ok" for result in results.values())
    answer = {"status": "ok" if well else "failing", "checks": results}
    return JsonResponse(answer, status=200 if well else 503)
