"""Certificates, checked against the CSR they answer and the CA that is said to have issued them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from onboarding.findings import Finding, Severity, gettext_noop, worst
from onboarding.pki import keys, names
from onboarding.pki.chain import Chain, build_chain
from onboarding.pki.chain_rules import NETSCAPE_TYPE, Path
from onboarding.pki.intake import MAX_NOTES, Offer, read_certificates
from onboarding.pki.intake import UnreadableCertificate as UnreadableCertificate
from onboarding.pki.intake import load_certificates as load_certificates
from onboarding.pki.subject import visible
from onboarding.pki.traits import (
    MIN_EC_BITS,
    MIN_RSA_BITS,
    extension,
    fingerprint,
    is_ca,
    is_small,
    key_words,
    name_words,
    short_name_words,
    usage_words,
    weak_hash,
    when,
)

EXPIRES_SOON = timedelta(days=30)

SHORT_LIFE = timedelta(days=7)
"""A whole lifetime below this: nobody can renew by e-mail as fast, so it is a trial or a slip (days for months)."""

LONG_LIFE = timedelta(days=3 * 366)
"""A whole lifetime above this: corporate CAs issue for one to three years; a key that leaks is of use until the end."""


class Result(StrEnum):
    """What came out of one check. not_reached: there was nothing to check."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class Claim:
    """A certificate request, as findings name it; with ids, for its address.

    Only what the reader may see is ever given to a check.
    """

    request_id: str
    application_id: str
    environment_id: str
    application: str
    reference: str
    login: str
    environment: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Who is waiting for what. by_key: requests by the SPKI SHA-256 of their CSR; by_certificate: by the SHA-256 of
    the certificate that was taken in for them; by_serial: by the serial number of one that was taken in, of the same
    issuer as the one under check. In hexadecimal, all of them.
    """

    by_key: Mapping[str, Claim] = field(default_factory=dict)
    by_serial: Mapping[str, Claim] = field(default_factory=dict)
    by_certificate: Mapping[str, Claim] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One certificate under check, with all that it is held against: see `check_certificate`, `check_offer` and
    `check_brought`. csr_spki_sha256: of the key that it should be for; empty where that is not known.
    """

    certificate: x509.Certificate
    csr_spki_sha256: str
    requested: Mapping[str, str]
    ca: Sequence[x509.Certificate]
    now: datetime
    intermediates: Sequence[x509.Certificate] = ()
    claims: Claims = Claims()
    notes: Sequence[Finding] = ()
    unreadable_ca: Finding | None = None
    briefly: bool = False

    @cached_property
    def spki_sha256(self) -> str:
        """Of the certificate's public key."""
        return keys.spki_sha256(self.certificate.public_key())

    @cached_property
    def differences(self) -> tuple["SubjectRow", ...]:
        """The subject, side by side."""
        return compare_subjects(self.requested, names.subject_values(self.certificate.subject))

    @cached_property
    def chain(self) -> Chain:
        """The way up to the CA."""
        return build_chain(
            self.certificate, ca=self.ca, intermediates=self.intermediates, now=self.now, briefly=self.briefly
        )


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """One attribute of the subject. asked: as in the CSR; has: as in the certificate; empty where it is not there."""

    attribute: str
    asked: str
    has: str

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return self.asked == self.has


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one check. id: as in `CHECKS`."""

    id: str
    result: Result
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """What was found of a certificate: every check, in order, those that passed too.

    subject: side by side; path: from the certificate to the root, empty if there is none that holds. facts: what the
    titles in `CHECKS` are filled with, and what else is worth showing; nothing where no certificate could be read.
    """

    checks: tuple[Checked, ...]
    subject: tuple[SubjectRow, ...] = ()
    path: Path = ()
    facts: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the checks."""
        return tuple(finding for checked in self.checks for finding in checked.findings)

    @property
    def fit(self) -> bool:
        """Whether the certificate can be taken in."""
        return bool(self.path) and worst(self.findings) is not Severity.ERROR

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for pages, programs and a JSON column."""
        return {
            "fit": self.fit,
            "checks": [
                {
                    "id": checked.id,
                    "result": str(checked.result),
                    "findings": [finding.to_json() for finding in checked.findings],
                }
                for checked in self.checks
            ],
            "subject": [asdict(row) | {"same": row.same} for row in self.subject],
            "facts": dict(self.facts),
        }


def check_certificate(
    certificate: x509.Certificate,
    *,
    csr_spki_sha256: str,
    subject: Mapping[str, str],
    ca: Sequence[x509.Certificate],
    now: datetime,
    intermediates: Sequence[x509.Certificate] = (),
) -> CertificateReport:
    """Check a client certificate that `load_certificates` has read, in the order of `CHECKS`.

    csr_spki_sha256: the public key of the CSR (`keys.spki_sha256`). subject: as the CSR asked for.
    ca: the CA certificates given with it, in any order: the roots among them are trusted. intermediates: what came
    with the certificate, and may only lead to such a root. now: an aware datetime.
    """
    return _run(Case(certificate, csr_spki_sha256, subject, ca, now, intermediates))


def check_use(
    certificate: x509.Certificate,
    *,
    ca: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate] = (),
    now: datetime,
) -> tuple[Finding, ...]:
    """Check whether a client can use a certificate now, whatever it was asked for: `CHECKS` from the fourth on.

    For who asks often: what is only good to know about the chain is not looked for.
    """
    case = Case(certificate, "", {}, ca, now, intermediates, briefly=True)
    return tuple(finding for check in CHECKS if check.of_use for finding in check.find(case))


def check_offer(
    offer: Offer, *, csr_spki_sha256: str, subject: Mapping[str, str], now: datetime, claims: Claims = Claims()
) -> CertificateReport:
    """Find the certificate for a CSR among what came in, the newest of several, and check it.

    Where none is for it, one is checked whose request the reader may see, else the first. claims: what the reader may
    see of other requests.
    """
    mine = [one for one in offer.certificates if keys.spki_sha256(one.public_key()) == csr_spki_sha256]
    known = [one for one in offer.leaves if keys.spki_sha256(one.public_key()) in claims.by_key]
    several = [Finding("certificate_several", Severity.NOTE, "file", f"{len(mine)}")] if len(mine) > 1 else []
    return _run(
        Case(
            max(mine, key=lambda one: one.not_valid_before_utc, default=(*known, *offer.certificates)[0]),
            csr_spki_sha256,
            subject,
            offer.ca,
            now,
            intermediates=offer.intermediates,
            claims=claims,
            notes=[*offer.notes, *several],
            unreadable_ca=offer.unreadable_ca,
        )
    )


def check_brought(offer: Offer, *, mzp: str, key_spki_sha256: str = "", now: datetime) -> CertificateReport:
    """Find the certificate that is in use already among what came in, the newest of several, and check it: `BROUGHT`.

    mzp: the partner login, which its common name has to be. key_spki_sha256: of the private key that came with it;
    empty for none. Where none is for that key, or that login, the first one is checked.
    """
    spki = key_spki_sha256 or key_of_login(*(one.public_bytes(Encoding.DER) for one in offer.leaves), mzp=mzp)
    fits = [one for one in offer.leaves if keys.spki_sha256(one.public_key()) == spki]
    certificate = max(fits, key=lambda one: one.not_valid_before_utc, default=offer.certificates[0])
    several = [Finding("certificate_several", Severity.NOTE, "file", f"{len(fits)}")] if len(fits) > 1 else []
    return _run(
        Case(
            certificate,
            key_spki_sha256,
            {name: _several(values) for name, values in names.subject_values(certificate.subject).items()}
            | {"CN": mzp},
            offer.ca,
            now,
            intermediates=offer.intermediates,
            notes=[*offer.notes, *several],
            unreadable_ca=offer.unreadable_ca,
        ),
        BROUGHT,
    )


def key_of_login(*files: bytes, mzp: str) -> str:
    """Return the SPKI SHA-256 of the newest certificate in some files that names a partner login; empty if none does.

    By it `intake.read_offer` tells which file holds the certificate, where no private key came with it.
    """
    found = (read.certificate for data in files for read in read_certificates(data) if read.certificate is not None)
    named = [one for one in found if _common_name(one) == mzp and not is_ca(one)]
    newest = max(named, key=lambda one: one.not_valid_before_utc, default=None)
    return keys.spki_sha256(newest.public_key()) if newest is not None else ""


def unreadable(finding: Finding, among: Sequence["Check"] = ()) -> CertificateReport:
    """Return the report on a file in which there was no certificate to check. finding: of an UnreadableCertificate.

    among: the checks that would have been made; without, `CHECKS`.
    """
    first, *others = among or CHECKS
    return CertificateReport(
        (Checked(first.id, Result.FAILED, (finding,)), *(Checked(one.id, Result.NOT_REACHED) for one in others))
    )


def compare_subjects(requested: Mapping[str, str], issued: Mapping[str, Sequence[str]]) -> tuple[SubjectRow, ...]:
    """Set the subject that the CSR asked for beside the certificate's, in the CSR's order."""
    return tuple(
        SubjectRow(attribute, visible(requested.get(attribute, "")), _several(issued.get(attribute, ())))
        for attribute in dict.fromkeys((*requested, *issued))
    )


def _several(values: Sequence[str]) -> str:
    """Return an attribute's values, so that two never look like one that has a comma in it."""
    return " | ".join(visible(value) for value in values)


