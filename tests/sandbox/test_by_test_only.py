"""What no sandbox can play, made with what stands in for its cause."""

import errno
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from onboarding.fleet import client
from onboarding.fleet.checks import Result
from onboarding.fleet.diagnosis import diagnose
from onboarding.fleet.faults import classify, classify_response
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.fleet.trace import Stage
from onboarding.pki.keys import encrypt_key
from onboarding.rehearsals import BY_TEST_ONLY, NO_LISTS, OWN_FILES, RESOLVER
from tests.fleet.conftest import PASSPHRASE, encrypted, material_of, mint
from tests.sandbox.test_rehearsals import ONCE

NOW, DAY = datetime.now(UTC), timedelta(days=1)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def leaf(ca: trustme.CA) -> trustme.LeafCert:
    return mint(ca)


@pytest.fixture
def material(leaf: trustme.LeafCert, ca: trustme.CA) -> CredentialMaterial:
    return material_of(leaf, ca)


def told(material: CredentialMaterial, host: str = "localhost") -> str:
    """Return how a run ends; it finds nobody to call."""
    target = Target(f"https://{host}:1/connectedcar/v3")
    report = diagnose(material, target, checks=PortalChecks, now=NOW, deadline=0.3, policy=ONCE)
    return next(check.code for check in report.checks if check.result == Result.FAILED)


def told_of_loading(certificate: bytes, key: bytes) -> str:
    with pytest.raises(ssl.SSLError) as caught:
        client.present(client.new_context(), certificate, key, PASSPHRASE)
    return classify(caught.value, Stage.LOAD).code


def told_of_server(trusting: ssl.SSLContext, shown: trustme.LeafCert) -> str:
    """Shake hands in memory; return what the client says of the server."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.configure_cert(server)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = trusting.wrap_bio(to_client, to_server, server_hostname="localhost")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        ours.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        theirs.do_handshake()
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        ours.do_handshake()
    return classify(caught.value, Stage.TLS).code


def checking_revocation(ca: trustme.CA, folder: Path, *revoked: trustme.LeafCert) -> ssl.SSLContext:
    """Return a context that looks for a revocation list; there is one if there is something to revoke."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    ca.configure_trust(context)
    issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    builder = x509.CertificateRevocationListBuilder(issuer.subject, NOW - DAY, NOW + DAY)
    for one in revoked:
        serial = x509.load_pem_x509_certificate(one.cert_chain_pems[0].bytes()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY).build()
        builder = builder.add_revoked_certificate(entry)
    if revoked:
        crl = builder.sign(load_pem_private_key(ca.private_key_pem.bytes(), None), SHA256())  # type: ignore[arg-type]
        (folder / "crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
        context.load_verify_locations(folder / "crl.pem")
    return context


def test_the_sets_own_files(ca: trustme.CA, leaf: trustme.LeafCert, material: CredentialMaterial) -> None:
    other = mint(ca)
    short = rsa.generate_private_key(65537, 1024)
    issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    weak = (
        x509.CertificateBuilder(issuer.subject, issuer.subject, short.public_key(), 1, NOW - DAY, NOW + DAY)
        .sign(load_pem_private_key(ca.private_key_pem.bytes(), None), SHA256())  # type: ignore[arg-type]
        .public_bytes(Encoding.PEM)
    )
    elliptic = ca.issue_cert("partner.example").cert_chain_pems[0].bytes()
    found = {
        "key_mismatch": told(replace(material, key_pem=encrypted(other))),
        "key_too_small": told(replace(material, certificate_pem=weak, key_pem=encrypt_key(short, PASSPHRASE))),
        "key_type_mismatch": told_of_loading(elliptic, encrypted(leaf)),
        "credential_unreadable": told_of_loading(b"no certificate", encrypted(leaf)),
        "ca_is_intermediate": told_of_server(*_of_an_intermediate(ca)),
    }
    assert found == {code: code for code, why in BY_TEST_ONLY.items() if why == OWN_FILES}


def _of_an_intermediate(ca: trustme.CA) -> tuple[ssl.SSLContext, trustme.LeafCert]:
    intermediate = ca.create_child_ca()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=intermediate.cert_pem.bytes().decode("ascii"))
    return context, intermediate.issue_cert("localhost")


def test_the_name_server(material: CredentialMaterial, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(number: int) -> Callable[..., object]:
        def ask(*_args: object, **_options: object) -> object:
            raise socket.gaierror(number, "made up")

        return ask

    resolvers: Mapping[str, Callable[..., object]] = {
        "name_without_address": failing(socket.EAI_NODATA),
        "resolver_failing": failing(socket.EAI_AGAIN),
        "resolver_failed": failing(socket.EAI_FAIL),
        "resolver_timeout": lambda *_args, **_options: time.sleep(0.6),
    }
    found = {}
    for code, resolver in resolvers.items():
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        found[code] = told(material, "api.example")
    assert found == {code: code for code, why in BY_TEST_ONLY.items() if why == RESOLVER}


def test_a_reset_while_connecting(material: CredentialMaterial, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise ConnectionResetError(errno.ECONNRESET, "made up")

    monkeypatch.setattr(client._TcpSocket, "connect", refuse)
    assert told(material) == "reset_at_connect"


def test_revocation_lists(ca: trustme.CA, tmp_path: Path) -> None:
    shown = ca.issue_cert("localhost")
    found = {
        "server_revoked": told_of_server(checking_revocation(ca, tmp_path, shown), shown),
        "server_crl_missing": told_of_server(checking_revocation(ca, tmp_path), shown),
    }
    assert found == {code: code for code, why in BY_TEST_ONLY.items() if why == NO_LISTS}


def test_a_server_that_names_the_ca_of_a_certificate_that_it_does_not_know() -> None:
    error = ssl.SSLError(1, "made up")
    error.reason = "TLSV1_ALERT_UNKNOWN_CA"
    assert classify(error, Stage.OFFER, hints=["named"]).code == "client_chain_unverified"


def test_the_good_answer_of_the_token_endpoint() -> None:
    fault = classify_response(400, {}, b'{"error": "invalid_grant"}')
    assert fault is not None
    assert fault.code == "invalid_grant"


def test_each_of_them_is_made_here() -> None:
    alone = {"reset_at_connect", "client_chain_unverified", "invalid_grant"}
    assert set(BY_TEST_ONLY) == alone | {
        code for code, why in BY_TEST_ONLY.items() if why in (OWN_FILES, RESOLVER, NO_LISTS)
    }
