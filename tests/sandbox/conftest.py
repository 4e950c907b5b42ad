"""A sandbox on loopback: trustme makes its CA and the client certificates; credential sets are invented."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import trustme

from onboarding.sandbox import api, token
from onboarding.sandbox.exchange import ApiRequest, ApiResponse
from onboarding.sandbox.limits import RateLimiter
from onboarding.sandbox.server import Ports, listening
from tests.sandbox.doubles import (
    CLIENT_ID,
    MZP,
    OTHER_CLIENT_ID,
    PASSWORD,
    USER_CLIENT_ID,
    USER_SECRET,
    KnownCredential,
    MemoryGrants,
    MemoryRegistry,
    Running,
    contexts_of,
    fingerprint,
)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    """Run both listeners in a thread of their own."""
    ca = trustme.CA()
    certificates = {
        "fleet": ca.issue_cert("fleet@partner.example", common_name=MZP, organization_name="Société Flotte"),
        "other": ca.issue_cert("other@partner.example", common_name="MZP000002"),
        "user": ca.issue_cert("user@partner.example", common_name="MZP000003"),
    }
    registry = MemoryRegistry(
        [
            KnownCredential(CLIENT_ID, "fleet_owner", MZP, fingerprint(certificates["fleet"]), password=PASSWORD),
            KnownCredential(
                OTHER_CLIENT_ID,
                "fleet_owner",
                "MZP000002",
                fingerprint(certificates["other"]),
                password="other",
            ),
            KnownCredential(
                USER_CLIENT_ID, "end_user", "MZP000003", fingerprint(certificates["user"]), secret=USER_SECRET
            ),
        ]
    )

    grants = MemoryGrants()

    def clock() -> datetime:
        return datetime.now(UTC)

    contexts = contexts_of(ca, clock())
    limiter, started = RateLimiter(), threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, Ports]] = []

    def answer_api(request: ApiRequest) -> ApiResponse:
        if request.path == "/broken":
            raise RuntimeError("broken")
        return api.answer(request, registry, limiter, clock(), grants=grants)

    async def run() -> None:
        async with listening(
            bind="127.0.0.1",
            ports=Ports(0, 0),
            contexts=contexts,
            answer_api=answer_api,
            answer_token=lambda request: token.answer(request, registry, clock(), grants=grants),
            clock=clock,
        ) as ports:
            stop = asyncio.Event()
            running.append((asyncio.get_running_loop(), stop, ports))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(10)
    loop, stop, ports = running[0]
    yield Running(ports, ca, certificates, registry, contexts, grants)
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    assert not thread.is_alive()
