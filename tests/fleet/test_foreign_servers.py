"""Servers that nobody here wrote, set up wrong in each of these ways: haproxy, and a server of the JDK.

One process of each has a port for every set-up. What the ladder says is as near to the cause as what the server says.
"""

import dataclasses
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.messages import words
from onboarding.fleet.target import CredentialMaterial, Target
from tests.fleet.climbing import climb, failure, run
from tests.fleet.conftest import FLEETS, chain_pem, material_of, mint
from tests.fleet.test_real_servers import pem_of, revocation_list
from tests.ports import free_ports
from tests.programs import START_LIMIT, require

TODAY = datetime.now(UTC)
_EXPIRED = TODAY - timedelta(days=5)
CLIENT, LOGIN, ANSWER = Rung.CLIENT_CERTIFICATE, Rung.AUTHENTICATION, Rung.ANSWER
TLS = Rung.SERVER_TLS


@dataclasses.dataclass(frozen=True)
class Case:
    """A set-up, in the server's own words; who comes; and where and how the ladder has to end, None: passed."""

    server: str
    client: str
    rung: Rung | None
    code: str
    then: str = ""
    turn: Turn | None = None


def of_each_version(cases: Mapping[str, Case], older: str, newer: str) -> list[tuple[str, str]]:
    """Return the names of cases with each version; what comes after TLS is the same for both."""
    both = [(name, newer) for name in cases]
    return both + [(name, older) for name, case in cases.items() if case.rung not in (ANSWER, LOGIN)]


@pytest.fixture(scope="module")
def clients(ca: trustme.CA, other_ca: trustme.CA) -> dict[str, CredentialMaterial]:
    """Those who come, each with one thing wrong but the first."""
    return {
        "good": material_of(mint(ca), ca),
        "stranger": dataclasses.replace(
            material_of(mint(other_ca), other_ca), ca_pem=other_ca.cert_pem.bytes() + ca.cert_pem.bytes()
        ),
        "expired": material_of(mint(ca, not_after=_EXPIRED), ca),
        "revoked": material_of(mint(ca), ca),
        "intermediate": material_of(mint(ca.create_child_ca()), ca),
    }


def find_out(case: Case, url: str, clients: dict[str, CredentialMaterial]) -> Check | None:
    """Climb, and return what failed, if anything did."""
    material, target = clients[case.client], Target(f"{url}/connectedcar/v3")
    if case.client == "expired":  # the portal's clock is wrong: otherwise it would have said so itself
        report = climb(material, target, now=_EXPIRED - timedelta(days=60))
    else:
        report = run(material, target)
    return None if report.result == Result.PASSED else failure(report)


def assert_found(case: Case, check: Check | None) -> None:
    found = (None, "") if check is None else (check.rung, check.code)
    assert found == (case.rung, case.code), check
    assert check is None or case.turn in (None, check.turn)


def write_authorities(folder: Path, ca: trustme.CA, other_ca: trustme.CA, revoked: trustme.LeafCert | None) -> None:
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    other_ca.cert_pem.write_to_path(str(folder / "other.pem"))
    (folder / "list.pem").write_bytes(revocation_list(ca, revoked))
    (folder / "expired_list.pem").write_bytes(revocation_list(ca, None, expired=True))
    (folder / "other_list.pem").write_bytes(revocation_list(other_ca, None))


def leaf_of(material: CredentialMaterial) -> trustme.LeafCert:
    """Return the certificate of a set, for the revocation list."""
    return trustme.LeafCert(b"", material.certificate_pem, [])


@contextmanager
def process(command: list[str], folder: Path, is_ready: Callable[[bytes], bool]) -> Iterator[None]:
    """Run a server until the block ends; enter the block once it is ready, told by what it has said so far."""
    log = folder / "log"
    with log.open("wb") as output:
        started = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_LIMIT
        while not is_ready(log.read_bytes()):
            assert started.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield
    finally:
        started.kill()
        started.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# haproxy

