"""An ordinary CSR, read straight from its bytes: what OpenSSL, keytool and browsers write for RSA, and nothing else.

All of this can be had from the library, too, but it makes an object of every name, attribute and key, and encodes the
key anew: that takes as long again as verifying the signature. DER writes a value in one way only (X.690, section 10),
so that the usual bytes can be looked for; whatever differs from them is left to the library. The tests hold both
readings against each other, over damaged CSRs as well.
"""

import hashlib
import re
from dataclasses import dataclass

from cryptography.x509.oid import ExtensionOID, ObjectIdentifier, PublicKeyAlgorithmOID, SignatureAlgorithmOID

from onboarding.pki.names import ATTRIBUTES

EXPONENT = 65537
HASH = "sha256"

_EXTENSION_REQUEST = ObjectIdentifier("1.2.840.113549.1.9.14")  # RFC 2985, section 5.4.2


@dataclass(slots=True)
class Ordinary:
    """What an ordinary CSR says. Its key is an RSA key with `EXPONENT`.

    subject: the values by short name, in the order of the name. modulus: of the key, with this many bits.
    spki_sha256: of the key's SubjectPublicKeyInfo, in hexadecimal. bare: nothing is asked for besides, save for the
    subject key identifier that keytool writes into every CSR, and it is signed with `HASH`.
    """

    subject: dict[str, list[str]]
    modulus: int
    bits: int
    spki_sha256: str
    bare: bool


def _tlv(tag: int, content: bytes) -> bytes:
    """Return tag, length and content (X.690, section 8.1)."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _oid(identifier: ObjectIdentifier) -> bytes:
    """Return an object identifier's encoding (X.690, section 8.19)."""
    first, second, *rest = map(int, identifier.dotted_string.split("."))
    content = bytearray([40 * first + second])
    for number in rest:
        septets = [number >> shift & 0x7F for shift in range(28, -1, -7) if number >> shift]
        content += bytes([*(septet | 0x80 for septet in septets[:-1]), *septets[-1:]])
    return _tlv(0x06, bytes(content))


def _algorithm(identifier: ObjectIdentifier) -> bytes:
    """Return an AlgorithmIdentifier whose parameters are NULL, as RSA has them (RFC 4055)."""
    return _tlv(0x30, _oid(identifier) + _tlv(0x05, b""))


# Version 0, and the length of the name.
_BEFORE_NAME = re.compile(rb"\x30\x82..\x30\x82..\x02\x01\x00\x30(?:([\x00-\x7f])|\x81([\x80-\xff]))", re.DOTALL)

# One attribute, by itself in its set, with lengths of one byte, in UTF-8, Printable or IA5.
_ATTRIBUTE = re.compile(
    rb"\x31([\x00-\x7f])\x30[\x00-\x7f](\x06(?:\x03\x55\x04.|\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01))"
    rb"[\x0c\x13\x16]([\x00-\x7f])",
    re.DOTALL,
)
_SHORT_NAMES = {_oid(attribute.oid): short for short, attribute in ATTRIBUTES.items()}

# What follows the name: the key up to its modulus, by the size of the modulus in bytes; the modulus; the exponent; and
# in a bare CSR no attributes or keytool's one, and the signature's algorithm.
_EXPONENT = _tlv(0x02, EXPONENT.to_bytes(3, "big"))
_ALGORITHM = _algorithm(SignatureAlgorithmOID.RSA_WITH_SHA256) + b"\x03"
_NO_ATTRIBUTES = _tlv(0xA0, b"")
_IDENTIFIER = 20  # bytes: SHA-1's
_EXTENSIONS = _tlv(
    0x30, _tlv(0x30, _oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER) + _tlv(0x04, _tlv(0x04, bytes(_IDENTIFIER))))
)
_KEYTOOLS_ATTRIBUTE = _tlv(0xA0, _tlv(0x30, _oid(_EXTENSION_REQUEST) + _tlv(0x31, _EXTENSIONS)))[:-_IDENTIFIER]


def _before_modulus(size: int) -> bytes:
    """Return how a SubjectPublicKeyInfo begins whose modulus has this many bytes (RFC 3279, section 2.3.1)."""
    modulus = _tlv(0x02, bytes(1 + size))
    key = _tlv(0x03, b"\x00" + _tlv(0x30, modulus + _EXPONENT))
    return _tlv(0x30, _algorithm(PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5) + key)[: -size - len(_EXPONENT)]


_MODULUS_SIZES = {_before_modulus(bits // 8): bits // 8 for bits in (2048, 3072, 4096)}
_BEFORE_MODULUS = len(_before_modulus(256))


def read(der: bytes) -> Ordinary | None:
    """Return what a CSR says if it is an ordinary one, None otherwise.

    der: as the library has parsed it; the structure has been proven by that.
    """
    if (begin := _BEFORE_NAME.match(der)) is None:
        return None
    end_of_name = begin.end() + ord(begin[1] or begin[2])
    start = end_of_name + _BEFORE_MODULUS
    if (size := _MODULUS_SIZES.get(der[end_of_name:start])) is None:
        return None
    end = start + size
    if der[start] < 0x80 or not der.startswith(_EXPONENT, end):
        return None
    if (subject := _subject(der, begin.end(), end_of_name)) is None:
        return None
    modulus = int.from_bytes(der[start:end], "big")
    end += len(_EXPONENT)
    spki_sha256 = hashlib.sha256(der[end_of_name:end]).hexdigest()
    return Ordinary(subject, modulus, 8 * size, spki_sha256, _is_bare(der, end))


def _is_bare(der: bytes, position: int) -> bool:
    if der.startswith(_NO_ATTRIBUTES, position):
        return der.startswith(_ALGORITHM, position + len(_NO_ATTRIBUTES))
    after = position + len(_KEYTOOLS_ATTRIBUTE) + _IDENTIFIER
    return der.startswith(_KEYTOOLS_ATTRIBUTE, position) and der.startswith(_ALGORITHM, after)


def _subject(der: bytes, position: int, end: int) -> dict[str, list[str]] | None:
    values: dict[str, list[str]] = {}
    while position < end:
        found = _ATTRIBUTE.match(der, position)
        if found is None or (short := _SHORT_NAMES.get(found[2])) is None:
            return None
        start = found.end()
        after = start + found[3][0]
        if after != position + 2 + found[1][0]:  # several attributes in one set
            return None
        try:
            values.setdefault(short, []).append(der[start:after].decode("utf-8"))
        except UnicodeDecodeError:
            return None
        position = after
    return values if position == end else None
