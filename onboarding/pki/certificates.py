"""Certificates: read, and checked against the CSR they answer and the CA that is said to have issued them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from cryptography.x509.verification import (
    ClientVerifier,
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from onboarding.findings import Finding, Severity
from onboarding.pki import keys, names
from onboarding.pki.intake import UNPARSABLE, is_ca
from onboarding.pki.intake import UnreadableCertificate as UnreadableCertificate
from onboarding.pki.intake import load_certificates as load_certificates
from onboarding.pki.subject import visible

T = TypeVar("T", bound=x509.ExtensionType)

EXPIRES_SOON = timedelta(days=30)
MIN_RSA_BITS = 2048
ACCEPTED_HASHES = frozenset({"sha224", "sha256", "sha384", "sha512"})


def leaf_first(
    certificates: Sequence[x509.Certificate], *, spki_sha256: str
) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Return the certificate for this public key, and all of them with it in front.

    Where none is for it, the first one that is not a CA, else the first: `check_certificate` then says what it is.
    Raises ValueError for no certificate at all.
    """
    if not certificates:
        raise ValueError("no certificate")
    leaf = next(
        (one for one in certificates if keys.spki_sha256(one.public_key()) == spki_sha256),
        next((one for one in certificates if not is_ca(one)), certificates[0]),
    )
    return leaf, [leaf, *(one for one in certificates if one is not leaf)]


def check_certificate(
    certificate: x509.Certificate,
    *,
    csr_spki_sha256: str,
    subject: Mapping[str, str],
    ca: Sequence[x509.Certificate],
    now: datetime,
) -> tuple[Finding, ...]:
    """Check a client certificate that `load_certificates` has read.

    csr_spki_sha256: the public key of the CSR (`keys.spki_sha256`). subject: as the CSR asked for.
    ca: the CA certificates given with it, in any order, intermediate ones too. now: an aware datetime.

    The order: 1. key, 2. subject, 3. validity, 4. not a CA, 5. extended key usage, 6. key usage, 7. signature hash,
    8. key size, 9. chain. Nothing is fetched: addresses in certificates are never visited.
    """
    return (
        *_check_key(certificate, csr_spki_sha256),  # 1.
        *_check_subject(certificate, subject),  # 2.
        *check_use(certificate, ca=ca, now=now),  # 3. to 9.
    )


def check_use(
    certificate: x509.Certificate, *, ca: Sequence[x509.Certificate], now: datetime, notes: bool = True
) -> tuple[Finding, ...]:
    """Check whether a client can use a certificate now, whatever it was asked for: checks 3 to 9 of the above.

    notes: whether to look, too, for what is only good to know about the chain.
    """
    extensions = {type(extension.value): extension.value for extension in certificate.extensions}
    return (
        *_check_validity(certificate, now),  # 3.
        *_check_end_entity(extensions.get(x509.BasicConstraints)),  # 4.
        *_check_extended_key_usage(extensions.get(x509.ExtendedKeyUsage)),  # 5.
        *_check_key_usage(extensions.get(x509.KeyUsage)),  # 6.
        *_check_hash(certificate),  # 7.
        *_check_key_size(certificate),  # 8.
        *_check_chain(certificate, ca, now, notes),  # 9.
    )


def _finding(
    code: str, field: str, found: str = "", expected: str = "", severity: Severity = Severity.ERROR, **params: str | int
) -> Finding:
    return Finding(code, severity, field, visible(found), visible(expected), params)


def _check_key(certificate: x509.Certificate, csr_spki_sha256: str) -> Iterator[Finding]:
    if (found := keys.spki_sha256(certificate.public_key())) != csr_spki_sha256:
        yield _finding(
            "certificate_other_key", "key", found, csr_spki_sha256, subject=visible(names.render(certificate.subject))
        )