VERIFY = "ca-file ca.pem verify required"
HAPROXY = {
    "as it should be": Case(VERIFY, "good", None, ""),
    "with an intermediate": Case(VERIFY, "intermediate", None, ""),
    "without tickets": Case(f"{VERIFY} no-tls-tickets", "good", None, ""),
    "another's certificate": Case(VERIFY, "stranger", CLIENT, "client_ca_unknown", turn=Turn.PARTNER),
    "an optional certificate": Case("ca-file ca.pem verify optional", "stranger", CLIENT, "client_ca_unknown"),
    "an expired certificate": Case(VERIFY, "expired", CLIENT, "client_certificate_expired"),
    "a revoked certificate": Case(f"{VERIFY} crl-file list.pem", "revoked", CLIENT, "client_certificate_revoked"),
    "an expired list": Case(f"{VERIFY} crl-file expired_list.pem", "good", CLIENT, "client_certificate_expired"),
    "another CA's list": Case(
        f"{VERIFY} crl-file other_list.pem", "good", CLIENT, "client_chain_unverified", turn=Turn.MAKER
    ),
    "a CA of the same name": Case(
        "ca-file namesake.pem verify required", "good", CLIENT, "client_chain_unverified", turn=Turn.MAKER
    ),
    "errors ignored, then refused": Case(
        f"{VERIFY} ca-ignore-err all crt-ignore-err all", "stranger", ANSWER, "forbidden_page",
        then="http-request deny deny_status 403 unless { ssl_c_verify 0 }",
    ),
    "its certificate for another name": Case("CERTIFICATE elsewhere.pem", "good", TLS, "server_wrong_name"),
    "its certificate of another CA": Case("CERTIFICATE foreign.pem", "good", TLS, "server_chain_incomplete"),
    "its certificate of the CA's namesake": Case(
        "CERTIFICATE namesake_server.pem", "good", TLS, "server_ca_namesake", turn=Turn.PARTNER
    ),
    "no cipher in common": Case("ciphers AES128-SHA ciphersuites TLS_AES_128_CCM_8_SHA256", "good", TLS,
                                "no_common_cipher"),
    "no curve in common": Case("curves brainpoolP256r1", "good", TLS, "no_common_cipher"),
    "another protocol expected": Case(f"{VERIFY} accept-proxy", "good", TLS, "reset_in_handshake", turn=Turn.NETWORK),
    "the request rejected": Case(VERIFY, "good", CLIENT, "closed_without_reason", then="http-request reject"),
    "held in a pit": Case(VERIFY, "good", ANSWER, "rate_limited",
                          then="timeout tarpit 50ms\n http-request tarpit deny_status 429"),
    "no server behind": Case(VERIFY, "good", ANSWER, "unavailable", then="default_backend nobody"),
    "TLS wanted behind": Case(VERIFY, "good", ANSWER, "bad_gateway", then="default_backend itself"),
    "a login wanted": Case(VERIFY, "good", LOGIN, "login_refused", then="http-request auth"),
    "misdirected": Case(VERIFY, "good", ANSWER, "misdirected", turn=Turn.OPERATOR,
                        then="http-request return status 421 content-type text/plain string x"),
    "a captive network": Case(VERIFY, "good", ANSWER, "network_wants_login", turn=Turn.OPERATOR,
                              then="http-request return status 511 content-type text/plain string x"),
}  # fmt: skip
_HAPROXY = """
global
 maxconn 100
defaults
 mode http
 timeout connect 1s
 timeout client 5s
 timeout server 5s
{frontends}
backend nobody
backend itself
 server itself 127.0.0.1:{first}
"""


