"""Every example in the kit is run, against a sandbox: it works as it stands, and fails where it must."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
import trustme

from onboarding.credentials.kit import build
from onboarding.sandbox.access import NOT_AUTHENTICATED
from onboarding.sandbox.fleetdata import fleets_of
from tests.kit.conftest import CLIENT_ID, SECRETS, VALUES, unpacked
from tests.sandbox.doubles import Running, basic

CALLS = [
    pytest.param(["sh", "run.sh"], id="curl", marks=pytest.mark.needs("curl")),
    pytest.param([sys.executable, "fleet_call.py"], id="python"),
    pytest.param(["java", "FleetCall.java"], id="java", marks=pytest.mark.needs("java")),
    pytest.param(["node", "fleet-call.mjs"], id="node", marks=pytest.mark.needs("node")),
]


def run(command: list[str], folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a kit's folder, with the secrets in the environment and nothing else of this process's."""
    plain = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # starts in half the time
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=plain | SECRETS | changes,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=180,
    )


@pytest.mark.parametrize("command", CALLS)
def test_a_fleet_owners_example_gets_the_fleets(command: list[str], fleet_owner: Path) -> None:
    done = run(command, fleet_owner)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout.removeprefix("200 "))
    assert [fleet["id"] for fleet in content["_embedded"]["fleets"]] == [fleet.id for fleet in fleets_of(CLIENT_ID)]


@pytest.mark.parametrize("command", CALLS)
def test_with_a_wrong_password_it_shows_the_refusal(command: list[str], fleet_owner: Path) -> None:
    done = run(command, fleet_owner, FLEET_PASSWORD="wrong")
    assert done.returncode == 0, done.stderr
    assert NOT_AUTHENTICATED in done.stdout


@pytest.mark.parametrize("command", CALLS)
def test_without_the_password_it_calls_nobody_and_names_the_variable(command: list[str], fleet_owner: Path) -> None:
    done = run(["env", "-u", "FLEET_PASSWORD", *command], fleet_owner)
    assert done.returncode != 0
    assert "FLEET_PASSWORD" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", CALLS)
def test_with_a_wrong_passphrase_it_calls_nobody(command: list[str], fleet_owner: Path) -> None:
    done = run(command, fleet_owner, KEY_PASSPHRASE="wrong")
    assert done.returncode != 0
    assert done.stdout == ""


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("command", CALLS)
def test_it_trusts_the_ca_in_the_kit_and_not_those_of_the_machine(command: list[str], fleet_owner: Path) -> None:
    ca = fleet_owner / "ca-certificate.pem"
    folder = fleet_owner / "machine"
    folder.mkdir()
    of_the_machine = str(ca.rename(folder / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(ca))
    assert run(["openssl", "rehash", str(folder)], fleet_owner).returncode == 0
    (fleet_owner / ".curlrc").write_text(f'capath = "{folder}"\n')
    # requests asks this module for the public CAs.
    (fleet_owner / "certifi.py").write_text(f"def where():\n    return {of_the_machine!r}\n")
    trusting = dict.fromkeys(
        ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), of_the_machine
    )
    done = run(command, fleet_owner, **trusting, NODE_TLS_REJECT_UNAUTHORIZED="0")
    assert done.returncode != 0
    assert "certif" in done.stderr.lower()
    assert done.stdout == ""


@pytest.mark.parametrize("command", CALLS)
def test_an_end_users_example_is_let_in_and_lacks_only_a_drivers_consent(command: list[str], end_user: Path) -> None:
    done = run(command, end_user)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.removeprefix("401 "))["moreInformation"] == NOT_AUTHENTICATED


@pytest.mark.needs("curl")
@pytest.mark.parametrize(
    ("changes", "error"),
    [({}, "invalid_grant"), ({"CLIENT_SECRET": "wrong"}, "invalid_client")],
    ids=["right secret", "wrong secret"],
)
def test_refreshing_a_token_proves_the_client_secret(changes: dict[str, str], error: str, end_user: Path) -> None:
    done = run(["sh", "refresh-token.sh"], end_user, **changes)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["error"] == error


