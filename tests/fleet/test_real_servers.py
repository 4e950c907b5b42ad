"""Servers that nobody here wrote, set up wrong in each of these ways: `openssl s_server` and nginx."""

import dataclasses
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from onboarding.fleet.checks import Result, Rung
from onboarding.fleet.diagnosis import Report
from onboarding.fleet.messages import words
from onboarding.fleet.target import CredentialMaterial, Target
from tests.fleet.climbing import by_rung, climb, failure, run
from tests.fleet.conftest import FLEETS, chain_pem, material_of, mint
from tests.ports import free_ports
from tests.programs import require

TODAY = datetime.now(UTC)
VERSIONS = pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])


def pem_of(leaf: trustme.LeafCert) -> bytes:
    """Return key and chain in one file."""
    return leaf.private_key_pem.bytes() + chain_pem(leaf)


# openssl s_server


StartServer = Callable[..., str]


@pytest.fixture
def s_server(server_certificate: trustme.LeafCert, ca: trustme.CA, tmp_path: Path) -> Iterator[StartServer]:
    """Start `openssl s_server` with further arguments, on a free port, and return its URL."""
    program = require("openssl")
    (tmp_path / "server.pem").write_bytes(pem_of(server_certificate))
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, certificate: bytes = b"") -> str:
        if certificate:
            (tmp_path / "server.pem").write_bytes(certificate)
            _, *others = x509.load_pem_x509_certificates(certificate)
            if others:
                chain = b"".join(one.public_bytes(Encoding.PEM) for one in others)
                (tmp_path / "chain.pem").write_bytes(chain)
                arguments = (*arguments, "-cert_chain", "chain.pem")
        process = subprocess.Popen(
            [program, "s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-CAfile", "ca.pem", "-www",
             *arguments],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        started.append(process)
        assert process.stdout
        for line in process.stdout:
            if line.startswith(b"ACCEPT "):
                return f"https://localhost:{int(line.rsplit(b':', 1)[1])}"
        raise AssertionError("openssl s_server did not start")

    yield start
    for process in started:
        process.kill()
        process.communicate()


ASK = ("-Verify", "2", "-verify_return_error")


@pytest.mark.needs("openssl")
@VERSIONS
def test_openssl_lets_the_right_certificate_in_and_names_whose_it_takes(
    s_server: StartServer, material: CredentialMaterial, version: str
) -> None:
    report = run(material, Target(s_server(*ASK, version)))
    checks = by_rung(report)
    assert checks[Rung.CLIENT_CERTIFICATE].code == "client_certificate_accepted"
    assert "OU=Testing CA" in str(checks[Rung.CLIENT_CERTIFICATE].evidence["accepted_issuers"])
    assert (failure(report).rung, failure(report).code) == (Rung.ANSWER, "html_answer")  # s_server's own page


@pytest.mark.needs("openssl")
@VERSIONS
def test_openssl_refuses_a_strangers_certificate_by_name(
    s_server: StartServer, ca: trustme.CA, other_ca: trustme.CA, stranger: trustme.LeafCert, version: str
) -> None:
    trusting_both = dataclasses.replace(
        material_of(stranger, other_ca), ca_pem=other_ca.cert_pem.bytes() + ca.cert_pem.bytes()
    )
    check = failure(run(trusting_both, Target(s_server(*ASK, version))))
    assert (check.rung, check.code) == (Rung.CLIENT_CERTIFICATE, "client_ca_unknown")
    assert check.evidence["issuer_named"] == "no"
    assert words(check).remedy.endswith("is not among them.")


@pytest.mark.needs("openssl")
@VERSIONS
def test_openssl_refuses_an_expired_certificate_by_name(s_server: StartServer, ca: trustme.CA, version: str) -> None:
    """The portal's clock is wrong: otherwise it would have said so itself."""
    leaf = mint(ca, not_after=TODAY - timedelta(days=5))
    url = s_server(*ASK, version)
    check = failure(climb(material_of(leaf, ca), Target(url), now=TODAY - timedelta(days=60)))
    assert (check.rung, check.code) == (Rung.CLIENT_CERTIFICATE, "client_certificate_expired")


@pytest.mark.needs("openssl")
@VERSIONS
def test_openssl_refuses_a_revoked_certificate_by_name(
    s_server: StartServer, ca: trustme.CA, client_certificate: trustme.LeafCert, tmp_path: Path, version: str
) -> None:
    (tmp_path / "list.pem").write_bytes(revocation_list(ca, client_certificate))
    check = failure(
        run(material_of(client_certificate, ca), Target(s_server(*ASK, version, "-CRL", "list.pem", "-crl_check")))
    )
    assert (check.rung, check.code) == (Rung.CLIENT_CERTIFICATE, "client_certificate_revoked")
    assert check.evidence["issuer_named"] == "yes"


@pytest.mark.needs("openssl")
@VERSIONS
def test_openssl_with_an_expired_revocation_list_says_expired_of_the_certificate(
    s_server: StartServer, ca: trustme.CA, client_certificate: trustme.LeafCert, tmp_path: Path, version: str
) -> None:
    (tmp_path / "list.pem").write_bytes(revocation_list(ca, None, expired=True))
    check = failure(
        run(material_of(client_certificate, ca), Target(s_server(*ASK, version, "-CRL", "list.pem", "-crl_check")))
    )
    assert check.code == "client_certificate_expired"
    assert "revocation list may have expired" in words(check).remedy


def revocation_list(ca: trustme.CA, revoked: trustme.LeafCert | None, expired: bool = False) -> bytes:
    issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(TODAY - timedelta(days=2))
        .next_update(TODAY + timedelta(days=-1 if expired else 1))
    )
    if revoked:
        leaf = x509.load_pem_x509_certificate(revoked.cert_chain_pems[0].bytes())
        entry = x509.RevokedCertificateBuilder().serial_number(leaf.serial_number).revocation_date(TODAY).build()
        builder = builder.add_revoked_certificate(entry)
    key = load_pem_private_key(ca.private_key_pem.bytes(), None)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)  # type: ignore[arg-type]


