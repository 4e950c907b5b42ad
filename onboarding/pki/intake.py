"""Certificates read from whatever they come in: PEM, DER, PKCS#7, or a ZIP of many, in any order.

Nothing is written to a disk, and nothing is fetched. A ZIP is read entry by entry; what it may cost is bounded by its
own size before anything is unpacked.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from onboarding.findings import Finding, Severity
from onboarding.pki import files, keys, names
from onboarding.pki.files import Item, Kind
from onboarding.pki.subject import visible
from onboarding.pki.traits import is_ca, is_self_issued
from onboarding.pki.unparsable import UNPARSABLE

MAX_CERTIFICATES = 20
"""More are not a chain. Bounds what a verification can cost."""

MAX_NOTES = 20
"""As many things that were left out are named."""

MAX_ZIP_BYTES = 16 * 1024 * 1024
MAX_ZIP_ENTRIES = 10_000
MAX_ZIP_RATIO = 10
"""How many times its size a ZIP may unpack to. Certificates, whose keys and signatures are random, reach 1.5."""

_EXPOSED = "certificate_with_private_key"
"""Whatever else is in the file, it is refused whole."""

_NOT_A_CERTIFICATE: Mapping[Kind, str] = {
    Kind.CSR: "certificate_is_csr",
    Kind.PKCS12: "certificate_is_keystore",
    Kind.JKS: "certificate_is_keystore",
    Kind.ZIP: "certificate_zip_in_zip",
    Kind.HTML: "certificate_is_html",
}

# The end of a ZIP's central directory (APPNOTE.TXT, 4.3.16): entries in all, the directory's size, its offset.
_END_OF_DIRECTORY = struct.Struct("<4s6xHII2x")
_ZIP64_LOCATOR = b"PK\x06\x07"
_MAX_COMMENT = 0xFFFF
_MORE_ENTRIES = 0xFFFF
_DIRECTORY_BYTES_PER_ENTRY = 46 + 256
"""A directory entry's fixed part, and room for a name."""

_BAD_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError)
"""What zipfile raises for damaged, encrypted or exotic entries."""


class UnreadableCertificate(Exception):
    """The file holds no certificates that can be read. `finding` says why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class Read:
    """One thing that was read: a certificate, or why there is none. file: its name in the ZIP, empty outside one."""

    file: str
    certificate: x509.Certificate | None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Sorted:
    """Certificates by what they are, each once, in the order in which they came."""

    leaves: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    roots: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What came in for a CSR, from one file or two: each certificate once, in the order in which they came.

    leaves: end entities, of which one should be for the CSR. ca: what was given as CA certificates; where nothing was,
    the roots that came with the certificate. intermediates: the CA certificates that came with it, roots included.
    notes: what was left out. unreadable_ca: why there is nothing in `ca` although a file was given.
    """

    leaves: tuple[x509.Certificate, ...]
    ca: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    notes: tuple[Finding, ...] = ()
    unreadable_ca: Finding | None = None

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """All of them, end entities first."""
        return tuple(dict.fromkeys((*self.leaves, *self.intermediates, *self.ca)))


def read_certificates(data: bytes) -> Iterator[Read]:
    """Yield each certificate in a file as it is read, and a finding for each thing in it that is none. Never raises.

    A finding is an error, save for what stands beside certificates in a ZIP and does no harm: a note.
    """
    if files.recognise(data) is Kind.ZIP:
        yield from _read_zip(data)
    elif len(data) > files.MAX_BYTES:
        yield _nothing("certificate_too_large", f"{len(data)}", f"{files.MAX_BYTES}")
    else:
        yield from _read_file(data)


def read_offer(certificate: bytes, ca: bytes = b"", *, spki_sha256: str) -> Offer:
    """Read the file with the certificate, and the one with the CA certificates if there is one.

    spki_sha256: of the CSR's public key. In a ZIP that holds the certificate for it, other things may be unreadable.
    Two files that were taken for one another are understood. Raises UnreadableCertificate, also for a file that holds
    a private key beside certificates.
    """
    came, notes = _gather(certificate, spki_sha256)
    intermediates = (*came.intermediates, *came.roots)
    roots = came.roots or came.intermediates  # without a root, the chain's check says which one is missing
    if not ca:
        return Offer(came.leaves, roots, intermediates, notes)
    try:
        given, more = _gather(ca, spki_sha256)
    except UnreadableCertificate as error:
        if error.finding.code == _EXPOSED:
            raise
        return Offer(came.leaves, (), intermediates, notes, replace(error.finding, field="chain"))
    authorities = (*given.intermediates, *given.roots)
    if not authorities:
        swapped = roots and any(_is_for(one, spki_sha256) for one in given.leaves)
        authorities = roots if swapped else given.leaves
    leaves = tuple(dict.fromkeys((*came.leaves, *given.leaves)))
    return Offer(leaves, authorities, intermediates, (*notes, *more)[:MAX_NOTES])


