"""Lists of revoked certificates (RFC 5280, section 5), signed by a CA whose key is at hand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from onboarding.pki.embedded_ca import BACKDATE, authority_key_identifier


@dataclass(frozen=True, slots=True)
class Revoked:
    """One certificate on the list. at: when it was revoked. reason: as section 5.3.1 names it."""

    serial_number: int
    at: datetime
    reason: str


def sign_list(
    revoked: Iterable[Revoked],
    *,
    ca: x509.Certificate,
    ca_key: RSAPrivateKey,
    number: int,
    now: datetime,
    next_update: datetime,
) -> x509.CertificateRevocationList:
    """Return the whole list, with its number, which has to grow with each list (section 5.2.3).

    It begins a little before now, for clocks that are slow. A reason that is unspecified is left out (section 5.3.1).
    """
    begin = now - BACKDATE
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.subject)
        .last_update(begin)
        .next_update(next_update)
        .add_extension(authority_key_identifier(ca_key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for one in revoked:
        builder = builder.add_revoked_certificate(_entry(one, latest=begin))
    return builder.sign(ca_key, hashes.SHA256())


def _entry(one: Revoked, *, latest: datetime) -> x509.RevokedCertificate:
    """latest: no certificate is on a list that is older than its revocation."""
    entry = x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(min(one.at, latest))
    reason = x509.ReasonFlags(one.reason)
    if reason is not x509.ReasonFlags.unspecified:
        entry = entry.add_extension(x509.CRLReason(reason), critical=False)
    return entry.build()
