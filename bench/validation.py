"""What one validation costs beside what it stands on, in one run, against one server in another process.

(a) bare: Python's `ssl` and one GET with the same files and a fresh context, by hand; (b) a `curl` process with the
same files. (c) the ladder: `diagnose()` on one connection, without a database, every rung of it, with a set that this
process has found good before, as it has most that are on a schedule; (d) the same with a set that it never saw.

The key is encrypted for all, as OpenSSL and most tools write it. (a), (c) and (d) take turns, and the median of their
ratios, turn by turn, counts, so that a busy machine troubles all alike. Processor time is that of this process, and of
the child for curl, without the server's. Exit code 1 if a goal is missed.
"""

import base64
import contextlib
import os
import secrets
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count as counting
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import trustme
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from bench.server import serve
from onboarding.fleet.checks import Result
from onboarding.fleet.diagnosis import diagnose
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.programmes import profile

MZP, PASSWORD, CLIENT_ID = "MZP128745", "a password", "client-7"
TURNS, CURL_TURNS, REPEATS = 100, 15, 3


@dataclass(frozen=True, slots=True)
class Files:
    """The same credential set, as files and as bytes."""

    certificate: Path
    key: Path
    ca: Path
    passphrase: bytes

    @property
    def material(self) -> CredentialMaterial:
        """The set as the portal opens it for one run."""
        return CredentialMaterial(
            programme=profile("fleet_owner"),
            client_id=CLIENT_ID,
            certificate_pem=self.certificate.read_bytes(),
            key_pem=self.key.read_bytes(),
            key_passphrase=self.passphrase,
            ca_pem=self.ca.read_bytes(),
            mzp=MZP,
            password=PASSWORD,
        )


def as_tools_do(key: PrivateKeyTypes, passphrase: bytes) -> bytes:
    """Return a key as encrypted PKCS#8 PEM, with the 2,048 rounds that are usual."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


@contextlib.contextmanager
def credentials(
    encrypt: Callable[[PrivateKeyTypes, bytes], bytes] = as_tools_do,
) -> Iterator[tuple[Files, Path]]:
    """Mint a CA, a client's set and the server's file, in a folder that goes when the block ends.

    encrypt: what is done to the client's key.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca = trustme.CA(key_type=trustme.KeyType.RSA)
        server = ca.issue_cert("localhost", key_type=trustme.KeyType.RSA)
        leaf = ca.issue_cert("partner.example", common_name=MZP, key_type=trustme.KeyType.RSA)
        passphrase = secrets.token_hex(32).encode()
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        files = Files(folder / "client.pem", folder / "client.key", folder / "ca.pem", passphrase)
        files.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        files.key.write_bytes(encrypt(key, passphrase))
        ca.cert_pem.write_to_path(str(files.ca))
        server.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        yield files, folder / "server.pem"


def bare(files: Files, port: int) -> bytes:
    """Shake hands with a fresh context, send one GET, read the answer to its end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(files.ca)
    context.load_cert_chain(files.certificate, files.key, files.passphrase)
    login = base64.b64encode(f"{MZP}:{PASSWORD}".encode()).decode()
    request = (
        f"GET /connectedcar/v3/fleets?client_id={CLIENT_ID} HTTP/1.1\r\nHost: localhost:{port}\r\n"
        f"Authorization: Basic {login}\r\nAccept: application/hal+json\r\nConnection: close\r\n\r\n"
    )
    answer = b""
    with (
        socket.create_connection(("localhost", port)) as tcp,
        context.wrap_socket(tcp, server_hostname="localhost") as tls,
    ):
        tls.sendall(request.encode())
        while more := tls.recv(65536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 200 ")
    return answer


def curl(files: Files, port: int) -> bytes:
    """Do the same with a process of its own."""
    return subprocess.run(
        [
            "curl", "--silent", "--fail", "--cacert", files.ca, "--cert", files.certificate, "--key", files.key,
            "--pass", files.passphrase, "--user", f"{MZP}:{PASSWORD}", "--header", "Accept: application/hal+json",
            f"https://localhost:{port}/connectedcar/v3/fleets?client_id={CLIENT_ID}",
        ],
        check=True, capture_output=True,
    ).stdout  # fmt: skip


def ladder(material: CredentialMaterial, port: int) -> None:
    """Climb the whole ladder."""
    report = diagnose(
        material,
        Target(f"https://localhost:{port}/connectedcar/v3"),
        checks=PortalChecks,
        now=datetime.now(UTC),
        deadline=10,
    )
    assert report.result == Result.PASSED, report.checks


@dataclass(frozen=True, slots=True)
class Times:
    """Of one piece of work, in seconds, turn by turn."""

    processor: Sequence[float]
    wall: Sequence[float]

    def __str__(self) -> str:
        processor, wall = statistics.median(self.processor), statistics.median(self.wall)
        return f"processor {processor * 1e3:7.2f} ms   wall {wall * 1e3:7.2f} ms"


def _processor_seconds() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measure(works: Sequence[Callable[[], object]], turns: int) -> list[Times]:
    """Do each in turn, every turn beginning with another, and return what one takes."""
    taken: list[list[tuple[float, float]]] = [[] for _ in works]
    for turn in range(turns + 1):
        for place in range(len(works)):
            number = (place + turn) % len(works)
            processor, wall = _processor_seconds(), time.perf_counter()
            for _ in range(REPEATS):
                works[number]()
            processor, wall = _processor_seconds() - processor, time.perf_counter() - wall
            if turn:  # the first one warms up
                taken[number].append((processor / REPEATS, wall / REPEATS))
    columns = [tuple(zip(*rows, strict=True)) for rows in taken]
    return [Times(*columns_of_one) for columns_of_one in columns]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios, turn by turn: what troubles the machine in one turn troubles both."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def line(what: str, value: float, goal: float | None = None) -> bool:
    """Print one ratio with its goal, and return whether it is met."""
    met = goal is None or value <= goal
    wanted = "" if goal is None else f"   goal at most {goal:g}   {'met' if met else 'MISSED'}"
    print(f"{what:<58}{value:8.2f}{wanted}")
    return met


def bench_one() -> bool:
    """Compare one validation with what it stands on."""
    with credentials() as (files, server_file), serve(server_file, files.ca) as port:
        material, numbers = files.material, counting()

        def of_a_new_set() -> None:
            comment = f"set {next(numbers)}\n".encode()
            ladder(replace(material, certificate_pem=comment + material.certificate_pem), port)

        by_hand, ours, first = measure([lambda: bare(files, port), lambda: ladder(material, port), of_a_new_set], TURNS)
        (process,) = measure([lambda: curl(files, port)], CURL_TURNS)
    for what, times in (
        ("(a) bare ssl and one GET", by_hand),
        ("(b) curl process", process),
        ("(c) ladder", ours),
        ("(d) ladder, a new set", first),
    ):
        print(f"{what:<28}{times}")
    median = statistics.median
    goals = [
        line("ladder : bare, processor time", ratio(ours.processor, by_hand.processor), 1.5),
        line("ladder, a new set : bare, processor time", ratio(first.processor, by_hand.processor), 1.5),
        line("ladder : curl, wall time", median(ours.wall) / median(process.wall), 1),
        line("ladder : curl, processor time", median(ours.processor) / median(process.processor), 1),
    ]
    line("ladder : bare, wall time", ratio(ours.wall, by_hand.wall))
    return all(goals)


def main() -> int:
    """Run all, and return the exit code."""
    os.environ.pop("SSLKEYLOGFILE", None)
    return 0 if bench_one() else 1


if __name__ == "__main__":
    sys.exit(main())
