"""PKCS#10 certificate signing requests (RFC 2986): made, and checked against a programme's rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID, ExtensionOID

from onboarding.findings import Finding, Severity
from onboarding.pki import files, instructions, keys, names
from onboarding.pki.files import Kind
from onboarding.pki.subject import check_subject, corrected
from onboarding.pki.weak_keys import weak_key_findings
from onboarding.programmes import KeyRule, Profile

# Every other exception of the library was seen in none of many thousand mutated CSRs.
UNPARSABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)

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
    weak_keys: whether to look for known-weak keys too, which takes four times as long as all the rest.

    The order: 1. size, 2. private keys, 3. one CSR and no more, 4. parse, 5. key, 6. signature hash, 7. signature,
    8. subject, 9. extensions and attributes, 10. weak keys. What costs arithmetic comes after what bounds it.
    """
    # 1.
    if len(data) > files.MAX_BYTES:
        return _unreadable("file_too_large", f"{len(data)}", f"{files.MAX_BYTES}")
    found = files.items(data)
    if not found:
        return _unreadable("file_empty")
    requests = dict.fromkeys(item.der for item in found if item.kind is Kind.CSR)
    findings: list[Finding] = []
    # 2.
    exposed = any(item.kind is Kind.PRIVATE_KEY for item in found)
    if exposed and requests:
        findings.append(Finding("private_key_in_file", Severity.ERROR, "key"))
    # 3.
    if not requests:
        return _unreadable(_NOT_A_CSR[Kind.PRIVATE_KEY if exposed else found[0].kind])
    if len(requests) > 1:
        findings.append(Finding("file_several_csrs", Severity.ERROR, "file", f"{len(requests)}", "1"))
    # 4.
    try:
        der = next(iter(requests))
        csr = x509.load_der_x509_csr(der)
    except UNPARSABLE:
        return _unreadable("csr_damaged", also=findings)
    try:
        subject = names.csr_subject_values(csr, der)
    except UNPARSABLE:
        # A whole CSR whose names cannot be read: OpenSSL writes T61String where its configuration asks for it.
        return CsrReport(csr, {}, None, None, (*findings, Finding("name_encoding", Severity.ERROR, "file")))
    # 5.
    key, key_findings = _check_key(csr, rules.key)
    findings += key_findings
    # 6. and 7.
    findings += _check_signature(csr, rules.key, key_is_sound=not key_findings)
    # 8.
    findings += check_subject(subject, rules.dn, mzp=mzp)
    # 9.
    findings += _check_requested(csr)
    # 10.
    if weak_keys and key is not None and not key_findings:
        findings += weak_key_findings(key.public_key)
    return CsrReport(
        csr,
        names.first_values(subject),
        {"type": key.type, "bits": key.bits} if key is not None else None,
        key.spki_sha256 if key is not None else None,
        tuple(_with_commands(findings, corrected(subject, rules.dn, mzp=mzp, described=described), rules.key))
        if findings
        else (),
    )


def _unreadable(code: str, found: str = "", expected: str = "", also: Sequence[Finding] = ()) -> CsrReport:
    findings = (*also, Finding(code, Severity.ERROR, "file", found, expected))
    return CsrReport(None, {}, None, None, findings)


@dataclass(slots=True)
class _Key:
    """A public key with what is asked about it several times."""

    public_key: CertificatePublicKeyTypes
    type: str
    bits: int
    spki_sha256: str


def _check_key(csr: x509.CertificateSigningRequest, rule: KeyRule) -> tuple[_Key | None, list[Finding]]:
    """Return the public key and what is wrong with it. Nothing is computed with it."""
    try:
        public_key = csr.public_key()
        key = _Key(public_key, *keys.describe(public_key), keys.spki_sha256(public_key))
    except UNPARSABLE:
        return None, [Finding("key_unsupported", Severity.ERROR, "key", "", " / ".join(rule.types))]
    if key.type not in rule.types:
        return key, [Finding("key_type", Severity.ERROR, "key", key.type, " / ".join(rule.types))]
    if not rule.min_bits <= key.bits <= rule.max_bits:
        too_small, expected = key.bits < rule.min_bits, f"{rule.min_bits}–{rule.max_bits}"
        return key, [
            Finding("key_too_small" if too_small else "key_too_big", Severity.ERROR, "key", f"{key.bits}", expected)
        ]
    if isinstance(public_key, rsa.RSAPublicKey):
        exponent = public_key.public_numbers().e
        if exponent != rule.public_exponent:
            # Python refuses to write integers of more than 4,300 digits.
            shown = f"{exponent}" if exponent.bit_length() <= 64 else f"{exponent:#x}"[:18] + "…"
            return key, [Finding("key_exponent", Severity.ERROR, "key", shown, f"{rule.public_exponent}")]
    return key, []


def _check_signature(csr: x509.CertificateSigningRequest, rule: KeyRule, *, key_is_sound: bool) -> Iterator[Finding]:
    """Say what is wrong with the self-signature. It is only computed for a key within bounds."""
    try:
        algorithm = csr.signature_hash_algorithm
        name = algorithm.name if algorithm is not None else "none"
    except UNPARSABLE:
        name = csr.signature_algorithm_oid.dotted_string
    if name not in rule.hashes:
        # The library calls every SHA-1 and MD5 signature invalid, which would be said of a sound one, too.
        yield Finding("signature_hash", Severity.ERROR, "signature", name, " / ".join(rule.hashes))
    elif key_is_sound and not _signature_valid(csr):
        yield Finding("signature_invalid", Severity.ERROR, "signature")


def _signature_valid(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.is_signature_valid
    except UNPARSABLE:
        return False


def _check_requested(csr: x509.CertificateSigningRequest) -> Iterator[Finding]:
    """Say which extensions (RFC 5280, section 4.2) and attributes (RFC 2985, section 5.4) are asked for."""
    try:
        extensions = csr.extensions
        challenge = any(row.oid == AttributeOID.CHALLENGE_PASSWORD for row in csr.attributes)
    except (*UNPARSABLE, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        yield Finding("extensions_unreadable", Severity.ERROR, "extensions")
        return
    for extension in extensions:
        if isinstance(extension.value, x509.BasicConstraints) and extension.value.ca:
            yield Finding("extension_ca", Severity.ERROR, "extensions", "CA:TRUE")
        elif extension.oid not in _HARMLESS_EXTENSIONS:
            name = getattr(extension.oid, "_name", "Unknown OID")
            shown = extension.oid.dotted_string if name == "Unknown OID" else name
            yield Finding("extension_unexpected", Severity.WARNING, "extensions", shown)
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
