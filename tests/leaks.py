"""Looking for secrets where none may be, in each form in which one travels."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

Forms = frozenset[bytes]


def spellings(secret: str) -> frozenset[str]:
    """Return a secret as it is, in base64, hex, percent-encoded, and as in JSON and HTML."""
    raw = secret.encode()
    return frozenset(
        {
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            json.dumps(secret)[1:-1].replace("/", r"\/"),
            html.escape(secret),
            quote(secret, safe=""),
            quote_plus(secret),
            re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
            raw.hex(),
            raw.hex().upper(),
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode(),
        }
    )


def forms(secret: str) -> Forms:
    """Return all spellings of it, as bytes, and what shows of it within a longer base64."""
    return frozenset({one.encode() for one in spellings(secret)} | set(_base64(secret.encode())))


def forms_of_key(pem: bytes, passphrase: bytes | None = None) -> Forms:
    """Return what gives a private RSA key away: its file as it was given, its lines in the clear, and its primes.

    Lines that lie in the modulus are left out: it is public, and where it begins a CSR may share whole lines with it.
    """
    key = load_pem_private_key(pem, passphrase)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(key)
    clear = [
        key.private_bytes(Encoding.PEM, how, NoEncryption())
        for how in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)
    ]
    numbers = key.public_key().public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    lines = {line for one in (pem, *clear) for line in one.splitlines()[2:-2] if base64.b64decode(line) not in modulus}
    primes = [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in _primes(key)]
    return frozenset(lines | set(primes) | {prime.hex().encode() for prime in primes})


def _primes(key: RSAPrivateKey) -> tuple[int, int]:
    numbers = key.private_numbers()
    return numbers.p, numbers.q


def _base64(raw: bytes) -> Iterator[bytes]:
    """Base64 of it, also where it stands within a longer text: at each of the three offsets, less what is shared."""
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b"\0" * offset + raw)
            end = len(whole) - 4 if (offset + len(raw)) % 3 else len(whole)
            yield whole[4 if offset else 0 : end]


def leaks(content: bytes, secrets: Mapping[str, Forms]) -> list[str]:
    """Return the names of the secrets that are in it."""
    return sorted(name for name, known in secrets.items() if any(form in content for form in known))


def leaks_in_files(folder: Path, secrets: Mapping[str, Forms]) -> list[tuple[str, str]]:
    """Return (file, secret) for all files below a folder: databases with their journals, queues, logs, mails."""
    return [
        (str(path.relative_to(folder)), name)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for name in leaks(_read(path), secrets)
    ]


def leaks_in_texts(texts: Iterable[tuple[str, bytes]], secrets: Mapping[str, Forms]) -> list[tuple[str, str]]:
    """Return (where, secret) for named contents."""
    return [(where, name) for where, content in texts for name in leaks(content, secrets)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a message that was taken, a journal that was folded in
        return b""