def _common_name(certificate: x509.Certificate) -> str:
    return ", ".join(names.subject_values(certificate.subject).get("CN", ()))


def _run(case: Case, among: Sequence["Check"] = ()) -> CertificateReport:
    checks = []
    for check in among or CHECKS:
        findings = tuple(check.find(case))
        result = _RESULTS[worst(findings)] if check.reached(case) else Result.NOT_REACHED
        checks.append(Checked(check.id, result, findings))
    return CertificateReport(tuple(checks), case.differences, case.chain.path, _facts(case))


_RESULTS = {
    Severity.ERROR: Result.FAILED,
    Severity.WARNING: Result.WARNING,
    Severity.NOTE: Result.PASSED,
    None: Result.PASSED,
}


def _facts(case: Case) -> dict[str, str | int]:
    certificate = case.certificate
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    hash_ = certificate.signature_hash_algorithm
    return {
        "subject": name_words(certificate.subject),
        "issuer": name_words(certificate.issuer),
        "serial_number": f"{certificate.serial_number:x}",
        "not_valid_before": when(begin),
        "not_valid_after": when(end),
        "lifetime_days": _days(end - begin),
        "days_left": max((end - case.now).days, 0),
        "signature_hash": hash_.name if hash_ is not None else certificate.signature_algorithm_oid._name,
        "key": key_words(certificate),
        "path": " → ".join(short_name_words(one.subject) for one in case.chain.path),
    }


