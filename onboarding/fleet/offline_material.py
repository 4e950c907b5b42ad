"""The rungs that need no network, by the standard library alone, as the offline checker climbs them.

What a certificate says is read from its DER; what no reading can prove, OpenSSL proves: that key and certificate belong
together by loading them, and that the certificate leads to the CA by a handshake in memory, in which the partner's own
files stand on both sides. The findings and their codes are those of `onboarding.pki`, as far as they go.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from onboarding.findings import Finding, Severity, worst
from onboarding.fleet import client
from onboarding.fleet.checks import Check, Result, Rung
from onboarding.fleet.der import CLIENT_AUTH, Certificate, Malformed, read_certificate
from onboarding.fleet.faults import classify
from onboarding.fleet.material import check_common_name, from_finding
from onboarding.fleet.target import CredentialMaterial
from onboarding.fleet.trace import Stage
from onboarding.pki import files
from onboarding.pki.files import Item, Kind

EXPIRES_SOON = timedelta(days=30)
MIN_RSA_BITS = 2048
MAX_CERTIFICATES = 20
_WEAK_HASHES = frozenset({"md2", "md5", "sha1"})
_MAX_FLIGHTS = 10

_NOT_A_CERTIFICATE: Mapping[Kind, str] = {
    Kind.CSR: "certificate_is_csr",
    Kind.PKCS12: "certificate_is_keystore",
    Kind.JKS: "certificate_is_keystore",
    Kind.HTML: "certificate_is_html",
    Kind.PRIVATE_KEY: "certificate_with_private_key",
}
_NOT_A_KEY: Mapping[Kind, str] = {
    Kind.CSR: "key_is_csr",
    Kind.CERTIFICATE: "key_is_certificate",
    Kind.PUBLIC_KEY: "key_is_public",
    Kind.JKS: "key_is_jks",
}
_ENCRYPTED = (b"ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")

# OpenSSL's verdicts (x509_vfy.h) on the client's chain, as the findings of `onboarding.pki`.
_CHAIN_FINDINGS: Mapping[int, str] = {
    2: "chain_issuer_missing",
    7: "chain_signature",
    9: "ca_not_valid_now",
    10: "ca_not_valid_now",
    18: "chain_issuer_missing",
    19: "chain_issuer_missing",
    20: "chain_issuer_missing",
    21: "chain_issuer_missing",
    26: "certificate_not_for_clients",
}


class OfflineChecks:
    """The checks of one credential set (`onboarding.fleet.material.MaterialChecks`).

    key_file: its path, where there is one anyway; without it the key is lent to OpenSSL from memory.
    """

    def __init__(
        self,
        material: CredentialMaterial,
        context: ssl.SSLContext,
        now: datetime,
        *,
        key_file: str | None = None,
    ) -> None:
        self._material = material
        self._context = context
        self._now = now
        self._key_file = key_file
        self._chain: Sequence[Certificate] = ()

    @property
    def subject(self) -> str:
        """The subject of the client certificate, for people."""
        return self._chain[0].subject

    @property
    def issuers(self) -> tuple[str, ...]:
        """Who signed the certificate, and who signed those that come with it, for people."""
        return tuple(one.issuer for one in self._chain)

    @property
    def serial_number(self) -> str:
        """In hexadecimal."""
        return f"{self._chain[0].serial_number:x}"

    def key_pair(self) -> Check:
        """Do key and certificate belong together?"""
        found = _read_certificates(self._material.certificate_pem)
        if isinstance(found, Finding):
            return from_finding(Rung.KEY_PAIR, found)
        self._chain = sorted(found, key=lambda one: one.is_ca)  # OpenSSL wants the leaf first, in PEM
        if (finding := _key_finding(self._material)) is not None:
            return from_finding(Rung.KEY_PAIR, finding)
        try:
            self._present(self._context)
        except ssl.SSLError as error:
            fault = classify(error, Stage.LOAD)
            # Both certificate and key had been recognised: a passphrase that does not fit is what is left.
            code = "key_unreadable" if fault.code == "credential_unreadable" else fault.code
            evidence = {"exception": type(error).__name__, "reason": error.reason or ""}
            return Check(Rung.KEY_PAIR, code, Result.FAILED, fault.turn, evidence)
        return Check(Rung.KEY_PAIR, "key_matches", Result.PASSED)

    def certificate(self) -> Check:
        """Is the certificate valid now, made for clients, and signed by the given CA?"""
        authorities = _read_certificates(self._material.ca_pem)
        if isinstance(authorities, Finding):
            return from_finding(Rung.CERTIFICATE, authorities)
        leaf = self._chain[0]
        findings = [*_leaf_findings(leaf, self._now), *_authority_findings(authorities)]
        if worst(findings) is not Severity.ERROR:
            findings += self._chain_findings(authorities)
        gravest = worst(findings)
        if gravest is not Severity.ERROR:
            client.trust(self._context, b"".join(one.der for one in authorities))
        if gravest in (Severity.ERROR, Severity.WARNING):
            return from_finding(Rung.CERTIFICATE, next(finding for finding in findings if finding.severity is gravest))
        evidence = {
            "subject": leaf.subject,
            "issuer": leaf.issuer,
            "serial_number": self.serial_number,
            "not_valid_after": leaf.not_valid_after.isoformat(),
        }
        return Check(Rung.CERTIFICATE, "certificate_good", Result.PASSED, evidence=evidence)

    def common_name(self) -> Check:
        """Is the certificate's common name the partner login?"""
        return check_common_name(", ".join(self._chain[0].common_names), self._material.mzp)

    def _present(self, context: ssl.SSLContext) -> None:
        material = self._material
        pem = "".join(ssl.DER_cert_to_PEM_cert(one.der) for one in self._chain).encode("ascii")
        if self._key_file is None:
            client.present(context, pem, material.key_pem, material.key_passphrase)
        else:
            client.present_beside(context, pem, self._key_file, material.key_passphrase)

    def _chain_findings(self, authorities: Sequence[Certificate]) -> Iterator[Finding]:
        """Shake hands with ourselves: the server's side verifies the client's certificate as the API's would."""
        ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.check_hostname, ours.verify_mode = False, ssl.CERT_NONE
        theirs.verify_mode = ssl.CERT_REQUIRED
        theirs.load_verify_locations(cadata=b"".join(one.der for one in authorities))
        for context in (ours, theirs):
            self._present(context)
        try:
            _shake_hands(ours, theirs)
        except ssl.SSLCertVerificationError as error:
            yield self._chain_finding(error, authorities)
        except ssl.SSLError as error:
            yield Finding("chain_invalid", Severity.ERROR, "chain", error.reason or type(error).__name__)

    def _chain_finding(self, error: ssl.SSLCertVerificationError, authorities: Sequence[Certificate]) -> Finding:
        code = _CHAIN_FINDINGS.get(error.verify_code, "chain_invalid")
        if code == "chain_issuer_missing":
            given = "; ".join(one.subject for one in authorities)
            missing = _missing_issuer([*self._chain, *authorities])
            return Finding(code, Severity.ERROR, "chain", given, missing or "–")
        if code == "ca_not_valid_now":
            period = [one for one in authorities if not one.not_valid_before <= self._now <= one.not_valid_after]
            one = (period or list(authorities))[0]
            found = f"{_when(one.not_valid_before)} – {_when(one.not_valid_after)}"
            return Finding(code, Severity.ERROR, "chain", found, _when(self._now), {"ca": one.subject})
        if code == "chain_signature":
            leaf = self._chain[0]
            return Finding(code, Severity.ERROR, "chain", leaf.subject, leaf.issuer)
        return Finding(code, Severity.ERROR, "chain", error.verify_message, "clientAuth")


