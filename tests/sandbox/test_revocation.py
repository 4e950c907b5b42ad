"""What is revoked is refused in the handshake, from the next connection on and without a new start."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from onboarding.pki import keys
from onboarding.pki.csr import build_csr
from onboarding.pki.embedded_ca import make_ca, sign_client
from onboarding.pki.revocation import Revoked, sign_list
from onboarding.sandbox import server, token
from onboarding.sandbox.tls import Authority, Contexts, RevokedList
from tests.sandbox.doubles import MemoryRegistry

NOW = datetime.now(UTC)


class Lists:
    """The CA's lists: the newest counts."""

    def __init__(self, ca: x509.Certificate, ca_key: RSAPrivateKey) -> None:
        self.ca, self.ca_key = ca, ca_key
        self.newest: RevokedList | None = None

    def publish(self, *serials: int, until: timedelta = timedelta(days=7)) -> None:
        number = self.newest.number + 1 if self.newest else 1
        signed = sign_list(
            [Revoked(serial, NOW, "keyCompromise") for serial in serials],
            ca=self.ca,
            ca_key=self.ca_key,
            number=number,
            now=NOW,
            next_update=NOW + until,
        )
        self.newest = RevokedList(number, signed.public_bytes(Encoding.PEM))

    def since(self, known: int) -> RevokedList | None:
        return self.newest if self.newest and self.newest.number > known else None


@pytest.fixture(scope="module")
def authority() -> Authority:
    key = keys.generate_rsa_key(2048)
    return Authority(make_ca(key, "Sandbox CA", NOW), key)


@pytest.fixture
def lists(authority: Authority) -> Lists:
    return Lists(authority.certificate, authority.key)


@pytest.fixture
def client(authority: Authority, tmp_path) -> tuple[ssl.SSLContext, int]:
    """A client's context, and the serial number of its certificate."""
    key = keys.generate_rsa_key(2048)
    csr = x509.load_pem_x509_csr(build_csr(key, {"CN": "MZP128745"}))
    certificate = sign_client(csr, ca=authority.certificate, ca_key=authority.key, now=NOW)
    file = trustme.Blob(certificate.public_bytes(Encoding.PEM) + keys.encrypt_key(key, b"x"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.certificate.public_bytes(Encoding.PEM).decode())
    with file.tempfile(str(tmp_path)) as path:
        context.load_cert_chain(path, password="x")
    return context, certificate.serial_number


async def refusal(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> str:
    """Call once; return the alert's name, or nothing if there was an answer."""

    def call() -> str:
        with socket.create_connection(("localhost", port), timeout=5) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                    secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    assert secure.recv(12) == b"HTTP/1.1 200"
                    call.session = secure.session  # type: ignore[attr-defined]
                    return ""
            except ssl.SSLError as error:
                return error.reason or ""

    found = await asyncio.to_thread(call)
    refusal.session = getattr(call, "session", None)  # type: ignore[attr-defined]
    return found


def running(contexts: Contexts):
    def answer(request):
        return token.answer(request, MemoryRegistry(), NOW)

    return server.listening(
        bind="127.0.0.1",
        ports=server.Ports(0, 0),
        contexts=contexts,
        answer_api=answer,
        answer_token=answer,
        clock=lambda: NOW,
    )


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_certificate_that_is_revoked_meanwhile_is_refused_without_a_new_start(
    authority: Authority, lists: Lists, client, monkeypatch, version
):
    """Neither a new handshake nor a session from before gets it in; and it is told why."""
    monkeypatch.setattr(server, "LIST_CHECK_SECONDS", 0.02)
    context, serial = client
    context.maximum_version = ssl.TLSVersion[version]
    lists.publish(serial + 1)

    async def scenario() -> tuple[list[str], str]:
        contexts = Contexts(lambda: authority, ["localhost"], NOW, lists.since)
        async with running(contexts) as ports:
            before = await refusal(ports.api, context)
            session = refusal.session  # type: ignore[attr-defined]
            lists.publish(serial)
            async with asyncio.timeout(10):
                while (after := await refusal(ports.api, context)) == "":
                    await asyncio.sleep(0.02)
            return [before, after], await refusal(ports.api, context, session)

    (before, after), resumed = asyncio.run(scenario())
    assert before == ""
    assert after.endswith("CERTIFICATE_REVOKED")
    assert resumed.endswith("CERTIFICATE_REVOKED")


def test_the_others_are_let_in_and_what_was_taken_off_the_list_again_too(authority: Authority, lists: Lists, client):
    context, serial = client
    lists.publish(serial)
    contexts = Contexts(lambda: authority, ["localhost"], NOW, lists.since)

    async def scenario() -> list[str]:
        async with running(contexts) as ports:
            refused = await refusal(ports.api, context)
            lists.publish()
            contexts.honour(contexts.newer_list())
            return [refused[-7:], await refusal(ports.api, context)]

    assert asyncio.run(scenario()) == ["REVOKED", ""]
    assert contexts.newer_list() is None


def test_a_list_that_has_ended_lets_nobody_in(authority: Authority, lists: Lists, client):
    """OpenSSL says that the certificate has expired; so the list has to be renewed long before."""
    context, _serial = client
    lists.publish(until=timedelta(minutes=-1))
    contexts = Contexts(lambda: authority, ["localhost"], NOW, lists.since)

    async def scenario() -> str:
        async with running(contexts) as ports:
            return await refusal(ports.api, context)

    assert asyncio.run(scenario()).endswith("CERTIFICATE_EXPIRED")