def _gather(data: bytes, spki_sha256: str) -> tuple[Sorted, tuple[Finding, ...]]:
    certificates: list[x509.Certificate] = []
    notes: list[Finding] = []
    problems: list[tuple[str, Finding]] = []
    for read in read_certificates(data):
        if read.certificate is not None:
            certificates.append(read.certificate)
        elif read.finding is not None and read.finding.severity is Severity.NOTE:
            notes.append(read.finding)
        elif read.finding is not None:
            problems.append((read.file, read.finding))
    found = sort(certificates)
    is_there = any(_is_for(one, spki_sha256) for one in found.leaves)
    for file, problem in problems:
        if not file or not is_there or problem.code == _EXPOSED:
            raise UnreadableCertificate(problem)
        notes.append(Finding("certificate_zip_unread", Severity.NOTE, "file", file))
    if not certificates:
        raise UnreadableCertificate(_why_nothing(notes))
    if len(found.intermediates) + len(found.roots) > MAX_CERTIFICATES:
        raise UnreadableCertificate(_too_many())
    return found, tuple(notes[:MAX_NOTES])


def _is_for(certificate: x509.Certificate, spki_sha256: str) -> bool:
    return keys.spki_sha256(certificate.public_key()) == spki_sha256


def load_certificates(data: bytes) -> list[x509.Certificate]:
    """Return the certificates in a file, in its order: a chain, in any of the forms that `read_certificates` takes.

    Raises UnreadableCertificate, also for a file that holds a private key beside them.
    """
    certificates: list[x509.Certificate] = []
    notes: list[Finding] = []
    for read in read_certificates(data):
        if read.certificate is not None:
            certificates.append(read.certificate)
        elif read.finding is not None and read.finding.severity is Severity.ERROR:
            raise UnreadableCertificate(read.finding)
        elif read.finding is not None:
            notes.append(read.finding)
        if len(certificates) > MAX_CERTIFICATES:
            raise UnreadableCertificate(_too_many())
    if not certificates:
        raise UnreadableCertificate(_why_nothing(notes))
    return certificates


def sort(certificates: Sequence[x509.Certificate]) -> Sorted:
    """Sort certificates into end entities, intermediate CAs and roots; the same one twice counts once."""
    distinct = dict.fromkeys(certificates)
    authorities = {one: is_self_issued(one) for one in distinct if is_ca(one)}
    return Sorted(
        tuple(one for one in distinct if one not in authorities),
        tuple(one for one, own in authorities.items() if not own),
        tuple(one for one, own in authorities.items() if own),
    )


def _too_many() -> Finding:
    return _error("certificate_too_many", f"> {MAX_CERTIFICATES}", f"{MAX_CERTIFICATES}")


def _why_nothing(notes: Sequence[Finding]) -> Finding:
    """Return why there is no certificate: of what was left out, the first."""
    return replace(notes[0], severity=Severity.ERROR) if notes else _error("certificate_empty")


def _error(code: str, found: str = "", expected: str = "") -> Finding:
    return Finding(code, Severity.ERROR, "file", found, expected)


def _nothing(code: str, found: str = "", expected: str = "", file: str = "") -> Read:
    return Read(file, None, Finding(code, Severity.ERROR, "file", found, expected))


def _read_file(data: bytes, file: str = "") -> Iterator[Read]:
    found = files.items(data)
    if not found:
        yield _nothing("certificate_empty", file=file)
    elif any(item.kind is Kind.PRIVATE_KEY for item in found):
        yield _nothing("certificate_with_private_key", file=file)
    elif holders := [item for item in found if item.kind in (Kind.CERTIFICATE, Kind.PKCS7)]:
        for item in holders:
            yield from _load(item, file)
    else:
        yield _nothing(_NOT_A_CERTIFICATE.get(found[0].kind, "certificate_unknown"), file=file)


