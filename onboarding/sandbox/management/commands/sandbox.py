"""`manage.py sandbox`: a fleet API on this machine that behaves like the real one."""

import asyncio
import signal
import time
from argparse import ArgumentParser
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from onboarding.credentials.embedded_ca import sandbox_ca
from onboarding.sandbox import api, token
from onboarding.sandbox.exchange import ApiRequest, ApiResponse
from onboarding.sandbox.limits import RateLimiter
from onboarding.sandbox.portal_registry import DatabaseRegistry
from onboarding.sandbox.server import Answer, Ports, listening
from onboarding.sandbox.tls import Authority, Contexts

LOOPBACK = ("localhost", "127.0.0.1", "::1")
RETRY_SECONDS = 1


class Command(BaseCommand):
    """Runs both listeners until SIGTERM or SIGINT."""

    help = "Run the sandbox: a fleet API on this machine, for the credentials the portal handed out for it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options; their defaults are the settings."""
        parser.add_argument("--bind", default=settings.SANDBOX_BIND, help="address (default: %(default)s)")
        parser.add_argument("--port", type=int, default=settings.SANDBOX_PORT, help="of the API (default: %(default)s)")
        parser.add_argument("--token-port", type=int, help="of the token endpoint (default: the port after the API's)")

    def handle(self, *, bind: str, port: int, token_port: int | None, **options: Any) -> None:
        """Run. Raises CommandError if it cannot listen."""
        self._wait_for_database()
        contexts = Contexts(_authority, certificate_hosts(), timezone.now())
        connection.close()
        ports = Ports(port, port + 1 if token_port is None else token_port)
        try:
            asyncio.run(self._serve(bind, ports, contexts))
        except OSError as error:
            raise CommandError(
                f"The sandbox cannot listen: {error.strerror}. "
                "Choose another port with SANDBOX_PORT, or with --port and --token-port."
            ) from None

    async def _serve(self, bind: str, ports: Ports, contexts: Contexts) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        registry, limiter = DatabaseRegistry(), RateLimiter()
        async with listening(
            bind=bind,
            ports=ports,
            contexts=contexts,
            answer_api=_releasing(lambda request: api.answer(request, registry, limiter, timezone.now())),
            answer_token=_releasing(lambda request: token.answer(request, registry)),
            clock=timezone.now,
        ) as chosen:
            self.stdout.write(
                f"Sandbox ready on {bind}: API on port {chosen.api}, token endpoint on port {chosen.token}"
            )
            self.stdout.flush()
            await stop.wait()

    def _wait_for_database(self) -> None:
        """Wait until the database can be reached and is migrated: everything is started at the same time."""
        said = False
        while True:
            try:
                _authority()
                return
            except DatabaseError:
                if not said:
                    self.stderr.write("Waiting for the database to be reachable and migrated")
                    said = True
                connection.close()
                time.sleep(RETRY_SECONDS)


def certificate_hosts() -> list[str]:
    """Return what the server's certificate is for: loopback, and the hosts that the settings name."""
    configured = (urlsplit(url).hostname for url in (settings.SANDBOX_API_URL, settings.SANDBOX_TOKEN_URL))
    return list(dict.fromkeys([*LOOPBACK, *(host for host in configured if host)]))


def _authority() -> Authority:
    close_old_connections()
    return Authority(*sandbox_ca())


def _releasing(answer: Answer) -> Answer:
    """Give the thread's database connection back after each answer, as Django does around a web request."""

    @wraps(answer)
    def answer_and_release(request: ApiRequest) -> ApiResponse:
        close_old_connections()
        try:
            return answer(request)
        finally:
            close_old_connections()

    return answer_and_release
