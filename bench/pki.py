"""CSR checks and certificate intake: rates as ratios to bare cryptography and to openssl, memory as a peak.

Each pair is measured in turns in one run, in processor time, and the best turn of each counts: so a busy machine
troubles both alike. Every CSR has a key of its own. Exit code 1 if a goal is missed.
"""

import gc
import io
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from resource import RUSAGE_CHILDREN, getrusage

import gmpy2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store
from trustme import CA, KeyType

from onboarding.pki import embedded_ca, intake, keys, names, screens, weak_keys
from onboarding.pki.certificates import check_certificate
from onboarding.pki.csr import build_csr, check_csr
from onboarding.programmes import profile

MZP = "MZP128745"
SUBJECT = {
    "C": "FR",
    "ST": "Ile de France",
    "L": "Paris",
    "O": "Free2Move",
    "OU": "Programs Partners",
    "CN": MZP,
    "emailAddress": "certificates@example.com",
}
RULES = profile("fleet_owner")
CSRS, TURNS = 20, 200
ZIPPED = 5_000
KNOWN_PRIMES = screens._known_primes(2048)
ONE_MODULUS = gmpy2.mpz(3) ** 1292  # 2048 bits
MIB = 1024 * 1024

Work = Callable[[bytes], object]


def bare(pem: bytes) -> object:
    """Parse and verify, and nothing else."""
    return x509.load_pem_x509_csr(pem).is_signature_valid


def checked(pem: bytes) -> object:
    """Check all but known-weak keys."""
    return check_csr(pem, RULES, mzp=MZP, weak_keys=False)


def checked_with_weak_keys(pem: bytes) -> object:
    """Check all, of a key that was never seen before."""
    weak_keys._weakness.cache_clear()
    return check_csr(pem, RULES, mzp=MZP)


def multiplied(pem: bytes) -> object:
    """Check all but known-weak keys, and multiply the known primes by one number: there is no way round that much."""
    return checked(pem), KNOWN_PRIMES * ONE_MODULUS


def checked_again(pem: bytes) -> object:
    """Check all, of a key that was seen before: when it is submitted after it was pasted."""
    return check_csr(pem, RULES, mzp=MZP)


def seconds_each(works: Sequence[Work], inputs: Sequence[bytes]) -> list[float]:
    """Return the processor time of each work on one input, in seconds: the best of `TURNS` turns."""
    best = [float("inf")] * len(works)
    for _ in range(TURNS):
        for number, work in enumerate(works):
            start = time.process_time()
            for one in inputs:
                work(one)
            best[number] = min(best[number], (time.process_time() - start) / len(inputs))
    return best


def openssl_seconds(pems: Sequence[bytes]) -> float:
    """Return the processor time of one `openssl req -verify` process, in seconds."""
    before = getrusage(RUSAGE_CHILDREN)
    for pem in pems:
        subprocess.run(["openssl", "req", "-verify", "-noout"], input=pem, capture_output=True, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / len(pems)


def line(what: str, ratio: float, goal: float | None = None) -> bool:
    """Print one ratio with its goal, and return whether it is met."""
    met = goal is None or ratio >= goal
    wanted = "" if goal is None else f"   goal {goal:g}   {'met' if met else 'MISSED'}"
    print(f"{what:<66}{ratio:8.2f}{wanted}")
    return met


def bench_csrs() -> bool:
    """Compare CSR checks with what they stand on."""
    csrs = [build_csr(keys.generate_rsa_key(2048), SUBJECT) for _ in range(CSRS)]
    plain, ours, weak, floor = seconds_each([bare, checked, checked_with_weak_keys, multiplied], csrs)
    for pem in csrs:
        checked_again(pem)
    (again,) = seconds_each([checked_again], csrs)
    print(
        f"CSR, microseconds: bare {plain * 1e6:.0f}, checked {ours * 1e6:.0f}, with weak keys {weak * 1e6:.0f}, "
        f"the same key again {again * 1e6:.0f}"
    )
    goals = [
        line("CSR checks without weak keys : bare cryptography", plain / ours, 0.6),
        line("CSR checks with weak keys : bare cryptography", plain / weak, 0.15),
        line("CSR checks without weak keys : `openssl req -verify`", openssl_seconds(csrs) / ours, 20),
    ]
    line("CSR checks, and only one product with the known primes : bare", plain / floor)
    line("CSR checks with weak keys, key seen before : bare cryptography", plain / again)
    return all(goals)


def bench_chain() -> None:
    """Compare the check of a certificate and its chain with bare verification."""
    root = CA(key_type=KeyType.RSA)
    issuer = root.create_child_ca(key_type=KeyType.RSA)
    now = datetime.now(UTC)
    issuer_key = keys.load_key(issuer.private_key_pem.bytes(), None)
    assert isinstance(issuer_key, RSAPrivateKey)
    leaf = embedded_ca.sign_client(
        x509.load_pem_x509_csr(build_csr(keys.generate_rsa_key(2048), SUBJECT)),
        ca=x509.load_pem_x509_certificate(issuer.cert_pem.bytes()),
        ca_key=issuer_key,
        now=now,
    )
    data = leaf.public_bytes(Encoding.PEM) + issuer.cert_pem.bytes() + root.cert_pem.bytes()
    subject = names.first_values(names.subject_values(leaf.subject))
    spki = keys.spki_sha256(leaf.public_key())

    def verified(pem: bytes) -> object:
        first, second, anchor = x509.load_pem_x509_certificates(pem)
        builder = PolicyBuilder().store(Store([anchor])).time(now)
        policy = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        builder = builder.extension_policies(ca_policy=policy, ee_policy=ExtensionPolicy.permit_all())
        return builder.build_client_verifier().verify(first, [second])

    def taken_in(pem: bytes) -> object:
        first, *rest = intake.load_certificates(pem)
        report = check_certificate(first, csr_spki_sha256=spki, subject=subject, ca=rest, now=now)
        assert report.fit
        return report

    plain, ours = seconds_each([verified, taken_in], [data])
    print(f"chain of three, microseconds: bare {plain * 1e6:.0f}, taken in {ours * 1e6:.0f}")
    line("certificate intake, chain of three : bare x509.verification", plain / ours)


def bench_zip() -> bool:
    """Measure the peak memory of a large ZIP, and see a bomb refused."""
    pem = CA(key_type=KeyType.RSA).cert_pem.bytes()
    body = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(ZIPPED):
            archive.writestr(f"certificate-{number}.cer", body)
    data = packed.getvalue()
    del packed
    gc.collect()
    tracemalloc.start()
    count = sum(read.certificate is not None for read in intake.read_certificates(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.pem", bytes(256 * MIB))
    refused = [read.finding.code for read in intake.read_certificates(bomb.getvalue()) if read.finding]
    print(f"ZIP of {len(data) / MIB:.1f} MiB, {count} certificates: peak {peak / MIB:.1f} MiB beside it")
    print(f"ZIP bomb of {len(bomb.getvalue()) / MIB:.1f} MiB: {refused[0] if refused else 'NOT REFUSED'}")
    return count == ZIPPED and refused == ["certificate_zip_bomb"]


def main() -> int:
    """Run all, and return the exit code."""
    met = bench_csrs()
    bench_chain()
    return 0 if bench_zip() and met else 1


if __name__ == "__main__":
    sys.exit(main())