@pytest.mark.needs("openssl")
@VERSIONS
def test_where_no_signature_is_good_enough_for_the_server_no_certificate_is_sent(
    s_server: StartServer, material: CredentialMaterial, version: str
) -> None:
    check = failure(run(material, Target(s_server(*ASK, version, "-client_sigalgs", "ECDSA+SHA256"))))
    assert (check.rung, check.code) == (Rung.CLIENT_CERTIFICATE, "client_certificate_not_sent")
    assert (check.evidence["requested"], check.evidence["sent"]) == ("yes", "no")


@pytest.mark.needs("openssl")
def test_a_server_that_asks_for_no_certificate_is_a_warning_beside_what_fails(
    s_server: StartServer, material: CredentialMaterial
) -> None:
    check = by_rung(run(material, Target(s_server())))[Rung.CLIENT_CERTIFICATE]
    assert (check.code, check.result) == ("client_certificate_not_requested", Result.WARNING)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-tls1_2", "-cipher", "AES128-SHA"), "no_common_cipher"),
        (("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), "tls_version_mismatch"),
        (("-servername", "other.example", "-servername_fatal", "-cert2", "server.pem"), "server_name_refused"),
    ],
    ids=["ciphers", "versions", "name"],
)
def test_what_openssl_does_not_agree_to_is_told_apart(
    s_server: StartServer, material: CredentialMaterial, arguments: tuple[str, ...], code: str
) -> None:
    check = failure(run(material, Target(s_server(*arguments))))
    assert (check.rung, check.code) == (Rung.SERVER_TLS, code)


def expired(ca: trustme.CA) -> bytes:
    return pem_of(ca.issue_cert("localhost", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=TODAY))


def not_yet_valid(ca: trustme.CA) -> bytes:
    return pem_of(ca.issue_cert("localhost", not_before=TODAY + timedelta(days=2)))