@pytest.mark.needs("java", "openssl")
@pytest.mark.parametrize(
    "recoding",
    [
        ["rsa", "-traditional"],
        ["rsa", "-traditional", "-aes256"],
        ["pkcs8", "-topk8", "-v2", "des3"],
        ["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"],
    ],
    ids=["PKCS#1", "PKCS#1 encrypted", "PKCS#8 with 3DES", "PKCS#8 of the old kind"],
)
def test_a_key_that_java_cannot_read_is_answered_with_the_commands_that_convert_it(
    recoding: list[str], fleet_owner: Path
) -> None:
    phrases = ["-passin", "env:KEY_PASSPHRASE", "-passout", "env:KEY_PASSPHRASE"]
    key = fleet_owner / "private-key.pem"
    recoded = run(["openssl", *recoding, *phrases, "-in", key.name], fleet_owner)
    key.write_text(recoded.stdout)
    refused = run(["java", "FleetCall.java"], fleet_owner)
    assert refused.returncode != 0
    commands = re.findall(r"^((?:openssl pkcs8|mv) .+)$", refused.stderr, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        asked = command.replace("openssl pkcs8 ", f"openssl pkcs8 {' '.join(phrases)} ")
        converted = run(asked.split(), fleet_owner)
        assert converted.returncode == 0, converted.stderr
    assert run(["java", "FleetCall.java"], fleet_owner).stdout.startswith("200 ")


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("command", CALLS)
def test_a_key_in_a_keystore_is_taken_out_and_compared_with_the_commands_of_the_note(
    command: list[str], fleet_owner: Path
) -> None:
    phrases = "-passin env:KEY_PASSPHRASE -passout env:KEY_PASSPHRASE"
    key = fleet_owner / "private-key.pem"
    stored = f"openssl pkcs12 -export {phrases} -inkey private-key.pem -in chain.pem -out keystore.p12"
    assert run(stored.split(), fleet_owner).returncode == 0
    key.unlink()
    unpacked(build(replace(VALUES, custody="own")), fleet_owner / "note")
    note = (fleet_owner / "note" / "PUT-YOUR-KEY-HERE.txt").read_text()
    take_out, of_key, of_certificate = re.findall(r"^    (openssl .+)$", note, re.MULTILINE)
    assert run(take_out.replace("pkcs12 ", f"pkcs12 {phrases} ").split(), fleet_owner).returncode == 0
    of_key = of_key.replace("pkey ", "pkey -passin env:KEY_PASSPHRASE ")
    digests = [run(["sh", "-c", line], fleet_owner).stdout for line in (of_key, of_certificate)]
    assert digests[0] == digests[1] != ""
    assert '"fleets"' in run(command, fleet_owner).stdout


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("command", CALLS)
def test_a_key_in_plain_pkcs8_needs_no_passphrase(command: list[str], fleet_owner: Path) -> None:
    opened = run(["openssl", "pkey", "-in", "private-key.pem", "-passin", "env:KEY_PASSPHRASE"], fleet_owner)
    (fleet_owner / "private-key.pem").write_text(opened.stdout)
    done = run(["env", "-u", "KEY_PASSPHRASE", *command], fleet_owner)
    assert done.returncode == 0, done.stderr
    assert '"fleets"' in done.stdout


@pytest.mark.needs("sh")
def test_the_env_template_loads_as_it_says(fleet_owner: Path) -> None:
    filled = (fleet_owner / ".env.example").read_text()
    for name, value in SECRETS.items():
        quoted = value.replace("'", r"'\''")
        filled = filled.replace(f"\n{name}=''\n", f"\n{name}='{quoted}'\n")
    (fleet_owner / ".env").write_text(filled)
    unset = [argument for name in SECRETS for argument in ("-u", name)]
    shell = 'set -a; . ./.env; set +a; printf \'%s|%s\' "$FLEET_PASSWORD" "$KEY_PASSPHRASE"'
    done = run(["env", *unset, "sh", "-c", shell], fleet_owner)
    assert done.stdout == f"{SECRETS['FLEET_PASSWORD']}|{SECRETS['KEY_PASSPHRASE']}"


# --- Postman: its collection, read as Postman reads it ----------------------------------------------------------


def resolve(part: object, values: Mapping[str, str]) -> object:
    """Return a part of a collection with each {{variable}} replaced. Raises KeyError for an unknown one."""
    match part:
        case str():
            return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], part)
        case list():
            return [resolve(item, values) for item in part]
        case dict():
            return {key: resolve(value, values) for key, value in part.items()}
        case _:
            return part


def send(sandbox: Running, folder: Path, name: str, **changes: str) -> tuple[int, dict[str, object]]:
    """Send a request of the collection; returns status and content."""
    environment = json.loads((folder / "postman-environment.json").read_text())
    values = {row["key"]: row["value"] for row in environment["values"]} | SECRETS | changes
    collection = json.loads((folder / "postman-collection.json").read_text())
    request = resolve(next(item["request"] for item in collection["item"] if item["name"] == name), values)
    assert isinstance(request, dict)
    kind = request["auth"]["type"]
    auth = {row["key"]: row["value"] for row in request["auth"][kind]}
    authorization = basic(auth["username"], auth["password"]) if kind == "basic" else f"Bearer {auth['token']}"
    headers = {row["key"]: row["value"] for row in request["header"]} | {"Authorization": authorization}
    path = "/".join(request["url"]["host"] + request["url"].get("path", []))
    query = urlencode({row["key"]: row["value"] for row in request["url"].get("query", [])}, quote_via=quote)
    body = None
    if "body" in request:
        body = urlencode({row["key"]: row["value"] for row in request["body"]["urlencoded"]})
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    context = sandbox.client_context(None)
    context.load_cert_chain(folder / "chain.pem", folder / "private-key.pem", SECRETS["KEY_PASSPHRASE"])
    address = urlsplit(f"{path}?{query}" if query else path)
    connection = HTTPSConnection(address.netloc, context=context, timeout=10)
    try:
        connection.request(request["method"], f"{address.path}?{address.query}", body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_the_fleet_owners_collection_gets_the_fleets(sandbox: Running, fleet_owner: Path) -> None:
    status, content = send(sandbox, fleet_owner, "GET /fleets")
    assert (status, "_embedded" in content) == (200, True)
    assert send(sandbox, fleet_owner, "GET /fleets", FLEET_PASSWORD="wrong")[0] == 401


def test_the_end_users_collection_lacks_only_a_drivers_consent(sandbox: Running, end_user: Path) -> None:
    assert send(sandbox, end_user, "GET /user")[1]["moreInformation"] == NOT_AUTHENTICATED
    refresh = "Refresh the access token"
    assert send(sandbox, end_user, refresh)[1]["error"] == "invalid_grant"
    assert send(sandbox, end_user, refresh, CLIENT_SECRET="wrong")[1]["error"] == "invalid_client"