def _days(span: timedelta) -> int:
    """Return the nearest number of days, at least one: certificates begin a few minutes before they are made."""
    return max(1, round(span / timedelta(days=1)))


def _finding(
    code: str, field: str, found: str = "", expected: str = "", severity: Severity = Severity.ERROR, **params: str | int
) -> Finding:
    return Finding(code, severity, field, visible(found), visible(expected), params)


# --- The checks ---


def _check_parsing(case: Case) -> Iterator[Finding]:
    # What could not be read never comes so far: see `unreadable`.
    yield from case.notes


def _check_key(case: Case) -> Iterator[Finding]:
    if taken_in := case.claims.by_certificate.get(fingerprint(case.certificate)):
        yield _finding("certificate_taken_in_already", "key", **asdict(taken_in))
    elif case.spki_sha256 != case.csr_spki_sha256:
        if case.spki_sha256 in case.claims.by_key:
            for key, other in islice(case.claims.by_key.items(), MAX_NOTES):
                yield _finding("certificate_of_another_request", "key", key, case.csr_spki_sha256, **asdict(other))
        else:
            yield _finding(
                "certificate_other_key",
                "key",
                case.spki_sha256,
                case.csr_spki_sha256,
                subject=name_words(case.certificate.subject),
            )


def _check_subject(case: Case) -> Iterator[Finding]:
    for row in case.differences:
        if not row.same:
            # The car maker tells partners apart by CN; of the rest a CA may drop or normalise something.
            severity = Severity.ERROR if row.attribute == "CN" else Severity.WARNING
            known = row.attribute in names.ATTRIBUTES
            yield _finding(
                "certificate_subject", row.attribute if known else "certificate", row.has, row.asked, severity,
                attribute=row.attribute,
            )  # fmt: skip


