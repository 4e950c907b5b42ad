"""Whole runs against servers on loopback: each success, and its negative twins."""

import base64
import dataclasses
import gc
import json
import os
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from onboarding.fleet import client
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.diagnosis import Report
from onboarding.fleet.messages import words
from onboarding.fleet.target import CredentialMaterial, Target
from tests.fleet.climbing import GATEWAY_401, by_rung, climb, driver_target, failure, run, target_of
from tests.fleet.conftest import (
    FLEETS,
    MZP,
    PASSPHRASE,
    PASSWORD,
    SECRET,
    chain_pem,
    context_of,
    encrypted,
    material_of,
    mint,
)
from tests.fleet.servers import (
    Server,
    answering,
    drip,
    http,
    over_tls,
    read_client_hello,
    read_request,
    replying,
    reset,
    serving,
    wait_for_end,
)

# Success


def test_a_good_set_passes_under_either_tls_version(
    material: CredentialMaterial,
    server_certificate: trustme.LeafCert,
    ca: trustme.CA,
    tls_version: ssl.TLSVersion,
) -> None:
    with serving(over_tls(context_of(server_certificate, ca, tls_version), answering(200, FLEETS))) as server:
        report = run(material, target_of(server))
    assert report.result == Result.PASSED
    assert {check.result for check in report.checks} == {Result.PASSED}
    assert report.facts["tls_version"] == tls_version.name.replace("_", ".")
    assert report.facts["fleets"] == 2
    assert report.facts["first_fleet_name"] == "North depot"
    assert MZP in str(report.facts["client_certificate_subject"])
    assert by_rung(report)[Rung.SERVER_TLS].evidence["cipher"] == report.facts["cipher"]
    assert server.connections == 1


