"""Public keys that are known to be weak, by badkeys: what it finds, under a name of ours for each kind.

Nothing is fetched. The blocklist (the keys of Debian's broken OpenSSL of 2006 to 2008, and private keys that were
published) is too large to come with the package: it is looked into where `badkeys --update-bl` has put it.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import gmpy2
from badkeys import checkrsa
from badkeys.utils import _cachedir
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from onboarding.findings import Finding, Severity

TESTS: Mapping[str, str] = {
    "roca": "key_weak_roca",
    "fermat": "key_weak_fermat",
    "smallfactors": "key_weak_small_factor",
    "sharedprimes": "key_weak_shared_prime",
    "rsapoly": "key_weak_pattern",
    "pattern": "key_weak_pattern",
    "rsabias": "key_weak_pattern",
    "blocklist": "key_weak_published",
}
"""badkeys' name of each test, and our code for what it finds; the most telling ones come first.

Left out: `rsawarnings`, `rsainvalid` and `smalld` (size and exponent are the profile's business and judged before),
and `xzbackdoor` (says nothing about the key).
"""

_DEBIAN = "debian"
"""How the names of badkeys' lists of Debian's weak keys begin."""


def weak_key_findings(public_key: CertificatePublicKeyTypes) -> Iterator[Finding]:
    """Yield what is known against a key: at most one finding, of the first test that speaks.

    For RSA keys whose size and exponent have been judged: the cost, half a millisecond for 2048 bits, grows with the
    size. Nothing is known against other types.
    """
    if not isinstance(public_key, rsa.RSAPublicKey):
        return
    numbers = public_key.public_numbers()
    finding = _weakness(numbers.n, numbers.e)
    if finding is not None:
        yield finding


@lru_cache(maxsize=1024)
def _weakness(modulus: int, exponent: int) -> Finding | None:
    # Remembered, since the same CSR is checked when it is pasted, when it is submitted, and when staff look at it.
    for test, code in TESTS.items():
        if test in _WORTH_RUNNING and not _WORTH_RUNNING[test](modulus):
            continue
        if verdict := checkrsa(modulus, e=exponent, checks=[test]).get(test):
            # The name of the pattern or list only: the verdict's factors are the private key.
            subtest = str(verdict.get("subtest", ""))
            debian = test == "blocklist" and subtest.startswith(_DEBIAN)
            return Finding("key_weak_debian" if debian else code, Severity.ERROR, "key", subtest)
    return None


@cache
def blocklist_is_here() -> bool:
    """Return whether badkeys' blocklist is on this machine. Without it badkeys would end the process."""
    return all((Path(_cachedir()) / name).is_file() for name in ("badkeysdata.json", "blocklist.dat"))


@cache
def _known_primes(bits: int) -> Any:
    """Return the product of the primes that badkeys knows from moduli of this size, None where it knows none."""
    data = files("badkeys.keydata") / f"primes{bits}.dat"
    return gmpy2.from_binary(data.read_bytes()) if data.is_file() else None


def _may_share_a_prime(modulus: int) -> bool:
    """Return whether the modulus has a factor in common with the product of the primes that badkeys knows.

    It says what badkeys' own test says, in two thirds of its time. The product has up to 300 times the size of the
    modulus; in place of one long division it is folded in halves: high·2^m + low ≡ high·(2^m mod n) + low.
    """
    product = _known_primes(modulus.bit_length())
    if product is None:
        return False
    n = gmpy2.mpz(modulus)
    width = 2 * modulus.bit_length()
    power = gmpy2.mpz(1) << width
    folds = []
    while width < product.bit_length():
        power %= n
        folds.append((width, power))
        width, power = 2 * width, power * power
    for width, power in reversed(folds):
        product = gmpy2.f_div_2exp(product, width) * power + gmpy2.f_mod_2exp(product, width)
    return bool(gmpy2.gcd(product % n, n) != 1)


_WORTH_RUNNING: Mapping[str, Callable[[int], bool]] = {
    "sharedprimes": _may_share_a_prime,
    "blocklist": lambda _modulus: blocklist_is_here(),
}
"""Tests that need to be run for some moduli only."""
