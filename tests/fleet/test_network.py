"""Names and addresses: all of them, tried in order, each within its share of the deadline."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from onboarding.fleet import client
from onboarding.fleet.checks import Result, Rung, Turn
from onboarding.fleet.target import CredentialMaterial, Target
from tests.fleet.climbing import by_rung, failure, run
from tests.fleet.conftest import FLEETS
from tests.fleet.servers import answering, over_tls, serving

Resolve = Callable[..., None]


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Make every name resolve to these addresses."""

    def resolve_to(*addresses: str) -> None:
        def getaddrinfo(_host: str, port: int, *_args: Any, **_options: Any) -> list[Any]:
            return [
                (
                    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
                    if ":" in address
                    else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                )
                for address in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve_to


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A listener whose queue is full: it swallows what comes, as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.2", 0))
        listener.listen(0)
        queued = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            queued.append(one)
        yield listener
        for one in queued:
            one.close()


def test_every_address_of_both_families_is_shown(
    material: CredentialMaterial, mutual: ssl.SSLContext, resolving: Resolve
) -> None:
    resolving("127.0.0.1", "::1", "127.0.0.1")
    with serving(over_tls(mutual, answering(200, FLEETS))) as server:
        report = run(material, Target(server.url))
    assert by_rung(report)[Rung.NAME_RESOLUTION].evidence["addresses"] == "127.0.0.1, ::1"
    assert by_rung(report)[Rung.TCP_CONNECT].code == "connected"


def test_an_address_that_refuses_does_not_end_it_and_is_named(
    material: CredentialMaterial, mutual: ssl.SSLContext, resolving: Resolve
) -> None:
    resolving("::1", "127.0.0.3", "127.0.0.1")
    with serving(over_tls(mutual, answering(200, FLEETS))) as server:
        report = run(material, Target(server.url))
    assert report.result == Result.PASSED
    check = by_rung(report)[Rung.TCP_CONNECT]
    assert (check.code, check.evidence["address"]) == ("connected_elsewhere", "127.0.0.1")
    assert "127.0.0.3 (ECONNREFUSED)" in str(check.evidence["unreached"])
    assert "::1 (" in str(check.evidence["unreached"])


def test_an_address_that_swallows_packets_leaves_time_for_the_next(
    material: CredentialMaterial, mutual: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, silent: socket.socket
) -> None:
    with serving(over_tls(mutual, answering(200, FLEETS))) as server:
        found = [(socket.AF_INET, silent.getsockname()), (socket.AF_INET, ("127.0.0.1", server.port))]
        monkeypatch.setattr(client, "resolve", lambda *_: found)
        report = run(material, Target(server.url), deadline=1.2)
    assert report.result == Result.PASSED
    assert by_rung(report)[Rung.TCP_CONNECT].evidence["unreached"] == "127.0.0.2 (timeout)"


def test_a_port_that_swallows_packets_is_found_in_time(material: CredentialMaterial, silent: socket.socket) -> None:
    started = time.monotonic()
    check = failure(run(material, Target(f"https://127.0.0.2:{silent.getsockname()[1]}"), deadline=0.6))
    assert (check.rung, check.code, check.turn) == (Rung.TCP_CONNECT, "connect_timeout", Turn.NETWORK)
    assert time.monotonic() - started < 1


def test_where_every_address_refuses_all_are_named(material: CredentialMaterial, resolving: Resolve) -> None:
    resolving("127.0.0.4", "127.0.0.3")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check = failure(run(material, Target(f"https://api.example:{port}")))
    assert check.code == "connection_refused"
    assert check.evidence["unreached"] == "127.0.0.4 (ECONNREFUSED); 127.0.0.3 (ECONNREFUSED)"


@pytest.mark.parametrize("addresses", [["0.0.0.0"], ["::"], ["0.0.0.0", "::"], ["224.0.0.1"], ["255.255.255.255"], []])
def test_a_name_that_leads_to_nothing_usable_is_found(
    material: CredentialMaterial, resolving: Resolve, addresses: list[str]
) -> None:
    """What a name server says that blocks a name."""
    resolving(*addresses)
    check = failure(run(material, Target("https://api.example")))
    assert (check.rung, check.code, check.turn) == (Rung.NAME_RESOLUTION, "name_unusable", Turn.OPERATOR)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (socket.EAI_NONAME, "name_unknown"),
        (socket.EAI_NODATA, "name_without_address"),
        (socket.EAI_AGAIN, "resolver_failing"),
        (socket.EAI_FAIL, "resolver_failed"),
    ],
)
def test_each_way_in_which_a_name_fails(
    material: CredentialMaterial, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise socket.gaierror(number, "whatever it says")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    check = failure(run(material, Target("https://api.example")))
    assert (check.rung, check.code) == (Rung.NAME_RESOLUTION, code)


def test_an_address_instead_of_a_name_is_called(material: CredentialMaterial, good_talk: Callable[..., None]) -> None:
    with serving(good_talk) as server:
        check = failure(run(material, Target(f"https://127.0.0.1:{server.port}")))
    assert (check.code, check.evidence["host"]) == ("server_wrong_name", "127.0.0.1")
