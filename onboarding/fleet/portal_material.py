"""The rungs that need no network, as the portal climbs them: with the cryptography package and all that it knows."""

import hashlib
import ssl
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from onboarding.findings import Finding, Severity, worst
from onboarding.fleet import client
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.faults import classify
from onboarding.fleet.material import check_common_name, from_finding
from onboarding.fleet.target import CredentialMaterial
from onboarding.fleet.trace import Stage
from onboarding.pki import names
from onboarding.pki.certificates import EXPIRES_SOON, UnreadableCertificate, check_use, load_certificates
from onboarding.pki.keys import same_key
from onboarding.pki.unparsable import UNPARSABLE


class PortalChecks:
    """The checks of one credential set (`onboarding.fleet.material.MaterialChecks`)."""

    def __init__(self, material: CredentialMaterial, context: ssl.SSLContext, now: datetime) -> None:
        self._material = material
        self._context = context
        self._now = now

    @cached_property
    def _chain(self) -> Sequence[x509.Certificate]:
        try:
            return x509.load_pem_x509_certificates(self._material.certificate_pem)
        except ValueError:  # it did not come in through the portal: look closely, and say what it is
            return load_certificates(self._material.certificate_pem)

    @cached_property
    def subject(self) -> str:
        """The subject of the client certificate, as in RFC 4514."""
        return names.render(self._chain[0].subject)

    @property
    def issuers(self) -> tuple[str, ...]:
        """Who signed the certificate, and who signed those that come with it."""
        return tuple(names.render(one.issuer) for one in self._chain)

    @property
    def serial_number(self) -> str:
        """In hexadecimal, as the portal shows it elsewhere."""
        return f"{self._chain[0].serial_number:x}"

    def key_pair(self) -> Check:
        """Do key and certificate belong together? OpenSSL says no; only then the key is opened here, to say why."""
        material = self._material
        try:
            leaf = self._chain[0]
        except UnreadableCertificate as error:
            return from_finding(Rung.KEY_PAIR, error.finding)
        try:
            client.present(self._context, material.certificate_pem, material.key_pem, material.key_passphrase)
        except ssl.SSLError as error:
            return self._refused_key(leaf, error)
        return Check(Rung.KEY_PAIR, "key_matches", Result.PASSED)

    def _refused_key(self, leaf: x509.Certificate, refusal: ssl.SSLError) -> Check:
        material = self._material
        try:
            # The key was checked in full when it was made or brought in; here only its public half counts.
            key = load_pem_private_key(material.key_pem, material.key_passphrase, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            evidence = {"exception": type(error).__name__}
            return Check(Rung.KEY_PAIR, "key_unreadable", Result.FAILED, Turn.PARTNER, evidence)
        if not same_key(key.public_key(), leaf.public_key()):
            return Check(Rung.KEY_PAIR, "key_mismatch", Result.FAILED, Turn.PARTNER)
        fault = classify(refusal, Stage.LOAD)
        evidence = {"exception": type(refusal).__name__, "reason": refusal.reason or ""}
        return Check(Rung.KEY_PAIR, fault.code, Result.FAILED, fault.turn, evidence)

    def certificate(self) -> Check:
        """Is the certificate valid now, made for clients, and signed by the given CA?"""
        leaf, *others = self._chain
        known = hashlib.sha256(self._material.certificate_pem + b"|" + self._material.ca_pem).digest()
        try:
            ca, ca_der = _authorities(self._material.ca_pem)
        except UnreadableCertificate as error:
            return from_finding(Rung.CERTIFICATE, error.finding)
        # What comes with the certificate can lead to the given CA, but not stand in for it.
        intermediates = [one for one in others if one.subject != one.issuer]
        try:
            is_known = _KNOWN_GOOD.holds(known, self._now)
            findings = () if is_known else check_use(leaf, ca=ca, intermediates=intermediates, now=self._now)
            subject, issuer = self.subject, names.render(leaf.issuer)
        except UNPARSABLE:
            damaged = Finding("certificate_damaged", Severity.ERROR, "file")
            return from_finding(Rung.CERTIFICATE, damaged)
        gravest = worst(findings)
        if gravest != Severity.ERROR:
            client.trust(self._context, ca_der)
        if gravest in (Severity.ERROR, Severity.WARNING):
            return from_finding(Rung.CERTIFICATE, next(finding for finding in findings if finding.severity == gravest))
        if not is_known:
            _KNOWN_GOOD.add(known, (*self._chain, *ca), self._now)
        evidence = {
            "subject": subject,
            "issuer": issuer,
            "serial_number": self.serial_number,
            "not_valid_after": leaf.not_valid_after_utc.isoformat(),
        }
        return Check(Rung.CERTIFICATE, "certificate_good", Result.PASSED, evidence=evidence)

    def common_name(self) -> Check:
        """Is the certificate's common name the partner login?"""
        found = ", ".join(names.subject_values(self._chain[0].subject).get("CN", ()))
        return check_common_name(found, self._material.mzp)


class _Verdicts:
    """Which certificates were found good before, under which CA: until one of them begins or ends to be valid, or to
    expire soon, nothing that was looked at can change.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[bytes, tuple[datetime, datetime]] = {}

    def holds(self, which: bytes, now: datetime) -> bool:
        """Whether the verdict on what has this digest still stands."""
        since, until = self._held.get(which, (now, now))
        return since <= now < until

    def add(self, which: bytes, certificates: Sequence[x509.Certificate], now: datetime) -> None:
        """Remember that these were found good."""
        ends = [one.not_valid_after_utc for one in certificates]
        turns = (*(one.not_valid_before_utc for one in certificates), *ends, *(end - EXPIRES_SOON for end in ends))
        if len(self._held) >= self._most:
            self._held.clear()
        self._held[which] = now, min((turn for turn in turns if turn >= now), default=now)


_KNOWN_GOOD = _Verdicts(most=20_000)  # 5 MB


@lru_cache(maxsize=64)
def _authorities(ca_pem: bytes) -> tuple[Sequence[x509.Certificate], bytes]:
    """Return the certificates of a CA file, and their DER one after another. Raises UnreadableCertificate.

    Kept, since few CAs stand behind many sets.
    """
    certificates = load_certificates(ca_pem)
    return certificates, b"".join(one.public_bytes(Encoding.DER) for one in certificates)
