"""The listeners, over real TLS: whom they let in, what they bound, and that nobody is delayed by another."""

import asyncio
import http.client
import json
import socket
import ssl
import subprocess
import time
import warnings
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from onboarding.sandbox import server, token
from onboarding.sandbox.fleetdata import fleets_of
from onboarding.sandbox.server import path_for_log
from onboarding.sandbox.tls import Contexts
from tests.sandbox.doubles import (
    CLIENT_ID,
    MZP,
    OTHER_CLIENT_ID,
    PASSWORD,
    USER_CLIENT_ID,
    USER_SECRET,
    Running,
    basic,
)

FLEETS = f"/connectedcar/v3/fleets?client_id={CLIENT_ID}"
TOKEN = "/am/oauth2/access_token"
AUTHORIZED = {"Authorization": basic(MZP, PASSWORD)}
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def call(port, context, path=FLEETS, *, method="GET", body=None, headers=AUTHORIZED):
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response, json.loads(response.read())
    finally:
        connection.close()


def write_then_read(port: int, context: ssl.SSLContext) -> bytes:
    """Connect, and as clients do, write before reading."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        time.sleep(0.02)
        secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return secure.recv(1)


def refusal(port: int, context: ssl.SSLContext) -> str:
    """Return why the server hangs up on a client: OpenSSL's name of the alert."""
    with pytest.raises(ssl.SSLError) as caught:
        write_then_read(port, context)
    return str(caught.value.reason)


# --- Client certificates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_certificate_of_the_credential_set_is_let_in_and_named(sandbox: Running, version):
    context = sandbox.client_context()
    context.minimum_version = context.maximum_version = version
    response, content = call(sandbox.ports.api, context)
    assert response.status == 200
    assert [fleet["id"] for fleet in content["_embedded"]["fleets"]] == [fleet.id for fleet in fleets_of(CLIENT_ID)]
    subject = response.headers["X-Sandbox-Client-Subject"]
    assert f"CN={MZP}" in subject
    assert r"O=Soci\C3\A9t\C3\A9 Flotte" in subject
    name = version.name.replace("_", ".")
    assert response.headers["X-Sandbox-TLS"].startswith(f"{name} ")
    assert len(response.headers["X-Global-Transaction-ID"]) == 32


@pytest.mark.parametrize(
    ("version", "reason"),
    [(ssl.TLSVersion.TLSv1_2, "HANDSHAKE_FAILURE"), (ssl.TLSVersion.TLSv1_3, "CERTIFICATE_REQUIRED")],
)
def test_without_a_certificate_the_client_is_told_by_an_alert(sandbox: Running, version, reason):
    for _ in range(20):
        context = sandbox.client_context(None)
        context.minimum_version = context.maximum_version = version
        assert refusal(sandbox.ports.api, context).endswith(reason)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_of_another_ca_is_refused_by_an_alert(sandbox: Running, version):
    stranger = trustme.CA().issue_cert("fleet@partner.example", common_name=MZP)
    for _ in range(20):
        context = sandbox.client_context(stranger)
        context.minimum_version = context.maximum_version = version
        assert refusal(sandbox.ports.api, context).endswith("UNKNOWN_CA")


def test_an_expired_certificate_is_refused_by_an_alert(sandbox: Running):
    expired = sandbox.ca.issue_cert(
        "fleet@partner.example", common_name=MZP, not_after=datetime.now(UTC) - timedelta(days=1)
    )
    assert refusal(sandbox.ports.api, sandbox.client_context(expired)).endswith("CERTIFICATE_EXPIRED")


def test_a_client_that_can_only_do_tls_1_1_is_refused(sandbox: Running):
    context = sandbox.client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert refusal(sandbox.ports.api, context).endswith("PROTOCOL_VERSION")


def test_another_certificate_of_the_same_ca_gets_the_certificate_error(sandbox: Running):
    response, content = call(sandbox.ports.api, sandbox.client_context("other"))
    assert (response.status, content["code"]) == (495, "495")
    path = f"/connectedcar/v3/fleets?client_id={OTHER_CLIENT_ID}"
    headers = {"Authorization": basic("MZP000002", "other")}
    assert call(sandbox.ports.api, sandbox.client_context("other"), path, headers=headers)[0].status == 200


def test_a_certificate_revoked_while_a_connection_is_open_is_refused_on_it(sandbox: Running, monkeypatch):
    connection = http.client.HTTPSConnection(
        "localhost", sandbox.ports.api, context=sandbox.client_context(), timeout=10
    )
    with closing(connection):
        statuses = []
        for certificate in (sandbox.registry.known[0].certificate_sha256, ""):
            revoked = replace(sandbox.registry.known[0], certificate_sha256=certificate)
            monkeypatch.setattr(sandbox.registry, "known", [revoked])
            connection.request("GET", FLEETS, headers=AUTHORIZED)
            sent_on = connection.sock
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        assert statuses == [200, 495]
        assert connection.sock is sent_on


