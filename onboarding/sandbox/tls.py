"""The TLS side of the two listeners: contexts, the server's certificate, and whom a connection came from."""

import logging
import os
import secrets
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from onboarding.pki import embedded_ca, keys
from onboarding.sandbox.exchange import Peer

SERVER_CERTIFICATE_DAYS = 90
KEY_BITS = 2048
READS_AFTER_REFUSAL = 8

logger = logging.getLogger(__name__)

ATTRIBUTE_NAMES = {NameOID.EMAIL_ADDRESS: "emailAddress"}


@dataclass(frozen=True, slots=True)
class Authority:
    """The embedded CA: its certificate, and the key that signs the server's certificate."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


class TellingSSLObject(ssl.SSLObject):
    """Lets the client learn why it was refused.

    asyncio drops the connection when a handshake fails, and with it the alert that OpenSSL has just written.
    So the failure is reported as "more to read": then asyncio sends what is written. The client reads the
    alert and hangs up; who does not is dropped by the handshake's time limit, or after a few more reads.
    """

    _refusal: ssl.SSLError | None = None
    _reads = 0

    def do_handshake(self) -> None:
        """Shake hands. Raises ssl.SSLError, late if there is an alert to send."""
        if self._refusal is None:
            try:
                return super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                self._refusal = error
                logger.info("handshake refused", extra={"reason": error.reason})
        self._wait_for_the_client(self._refusal)

    def _wait_for_the_client(self, refusal: ssl.SSLError) -> NoReturn:
        self._reads += 1
        if self._reads > READS_AFTER_REFUSAL:
            raise refusal
        raise ssl.SSLWantReadError


class CurrentContext(ssl.SSLContext):
    """What a listener holds on to. Each connection that begins gets the context that counts then.

    So a list of revoked certificates counts from the next connection on, and no session from before it is resumed: a
    resumed session would not be checked.
    """

    current: ssl.SSLContext

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Return a connection of the context that counts now."""
        return self.current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


@dataclass(frozen=True, slots=True)
class RevokedList:
    """The CA's list of revoked certificates, as PEM."""

    number: int
    pem: bytes

    def load_into(self, context: ssl.SSLContext) -> None:
        """Refuse what is on the list; and everybody, once it has ended."""
        with _in_memory("revoked-certificates", self.pem) as path:
            context.load_verify_locations(cafile=path)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def no_list(_known: int) -> RevokedList | None:
    """Return that there is none."""
    return None


@dataclass(frozen=True, slots=True)
class Identity:
    """A server certificate with its encrypted key, as PEM. renew_at: when the last third of its life begins."""

    pem: bytes
    passphrase: bytes = field(repr=False)
    renew_at: datetime

    @classmethod
    def of(cls, key: rsa.RSAPrivateKey, certificates: bytes, renew_at: datetime) -> "Identity":
        """Return one of this key. certificates: PEM, the key's own first."""
        passphrase = secrets.token_hex(32).encode("ascii")
        return cls(certificates + keys.encrypt_key(key, passphrase), passphrase, renew_at)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Hand certificate and encrypted key to OpenSSL, which reads only files: through one in memory."""
        with _in_memory("server-certificate", self.pem) as path:
            context.load_cert_chain(path, password=self.passphrase)


class Contexts:
    """The contexts of both listeners, which present the same certificate of the embedded CA.

    hosts: names and IP addresses that the certificate is for.
    load_authority: opens the CA's key, which is not kept. It is called again for each renewal.
    load_list: returns the CA's list of revoked certificates, if there is a newer one than that of a number.
    """

    def __init__(
        self,
        load_authority: Callable[[], Authority],
        hosts: Sequence[str],
        now: datetime,
        load_list: Callable[[int], RevokedList | None] = no_list,
    ) -> None:
        self.load_authority = load_authority
        self.hosts = hosts
        self._load_list = load_list
        self._list = load_list(0)
        self._ca_pem = load_authority().certificate.public_bytes(Encoding.PEM).decode("ascii")
        self.token = _server_context()
        self.api = CurrentContext(ssl.PROTOCOL_TLS_SERVER)
        self.present(self.mint(now))

    def mint(self, now: datetime) -> Identity:
        """Make a server certificate that begins now. May be called in any thread."""
        authority = self.load_authority()
        key = keys.generate_rsa_key(KEY_BITS)
        certificate = embedded_ca.sign_server(
            key,
            self.hosts,
            ca=authority.certificate,
            ca_key=authority.key,
            now=now,
            days=SERVER_CERTIFICATE_DAYS,
        )
        renew_at = now + (certificate.not_valid_after_utc - now) * 2 / 3
        return Identity.of(key, certificate.public_bytes(Encoding.PEM), renew_at)

    def present(self, identity: Identity) -> None:
        """Present this certificate on connections that begin after this. In the listeners' thread only."""
        identity.load_into(self.token)
        self._identity = identity
        self._renew()

    def newer_list(self) -> RevokedList | None:
        """Return the list of revoked certificates, if there is a newer one. May be called in any thread."""
        return self._load_list(self._list.number if self._list else 0)

    def honour(self, revoked: RevokedList) -> None:
        """Refuse what is on this list from the next connection on. In the listeners' thread only."""
        self._list = revoked
        self._renew()

    def _renew(self) -> None:
        context = self._asking()
        self._identity.load_into(context)
        if self._list is not None:
            self._list.load_into(context)
        self.api.current = context

    def are_due(self, now: datetime) -> bool:
        """Whether it is time for a new certificate."""
        return now >= self._identity.renew_at

    def further(self, identity: Identity | None = None, *, ciphers: str = "") -> ssl.SSLContext:
        """Return a context like the API's, to be changed. identity, ciphers: others than the API's."""
        context = self._asking()
        if ciphers:
            context.set_ciphers(ciphers)
        (identity or self._identity).load_into(context)
        return context

    def _asking(self) -> ssl.SSLContext:
        context = _server_context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self._ca_pem)
        return context


@contextmanager
def _in_memory(name: str, data: bytes) -> Iterator[str]:
    """Yield the path of a file that is in memory alone."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


def peer_of(connection: ssl.SSLObject) -> Peer | None:
    """Return who is at the other end; None where no certificate was asked for."""
    der = connection.getpeercert(binary_form=True)
    if der is None:
        return None
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    cipher = connection.cipher()
    return Peer(
        common_name=str(names[0].value) if names else "",
        serial_number=certificate.serial_number,
        fingerprint_sha256=certificate.fingerprint(SHA256()).hex(),
        subject=_in_ascii(certificate.subject.rfc4514_string(ATTRIBUTE_NAMES)),
        tls_version=connection.version() or "",
        cipher=cipher[0] if cipher else "",
    )


def _in_ascii(subject: str) -> str:
    """Return an RFC 4514 string fit for a header: what is not ASCII as hex pairs (section 2.4)."""
    return "".join(
        character if " " <= character <= "~" else "".join(f"\\{byte:02X}" for byte in character.encode("utf-8"))
        for character in subject
    )


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslobject_class = TellingSSLObject
    return context
