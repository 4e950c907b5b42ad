"""Certificates made by hand, byte by byte: also those that no builder makes (version 1, negative serial numbers)."""

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from onboarding.pki import names

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class KeyThatIsNowhere:
    """The public half of a key alone: for certificates about a key that nobody has."""

    def __init__(self, public: CertificatePublicKeyTypes) -> None:
        self._public = public

    def public_key(self) -> CertificatePublicKeyTypes:
        return self._public


HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
}
RSA_WITH = {"md5": 4, "sha1": 5, "sha256": 11, "sha512": 13, "sha224": 14}  # 1.2.840.113549.1.1.…
ECDSA_WITH = {"sha224": 1, "sha256": 2, "sha512": 4}  # 1.2.840.10045.4.3.…


def der(tag: int, *parts: bytes) -> bytes:
    """Return one element in DER (X.690): tag, length, content."""
    content = b"".join(parts)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray([40 * first + second])
    for number in rest:
        septets = [number >> shift & 0x7F for shift in range(28, -1, -7) if number >> shift] or [0]
        content += bytes([*(septet | 0x80 for septet in septets[:-1]), septets[-1]])
    return der(0x06, bytes(content))


def name(cn: str, **more: str) -> x509.Name:
    return names.build_name({**more, "CN": cn})


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key that is made at once."""
    return ec.generate_private_key(ec.SECP256R1())


def four_digits(moment: datetime | str) -> bytes:
    """A time as GeneralizedTime, whatever the year."""
    return der(0x18, (moment if isinstance(moment, str) else f"{moment:%Y%m%d%H%M%SZ}").encode())


def extension(value: x509.ExtensionType | tuple[str, bytes], *, critical: bool = False) -> bytes:
    """An extension; (number, content) for one that the library does not know."""
    number, content = value if isinstance(value, tuple) else (value.oid.dotted_string, value.public_bytes())
    return der(0x30, oid(number), der(0x01, b"\xff") if critical else b"", der(0x04, content))


def mint(
    subject: x509.Name,
    key: Key | KeyThatIsNowhere,
    issuer: x509.Name,
    issuer_key: Key,
    extensions: Sequence[bytes] = (),
    *,
    serial: int | bytes = 7,
    version: int = 3,
    begin: datetime | bytes = NOW - DAY,
    end: datetime | bytes = NOW + 60 * DAY,
    digest: str = "sha256",
) -> x509.Certificate:
    """Sign a certificate (RFC 5280, section 4.1). Times and serial number may be given as they are to be written."""
    if isinstance(serial, int):
        serial = serial.to_bytes(serial.bit_length() // 8 + 1, "big", signed=True)
    algorithm = _algorithm(issuer_key, digest)
    tbs = der(
        0x30,
        der(0xA0, der(0x02, bytes([version - 1]))) if version > 1 else b"",
        der(0x02, serial),
        algorithm,
        issuer.public_bytes(),
        der(0x30, _time(begin), _time(end)),
        subject.public_bytes(),
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        der(0xA3, der(0x30, *extensions)) if extensions else b"",
    )
    signature = _sign(issuer_key, tbs, HASHES[digest])
    with warnings.catch_warnings(action="ignore"):  # what the library has to say of odd values
        return x509.load_der_x509_certificate(der(0x30, tbs, algorithm, der(0x03, b"\0", signature)))


def _algorithm(key: Key, digest: str) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return der(0x30, oid(f"1.2.840.113549.1.1.{RSA_WITH[digest]}"), der(0x05))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return der(0x30, oid(f"1.2.840.10045.4.3.{ECDSA_WITH[digest]}"))
    return der(0x30, oid("1.3.101.112"))


def _sign(key: Key, data: bytes, digest: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), digest)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(digest))
    return key.sign(data)


def _time(moment: datetime | bytes) -> bytes:
    if isinstance(moment, bytes):
        return moment
    return der(0x17, f"{moment:%y%m%d%H%M%SZ}".encode()) if moment.year < 2050 else four_digits(moment)


# --- What certificates usually have ---


def usage(**allowed: bool) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{one: allowed.get(one, False) for one in every})


def own_key(key: Key | KeyThatIsNowhere) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def issuers_key(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier(own_key(key).digest, None, None)


def of_ca(key: Key | KeyThatIsNowhere, issuer_key: Key | None = None, path_length: int | None = None) -> list[bytes]:
    """The extensions of a CA; without an issuer's key, of a root."""
    return [
        extension(x509.BasicConstraints(True, path_length), critical=True),
        extension(usage(key_cert_sign=True, crl_sign=True), critical=True),
        extension(own_key(key)),
        *([extension(issuers_key(issuer_key))] if issuer_key is not None else []),
    ]


def of_client(
    key: Key | KeyThatIsNowhere, issuer_key: Key, *usages: ObjectIdentifier, critical: bool = False
) -> list[bytes]:
    """The extensions of a client; usages: clientAuth if none is given."""
    return [
        extension(x509.BasicConstraints(False, None), critical=True),
        extension(usage(digital_signature=True), critical=True),
        extension(x509.ExtendedKeyUsage(usages or [ExtendedKeyUsageOID.CLIENT_AUTH]), critical=critical),
        extension(own_key(key)),
        extension(issuers_key(issuer_key)),
    ]
