"""PKCS#10 certificate signing requests (RFC 2986): made, and checked against a programme's rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID, ExtensionOID, PublicKeyAlgorithmOID, SignatureAlgorithmOID

from onboarding.findings import Finding, Severity
from onboarding.pki import files, instructions, keys, names, ordinary
from onboarding.pki.files import Kind
from onboarding.pki.subject import MOST_OF_A_KIND, check_subject, corrected, shown
from onboarding.pki.unparsable import UNPARSABLE
from onboarding.pki.weak_keys import weak_key_findings
from onboarding.programmes import KeyRule, Profile

_NOT_A_CSR: Mapping[Kind, str] = {
    Kind.CERTIFICATE: "file_is_certificate",
    Kind.PRIVATE_KEY: "file_is_private_key",
    Kind.PUBLIC_KEY: "file_is_public_key",
    Kind.PKCS7: "file_is_certificate",
    Kind.PKCS12: "file_is_keystore",
    Kind.JKS: "file_is_keystore",
    Kind.ZIP: "file_is_zip",
    Kind.HTML: "file_is_html",
    Kind.UNKNOWN: "file_unknown",
}

_HARMLESS_EXTENSIONS = frozenset({ExtensionOID.SUBJECT_KEY_IDENTIFIER})
"""keytool writes one into every CSR."""

_ID_DSA = bytes.fromhex("06072a8648ce380401")
"""The object identifier of DSA keys, encoded (RFC 3279, section 2.3.2)."""

_MENDED_BY: Mapping[str, str] = {"key": "new_key", "extensions": "remake", "signature": "remake", "file": "remake"}
"""Which command mends a finding about a field; one about the subject is mended by making the CSR again."""


@dataclass(frozen=True, slots=True)
class CsrReport:
    """What was found in a CSR file.

    csr, key ({"type", "bits"}), spki_sha256 (hexadecimal): None where they could not be read.
    subject: one value for each attribute of `names.ATTRIBUTES` that is there.
    """

    csr: x509.CertificateSigningRequest | None
    subject: dict[str, str]
    key: dict[str, str | int] | None
    spki_sha256: str | None
    findings: tuple[Finding, ...]

    @property
    def pem(self) -> bytes | None:
        """The CSR alone, whatever else was in the file; None where it could not be read."""
        return self.csr.public_bytes(Encoding.PEM) if self.csr is not None else None

    @property
    def readable(self) -> bool:
        """Whether there was a CSR to judge."""
        return self.csr is not None

    @property
    def fit(self) -> bool:
        """Whether the CSR can be submitted."""
        return self.readable and not any(finding.severity is Severity.ERROR for finding in self.findings)


def build_csr(key: CertificateIssuerPrivateKeyTypes, values: Mapping[str, str]) -> bytes:
    """Return a CSR as PEM, signed with SHA-256. values: by short name (`names.ATTRIBUTES`)."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(names.build_name(values))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def check_csr(
    data: bytes,
    rules: Profile,
    *,
    mzp: str | None,
    described: Mapping[str, str] | None = None,
    weak_keys: bool = True,
) -> CsrReport:
    """Check a CSR file. Never raises; whatever is wrong is a finding with a remedy.

    mzp: the partner login that CN has to be; None where none is assigned yet.
    described: what the CSR was to say, by short name, as far as that is known: for the commands that mend it.
    weak_keys: whether to look for known-weak keys too, which takes five times as long as all the rest.

    The order: 1. size, 2. private keys, 3. one CSR and no more, 4. parse, 5. key, 6. signature hash, 7. signature,
    8. subject, 9. extensions and attributes, 10. weak keys. What costs arithmetic comes after what bounds it.
    """
    report = _check(data, rules, mzp, weak_keys)
    if not report.findings:
        return report
    subject = {short: [value] for short, value in report.subject.items()}
    mended = corrected(subject, rules.dn, mzp=mzp, described=described)
    return replace(report, findings=tuple(_with_commands(report.findings, mended, rules.key)))