def _check_subject(certificate: x509.Certificate, requested: Mapping[str, str]) -> Iterator[Finding]:
    issued = names.subject_values(certificate.subject)
    for attribute in dict.fromkeys((*requested, *issued)):
        found, expected = ", ".join(issued.get(attribute, ())), requested.get(attribute, "")
        if found != expected:
            # The car maker tells partners apart by CN; of the rest a CA may drop or normalise something.
            severity = Severity.ERROR if attribute == "CN" else Severity.WARNING
            known = attribute in names.ATTRIBUTES
            yield _finding(
                "certificate_subject", attribute if known else "certificate", found, expected, severity,
                attribute=attribute,
            )  # fmt: skip


def _check_validity(certificate: x509.Certificate, now: datetime) -> Iterator[Finding]:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begin:
        yield _finding("certificate_not_yet_valid", "certificate", _when(begin), _when(now))
    elif now > end:
        yield _finding("certificate_expired", "certificate", _when(end), _when(now))
    elif end - now < EXPIRES_SOON:
        yield _finding(
            "certificate_expires_soon", "certificate", _when(end), severity=Severity.WARNING, days=(end - now).days
        )


def _check_end_entity(constraints: x509.ExtensionType | None) -> Iterator[Finding]:
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        yield _finding("certificate_is_ca", "extensions", "CA:TRUE", "CA:FALSE")


def _check_extended_key_usage(usages: x509.ExtensionType | None) -> Iterator[Finding]:
    # anyExtendedKeyUsage does not count: OpenSSL, which many servers stand on, does not count it either.
    if isinstance(usages, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        found = ", ".join(getattr(oid, "_name", oid.dotted_string) for oid in usages)
        yield _finding("certificate_not_for_clients", "extensions", found, "clientAuth")


def _check_key_usage(usage: x509.ExtensionType | None) -> Iterator[Finding]:
    if isinstance(usage, x509.KeyUsage) and not usage.digital_signature:
        yield _finding("certificate_key_usage", "extensions", "", "digitalSignature")


def _check_hash(certificate: x509.Certificate) -> Iterator[Finding]:
    algorithm = certificate.signature_hash_algorithm
    if algorithm is not None and algorithm.name not in ACCEPTED_HASHES:
        yield _finding("certificate_hash", "signature", algorithm.name, "sha256")


def _check_key_size(certificate: x509.Certificate) -> Iterator[Finding]:
    public_key = certificate.public_key()
    if isinstance(public_key, rsa.RSAPublicKey) and public_key.key_size < MIN_RSA_BITS:
        yield _finding("certificate_key_size", "key", f"{public_key.key_size}", f"{MIN_RSA_BITS}")


def _check_chain(
    certificate: x509.Certificate, given: Sequence[x509.Certificate], now: datetime, notes: bool
) -> Iterator[Finding]:
    authorities = []
    for one in given:
        if is_ca(one):
            authorities.append(one)
        else:
            yield _finding("ca_not_a_ca", "chain", names.render(one.subject))
    if not authorities:
        if not given:
            yield _finding("ca_missing", "chain", "", names.render(certificate.issuer))
        return
    current = [one for one in authorities if one.not_valid_before_utc <= now <= one.not_valid_after_utc]
    # The certificate's own validity was judged above: its chain is, at a time at which it was valid.
    at = min(max(now, certificate.not_valid_before_utc), certificate.not_valid_after_utc)
    usual = _verify(_USUAL, certificate, current, at) if notes else None
    reason = _verify(_UNUSUAL, certificate, current, at) if usual or not notes else None
    for one in authorities:
        if one not in current:
            period = f"{_when(one.not_valid_before_utc)} – {_when(one.not_valid_after_utc)}"
            # Old certificates of a CA that is there anew, too, harm nobody.
            severity = Severity.ERROR if reason else Severity.NOTE
            yield _finding(
                "ca_not_valid_now", "chain", period, _when(now), severity, ca=visible(names.render(one.subject))
            )  # fmt: skip
    if reason:
        broken = _broken_link(certificate, authorities, reason)
        if broken.code != "chain_invalid" or len(current) == len(authorities):
            yield broken
    elif usual:
        yield _finding("chain_unusual", "chain", usual, severity=Severity.NOTE)


def _broken_link(certificate: x509.Certificate, authorities: Sequence[x509.Certificate], reason: str) -> Finding:
    """Follow the chain up, and say where it breaks."""
    link, seen = certificate, [certificate]
    while True:
        issuers = [one for one in authorities if one.subject == link.issuer]
        if not issuers:
            given = "; ".join(names.render(one.subject) for one in authorities)
            address = visible(_issuer_address(link))
            return _finding("chain_issuer_missing", "chain", given, names.render(link.issuer), address=address)
        issuer = next((one for one in issuers if _signed_by(link, one)), None)
        if issuer is None:
            return _finding("chain_signature", "chain", names.render(link.subject), names.render(link.issuer))
        if issuer in seen:
            return _finding("chain_invalid", "chain", reason)
        link = issuer
        seen.append(issuer)


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, *UNPARSABLE):
        return False
    return True


