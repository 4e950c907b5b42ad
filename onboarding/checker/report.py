"""The report that the checker writes, and what of it is signed. The portal reads it with the same functions.

    {"report": {"format": …, "result": …, "checks": […], …}, "signature": "base64" or null}

Signed is `signed_bytes(report)`: a line that says what it is, then the report as JSON in one form that both sides
make of it. So what is verified is what is read, however the file is laid out. SHA-256, with PKCS#1 v1.5 for RSA keys
and ECDSA for EC keys, as `openssl dgst -sha256 -sign` does it.
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from onboarding.checker import VERSION
from onboarding.fleet.checks import Check, Result

FORMAT = "fleet-check-report/1"
DEFAULT_NAME = "fleet-check-report.json"
_SIGNING_SECONDS = 20
_MAX_PASSPHRASE_BYTES = 1000  # openssl reads no more; and it waits in a pipe until openssl reads it
_PASSPHRASE = "FLEET_CHECK_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
# Of openssl's surroundings only what it may need to run.
_KEPT = ("PATH", "HOME", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OPENSSL_CONF", "OPENSSL_MODULES")


def make(
    *,
    programme: str,
    api_url: str,
    client_id: str,
    login: str,
    certificate: Mapping[str, str],
    started_at: str,
    finished_at: str,
    result: Result,
    checks: Sequence[Check],
    nonce: str,
) -> dict[str, Any]:
    """Return a report. certificate: `serial_number` and `sha256`, hexadecimal. Times: ISO 8601 with offset."""
    return {
        "format": FORMAT,
        "checker": VERSION,
        "programme": programme,
        "api_url": api_url,
        "client_id": client_id,
        "login": login,
        "certificate": dict(certificate),
        "started_at": started_at,
        "finished_at": finished_at,
        "result": str(result),
        "checks": [check.to_json() for check in checks],
        "nonce": nonce,
    }


def signed_bytes(report: Mapping[str, Any]) -> bytes:
    """Return what a report's signature is made over. Raises ValueError for what JSON cannot say."""
    text = json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f"{FORMAT}\n{text}".encode("ascii")


def sealed(report: Mapping[str, Any], signature: bytes | None) -> str:
    """Return the file: the report, with its signature if there is one."""
    written = base64.b64encode(signature).decode("ascii") if signature else None
    return json.dumps({"report": report, "signature": written}, indent=2, ensure_ascii=False) + "\n"


def sign(data: bytes, key_file: str, passphrase: bytes) -> bytes | None:
    """Sign with a private key, by the `openssl` program. None where there is none, or where it cannot.

    The passphrase goes through a pipe (in the program's own environment on Windows), never onto its command line.
    """
    program = shutil.which("openssl")
    if program is None or len(passphrase) > _MAX_PASSPHRASE_BYTES:
        return None
    command = [program, "dgst", "-sha256", "-sign", os.path.abspath(key_file)]
    surroundings = {name: os.environ[name] for name in _KEPT if name in os.environ}
    reading = None
    try:
        if passphrase and os.name == "posix":
            reading, writing = os.pipe()
            with open(writing, "wb") as pipe:
                pipe.write(passphrase + b"\n")
            command += ["-passin", f"fd:{reading}"]
        elif passphrase:
            surroundings[_PASSPHRASE] = os.fsdecode(passphrase)
            command += ["-passin", f"env:{_PASSPHRASE}"]
        done = subprocess.run(  # noqa: S603 - openssl, with arguments of ours
            command,
            input=data,
            capture_output=True,
            timeout=_SIGNING_SECONDS,
            env=surroundings,
            pass_fds=() if reading is None else (reading,),
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    finally:
        if reading is not None:
            os.close(reading)
    return done.stdout if done.returncode == 0 and done.stdout else None
