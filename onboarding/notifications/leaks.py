"""Texts that go to others: what in them is a private key, and what looks like a secret. Pure."""

import re
from collections.abc import Iterable

PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_NAMED = re.compile(
    r"\b(?:pass(?:word|phrase|wd)|mot de passe|secret|token|api[_ ]?key)\b\s*(?:is|est)?\s*[:=]\s*(\S{4,})",
    re.IGNORECASE,
)
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----")
_LONG = re.compile(r"(?<![\w/:.@-])[A-Za-z0-9+/_=-]{20,}(?![\w@]|\.\w)")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")


def looks_secret(text: str, known: Iterable[str] = ()) -> list[str]:
    """Return the parts of a text that look like a secret: named as one, a PEM block, or long and random.

    known: texts that are not secret, such as the mail's own words and addresses; what stands in them is left out.
    """
    given = "\n".join(known)
    found = [match[1] for match in _NAMED.finditer(text)]
    found += _PEM.findall(text)
    found += [word for word in _LONG.findall(text) if _is_random(word)]
    return [part for part in dict.fromkeys(found) if part not in given]


def _is_random(word: str) -> bool:
    kinds = (any(map(str.isdigit, word)), any(map(str.isupper, word)), any(map(str.islower, word)))
    return all(kinds) or _HEX.fullmatch(word) is not None
