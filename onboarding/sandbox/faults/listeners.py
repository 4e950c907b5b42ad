"""The ports of failures: what listens on each."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from onboarding.sandbox.faults.certificates import CONTEXTS, NOT_REQUESTED, Mint
from onboarding.sandbox.faults.wire import TALKS, Gone, Talk, Wire
from onboarding.sandbox.server import Answer, Opener, Responder, opener
from onboarding.sandbox.tls import Contexts

_ENOUGH_TO_FILL_A_BACKLOG = 3


def openers(contexts: Contexts, answer_uncertified: Answer, now: datetime) -> Mapping[str, Opener]:
    """Return what opens the listener of each failure that has a port, by the failure's name.

    answer_uncertified: answers like the API, without regard to a client certificate. Makes certificates, in about a
    tenth of a second.
    """
    mint = Mint(contexts, now)
    servers = {name: opener(make(mint)) for name, make in CONTEXTS.items()}
    servers[NOT_REQUESTED] = partial(_answering, servers[NOT_REQUESTED], answer_uncertified)
    return {
        **HELD,
        **servers,
        **{name: partial(_talking, talk, contexts) for name, talk in TALKS.items()},
    }


@asynccontextmanager
async def _answering(
    open_one: Opener, answer: Answer, bind: str, port: int, responder: Responder
) -> AsyncIterator[int]:
    """Open a listener whose answers are others than the API's."""
    async with open_one(bind, port, replace(responder, answer=answer)) as chosen:
        yield chosen


@asynccontextmanager
async def _deaf(bind: str, port: int, _responder: Responder) -> AsyncIterator[int]:
    """Hold a port on which nobody listens."""
    with _bound(bind, port) as held:
        yield held.getsockname()[1]


@asynccontextmanager
async def _crowded(bind: str, port: int, _responder: Responder) -> AsyncIterator[int]:
    """Listen without ever accepting, the queue of those who wait already full: the system drops further callers."""
    with ExitStack() as stack:
        listener = stack.enter_context(_bound(bind, port))
        listener.listen(0)
        for _ in range(_ENOUGH_TO_FILL_A_BACKLOG):
            waiting = stack.enter_context(socket.socket(listener.family))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


HELD: Mapping[str, Opener] = {
    "connection_refused": _deaf,
    "proxy_unreachable": _deaf,
    "connect_timeout": _crowded,
}
"""Ports that nobody ever talks at, by the failure's name."""


def _bound(bind: str, port: int) -> socket.socket:
    family, *_others, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


@asynccontextmanager
async def _talking(talk: Talk, contexts: Contexts, bind: str, port: int, _responder: Responder) -> AsyncIterator[int]:
    """Have this conversation with each client."""
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(Gone, OSError, ssl.SSLError):
                await talk(Wire(reader, writer, contexts))
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.create_task(converse(reader, writer))
        conversations.add(conversation)
        conversation.add_done_callback(conversations.discard)

    server = await asyncio.start_server(begin, bind, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
