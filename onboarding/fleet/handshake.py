"""What the messages of a TLS handshake say that Python's `ssl` does not tell (RFC 8446, section 4; RFC 5246, 7.4)."""

from collections.abc import Sequence

from onboarding.fleet.der import Malformed, element, render_name, split

CERTIFICATE, CERTIFICATE_REQUEST = 11, 13
_CERTIFICATE_AUTHORITIES = 47

MAX_NAMES = 8
"""How many CAs of a list are named."""


def certificates(message: bytes, is_tls13: bool) -> Sequence[bytes]:
    """Return the certificates of a Certificate message, DER, the leaf first; none where it is malformed."""
    try:
        if not is_tls13:
            return split(split(message[4:], 3)[0], 3)
        context = message[4]
        return _without_extensions(split(message[5 + context :], 3)[0])
    except (IndexError, Malformed):
        return ()


def _without_extensions(entries: bytes) -> Sequence[bytes]:
    found, at = [], 0
    while at < len(entries):
        end = at + 3 + int.from_bytes(entries[at : at + 3], "big")
        found.append(entries[at + 3 : end])
        at = end + 2 + int.from_bytes(entries[end : end + 2], "big")
    return found


def accepted_issuers(message: bytes, is_tls13: bool) -> tuple[str, ...]:
    """Return the names of the CAs that a CertificateRequest asks for, for people; none where it names none."""
    try:
        names = _authorities_tls13(message) if is_tls13 else _authorities_tls12(message)
        return tuple(render_name(element(name)) for name in names[:MAX_NAMES])
    except (IndexError, Malformed):
        return ()


def _authorities_tls12(message: bytes) -> Sequence[bytes]:
    at = 4 + 1 + message[4]  # the types of certificate
    at += 2 + int.from_bytes(message[at : at + 2], "big")  # the signature algorithms
    return split(split(message[at:], 2)[0], 2)


def _authorities_tls13(message: bytes) -> Sequence[bytes]:
    at = 4 + 1 + message[4] + 2  # the context, and the length of all extensions
    while at < len(message):
        kind, length = int.from_bytes(message[at : at + 2], "big"), int.from_bytes(message[at + 2 : at + 4], "big")
        if kind == _CERTIFICATE_AUTHORITIES:
            return split(split(message[at + 4 : at + 4 + length], 2)[0], 2)
        at += 4 + length
    return ()