def _issuer_address(certificate: x509.Certificate) -> str:
    """Return where the certificate says its issuer's is to be had: shown, never fetched."""
    access = _extension(certificate, x509.AuthorityInformationAccess) or ()
    return next(
        (
            row.access_location.value
            for row in access
            if row.access_method == AuthorityInformationAccessOID.CA_ISSUERS
            and isinstance(row.access_location, x509.UniformResourceIdentifier)
        ),
        "",
    )


_USUAL, _UNUSUAL = "usual", "unusual"


def _extension_policies() -> Mapping[str, tuple[ExtensionPolicy, ExtensionPolicy]]:
    """Return for each strictness what a CA and an end entity have to look like.

    The library's defaults are the web's (CA/Browser Forum), which no private CA has to follow.
    """
    any_ = Criticality.AGNOSTIC
    # The subject is an organisation, not a host: it has no subjectAltName.
    usual = ExtensionPolicy.webpki_defaults_ee().may_be_present(x509.SubjectAlternativeName, any_, None)
    # Of the certificate itself, what matters is judged by checks 4 to 6.
    unusual = ExtensionPolicy.permit_all()
    unusual_ca = (
        ExtensionPolicy.permit_all()
        # Old roots mark it non-critical. That CA is TRUE, and the path length, the library always checks.
        .require_present(x509.BasicConstraints, any_, None)
    )
    return {_USUAL: (ExtensionPolicy.webpki_defaults_ca(), usual), _UNUSUAL: (unusual_ca, unusual)}


_POLICIES = _extension_policies()


def _verifier(strictness: str, anchors: Sequence[x509.Certificate], at: datetime) -> ClientVerifier:
    ca_policy, ee_policy = _POLICIES[strictness]
    builder = PolicyBuilder().store(Store(list(anchors))).time(at)
    return builder.extension_policies(ca_policy=ca_policy, ee_policy=ee_policy).build_client_verifier()


def _verify(
    strictness: str,
    certificate: x509.Certificate,
    authorities: Sequence[x509.Certificate],
    at: datetime,
) -> str | None:
    """Return None if there is a path (RFC 5280, section 6) from the certificate to an anchor, else why not.

    authorities: roots and intermediates, in any order, also several of one name (cross-signed).
    """
    # Without a root we trust what was given: the server decides by its own store, the partner by this file.
    anchors = [one for one in authorities if one.subject == one.issuer] or authorities
    if not anchors:
        return "none of the CA certificates is valid now"
    try:
        _verifier(strictness, anchors, at).verify(certificate, [one for one in authorities if one not in anchors])
    except VerificationError as error:
        return str(error)
    return None


def _extension(certificate: x509.Certificate, type_: type[T]) -> T | None:
    try:
        return certificate.extensions.get_extension_for_class(type_).value
    except x509.ExtensionNotFound:
        return None


def _when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