def _read_certificates(data: bytes) -> "Sequence[Certificate] | Finding":
    """Read PEM or DER, with whatever a mail or an editor put around it; a finding where there is none."""
    if len(data) > files.MAX_BYTES:
        return Finding("certificate_too_large", Severity.ERROR, "file", f"{len(data)}", f"{files.MAX_BYTES}")
    found = files.items(data)
    if not found:
        return Finding("certificate_empty", Severity.ERROR, "file")
    holders = [item for item in found if item.kind is Kind.CERTIFICATE]
    if not holders:
        return Finding(_NOT_A_CERTIFICATE.get(found[0].kind, "certificate_unknown"), Severity.ERROR, "file")
    if len(holders) > MAX_CERTIFICATES:
        return Finding("certificate_too_many", Severity.ERROR, "file", f"{len(holders)}", f"{MAX_CERTIFICATES}")
    try:
        certificates = [read_certificate(item.der) for item in holders]
        for one in certificates:
            _ = one.is_ca, one.signs_data, one.extended_key_usage, one.common_names
    except (Malformed, ValueError, IndexError):
        return Finding("certificate_damaged", Severity.ERROR, "file")
    return certificates


def _key_finding(material: CredentialMaterial) -> Finding | None:
    """Say what the key's file is, where it is no private key that OpenSSL reads."""
    found = files.items(material.key_pem)
    key: Item | None = next((item for item in found if item.kind is Kind.PRIVATE_KEY), None)
    if key is None:
        code = _NOT_A_KEY.get(found[0].kind, "key_unreadable") if found else "key_empty"
        return Finding(code, Severity.ERROR, "key")
    if key.der.startswith(b"openssh-key-v1\x00"):
        return Finding("key_is_openssh", Severity.ERROR, "key")
    if not key.pem:
        return Finding("key_unreadable", Severity.ERROR, "key")
    if not material.key_passphrase and any(mark in key.pem for mark in _ENCRYPTED):
        return Finding("key_passphrase_missing", Severity.ERROR, "key")
    return None


