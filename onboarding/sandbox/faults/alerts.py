"""TLS alerts made by hand: OpenSSL sends only those that it means."""

from collections.abc import Mapping
from enum import IntEnum

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_FATAL = 2
_TYPE_ALERT = 21
_TYPE_APPLICATION_DATA = 23
_LEGACY_VERSION = b"\x03\x03"
_NONCE_BYTES = 12
_TAG_BYTES = 16

# RFC 8446, appendix B.4: cipher suite, its hash, its AEAD and the length of its key.
_SUITES: Mapping[str, tuple[type[HashAlgorithm], type[AESGCM] | type[ChaCha20Poly1305], int]] = {
    "TLS_AES_128_GCM_SHA256": (SHA256, AESGCM, 16),
    "TLS_AES_256_GCM_SHA384": (SHA384, AESGCM, 32),
    "TLS_CHACHA20_POLY1305_SHA256": (SHA256, ChaCha20Poly1305, 32),
}


class Alert(IntEnum):
    """RFC 8446, section 6, and one number that is nobody's."""

    HANDSHAKE_FAILURE = 40
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECRYPT_ERROR = 51
    INTERNAL_ERROR = 80
    UNRECOGNIZED_NAME = 112
    CERTIFICATE_REQUIRED = 116
    NOBODYS = 200


def plain(alert: Alert) -> bytes:
    """Return a fatal alert as a record that is not encrypted: as long as no keys are in use (RFC 5246, section 7.2)."""
    return bytes([_TYPE_ALERT]) + _LEGACY_VERSION + (2).to_bytes(2) + bytes([_FATAL, alert])


def sealed(alert: Alert, secret: bytes, suite: str) -> bytes:
    """Return a fatal alert as the first record of a TLS 1.3 server after the handshake (RFC 8446, section 5.2).

    secret: server_application_traffic_secret_0. suite: the cipher suite's name. Raises KeyError for one that Python's
    TLS never agrees on.
    """
    algorithm, aead, key_bytes = _SUITES[suite]
    content = bytes([_FATAL, alert, _TYPE_ALERT])
    head = bytes([_TYPE_APPLICATION_DATA]) + _LEGACY_VERSION + (len(content) + _TAG_BYTES).to_bytes(2)
    key = _expand(secret, b"key", key_bytes, algorithm())
    nonce = _expand(secret, b"iv", _NONCE_BYTES, algorithm())  # exclusive or the sequence number, which is 0
    return head + aead(key).encrypt(nonce, content, head)


def _expand(secret: bytes, label: bytes, length: int, algorithm: HashAlgorithm) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446, section 7.1)."""
    full = b"tls13 " + label
    info = length.to_bytes(2) + bytes([len(full)]) + full + b"\0"
    return HKDFExpand(algorithm, length, info).derive(secret)
