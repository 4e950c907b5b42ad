"""Certificate checks, held against `openssl verify`; the embedded CA; private keys."""

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.findings import Severity, explain
from onboarding.pki import certificates, embedded_ca, files, keys, names
from onboarding.pki.certificates import check_certificate, load_certificates
from onboarding.pki.csr import build_csr
from onboarding.pki.messages import MESSAGES
from onboarding.pki.traits import is_ca
from tests.pki import minting

NOW = datetime.now(UTC)
SUBJECT = {"C": "FR", "O": "Free2Move", "OU": "Programs Partners", "CN": "MZP128745"}
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


class Cast:
    """A CA, a rival CA of another name, one of the same name, and a partner's key with its CSR."""

    def __init__(self) -> None:
        self.ca_key, self.other_ca_key, self.key, self.other_key = (keys.generate_rsa_key(2048) for _ in range(4))
        self.ca = embedded_ca.make_ca(self.ca_key, "Fleet CA", NOW)
        self.namesake = embedded_ca.make_ca(self.other_ca_key, "Fleet CA", NOW)
        self.rival = embedded_ca.make_ca(self.other_ca_key, "Rival CA", NOW)
        self.csr = x509.load_pem_x509_csr(build_csr(self.key, SUBJECT))
        self.spki = keys.spki_sha256(self.key.public_key())

    def sign(self, days: int = 365, now: datetime = NOW) -> x509.Certificate:
        return embedded_ca.sign_client(self.csr, ca=self.ca, ca_key=self.ca_key, now=now, days=days)

    def bare(
        self,
        *extensions: x509.ExtensionType,
        key: rsa.RSAPrivateKey | None = None,
        digest: hashes.HashAlgorithm | None = None,
        begin: datetime = NOW - timedelta(days=1),
    ) -> x509.Certificate:
        """Sign a certificate by hand, with just these extensions."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.csr.subject)
            .issuer_name(self.ca.subject)
            .public_key((key or self.key).public_key())
            .serial_number(7)
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=366))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.ca_key, digest or hashes.SHA256())

    def check(
        self,
        certificate: x509.Certificate,
        *,
        ca: list[x509.Certificate] | None = None,
        now: datetime = NOW,
        subject: Mapping[str, str] = SUBJECT,
    ) -> list[str]:
        found = check_certificate(
            certificate,
            csr_spki_sha256=self.spki,
            subject=subject,
            ca=[self.ca] if ca is None else ca,
            now=now,
        ).findings
        assert all(explain(finding, MESSAGES).remedy for finding in found)
        return [finding.code for finding in found]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast()


def openssl_accepts(folder: Path, certificate: x509.Certificate, ca: x509.Certificate, at: datetime) -> bool:
    (folder / "leaf.pem").write_bytes(certificate.public_bytes(PEM))
    (folder / "ca.pem").write_bytes(ca.public_bytes(PEM))
    command = ["openssl", "verify", "-purpose", "sslclient", "-attime", str(int(at.timestamp()))]
    command += ["-auth_level", "2", "-CAfile", "ca.pem", "leaf.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


@pytest.mark.needs("openssl")
def test_a_certificate_of_the_embedded_ca_is_fit_and_openssl_agrees(cast: Cast, tmp_path: Path) -> None:
    certificate = cast.sign()
    assert cast.check(certificate) == []
    assert openssl_accepts(tmp_path, certificate, cast.ca, NOW)
    assert certificate.subject == cast.csr.subject


@pytest.mark.needs("openssl")
def test_every_refusal_is_named_and_openssl_refuses_too(cast: Cast, tmp_path: Path) -> None:
    server_only = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
    small = rsa.generate_private_key(65537, 1024)
    good = cast.sign()
    for certificate, ca, at, expected in (
        (good, cast.ca, NOW + timedelta(days=400), {"certificate_expired"}),
        (good, cast.ca, NOW - timedelta(days=2), {"certificate_not_yet_valid", "ca_not_valid_now"}),
        (good, cast.rival, NOW, {"chain_issuer_missing"}),
        (good, cast.namesake, NOW, {"chain_signature"}),
        (good, good, NOW, {"ca_not_a_ca"}),
        (cast.bare(server_only), cast.ca, NOW, {"certificate_not_for_clients"}),
        (cast.bare(key=small), cast.ca, NOW, {"certificate_other_key", "certificate_key_size"}),
    ):
        assert expected <= set(cast.check(certificate, ca=[ca], now=at))
        assert not openssl_accepts(tmp_path, certificate, ca, at)


@pytest.mark.needs("openssl")
def test_a_certificate_without_any_extension_is_valid_but_unusual(cast: Cast, tmp_path: Path) -> None:
    certificate = cast.bare()
    assert cast.check(certificate) == ["chain_unusual"]
    assert openssl_accepts(tmp_path, certificate, cast.ca, NOW)


def test_a_certificate_for_another_key_is_told_first(cast: Cast) -> None:
    assert cast.check(cast.bare(key=cast.other_key))[0] == "certificate_other_key"


def test_each_difference_of_the_subject_is_told_and_only_cn_is_an_error(cast: Cast) -> None:
    found = check_certificate(
        cast.sign(),
        csr_spki_sha256=cast.spki,
        subject={**SUBJECT, "L": "Paris", "CN": "MZP000001"},
        ca=[cast.ca],
        now=NOW,
    ).findings
    assert [(f.field, f.severity, f.found, f.expected) for f in found] == [
        ("CN", Severity.ERROR, "MZP128745", "MZP000001"),
        ("L", Severity.WARNING, "", "Paris"),
    ]


def test_expiry_within_thirty_days_is_a_warning_and_later_none(cast: Cast) -> None:
    assert cast.check(cast.sign(days=29)) == ["certificate_expires_soon"]
    assert cast.check(cast.sign(days=31)) == []


@pytest.mark.parametrize(
    ("days", "code"),
    [(6, "certificate_short_life"), (8, "certificate_expires_soon"), (1095, None), (1099, "certificate_long_life")],
)
def test_an_unusual_lifetime_is_told_with_its_days_and_refuses_nothing(cast: Cast, days: int, code: str | None) -> None:
    report = check_certificate(cast.sign(days=days), csr_spki_sha256=cast.spki, subject=SUBJECT, ca=[cast.ca], now=NOW)
    assert [finding.code for finding in report.findings] == ([code] if code else [])
    assert report.fit
    assert report.facts["lifetime_days"] == days
    assert all(f"{days}" in explain(finding, MESSAGES).title or days == 8 for finding in report.findings)


def test_every_check_is_reported_in_the_order_promised_those_that_passed_too(cast: Cast) -> None:
    report = check_certificate(cast.ca, csr_spki_sha256=cast.spki, subject=SUBJECT, ca=[cast.rival], now=NOW)
    assert {checked.id: str(checked.result) for checked in report.checks} == {
        "parsing": "passed",
        "key": "failed",
        "subject": "failed",
        "serial": "passed",
        "validity": "passed",
        "end_entity": "failed",
        "extended_key_usage": "passed",
        "key_usage": "failed",
        "hash": "passed",
        "key_size": "passed",
        "chain": "failed",
    }
    assert [checked.id for checked in report.checks] == [check.id for check in certificates.CHECKS]
    assert json.loads(json.dumps(report.to_json())) == report.to_json()


def test_the_subject_is_set_side_by_side(cast: Cast) -> None:
    rows = certificates.compare_subjects({"C": "FR", "L": "Paris"}, {"C": ["FR"], "O": ["One", "Two"]})
    assert [(row.attribute, row.asked, row.has, row.same) for row in rows] == [
        ("C", "FR", "FR", True),
        ("L", "Paris", "", False),
        ("O", "", "One | Two", False),
    ]


def test_two_values_are_not_one_with_a_comma_in_it(cast: Cast) -> None:
    rows = certificates.compare_subjects({"O": "One, Two"}, {"O": ["One", "Two"]})
    assert [row.same for row in rows] == [False]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("serial", [-5, 0, b"\x01" * 21, b"\x00\x80" + b"\x01" * 19])
def test_a_serial_number_that_is_none_is_warned_of(cast: Cast, serial: int | bytes) -> None:
    """RFC 5280, section 4.1.2.2: positive, and at most 20 bytes as it is written."""
    ca_key = minting.new_key()
    ca = minting.name("CA")
    root = minting.mint(ca, ca_key, ca, ca_key, minting.of_ca(ca_key))
    leaf = minting.mint(minting.name("MZP1"), cast.key, ca, ca_key, minting.of_client(cast.key, ca_key), serial=serial)
    report = check_certificate(leaf, csr_spki_sha256=cast.spki, subject={"CN": "MZP1"}, ca=[root], now=NOW)
    assert "certificate_serial_odd" in [finding.code for finding in report.findings]


def test_a_ca_key_that_would_take_long_to_verify_with_is_refused_unused(cast: Cast) -> None:
    modulus = cast.key.public_key().public_numbers().n
    dear = minting.KeyThatIsNowhere(rsa.RSAPublicNumbers((1 << 2000) + 1, modulus).public_key())
    name = minting.name("Dear")
    ca = minting.mint(name, dear, name, cast.ca_key, minting.of_ca(dear))
    leaf = minting.mint(cast.csr.subject, cast.key, name, cast.ca_key)
    found = check_certificate(leaf, csr_spki_sha256=cast.spki, subject=SUBJECT, ca=[ca], now=NOW).findings
    assert [finding.code for finding in found] == ["chain_ca_key"]


def test_a_ca_is_no_client_and_a_missing_ca_is_told(cast: Cast) -> None:
    assert "certificate_is_ca" in cast.check(cast.ca)
    assert cast.check(cast.sign(), ca=[]) == ["ca_missing"]


def test_key_usage_without_digital_signature_is_refused(cast: Cast) -> None:
    usage = x509.KeyUsage(False, False, True, False, False, False, False, False, False)
    assert "certificate_key_usage" in cast.check(cast.bare(usage))


def test_a_chain_through_an_intermediate_passes_in_any_order_and_breaks_without_its_root(cast: Cast) -> None:
    root = trustme.CA(key_type=trustme.KeyType.RSA)
    middle = root.create_child_ca(key_type=trustme.KeyType.RSA)
    leaf_pem = middle.issue_cert("client@example.com", key_type=trustme.KeyType.RSA)
    leaf = load_certificates(leaf_pem.cert_chain_pems[0].bytes())[0]
    authorities = [load_certificates(one.cert_pem.bytes())[0] for one in (root, middle)]
    spki = keys.spki_sha256(leaf.public_key())
    subject = names.first_values(names.subject_values(leaf.subject))

    def chain_errors(ca: list[x509.Certificate]) -> list[str]:
        report = check_certificate(leaf, csr_spki_sha256=spki, subject=subject, ca=ca, now=NOW)
        return [f.code for f in report.findings if f.field == "chain" and f.severity is Severity.ERROR]

    assert chain_errors(authorities) == chain_errors(authorities[::-1]) == []
    assert chain_errors([authorities[0]]) == ["chain_issuer_missing"]


# --- Reading ---


def test_certificates_are_read_in_every_form_and_order(cast: Cast) -> None:
    leaf = cast.sign()
    both = cast.ca.public_bytes(PEM) + leaf.public_bytes(PEM)
    assert load_certificates(both.replace(b"\n", b"\r\n")) == [cast.ca, leaf]
    assert load_certificates(leaf.public_bytes(DER)) == [leaf]


def test_what_is_no_certificate_is_refused_by_name(cast: Cast) -> None:
    leaf = cast.sign().public_bytes(PEM)
    for data, code in (
        (b"", "certificate_empty"),
        (b"hello", "certificate_unknown"),
        (cast.csr.public_bytes(PEM), "certificate_is_csr"),
        (leaf + keys.encrypt_key(cast.key, b"x"), "certificate_with_private_key"),
        (leaf[:400] + leaf[500:], "certificate_damaged"),
        (leaf * 50, "certificate_too_many"),
        (b"x" * (files.MAX_BYTES + 1), "certificate_too_large"),
    ):
        with pytest.raises(certificates.UnreadableCertificate) as refused:
            load_certificates(data)
        assert refused.value.finding.code == code


@pytest.mark.filterwarnings("ignore")  # the library's remarks on odd serial numbers and the like
@settings(max_examples=200, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=3)), min_size=1, max_size=3))
def test_damaged_certificates_are_reported_never_raised(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(ORIGINAL)
    for at, replacement in changes:
        data[at % len(data) : at % len(data) + len(replacement)] = replacement
    finding = None
    try:
        CAST.check(load_certificates(bytes(data))[0])
    except certificates.UnreadableCertificate as refused:
        finding = refused.finding
    assert finding is None or explain(finding, MESSAGES).remedy


CAST = Cast()
ORIGINAL = CAST.sign().public_bytes(DER)


# --- The embedded CA ---


def test_the_ca_takes_nothing_from_a_csr_but_subject_and_key(cast: Cast) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(names.build_name(SUBJECT))
    greedy = builder.add_extension(x509.BasicConstraints(True, None), critical=True).sign(cast.key, hashes.SHA256())
    certificate = embedded_ca.sign_client(greedy, ca=cast.ca, ca_key=cast.ca_key, now=NOW, serial=42)
    assert not is_ca(certificate)
    assert certificate.serial_number == 42
    assert cast.check(certificate) == []


def test_a_server_certificate_names_its_hosts_and_is_no_client(cast: Cast) -> None:
    certificate = embedded_ca.sign_server(
        cast.key, ["localhost", "127.0.0.1"], ca=cast.ca, ca_key=cast.ca_key, now=NOW, days=30
    )
    alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternative.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(one) for one in alternative.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert "certificate_not_for_clients" in cast.check(certificate)


# --- Private keys ---


def test_a_key_opens_in_every_form_and_only_with_its_passphrase(cast: Cast) -> None:
    formats = serialization.PrivateFormat
    best = serialization.BestAvailableEncryption(b"secret")
    for encoding in (PEM, DER):
        for format_ in (formats.PKCS8, formats.TraditionalOpenSSL):
            plain = cast.key.private_bytes(encoding, format_, serialization.NoEncryption())
            for passphrase in (None, b"", b"needless"):
                assert keys.same_key(keys.load_key(plain, passphrase).public_key(), cast.key.public_key())
    for sealed in (
        keys.encrypt_key(cast.key, b"secret"),
        cast.key.private_bytes(DER, formats.PKCS8, best),
        cast.key.private_bytes(PEM, formats.TraditionalOpenSSL, best),
    ):
        assert keys.same_key(keys.load_key(sealed, b"secret").public_key(), cast.key.public_key())
        for passphrase, code in ((None, "key_passphrase_missing"), (b"wrong", "key_passphrase_wrong")):
            with pytest.raises(keys.UnreadableKey) as refused:
                keys.load_key(sealed, passphrase)
            assert refused.value.finding.code == code


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("args", "cheap", "costly"),
    [
        (["-v2", "aes-256-cbc", "-iter", "600000"], b"\x02\x03\x09\x27\xc0", b"\x02\x03\x7f\x27\xc0"),
        (["-scrypt"], b"\x02\x02\x40\x00\x02\x01\x08", b"\x02\x02\x40\x00\x02\x01\x7f"),
    ],
)
def test_the_cost_of_opening_a_key_is_read_before_it_is_paid(
    cast: Cast, args: list[str], cheap: bytes, costly: bytes
) -> None:
    plain = cast.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    command = ["openssl", "pkcs8", "-topk8", "-outform", "DER", "-passout", "pass:secret", *args]
    der = subprocess.run(command, input=plain, check=True, capture_output=True).stdout
    assert keys.same_key(keys.load_key(der, b"secret").public_key(), cast.key.public_key())
    assert der.count(cheap) == 1
    with pytest.raises(keys.UnreadableKey) as refused:
        keys.load_key(der.replace(cheap, costly), b"secret")
    assert refused.value.finding.code == "key_derivation_too_costly"


def test_what_is_no_key_is_refused_by_name(cast: Cast) -> None:
    for data, code in (
        (b"", "key_empty"),
        (b"hello", "key_unreadable"),
        (cast.csr.public_bytes(PEM), "key_is_csr"),
        (cast.ca.public_bytes(PEM), "key_is_certificate"),
        (b"\xfe\xed\xfe\xed", "key_is_jks"),
    ):
        with pytest.raises(keys.UnreadableKey) as refused:
            keys.load_key(data, None)
        assert refused.value.finding.code == code
