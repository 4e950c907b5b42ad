"""What speaks against a whole way up: what servers on OpenSSL hold against it, and the library's verifier does not.

Or not in words: it says "path length constraint violated", and not whose.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

from onboarding.findings import Finding, Severity
from onboarding.pki import names
from onboarding.pki.subject import visible
from onboarding.pki.traits import (
    MIN_RSA_BITS,
    extension,
    identifies,
    is_self_issued,
    is_small,
    key_words,
    name_words,
    usage_words,
    weak_hash,
)

Path = tuple[x509.Certificate, ...]
"""From a certificate up to a root, each signed by the next."""

MAX_RSA_BITS = 8192
"""Larger ones take long to verify with, and no CA has them."""

KEY_SIZES = f"RSA {MIN_RSA_BITS} – {MAX_RSA_BITS}"

NETSCAPE_TYPE = ObjectIdentifier("2.16.840.1.113730.1.1")
"""What the extended key usage was before RFC 2459. Small CAs still write it, and OpenSSL still reads it."""

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.OCSP_NO_CHECK,
        NETSCAPE_TYPE,
    }
)
"""What may be critical. Key identifiers and the access to authority information have to be non-critical (RFC 5280,
section 4.2), and OpenSSL refuses a certificate where they are not."""


def chain_finding(
    code: str, found: str = "", expected: str = "", severity: Severity = Severity.ERROR, **params: str
) -> Finding:
    """Return a finding about a chain."""
    return Finding(code, severity, "chain", visible(found), visible(expected), params)


def _key_identifiers(path: Path) -> Iterator[Finding]:
    for link, issuer in pairwise(path):
        if not identifies(link, issuer):
            yield chain_finding("chain_key_identifier", name_words(link.subject), name_words(issuer.subject))


def _usages(path: Path) -> Iterator[Finding]:
    for ca in path[1:]:
        usages = extension(ca, x509.ExtendedKeyUsage)
        # Not in RFC 5280. OpenSSL holds the whole chain to it, and does not count anyExtendedKeyUsage.
        if usages is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
            yield chain_finding(
                "chain_ca_not_for_clients", usage_words(usages), "clientAuth", ca=name_words(ca.subject)
            )


def _hashes(path: Path) -> Iterator[Finding]:
    # The certificate's own hash has a check to itself; a root's signature is verified by nobody.
    for ca in path[1:-1]:
        if weak := weak_hash(ca):
            yield chain_finding("chain_ca_hash", weak, "sha256", ca=name_words(ca.subject))


def _keys(path: Path) -> Iterator[Finding]:
    for ca in path[1:]:
        if is_small(ca):
            yield chain_finding("chain_ca_key", key_words(ca), KEY_SIZES, ca=name_words(ca.subject))


def _critical_extensions(path: Path) -> Iterator[Finding]:
    for one in path:
        for found in one.extensions:
            if found.critical and found.oid not in _UNDERSTOOD:
                yield chain_finding(
                    "chain_critical_extension", found.oid.dotted_string, subject=name_words(one.subject)
                )


def _path_lengths(path: Path) -> Iterator[Finding]:
    for number, ca in enumerate(path[1:], start=1):
        constraints = extension(ca, x509.BasicConstraints)
        limit = constraints.path_length if constraints is not None else None
        between = sum(not is_self_issued(one) for one in path[1:number])
        if limit is not None and between > limit:
            yield chain_finding("chain_path_length", f"{between}", f"{limit}", ca=name_words(ca.subject))


def _names(path: Path) -> Iterator[Finding]:
    """Hold subjects against name constraints (RFC 5280, section 4.2.1.10).

    The library looks at subjectAltName alone; here the names, an e-mail address among them, are in the subject.
    """
    for number, ca in enumerate(path[1:], start=1):
        constraints = extension(ca, x509.NameConstraints)
        if constraints is None:
            continue
        for one in (path[0], *(one for one in path[1:number] if not is_self_issued(one))):
            if not _permits(constraints, one.subject):
                yield chain_finding("chain_names_forbidden", name_words(one.subject), ca=name_words(ca.subject))


def _permits(constraints: x509.NameConstraints, subject: x509.Name) -> bool:
    name, addresses = names.canonical(subject), names.subject_values(subject).get("emailAddress", [])
    return (not name or _lies_within(constraints, x509.DirectoryName, partial(_begins_with, name))) and all(
        _lies_within(constraints, x509.RFC822Name, partial(_is_covered, address)) for address in addresses
    )


def _lies_within(
    constraints: x509.NameConstraints, kind: type[x509.GeneralName], covered_by: Callable[[Any], bool]
) -> bool:
    permitted = [one.value for one in constraints.permitted_subtrees or () if isinstance(one, kind)]
    excluded = [one.value for one in constraints.excluded_subtrees or () if isinstance(one, kind)]
    return (not permitted or any(map(covered_by, permitted))) and not any(map(covered_by, excluded))


def _begins_with(name: list[tuple[str, str]], base: x509.Name) -> bool:
    wanted = names.canonical(base)
    return name[: len(wanted)] == wanted


def _is_covered(address: str, base: str) -> bool:
    """Return whether an address is the mailbox given, on the host given, or in the domain given (".example.com")."""
    local, _, host = address.rpartition("@")
    base_local, _, base_host = base.rpartition("@")
    host, base_host = host.lower(), base_host.lower()
    if base_local and base_local != local:
        return False
    return host.endswith(base_host) if base_host.startswith(".") else host == base_host


RULES: tuple[Callable[[Path], Iterator[Finding]], ...] = (
    _key_identifiers,
    _usages,
    _hashes,
    _keys,
    _critical_extensions,
    _path_lengths,
    _names,
)
"""Each says one kind of thing. The first that speaks against a way up is what the reader is told."""
