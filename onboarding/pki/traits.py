"""What a certificate says of itself: small questions, each asked in several places."""

from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from onboarding.pki import names
from onboarding.pki.subject import visible

T = TypeVar("T", bound=x509.ExtensionType)

MIN_RSA_BITS, MIN_EC_BITS = 2048, 224
"""112 bits of security (NIST SP 800-57), which is what TLS servers ask for."""

ACCEPTED_HASHES = frozenset({"sha224", "sha256", "sha384", "sha512"})


def extension(certificate: x509.Certificate, type_: type[T]) -> T | None:
    """Return the value of an extension, None if it is not there."""
    # Not `get_extension_for_class`: it asks an abstract class about each value, and that takes four times as long.
    return next((found.value for found in certificate.extensions if found.oid == type_.oid), None)


def is_ca(certificate: x509.Certificate) -> bool:
    """Return whether the certificate may sign others (RFC 5280, sections 4.2.1.9 and 4.2.1.3)."""
    constraints, usage = extension(certificate, x509.BasicConstraints), extension(certificate, x509.KeyUsage)
    return constraints is not None and constraints.ca and (usage is None or usage.key_cert_sign)


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Return whether issuer and subject have the same name; the keys may differ, where a CA has changed its own."""
    return certificate.issuer == certificate.subject


def is_root(certificate: x509.Certificate) -> bool:
    """Return whether the certificate says that it is signed with its own key. A root is trusted as it is."""
    return is_self_issued(certificate) and identifies(certificate, certificate)


def identifies(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether the authority key identifier, as far as there is one, is this issuer's (RFC 5280, 4.2.1.1)."""
    wanted = extension(certificate, x509.AuthorityKeyIdentifier)
    if wanted is None:
        return True
    own = extension(issuer, x509.SubjectKeyIdentifier)
    if own is not None and wanted.key_identifier not in (None, own.digest):
        return False
    if wanted.authority_cert_serial_number not in (None, issuer.serial_number):
        return False
    named = [one.value for one in wanted.authority_cert_issuer or () if isinstance(one, x509.DirectoryName)]
    return not named or names.canonical(named[0]) == names.canonical(issuer.issuer)


def is_small(certificate: x509.Certificate) -> bool:
    """Return whether the certificate's key is smaller than servers take."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size < MIN_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < MIN_EC_BITS


def weak_hash(certificate: x509.Certificate) -> str:
    """Return the hash that the certificate is signed with if it is no longer safe, else nothing."""
    algorithm = certificate.signature_hash_algorithm  # None for Ed25519 and the like
    return algorithm.name if algorithm is not None and algorithm.name not in ACCEPTED_HASHES else ""


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the certificate, in hexadecimal."""
    return certificate.fingerprint(SHA256()).hex()


# --- In words ---


def name_words(name: x509.Name) -> str:
    """Return a name, whole, with what cannot be seen written as escapes; a dash for one that says nothing."""
    return visible(names.render(name)) or "–"


def short_name_words(name: x509.Name) -> str:
    """Return the common name; all of the name where there is none."""
    common = names.subject_values(name).get("CN")
    return visible(common[0]) if common else name_words(name)


def key_words(certificate: x509.Certificate) -> str:
    """Return kind and size of the key: "RSA 2048", "EC 256 (secp256r1)", "Ed25519"."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.key_size} ({key.curve.name})"
    return type(key).__name__.strip("_").removesuffix("PublicKey")


def usage_words(usages: x509.ExtendedKeyUsage) -> str:
    """Return extended key usages by name, by number where they have none."""
    return ", ".join(_USAGE_NAMES.get(oid, oid.dotted_string) for oid in usages)


_USAGE_NAMES = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.CODE_SIGNING: "codeSigning",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
}


def when(moment: datetime) -> str:
    """Return a moment in UTC, to the minute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
