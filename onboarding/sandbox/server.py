"""The two listeners: one requires a client certificate (the API), one asks for none (tokens, sign of life).

Handshakes, reading and writing are the event loop's, so a silent client costs a socket and delays nobody.
Answers are computed in a few threads, since they read the database.
"""

import asyncio
import logging
import re
import secrets
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

from aiohttp import web

from onboarding.fleet.vin import masked
from onboarding.sandbox.exchange import ApiRequest, ApiResponse, Ending, Script
from onboarding.sandbox.shapes import INTERNAL, application_error, gateway_error
from onboarding.sandbox.tls import Contexts, peer_of

MAX_BODY_BYTES = 64 * 1024
HANDSHAKE_SECONDS = 10
IDLE_SECONDS = 15  # until a request's headers are there, from the connection or the last answer on
BODY_SECONDS = 10
LINGER_SECONDS = 2  # to read on, after the answer, what of a body is still under way
HOLD_SECONDS = 120  # a script's silence; a client that hangs up ends it
POLL_SECONDS = 0.05  # how often a script looks whether the client is still there
MAX_BUFFER_BYTES = 1024 * 1024  # of a script, on their way to a slow client
THREADS = 8
RENEWAL_CHECK_SECONDS = 24 * 3600
LIST_CHECK_SECONDS = 1.0
CLOSE = {"Connection": "close"}

logger = logging.getLogger(__name__)

Answer = Callable[[ApiRequest], ApiResponse | Script]
Clock = Callable[[], datetime]


class BodyTooLarge(Exception):
    """More than MAX_BODY_BYTES were sent."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the listeners are: the API's, and the token endpoint's."""

    api: int
    token: int


@asynccontextmanager
async def listening(
    *,
    bind: str,
    ports: Ports,
    contexts: Contexts,
    answer_api: Answer,
    answer_token: Answer,
    clock: Clock,
    instead: "Opener | None" = None,
    further: "Mapping[int, Opener] | None" = None,
) -> AsyncIterator[Ports]:
    """Run both listeners while the context is open; yields their ports.

    A port 0 is chosen by the system. instead: opens another listener in the API's place. further: more, by port.
    Raises OSError if a port is in use or the address is not this machine's.
    """
    async with AsyncExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox"))
        renewal = asyncio.create_task(_keep_certificate_fresh(contexts, pool, clock))
        stack.push_async_callback(_cancelled, renewal)
        stack.push_async_callback(_cancelled, asyncio.create_task(_keep_list_fresh(contexts, pool)))
        api, token = Responder(answer_api, pool, clock), Responder(answer_token, pool, clock)
        open_api = instead or opener(contexts.api)
        chosen = Ports(
            await stack.enter_async_context(open_api(bind, ports.api, api)),
            await stack.enter_async_context(opener(contexts.token)(bind, ports.token, token)),
        )
        for port, open_one in (further or {}).items():
            await stack.enter_async_context(open_one(bind, port, api))
        yield chosen


Opener = Callable[[str, int, "Responder"], AbstractAsyncContextManager[int]]
"""Listens at an address and a port while the context is open, which yields the port; answers, if at all, as told."""


def opener(context: ssl.SSLContext) -> Opener:
    """Return what opens a listener of this TLS."""
    return partial(_listener, context)