def _check(data: bytes, rules: Profile, mzp: str | None, weak_keys: bool) -> CsrReport:
    # 1.
    if len(data) > files.MAX_BYTES:
        return _unreadable(_file_error("file_too_large", f"{len(data)}", f"{files.MAX_BYTES}"))
    found = files.items(data)
    if not found:
        return _unreadable(_file_error("file_empty"))
    requests = dict.fromkeys(item.der for item in found if item.kind is Kind.CSR)
    findings: list[Finding] = []
    # 2.
    exposed = any(item.kind is Kind.PRIVATE_KEY for item in found)
    if exposed and requests:
        findings.append(Finding("private_key_in_file", Severity.ERROR, "key"))
    # 3.
    if not requests:
        return _unreadable(_file_error(_NOT_A_CSR[Kind.PRIVATE_KEY if exposed else found[0].kind]))
    if len(requests) > 1:
        findings.append(_file_error("file_several_csrs", f"{len(requests)}", "1"))
    # 4.
    der = next(iter(requests))
    try:
        csr = x509.load_der_x509_csr(der)
    except UNPARSABLE:
        return _unreadable(*findings, _why_unparsable(der, rules.key))
    content = _read(csr, der)
    key = content.key
    # 5.
    key_findings = list(_check_key(key, rules.key))
    findings += key_findings
    # 6. and 7.
    findings += _check_signature(csr, content, rules.key, key_is_sound=not key_findings)
    # 8.
    if content.subject is None:
        findings.append(_file_error("name_encoding"))
    else:
        findings += check_subject(content.subject, rules.dn, mzp=mzp)
    if content.name is not None:
        findings += _check_encoding(content.name)
    # 9.
    if not content.bare:
        findings += _check_requested(csr)
    # 10.
    if weak_keys and key is not None and key.modulus and not key_findings:
        findings += weak_key_findings(key.modulus, key.exponent)
    return CsrReport(
        csr,
        names.first_values(content.subject or {}),
        {"type": key.type, "bits": key.bits} if key is not None else None,
        key.spki_sha256 if key is not None else None,
        tuple(findings),
    )


def _file_error(code: str, found: str = "", expected: str = "") -> Finding:
    return Finding(code, Severity.ERROR, "file", found, expected)


def _unreadable(*findings: Finding) -> CsrReport:
    return CsrReport(None, {}, None, None, findings)


def _why_unparsable(der: bytes, rule: KeyRule) -> Finding:
    # A CSR for a DSA key, which keytool made by default up to JDK 18, has parameters that the library does not take.
    if _ID_DSA in der:
        return Finding("key_type", Severity.ERROR, "key", "DSA", " / ".join(rule.types))
    return _file_error("csr_damaged")


@dataclass(slots=True)
class _Key:
    """A public key as far as it is judged. modulus, exponent: of an RSA key; 0 for others."""

    type: str
    bits: int
    spki_sha256: str
    modulus: int = 0
    exponent: int = 0


@dataclass(slots=True)
class _Content:
    """What a CSR says.

    subject: None where it cannot be read for certain. key: None where it cannot be read. hash_name: of the signature;
    empty where it has none of its own, dotted where it is unknown. bare: nothing is asked for besides, and it is signed
    as usual. name: as the library reads it, where it is not written as usual.
    """

    subject: Mapping[str, Sequence[str]] | None
    key: _Key | None
    hash_name: str
    bare: bool = False
    name: x509.Name | None = None


def _read(csr: x509.CertificateSigningRequest, der: bytes) -> _Content:
    """Return what a CSR says: straight from its bytes if they are the usual ones, else by way of the library."""
    if usual := ordinary.read(der):
        key = _Key("RSA", usual.bits, usual.spki_sha256, usual.modulus, ordinary.EXPONENT)
        hash_name = ordinary.HASH if usual.bare else _hash_name(csr)
        return _Content(usual.subject, key, hash_name, bare=usual.bare)
    try:
        name = csr.subject
    except UNPARSABLE:
        name = None
    subject = names.subject_values(name) if name is not None else None
    return _Content(subject, _read_key(csr), _hash_name(csr), name=name)


def _read_key(csr: x509.CertificateSigningRequest) -> _Key | None:
    try:
        public_key = csr.public_key()
        key = _Key(*keys.describe(public_key), keys.spki_sha256(public_key))
    except UNPARSABLE:
        return None
    if isinstance(public_key, rsa.RSAPublicKey):
        numbers = public_key.public_numbers()
        key.modulus, key.exponent = numbers.n, numbers.e
        algorithm = csr.public_key_algorithm_oid  # type: ignore[attr-defined] # its types lack what it has
        if algorithm == PublicKeyAlgorithmOID.RSASSA_PSS:
            key.type = "RSASSA-PSS"  # for PSS only (RFC 4055, section 1.2); the library calls it RSA, too
    return key


def _hash_name(csr: x509.CertificateSigningRequest) -> str:
    try:
        algorithm = csr.signature_hash_algorithm
    except UNPARSABLE:
        return csr.signature_algorithm_oid.dotted_string
    return algorithm.name if algorithm is not None else ""


