"""Refused client certificates under TLS 1.3: is any refusal reported without the alert that says why?

The server's part comes first: it refuses by alert and then closes, after a pause of 50 ms or at once. A client that
writes before it listens loses the alert whenever the server was quicker. Exit code 1 if one is lost.
"""

import contextlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import trustme

from bench.validation import Files, credentials
from onboarding.fleet.checks import Result
from onboarding.fleet.diagnosis import diagnose
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.retry import Policy
from onboarding.fleet.target import CredentialMaterial, Target

RUNS, AT_ONCE, CONTROLS = 1_000, 4, 20
UNKNOWN_CA = 48
ONCE = Policy(attempts=1)
"""No second attempt: it could hide an alert that the first one lost."""


@contextlib.contextmanager
def refusing(server_file: Path, ca_file: Path, pause: float) -> Iterator[int]:
    """Start, in a process of its own, a server that trusts only this CA's clients, and yield its port."""
    command = [sys.executable, "-m", "bench.alerts", server_file, ca_file, str(pause)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def serve(server_file: str, ca_file: str, pause: str) -> None:
    """Refuse for ever, each connection in a thread of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(server_file)
    context.load_verify_locations(ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_refuse, args=(context, connection, float(pause)), daemon=True).start()


def _refuse(context: ssl.SSLContext, connection: socket.socket, pause: float) -> None:
    tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    with contextlib.suppress(OSError), contextlib.closing(tls):
        try:
            tls.do_handshake()
        except ssl.SSLError:
            time.sleep(pause)


def said(material: CredentialMaterial, port: int) -> str:
    """Climb once, and return the code of the failure with its alert, or what else was said."""
    report = diagnose(
        material,
        Target(f"https://localhost:{port}/connectedcar/v3"),
        checks=PortalChecks,
        now=datetime.now(UTC),
        deadline=20,
        policy=ONCE,
    )
    failed = next(check for check in report.checks if check.result == Result.FAILED)
    return f"{failed.code}, alert {failed.evidence.get('alert', 'LOST')}"


def count(files: Files, server_file: Path, strangers: Path, pause: float) -> bool:
    """Count what is said of `RUNS` refusals, and return whether none lost its alert."""
    material = files.material
    started = time.monotonic()
    with refusing(server_file, strangers, pause) as port, ThreadPoolExecutor(AT_ONCE) as pool:
        found = Counter(pool.map(lambda _: said(material, port), range(RUNS)))
    lost = RUNS - found[f"client_ca_unknown, alert {UNKNOWN_CA}"]
    how = f"after {pause * 1000:.0f} ms" if pause else "at once"
    print(f"{RUNS} refusals by a server that closes {how}: {lost} lost   ({time.monotonic() - started:.0f} s)")
    for what, number in found.most_common():
        print(f"    {number:>5}  {what}")
    return lost == 0


def control(files: Files, server_file: Path, strangers: Path) -> None:
    """Count what a client loses that writes its request as soon as the handshake is over."""
    lost = 0
    with refusing(server_file, strangers, 0.0) as port:
        for _ in range(CONTROLS):
            context = ssl.create_default_context(cafile=str(files.ca))
            context.load_cert_chain(files.certificate, files.key, files.passphrase)
            with socket.create_connection(("localhost", port)) as tcp:
                tls = context.wrap_socket(tcp, server_hostname="localhost")
                try:
                    time.sleep(0.05)  # as a busy machine does now and then
                    tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    tls.recv(1)
                except OSError as error:
                    lost += "UNKNOWN_CA" not in str(getattr(error, "reason", ""))
                tls.close()
    print(f"for comparison, a client that does not listen before it writes: {lost} of {CONTROLS} lost")


def main() -> int:
    """Run both, and return the exit code."""
    with credentials() as (files, server_file), tempfile.TemporaryDirectory() as folder:
        strangers = Path(folder) / "strangers.pem"
        trustme.CA(key_type=trustme.KeyType.RSA).cert_pem.write_to_path(str(strangers))
        control(files, server_file, strangers)
        results = [count(files, server_file, strangers, pause) for pause in (0.05, 0.0)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(serve(*sys.argv[1:]) if len(sys.argv) > 1 else main())