@asynccontextmanager
async def _listener(context: ssl.SSLContext, bind: str, port: int, responder: "Responder") -> AsyncIterator[int]:
    protocols = web.Server(
        responder.respond,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
        access_log=None,
        auto_decompress=False,
    )
    server = await asyncio.get_running_loop().create_server(
        protocols, bind, port, ssl=context, ssl_handshake_timeout=HANDSHAKE_SECONDS, ssl_shutdown_timeout=2
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await protocols.shutdown(timeout=2)


# Within a fleet a vehicle has an id instead, which says nothing.
_NAMES_VEHICLE = re.compile(r"^(/connectedcar/v\d+/vehicles/)([^/]+)")


def path_for_log(path: str) -> str:
    """Return a request's path as the log keeps it: of a VIN, which is personal, the last characters."""
    return _NAMES_VEHICLE.sub(lambda found: found[1] + masked(found[2]), path)


@dataclass(frozen=True, slots=True)
class Responder:
    """Between the web framework and the functions that answer."""

    answer: Answer
    pool: ThreadPoolExecutor
    clock: Clock

    async def respond(self, request: web.BaseRequest) -> web.Response:
        """Answer one request, whatever happens."""
        transaction_id = secrets.token_hex(16)
        try:
            response = await self._compute(await _read(request, transaction_id))
        except BodyTooLarge:
            reason = f"The body may hold at most {MAX_BODY_BYTES} bytes."
            response = gateway_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason, CLOSE)
        except TimeoutError:
            reason = f"The body did not arrive within {BODY_SECONDS} seconds."
            response = gateway_error(HTTPStatus.REQUEST_TIMEOUT, reason, CLOSE)
        facts = {"method": request.method, "path": path_for_log(request.path), "id": transaction_id}
        if isinstance(response, Script):
            logger.info("answered by a script", extra=facts)
            await _play(response, request)
            return web.Response()  # goes nowhere: the connection is closed
        logger.info("answered", extra=facts | {"status": response.status})
        headers = {"X-Global-Transaction-ID": transaction_id, "Server": "sandbox", **response.headers}
        answered = web.Response(status=response.status, headers=headers, body=response.body)
        if "Connection" in response.headers:
            answered.force_close()
        return answered

    async def _compute(self, asked: ApiRequest) -> ApiResponse | Script:
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, self.answer, asked)
        except Exception:
            # The connection lives on, and the caller gets the API's own kind of error.
            logger.exception("failed", extra={"id": asked.transaction_id})
            return application_error(INTERNAL, "internal error of the sandbox", asked, self.clock())


async def _play(script: Script, request: web.BaseRequest) -> None:
    """Send what a script says, and hang up; earlier, if the client does."""
    transport = request.transport

    async def is_there(seconds: float) -> bool:
        """Wait; tell whether the client is still there."""
        end = asyncio.get_running_loop().time() + seconds
        while request.transport is not None and (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(min(left, POLL_SECONDS))
        return request.transport is not None

    if not isinstance(transport, asyncio.Transport):
        return
    for step in script.steps:
        if isinstance(step, bytes):
            transport.write(step)
        if not await is_there(step if isinstance(step, float) else 0):
            return
        while transport.get_write_buffer_size() > MAX_BUFFER_BYTES:
            if not await is_there(POLL_SECONDS):
                return
    if script.ending == Ending.RESET:
        await is_there(POLL_SECONDS)  # else what was just sent would be lost with it
        reset(transport)
        return
    if script.ending == Ending.HOLD:
        await is_there(HOLD_SECONDS)
    transport.close()


def reset(transport: asyncio.BaseTransport) -> None:
    """Close a connection with RST in place of FIN."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


async def _read(request: web.BaseRequest, transaction_id: str) -> ApiRequest:
    connection = request.get_extra_info("ssl_object")
    return ApiRequest(
        method=request.method,
        path=request.path,
        query=tuple(request.query.items()),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await _bounded_body(request),
        peer=peer_of(connection),
        origin=f"https://{request.host}",
        transaction_id=transaction_id,
    )


async def _bounded_body(request: web.BaseRequest) -> bytes:
    """Return the body. Raises BodyTooLarge as soon as that is known, TimeoutError."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise BodyTooLarge
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLarge
    return bytes(body)


async def _keep_certificate_fresh(contexts: Contexts, pool: ThreadPoolExecutor, clock: Clock) -> None:
    while True:
        await asyncio.sleep(RENEWAL_CHECK_SECONDS)
        try:
            if contexts.are_due(now := clock()):
                contexts.present(await asyncio.get_running_loop().run_in_executor(pool, contexts.mint, now))
                logger.info("server certificate renewed")
        except Exception:
            # Tried again tomorrow; a third of the certificate's life is left for that.
            logger.exception("server certificate not renewed")


async def _keep_list_fresh(contexts: Contexts, pool: ThreadPoolExecutor) -> None:
    failing = False
    while True:
        await asyncio.sleep(LIST_CHECK_SECONDS)
        try:
            if revoked := await asyncio.get_running_loop().run_in_executor(pool, contexts.newer_list):
                contexts.honour(revoked)
                logger.info("list of revoked certificates loaded", extra={"number": revoked.number})
            failing = False
        except Exception:
            # The last one counts on; whether there is a newer one is asked again at once.
            if not failing:
                logger.exception("list of revoked certificates not loaded")
            failing = True


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