@pytest.fixture(scope="module")
def haproxy(
    tmp_path_factory: pytest.TempPathFactory,
    ca: trustme.CA,
    other_ca: trustme.CA,
    server_certificate: trustme.LeafCert,
    clients: dict[str, CredentialMaterial],
) -> Iterator[dict[str, str]]:
    """One haproxy with a port for each set-up under each version; the URLs by both."""
    folder = tmp_path_factory.mktemp("haproxy")
    write_authorities(folder, ca, other_ca, leaf_of(clients["revoked"]))
    namesake = namesake_of(ca)
    namesake.cert_pem.write_to_path(str(folder / "namesake.pem"))
    for name, certificate in {
        "server": server_certificate,
        "elsewhere": ca.issue_cert("elsewhere.example"),
        "foreign": other_ca.issue_cert("localhost"),
        "namesake_server": namesake.issue_cert("localhost"),
    }.items():
        (folder / f"{name}.pem").write_bytes(pem_of(certificate))
    (folder / "fleets.json").write_text(json.dumps(FLEETS))
    names = [f"{name} {version}" for name, version in of_each_version(HAPROXY, "tlsv12", "tlsv13")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    frontends = [
        frontend(HAPROXY[name.rpartition(" ")[0]], port, name.rpartition(" ")[2]) for name, port in ports.items()
    ]
    text = _HAPROXY.format(frontends="\n".join(frontends), first=min(ports.values()))
    (folder / "haproxy.cfg").write_text(text)
    command = [require("haproxy"), "-f", "haproxy.cfg", "-db"]
    with process(command, folder, lambda _said: listens(max(ports.values()))):
        yield {name: f"https://localhost:{port}" for name, port in ports.items()}


def frontend(case: Case, port: int, version: str) -> str:
    shown = case.server.replace("CERTIFICATE", "crt")
    if shown == case.server:
        shown = f"crt server.pem {shown}"
    rule = case.then or "http-request return status 200 content-type application/json file fleets.json"
    return f"frontend at{port}\n bind 127.0.0.1:{port} ssl {shown} force-{version}\n {rule}"


def namesake_of(ca: trustme.CA) -> trustme.CA:
    """Return a CA with the name of another, and a key of its own."""
    name = x509.load_pem_x509_certificate(ca.cert_pem.bytes()).subject
    (organisation, unit) = (name.get_attributes_for_oid(oid)[0].value for oid in (
        x509.NameOID.ORGANIZATION_NAME, x509.NameOID.ORGANIZATIONAL_UNIT_NAME))  # fmt: skip
    made = trustme.CA(organization_name=str(organisation), organization_unit_name=str(unit))
    assert x509.load_pem_x509_certificate(made.cert_pem.bytes()).subject == name
    return made


@pytest.mark.needs("haproxy")
@pytest.mark.parametrize(("name", "version"), of_each_version(HAPROXY, "tlsv12", "tlsv13"))
def test_each_way_in_which_haproxy_can_be_set_up(
    haproxy: dict[str, str], clients: dict[str, CredentialMaterial], name: str, version: str
) -> None:
    assert_found(HAPROXY[name], find_out(HAPROXY[name], haproxy[f"{name} {version}"], clients))


@pytest.mark.needs("haproxy")
def test_the_names_that_a_certificate_is_for_are_shown_beside_the_one_that_was_called(
    haproxy: dict[str, str], clients: dict[str, CredentialMaterial]
) -> None:
    case = HAPROXY["its certificate for another name"]
    check = find_out(case, haproxy["its certificate for another name tlsv13"], clients)
    assert check
    assert (check.evidence["host"], check.evidence["server_names"]) == ("localhost", "elsewhere.example")


# The JDK

JAVA = {
    "as it should be": Case("socket good", "good", None, ""),
    "its web server": Case("https good", "good", None, ""),
    "asks for nothing": Case("socket asks_nothing", "good", None, ""),
    # It has one alert for all of these, and so the ladder does not claim to know more.
    "another's certificate": Case("socket good", "stranger", CLIENT, "client_certificate_unknown"),
    "an expired certificate": Case("socket good", "expired", CLIENT, "client_certificate_unknown"),
    "a revoked certificate": Case("socket revoked", "revoked", CLIENT, "client_certificate_unknown"),
    "another CA": Case("socket other_ca", "good", CLIENT, "client_certificate_unknown"),
    "rejects without a word": Case("socket rejects", "good", CLIENT, "client_certificate_unknown", turn=Turn.MAKER),
    "a bug in its check": Case("socket rejects_by_a_bug", "good", CLIENT, "client_handshake_broken", turn=Turn.MAKER),
    "no key": Case("socket no_key", "good", TLS, "no_common_cipher", turn=Turn.MAKER),
    "known by another name": Case("socket other_name", "good", TLS, "server_name_refused", turn=Turn.OPERATOR),
    "hangs up": Case("socket hangs_up", "good", CLIENT, "closed_without_reason", turn=Turn.MAKER),
    "breaks off": Case("socket breaks_off", "good", ANSWER, "answer_cut_off"),
}
# Its web server sends no alert at all.
SILENT = {
    "TLSv1.2": Case("https rejects", "good", CLIENT, "closed_at_offer"),
    "TLSv1.3": Case("https rejects", "good", CLIENT, "closed_without_reason"),
}


@pytest.fixture(scope="module")
def java(
    tmp_path_factory: pytest.TempPathFactory,
    ca: trustme.CA,
    other_ca: trustme.CA,
    server_certificate: trustme.LeafCert,
    clients: dict[str, CredentialMaterial],
) -> Iterator[dict[str, str]]:
    """One Java with a server for each set-up under each version; the URLs by both."""
    folder = tmp_path_factory.mktemp("java")
    write_authorities(folder, ca, other_ca, leaf_of(clients["revoked"]))
    chain = x509.load_pem_x509_certificates(chain_pem(server_certificate))
    key = load_pem_private_key(server_certificate.private_key_pem.bytes(), None)
    store = pkcs12.serialize_key_and_certificates(
        b"server",
        key,
        chain[0],
        chain[1:],
        BestAvailableEncryption(b"changeit"),  # type: ignore[arg-type]
    )
    (folder / "server.p12").write_bytes(store)
    (folder / "fleets.json").write_text(json.dumps(FLEETS))
    wanted = {case.server for case in (*JAVA.values(), *SILENT.values())}
    servers = sorted(f"{version} {server}" for server in wanted for version in SILENT)
    ports = dict(zip(servers, free_ports(len(servers)), strict=True))
    (folder / "servers").write_text("\n".join(f"{port} {server}" for server, port in ports.items()))
    source = Path(__file__).with_name("JavaServer.java")
    command = [require("java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", str(source), "servers", "fleets.json"]
    with process(command, folder, lambda said: b"READY" in said):
        yield {server: f"https://localhost:{port}" for server, port in ports.items()}


@pytest.mark.needs("javac")
@pytest.mark.parametrize(("name", "version"), of_each_version(JAVA, *SILENT))
def test_each_way_in_which_a_java_server_can_be_set_up(
    java: dict[str, str], clients: dict[str, CredentialMaterial], name: str, version: str
) -> None:
    assert_found(JAVA[name], find_out(JAVA[name], java[f"{version} {JAVA[name].server}"], clients))


@pytest.mark.needs("javac")
@pytest.mark.parametrize("version", SILENT)
def test_javas_web_server_refuses_without_an_alert_and_no_refusal_is_made_of_it(
    java: dict[str, str], clients: dict[str, CredentialMaterial], version: str
) -> None:
    case = SILENT[version]
    check = find_out(case, java[f"{version} {case.server}"], clients)
    assert_found(case, check)
    assert check
    assert "refused" not in words(check).title


@pytest.mark.needs("javac")
def test_where_java_gives_no_reason_the_list_of_its_cas_tells_a_stranger_why(
    java: dict[str, str], clients: dict[str, CredentialMaterial]
) -> None:
    case = JAVA["another's certificate"]
    check = find_out(case, java[f"TLSv1.3 {case.server}"], clients)
    assert check
    assert words(check).remedy.endswith("is not among them.")
