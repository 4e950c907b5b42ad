"""Damaged files of openssl and keytool: never an exception, always a finding with a remedy, and never dear."""

import io
import random
import subprocess
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboarding.findings import Finding, explain
from onboarding.pki import files, intake, keys
from onboarding.pki.certificates import CHECKS, CertificateReport, check_offer, unreadable
from onboarding.pki.csr import check_csr
from onboarding.pki.messages import MESSAGES
from onboarding.programmes import profile

pytestmark = [
    pytest.mark.needs("openssl"),
    pytest.mark.needs("keytool"),
    pytest.mark.filterwarnings("ignore"),  # the library's remarks on odd values and old ciphers
]

LIMIT = 0.1
"""The most processor time for public material, in seconds."""

SUBJECT = "/C=FR/ST=Ile de France/L=Paris/O=Free2Move/OU=Programs Partners/CN=MZP128745/emailAddress=it@example.com"
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 6), st.binary(max_size=6)), min_size=1, max_size=5)
PROPERTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files as the real programs make them."""
    folder = tmp_path_factory.mktemp("real")

    def run(command: str, *more: str) -> None:
        subprocess.run([*command.split(), *more], cwd=folder, check=True, capture_output=True)

    run("openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj", SUBJECT)
    run("openssl req -x509 -key key.pem -out certificate.pem -subj", SUBJECT)
    run("openssl x509 -in certificate.pem -outform DER -out certificate.der")
    run("openssl crl2pkcs7 -nocrl -certfile certificate.pem -outform DER -out bundle.p7b")
    run("openssl pkcs12 -export -inkey key.pem -in certificate.pem -passout pass:secret -out store.p12")
    run("openssl pkcs8 -topk8 -in key.pem -passout pass:secret -out key.p8")
    store = "-alias fleet -keystore java.p12 -storepass secret"
    run(f"keytool -genkeypair -keyalg RSA -keysize 2048 -dname CN=MZP128745 {store}")
    run(f"keytool -certreq -file java.csr {store}")
    run(f"keytool -exportcert -rfc -file java.pem {store}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("certificate.pem", "certificate.der", "bundle.p7b", "java.pem"):
            archive.write(folder / name, name)
    made = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
    return made | {"certificates.zip": packed.getvalue()}


def damaged(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """Replace some bytes by others, fewer or more."""
    result = bytearray(data)
    for position, count, replacement in changes:
        at = position % max(1, len(result))
        result[at : at + count] = replacement
    return bytes(result)


def cost(work: Callable[[], object]) -> float:
    """Return the processor time of some work, in seconds: the least of three where the machine is busy."""
    least = LIMIT
    for _ in range(3):
        start = time.process_time()
        work()
        least = time.process_time() - start
        if least < LIMIT:
            break
    return least


def mended(*findings: Finding) -> bool:
    return all(explain(finding, MESSAGES).remedy for finding in findings)


@PROPERTY
@given(name=st.sampled_from(["request.pem", "java.csr", "certificate.der", "store.p12"]), changes=CHANGES)
def test_a_damaged_csr_is_fit_or_explained(
    real: dict[str, bytes], name: str, changes: list[tuple[int, int, bytes]]
) -> None:
    data = damaged(real[name], changes)
    assert cost(lambda: check_csr(data, profile("fleet_owner"), mzp="MZP128745")) < LIMIT
    report = check_csr(data, profile("fleet_owner"), mzp="MZP128745")
    assert report.fit or report.findings
    assert mended(*report.findings)


@PROPERTY
@given(
    name=st.sampled_from(["certificate.pem", "certificate.der", "bundle.p7b", "certificates.zip", "java.pem"]),
    changes=CHANGES,
)
def test_damaged_certificates_are_read_or_explained(
    real: dict[str, bytes], name: str, changes: list[tuple[int, int, bytes]]
) -> None:
    data = damaged(real[name], changes)
    assert cost(lambda: list(intake.read_certificates(data))) < LIMIT
    read = list(intake.read_certificates(data))
    assert read
    for one in read:
        assert (one.certificate is None) != (one.finding is None)
        assert one.finding is None or mended(one.finding)


@PROPERTY
@given(
    name=st.sampled_from(["certificate.pem", "certificate.der", "bundle.p7b", "certificates.zip", "java.pem"]),
    as_ca=st.booleans(),
    changes=CHANGES,
)
def test_what_is_offered_damaged_gets_a_report_that_says_what_to_do(
    real: dict[str, bytes], name: str, as_ca: bool, changes: list[tuple[int, int, bytes]]
) -> None:
    good, bad = real["certificate.pem"], damaged(real[name], changes)
    given = (good, bad) if as_ca else (bad, good)
    spki = keys.spki_sha256(load_pem_x509_certificate(good).public_key())

    def report() -> CertificateReport:
        try:
            offer = intake.read_offer(*given, spki_sha256=spki)
        except intake.UnreadableCertificate as refused:
            return unreadable(refused.finding)
        return check_offer(offer, csr_spki_sha256=spki, subject={"CN": "MZP128745"}, now=datetime.now(UTC))

    assert cost(report) < LIMIT
    assert len(report().checks) == len(CHECKS)
    assert mended(*report().findings)


@settings(PROPERTY, max_examples=80)
@given(name=st.sampled_from(["store.p12", "java.p12", "key.p8", "key.pem"]), changes=CHANGES)
def test_a_damaged_key_opens_or_is_explained(
    real: dict[str, bytes], name: str, changes: list[tuple[int, int, bytes]]
) -> None:
    start = time.process_time()
    findings = []
    try:
        keys.load_key(damaged(real[name], changes), b"secret")
    except keys.UnreadableKey as refused:
        findings.append(refused.finding)
    assert time.process_time() - start < 2
    assert mended(*findings)


@pytest.mark.parametrize("kind", ["request.pem", "certificate.pem", "certificate.der", "bundle.p7b"])
def test_a_file_full_of_real_things_is_not_dear(real: dict[str, bytes], kind: str) -> None:
    data = (real[kind] * files.MAX_BYTES)[: files.MAX_BYTES]
    for work in (lambda: check_csr(data, profile("end_user"), mzp=None), lambda: list(intake.read_certificates(data))):
        assert cost(work) < LIMIT


def test_a_zip_of_much_garbage_is_not_dear() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(9):
            archive.writestr(f"{number}.pem", b"> -----BEGIN CERTIFICATE-----\n" * 2_000)
        archive.writestr("stuffing", random.Random(3).randbytes(50_000))
    data = packed.getvalue()
    assert all(one.certificate is None for one in intake.read_certificates(data))
    assert cost(lambda: list(intake.read_certificates(data))) < LIMIT