def _check_key(key: _Key | None, rule: KeyRule) -> Iterator[Finding]:
    """Say what is wrong with the public key. Nothing is computed with it."""
    if key is None:
        yield Finding("key_unsupported", Severity.ERROR, "key", "", " / ".join(rule.types))
    elif key.type not in rule.types:
        yield Finding("key_type", Severity.ERROR, "key", key.type, " / ".join(rule.types))
    elif not rule.min_bits <= key.bits <= rule.max_bits:
        too_small, expected = key.bits < rule.min_bits, f"{rule.min_bits}–{rule.max_bits}"
        yield Finding("key_too_small" if too_small else "key_too_big", Severity.ERROR, "key", f"{key.bits}", expected)
    elif key.modulus and key.exponent != rule.public_exponent:
        # Python refuses to write integers of more than 4,300 digits.
        found = f"{key.exponent}" if key.exponent.bit_length() <= 64 else f"{key.exponent:#x}"[:18] + "…"
        yield Finding("key_exponent", Severity.ERROR, "key", found, f"{rule.public_exponent}")


def _check_signature(
    csr: x509.CertificateSigningRequest, content: _Content, rule: KeyRule, *, key_is_sound: bool
) -> Iterator[Finding]:
    """Say what is wrong with the self-signature. It is only computed for a key within bounds."""
    if content.hash_name and content.hash_name not in rule.hashes:
        # The library calls every SHA-1 and MD5 signature invalid, which would be said of a sound one, too.
        yield Finding("signature_hash", Severity.ERROR, "signature", content.hash_name, " / ".join(rule.hashes))
        return
    if not key_is_sound:
        return
    if not _signature_valid(csr):
        yield Finding("signature_invalid", Severity.ERROR, "signature")
    elif not content.bare and csr.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS:
        # Sound, but not what OpenSSL and keytool write, and not what the programmes document.
        yield Finding("signature_pss", Severity.WARNING, "signature", "RSASSA-PSS", "PKCS#1 v1.5")


def _signature_valid(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.is_signature_valid
    except UNPARSABLE:
        return False


def _check_encoding(name: x509.Name) -> Iterator[Finding]:
    """Say what is unusual in how the names are written: several attributes in one set, old string types."""
    joined = (part for part in name.rdns if len(part) > 1)
    for part in islice(joined, MOST_OF_A_KIND):
        shorts = sorted(names.short_name(attribute.oid) for attribute in part)
        yield Finding("attribute_joined", Severity.WARNING, "file", shown(" + ".join(shorts)))
    types = {names.short_name(attribute.oid): names.string_type(attribute) for attribute in name}
    if old := [f"{short}: {type_}" for short, type_ in types.items() if type_ not in names.STRING_TYPES]:
        yield Finding("attribute_string_type", Severity.WARNING, "file", shown(", ".join(old)), "UTF8String")


def _check_requested(csr: x509.CertificateSigningRequest) -> Iterator[Finding]:
    """Say which extensions (RFC 5280, section 4.2) and attributes (RFC 2985, section 5.4) are asked for."""
    try:
        extensions = csr.extensions
        challenge = any(row.oid == AttributeOID.CHALLENGE_PASSWORD for row in csr.attributes)
    except UNPARSABLE:
        yield Finding("extensions_unreadable", Severity.ERROR, "extensions")
        return
    if any(isinstance(extension.value, x509.BasicConstraints) and extension.value.ca for extension in extensions):
        yield Finding("extension_ca", Severity.ERROR, "extensions", "CA:TRUE")
        harmless = _HARMLESS_EXTENSIONS | {ExtensionOID.BASIC_CONSTRAINTS}
    else:
        harmless = _HARMLESS_EXTENSIONS
    unexpected = (extension.oid for extension in extensions if extension.oid not in harmless)
    for oid in islice(unexpected, MOST_OF_A_KIND):
        name = getattr(oid, "_name", "Unknown OID")
        found = oid.dotted_string if name == "Unknown OID" else name
        yield Finding("extension_unexpected", Severity.WARNING, "extensions", found)
    if challenge:
        # Its value is a password: not shown.
        yield Finding("challenge_password", Severity.WARNING, "extensions")


def _with_commands(findings: Sequence[Finding], subject: Mapping[str, str], rule: KeyRule) -> Iterator[Finding]:
    """Give each finding the command that mends it, filled in with the subject as it should be."""
    commands = {
        "remake": instructions.openssl_remake(subject),
        "new_key": instructions.openssl_new_key(subject, rule.choices[0]),
    }
    for finding in findings:
        command = commands[_MENDED_BY.get(finding.field, "remake")]
        yield replace(finding, params={**finding.params, "command": command})
