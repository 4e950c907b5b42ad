"""What is in a file that somebody uploaded or pasted. Recognised by its first bytes, never by its name.

No arithmetic and no decryption happens here, and the time taken is linear in the file's size.
"""

import base64
import binascii
import codecs
import re
from dataclasses import dataclass

from onboarding.findings import Word

MAX_BYTES = 64 * 1024
"""The largest file that is looked into, in bytes. A CSR has about 1,100, a chain of three about 6,000."""


class Kind(Word):
    """What something in a file is."""

    CSR = "csr"
    CERTIFICATE = "certificate"
    PRIVATE_KEY = "private_key"
    PUBLIC_KEY = "public_key"
    PKCS7 = "pkcs7"
    PKCS12 = "pkcs12"
    JKS = "jks"
    ZIP = "zip"
    HTML = "html"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a file.

    der: its content; empty where the armour was damaged. pem: the armoured text as it stood, for what needs its
    headers (encrypted keys of the old kind); empty where there was none.
    """

    kind: Kind
    der: bytes
    pem: bytes = b""


_LABELS = {
    "CERTIFICATE REQUEST": Kind.CSR,
    "NEW CERTIFICATE REQUEST": Kind.CSR,  # keytool, and Microsoft's certreq
    "CERTIFICATE": Kind.CERTIFICATE,
    "X509 CERTIFICATE": Kind.CERTIFICATE,
    "TRUSTED CERTIFICATE": Kind.CERTIFICATE,
    "PRIVATE KEY": Kind.PRIVATE_KEY,
    "ENCRYPTED PRIVATE KEY": Kind.PRIVATE_KEY,
    "RSA PRIVATE KEY": Kind.PRIVATE_KEY,
    "EC PRIVATE KEY": Kind.PRIVATE_KEY,
    "DSA PRIVATE KEY": Kind.PRIVATE_KEY,
    "OPENSSH PRIVATE KEY": Kind.PRIVATE_KEY,
    "PUBLIC KEY": Kind.PUBLIC_KEY,
    "RSA PUBLIC KEY": Kind.PUBLIC_KEY,
    "PKCS7": Kind.PKCS7,
    "CMS": Kind.PKCS7,
    "PKCS12": Kind.PKCS12,
}

_LENGTH = rb"(?:[\x00-\x7f\x80]|\x81.|\x82..|\x83...|\x84....)"
_SEQUENCE = rb"\x30" + _LENGTH

# The first bytes of each kind. A CSR and PKCS#8 both hold a version 0: in PKCS#8 it comes at the first level.
_SIGNATURES: tuple[tuple[re.Pattern[bytes], Kind], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (_SEQUENCE * 2 + rb"\x02\x01\x00\x30", Kind.CSR),
        (_SEQUENCE * 2 + rb"(?:\xa0\x03\x02\x01[\x00-\x02]\x02|\x02" + _LENGTH + rb"[^\x30]*?\x30)", Kind.CERTIFICATE),
        (_SEQUENCE + rb"\x02\x01[\x00\x01](?:\x30|\x02|\x04)", Kind.PRIVATE_KEY),  # PKCS#8, PKCS#1, SEC 1
        (_SEQUENCE * 2 + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05", Kind.PRIVATE_KEY),  # PKCS#5: PBES1, PBES2
        (_SEQUENCE * 2 + rb"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01", Kind.PRIVATE_KEY),  # PKCS#12's PBE
        (_SEQUENCE + rb"\x02\x01\x03\x30", Kind.PKCS12),
        (_SEQUENCE + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", Kind.PKCS7),
        (_SEQUENCE * 2 + rb"\x06", Kind.PUBLIC_KEY),
        (rb"\xfe\xed\xfe\xed|\xce\xce\xce\xce", Kind.JKS),
        (rb"PK\x03\x04", Kind.ZIP),
        (rb"PuTTY-User-Key-File", Kind.PRIVATE_KEY),
        (rb"\s*<(?i:!doctype|html|head|body|\?xml)", Kind.HTML),
        (rb"(?:ssh|ecdsa)-\S+ AAAA", Kind.PUBLIC_KEY),
    )
)

# What openssl and keytool write, and nothing else: read in one step.
_PLAIN_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n([A-Za-z0-9+/\r\n]+={0,2}\r?\n)-----END \1-----\s*")
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"-\x00-\x00", "utf-16-le"),  # without a byte-order mark
    (b"\x00-\x00-", "utf-16-be"),
)
_LINE_END = re.compile(r"\r\n?|(?:\\r)?\\n")
"""Of Windows, of old Macs, and written out as \\n, as JSON and environment files have it."""
_QUOTING = re.compile(r"^[ \t>|]+", re.MULTILINE)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\xad")) | {ord("\xa0"): " "}
"""What a copy from a web page or a mail brings along: zero-width characters, and blanks that do not break."""
_PEM_HEADERS = re.compile(r"\A\s*(?:[\w-]+:[^\n]*\n)+\s*\n")


def items(data: bytes) -> tuple[Item, ...]:
    """Return what is in the file, in order; nothing for an empty one. Never raises.

    Understood: DER; PEM, one or many, with other line ends, in UTF-16, with text around it, or the quoting of an
    e-mail; base64 without armour.
    """
    if plain := _PLAIN_PEM.fullmatch(data):
        return (_item(plain[1].decode("ascii"), plain[2], data.strip()),)
    if not data.strip():
        return ()
    kind = recognise(data)
    if kind in (Kind.UNKNOWN, Kind.HTML):
        text = _text(data)
        if armoured := _armoured(text):
            return armoured
        if (der := _base64(text)) and (inner := recognise(der)) is not Kind.UNKNOWN:
            return (Item(inner, der),)
        kind = recognise(text.encode("utf-8"))
    return (Item(kind, data),)


def recognise(data: bytes) -> Kind:
    """Return what these bytes are, by how they begin."""
    return next((kind for pattern, kind in _SIGNATURES if pattern.match(data)), Kind.UNKNOWN)


def _text(data: bytes) -> str:
    for mark, encoding in _ENCODINGS:
        if data.startswith(mark):
            text = data.decode(encoding, "replace").removeprefix("\ufeff")
            break
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    if not text.isascii():
        text = text.translate(_INVISIBLE)
    return _QUOTING.sub("", _LINE_END.sub("\n", text))


def _armoured(text: str) -> tuple[Item, ...]:
    begins = list(_BEGIN.finditer(text))
    ends = [*(begin.start() for begin in begins), len(text)][1:]
    found = []
    for begin, limit in zip(begins, ends, strict=True):
        label = begin[1]
        # Searched up to the next BEGIN only: a file of nothing but BEGIN lines costs linear time.
        end_line = f"-----END {label}-----"
        end = text.find(end_line, begin.end(), limit)
        body = text[begin.end() : end] if end >= 0 else ""
        pem = text[begin.start() : end + len(end_line)] if end >= 0 else ""
        found.append(_item(label, _PEM_HEADERS.sub("", body), pem.encode("utf-8", "replace")))
    return tuple(found)


def _item(label: str, body: str | bytes, pem: bytes) -> Item:
    kind = _LABELS.get(label, Kind.PRIVATE_KEY if label.endswith("PRIVATE KEY") else Kind.UNKNOWN)
    return Item(kind, _base64(body), pem)


def _base64(text: str | bytes) -> bytes:
    """Return what is encoded; nothing for what is not base64. Bytes are known to be of its alphabet and line ends."""
    try:
        if isinstance(text, bytes):
            return binascii.a2b_base64(text)
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:  # binascii.Error is one; so is what text outside ASCII raises
        return b""
