"""The chain of a client certificate: the way up to a given CA, at a given time; where it breaks, and why.

Ways up are built here, so that a break can be named. Each that comes to a root is judged twice: by `chain_rules`, and
by the library's `verifier`. Nothing is fetched: addresses in certificates are shown, never visited.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from onboarding.findings import Finding, Severity
from onboarding.pki import names, verifier
from onboarding.pki.chain_rules import KEY_SIZES, MAX_RSA_BITS, RULES, Path, chain_finding
from onboarding.pki.subject import visible
from onboarding.pki.traits import extension, is_ca, is_root, key_words, name_words, weak_hash, when
from onboarding.pki.unparsable import UNPARSABLE

MAX_EXPONENT_BITS = 32
"""Larger ones, like larger keys, take long to verify with, and no CA has them."""

_MAX_STEPS = 100
"""Links looked at. A chain of 20 takes 20; CAs that certify one another crosswise would take for ever."""

_MAX_JUDGED = 8
"""Whole ways up that are judged. Cross-signed CAs make two or three."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What was found of a certificate's chain. path: empty if there is none that holds."""

    path: Path
    findings: tuple[Finding, ...]


def build_chain(
    certificate: x509.Certificate,
    *,
    ca: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate] = (),
    now: datetime,
    briefly: bool = False,
) -> Chain:
    """Find the way from a certificate to one of the given roots. Findings have the field `chain`.

    ca: what was given as CA certificates, in any order: its roots are trusted, the others lead there. intermediates:
    what came with the certificate; may lead there, and is not trusted. now: an aware datetime.
    """
    if not ca:
        return Chain((), (chain_finding("ca_missing", "", name_words(certificate.issuer)),))
    given = list(dict.fromkeys(filter(_is_ca, ca)))
    if not given:
        return Chain((), tuple(chain_finding("ca_not_a_ca", name_words(one.subject)) for one in ca))
    authorities = list(dict.fromkeys((*given, *filter(_is_ca, intermediates))))
    current = [one for one in authorities if one.not_valid_before_utc <= now <= one.not_valid_after_utc]
    usable = [one for one in current if not _costs_too_much(one)]
    anchors = [one for one in usable if one in given and _is_root(one)]
    # The certificate's own validity is judged elsewhere: its chain is, at a time at which it was valid.
    at = min(max(now, certificate.not_valid_before_utc), certificate.not_valid_after_utc)

    against: list[Finding] = []
    furthest: Path = (certificate,)
    for path in islice(_ways_up(certificate, usable, anchors), _MAX_STEPS):
        furthest = max(furthest, path, key=len)
        if path[-1] in anchors and len(against) < _MAX_JUDGED:
            findings = _judge(path, at, briefly)
            if not any(finding.severity is Severity.ERROR for finding in findings):
                return Chain(path, (*_out_of_date(authorities, current, now, Severity.NOTE), *findings))
            against += findings
    broken = against[:1] or list(_broken_link(furthest, authorities, current, given))
    return Chain((), (*_out_of_date(authorities, current, now, Severity.ERROR), *broken))


def _ways_up(
    certificate: x509.Certificate, authorities: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> Iterator[Path]:
    """Yield ways up, link by link, the shorter ones first; one that has come to an anchor ends there."""
    waiting: list[Path] = [(certificate,)]
    while waiting:
        path = waiting.pop(0)
        yield path
        if path[-1] not in anchors:
            waiting += [(*path, one) for one in authorities if one not in path and _issued(path[-1], one)]


# Few CAs stand behind many certificates: what does not change about one is asked once.
_is_ca, _is_root = lru_cache(maxsize=256)(is_ca), lru_cache(maxsize=256)(is_root)


@lru_cache(maxsize=1024)
def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether name and signature are the issuer's. Names are compared first, by bytes (RFC 5280, 4.1.2.4)."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNPARSABLE):
        return False
    return True


def _judge(path: Path, at: datetime, briefly: bool) -> list[Finding]:
    """Return the first thing that speaks against a way up; if nothing does, what is unusual about it."""
    if against := next((found for rule in RULES for found in rule(path)), None):
        return [against]
    unusual = None if briefly else verifier.refusal(verifier.AS_THE_WEB, path, at)
    if unusual is None and not briefly:
        return []
    refusal = verifier.refusal(verifier.RELAXED, path, at)
    oddity = verifier.oddity(path) if refusal or not briefly else ""
    if refusal is not None and not oddity:
        return [chain_finding("chain_invalid", refusal)]
    return [chain_finding("chain_unusual", oddity or unusual, severity=Severity.NOTE)] if unusual else []


@lru_cache(maxsize=256)
def _costs_too_much(authority: x509.Certificate) -> bool:
    key = authority.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    return key.key_size > MAX_RSA_BITS or key.public_numbers().e.bit_length() > MAX_EXPONENT_BITS


def _out_of_date(
    authorities: Sequence[x509.Certificate], current: Sequence[x509.Certificate], now: datetime, severity: Severity
) -> Iterator[Finding]:
    """Name the CA certificates that are not valid now. Old ones of a CA that is there anew, too, harm nobody."""
    for one in authorities:
        if one not in current:
            period = f"{when(one.not_valid_before_utc)} – {when(one.not_valid_after_utc)}"
            yield chain_finding("ca_not_valid_now", period, when(now), severity, ca=name_words(one.subject))


def _broken_link(
    path: Path,
    authorities: Sequence[x509.Certificate],
    current: Sequence[x509.Certificate],
    given: Sequence[x509.Certificate],
) -> Iterator[Finding]:
    """Say why the longest way up goes no further.

    Nothing where that is said elsewhere: the issuer is there and out of date, or the certificate's own hash is broken.
    """
    link = path[-1]
    if len(path) > 1 and is_root(link):
        expected = "; ".join(name_words(one.subject) for one in given)
        yield chain_finding("chain_other_root", name_words(link.subject), expected)
        return
    alike = [one for one in authorities if names.canonical(one.subject) == names.canonical(link.issuer)]
    issuers = [one for one in alike if one.subject.public_bytes() == link.issuer.public_bytes()]
    if not alike:
        there = "; ".join(name_words(one.subject) for one in authorities)
        if address := visible(_issuer_address(link)):
            yield chain_finding("chain_issuer_elsewhere", there, name_words(link.issuer), address=address)
        else:
            yield chain_finding("chain_issuer_missing", there, name_words(link.issuer))
    elif not issuers:
        yield chain_finding("chain_name_encoding", name_words(link.issuer), name_words(alike[0].subject))
    elif dear := next(filter(_costs_too_much, issuers), None):
        yield chain_finding("chain_ca_key", key_words(dear), KEY_SIZES, ca=name_words(dear.subject))
    elif any(one in path for one in issuers):
        yield chain_finding("chain_circle", name_words(link.subject))
    elif weak := weak_hash(link):  # the library does not verify such a signature
        if len(path) > 1:
            yield chain_finding("chain_ca_hash", weak, "sha256", ca=name_words(link.subject))
    elif all(one in current for one in issuers):
        yield chain_finding("chain_signature", name_words(link.subject), name_words(link.issuer))


def _issuer_address(certificate: x509.Certificate) -> str:
    """Return where the certificate says its issuer's is to be had: shown, never fetched."""
    access = extension(certificate, x509.AuthorityInformationAccess) or ()
    return next(
        (
            row.access_location.value
            for row in access
            if row.access_method == AuthorityInformationAccessOID.CA_ISSUERS
            and isinstance(row.access_location, x509.UniformResourceIdentifier)
        ),
        "",
    )
