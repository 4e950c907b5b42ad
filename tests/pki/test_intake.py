"""Certificates in every form that they come in; what is none is told by name; chains are found in any order."""

import io
import random
import subprocess
import time
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from onboarding.findings import Finding, Severity, explain
from onboarding.pki import files, intake, keys, names
from onboarding.pki.certificates import check_certificate
from onboarding.pki.csr import build_csr
from onboarding.pki.intake import UnreadableCertificate, load_certificates, read_certificates
from onboarding.pki.messages import MESSAGES
from tests.pki import minting

NOW = datetime.now(UTC)
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


class Authority:
    """A CA that can be signed by itself or by another one."""

    def __init__(self, name: str) -> None:
        self.key = keys.generate_rsa_key(2048)
        self.name = names.build_name({"CN": name})

    def certify(
        self,
        subject: "Authority | rsa.RSAPrivateKey",
        *,
        begin: datetime = NOW - timedelta(days=1),
        days: int = 30,
        address: str = "",
    ) -> x509.Certificate:
        """Sign a CA certificate for an authority, or a client's for a key."""
        ca = isinstance(subject, Authority)
        key = subject.key if isinstance(subject, Authority) else subject
        name = subject.name if isinstance(subject, Authority) else names.build_name({"CN": "MZP128745"})
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if address:
            location = x509.UniformResourceIdentifier(address)
            method = x509.AuthorityInformationAccessOID.CA_ISSUERS
            access = x509.AuthorityInformationAccess([x509.AccessDescription(method, location)])
            builder = builder.add_extension(access, critical=False)
        return builder.sign(self.key, hashes.SHA256())


class Cast:
    """A root, its issuing CA, a client; an older root that signed the younger one (cross-signed)."""

    def __init__(self) -> None:
        self.root, self.issuing, self.old_root = (Authority(name) for name in ("Root", "Issuing", "Old root"))
        self.key = keys.generate_rsa_key(2048)
        self.root_cert = self.root.certify(self.root)
        self.issuing_cert = self.root.certify(self.issuing)
        self.old_root_cert = self.old_root.certify(self.old_root)
        self.cross_cert = self.old_root.certify(self.root)
        self.leaf = self.issuing.certify(self.key, days=200, address="http://ca.invalid/issuing.cer")
        self.chain = [self.leaf, self.issuing_cert, self.root_cert]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast()


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(PEM) for one in certificates)


