"""Characters that look like Latin letters, digits or blanks and are others (Unicode Technical Standard 39)."""

import re
import unicodedata
from collections.abc import Mapping

_PAIRS = (
    ("АВЕЗКМНОРСТУХаеорсухіѕјԁһԛԝІЅЈ", "ABE3KMHOPCTYXaeopcyxisjdhqwISJ"),  # Cyrillic
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορυ", "ABEZHIKMNOPTYXayikvopu"),  # Greek
)

LETTERS: Mapping[int, str] = {
    ord(looks): means for looks_like, meant in _PAIRS for looks, means in zip(looks_like, meant, strict=True)
} | {0xFEE0 + code: chr(code) for code in range(0x21, 0x7F)}  # the full-width forms, U+FF01 to U+FF5E
"""Look-alike, and the ASCII character that it is taken for."""

_WORD = re.compile(r"\w+")
_LATIN = re.compile(r"[A-Za-z]")


def latin(text: str, *, throughout: bool) -> str:
    """Return the text with look-alikes replaced by what they look like, and odd blanks by usual ones.

    throughout: everywhere, for a value that has to be ASCII. Otherwise only in words that have Latin letters too: a
    word that is all Greek or Cyrillic is just that.
    """
    text = "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)
    if throughout:
        return text.translate(LETTERS)
    return _WORD.sub(lambda word: word[0].translate(LETTERS) if _LATIN.search(word[0]) else word[0], text)


def names_of_lookalikes(text: str, meant: str) -> str:
    """Return the Unicode names of the characters of `text` that `meant` has other ones for; both have one length."""
    odd = dict.fromkeys(a for a, b in zip(text, meant, strict=True) if a != b)
    return ", ".join(unicodedata.name(character, f"U+{ord(character):04X}") for character in odd)