MAX_SERIAL_BYTES = 20
"""RFC 5280, section 4.1.2.2."""


def _check_serial(case: Case) -> Iterator[Finding]:
    number = case.certificate.serial_number
    if taken := case.claims.by_serial.get(f"{number:x}"):
        # What is revoked is named by issuer and serial number: both would be.
        yield _finding("certificate_serial_taken", "certificate", f"{number:x}", **asdict(taken))
    if number <= 0 or number.bit_length() >= 8 * MAX_SERIAL_BYTES:
        yield _finding("certificate_serial_odd", "certificate", f"{number:x}", severity=Severity.WARNING)


def _check_own_key(case: Case) -> Iterator[Finding]:
    if case.csr_spki_sha256 and case.spki_sha256 != case.csr_spki_sha256:
        subject = name_words(case.certificate.subject)
        yield _finding("certificate_not_for_key", "key", case.spki_sha256, case.csr_spki_sha256, subject=subject)


def _check_login(case: Case) -> Iterator[Finding]:
    found = _common_name(case.certificate)
    if found != case.requested["CN"]:
        yield _finding("certificate_other_login", "CN", found, case.requested["CN"])


def _check_validity(case: Case) -> Iterator[Finding]:
    begin, end, now = case.certificate.not_valid_before_utc, case.certificate.not_valid_after_utc, case.now
    life = end - begin
    if now < begin:
        yield _finding("certificate_not_yet_valid", "certificate", when(begin), when(now))
    elif now > end:
        yield _finding("certificate_expired", "certificate", when(end), when(now))
    elif life < SHORT_LIFE:
        yield _finding("certificate_short_life", "certificate", when(end), severity=Severity.WARNING, days=_days(life))
    elif end - now < EXPIRES_SOON:
        yield _finding(
            "certificate_expires_soon", "certificate", when(end), severity=Severity.WARNING, days=(end - now).days
        )
    if life > LONG_LIFE:
        # Nothing refuses it for that.
        yield _finding("certificate_long_life", "certificate", when(end), severity=Severity.NOTE, days=_days(life))