def _leaf_findings(leaf: Certificate, now: datetime) -> Iterator[Finding]:
    begin, end = leaf.not_valid_before, leaf.not_valid_after
    if now < begin:
        yield Finding("certificate_not_yet_valid", Severity.ERROR, "certificate", _when(begin), _when(now))
    elif now > end:
        yield Finding("certificate_expired", Severity.ERROR, "certificate", _when(end), _when(now))
    elif end - now < EXPIRES_SOON:
        days = {"days": (end - now).days}
        yield Finding("certificate_expires_soon", Severity.WARNING, "certificate", _when(end), "", days)
    if leaf.is_ca:
        yield Finding("certificate_is_ca", Severity.ERROR, "extensions", "CA:TRUE", "CA:FALSE")
    purposes = leaf.extended_key_usage
    if purposes is not None and CLIENT_AUTH not in purposes:
        found = ", ".join(purposes)
        yield Finding("certificate_not_for_clients", Severity.ERROR, "extensions", found, "clientAuth")
    if not leaf.signs_data:
        yield Finding("certificate_key_usage", Severity.ERROR, "extensions", "", "digitalSignature")
    if leaf.hash in _WEAK_HASHES:
        yield Finding("certificate_hash", Severity.ERROR, "signature", leaf.hash, "sha256")
    if 0 < leaf.bits < MIN_RSA_BITS:
        yield Finding("certificate_key_size", Severity.ERROR, "key", f"{leaf.bits}", f"{MIN_RSA_BITS}")


def _authority_findings(authorities: Sequence[Certificate]) -> Iterator[Finding]:
    for one in authorities:
        if not one.is_ca:
            yield Finding("ca_not_a_ca", Severity.ERROR, "chain", one.subject)


def _missing_issuer(certificates: Sequence[Certificate]) -> str:
    """Follow the chain up from the first, and name whom it asks for in vain."""
    link, seen = certificates[0], [certificates[0]]
    while True:
        above = next((one for one in certificates if one.subject_der == link.issuer_der), None)
        if above is None or above in seen:
            return link.issuer
        seen.append(above)
        link = above


def _shake_hands(ours: ssl.SSLContext, theirs: ssl.SSLContext) -> None:
    """Let two contexts shake hands in memory. Raises what either side raises."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [ours.wrap_bio(to_client, to_server), theirs.wrap_bio(to_server, to_client, server_side=True)]
    for _ in range(_MAX_FLIGHTS):
        for side in list(sides):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            sides.remove(side)
        if not sides:
            return
    raise ssl.SSLError("the handshake does not end")


def _when(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")  # noqa: UP017 - Python 3.10
