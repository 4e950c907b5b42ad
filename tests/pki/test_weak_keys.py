"""Keys that are known to be weak, made here as the faulty generators made them."""

import hashlib
import json
import random
import sys
import time
from math import prod
from pathlib import Path

import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from onboarding.findings import explain
from onboarding.pki import keys, weak_keys
from onboarding.pki.csr import build_csr, check_csr
from onboarding.pki.messages import MESSAGES
from onboarding.programmes import profile

E = keys.PUBLIC_EXPONENT
RANDOM = random.Random(20)
SUBJECT = {
    "C": "FR",
    "ST": "Ile de France",
    "L": "Paris",
    "O": "Free2Move",
    "OU": "Programs Partners",
    "CN": "MZP128745",
    "emailAddress": "certificates@example.com",
}


def prime(bits: int) -> int:
    return int(gmpy2.next_prime(RANDOM.getrandbits(bits) | 3 << (bits - 2)))


def private_key(p: int, q: int) -> rsa.RSAPrivateKey:
    d = rsa.rsa_recover_private_exponent(E, p, q)
    public = rsa.RSAPublicNumbers(E, p * q)
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def public_key(modulus: int) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(E, modulus).public_key()


def codes(key: rsa.RSAPublicKey) -> list[str]:
    findings = list(weak_keys.weak_key_findings(key))
    assert all(MESSAGES[one.code].remedy for one in findings)
    return [one.code for one in findings]


def infineon_prime(bits: int) -> int:
    """A prime of the form k·M + 65537^a mod M (Nemec et al., The Return of Coppersmith's Attack, section 2.1)."""
    primes = [2]
    while len(primes) < 126:
        primes.append(int(gmpy2.next_prime(primes[-1])))
    m = prod(primes)
    while True:
        k = RANDOM.getrandbits(bits - m.bit_length()) | 3 << (bits - m.bit_length() - 2)
        candidate = k * m + pow(E, RANDOM.getrandbits(128), m)
        if candidate.bit_length() == bits and gmpy2.is_prime(candidate):
            return candidate


def test_an_ordinary_key_is_not_weak() -> None:
    for bits in (2048, 3072):
        assert codes(keys.generate_rsa_key(bits).public_key()) == []


def test_close_primes_and_roca_make_a_csr_unfit_and_only_where_weak_keys_are_looked_for() -> None:
    close = prime(1024)
    for p, q, code in (
        (close, int(gmpy2.next_prime(close)), "key_weak_fermat"),
        (infineon_prime(1024), infineon_prime(1024), "key_weak_roca"),
    ):
        csr = build_csr(private_key(p, q), SUBJECT)
        report = check_csr(csr, profile("fleet_owner"), mzp="MZP128745")
        assert [(one.field, one.code) for one in report.findings] == [("key", code)]
        assert not report.fit
        assert "-newkey rsa:2048" in explain(report.findings[0], MESSAGES).command
        assert str(p) not in repr(report.findings)
        assert check_csr(csr, profile("fleet_owner"), mzp="MZP128745", weak_keys=False).fit


def test_a_small_factor_and_a_pattern_are_found() -> None:
    assert codes(public_key(65521 * prime(2032))) == ["key_weak_small_factor"]
    # Sixteen equal bytes in the upper half of the modulus, of which the lower half is left to the second prime.
    p, wanted = prime(1024), (prime(2048) | ((1 << 128) - 1) << 1600)
    assert codes(public_key(p * int(gmpy2.next_prime(wanted // p)))) == ["key_weak_pattern"]


def test_a_prime_of_somebody_elses_key_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = prime(1024)
    known = gmpy2.mpz(prod([*(prime(1024) for _ in range(8)), shared]))
    monkeypatch.setitem(sys.modules["badkeys.rsakeys.sharedprimes"]._moduli, 2048, known)
    monkeypatch.setattr(weak_keys, "_known_primes", lambda _bits: known)
    assert codes(public_key(shared * prime(1024))) == ["key_weak_shared_prime"]
    assert codes(public_key(prime(1024) * prime(1024))) == []


def test_the_folded_product_leaves_the_remainder_that_division_leaves() -> None:
    for bits in (2048, 4096):
        known = weak_keys._known_primes(bits)
        modulus = prime(bits // 2) * prime(bits // 2)
        assert modulus.bit_length() == bits
        assert weak_keys._may_share_a_prime(modulus) == (gmpy2.gcd(known, modulus) != 1)


def test_the_blocklist_is_looked_into_where_it_is_and_left_out_where_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed, published, other = (keys.generate_rsa_key(2048).public_key() for _ in range(3))
    assert codes(listed) == []
    rows = []
    for key, list_ in ((listed, 1), (published, 2)):
        modulus = key.public_numbers().n
        rows.append(hashlib.sha256(modulus.to_bytes(256, "big")).digest()[:15] + bytes([list_]))
    (tmp_path / "blocklist.dat").write_bytes(b"".join(sorted(rows)))
    lists = [{"id": 1, "name": "debianssl"}, {"id": 2, "name": "firmware"}]
    (tmp_path / "badkeysdata.json").write_text(json.dumps({"blocklists": lists}))
    block = sys.modules["badkeys.allkeys.block"]
    monkeypatch.setattr(block, "_cachedir", lambda: str(tmp_path))
    monkeypatch.setattr(block, "_blmeta", False)
    monkeypatch.setattr(block, "_bldata", False)
    monkeypatch.setattr(weak_keys, "_cachedir", lambda: str(tmp_path))
    weak_keys.blocklist_is_here.cache_clear()
    weak_keys._weakness.cache_clear()
    try:
        assert [codes(key) for key in (listed, published, other)] == [["key_weak_debian"], ["key_weak_published"], []]
    finally:
        weak_keys.blocklist_is_here.cache_clear()
        weak_keys._weakness.cache_clear()


def test_the_largest_key_of_the_profile_costs_little() -> None:
    key = public_key(prime(2048) * prime(2048))
    codes(key)
    weak_keys._weakness.cache_clear()
    start = time.process_time()
    codes(key)
    assert time.process_time() - start < 0.05
