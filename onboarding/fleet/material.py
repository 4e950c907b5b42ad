"""The rungs that need no network: is the set complete, do its parts belong together, is the certificate good.

Two can prove a set: `onboarding.fleet.portal_material` with the cryptography package, for the portal;
`onboarding.fleet.offline_material` with the standard library alone, for the offline checker.
"""

import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from onboarding.findings import Finding, Severity
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.target import CredentialMaterial, Target

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


class MaterialChecks(Protocol):
    """The checks of one complete set, in the order of the ladder; each needs those before it not to have failed.

    They complete the context on the way: `key_pair` makes it present the certificate, `certificate` makes it trust
    the CA.
    """

    def key_pair(self) -> Check:
        """Do key and certificate belong together?"""

    def certificate(self) -> Check:
        """Is the certificate valid now, made for clients, and signed by the given CA?"""

    def common_name(self) -> Check:
        """Is the certificate's common name the partner login?"""

    @property
    def subject(self) -> str:
        """The subject of the client certificate, for people."""

    @property
    def issuers(self) -> tuple[str, ...]:
        """Who signed the certificate, and who signed those that come with it, for people."""

    @property
    def serial_number(self) -> str:
        """The certificate's serial number, in hexadecimal."""


MakeChecks = Callable[[CredentialMaterial, ssl.SSLContext, datetime], MaterialChecks]
"""Makes the checks of a set, for a context to complete and the time to judge for."""


def check_complete(material: CredentialMaterial, target: Target) -> Check:
    """Is everything here that the programme's probes need?"""
    programme = material.programme
    missing = [name for name in (*programme.credentials, *_FILES) if not getattr(material, name)]
    if missing:
        evidence = {"missing": ", ".join(name.removesuffix("_pem") for name in missing)}
        return Check(Rung.COMPLETE, "set_incomplete", Result.FAILED, Turn.PARTNER, evidence)
    needed = ("api_url", *(name for probe in programme.probes for name in _TARGET_FIELDS.get(probe, ())))
    missing = [name for name in needed if not getattr(target, name)]
    if missing:
        evidence = {"missing": ", ".join(missing)}
        return Check(Rung.COMPLETE, "target_incomplete", Result.FAILED, Turn.OPERATOR, evidence)
    return Check(Rung.COMPLETE, "set_complete", Result.PASSED)


def check_common_name(found: str, mzp: str | None) -> Check:
    """Is this common name the partner login?"""
    expected = mzp or ""
    evidence = {"found": found, "expected": expected}
    if not expected:
        return Check(Rung.COMMON_NAME, "common_name_not_compared", Result.PASSED, evidence=evidence)
    if found != expected:
        return Check(Rung.COMMON_NAME, "common_name_differs", Result.FAILED, Turn.PARTNER, evidence)
    return Check(Rung.COMMON_NAME, "common_name_is_mzp", Result.PASSED, evidence=evidence)


def from_finding(rung: Rung, finding: Finding) -> Check:
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
