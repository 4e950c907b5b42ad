"""As much of a certificate as the ladder shows of it, read by the standard library alone (RFC 5280, X.690).

Nothing is verified here: OpenSSL does that while it shakes hands. `onboarding.pki` judges certificates for the portal;
this is for what a server sends, and for the offline checker, which has nothing else.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from ipaddress import ip_address

_SEQUENCE, _INTEGER, _BOOLEAN, _BIT_STRING, _OCTET_STRING, _OID = 0x30, 0x02, 0x01, 0x03, 0x04, 0x06
_EXPLICIT_VERSION, _EXPLICIT_EXTENSIONS = 0xA0, 0xA3
_UTC_TIME = 0x17

# String types, by the encoding that their bytes are read in.
_TEXTS = {
    0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1A: "ascii", 0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}  # fmt: skip
_SHORT_NAMES = {
    "2.5.4.6": "C", "2.5.4.8": "ST", "2.5.4.7": "L", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.3": "CN",
    "1.2.840.113549.1.9.1": "emailAddress",
}  # fmt: skip
_BASIC_CONSTRAINTS, _KEY_USAGE, _EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
_ALTERNATIVE_NAMES, _DNS_NAME, _IP_ADDRESS = "2.5.29.17", 0x82, 0x87
_RSA = "1.2.840.113549.1.1.1"
# Signature algorithms whose hash is named by them alone. RSASSA-PSS is not among them: it came after the weak ones.
_HASHES = {
    "1.2.840.113549.1.1.2": "md2", "1.2.840.113549.1.1.4": "md5", "1.2.840.113549.1.1.5": "sha1",
    "1.2.840.113549.1.1.14": "sha224", "1.2.840.113549.1.1.11": "sha256", "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512", "1.2.840.10045.4.1": "sha1", "1.2.840.10045.4.3.1": "sha224",
    "1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512",
}  # fmt: skip
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"

_TIME = re.compile(rb"(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")


class Malformed(ValueError):
    """These bytes are not the DER of what they were taken for."""


@dataclass(frozen=True)
class Certificate:
    """A certificate. Times are aware, in UTC; extended_key_usage and key_usage: None where it has no such extension.

    issuer_der, subject_der: the names as encoded, to compare. All but these and the serial number is read when it is
    asked for, and raises Malformed then.
    """

    der: bytes = field(repr=False)
    serial_number: int
    issuer_der: bytes = field(repr=False)
    subject_der: bytes = field(repr=False)
    _parts: Sequence[tuple[int, int, int]] = field(repr=False)

    @cached_property
    def not_valid_before(self) -> datetime:
        """From when on it is valid."""
        return self._validity[0]

    @cached_property
    def not_valid_after(self) -> datetime:
        """Until when it is valid."""
        return self._validity[1]

    @cached_property
    def _validity(self) -> Sequence[datetime]:
        _, at, end = self._parts[3]
        return [_time(self.der, *item) for item in _items(self.der, at, end)][:2]

    @property
    def hash(self) -> str:
        """The hash of its signature, empty where the algorithm does not name one."""
        _, at, end = self._parts[1]
        return _HASHES.get(_oid(self.der, *_first(self.der, at, end)), "")

    @property
    def bits(self) -> int:
        """The size of its RSA key, 0 for a key of another kind."""
        _, at, end = self._parts[5]
        return _rsa_bits(self.der, at, end)

    @property
    def is_self_issued(self) -> bool:
        """Whether it names itself as its issuer, as roots do."""
        return self.issuer_der == self.subject_der

    @cached_property
    def subject(self) -> str:
        """The subject for people: `C=FR, ST=…, CN=MZP128745`, in its own order."""
        return render_name(self.subject_der)

    @cached_property
    def issuer(self) -> str:
        """The issuer for people."""
        return render_name(self.issuer_der)

    @property
    def common_names(self) -> tuple[str, ...]:
        """Every common name of the subject."""
        return tuple(value for short, value in name_values(self.subject_der) if short == "CN")

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts that it is for, names and addresses (RFC 5280, section 4.2.1.6)."""
        value = self._extension(_ALTERNATIVE_NAMES)
        found = [] if value is None else [(tag, value[at:end]) for tag, at, end in _items(value, *_inside(value))]
        hosts = [content.decode("ascii", "replace") for tag, content in found if tag == _DNS_NAME]
        return (*hosts, *(str(ip_address(content)) for tag, content in found if tag == _IP_ADDRESS))

    @property
    def is_ca(self) -> bool:
        """Whether it may sign others (RFC 5280, sections 4.2.1.9 and 4.2.1.3)."""
        usage = self.key_usage
        return self._says_ca and (usage is None or _bit(usage, 5))

    @property
    def signs_data(self) -> bool:
        """Whether its key may sign, as TLS wants it; so may one without the extension."""
        usage = self.key_usage
        return usage is None or _bit(usage, 0)

    @cached_property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """Purposes, as dotted numbers."""
        value = self._extension(_EXTENDED_KEY_USAGE)
        return None if value is None else tuple(_oid(value, at, end) for _, at, end in _items(value, *_inside(value)))

    @cached_property
    def key_usage(self) -> bytes | None:
        """The bits of RFC 5280, section 4.2.1.3, without the count of unused ones."""
        value = self._extension(_KEY_USAGE)
        return None if value is None else value[_inside(value, _BIT_STRING)[0] + 1 :]

    @cached_property
    def _says_ca(self) -> bool:
        value = self._extension(_BASIC_CONSTRAINTS)
        if value is None:
            return False
        return any(tag == _BOOLEAN and value[at] != 0 for tag, at, _ in _items(value, *_inside(value)))

    def _extension(self, oid: str) -> bytes | None:
        data = next((self.der[at:end] for tag, at, end in self._parts[6:] if tag == _EXPLICIT_EXTENSIONS), b"")
        if not data:
            return None
        for _, at, end in _items(data, *_inside(data)):
            parts = list(_items(data, at, end))
            if len(parts) > 1 and _oid(data, *parts[0][1:]) == oid:
                return data[parts[-1][1] : parts[-1][2]]
        return None


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate. Raises Malformed."""
    try:
        parts = list(_items(der, *_first(der, *_inside(der))))
        if parts and parts[0][0] == _EXPLICIT_VERSION:
            del parts[0]
        serial, _, issuer, _, subject, _ = parts[:6]
        if (serial[0], issuer[0], subject[0]) != (_INTEGER, _SEQUENCE, _SEQUENCE):
            raise Malformed("not a certificate")
        return Certificate(
            der=der,
            serial_number=int.from_bytes(der[serial[1] : serial[2]], "big", signed=True),
            issuer_der=der[issuer[1] : issuer[2]],
            subject_der=der[subject[1] : subject[2]],
            _parts=parts,
        )
    except Malformed:
        raise
    except (IndexError, ValueError) as error:
        raise Malformed("not a certificate") from error


def name_values(name: bytes) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a name's content as (short name or dotted number, value).

    A value that is no text is given in hexadecimal. Raises Malformed.
    """
    for _, at, end in _items(name, 0, len(name)):
        for _, first, last in _items(name, at, end):
            type_, value = list(_items(name, first, last))[:2]
            oid = _oid(name, *type_[1:])
            content = name[value[1] : value[2]]
            encoding = _TEXTS.get(value[0])
            yield _SHORT_NAMES.get(oid, oid), content.decode(encoding, "replace") if encoding else content.hex()