def test_the_call_carries_client_id_login_and_nothing_from_the_environment(
    material: CredentialMaterial,
    good_talk: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with serving(good_talk) as server:
        report = run(material, target_of(server))
    assert report.result == Result.PASSED
    (request,) = server.requests
    assert request.startswith(b"GET /connectedcar/v3/fleets?client_id=client-7 HTTP/1.1\r\n")
    login = base64.b64encode(f"{MZP}:{PASSWORD}".encode())
    assert b"Authorization: Basic " + login in request


def test_each_rung_is_told_when_it_starts_and_when_it_ends(
    material: CredentialMaterial, good_talk: Callable[..., None]
) -> None:
    told: list[dict[str, Result]] = []

    def on_check(checks: Sequence[Check]) -> None:
        told.append({check.rung: check.result for check in checks})

    with serving(good_talk) as server:
        climb(material, target_of(server), on_check=on_check)
    for rung in (
        Rung.COMPLETE,
        Rung.NAME_RESOLUTION,
        Rung.TCP_CONNECT,
        Rung.SERVER_TLS,
        Rung.CLIENT_CERTIFICATE,
    ):
        seen = [ladder[rung] for ladder in told]
        assert seen.index(Result.RUNNING) < seen.index(Result.PASSED)
    assert all(list(ladder.values()).count(Result.RUNNING) <= 1 for ladder in told)


def test_what_the_observer_raises_ends_the_run(material: CredentialMaterial, good_talk: Callable[..., None]) -> None:
    class LeaseLost(Exception):
        pass

    def on_check(checks: Sequence[Check]) -> None:
        if any(check.rung == Rung.SERVER_TLS and check.result == Result.RUNNING for check in checks):
            raise LeaseLost

    with serving(good_talk) as server, pytest.raises(LeaseLost):
        climb(material, target_of(server), on_check=on_check)
    assert server.requests == []


def test_an_empty_list_of_fleets_is_a_warning(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    with serving(over_tls(mutual, answering(200, {"total": 0, "_links": {}}))) as server:
        report = run(material, target_of(server))
    assert report.result == Result.PASSED
    assert by_rung(report)[Rung.ANSWER].code == "no_fleets"


def test_a_server_that_asks_for_no_certificate_is_a_warning(
    material: CredentialMaterial, server_certificate: trustme.LeafCert, tls_version: ssl.TLSVersion
) -> None:
    with serving(over_tls(context_of(server_certificate, None, tls_version), answering(200, FLEETS))) as server:
        report = run(material, target_of(server))
    check = by_rung(report)[Rung.CLIENT_CERTIFICATE]
    assert (check.code, check.result) == ("client_certificate_not_requested", Result.WARNING)


# The set itself


@pytest.mark.parametrize("field", ["password", "mzp", "client_id", "key_pem", "ca_pem"])
def test_a_set_that_lacks_something_is_not_called_with(material: CredentialMaterial, field: str) -> None:
    empty: dict[str, object] = {field: b"" if field.endswith("_pem") else ""}
    report = run(dataclasses.replace(material, **empty), Target("https://localhost:9/connectedcar/v3"))  # type: ignore[arg-type]
    assert failure(report).code == "set_incomplete"
    assert failure(report).evidence["missing"] == field.removesuffix("_pem")
    assert by_rung(report)[Rung.KEY_PAIR].result == Result.NOT_REACHED


def test_the_key_of_another_certificate_is_found(material: CredentialMaterial, stranger: trustme.LeafCert) -> None:
    report = run(dataclasses.replace(material, key_pem=encrypted(stranger)), Target("https://localhost:9"))
    assert (failure(report).rung, failure(report).code) == (Rung.KEY_PAIR, "key_mismatch")


def test_a_wrong_passphrase_is_found(material: CredentialMaterial) -> None:
    report = run(dataclasses.replace(material, key_passphrase=b"wrong"), Target("https://localhost:9"))
    assert (failure(report).rung, failure(report).code) == (Rung.KEY_PAIR, "key_unreadable")


def test_an_expired_certificate_is_found_before_any_call(ca: trustme.CA) -> None:
    expired = mint(ca, not_after=datetime.now(UTC) - timedelta(days=1))
    report = run(material_of(expired, ca), Target("https://localhost:9"))
    assert failure(report).rung == Rung.CERTIFICATE
    assert by_rung(report)[Rung.NAME_RESOLUTION].result == Result.NOT_REACHED


def test_a_certificate_that_expires_soon_is_a_warning_and_is_still_called_with(
    ca: trustme.CA, good_talk: Callable[..., None]
) -> None:
    expiring = mint(ca, not_after=datetime.now(UTC) + timedelta(days=3))
    with serving(good_talk) as server:
        report = run(material_of(expiring, ca), target_of(server))
    assert report.result == Result.PASSED
    check = by_rung(report)[Rung.CERTIFICATE]
    assert (check.code, check.result) == ("pki_certificate_expires_soon", Result.WARNING)


def test_a_certificate_is_judged_for_the_time_that_is_given(material: CredentialMaterial, ca: trustme.CA) -> None:
    expiring = material_of(mint(ca, not_after=datetime.now(UTC) + timedelta(days=300)), ca)
    report = climb(expiring, Target("https://localhost:9"), now=datetime.now(UTC) + timedelta(days=301))
    assert failure(report).code == "pki_certificate_expired"


def test_a_certificate_of_another_ca_than_the_given_one_is_found(ca: trustme.CA, stranger: trustme.LeafCert) -> None:
    check = failure(run(material_of(stranger, ca), Target("https://localhost:9")))
    assert (check.rung, check.turn) == (Rung.CERTIFICATE, Turn.PARTNER)


def test_a_root_that_comes_with_the_certificate_does_not_stand_in_for_the_given_ca(
    ca: trustme.CA, other_ca: trustme.CA, stranger: trustme.LeafCert
) -> None:
    foreign = material_of(stranger, ca)
    foreign = dataclasses.replace(foreign, certificate_pem=foreign.certificate_pem + other_ca.cert_pem.bytes())
    assert failure(run(foreign, Target("https://localhost:9"))).rung == Rung.CERTIFICATE


@pytest.mark.parametrize("field", ["certificate_pem", "ca_pem"])
def test_a_file_that_holds_no_certificate_is_found(material: CredentialMaterial, field: str) -> None:
    broken: dict[str, object] = {field: b"<html>not found</html>"}
    report = run(dataclasses.replace(material, **broken), Target("https://localhost:9"))  # type: ignore[arg-type]
    assert failure(report).code == "pki_certificate_is_html"


def test_a_certificate_of_another_partner_login_is_found(ca: trustme.CA) -> None:
    report = run(material_of(mint(ca, "MZP999999"), ca), Target("https://localhost:9"))
    assert (failure(report).rung, failure(report).code) == (Rung.COMMON_NAME, "common_name_differs")
    assert failure(report).evidence == {"found": "MZP999999", "expected": MZP}


# Refused client certificates


@pytest.fixture
def stranger_to_the_server(
    client_certificate: trustme.LeafCert, server_certificate: trustme.LeafCert, other_ca: trustme.CA
) -> Callable[..., ssl.SSLContext]:
    """A server that takes client certificates of the other CA only."""

    def context(version: ssl.TLSVersion) -> ssl.SSLContext:
        return context_of(server_certificate, other_ca, version)

    return context


def refusing(context: ssl.SSLContext, pause: float) -> Callable[[Server, socket.socket], None]:
    """Refuse by alert; some seconds later, close."""

    def talk(server: Server, connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            tls.do_handshake()
            server.requests.append(read_request(tls))
        except ssl.SSLError:
            time.sleep(pause)
        finally:
            tls.close()

    return talk


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_a_certificate_of_an_unknown_ca_is_refused_by_name_however_soon_the_server_closes(
    material: CredentialMaterial,
    stranger_to_the_server: Callable[..., ssl.SSLContext],
    tls_version: ssl.TLSVersion,
    pause: float,
) -> None:
    def slow_observer(checks: Sequence[Check]) -> None:
        """Take so long to note that the handshake is over that the server has closed meanwhile."""
        if any(check.rung == Rung.CLIENT_CERTIFICATE and check.result == Result.RUNNING for check in checks):
            time.sleep(0.02)

    with serving(refusing(stranger_to_the_server(tls_version), pause)) as server:
        for on_check in (slow_observer, lambda _: None) * 5:
            report = climb(material, target_of(server), on_check=on_check)
            check = failure(report)
            assert (check.rung, check.code) == (Rung.CLIENT_CERTIFICATE, "client_ca_unknown")
            assert check.evidence["alert"] == 48
            assert by_rung(report)[Rung.SERVER_TLS].result == Result.PASSED
            assert by_rung(report)[Rung.AUTHENTICATION].result == Result.NOT_REACHED
    assert server.requests == []


def test_a_server_that_hangs_up_after_the_handshake_is_not_said_to_have_refused_the_certificate(
    material: CredentialMaterial,
    server_certificate: trustme.LeafCert,
    ca: trustme.CA,
    tls_version: ssl.TLSVersion,
) -> None:
    with serving(over_tls(context_of(server_certificate, ca, tls_version), lambda _, tls: None)) as server:
        check = failure(run(material, target_of(server)))
    assert check.code in {"closed_without_reason", "reset_without_reason"}
    assert "refused" not in words(check).title


# The server's own certificate


def test_only_the_pinned_ca_is_trusted_and_no_public_one(
    material: CredentialMaterial,
    other_ca: trustme.CA,
    ca: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The other CA stands for a public one: requests and OpenSSL are both told that it is one of their roots."""
    bundle = tmp_path_factory.mktemp("roots") / "roots.pem"
    other_ca.cert_pem.write_to_path(str(bundle))
    for module in ("requests.adapters", "onboarding.fleet.client", "onboarding.fleet.server_chain"):
        monkeypatch.setattr(f"{module}.DEFAULT_CA_BUNDLE_PATH", str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    context = context_of(other_ca.issue_cert("localhost"), ca)
    with serving(over_tls(context, answering(200, FLEETS))) as server:
        check = failure(run(material, target_of(server)))
    assert (check.rung, check.code) == (Rung.SERVER_TLS, "server_public_ca")
    assert "trustme" in str(check.evidence["server_issuer"])
    assert server.requests == []


def test_a_certificate_for_another_name_is_refused(material: CredentialMaterial, ca: trustme.CA) -> None:
    with serving(over_tls(context_of(ca.issue_cert("elsewhere.example"), ca), answering(200, FLEETS))) as server:
        check = failure(run(material, target_of(server)))
    assert (check.rung, check.code) == (Rung.SERVER_TLS, "server_wrong_name")
    assert check.evidence["verify_code"] == 62


def test_a_name_in_the_common_name_alone_does_not_count(material: CredentialMaterial, ca: trustme.CA) -> None:
    certificate = ca.issue_cert("elsewhere@example.com", common_name="localhost")
    with serving(over_tls(context_of(certificate, ca), answering(200, FLEETS))) as server:
        assert failure(run(material, target_of(server))).code == "server_wrong_name"


def test_an_expired_server_certificate_is_refused(material: CredentialMaterial, ca: trustme.CA) -> None:
    expired = ca.issue_cert(
        "localhost",
        not_before=datetime(2020, 1, 1, tzinfo=UTC),
        not_after=datetime.now(UTC) - timedelta(days=1),
    )
    with serving(over_tls(context_of(expired, ca), answering(200, FLEETS))) as server:
        check = failure(run(material, target_of(server)))
    assert (check.code, check.turn) == ("server_expired", Turn.MAKER)


# Before TLS


def test_a_closed_port_is_refused(material: CredentialMaterial) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check = failure(run(material, Target(f"https://127.0.0.1:{port}")))
    assert (check.rung, check.code) == (Rung.TCP_CONNECT, "connection_refused")
    assert check.evidence["port"] == port


def test_a_name_that_does_not_exist_is_found(material: CredentialMaterial, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    check = failure(run(material, Target("https://api.invalid/connectedcar/v3")))
    assert (check.rung, check.code) == (Rung.NAME_RESOLUTION, "name_unknown")


def test_a_resolver_that_hangs_ends_at_the_deadline(
    material: CredentialMaterial, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def slow(*_args: object, **_kwargs: object) -> list[object]:
        released.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    started = time.monotonic()
    assert failure(run(material, Target("https://api.invalid"), deadline=0.2)).code == "resolver_timeout"
    assert time.monotonic() - started < 0.8
    released.set()


@pytest.mark.parametrize(
    "url",
    [
        f"https://{'a' * 70}.example",
        "https://localhost:99999",
        "http://localhost",
        "https://[::1",
        "https://",
    ],
)
def test_an_address_that_cannot_be_called_is_found(material: CredentialMaterial, url: str) -> None:
    check = failure(run(material, Target(url)))
    assert (check.rung, check.code) == (Rung.NAME_RESOLUTION, "url_invalid")


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_a_port_without_tls_is_found(material: CredentialMaterial, greeting: bytes) -> None:
    def talk(_: Server, connection: socket.socket) -> None:
        read_client_hello(connection)
        connection.sendall(greeting)
        wait_for_end(connection)

    with serving(talk) as server:
        check = failure(run(material, target_of(server)))
    assert (check.rung, check.code) == (Rung.SERVER_TLS, "not_tls")


def test_a_reset_in_the_handshake_is_found(material: CredentialMaterial) -> None:
    def talk(_: Server, connection: socket.socket) -> None:
        read_client_hello(connection)
        reset(connection)

    with serving(talk) as server:
        assert failure(run(material, target_of(server))).code == "reset_in_handshake"


def test_hanging_up_in_the_handshake_is_found(material: CredentialMaterial) -> None:
    with serving(lambda _, connection: read_client_hello(connection)) as server:
        assert failure(run(material, target_of(server))).code == "closed_in_handshake"


def test_a_server_that_accepts_and_says_nothing_is_found_at_its_tls(material: CredentialMaterial) -> None:
    with serving(lambda _, connection: wait_for_end(connection)) as server:
        check = failure(run(material, target_of(server), deadline=0.3))
    assert (check.rung, check.code) == (Rung.SERVER_TLS, "handshake_timeout")


def test_a_server_of_old_versions_only_is_found(
    material: CredentialMaterial, server_certificate: trustme.LeafCert
) -> None:
    def talk(_: Server, connection: socket.socket) -> None:
        read_client_hello(connection)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")  # alert 70, protocol_version
        wait_for_end(connection)

    with serving(talk) as server:
        assert failure(run(material, target_of(server))).code == "tls_version_mismatch"


# Answers


def test_a_refused_login_is_found_and_tried_once(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    with serving(over_tls(mutual, answering(401, GATEWAY_401))) as server:
        report = run(material, target_of(server))
    check = failure(report)
    assert (check.rung, check.code, check.turn) == (Rung.AUTHENTICATION, "login_refused", Turn.PARTNER)
    assert check.evidence["http_status"] == 401
    assert check.evidence["moreInformation"] == GATEWAY_401["moreInformation"]
    assert by_rung(report)[Rung.CLIENT_CERTIFICATE].result == Result.PASSED
    assert by_rung(report)[Rung.ANSWER].result == Result.NOT_REACHED
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Invalid client id or secret.", "client_id_refused"),
        ("The client is not registered to a plan of this API.", "client_not_subscribed"),
    ],
)
def test_the_gateways_known_reasons_are_told_apart(
    material: CredentialMaterial, mutual: ssl.SSLContext, reason: str, code: str
) -> None:
    with serving(over_tls(mutual, answering(401, {**GATEWAY_401, "moreInformation": reason}))) as server:
        report = run(material, target_of(server))
    assert (failure(report).rung, failure(report).code) == (Rung.CLIENT_ID, code)
    assert by_rung(report)[Rung.AUTHENTICATION].result == Result.NOT_REACHED


@pytest.mark.parametrize("status", [200, 401, 403, 495])
def test_a_certificate_refused_in_a_body_is_found_whatever_the_status(
    material: CredentialMaterial, mutual: ssl.SSLContext, status: int
) -> None:
    body = {"code": "495", "message": "Invalid or expired client certificate"}
    with serving(over_tls(mutual, answering(status, body))) as server:
        check = failure(run(material, target_of(server)))
    assert (check.rung, check.code) == (Rung.CLIENT_CERTIFICATE, "client_certificate_refused_http")
    assert check.evidence["message"] == "Invalid or expired client certificate"


def test_an_outage_says_nothing_about_the_login(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    page = b"<html><title>502 Bad Gateway</title><script>x()</script><body>nginx</body></html>"
    with serving(over_tls(mutual, answering(502, page, Content_Type="text/html"))) as server:
        report = run(material, target_of(server))
    check = failure(report)
    assert (check.rung, check.code, check.turn) == (Rung.ANSWER, "bad_gateway", Turn.MAKER)
    assert check.evidence["text"] == "502 Bad Gateway nginx"
    assert by_rung(report)[Rung.AUTHENTICATION].result == Result.NOT_REACHED


def test_an_error_of_the_application_proves_the_login(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    body = {
        "code": 40410,
        "uuid": "ab-12",
        "message": "no vehicle found",
        "timestamp": "2024-05-02T08:00:00Z",
    }
    with serving(over_tls(mutual, answering(404, body))) as server:
        report = run(material, target_of(server))
    assert failure(report).code == "no_vehicle"
    assert failure(report).evidence["uuid"] == "ab-12"
    assert by_rung(report)[Rung.AUTHENTICATION].result == Result.PASSED


def test_a_redirect_is_not_followed(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    with serving(lambda server, _: server.requests.append(b"followed")) as elsewhere:
        location = f"{elsewhere.url}/login?next=%2Ffleets"
        with serving(over_tls(mutual, answering(302, b"", Location=location))) as server:
            check = failure(run(material, target_of(server)))
    assert check.code == "redirected"
    assert check.evidence["location"] == f"{elsewhere.url}/login"
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"fleets"',
        b"null",
        b'{"total": 1}',
        b'{"total": 1, "_embedded": {"fleets": [{"name": "no id"}]}}',
        b'{"total": 1, "_embedded": {"fleets": {"id": "5f0c"}}}',
        b'{"total": 1, "_embedded": ["fleets"]}',
        b'{"total": -1, "_embedded": {"fleets": []}}',
    ],
)
def test_json_of_another_shape_is_found(material: CredentialMaterial, mutual: ssl.SSLContext, body: bytes) -> None:
    with serving(over_tls(mutual, answering(200, body))) as server:
        check = failure(run(material, target_of(server)))
    assert (check.rung, check.code) == (Rung.ANSWER, "wrong_shape")


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", {}, "empty_answer"),
        (b"<html>sign in</html>", {"Content_Type": "text/html"}, "html_answer"),
        (b"fleets: 2", {}, "not_json"),
        (b"[" * 100_000, {}, "not_json"),
        (b"{}", {"Content_Encoding": "gzip"}, "answer_garbled"),
        (b"{}", {"Content_Length": "400"}, "answer_cut_off"),
    ],
)
def test_an_answer_that_cannot_be_read_is_found(
    material: CredentialMaterial, mutual: ssl.SSLContext, body: bytes, headers: dict[str, str], code: str
) -> None:
    with serving(over_tls(mutual, answering(200, body, **headers))) as server:
        report = run(material, target_of(server))
    assert (failure(report).rung, failure(report).code) == (Rung.ANSWER, code)
    assert by_rung(report)[Rung.CLIENT_CERTIFICATE].result == Result.PASSED


def test_an_endless_body_is_not_read_to_its_end(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    sent = 0

    def talk(_: Server, tls: ssl.SSLSocket) -> None:
        nonlocal sent
        read_request(tls)
        tls.sendall(http(200, b"", Content_Length=str(2**30)))
        for _chunk in range(1024):
            tls.sendall(b" " * 2**20)
            sent += 2**20

    with serving(over_tls(mutual, talk)) as server:
        check = failure(run(material, target_of(server)))
    assert check.code == "answer_too_large"
    assert sent < 32 * 2**20


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "answer_stalled"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", "answer_timeout"),
    ],
)
def test_a_dripping_server_hits_the_deadline(
    material: CredentialMaterial, mutual: ssl.SSLContext, head: bytes, code: str
) -> None:
    started = time.monotonic()
    with serving(over_tls(mutual, replying(head, drip))) as server:
        check = failure(run(material, target_of(server), deadline=0.6))
        assert time.monotonic() - started < 1.5
    assert (check.rung, check.code) == (Rung.ANSWER, code)


# End users


def run_driver(
    material: CredentialMaterial,
    mutual: ssl.SSLContext,
    token_context: ssl.SSLContext,
    ca: trustme.CA,
    *,
    user: tuple[int, object] = (401, GATEWAY_401),
    token: tuple[int, object] = (400, {"error": "invalid_grant"}),
) -> tuple[Report, Server, Server]:
    with (
        serving(over_tls(mutual, answering(*user))) as api,  # type: ignore[arg-type]
        serving(over_tls(token_context, answering(*token))) as token_server,  # type: ignore[arg-type]
    ):
        return run(material, driver_target(api, token_server, ca)), api, token_server


@pytest.fixture
def ordinary(server_certificate: trustme.LeafCert) -> ssl.SSLContext:
    return context_of(server_certificate, None)


def test_an_end_users_set_passes_when_certificate_and_client_are_recognised(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, ordinary: ssl.SSLContext, ca: trustme.CA
) -> None:
    report, api, token = run_driver(driver_material, mutual, ordinary, ca)
    assert report.result == Result.PASSED
    checks = by_rung(report)
    assert checks[Rung.ANSWER].code == "user_probe_answered"
    assert checks[Rung.CLIENT_ID].code == "client_recognised"
    assert checks[Rung.ANSWER].evidence["basis"] == checks[Rung.CLIENT_ID].evidence["basis"] == "assumption"
    assert api.requests[0].startswith(b"GET /connectedcar/v4/user?client_id=client-7 ")
    assert b"x-introspect-realm: clientsB2CPeugeot" in api.requests[0]
    assert b"uthorization" not in api.requests[0]
    assert b"grant_type=authorization_code" in token.requests[0]
    assert base64.b64encode(f"client-7:{SECRET}".encode()) in token.requests[0]


def test_a_wrong_client_secret_is_found(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, ordinary: ssl.SSLContext, ca: trustme.CA
) -> None:
    report, _, _ = run_driver(driver_material, mutual, ordinary, ca, token=(401, {"error": "invalid_client"}))
    check = failure(report)
    assert (check.rung, check.code, check.turn) == (Rung.CLIENT_ID, "client_unrecognised", Turn.PARTNER)
    assert by_rung(report)[Rung.TOKEN_ENDPOINT].result == Result.PASSED


def test_an_end_users_certificate_refused_in_a_body_is_found_and_no_secret_is_sent_then(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, ordinary: ssl.SSLContext, ca: trustme.CA
) -> None:
    user = (403, {"code": "495", "message": "Invalid or expired client certificate"})
    report, _, token = run_driver(driver_material, mutual, ordinary, ca, user=user)
    assert failure(report).rung == Rung.CLIENT_CERTIFICATE
    assert token.connections == 0


def test_an_api_in_trouble_is_a_warning_as_the_certificate_was_let_in(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, ordinary: ssl.SSLContext, ca: trustme.CA
) -> None:
    report, _, _ = run_driver(driver_material, mutual, ordinary, ca, user=(503, b""))
    assert report.result == Result.PASSED
    assert (by_rung(report)[Rung.ANSWER].code, by_rung(report)[Rung.ANSWER].result) == (
        "unavailable",
        Result.WARNING,
    )


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ((200, {"access_token": "t"}), "token_answer_unexpected"),
        ((400, {"error": "invalid_request"}), "token_request_refused"),
        ((503, {"error": "temporarily_unavailable"}), "token_endpoint_failing"),
        ((404, b"<html>"), "wrong_address"),
        ((200, b"<html>"), "html_answer"),
    ],
)
def test_a_token_endpoint_that_proves_nothing_fails_the_run(
    driver_material: CredentialMaterial,
    mutual: ssl.SSLContext,
    ordinary: ssl.SSLContext,
    ca: trustme.CA,
    token: tuple[int, object],
    code: str,
) -> None:
    report, _, _ = run_driver(driver_material, mutual, ordinary, ca, token=token)
    assert (failure(report).rung, failure(report).code) == (Rung.TOKEN_ENDPOINT, code)


def test_a_token_endpoint_of_an_untrusted_ca_gets_no_secret(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, other_ca: trustme.CA, ca: trustme.CA
) -> None:
    untrusted = context_of(other_ca.issue_cert("localhost"), None)
    report, _, token = run_driver(driver_material, mutual, untrusted, ca)
    assert (failure(report).rung, failure(report).code) == (Rung.TOKEN_ENDPOINT, "server_chain_incomplete")
    assert token.requests == []


def test_without_a_pinned_ca_the_token_endpoint_is_held_against_the_public_roots(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, ordinary: ssl.SSLContext, ca: trustme.CA
) -> None:
    with (
        serving(over_tls(mutual, answering(401, GATEWAY_401))) as api,
        serving(over_tls(ordinary, answering(400, {"error": "invalid_grant"}))) as token,
    ):
        target = dataclasses.replace(driver_target(api, token, ca), token_ca_pem=None)
        report = run(driver_material, target)
    assert failure(report).rung == Rung.TOKEN_ENDPOINT
    assert token.requests == []


# The proxy


def test_a_run_goes_through_the_proxy_and_still_reads_every_rung(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    def proxy(server: Server, connection: socket.socket) -> None:
        server.requests.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        over_tls(mutual, answering(200, FLEETS))(server, connection)

    with serving(proxy) as server:
        target = Target("https://localhost/connectedcar/v3", proxy=f"http://u:marker-proxy@127.0.0.1:{server.port}")
        report = run(material, target)
    assert report.result == Result.PASSED
    assert by_rung(report)[Rung.PROXY].code == "proxy_opened"
    assert by_rung(report)[Rung.NAME_RESOLUTION].code == "name_left_to_proxy"
    assert by_rung(report)[Rung.TCP_CONNECT].code == "connected_through_proxy"
    assert by_rung(report)[Rung.TCP_CONNECT].evidence["port"] == 443
    assert server.requests[0].startswith(b"CONNECT localhost:443 ")


@pytest.mark.parametrize(
    ("status", "rung", "code"),
    [
        (407, Rung.PROXY, "proxy_wants_login"),
        (403, Rung.PROXY, "proxy_forbids"),
        (418, Rung.PROXY, "proxy_refused"),
        (502, Rung.TCP_CONNECT, "proxy_cannot_reach"),
    ],
)
def test_a_proxy_that_refuses_is_named(material: CredentialMaterial, status: int, rung: Rung, code: str) -> None:
    with serving(answering(status, b"")) as server:
        report = run(material, Target("https://localhost/v3", proxy=f"http://u:p@127.0.0.1:{server.port}"))
    check = failure(report)
    assert (check.rung, check.code, check.evidence["host"]) == (rung, code, "localhost")
    assert check.evidence["proxy"] == f"127.0.0.1:{server.port}"
    if rung == Rung.TCP_CONNECT:
        # The proxy is well; whether it failed at the name or at the connection nobody knows.
        assert by_rung(report)[Rung.PROXY].result == Result.PASSED
        assert by_rung(report)[Rung.NAME_RESOLUTION].result == Result.NOT_REACHED


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (lambda _, connection: wait_for_end(connection), "proxy_silent"),
        (lambda _, connection: read_request(connection), "proxy_hung_up"),
        (replying(b"220 mail.example ESMTP\r\n"), "proxy_not_http"),
    ],
)
def test_what_is_no_proxy_is_named(
    material: CredentialMaterial, talk: Callable[[Server, socket.socket], None], code: str
) -> None:
    with serving(talk) as server:
        target = Target("https://localhost/v3", proxy=f"http://127.0.0.1:{server.port}")
        check = failure(run(material, target, deadline=0.4))
    assert (check.rung, check.code, check.turn) == (Rung.PROXY, code, Turn.OPERATOR)


@pytest.mark.parametrize("proxy", ["https://127.0.0.1:3128", "127.0.0.1:3128", "http://127.0.0.1:99999", "http://"])
def test_a_proxys_address_that_cannot_be_used_is_found(material: CredentialMaterial, proxy: str) -> None:
    report = run(material, Target("https://localhost/v3", proxy=proxy))
    assert (failure(report).rung, failure(report).code) == (Rung.PROXY, "proxy_invalid")


def test_without_a_proxy_there_is_no_such_rung(material: CredentialMaterial) -> None:
    assert Rung.PROXY not in by_rung(run(material, Target("http://localhost")))


def test_a_proxy_that_is_not_there_is_named(material: CredentialMaterial) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check = failure(run(material, Target("https://localhost/v3", proxy=f"http://127.0.0.1:{port}")))
    assert (check.rung, check.code) == (Rung.PROXY, "proxy_unreachable")


# Secrets


def echoes() -> dict[str, bytes]:
    """Answers that throw back at us what we sent."""
    basic = base64.b64encode(f"{MZP}:{PASSWORD}".encode()).decode()
    client = base64.b64encode(f"client-7:{SECRET}".encode()).decode()
    said = f"you sent {PASSWORD} {SECRET} {PASSPHRASE.decode()} {basic} {client}"
    return {
        "gateway": http(401, {"httpCode": "401", "moreInformation": said}),
        "page": http(
            502,
            f"<p>{said.replace('&', '&amp;').replace('<', '&lt;')}</p>".encode(),
            Content_Type="text/html",
        ),
        "redirect": http(302, b"", Location=f"https://x.example/{SECRET}"),
        "oauth": http(401, {"error": "invalid_client", "error_description": said}),
        "long": http(502, b"x" * 290 + said.encode()),
        "fleet": http(200, {"total": 1, "_embedded": {"fleets": [{"id": said, "name": said}]}}),
        "garbage": said.encode() + b"\r\n\r\n",
    }


@pytest.mark.parametrize("echo", echoes())
@pytest.mark.parametrize("programme", ["fleet_owner", "end_user"])
def test_no_secret_is_in_any_evidence_fact_or_repr(
    client_certificate: trustme.LeafCert,
    ca: trustme.CA,
    mutual: ssl.SSLContext,
    ordinary: ssl.SSLContext,
    programme: str,
    echo: str,
) -> None:
    material = material_of(client_certificate, ca, programme)
    seen: list[object] = []
    with (
        serving(over_tls(mutual, replying(echoes()[echo]))) as api,
        serving(over_tls(ordinary, replying(echoes()[echo]))) as token,
    ):
        target = dataclasses.replace(driver_target(api, token, ca), proxy=None)
        report = climb(material, target, on_check=seen.append)
    kept = repr((report, seen, material, target)) + json.dumps([check.to_json() for check in report.checks])
    kept += "".join(words(check).title + words(check).remedy for check in report.checks)
    for secret in (PASSWORD, SECRET, PASSPHRASE.decode()):
        for form in (secret, secret[:12], base64.b64encode(secret.encode()).decode()[:16]):
            assert form not in kept
    assert base64.b64encode(f"{MZP}:{PASSWORD}".encode()).decode() not in kept
    assert base64.b64encode(f"client-7:{SECRET}".encode()).decode() not in kept
    assert b"PRIVATE KEY" in material.key_pem
    assert "PRIVATE KEY" not in kept


def test_the_key_reaches_openssl_encrypted_and_leaves_no_descriptor_open(
    material: CredentialMaterial, good_talk: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    write = os.write

    def record(descriptor: int, data: bytes) -> int:
        written.append(bytes(data))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", record)
    open_descriptors = []
    for _ in range(3):
        with serving(good_talk) as server:
            run(material, target_of(server))
        open_descriptors.append(len(os.listdir("/proc/self/fd")))
    assert len(set(open_descriptors)) == 1
    assert any(b"BEGIN ENCRYPTED PRIVATE KEY" in data for data in written)
    assert not any(b"BEGIN PRIVATE KEY" in data or b"BEGIN RSA PRIVATE KEY" in data for data in written)


@pytest.mark.parametrize("status", [200, 401, 503])
def test_the_key_goes_with_the_run_and_does_not_wait_for_the_garbage_collector(
    material: CredentialMaterial, mutual: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    made: list[weakref.ref[ssl.SSLContext]] = []
    new_context = client.new_context

    def remember() -> ssl.SSLContext:
        context = new_context()
        made.append(weakref.ref(context))
        return context

    monkeypatch.setattr(client, "new_context", remember)
    gc.disable()
    try:
        with serving(over_tls(mutual, answering(status, FLEETS if status == 200 else b""))) as server:
            climb(material, target_of(server))
        assert [context() for context in made] == [None]
    finally:
        gc.enable()


def test_a_chain_sent_with_the_certificate_reaches_the_server(
    ca: trustme.CA, server_certificate: trustme.LeafCert
) -> None:
    intermediate = ca.create_child_ca(key_type=trustme.KeyType.RSA)
    leaf = mint(intermediate)
    assert chain_pem(leaf).count(b"BEGIN CERTIFICATE") == 2
    with serving(over_tls(context_of(server_certificate, ca), answering(200, FLEETS))) as server:
        assert run(material_of(leaf, ca), target_of(server)).result == Result.PASSED