def test_a_wrong_password_is_a_401_of_the_gateway(sandbox: Running):
    response, content = call(
        sandbox.ports.api, sandbox.client_context(), headers={"Authorization": basic(MZP, "wrong")}
    )
    assert (response.status, content["httpCode"]) == (401, "401")


def test_a_client_that_does_not_trust_the_sandboxs_ca_turns_away(sandbox: Running):
    context = ssl.create_default_context()
    sandbox.certificates["fleet"].configure_cert(context)
    with pytest.raises(ssl.SSLCertVerificationError):
        call(sandbox.ports.api, context)


def test_the_end_users_api_lets_the_certificate_in_and_asks_for_a_bearer_token(sandbox: Running):
    path = f"/connectedcar/v4/user?client_id={USER_CLIENT_ID}"
    headers = {"x-introspect-realm": "clientsB2COpel"}
    response, content = call(sandbox.ports.api, sandbox.client_context("user"), path, headers=headers)
    assert (response.status, content["httpCode"]) == (401, "401")
    response, content = call(sandbox.ports.api, sandbox.client_context("fleet"), path, headers=headers)
    assert (response.status, content["code"]) == (495, "495")


# --- The token listener -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "status", "error"), [(USER_SECRET, 400, "invalid_grant"), ("wrong", 401, "invalid_client")]
)
def test_the_token_endpoint_needs_no_certificate_but_the_secret(sandbox: Running, secret, status, error):
    headers = {
        "Authorization": basic(USER_CLIENT_ID, secret),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = "grant_type=authorization_code&code=none"
    response, content = call(
        sandbox.ports.token, sandbox.client_context(None), TOKEN, method="POST", body=body, headers=headers
    )
    assert (response.status, content["error"]) == (status, error)


def test_the_token_listener_gives_a_sign_of_life(sandbox: Running):
    response, content = call(sandbox.ports.token, sandbox.client_context(None), "/healthz", headers={})
    assert (response.status, content) == (200, {"sandbox": "ok"})


# --- Bounds -------------------------------------------------------------------------------------------------


def test_silent_clients_and_half_handshakes_delay_nobody(sandbox: Running):
    context = sandbox.client_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    hello = outgoing.read()
    with ExitStack() as stack:
        for number in range(40):
            port = sandbox.ports.api if number % 4 < 2 else sandbox.ports.token
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            if number % 2:
                client.sendall(hello[: len(hello) // 2])
        for port, path in ((sandbox.ports.api, FLEETS), (sandbox.ports.token, "/healthz")):
            started = time.monotonic()
            assert call(port, context, path)[0].status == 200
            assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("limit", "sent", "answer"),
    [
        ("IDLE_SECONDS", b"", b""),
        ("IDLE_SECONDS", b"GET /healthz HTTP/1.1\r\nHost: local", b""),
        (
            "BODY_SECONDS",
            b"POST /am/oauth2/access_token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\ngrant",
            b"HTTP/1.1 408 ",
        ),
    ],
    ids=["says nothing", "stops in its headers", "stops in its body"],
)
def test_a_client_that_falls_silent_is_hung_up_on(sandbox: Running, monkeypatch, limit, sent, answer):
    monkeypatch.setattr(server, limit, 0.3)

    async def silent_client() -> bytes:
        async with server.listening(
            bind="127.0.0.1",
            ports=server.Ports(0, 0),
            contexts=sandbox.contexts,
            answer_api=lambda request: token.answer(request, sandbox.registry, datetime.now(UTC)),
            answer_token=lambda request: token.answer(request, sandbox.registry, datetime.now(UTC)),
            clock=lambda: datetime.now(UTC),
        ) as ports:
            context = sandbox.client_context(None)
            reader, writer = await asyncio.open_connection("localhost", ports.token, ssl=context)
            writer.write(sent)
            try:
                return await asyncio.wait_for(reader.read(64), 3)
            finally:
                writer.close()

    assert asyncio.run(silent_client())[: len(answer) or None] == answer


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(sandbox: Running):
    context = sandbox.client_context(None)
    headers = {
        "Authorization": basic(USER_CLIENT_ID, USER_SECRET),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = b"grant_type=authorization_code&code="
    for length, status in ((server.MAX_BODY_BYTES, 400), (server.MAX_BODY_BYTES + 1, 413)):
        body = form.ljust(length, b"x")
        response, content = call(sandbox.ports.token, context, TOKEN, method="POST", body=body, headers=headers)
        assert response.status == status
        assert ("error" in content) == (status == 400)


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off_at_the_limit(sandbox: Running):
    context = sandbox.client_context(None)
    with (
        socket.create_connection(("127.0.0.1", sandbox.ports.token), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(f"POST {TOKEN} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        for _ in range(5):
            secure.sendall(chunk)
        assert secure.recv(64).startswith(b"HTTP/1.1 413 ")


def test_a_failure_of_ours_is_a_500_in_the_apis_shape_and_the_listener_lives_on(sandbox: Running, caplog):
    response, content = call(sandbox.ports.api, sandbox.client_context(), "/broken")
    assert (response.status, content["code"]) == (500, 50000)
    assert content["uuid"] == response.headers["X-Global-Transaction-ID"]
    assert "failed" in caplog.messages
    assert call(sandbox.ports.api, sandbox.client_context())[0].status == 200


# --- The server's own certificate ---------------------------------------------------------------------------


def test_the_servers_certificate_is_due_in_its_last_third_and_not_before(sandbox: Running):
    now = datetime.now(UTC)
    contexts = sandbox.contexts_made(now)
    assert [contexts.are_due(now + timedelta(days=day)) for day in (0, 59, 61)] == [False, False, True]
    contexts.present(contexts.mint(now + timedelta(days=61)))
    assert not contexts.are_due(now + timedelta(days=62))


def test_a_certificate_that_is_due_is_renewed_while_the_listeners_run(sandbox: Running, monkeypatch):
    monkeypatch.setattr(server, "RENEWAL_CHECK_SECONDS", 0.05)
    now = datetime.now(UTC)

    async def presented(port: int) -> bytes:
        context = sandbox.client_context(None)
        _, writer = await asyncio.open_connection("localhost", port, ssl=context)
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return certificate

    async def changes(contexts: Contexts, *, looks: int) -> bool:
        async with server.listening(
            bind="127.0.0.1",
            ports=server.Ports(0, 0),
            contexts=contexts,
            answer_api=lambda request: token.answer(request, sandbox.registry, datetime.now(UTC)),
            answer_token=lambda request: token.answer(request, sandbox.registry, datetime.now(UTC)),
            clock=lambda: now,
        ) as ports:
            before = await presented(ports.token)
            for _look in range(looks):
                await asyncio.sleep(0.1)
                if await presented(ports.token) != before:
                    return True
            return False

    assert asyncio.run(changes(sandbox.contexts_made(now - timedelta(days=80)), looks=200))
    assert not asyncio.run(changes(sandbox.contexts_made(now), looks=10))


# --- curl ---------------------------------------------------------------------------------------------------


def curl(sandbox: Running, folder, *options: str) -> tuple[int, dict]:
    names = sandbox.files(folder)
    command = [
        *("curl", "--silent", "--show-error", "--max-time", "10", "--noproxy", "*", "--cacert", names["ca"]),
        *("--cert", names["certificate"], "--key", names["key"], "--user", f"{MZP}:{PASSWORD}"),
        *("--write-out", "\n%{http_code}", *options),
        f"https://localhost:{sandbox.ports.api}/connectedcar/v3/fleets",
    ]
    body, _, status = subprocess.run(command, check=True, capture_output=True, text=True).stdout.rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.needs("curl")
def test_curl_gets_the_fleets(sandbox: Running, tmp_path):
    status, content = curl(sandbox, tmp_path, "--get", "--data-urlencode", f"client_id={CLIENT_ID}")
    assert (status, content["total"]) == (200, len(fleets_of(CLIENT_ID)))


@pytest.mark.needs("curl")
def test_curl_without_get_is_told_to_add_it(sandbox: Running, tmp_path):
    status, content = curl(sandbox, tmp_path, "--request", "GET", "--data-urlencode", f"client_id={CLIENT_ID}")
    assert status == 400
    assert "--get" in content["moreInformation"]


@pytest.mark.needs("curl")
def test_curl_meets_a_failure_that_it_names_with_its_client_id(sandbox: Running, tmp_path):
    headers = str(tmp_path / "headers.txt")
    named = f"client_id={CLIENT_ID}~rate_limited"
    status, content = curl(sandbox, tmp_path, "--get", "--data-urlencode", named, "--dump-header", headers)
    assert (status, content["httpCode"]) == (429, "429")
    assert "Retry-After: 30" in Path(headers).read_text()


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/connectedcar/v3/vehicles/VF3SANDBX00000001", "/connectedcar/v3/vehicles/…0001"),
        ("/connectedcar/v4/vehicles/VF3SANDBX00000001/status", "/connectedcar/v4/vehicles/…0001/status"),
        ("/connectedcar/v3/fleets/5f0c/vehicles/9a8b7c", "/connectedcar/v3/fleets/5f0c/vehicles/9a8b7c"),
        ("/connectedcar/v4/user", "/connectedcar/v4/user"),
    ],
)
def test_the_log_keeps_the_last_characters_of_a_vin(path, kept):
    assert path_for_log(path) == kept