def render_name(name: bytes) -> str:
    """Return a name's content for people; "?" for one that cannot be read."""
    try:
        return ", ".join(f"{short}={value}" for short, value in name_values(name))
    except (IndexError, ValueError):
        return "?"


def element(data: bytes) -> bytes:
    """Return the content of the one SEQUENCE that these bytes are. Raises Malformed."""
    at, end = _inside(data)
    return data[at:end]


def split(data: bytes, length_bytes: int) -> Sequence[bytes]:
    """Return the items of a list in TLS, each after its length. Raises Malformed where one is cut off."""
    found, at = [], 0
    while at < len(data):
        end = at + length_bytes + int.from_bytes(data[at : at + length_bytes], "big")
        if end > len(data) or at + length_bytes > len(data):
            raise Malformed("a list is cut off")
        found.append(data[at + length_bytes : end])
        at = end
    return found


def _items(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield tag, start and end of the content of each element between two offsets."""
    while at < end:
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            if not 0 < count <= 4:
                raise Malformed("a length that DER does not know")
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > end:
            raise Malformed("an element is cut off")
        yield tag, at, at + length
        at += length


def _first(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return start and end of the content of the first element between two offsets."""
    for _, first, last in _items(data, at, end):
        return first, last
    raise Malformed("nothing is in it")


def _inside(data: bytes, tag: int = _SEQUENCE) -> tuple[int, int]:
    """Return start and end of the content of the one element that these bytes are."""
    found, at, end = next(_items(data, 0, len(data)), (0, 0, 0))
    if found != tag:
        raise Malformed(f"no element of type {tag:#04x}")
    return at, end


def _oid(data: bytes, at: int, end: int) -> str:
    numbers, value = [], 0
    for byte in data[at:end]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    if not numbers:
        raise Malformed("an empty object identifier")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def _time(data: bytes, tag: int, at: int, end: int) -> datetime:
    found = _TIME.fullmatch(data, at, end)
    if found is None:
        raise Malformed("a time that RFC 5280 does not know")
    year, *others = map(int, found.groups())
    if tag == _UTC_TIME:  # RFC 5280, section 4.1.2.5.1
        year += 1900 if year >= 50 else 2000
    return datetime(year, *others, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]  # noqa: UP017 - Python 3.10


def _rsa_bits(data: bytes, at: int, end: int) -> int:
    algorithm, key = _items(data, at, end)
    if _oid(data, *_first(data, *algorithm[1:])) != _RSA:
        return 0
    first, to = _first(data, *_first(data, key[1] + 1, key[2]))  # after the count of unused bits
    return int.from_bytes(data[first:to], "big").bit_length()


def _bit(bits: bytes, number: int) -> bool:
    return len(bits) > number // 8 and bool(bits[number // 8] & 0x80 >> number % 8)