def _check_end_entity(case: Case) -> Iterator[Finding]:
    constraints = extension(case.certificate, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        yield _finding("certificate_is_ca", "extensions", "CA:TRUE", "CA:FALSE")


def _check_extended_key_usage(case: Case) -> Iterator[Finding]:
    usages = extension(case.certificate, x509.ExtendedKeyUsage)
    # anyExtendedKeyUsage does not count: OpenSSL, which many servers stand on, does not count it either.
    if usages is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        yield _finding("certificate_not_for_clients", "extensions", usage_words(usages), "clientAuth")
    elif not _netscape_type_allows_clients(case.certificate):
        yield _finding("certificate_not_for_clients", "extensions", "nsCertType", "clientAuth")


def _netscape_type_allows_clients(certificate: x509.Certificate) -> bool:
    """Return whether the old extension, a bit string whose first bit is for clients, is missing or says so."""
    for one in certificate.extensions:
        if one.oid == NETSCAPE_TYPE:
            value = one.value.public_bytes()
            return len(value) > 3 and bool(value[3] & 0x80)
    return True


def _check_key_usage(case: Case) -> Iterator[Finding]:
    usage = extension(case.certificate, x509.KeyUsage)
    # OpenSSL is content with keyAgreement too, which RSA keys, the only ones here, have no use for.
    if usage is not None and not usage.digital_signature:
        yield _finding("certificate_key_usage", "extensions", "", "digitalSignature")


def _check_hash(case: Case) -> Iterator[Finding]:
    if weak := weak_hash(case.certificate):
        yield _finding("certificate_hash", "signature", weak, "sha256")


def _check_key_size(case: Case) -> Iterator[Finding]:
    if is_small(case.certificate):
        key = case.certificate.public_key()
        least = MIN_RSA_BITS if isinstance(key, rsa.RSAPublicKey) else MIN_EC_BITS
        yield _finding("certificate_key_size", "key", f"{getattr(key, 'key_size', 0)}", f"{least}")


def _check_chain(case: Case) -> Iterator[Finding]:
    yield from (case.unreadable_ca,) if case.unreadable_ca is not None else case.chain.findings


def _chain_was_reached(case: Case) -> bool:
    # A signature with a broken hash cannot be verified, and is an error already.
    return bool(case.chain.path or case.chain.findings or case.unreadable_ca)


@dataclass(frozen=True, slots=True)
class Check:
    """One check. title: what holds if it passes; fact: what was looked at, filled with the report's facts.

    reached: whether there was anything to check. of_use: whether it is about using a certificate, whatever the CSR was.
    """

    id: str
    title: str
    find: Callable[[Case], Iterator[Finding]]
    fact: str = ""
    reached: Callable[[Case], bool] = lambda _case: True
    of_use: bool = True


CHECKS: tuple[Check, ...] = (
    Check("parsing", gettext_noop("It can be read"), _check_parsing, of_use=False),
    Check("key", gettext_noop("It is for the key of this CSR"), _check_key, of_use=False),
    Check("subject", gettext_noop("It says what the CSR asked for"), _check_subject, of_use=False),
    Check("serial", gettext_noop("Its serial number is its own"), _check_serial, "{serial_number}", of_use=False),
    Check(
        "validity",
        gettext_noop("It is valid now"),
        _check_validity,
        gettext_noop("{not_valid_before} to {not_valid_after}, {lifetime_days} days in all, {days_left} left"),
    ),
    Check("end_entity", gettext_noop("It is not a certificate authority's"), _check_end_entity),
    Check("extended_key_usage", gettext_noop("Clients may use it"), _check_extended_key_usage),
    Check("key_usage", gettext_noop("It may sign, as TLS needs"), _check_key_usage),
    Check("hash", gettext_noop("It is signed with a safe hash"), _check_hash, "{signature_hash}"),
    Check("key_size", gettext_noop("Its key is large enough"), _check_key_size, "{key}"),
    Check("chain", gettext_noop("It leads to the CA certificate"), _check_chain, "{path}", _chain_was_reached),
)
"""Numbered and in this order everywhere: on pages, for programs, in the tests. Nothing is fetched by any of them."""

BROUGHT: tuple[Check, ...] = (
    CHECKS[0],
    Check(
        "own_key",
        gettext_noop("It is for the private key that came with it"),
        _check_own_key,
        reached=lambda case: bool(case.csr_spki_sha256),
        of_use=False,
    ),
    Check("login", gettext_noop("It names the partner login"), _check_login, of_use=False),
    *CHECKS[3:],
)
"""For a certificate that was in use before it came here: what is about a CSR is about key and partner login instead."""

BY_ID = {check.id: check for check in (*CHECKS, *BROUGHT)}
"""All checks, for whoever shows a report."""
