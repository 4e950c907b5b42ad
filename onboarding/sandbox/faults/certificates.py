"""Servers whose certificate, version or ciphers are wrong, each in one way. Behind TLS they answer like the API.

Their certificates are made when the sandbox starts. Only what is wrong with them counts, so they last for ten years.
"""

import ssl
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from onboarding.pki import keys
from onboarding.pki.embedded_ca import general_name
from onboarding.sandbox.tls import KEY_BITS, Contexts, Identity

DAY, LIFE = timedelta(days=1), timedelta(days=3650)
WEAK_BITS = 1024
NOT_REQUESTED = "client_certificate_not_requested"
# Of the arc for examples in documentation (RFC 5612).
EXTENSION_OF_NOBODY = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\x05\x00")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs. chain: its own certificate, then those above it; empty for the embedded CA, which nobody sends."""

    name: x509.Name
    key: CertificateIssuerPrivateKeyTypes
    chain: tuple[x509.Certificate, ...] = ()


class Mint:
    """Makes certificates, and servers that show them. contexts: those of the sandbox."""

    def __init__(self, contexts: Contexts, now: datetime) -> None:
        authority = contexts.load_authority()
        self.contexts = contexts
        self.embedded = Issuer(authority.certificate.subject, authority.key)
        self._now = now
        self._keys: dict[int, rsa.RSAPrivateKey] = {}

    @cached_property
    def unrelated(self) -> Issuer:
        """A root that has nothing to do with the embedded CA."""
        return self.authority("Unrelated Root")

    def authority(self, name: str, issuer: Issuer | None = None, *, may_sign: bool = True) -> Issuer:
        """Return a CA: a root, or signed by `issuer`."""
        key = ec.generate_private_key(ec.SECP256R1())
        itself = Issuer(_name(name), key)
        signer = issuer or itself
        certificate = (
            self._builder(itself.name, signer, key.public_key(), -DAY, LIFE)
            .add_extension(x509.BasicConstraints(ca=may_sign, path_length=None), critical=True)
            .sign(signer.key, SHA256())
        )
        return Issuer(itself.name, key, (certificate, *signer.chain))

    def certificate(
        self,
        issuer: Issuer | None = None,
        *,
        hosts: Sequence[str] | None = None,
        begins: timedelta = -DAY,
        ends: timedelta = LIFE,
        purpose: ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        demands: x509.ExtensionType | None = None,
        bits: int = KEY_BITS,
    ) -> x509.Certificate:
        """Return a server certificate: right but for what is given. issuer: the embedded CA. hosts: ours."""
        key = self._key(bits)
        signer = issuer or self.embedded
        name = _name(self.contexts.hosts[0])
        names = [general_name(host) for host in (self.contexts.hosts if hosts is None else hosts)]
        builder = self._builder(name, signer, key.public_key(), begins, ends)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if demands is not None:
            builder = builder.add_extension(demands, critical=True)
        return builder.sign(signer.key, SHA256())

    def self_signed(self) -> x509.Certificate:
        """Return a certificate that is its own issuer."""
        return self.certificate(Issuer(_name(self.contexts.hosts[0]), self._key(KEY_BITS)))

    def serve(
        self, certificate: x509.Certificate | bytes, *chain: x509.Certificate, bits: int = KEY_BITS
    ) -> ssl.SSLContext:
        """Return the context of a server that shows these. certificate: also as DER."""
        der = certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)
        pem = ssl.DER_cert_to_PEM_cert(der).encode("ascii")
        pem += b"".join(one.public_bytes(Encoding.PEM) for one in chain)
        identity = Identity.of(self._key(bits), pem, self._now + LIFE)
        if bits >= KEY_BITS:
            return self.contexts.further(identity)
        return self.contexts.further(identity, ciphers="DEFAULT:@SECLEVEL=0")  # else OpenSSL would not show it

    def _key(self, bits: int) -> rsa.RSAPrivateKey:
        if bits not in self._keys:
            self._keys[bits] = keys.generate_rsa_key(bits)
        return self._keys[bits]

    def _builder(
        self, name: x509.Name, issuer: Issuer, key: CertificatePublicKeyTypes, begins: timedelta, ends: timedelta
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now + begins)
            .not_valid_after(self._now + ends)
        )


