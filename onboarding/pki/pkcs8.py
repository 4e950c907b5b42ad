"""Private keys encrypted under a passphrase that is a key itself: PKCS#8 (RFC 5958) with PBES2 (RFC 8018), one round.

Rounds of PBKDF2 make guessing a person's passphrase slow. Nobody guesses 256 random bits, so they would only cost
whoever opens the key: of the 2,048 that the cryptography package always makes, half the time that OpenSSL needs to load
the key, at every call of every credential set.
"""

import base64
import os

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

MIN_PASSPHRASE_BYTES = 32

_SEQUENCE, _INTEGER, _OCTET_STRING = 0x30, 0x02, 0x04
# Object identifiers and NULL, as encoded.
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("06082a864886f70d02090500")
_AES256_CBC = bytes.fromhex("060960864801650304012a")
_LINE = 64


def encrypt_under_random(key: PrivateKeyTypes, passphrase: bytes) -> bytes:
    """Return the key as encrypted PKCS#8 PEM. passphrase: random, with 256 bits in it, never a person's.

    Raises ValueError for one that is too short to be that.
    """
    if len(passphrase) < MIN_PASSPHRASE_BYTES:
        raise ValueError("this passphrase is not random")
    salt, vector = os.urandom(16), os.urandom(16)
    padder = PKCS7(AES256.block_size).padder()
    padded = padder.update(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())) + padder.finalize()
    encryptor = Cipher(AES256(PBKDF2HMAC(SHA256(), 32, salt, 1).derive(passphrase)), CBC(vector)).encryptor()
    derivation = _der(
        _SEQUENCE,
        _PBKDF2,
        _der(_SEQUENCE, _der(_OCTET_STRING, salt), _der(_INTEGER, b"\x01"), _der(_SEQUENCE, _HMAC_SHA256)),
    )
    scheme = _der(_SEQUENCE, _AES256_CBC, _der(_OCTET_STRING, vector))
    algorithm = _der(_SEQUENCE, _PBES2, _der(_SEQUENCE, derivation, scheme))
    encrypted = _der(_OCTET_STRING, encryptor.update(padded) + encryptor.finalize())
    return _pem(_der(_SEQUENCE, algorithm, encrypted))


def _der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _pem(der: bytes) -> bytes:
    text = base64.b64encode(der)
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    label = b"ENCRYPTED PRIVATE KEY"
    return b"\n".join((b"-----BEGIN %s-----" % label, *lines, b"-----END %s-----\n" % label))
