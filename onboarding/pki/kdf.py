"""What opening an encrypted key would cost: read from its parameters, before anything is derived."""

import re

MAX_ROUNDS = 2_000_000
"""The most PBKDF2 rounds, or their like, that are paid: about a second."""

_ROUNDS_PER_SCRYPT_BLOCK = 8
"""N·r·p counts scrypt's blocks. So weighted, `MAX_ROUNDS` also bounds its memory, to 32 MB."""

# What stands before the parameters' OCTET STRING (the salt): the OIDs of PBKDF2 (RFC 8018, A.2), PBES1 (A.3: 1 to
# 11 below pkcs-5), PKCS#12's own schemes (RFC 7292, appendix C) and scrypt (RFC 7914, section 7), and a SEQUENCE.
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...)"
_HEADER = rb"\x30" + _LENGTH + rb"\x04"
_ROUNDS = re.compile(rb"\x2a\x86\x48\x86\xf7\x0d\x01(?:\x05[^\x0d]|\x0c\x01.)" + _HEADER, re.DOTALL)
# DigestInfo (RFC 8017, A.2.4) up to its digest's length: what PKCS#12's MAC begins with (RFC 7292, section 4).
_MAC = re.compile(
    rb"\x06(?:\x05\x2b\x0e\x03\x02\x1a|\x08\x2a\x86\x48\x86\xf7\x0d\x02.|\x09\x60\x86\x48\x01\x65\x03\x04\x02.)"
    rb"(?:\x05\x00)?\x04",
    re.DOTALL,
)
_SCRYPT = re.compile(rb"\x2b\x06\x01\x04\x01\xda\x47\x04\x0b" + _HEADER, re.DOTALL)


def rounds(der: bytes) -> int:
    """Return the cost of all keys that are derived to open this (PKCS#8, PKCS#12), in PBKDF2 rounds; 0 for none.

    Parameters that cannot be read count as too many.
    """
    cost = 0
    for match in _ROUNDS.finditer(der):
        cost += _integers(der, match.end(), 1)[0]
    for match in _MAC.finditer(der):
        start, length = _length(der, match.end())
        salt = start + length
        # Without an integer behind its salt it is one round, or no MAC: certificates have such a beginning, too.
        if der[salt : salt + 1] == b"\x04":
            start, length = _length(der, salt + 1)
            if der[start + length : start + length + 1] == b"\x02":
                cost += _integers(der, salt + 1, 1)[0]
    for match in _SCRYPT.finditer(der):
        n, r, p = _integers(der, match.end(), 3)
        cost += n * r * p * _ROUNDS_PER_SCRYPT_BLOCK
    return cost


def _integers(der: bytes, salt: int, count: int) -> list[int]:
    """Return the integers that follow the salt, whose length stands at position `salt`."""
    start, length = _length(der, salt)
    position = start + length
    values = []
    for _ in range(count):
        if der[position : position + 1] != b"\x02":
            return [MAX_ROUNDS + 1] * count
        start, length = _length(der, position + 1)
        position = start + length
        values.append(int.from_bytes(der[start:position], "big"))
    return values


def _length(der: bytes, position: int) -> tuple[int, int]:
    """Return where the content begins and how long it is (X.690, section 8.1.3)."""
    first = der[position] if position < len(der) else 0
    if first < 0x80:
        return position + 1, first
    start = position + 1 + (first & 0x7F)
    return start, int.from_bytes(der[position + 1 : start], "big")