def _load(item: Item, file: str) -> Iterator[Read]:
    try:
        # Some programs write a PKCS#7 bundle under the label of a certificate.
        if files.recognise(item.der) is Kind.PKCS7:
            certificates = pkcs7.load_der_pkcs7_certificates(item.der)
        else:
            certificates = [x509.load_der_x509_certificate(item.der)]
        for certificate in certificates:
            _parse_all(certificate)
    except UNPARSABLE:
        yield _nothing("certificate_damaged", file=file)
    else:
        yield from (Read(file, certificate) for certificate in certificates)


def _parse_all(certificate: x509.Certificate) -> None:
    """Parse all of it here, once, so that nothing later can raise."""
    names.subject_values(certificate.subject)
    names.subject_values(certificate.issuer)
    _ = certificate.extensions, certificate.signature_hash_algorithm
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    keys.spki_sha256(certificate.public_key())


def _read_zip(data: bytes) -> Iterator[Read]:
    if len(data) > MAX_ZIP_BYTES:
        yield _nothing("certificate_too_large", f"{len(data)}", f"{MAX_ZIP_BYTES}")
        return
    if (refused := _directory_refused(data)) is not None:
        yield refused
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from _read_entries(archive, MAX_ZIP_RATIO * len(data))
    except _BAD_ZIP:
        yield _nothing("certificate_zip_damaged")


def _directory_refused(data: bytes) -> Read | None:
    """Say why the ZIP is not even opened: opening it builds an object for each entry of its directory."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - _END_OF_DIRECTORY.size - _MAX_COMMENT))
    if at < 0 or at + _END_OF_DIRECTORY.size > len(data):
        return _nothing("certificate_zip_damaged")
    _, entries, size, _ = _END_OF_DIRECTORY.unpack_from(data, at)
    if _ZIP64_LOCATOR in data[max(0, at - 20) : at]:
        # Of such an archive the number may be elsewhere: this one stands for "more".
        if entries == _MORE_ENTRIES:
            return _nothing("certificate_zip_entries", f"> {_MORE_ENTRIES - 1}", f"{MAX_ZIP_ENTRIES}")
        return _nothing("certificate_zip_damaged")
    if entries > MAX_ZIP_ENTRIES or size > MAX_ZIP_ENTRIES * _DIRECTORY_BYTES_PER_ENTRY:
        return _nothing("certificate_zip_entries", f"{entries}", f"{MAX_ZIP_ENTRIES}")
    return None


def _read_entries(archive: zipfile.ZipFile, budget: int) -> Iterator[Read]:
    entries = [entry for entry in archive.infolist() if not _is_clutter(entry)]
    # Judged by what the directory says, before anything is unpacked; no more than it says is unpacked of any entry.
    if (total := sum(entry.file_size for entry in entries)) > budget:
        yield _nothing("certificate_zip_bomb", f"{total}", f"{budget}")
        return
    if not entries:
        yield _nothing("certificate_empty")
    for entry in entries:
        file = visible(entry.filename)
        if entry.file_size > files.MAX_BYTES:
            yield _note("certificate_zip_skipped", file, "certificate_too_large")
            continue
        try:
            content = archive.read(entry)
        except _BAD_ZIP:
            yield _nothing("certificate_zip_damaged", file, file=file)
            continue
        for read in _read_file(content, file):
            if read.finding is not None and read.finding.code in _HARMLESS_IN_ZIP:
                yield _note("certificate_zip_skipped", file, read.finding.code)
            else:
                yield read


_HARMLESS_IN_ZIP = {"certificate_empty", "certificate_unknown", "certificate_is_csr", "certificate_is_html"}
"""What is only left out where it stands beside certificates: a note to the reader, the CSR, an empty file."""


def _note(code: str, file: str, why: str) -> Read:
    return Read(file, None, Finding(code, Severity.NOTE, "file", file, why))


def _is_clutter(entry: zipfile.ZipInfo) -> bool:
    """Return whether this is a folder, or what macOS and file managers put beside files."""
    return entry.is_dir() or any(part.startswith((".", "__MACOSX")) for part in entry.filename.split("/"))