def _unknown_root(mint: Mint) -> ssl.SSLContext:
    return mint.serve(mint.certificate(mint.unrelated), *mint.unrelated.chain)


def _unknown_ca(mint: Mint) -> ssl.SSLContext:
    """Leaf and intermediate of a root that is not sent."""
    issuer = mint.authority("Unrelated Intermediate", mint.unrelated)
    return mint.serve(mint.certificate(issuer), issuer.chain[0])


def _like_a_public_ca(mint: Mint) -> ssl.SSLContext:
    """The same, below the name of a root that browsers know. That name is all there is of it: the key is ours."""
    issuer = mint.authority("Intermediate of the Sandbox", Issuer(_a_public_root().subject, mint.unrelated.key))
    return mint.serve(mint.certificate(issuer), issuer.chain[0])


def _a_public_root() -> x509.Certificate:
    pem, end = Path(DEFAULT_CA_BUNDLE_PATH).read_bytes(), b"-----END CERTIFICATE-----\n"
    first = pem[pem.index(b"-----BEGIN CERTIFICATE-----") : pem.index(end) + len(end)]
    return x509.load_pem_x509_certificate(first)


def _namesake(mint: Mint) -> ssl.SSLContext:
    """A certificate of one that is called like the embedded CA. It says which key it was signed with, as most do."""
    key = mint.unrelated.key
    signed_with = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return mint.serve(mint.certificate(Issuer(mint.embedded.name, key), demands=signed_with))


def _signed_by_a_leaf(mint: Mint) -> ssl.SSLContext:
    issuer = mint.authority("Not a CA", mint.embedded, may_sign=False)
    return mint.serve(mint.certificate(issuer), *issuer.chain)


def _broken_signature(mint: Mint) -> ssl.SSLContext:
    der = bytearray(mint.certificate().public_bytes(Encoding.DER))
    der[-1] ^= 1  # the signature comes last (RFC 5280, section 4.1)
    return mint.serve(bytes(der))


def _old_versions_only(mint: Mint) -> ssl.SSLContext:
    context = mint.contexts.further(ciphers="ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _old_ciphers_only(mint: Mint) -> ssl.SSLContext:
    # RSA key exchange with CBC and SHA-1: no Python client offers it any more.
    context = mint.contexts.further(ciphers="AES128-SHA")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _asking_for_nothing(mint: Mint) -> ssl.SSLContext:
    context = mint.contexts.further()
    context.verify_mode = ssl.CERT_NONE
    return context


CONTEXTS: Mapping[str, Callable[[Mint], ssl.SSLContext]] = {
    "tls_version_mismatch": _old_versions_only,
    "no_common_cipher": _old_ciphers_only,
    "server_self_signed": lambda mint: mint.serve(mint.self_signed()),
    "server_unknown_root": _unknown_root,
    "server_unknown_ca": _unknown_ca,
    "server_public_ca": _like_a_public_ca,
    "server_ca_namesake": _namesake,
    "server_chain_incomplete": lambda mint: mint.serve(mint.certificate(mint.authority("Intermediate", mint.embedded))),
    "server_not_yet_valid": lambda mint: mint.serve(mint.certificate(begins=LIFE, ends=LIFE + DAY)),
    "server_expired": lambda mint: mint.serve(mint.certificate(begins=-30 * DAY, ends=-DAY)),
    "server_wrong_name": lambda mint: mint.serve(mint.certificate(hosts=["elsewhere.example"])),
    "server_wrong_name_common_name": lambda mint: mint.serve(mint.certificate(hosts=[])),
    "server_wrong_purpose": lambda mint: mint.serve(mint.certificate(purpose=ExtendedKeyUsageOID.CLIENT_AUTH)),
    "server_weak": lambda mint: mint.serve(mint.certificate(bits=WEAK_BITS), bits=WEAK_BITS),
    "server_ca_invalid": _signed_by_a_leaf,
    "server_certificate_malformed": _broken_signature,
    "server_untrusted": lambda mint: mint.serve(mint.certificate(demands=EXTENSION_OF_NOBODY)),
    NOT_REQUESTED: _asking_for_nothing,
}
"""The server of each failure, by the failure's name."""


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
