"""The library's verifier of chains (`cryptography.x509.verification`; RFC 5280, section 6), asked twice.

As the web has it (CA/Browser Forum), which no private CA has to follow: what it refuses then is unusual. Relaxed: what
it refuses then is invalid, unless there is something in the chain that it does not judge at all.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from onboarding.pki.chain_rules import Path
from onboarding.pki.intake import MAX_CERTIFICATES
from onboarding.pki.traits import extension, is_root, is_self_issued

AS_THE_WEB, RELAXED = "as the web", "relaxed"

_MAX_SERIAL_BITS = 160  # RFC 5280, section 4.1.2.2
_FIRST_LONG_YEAR = 2050  # RFC 5280, section 4.1.2.5

_JUDGED_EXTENSIONS = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
    }
)
_JUDGED_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_SIGNATURES_NOT_JUDGED = frozenset(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA224,
        SignatureAlgorithmOID.RSASSA_PSS,  # with a salt of another length than the hash
        SignatureAlgorithmOID.ECDSA_WITH_SHA224,
        SignatureAlgorithmOID.ED25519,
        SignatureAlgorithmOID.ED448,
    }
)


def _policies() -> Mapping[str, tuple[ExtensionPolicy, ExtensionPolicy]]:
    """Return for each strictness what a CA and an end entity have to look like."""
    any_ = Criticality.AGNOSTIC
    # The subject is an organisation, not a host: it has no subjectAltName. The others have checks of their own.
    client = ExtensionPolicy.webpki_defaults_ee()
    for judged_elsewhere in (x509.SubjectAlternativeName, x509.BasicConstraints, x509.ExtendedKeyUsage):
        client = client.may_be_present(judged_elsewhere, any_, None)
    # Old roots mark it as non-critical. That CA is TRUE, and the path length, the library always checks.
    authority = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, any_, None)
    return {
        AS_THE_WEB: (ExtensionPolicy.webpki_defaults_ca(), client),
        RELAXED: (authority, ExtensionPolicy.permit_all()),
    }


_POLICIES = _policies()


def refusal(strictness: str, path: Path, at: datetime) -> str | None:
    """Return None if the library verifies this way up at this time, else why not, in its own words."""
    ca_policy, ee_policy = _POLICIES[strictness]
    builder = PolicyBuilder().store(_store(path[-1])).time(at).max_chain_depth(MAX_CERTIFICATES)
    verifier = builder.extension_policies(ca_policy=ca_policy, ee_policy=ee_policy).build_client_verifier()
    try:
        verifier.verify(path[0], list(path[1:-1]))
    except VerificationError as error:
        return _shortened(str(error))
    return None


@lru_cache(maxsize=256)
def _store(root: x509.Certificate) -> Store:
    return Store([root])


def _shortened(reason: str) -> str:
    for opening in ("validation failed: ", "candidates exhausted: ", "fatal error: "):
        reason = reason.removeprefix(opening)
    # What follows are dumps of the library's own structures.
    return reason.partition(" (encountered processing")[0].partition(": AlgorithmIdentifier")[0]


def oddity(path: Path) -> str:
    """Return what in this way up the library does not judge, so that its refusal means nothing; nothing if it does.

    Alternative names of a kind that is constrained are for nobody else to judge, whatever else there is.
    """
    names = {type(name) for name in extension(path[0], x509.SubjectAlternativeName) or ()}
    if names & {type(name) for one in path for name in _subtrees(extension(one, x509.NameConstraints))}:
        return ""
    return next((words for words, is_odd in _ODDITIES if any(map(is_odd, path))), "")


def _old_version(certificate: x509.Certificate) -> bool:
    # What `openssl x509 -req` of OpenSSL 3.0 makes if it is given no extensions.
    return certificate.version is x509.Version.v1


def _odd_serial_number(certificate: x509.Certificate) -> bool:
    return not 0 <= certificate.serial_number < 1 << _MAX_SERIAL_BITS


def _odd_time(certificate: x509.Certificate) -> bool:
    """Return whether a time before 2050 is written with all four digits of its year."""
    return any(
        f"{moment:%Y%m%d%H%M%SZ}".encode("ascii") in certificate.tbs_certificate_bytes
        for moment in (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        if moment.year < _FIRST_LONG_YEAR
    )


def _rolled_over(certificate: x509.Certificate) -> bool:
    """Return whether a CA certified its own new key: the library counts that for the path length, too."""
    return is_self_issued(certificate) and not is_root(certificate)


def _nameless_issuer(certificate: x509.Certificate) -> bool:
    return not list(certificate.issuer)


def _critical_extension(certificate: x509.Certificate) -> bool:
    return any(
        one.critical and (one.oid not in _JUDGED_EXTENSIONS or _constrains_directory_names(one.value))
        for one in certificate.extensions
    )


def _constrains_directory_names(value: x509.ExtensionType) -> bool:
    constraints = value if isinstance(value, x509.NameConstraints) else None
    return any(isinstance(one, x509.DirectoryName) for one in _subtrees(constraints))


def _subtrees(constraints: x509.NameConstraints | None) -> tuple[x509.GeneralName, ...]:
    if constraints is None:
        return ()
    return (*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ()))


def _other_algorithm(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    other_curve = isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, _JUDGED_CURVES)
    return other_curve or certificate.signature_algorithm_oid in _SIGNATURES_NOT_JUDGED


_ODDITIES: tuple[tuple[str, Callable[[x509.Certificate], bool]], ...] = (
    ("X.509 version 1", _old_version),
    ("serial number out of range", _odd_serial_number),
    ("time before 2050 as GeneralizedTime", _odd_time),
    ("self-issued CA certificate", _rolled_over),
    ("empty issuer", _nameless_issuer),
    ("critical extension", _critical_extension),
    ("signature algorithm or curve", _other_algorithm),
)
"""The rules for chains judge these: whether a critical extension is known, whether a name is within bounds."""
