"""Screens in front of badkeys' tests for RSA moduli: quick, and wrong on one side only.

Nearly every key is good, and badkeys takes half a millisecond to say so. Each screen returns False only where the test
behind it would find nothing, for the reason that its docstring gives; where it returns True, badkeys is asked. So the
verdict is always badkeys' own. The tests hold both against each other, on random and on weak moduli.

A modulus is a `gmpy2.mpz`, which publishes no types. Its size has been judged before.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import gmpy2

_GENERATOR = 65537
_TELLING_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
"""Those of the first 39 primes modulo which 65537 does not generate everything."""

_POWERS = {prime: frozenset(pow(_GENERATOR, k, prime) for k in range(prime)) for prime in _TELLING_PRIMES}
_TELLING_PRODUCT = gmpy2.mpz(1)
for _prime in _TELLING_PRIMES:
    _TELLING_PRODUCT *= _prime

_FERMAT_ROUNDS = 101
_RING = 55_440  # 2⁴·3²·5·7·11
_SQUARES = frozenset(number * number % _RING for number in range(_RING // 2 + 1))

_LARGEST_SMALL_PRIME = 65537


def may_be_roca(modulus: Any) -> bool:
    """Screen for `roca`, which asks whether the modulus is a power of 65537 modulo the product of the first 39 primes.

    If it is, it is one modulo each of them. One good modulus in a hundred million is.
    """
    rest = int(modulus % _TELLING_PRODUCT)
    return all(rest % prime in powers for prime, powers in _POWERS.items())


def may_have_close_primes(modulus: Any) -> bool:
    """Screen for `fermat`, which asks whether a² - n is a square for one of the first 101 a from √n on.

    A square is one modulo every number, too, and modulo this one only one number in 48 is a square. For an odd n every
    other a is left out: a² - n is 0 or 1 modulo 4 only if a is odd where n is 1, and even where n is 3.
    """
    if modulus.is_even():
        return True
    root = gmpy2.isqrt(modulus)
    a, n = int(root % _RING), int(modulus % _RING)
    candidates = range(a + (a + (n + 1) // 2) % 2, a + _FERMAT_ROUNDS, 2)
    return any(gmpy2.is_square((root + c - a) ** 2 - modulus) for c in candidates if (c * c - n) % _RING in _SQUARES)


def has_known_factor(modulus: Any) -> bool:
    """Screen for `smallfactors` and `sharedprimes`, which compute the greatest common divisor with a product of primes.

    One divisor will do: the primes of both tests are coprime, and gcd(ab, n) = 1 only if gcd(a, n) = gcd(b, n) = 1.
    The product has up to 350 times the size of the modulus. Dividing it would take as long as all the rest of the
    check four times; in place of that it is folded in halves, high·2^m + low ≡ high·(2^m mod n) + low, since
    multiplication is quicker than division.
    """
    product = _known_primes(modulus.bit_length())
    width = 8 * modulus.bit_length()
    power = (gmpy2.mpz(1) << width) % modulus
    folds = []
    while width < product.bit_length():
        folds.append((width, power))
        width, power = 2 * width, power * power % modulus
    for width, power in reversed(folds):
        product = gmpy2.f_div_2exp(product, width) * power + gmpy2.f_mod_2exp(product, width)
    return bool(gmpy2.gcd(product % modulus, modulus) != 1)


@cache
def _known_primes(bits: int) -> Any:
    """Return the product of the small primes and of those that badkeys knows from other moduli of this size."""
    shared = files("badkeys.keydata") / f"primes{bits}.dat"
    product = gmpy2.from_binary(shared.read_bytes()) if shared.is_file() else gmpy2.mpz(1)
    return product * gmpy2.primorial(_LARGEST_SMALL_PRIME)


def is_lopsided(modulus: Any) -> bool:
    """Screen for `rsapoly` and `rsabias`, neither of which speaks if 40 to 60 in a hundred bits are ones."""
    return not 40 < modulus.bit_count() * 100 // modulus.bit_length() <= 60


def repeats_a_byte(modulus: Any) -> bool:
    """Screen for `pattern`, which looks for sixteen equal bytes in a row.

    Where two neighbouring bytes are equal, the modulus and itself moved by one byte differ by a zero byte.
    """
    return bytes(15) in gmpy2.to_binary(modulus ^ modulus >> 8)