def packed(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


def refusal(data: bytes) -> Finding:
    with pytest.raises(UnreadableCertificate) as refused:
        load_certificates(data)
    assert explain(refused.value.finding, MESSAGES).remedy
    return refused.value.finding


# --- Forms ---


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_pkcs7_bundle_of_openssl_is_read(cast: Cast, tmp_path: Path, form: str) -> None:
    (tmp_path / "chain.pem").write_bytes(pem(*cast.chain))
    command = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", str(tmp_path / "chain.pem"), "-outform", form]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    assert set(load_certificates(data)) == set(cast.chain)
    damaged = data.replace(data[200:210], b"\xff" * 10) if form == "DER" else data.replace(data[200:210], b"A" * 10)
    with pytest.raises(UnreadableCertificate):
        load_certificates(damaged)


def test_a_pkcs7_bundle_under_the_label_of_a_certificate_is_read(cast: Cast) -> None:
    bundle = pkcs7.serialize_certificates(cast.chain, PEM).replace(b"PKCS7", b"CERTIFICATE")
    assert set(load_certificates(bundle)) == set(cast.chain)


def test_a_zip_of_all_forms_is_read_and_what_stands_beside_is_left_out(cast: Cast) -> None:
    data = packed(
        {
            "README.txt": b"Dear partner,",
            "request.csr": build_csr(cast.key, {"CN": "MZP128745"}),
            "__MACOSX/._client.cer": b"\x00\x05\x16\x07",
            "client/client.cer": cast.leaf.public_bytes(DER),
            "ca/chain.p7b": pkcs7.serialize_certificates([cast.issuing_cert], DER),
            "ca/root.pem": pem(cast.root_cert),
        }
    )
    assert load_certificates(data) == cast.chain
    read = list(read_certificates(data))
    skipped = [one.finding for one in read if one.finding is not None]
    assert [(one.code, one.severity, one.found) for one in skipped] == [
        ("certificate_zip_skipped", Severity.NOTE, "README.txt"),
        ("certificate_zip_skipped", Severity.NOTE, "request.csr"),
    ]
    assert [one.file for one in read if one.certificate] == ["client/client.cer", "ca/chain.p7b", "ca/root.pem"]


def test_what_is_wrong_with_a_zip_is_told_by_name(cast: Cast) -> None:
    good = packed({"a.pem": pem(cast.leaf)})
    encrypted = bytearray(good)
    encrypted[6] |= 1  # the local header's flag, and the directory's
    end = good.rindex(b"PK\x05\x06")
    counted = bytearray(good[end:])
    counted[8:12] = b"\xff" * 4  # more entries than two bytes can say
    encrypted[good.rindex(b"PK\x01\x02") + 8] |= 1
    for data, code in (
        (packed({"bomb.pem": bytes(10_000_000)}), "certificate_zip_bomb"),
        (packed({f"{number}": b"" for number in range(intake.MAX_ZIP_ENTRIES + 1)}), "certificate_zip_entries"),
        (packed({"inner.zip": good}), "certificate_zip_in_zip"),
        (
            packed({"key.pem": keys.encrypt_key(cast.key, b"x"), "a.pem": pem(cast.leaf)}),
            "certificate_with_private_key",
        ),
        (packed({"a.pem": pem(cast.leaf)[:700] + b"\n-----END CERTIFICATE-----"}), "certificate_damaged"),
        (packed({}), "certificate_unknown"),
        (packed({"README": b"nothing here"}), "certificate_zip_skipped"),
        (packed({"folder/": b""}), "certificate_empty"),
        (good[:end] + b"PK\x06\x07" + bytes(16) + bytes(counted), "certificate_zip_entries"),
        (good[: len(good) // 2], "certificate_zip_damaged"),
        (bytes(encrypted), "certificate_zip_damaged"),
        (b"PK\x03\x04" + bytes(intake.MAX_ZIP_BYTES), "certificate_too_large"),
    ):
        start = time.process_time()
        assert refusal(data).code == code
        assert time.process_time() - start < 0.1


def test_a_zip_that_lies_about_its_sizes_is_not_unpacked_further(cast: Cast) -> None:
    good = packed({"a.pem": bytes(60_000) + random.Random(1).randbytes(9_000)})
    at = good.rindex(b"PK\x01\x02") + 24
    lying = good[:at] + (100).to_bytes(4, "little") + good[at + 4 :]
    assert refusal(lying).code in ("certificate_zip_damaged", "certificate_zip_skipped")


def test_many_certificates_in_a_zip_are_read_one_after_the_other(cast: Cast) -> None:
    data = packed({f"{number}.cer": cast.leaf.public_bytes(DER) for number in range(1_000)})
    tracemalloc.start()
    try:
        assert sum(one.certificate == cast.leaf for one in read_certificates(data)) == 1_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert refusal(data).code == "certificate_too_many"


def test_certificates_are_sorted_by_what_they_are_each_once(cast: Cast) -> None:
    result = intake.sort([cast.cross_cert, cast.root_cert, cast.leaf, cast.issuing_cert, cast.leaf])
    assert result.leaves == (cast.leaf,)
    assert result.intermediates == (cast.cross_cert, cast.issuing_cert)
    assert result.roots == (cast.root_cert,)


# --- Chains ---


def chain_findings(cast: Cast, *ca: x509.Certificate, now: datetime = NOW) -> list[Finding]:
    findings = check_certificate(
        cast.leaf,
        csr_spki_sha256=keys.spki_sha256(cast.key.public_key()),
        subject={"CN": "MZP128745"},
        ca=ca,
        now=now,
    ).findings
    return [one for one in findings if one.field == "chain" and one.code != "chain_unusual"]


def test_a_chain_is_found_whatever_the_order(cast: Cast) -> None:
    assert chain_findings(cast, cast.root_cert, cast.issuing_cert) == []
    assert chain_findings(cast, cast.issuing_cert, cast.root_cert) == []


def test_a_cross_signed_root_leads_to_either_root(cast: Cast) -> None:
    assert chain_findings(cast, cast.cross_cert, cast.issuing_cert, cast.old_root_cert) == []
    assert chain_findings(cast, cast.cross_cert, cast.issuing_cert, cast.old_root_cert, cast.root_cert) == []
    assert [one.code for one in chain_findings(cast, cast.old_root_cert, cast.issuing_cert)] == ["chain_issuer_missing"]


def test_an_expired_intermediate_is_an_error_unless_there_is_a_current_one_too(cast: Cast) -> None:
    expired = cast.root.certify(cast.issuing, begin=NOW - timedelta(days=60), days=10)
    alone = chain_findings(cast, expired, cast.root_cert)
    assert [(one.code, one.severity) for one in alone] == [("ca_not_valid_now", Severity.ERROR)]
    beside = chain_findings(cast, expired, cast.issuing_cert, cast.root_cert)
    assert [(one.code, one.severity) for one in beside] == [("ca_not_valid_now", Severity.NOTE)]


def test_a_missing_intermediate_is_named_with_its_address(cast: Cast) -> None:
    (finding,) = chain_findings(cast, cast.root_cert)
    assert (finding.code, finding.expected) == ("chain_issuer_elsewhere", "CN=Issuing")
    assert "http://ca.invalid/issuing.cer" in explain(finding, MESSAGES).remedy


def test_cas_that_certify_one_another_crosswise_cost_little(cast: Cast) -> None:
    keys_ = [minting.new_key() for _ in range(5)]
    name = minting.name("Crossing")
    crossed = [
        minting.mint(name, one, name, other, minting.of_ca(one, other))
        for one in keys_
        for other in keys_
        if one != other
    ]
    leaf = minting.mint(minting.name("MZP128745"), cast.key, name, keys_[0])
    start = time.process_time()
    report = check_certificate(leaf, csr_spki_sha256="", subject={}, ca=crossed, now=NOW)
    assert time.process_time() - start < 0.2
    assert "chain_circle" in [finding.code for finding in report.findings]


def test_the_limit_on_single_files_holds(cast: Cast) -> None:
    assert refusal(pem(cast.leaf) + b" " * files.MAX_BYTES).code == "certificate_too_large"
