"""Keys that are known to be weak, made here as the faulty generators made them."""

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from math import isqrt, prod
from pathlib import Path

import badkeys
import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from onboarding.findings import explain
from onboarding.pki import keys, screens, weak_keys
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


def rough(bits: int) -> int:
    """A number of this size without small factors: sooner found than a modulus of two primes."""
    most = prod(prime(128) for _ in range(bits // 128 - 1))
    return most * int(gmpy2.next_prime((RANDOM.getrandbits(bits) | 1 << (bits - 1)) // most))


def codes(modulus: int) -> list[str]:
    findings = list(weak_keys.weak_key_findings(modulus, E))
    assert all(MESSAGES[one.code].remedy for one in findings)
    return [one.code for one in findings]


def first_primes(count: int) -> list[int]:
    primes = [2]
    while len(primes) < count:
        primes.append(int(gmpy2.next_prime(primes[-1])))
    return primes


def infineon_prime(bits: int) -> int:
    """A prime of the form k·M + 65537^a mod M (Nemec et al., The Return of Coppersmith's Attack, section 2.1)."""
    m = prod(first_primes(126))
    while True:
        k = RANDOM.getrandbits(bits - m.bit_length()) | 3 << (bits - m.bit_length() - 2)
        candidate = k * m + pow(E, RANDOM.getrandbits(128), m)
        if candidate.bit_length() == bits and gmpy2.is_prime(candidate):
            return candidate


def test_an_ordinary_key_is_not_weak() -> None:
    for bits in (2048, 3072):
        assert codes(modulus_of_a_new_key(bits)) == []


def modulus_of_a_new_key(bits: int) -> int:
    return keys.generate_rsa_key(bits).public_key().public_numbers().n


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
    assert codes(65521 * prime(2032)) == ["key_weak_small_factor"]
    # Sixteen equal bytes in the upper half of the modulus, of which the lower half is left to the second prime.
    p, wanted = prime(1024), (prime(2048) | ((1 << 128) - 1) << 1600)
    assert codes(p * int(gmpy2.next_prime(wanted // p))) == ["key_weak_pattern"]


def test_a_prime_of_somebody_elses_key_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = prime(1024)
    known = gmpy2.mpz(prod([*(prime(1024) for _ in range(8)), shared]))
    monkeypatch.setitem(sys.modules["badkeys.rsakeys.sharedprimes"]._moduli, 2048, known)
    monkeypatch.setattr(screens, "_known_primes", lambda _bits: known)
    assert codes(shared * prime(1024)) == ["key_weak_shared_prime"]
    assert codes(prime(1024) * prime(1024)) == []


# --- The screens in front of badkeys ---


def with_biased_bits(bits: int, share: int) -> int:
    """A number of which about one bit in `share` is set."""
    return sum(1 << place for place in range(1, bits - 1) if not RANDOM.randrange(share)) | 1 << (bits - 1) | 1


def random_moduli() -> Iterator[int]:
    # Most of them have small factors, which a key has not: no matter, the tests are arithmetic.
    for bits in (1024, 2048, 2049, 3072, 4096):
        for _ in range(30):
            yield RANDOM.getrandbits(bits) | 1 | 1 << (bits - 1)
        yield RANDOM.getrandbits(bits) & ~1 | 1 << (bits - 1)


def roca_moduli() -> Iterator[int]:
    m = prod(first_primes(39))
    for _ in range(40):
        yield pow(E, RANDOM.getrandbits(64), m) + m * RANDOM.getrandbits(1828)


def fermat_moduli() -> Iterator[int]:
    """n = a² - b², with a at every distance from √n at which it can be found, and at some beyond."""
    for bits in (1024, 2048, 4096):
        for distance in (0, 1, 2, 3, 49, 50, 51, 98, 99, 100, 101, 102, 200):
            for _ in range(2):
                a = RANDOM.getrandbits(bits // 2) | 1 << (bits // 2 - 1)
                least = isqrt(2 * a * max(0, distance - 1))  # √(a² - b²) lies b²/2a below a
                yield a * a - (least + 1) ** 2
        yield (RANDOM.getrandbits(bits // 2) | 1 << (bits // 2 - 1)) ** 2


def moduli_with_known_factors() -> Iterator[int]:
    for bits in (2048, 3072, 4096):
        for factor in (2, 3, 5, 53, 251, 257, 32749, 65519, 65521, 65537, 3 * 65521):
            yield factor * rough(bits)
        yield 65539 * rough(bits)  # the first prime that is none of the small ones


def biased_moduli() -> Iterator[int]:
    for bits in (1024, 2048, 4096):
        for share in (2, 3, 4, 16):
            for _ in range(5):
                number = with_biased_bits(bits, share)
                yield number
                yield (1 << bits) - 1 - number | 1 << (bits - 1) | 1
        yield sum((RANDOM.getrandbits(14) | 1) << 128 * k for k in range(bits // 128)) | 1 << (bits - 1)


def patterned_moduli() -> Iterator[int]:
    for place in (0, 1, 100, 239, 240):
        for length in (15, 16, 17):
            for byte in (0, 1, 0x0A, 0x80, 0xFF):
                data = bytearray(RANDOM.randbytes(256))
                data[place : place + length] = bytes([byte]) * len(data[place : place + length])
                data[0] |= 0x80 if place else 0
                yield int.from_bytes(data, "big")


@pytest.mark.parametrize(
    ("moduli", "tests"),
    [
        (random_moduli, ["roca", "fermat", "smallfactors", "sharedprimes", "rsapoly", "rsabias", "pattern"]),
        (roca_moduli, ["roca"]),
        (fermat_moduli, ["fermat"]),
        (moduli_with_known_factors, ["smallfactors"]),
        (biased_moduli, ["rsapoly", "rsabias"]),
        (patterned_moduli, ["pattern"]),
    ],
)
def test_a_screen_lets_through_whatever_badkeys_finds(moduli: Callable[[], Iterator[int]], tests: list[str]) -> None:
    screen_of = {test: screen for screen, names in weak_keys._SCREENS for test in names}
    found = set()
    for modulus in moduli():
        for test in tests:
            verdict = badkeys.checkrsa(modulus, e=E, checks=[test])
            assert not verdict or screen_of[test](gmpy2.mpz(modulus)), (test, modulus)
            found |= set(verdict)
    assert found >= ({"smallfactors"} if moduli is random_moduli else set(tests))


def test_badkeys_need_not_be_asked_about_an_ordinary_key(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(weak_keys, "checkrsa", lambda _n, e, checks: asked.extend(checks) or {})
    monkeypatch.setattr(weak_keys, "blocklist_is_here", lambda: False)
    for bits in (2048, 3072, 4096):
        for _ in range(10):
            assert codes(rough(bits)) == []
    assert asked == []


def test_small_and_shared_primes_are_those_that_badkeys_has() -> None:
    for bits in (2048, 3072, 4096):
        badkeys.checkrsa(rough(bits), e=E, checks=["smallfactors", "sharedprimes"])  # it reads its data when asked
        small = sys.modules["badkeys.rsakeys.smallfactors"]._gensmallprimes()
        shared = sys.modules["badkeys.rsakeys.sharedprimes"]._moduli.get(bits, 1)
        assert screens._known_primes(bits) == small * shared


def test_the_folded_product_has_the_divisors_of_the_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every length around those at which it is folded once more, and every prime of it."""
    primes = [prime(64) for _ in range(40)]
    for count in range(1, 41):
        monkeypatch.setattr(screens, "_known_primes", lambda _bits, count=count: gmpy2.mpz(prod(primes[:count])))
        for number, factor in enumerate(primes):
            assert screens.has_known_factor(gmpy2.mpz(factor * 5)) == (number < count)


# --- badkeys' blocklist ---


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where `badkeys --update-bl` would put its list: an empty folder."""
    memories = (sys.modules["badkeys.utils"]._cachedir, weak_keys.blocklist_is_here, weak_keys._weakness)
    block = sys.modules["badkeys.allkeys.block"]
    monkeypatch.setattr(block, "_blmeta", False)
    monkeypatch.setattr(block, "_bldata", False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for memory in memories:
        memory.cache_clear()
    (tmp_path / "badkeys").mkdir()
    yield tmp_path / "badkeys"
    for memory in memories:
        memory.cache_clear()


def blocklist(folder: Path, moduli: dict[int, int]) -> None:
    """Write a list in badkeys' format (its docs/BLOCKLISTFORMAT.md): digests, sorted, with the number of their list."""
    rows = (hashlib.sha256(n.to_bytes(256, "big")).digest()[:15] + bytes([list_]) for n, list_ in moduli.items())
    (folder / "blocklist.dat").write_bytes(b"".join(sorted(rows)))
    lists = [{"id": 1, "name": "debianssl"}, {"id": 2, "name": "firmware"}]
    (folder / "badkeysdata.json").write_text(json.dumps({"bkformat": 0, "blocklists": lists}))


def test_the_blocklist_is_looked_into_where_it_is(folder: Path) -> None:
    listed, published, other = (modulus_of_a_new_key(2048) for _ in range(3))
    blocklist(folder, {listed: 1, published: 2})
    assert [codes(one) for one in (listed, published, other)] == [["key_weak_debian"], ["key_weak_published"], []]


def test_without_the_blocklist_its_keys_pass(folder: Path) -> None:
    assert not weak_keys.blocklist_is_here()
    assert codes(modulus_of_a_new_key(2048)) == []


@pytest.mark.parametrize("damage", ["badkeysdata.json", "blocklist.dat"])
def test_a_damaged_blocklist_is_as_good_as_none(folder: Path, damage: str) -> None:
    listed = modulus_of_a_new_key(2048)
    blocklist(folder, {listed: 1})
    (folder / damage).write_bytes(b"")
    assert not weak_keys.blocklist_is_here()
    assert codes(listed) == []


# --- Cost ---


def test_the_largest_key_of_the_profile_costs_little() -> None:
    modulus = rough(4096)
    codes(modulus)
    weak_keys._weakness.cache_clear()
    start = time.process_time()
    codes(modulus)
    assert time.process_time() - start < 0.05
