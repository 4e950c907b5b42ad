"""A small certificate authority: it signs the sandbox's server and client certificates."""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CA_DAYS = 3650
BACKDATE = timedelta(minutes=5)
"""Certificates begin a little before now, for clocks that are slow."""


def make_ca(key: RSAPrivateKey, common_name: str, now: datetime) -> x509.Certificate:
    """Return a self-signed CA certificate, valid for ten years from `now`, that signs end entities only."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _builder(name, name, key.public_key(), key.public_key(), now, CA_DAYS, None)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def sign_client(
    csr: x509.CertificateSigningRequest,
    *,
    ca: x509.Certificate,
    ca_key: RSAPrivateKey,
    now: datetime,
    days: int = 365,
    serial: int | None = None,
    revocation_list: str = "",
) -> x509.Certificate:
    """Return a client certificate for the CSR: its subject and public key, and nothing else of it.

    serial: a random one by default (RFC 5280, section 4.1.2.2). revocation_list: the address of the CA's list of
    revoked certificates, if it has one. Extensions that the CSR asks for are not looked at: whoever sends one must not
    be able to become a CA.
    """
    public_key = csr.public_key()
    builder = _builder(csr.subject, ca.subject, public_key, ca_key.public_key(), now, days, serial)
    if revocation_list:
        place = x509.DistributionPoint([x509.UniformResourceIdentifier(revocation_list)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([place]), critical=False)
    return _end_entity(builder, ExtendedKeyUsageOID.CLIENT_AUTH).sign(ca_key, hashes.SHA256())


def sign_server(
    key: RSAPrivateKey,
    hosts: Sequence[str],
    *,
    ca: x509.Certificate,
    ca_key: RSAPrivateKey,
    now: datetime,
    days: int,
) -> x509.Certificate:
    """Return a server certificate for these host names and IP addresses. Raises ValueError if there is none."""
    if not hosts:
        raise ValueError("a server certificate needs a host")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    builder = _builder(name, ca.subject, key.public_key(), ca_key.public_key(), now, days, None)
    return (
        _end_entity(builder, ExtendedKeyUsageOID.SERVER_AUTH)
        .add_extension(x509.SubjectAlternativeName([general_name(host) for host in hosts]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: CertificatePublicKeyTypes,
    issuer_key: CertificatePublicKeyTypes,
    now: datetime,
    days: int,
    serial: int | None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number() if serial is None else serial)
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(authority_key_identifier(issuer_key), critical=False)
    )


def authority_key_identifier(issuer_key: CertificatePublicKeyTypes) -> x509.AuthorityKeyIdentifier:
    """Return what tells by which key of a CA something is signed."""
    # From the digest alone: the CA's own subject key identifier is made the same way.
    digest = x509.SubjectKeyIdentifier.from_public_key(issuer_key).digest
    return x509.AuthorityKeyIdentifier(digest, None, None)


def _end_entity(builder: x509.CertificateBuilder, usage: ObjectIdentifier) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def general_name(host: str) -> x509.GeneralName:
    """Return a host name or an IP address as a subject alternative name holds it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
