"""Secrets out of pasted text, before anything else looks at it or keeps it.

The masked text is as long as the text and has its lines, so that a place in one is the same place in the other. It does
not matter in which notation a secret is named: JSON, Kotlin, Swift, a query string, half of any of them. Twice: once by
the shape of the text, and once by what the tolerant reader finds in it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from onboarding.mobile import tolerant

MASK = "•"

_GAP = r"[ _-]?"
_SECRET = (
    rf"(?:old|new|user)?{_GAP}pin(?:{_GAP}code)?|sms{_GAP}code|otp(?:{_GAP}code)?|security{_GAP}code|"
    rf"(?:access|refresh|id|cvs|bearer){_GAP}token|token{_GAP}signature|car{_GAP}data(?:{_GAP}signature)?|"
    rf"password|passphrase|client{_GAP}secret|secret|authori[sz]ation|api{_GAP}key|private{_GAP}key"
)
_PERSONAL = rf"(?:trusted|truster)?{_GAP}phone{_GAP}number|user{_GAP}name|login|e-?mail"
_SECRET_NAME = re.compile(rf"(?:{_SECRET})\Z", re.IGNORECASE)
_PERSONAL_NAME = re.compile(rf"(?:{_PERSONAL})\Z", re.IGNORECASE)

_MEMBER = re.compile(
    rf"""(?:(?P<pair>\bPair\(\s{{0,9}}["'])|(?<![A-Za-z]))
    (?:(?P<secret>{_SECRET})|(?P<personal>{_PERSONAL})|(?P<vin>vin))(?![A-Za-z])
    (?P<quoted>\\{{0,9}}["'“”])?\s{{0,9}}
    (?(pair),|(?:[:=]|\bto\b))\s{{0,9}}                 # Kotlin's Pair; JSON, Swift, a query; Kotlin's infix
    (?:(?:Bearer|Basic)\s{{1,9}})?
    (?:(?P<quote>\\{{0,9}}["'“])(?P<text>(?:(?!(?P=quote))[^\r\n”])*)|(?P<bare>[^\s"'“”{{}}\[\](),;&\\]+))
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SHAPES = re.compile(
    r"""(?<![A-Za-z0-9_-])(?P<jwt>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)
    |\b(?:Bearer|Basic)\s+(?P<header>[A-Za-z0-9+/=._~-]{6,})
    |-----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----(?P<key>[^-]*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NOT_SECRET = frozenset({"null", "nil", "none", "true", "false", "undefined"})
_HINT = re.compile(
    r"(?:pin|code|otp|token|signature|data|pass|secret|authori|key|phone|name|login|mail|vin)[^A-Za-z]*?[:=,]|eyJ|"
    r"bearer |basic |PRIVATE|\\u",
    re.IGNORECASE,
)
"""Without one of these a text has nothing to mask; most have none."""
_MASKED_ALREADY = re.compile(r"(?:\\u2022|•)+[^\\]{0,4}\Z")
_MAX_DEPTH = 100
_LONGEST = 40
_ANY = re.compile(r"[^\r\n\t ]")


def _all(text: str) -> str:
    return _ANY.sub(MASK, text)


def _but(shown: int) -> Callable[[str], str]:
    return lambda text: _all(text[:-shown]) + text[-shown:] if len(text) > shown * 2 else _all(text)


_ONLY_END = _but(2)
_VIN = _but(4)


def is_secret(name: str) -> bool:
    """Say whether a member of this name is a secret: a token, a signature, a security code, a PIN, an SMS code."""
    return len(name) <= _LONGEST and _is_secret(name)


@lru_cache(maxsize=512)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.match(name.strip()) is not None


def _bare(text: str, json: bool) -> str:
    """Mask a value that has no quotation marks; in JSON a number is given some, so that it stays JSON."""
    if text.casefold() in _NOT_SECRET:
        return text
    if not json or not text[0].isdigit():
        return _all(text)
    return f'"{_all(text[2:])}"' if len(text) > 1 else "0"


def _member(found: re.Match[str]) -> str:
    whole, start = found[0], found.start()
    group = "text" if found["text"] is not None else "bare"
    first, last = found.start(group) - start, found.end(group) - start
    inner = found[group]
    if found["secret"]:
        new = (
            _all(inner) if group == "text" else _bare(inner, json=bool(found["quoted"]) and "\\" not in found["quoted"])
        )
    elif inner.casefold() in _NOT_SECRET or _MASKED_ALREADY.match(inner):
        new = inner
    else:
        new = (_VIN if found["vin"] else _ONLY_END)(inner)
    return whole[:first] + new + whole[last:]


def _shape(found: re.Match[str]) -> str:
    whole, group = found[0], found.lastgroup or ""
    first, last = found.start(group) - found.start(), found.end(group) - found.start()
    return whole[:first] + _all(found[group]) + whole[last:]


def masked(text: str) -> str:
    """Return a text without its secrets, as long as it was and with the same lines.

    Tokens, signatures, security codes, PINs, SMS codes and passwords are masked altogether; of phone numbers and names
    of users the last two characters are left, of VINs the last four. Half surrogate pairs become U+FFFD.
    """
    text = tolerant.whole(text)
    text = _SHAPES.sub(_shape, text)
    text = _MEMBER.sub(_member, text)
    return _by_meaning(text)


def _by_meaning(text: str) -> str:
    """Mask what stands below a secret's name in whatever way: escaped letters in the name, a list, an object."""
    if "{" not in text and "[" not in text:
        return text
    document = tolerant.parse(text)
    if document.root is None:
        return text
    found: list[tuple[int, int]] = []
    todo: list[tuple[tolerant.Value, bool]] = [(document.root, False)]
    while todo:
        value, secret = todo.pop()
        todo += [(inner, secret or is_secret(str(name.plain))) for name, inner in value.members]
        todo += [(inner, secret) for inner in value.items]
        if secret and value.kind in ("string", "number", "word"):
            found.append((value.start, value.end))
    for start, end in sorted(found, reverse=True):
        written = text[start:end]
        if written[:1] in "\"'“„":
            closed = len(written) > 1 and written[-1] in "\"'“”"
            new = written[0] + _all(written[1 : len(written) - closed]) + written[len(written) - closed :]
        else:
            new = _bare(written, json=True)
        text = text[:start] + new + text[end:]
    return text


def cleaned(value: Any, name: str = "", depth: int = 0) -> Any:
    """Return plain values, as JSON has them, without the secrets that `masked` would take out of their text.

    name: under which the value stands. What is nested more than 100 deep is left out.
    """
    if depth > _MAX_DEPTH:
        return MASK
    if isinstance(value, dict):
        return {key: cleaned(inner, name if is_secret(name) else str(key), depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner, name, depth + 1) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if is_secret(name):
        return _all(str(value))
    if not isinstance(value, str):
        return value
    if _PERSONAL_NAME.match(name):
        return _ONLY_END(value)
    if name.casefold() == "vin":
        return _VIN(value)
    return masked(value) if _HINT.search(value) else tolerant.whole(value)
