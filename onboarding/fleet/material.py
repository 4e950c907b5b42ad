"""The rungs that need no network: is the set complete, do its parts belong together, is the certificate
good.
"""

import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from onboarding.findings import Finding, Severity, worst
from onboarding.fleet import client
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.faults import classify
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.fleet.trace import Stage
from onboarding.pki import names
from onboarding.pki.certificates import UnreadableCertificate, check_certificate, load_certificates
from onboarding.pki.keys import same_key, spki_sha256
from onboarding.programmes import profile

# What every programme needs beside the credentials that its profile lists, and what probes need of the
# target.
_FILES = ("certificate_pem", "key_pem", "ca_pem")
_TARGET_FIELDS: Mapping[str, tuple[str, ...]] = {"user": ("realm",), "token": ("token_url",)}

# Whose turn it is where a finding about the certificate is for its issuer to mend; the rest is the partner's.
_ISSUERS_FINDINGS = frozenset(
    {
        "certificate_not_yet_valid",
        "certificate_is_ca",
        "certificate_not_for_clients",
        "certificate_key_usage",
        "certificate_hash",
        "certificate_key_size",
        "chain_name_encoding",
        "chain_ca_not_for_clients",
        "chain_ca_hash",
        "chain_ca_key",
        "chain_critical_extension",
        "chain_path_length",
        "chain_names_forbidden",
    }
)


class MaterialChecks:
    """The checks of one credential set, in the order of the ladder; each needs those before it to have passed.

    context: completed on the way: it presents the certificate once the key is known to fit, and trusts the CA once
    the chain is known to be good.
    """

    def __init__(self, material: CredentialMaterial, target: Target, context: ssl.SSLContext, now: datetime) -> None:
        self._material = material
        self._target = target
        self._context = context
        self._now = now

    @cached_property
    def _chain(self) -> Sequence[x509.Certificate]:
        return load_certificates(self._material.certificate_pem)

    @property
    def subject(self) -> str:
        """The subject of the client certificate, as in RFC 4514."""
        return names.render(self._chain[0].subject)

    def complete(self) -> Check:
        """Is everything here that the programme's probes need?"""
        programme = profile(self._material.programme)
        missing = [name for name in (*programme.credentials, *_FILES) if not getattr(self._material, name)]
        if missing:
            evidence = {"missing": ", ".join(name.removesuffix("_pem") for name in missing)}
            return Check(Rung.COMPLETE, "set_incomplete", Result.FAILED, Turn.PARTNER, evidence)
        needed = ("api_url", *(name for probe in programme.probes for name in _TARGET_FIELDS.get(probe, ())))
        missing = [name for name in needed if not getattr(self._target, name)]
        if missing:
            evidence = {"missing": ", ".join(missing)}
            return Check(Rung.COMPLETE, "target_incomplete", Result.FAILED, Turn.OPERATOR, evidence)
        return Check(Rung.COMPLETE, "set_complete", Result.PASSED)

    def key_pair(self) -> Check:
        """Do key and certificate belong together?"""
        material = self._material
        try:
            leaf = self._chain[0]
        except UnreadableCertificate as error:
            return _from_finding(Rung.KEY_PAIR, error.finding)
        try:
            # The key was checked in full when it was made or brought in; here only its public half counts.
            key = load_pem_private_key(material.key_pem, material.key_passphrase, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            evidence = {"exception": type(error).__name__}
            return Check(Rung.KEY_PAIR, "key_unreadable", Result.FAILED, Turn.PARTNER, evidence)
        if not same_key(key.public_key(), leaf.public_key()):
            return Check(Rung.KEY_PAIR, "key_mismatch", Result.FAILED, Turn.PARTNER)
        try:
            client.present(self._context, material.certificate_pem, material.key_pem, material.key_passphrase)
        except ssl.SSLError as error:
            fault = classify(error, Stage.LOAD)
            evidence = {"exception": type(error).__name__, "reason": error.reason or ""}
            return Check(Rung.KEY_PAIR, fault.code, Result.FAILED, fault.turn, evidence)
        return Check(Rung.KEY_PAIR, "key_matches", Result.PASSED)

    def certificate(self) -> Check:
        """Is the certificate valid now, made for clients, and signed by the given CA?"""
        leaf, *others = self._chain
        try:
            ca = load_certificates(self._material.ca_pem)
        except UnreadableCertificate as error:
            return _from_finding(Rung.CERTIFICATE, error.finding)
        findings = check_certificate(
            leaf,
            csr_spki_sha256=spki_sha256(leaf.public_key()),
            subject=names.first_values(names.subject_values(leaf.subject)),
            ca=ca,
            intermediates=others,
            now=self._now,
        ).findings
        gravest = worst(findings)
        if gravest != Severity.ERROR:
            client.trust(self._context, b"".join(one.public_bytes(Encoding.PEM) for one in ca))
        if gravest in (Severity.ERROR, Severity.WARNING):
            first = next(finding for finding in findings if finding.severity == gravest)
            return _from_finding(Rung.CERTIFICATE, first)
        evidence = {
            "subject": self.subject,
            "issuer": names.render(leaf.issuer),
            "not_valid_after": leaf.not_valid_after_utc.isoformat(),
        }
        return Check(Rung.CERTIFICATE, "certificate_good", Result.PASSED, evidence=evidence)

    def common_name(self) -> Check:
        """Is the certificate's common name the partner login?"""
        found = ", ".join(names.subject_values(self._chain[0].subject).get("CN", ()))
        expected = self._material.mzp or ""
        evidence = {"found": found, "expected": expected}
        if not expected:
            return Check(Rung.COMMON_NAME, "common_name_not_compared", Result.PASSED, evidence=evidence)
        if found != expected:
            return Check(Rung.COMMON_NAME, "common_name_differs", Result.FAILED, Turn.PARTNER, evidence)
        return Check(Rung.COMMON_NAME, "common_name_is_mzp", Result.PASSED, evidence=evidence)


def _from_finding(rung: Rung, finding: Finding) -> Check:
    """Turn a finding about a certificate into a check; `onboarding.fleet.messages` has its texts under this code."""
    failed = finding.severity == Severity.ERROR
    evidence = {
        **finding.params,
        "found": finding.found,
        "expected": finding.expected,
        "field": finding.field,
    }
    turn = Turn.MAKER if finding.code in _ISSUERS_FINDINGS else Turn.PARTNER
    return Check(rung, f"pki_{finding.code}", Result.FAILED if failed else Result.WARNING, turn, evidence)
