"""`manage.py sandbox`: a fleet API on this machine that behaves like the real one."""

import asyncio
import signal
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from onboarding.credentials import revocation_lists
from onboarding.credentials.embedded_ca import sandbox_ca
from onboarding.fleet.faults import BY_CODE
from onboarding.rehearsals import BY_NAME, BY_TEST_ONLY, PORTS, REHEARSALS, SUFFIX, Played, Rehearsal
from onboarding.sandbox import api, token
from onboarding.sandbox.exchange import ApiRequest, ApiResponse, Script
from onboarding.sandbox.faults.listeners import openers
from onboarding.sandbox.limits import RateLimiter
from onboarding.sandbox.portal_registry import DatabaseGrants, DatabaseRegistry
from onboarding.sandbox.server import Answer, Opener, Ports, listening
from onboarding.sandbox.tls import Authority, Contexts, RevokedList

LOOPBACK = ("localhost", "127.0.0.1", "::1")
RETRY_SECONDS = 1
PLAYABLE = tuple(one.name for one in REHEARSALS if one.played not in (Played.PROXY, Played.ADDRESS))
"""What the listeners can play for all callers: the rest is not the API's, but lies on the way to it."""


class Command(BaseCommand):
    """Runs the listeners until SIGTERM or SIGINT."""

    help = "Run the sandbox: a fleet API on this machine, for the credentials the portal handed out for it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options; their defaults are the settings."""
        parser.add_argument("--bind", default=settings.SANDBOX_BIND, help="address (default: %(default)s)")
        parser.add_argument("--port", type=int, default=settings.SANDBOX_PORT, help="of the API (default: %(default)s)")
        parser.add_argument("--token-port", type=int, help="of the token endpoint (default: the port after the API's)")
        parser.add_argument(
            "--fault-ports",
            type=int,
            default=settings.SANDBOX_FAULT_PORTS,
            metavar="FIRST",
            help=f"first of {len(PORTS)} ports for failures below HTTP; 0: none (default: %(default)s)",
        )
        parser.add_argument("--fault", choices=PLAYABLE, metavar="NAME", help="play this failure for all callers")
        parser.add_argument("--list-faults", action="store_true", help="print all failures, and how to meet each")

    def handle(
        self,
        *,
        bind: str,
        port: int,
        token_port: int | None,
        fault_ports: int,
        fault: str | None,
        list_faults: bool,
        **options: Any,
    ) -> None:
        """Run. Raises CommandError if it cannot listen."""
        if list_faults:
            self._list_faults(port, fault_ports)
            return
        self._wait_for_database()
        contexts = Contexts(_authority, certificate_hosts(), timezone.now(), revoked_since)
        ports = Ports(port, port + 1 if token_port is None else token_port)
        sandbox = _Sandbox(bind, ports, contexts, fault_ports, fault or "")
        connection.close()
        try:
            asyncio.run(self._serve(sandbox))
        except OSError as error:
            raise CommandError(
                f"The sandbox cannot listen: {error.strerror}. Choose another port with SANDBOX_PORT "
                "or SANDBOX_FAULT_PORTS, or with --port, --token-port and --fault-ports."
            ) from None

    async def _serve(self, sandbox: "_Sandbox") -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with sandbox.listening() as ports:
            self.stdout.write(f"Sandbox ready on {sandbox.describe(ports)}")
            self.stdout.flush()
            await stop.wait()

    def _list_faults(self, port: int, fault_ports: int) -> None:
        """Print the table: name, rung, how to meet it, what happens; then what nobody can play here."""
        rows = [(one.name, str(one.rung), how_to_meet(one, port, fault_ports), one.title) for one in REHEARSALS]
        rows += [(code, str(BY_CODE[code].rung), "by a test only", why) for code, why in BY_TEST_ONLY.items()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for *cells, last in rows:
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            self.stdout.write("  ".join((*padded, last)))

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


class _Sandbox:
    """What listens where. fault_ports: the first of the ports for failures, 0 for none. fault: for all callers."""

    def __init__(self, bind: str, ports: Ports, contexts: Contexts, fault_ports: int, fault: str) -> None:
        self._bind, self._ports, self._contexts = bind, ports, contexts
        self._fault_ports, self._fault = fault_ports, fault
        self._registry, self._limiter, self._grants = DatabaseRegistry(), RateLimiter(), DatabaseGrants()
        self._openers: Mapping[str, Opener] = {}
        if fault_ports or (fault and BY_NAME[fault].has_port):
            self._openers = openers(contexts, _releasing(self._answer_uncertified), timezone.now())

    def listening(self) -> AbstractAsyncContextManager[Ports]:
        """Run while the context is open; yields the ports."""
        first = self._fault_ports
        return listening(
            bind=self._bind,
            ports=self._ports,
            contexts=self._contexts,
            answer_api=_releasing(self._answer_api),
            answer_token=_releasing(self._answer_token),
            clock=timezone.now,
            instead=self._openers.get(self._fault),
            further={one.port(first): self._openers[one.name] for one in PORTS} if first else {},
        )

    def describe(self, ports: Ports) -> str:
        """Return where it listens, in words."""
        first = self._fault_ports
        return (
            f"{self._bind}: API on port {ports.api}, token endpoint on port {ports.token}"
            + (f", failures on ports {first} to {PORTS[-1].port(first)}" if first else "")
            + (f"; every caller meets {self._fault}" if self._fault else "")
        )

    def _answer_api(self, request: ApiRequest) -> ApiResponse | Script:
        now = timezone.now()
        return api.answer(request, self._registry, self._limiter, now, fault=self._fault, grants=self._grants)

    def _answer_uncertified(self, request: ApiRequest) -> ApiResponse | Script:
        return api.answer(request, self._registry, self._limiter, timezone.now(), asks_for_certificate=False)

    def _answer_token(self, request: ApiRequest) -> ApiResponse | Script:
        return token.answer(request, self._registry, timezone.now(), fault=self._fault, grants=self._grants)


def how_to_meet(rehearsal: Rehearsal, port: int, fault_ports: int) -> str:
    """Return what a caller of the sandbox has to do, in a few words. port: the API's. fault_ports: the first, or 0."""
    if rehearsal.has_port:
        what = "proxy at port" if rehearsal.played == Played.PROXY else "port"
        return f"{what} {rehearsal.port(fault_ports)}" if fault_ports else "no port: see --fault-ports"
    if address := rehearsal.address.format(host="localhost", port=port):
        return f"proxy {address}" if rehearsal.played == Played.PROXY else address
    return f"client ID with {SUFFIX}{rehearsal.name}"


def certificate_hosts() -> list[str]:
    """Return what the server's certificate is for: loopback, and the hosts that the settings name."""
    configured = (urlsplit(url).hostname for url in (settings.SANDBOX_API_URL, settings.SANDBOX_TOKEN_URL))
    return list(dict.fromkeys([*LOOPBACK, *(host for host in configured if host)]))


def _authority() -> Authority:
    close_old_connections()
    return Authority(*sandbox_ca())


def revoked_since(known: int) -> RevokedList | None:
    """Return the embedded CA's list of revoked certificates, if there is a newer one than that of a number."""
    close_old_connections()
    try:
        newest = revocation_lists.current()
        if newest.number <= known:
            return None
        pem = x509.load_der_x509_crl(bytes(newest.der)).public_bytes(Encoding.PEM)
        return RevokedList(newest.number, pem)
    finally:
        close_old_connections()


def _releasing(answer: Answer) -> Answer:
    """Give the thread's database connection back after each answer, as Django does around a web request."""

    @wraps(answer)
    def answer_and_release(request: ApiRequest) -> ApiResponse | Script:
        close_old_connections()
        try:
            return answer(request)
        finally:
            close_old_connections()

    return answer_and_release
