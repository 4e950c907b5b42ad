"""The two listeners: one requires a client certificate (the API), one asks for none (tokens, sign of life).

Handshakes, reading and writing are the event loop's, so a silent client costs a socket and delays nobody.
Answers are computed in a few threads, since they read the database.
"""

import asyncio
import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from aiohttp import web

from onboarding.sandbox.exchange import ApiRequest, ApiResponse
from onboarding.sandbox.shapes import INTERNAL, application_error, gateway_error
from onboarding.sandbox.tls import Contexts, peer_of

MAX_BODY_BYTES = 64 * 1024
HANDSHAKE_SECONDS = 10
IDLE_SECONDS = 15  # until a request's headers are there, from the connection or the last answer on
BODY_SECONDS = 10
LINGER_SECONDS = 2  # to read on, after the answer, what of a body is still under way
THREADS = 8
RENEWAL_CHECK_SECONDS = 24 * 3600
CLOSE = {"Connection": "close"}

logger = logging.getLogger(__name__)

Answer = Callable[[ApiRequest], ApiResponse]
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
    *, bind: str, ports: Ports, contexts: Contexts, answer_api: Answer, answer_token: Answer, clock: Clock
) -> AsyncIterator[Ports]:
    """Run both listeners while the context is open; yields their ports.

    A port 0 is chosen by the system. Raises OSError if a port is in use or the address is not this machine's.
    """
    async with AsyncExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox"))
        renewal = asyncio.create_task(_keep_certificate_fresh(contexts, pool, clock))
        stack.push_async_callback(_cancelled, renewal)
        chosen = []
        for port, context, answer in (
            (ports.api, contexts.api, answer_api),
            (ports.token, contexts.token, answer_token),
        ):
            responder = _Responder(answer, pool, clock)
            chosen.append(await stack.enter_async_context(_listener(bind, port, context, responder)))
        yield Ports(*chosen)


@asynccontextmanager
async def _listener(bind: str, port: int, context: ssl.SSLContext, responder: "_Responder") -> AsyncIterator[int]:
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


@dataclass(frozen=True, slots=True)
class _Responder:
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
        facts = {"method": request.method, "path": request.path, "status": response.status}
        logger.info("answered", extra=facts | {"id": transaction_id})
        headers = {"X-Global-Transaction-ID": transaction_id, "Server": "sandbox", **response.headers}
        answered = web.Response(status=response.status, headers=headers, body=response.body)
        if "Connection" in response.headers:
            answered.force_close()
        return answered

    async def _compute(self, asked: ApiRequest) -> ApiResponse:
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, self.answer, asked)
        except Exception:
            # The connection lives on, and the caller gets the API's own kind of error.
            logger.exception("failed", extra={"id": asked.transaction_id})
            return application_error(INTERNAL, "internal error of the sandbox", asked, self.clock())


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


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
