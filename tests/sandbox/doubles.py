"""What the sandbox's tests share: credential sets in memory, and the way to a running sandbox."""

import hmac
import ssl
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from onboarding.oauth.grants import Granted, GrantRefused, Tokens
from onboarding.sandbox.server import Ports
from onboarding.sandbox.tls import Authority, Contexts

MZP = "MZP128745"
PASSWORD = "pass:wörd"
CLIENT_ID = "fleet-client"
OTHER_CLIENT_ID = "other-fleet-client"
USER_CLIENT_ID = "user-client"
USER_SECRET = "user-secret"


@dataclass(frozen=True)
class KnownCredential:
    """A credential set, in memory."""

    client_id: str
    programme: str
    mzp: str
    certificate_sha256: str
    password: str = ""
    secret: str = ""
    fault: str = ""

    def password_is(self, given: str) -> bool:
        return bool(self.password) and hmac.compare_digest(self.password.encode(), given.encode())

    def secret_is(self, given: str) -> bool:
        return bool(self.secret) and hmac.compare_digest(self.secret.encode(), given.encode())


@dataclass
class MemoryRegistry:
    """Credential sets, in memory."""

    known: list[KnownCredential] = field(default_factory=list)

    def find(self, client_id: str) -> Sequence[KnownCredential]:
        return [credential for credential in self.known if credential.client_id == client_id]


@dataclass
class MemoryGrants:
    """Drivers' consents, in memory: each code is good once, tokens for ever. given: by code, to whom and what."""

    given: dict[str, tuple[str, str, Granted]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, Granted]] = field(default_factory=dict)

    def exchange(self, client_id: str, code: str, redirect_uri: str, now: datetime) -> Tokens:
        to, address, granted = self.given.pop(code, ("", "", None))
        if granted is None or (to, address) != (client_id, redirect_uri):
            raise GrantRefused("no such code")
        return self._tokens(client_id, granted)

    def refresh(self, client_id: str, token: str, realm: str, now: datetime) -> Tokens:
        to, granted = self.tokens.pop(token, ("", None))
        if granted is None or to != client_id or not token.startswith("refresh"):
            raise GrantRefused("no such token")
        return self._tokens(client_id, granted)

    def revoke(self, client_id: str, token: str, now: datetime) -> None:
        self.tokens.pop(token, None)

    def whose(self, client_id: str, token: str, now: datetime) -> Granted | None:
        to, granted = self.tokens.get(token, ("", None))
        return granted if to == client_id else None

    def _tokens(self, client_id: str, granted: Granted) -> Tokens:
        number = len(self.tokens)
        made = Tokens(f"access-{number}-marker-of-a-token", f"refresh-{number}", granted.scopes, 900)
        self.tokens |= dict.fromkeys((made.access_token, made.refresh_token), (client_id, granted))
        return made


def fingerprint(certificate: trustme.LeafCert) -> str:
    """Return the SHA-256 of a leaf, hexadecimal."""
    return x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes()).fingerprint(SHA256()).hex()


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def contexts_of(ca: trustme.CA, now: datetime) -> Contexts:
    """Return the listeners' contexts, with a server certificate that begins now."""
    certificate = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    key = load_pem_private_key(ca.private_key_pem.bytes(), None)
    return Contexts(lambda: Authority(certificate, key), ["localhost", "127.0.0.1"], now)


@dataclass
class Running:
    """A running sandbox, and what is needed to call it."""

    ports: Ports
    ca: trustme.CA
    certificates: dict[str, trustme.LeafCert]
    registry: MemoryRegistry
    contexts: Contexts
    grants: MemoryGrants

    def contexts_made(self, now: datetime) -> Contexts:
        """Return contexts for further listeners, of the same CA."""
        return contexts_of(self.ca, now)

    def client_context(self, who: str | trustme.LeafCert | None = "fleet") -> ssl.SSLContext:
        """Return a context that trusts the sandbox's CA and presents a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        certificate = self.certificates[who] if isinstance(who, str) else who
        if certificate is not None:
            certificate.configure_cert(context)
        return context

    def files(self, folder: Path, who: str = "fleet") -> dict[str, str]:
        """Write CA, certificate and key where programs can read them."""
        certificate = self.certificates[who]
        names = {name: str(folder / f"{name}.pem") for name in ("ca", "certificate", "key")}
        self.ca.cert_pem.write_to_path(names["ca"])
        certificate.cert_chain_pems[0].write_to_path(names["certificate"])
        certificate.private_key_pem.write_to_path(names["key"])
        return names
