"""Private keys: made, encrypted, read; and public keys compared by their digest."""

import hashlib
import re
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from onboarding.findings import Finding, Severity
from onboarding.pki import files
from onboarding.pki.files import Kind
from onboarding.pki.kdf import MAX_ROUNDS, rounds

PUBLIC_EXPONENT = 65537

MAX_KEY_BYTES = 4096
"""The largest private key that is read, in bytes of DER: RSA-4096 has 2,350, encrypted about 2,470.

Checking a key costs time that grows with the cube of its size: 0.3 s for RSA-4096, minutes for RSA-32768.
"""

MAX_KEYSTORE_BYTES = 16 * 1024
"""The largest PKCS#12 keystore that is opened, in bytes: one with RSA-4096 and a chain of three has about 9,000."""

# A PKCS#12 bag with a key, encrypted or not, up to the key's length (RFC 7292, appendix D).
_KEY_BAG = re.compile(
    rb"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01[\x01\x02]\xa0(?:[\x00-\x7f]|\x81(.)|\x82(..)|\x83(...))",
    re.DOTALL,
)

_OPENSSH = b"openssh-key-v1\x00"

_NOT_A_KEY: Mapping[Kind, str] = {
    Kind.CSR: "key_is_csr",
    Kind.CERTIFICATE: "key_is_certificate",
    Kind.PUBLIC_KEY: "key_is_public",
    Kind.JKS: "key_is_jks",
}

# UnsupportedAlgorithm: unknown ciphers and curves; TypeError: passphrase missing or needless; ValueError: the rest.
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


class UnreadableKey(Exception):
    """The file holds no private key that can be read. `finding` says why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


def generate_rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Make an RSA key. Takes 40 ms for 2048 bits, 150 for 3072, 390 and now and then 1,500 for 4096."""
    return rsa.generate_private_key(PUBLIC_EXPONENT, bits)


def encrypt_key(key: PrivateKeyTypes, passphrase: bytes) -> bytes:
    """Return the key as encrypted PKCS#8 PEM. For random passphrases: 2,048 PBKDF2 rounds are too few for others."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


def load_key(data: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    """Read a private key: PEM or DER; PKCS#1, PKCS#8 or SEC 1; encrypted or not (then the passphrase is not used).

    Or the key in a PKCS#12 keystore, which is what keytool writes, whatever the file is called.
    Raises UnreadableKey. Bounds on size and key-derivation cost come before any arithmetic.
    """
    if len(data) > files.MAX_BYTES:
        raise UnreadableKey(_error("key_too_large", f"{len(data)}", f"{files.MAX_BYTES}"))
    found = files.items(data)
    item = next((item for item in found if item.kind in (Kind.PRIVATE_KEY, Kind.PKCS12)), None)
    if item is None:
        kind = found[0].kind if found else None
        raise UnreadableKey(_error(_NOT_A_KEY.get(kind, "key_unreadable") if kind else "key_empty"))
    if item.der.startswith(_OPENSSH):  # bcrypt, with which it is encrypted, has no bound on its cost
        raise UnreadableKey(_error("key_is_openssh"))
    limit = MAX_KEYSTORE_BYTES if item.kind is Kind.PKCS12 else MAX_KEY_BYTES
    if len(item.der) > limit:
        raise UnreadableKey(_error("key_too_large", f"{len(item.der)}", f"{limit}"))
    if (cost := rounds(item.der)) > MAX_ROUNDS:
        # Python refuses to write integers of more than 4,300 digits.
        raise UnreadableKey(_error("key_derivation_too_costly", f"{min(cost, 10**15)}", f"{MAX_ROUNDS}"))
    if item.kind is Kind.PKCS12:
        return _open_keystore(item.der, passphrase or None)
    return _open(item, passphrase or None)


def _open(item: files.Item, passphrase: bytes | None) -> PrivateKeyTypes:
    try:
        return _load(item, None)
    except TypeError:  # it is encrypted
        if passphrase is None:
            raise UnreadableKey(_error("key_passphrase_missing")) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnreadableKey(_error("key_unreadable")) from None
    try:
        return _load(item, passphrase)
    except _UNREADABLE:
        # A wrong passphrase and a damaged file cannot be told apart: both decrypt to garbage.
        raise UnreadableKey(_error("key_passphrase_wrong")) from None


def _open_keystore(der: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    sizes = [int.from_bytes(b"".join(part or b"" for part in bag.groups()), "big") for bag in _KEY_BAG.finditer(der)]
    if not sizes:
        raise UnreadableKey(_error("key_pkcs12_without_key"))
    if len(sizes) > 1:  # the library would take the first one
        raise UnreadableKey(_error("key_pkcs12_several", f"{len(sizes)}", "1"))
    if max(sizes) > MAX_KEY_BYTES:
        raise UnreadableKey(_error("key_too_large", f"{max(sizes)}", f"{MAX_KEY_BYTES}"))
    try:
        key = load_pkcs12(der, passphrase).key
    except _UNREADABLE:
        code = "key_passphrase_missing" if passphrase is None else "key_passphrase_wrong"
        raise UnreadableKey(_error(code)) from None
    if key is None:
        raise UnreadableKey(_error("key_pkcs12_without_key"))
    return key


def _load(item: files.Item, passphrase: bytes | None) -> PrivateKeyTypes:
    if item.pem:
        return load_pem_private_key(item.pem, passphrase)
    return load_der_private_key(item.der, passphrase)


def _error(code: str, found: str = "", expected: str = "") -> Finding:
    return Finding(code, Severity.ERROR, "key", found, expected)


def other_key_finding() -> Finding:
    """Return the finding that a private key and a certificate do not belong together."""
    return _error("key_other_certificate")


def spki_sha256(public_key: PublicKeyTypes) -> str:
    """Return the SHA-256 of the SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), in hexadecimal."""
    return hashlib.sha256(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def same_key(a: PublicKeyTypes, b: PublicKeyTypes) -> bool:
    """Return whether two public keys are the same."""
    return spki_sha256(a) == spki_sha256(b)


def describe(public_key: PublicKeyTypes) -> tuple[str, int]:
    """Return type ("RSA", "EC", or the library's name for it) and size in bits (0: it has none)."""
    match public_key:
        case rsa.RSAPublicKey():
            return "RSA", public_key.key_size
        case ec.EllipticCurvePublicKey():
            return "EC", public_key.key_size
        case _:
            name = type(public_key).__name__.removesuffix("PublicKey").lstrip("_")
            return name, int(getattr(public_key, "key_size", 0))
