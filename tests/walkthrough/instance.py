"""A private instance of the whole product: own folder, free ports, stopped and removed at the end."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from onboarding.rehearsals import PORTS
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 120.0  # seconds, on a busy machine


@dataclass(frozen=True, slots=True)
class Instance:
    """A running instance. logins: role to (e-mail, password) of the demo accounts. printed: at its start."""

    url: str
    sandbox_port: int
    var: Path
    logins: Mapping[str, tuple[str, str]]
    printed: str = ""


@contextmanager
def instance(*, without: Collection[str] = (), **variables: str) -> Iterator[Instance]:
    """Start web, worker, beat and sandbox with `manage.py up`; yield once all answer; stop and remove them.

    variables: further environment variables, such as DATABASE_URL and REDIS_URL. without: those of this process that it
    is not to have. Raises RuntimeError, with what it
    printed, if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="fleet-onboarding-") as folder:
        var = Path(folder)
        port, sandbox_port, _token_port, fault_ports, *_others = free_ports(3 + len(PORTS))
        inherited = {name: value for name, value in os.environ.items() if name not in without}
        environment = inherited | {
            "DEMO": "1",
            "VAR_DIR": folder,
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            "SANDBOX_FAULT_PORTS": str(fault_ports),
            **variables,
        }
        output = var / "up.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT
            )
        try:
            url = f"http://localhost:{port}"
            _wait(process, url, output)
            kept = var / "demo-logins.json"
            logins = {
                f"{row['organisation']} {row['role']}".strip(): (row["email"], row["password"])
                for row in (json.loads(kept.read_text()) if kept.exists() else ())
            }
            yield Instance(url, sandbox_port, var, logins, output.read_text())
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if requests.get(f"{url}/healthz", timeout=5).status_code == 200 and b"Ctrl-C" in output.read_bytes():
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise RuntimeError("the instance did not start:\n" + output.read_text(errors="replace"))
