"""What the certificates that a server showed say about why they are not trusted. Names alone: nothing is verified."""

import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from onboarding.fleet.client import DEFAULT_CA_BUNDLE_PATH
from onboarding.fleet.der import Certificate, Malformed, read_certificate

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)


def hints(chain: Sequence[bytes], trusted: Sequence[bytes] = ()) -> tuple[str, ...]:
    """Return the hints for `onboarding.fleet.faults.classify`, the strongest first.

    public: the last certificate names one of the public roots as its issuer, or is one. alone: the server showed its
    own certificate and no other, and another's name stands on it as the issuer. namesake: the last one names a trusted
    CA as its issuer, or is called like one, and so was signed with another key than that CA's; asked only about chains
    that do not lead to it. chain, trusted: DER, the server's own first.
    """
    try:
        certificates = [read_certificate(one) for one in dict.fromkeys(chain)]
    except Malformed:
        return ()
    if not certificates:
        return ()
    last = certificates[-1]
    found = []
    if last.issuer_der in {one.subject_der for one in _readable(trusted)}:
        found.append("namesake")
    if last.issuer_der in _public_names(DEFAULT_CA_BUNDLE_PATH):
        found.append("public")
    if len(certificates) == 1 and not last.is_self_issued:
        found.append("alone")
    return tuple(found)


def _readable(certificates: Iterable[bytes]) -> Iterator[Certificate]:
    for one in certificates:
        with suppress(Malformed):
            yield read_certificate(one)


@lru_cache(maxsize=4)
def _public_names(path: str) -> frozenset[bytes]:
    """Return the names of the public roots, as encoded."""
    names = set()
    for pem in _PEM.findall(Path(path).read_text("utf-8", "replace")):
        try:
            names.add(read_certificate(ssl.PEM_cert_to_DER_cert(pem)).subject_der)
        except ValueError:
            continue  # a root that is encoded in its own way is one fewer to recognise
    return frozenset(names)
