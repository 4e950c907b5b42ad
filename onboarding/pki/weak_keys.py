"""Public keys that are known to be weak, by badkeys: what it finds, under a name of ours for each kind.

Nothing is fetched. The blocklist (the keys of Debian's broken OpenSSL of 2006 to 2008, and private keys that were
published) is too large to come with the package: it is looked into where `badkeys --update-bl` has put it.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import gmpy2
from badkeys import checkrsa
from badkeys.utils import _cachedir

from onboarding.findings import Finding, Severity
from onboarding.pki import screens

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


@cache
def blocklist_is_here() -> bool:
    """Return whether badkeys' blocklist is on this machine, and whole. Asked once in the life of a process."""
    # Without these files badkeys would end the process.
    if not all((Path(_cachedir()) / name).is_file() for name in ("badkeysdata.json", "blocklist.dat")):
        return False
    try:
        checkrsa(1, checks=["blocklist"])
    except (OSError, ValueError, LookupError, TypeError):  # cut off while it was written, or not what it should be
        return False
    return True


_SCREENS: tuple[tuple[Callable[[Any], bool], tuple[str, ...]], ...] = (
    (screens.may_be_roca, ("roca",)),
    (screens.may_have_close_primes, ("fermat",)),
    (screens.has_known_factor, ("smallfactors", "sharedprimes")),
    (screens.is_lopsided, ("rsapoly", "rsabias")),
    (screens.repeats_a_byte, ("pattern",)),
    (lambda _modulus: blocklist_is_here(), ("blocklist",)),
)
"""Which of badkeys' tests have to be run for a modulus: those whose screen lets it through."""


def weak_key_findings(modulus: int, exponent: int) -> Iterator[Finding]:
    """Yield what is known against an RSA key: at most one finding, of the first test that speaks.

    For keys whose size and exponent have been judged: the cost, a quarter of a millisecond for 2048 bits, grows with
    the size.
    """
    finding = _weakness(modulus, exponent)
    if finding is not None:
        yield finding


@lru_cache(maxsize=1024)
def _weakness(modulus: int, exponent: int) -> Finding | None:
    # Remembered, since the same CSR is checked when it is pasted, when it is submitted, and when staff look at it.
    number = gmpy2.mpz(modulus)
    suspected = {test for screen, tests in _SCREENS if screen(number) for test in tests}
    if not suspected:
        return None
    for test, code in TESTS.items():
        if test in suspected and (verdict := checkrsa(modulus, e=exponent, checks=[test]).get(test)):
            # The name of the pattern or list only: the verdict's factors are the private key.
            subtest = str(verdict.get("subtest", ""))
            debian = test == "blocklist" and subtest.startswith(_DEBIAN)
            return Finding("key_weak_debian" if debian else code, Severity.ERROR, "key", subtest)
    return None