def wrong_name(ca: trustme.CA) -> bytes:
    return pem_of(ca.issue_cert("elsewhere.example"))


def without_intermediate(ca: trustme.CA) -> bytes:
    leaf = ca.create_child_ca().issue_cert("localhost")
    return leaf.private_key_pem.bytes() + leaf.cert_chain_pems[0].bytes()


def with_intermediate(ca: trustme.CA) -> bytes:
    return pem_of(ca.create_child_ca().issue_cert("localhost"))


def of_another_ca(_: trustme.CA) -> bytes:
    return pem_of(trustme.CA().issue_cert("localhost"))


def of_another_ca_with_its_root(_: trustme.CA) -> bytes:
    other = trustme.CA()
    return pem_of(other.issue_cert("localhost")) + other.cert_pem.bytes()


def of_another_ca_through_an_intermediate(_: trustme.CA) -> bytes:
    return pem_of(trustme.CA().create_child_ca().issue_cert("localhost"))


def self_signed(_: trustme.CA) -> bytes:
    program, folder = require("openssl"), Path(os.environ["SELF_SIGNED"])
    subprocess.run(
        [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", "self.key", "-out", "self.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return (folder / "self.key").read_bytes() + (folder / "self.pem").read_bytes()


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        (expired, "server_expired"),
        (not_yet_valid, "server_not_yet_valid"),
        (wrong_name, "server_wrong_name"),
        (without_intermediate, "server_chain_incomplete"),
        (of_another_ca, "server_chain_incomplete"),
        (of_another_ca_with_its_root, "server_unknown_root"),
        (of_another_ca_through_an_intermediate, "server_unknown_ca"),
        (self_signed, "server_self_signed"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_wrong_certificate_of_a_server_is_named_with_whose_it_is(
    s_server: StartServer,
    material: CredentialMaterial,
    ca: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Callable[[trustme.CA], bytes],
    code: str,
) -> None:
    monkeypatch.setenv("SELF_SIGNED", str(tmp_path))
    made = certificate(ca)
    check = failure(run(material, Target(s_server(certificate=made))))
    assert (check.rung, check.code) == (Rung.SERVER_TLS, code)
    leaf = x509.load_pem_x509_certificates(made)[0]
    assert check.evidence["server_not_valid_after"] == leaf.not_valid_after_utc.isoformat()


@pytest.mark.needs("openssl")
def test_a_server_that_sends_its_intermediate_is_trusted(
    s_server: StartServer, material: CredentialMaterial, ca: trustme.CA
) -> None:
    made = with_intermediate(ca)
    report = run(material, Target(s_server(certificate=made)))
    assert by_rung(report)[Rung.SERVER_TLS].code == "server_trusted"


# nginx

_HTTP = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log; {user}
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi; uwsgi_temp_path uwsgi;
    scgi_temp_path scgi; default_type application/json;
    ssl_certificate server.pem; ssl_certificate_key server.pem; ssl_client_certificate ca.pem;
    {servers}
}}
"""
FLEETS_JSON = json.dumps(FLEETS)
# What the server block of each set-up says, and what is found then.
NGINX = {
    "good": ("ssl_verify_client on;", f"return 200 '{FLEETS_JSON}';", None, None),
    "asks for nothing": ("", f"return 200 '{FLEETS_JSON}';", None, None),
    "another CA": ("ssl_verify_client on; ssl_client_certificate other.pem;", "return 200 x;",
                   Rung.CLIENT_CERTIFICATE, "client_certificate_refused_http"),
    "revocation list expired": ("ssl_verify_client on; ssl_crl list.pem;", "return 200 x;",
                                Rung.CLIENT_CERTIFICATE, "client_certificate_refused_http"),
    "no handshake": ("ssl_reject_handshake on;", "return 200 x;", Rung.SERVER_TLS, "server_name_refused"),
    "gateway dead": ("ssl_verify_client on;", "proxy_pass http://127.0.0.1:9;", Rung.ANSWER, "bad_gateway"),
    "busy": ("ssl_verify_client on;", "add_header Retry-After 90 always; return 429;", Rung.ANSWER, "rate_limited"),
    "down": ("ssl_verify_client on;", "return 503;", Rung.ANSWER, "unavailable"),
    "slow gateway": ("ssl_verify_client on;", "return 504;", Rung.ANSWER, "gateway_timeout"),
    "elsewhere": ("ssl_verify_client on;", "return 302 https://login.example/;", Rung.ANSWER, "redirected"),
    "nothing there": ("ssl_verify_client on;", "return 404;", Rung.ANSWER, "wrong_address"),
    "firewall": ("ssl_verify_client on;", "return 403;", Rung.ANSWER, "forbidden_page"),
    "login": ("ssl_verify_client on;", "return 401;", Rung.AUTHENTICATION, "login_refused"),
    "hangs up": ("ssl_verify_client on;", "return 444;", Rung.CLIENT_CERTIFICATE, "closed_without_reason"),
    "web page": ("ssl_verify_client on;", "default_type text/html; return 200 '<html>';", Rung.ANSWER, "html_answer"),
    "empty": ("ssl_verify_client on;", "return 200;", Rung.ANSWER, "empty_answer"),
}  # fmt: skip


@pytest.fixture(scope="module")
def nginx(
    tmp_path_factory: pytest.TempPathFactory, server_certificate: trustme.LeafCert, ca: trustme.CA, other_ca: trustme.CA
) -> Iterator[dict[str, str]]:
    """One nginx with a port for each set-up, and one that speaks no TLS; the URLs by name."""
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "server.pem").write_bytes(pem_of(server_certificate))
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    other_ca.cert_pem.write_to_path(str(folder / "other.pem"))
    (folder / "list.pem").write_bytes(revocation_list(ca, None, expired=True))
    names = [*NGINX, "plain"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    blocks = [
        f"server {{ listen 127.0.0.1:{ports[name]} ssl; {tls} location / {{ {answer} }} }}"
        for name, (tls, answer, _, _) in NGINX.items()
    ]
    blocks.append(f"server {{ listen 127.0.0.1:{ports['plain']}; return 200 x; }}")
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_HTTP.format(servers="\n    ".join(blocks), user=user))
    process = subprocess.Popen(
        [require("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", ports["plain"])).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "error.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield {name: f"https://localhost:{port}/connectedcar/v3" for name, port in ports.items()}
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("name", [name for name, row in NGINX.items() if row[3]])
def test_each_way_in_which_nginx_can_be_set_up_wrong_is_named(
    nginx: dict[str, str], material: CredentialMaterial, name: str
) -> None:
    check = failure(run(material, Target(nginx[name])))
    assert (check.rung, check.code) == NGINX[name][2:]


@pytest.mark.needs("nginx")
def test_an_nginx_that_is_set_up_right_passes(nginx: dict[str, str], material: CredentialMaterial) -> None:
    report: Report = run(material, Target(nginx["good"]))
    assert (report.result, report.facts["fleets"]) == (Result.PASSED, 2)
    assert by_rung(report)[Rung.CLOCK].code == "clocks_agree"


@pytest.mark.needs("nginx")
def test_an_nginx_that_asks_for_nothing_is_a_warning(nginx: dict[str, str], material: CredentialMaterial) -> None:
    report = run(material, Target(nginx["asks for nothing"]))
    assert report.result == Result.PASSED
    assert by_rung(report)[Rung.CLIENT_CERTIFICATE].code == "client_certificate_not_requested"


@pytest.mark.needs("nginx")
def test_an_nginx_without_tls_is_found(nginx: dict[str, str], material: CredentialMaterial) -> None:
    check = failure(run(material, Target(nginx["plain"])))
    assert (check.rung, check.code) == (Rung.SERVER_TLS, "not_tls")


@pytest.mark.needs("nginx")
def test_how_long_nginx_asks_to_wait_is_told(nginx: dict[str, str], material: CredentialMaterial) -> None:
    assert failure(run(material, Target(nginx["busy"]))).evidence["retry_after"] == 90
