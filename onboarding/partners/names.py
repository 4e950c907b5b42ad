"""Company names, folded: what two of them have in common that people would take for one another.

No name is compared with all others. Rows keep `name_key` and `name_sketch`, which are indexed: equal keys are one name
in two spellings, equal sketches are names that differ by a slip or a look-alike, and names that begin alike are
neighbours by their key.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from onboarding.pki.lookalikes import latin

_SPELT = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "&": " "})
_WORD = re.compile(r"[^\W_]+")

LEGAL_FORMS = frozenset(
    """
    ab ag aktiebolag aktiengesellschaft aps as asa bhd bv bvba co company corp corporation cv dac doo eg ei eirl eood ev
    eurl gbr gesellschaft gie gmbh haftung hb inc incorporated kft kg kgaa kk lda limited llc llp lp ltd ltda mbh nv ohg
    oo ooo oy oyj pc plc pte pty pvt sa sae sarl sas sasu scop scrl sci se sia sl slu snc sp spa spol sprl spzoo srl sro
    stg uab ug ulc vof zrt 株式会社 有限会社
    """.split()  # noqa: SIM905 — a list of words reads better in lines than one to a line
)
"""Words that say in which form a company exists, and not which it is; written without dots and blanks."""

_DOTTED = re.compile(r"\b(?:[^\W\d_]\.\s?){2,}|\b[^\W\d_]/[^\W\d_]\b")
"""S.A.S., d. o. o., A/S: one word."""
_POLISH = re.compile(r"\bsp\.?\s*z\s*\.?\s*o\.?\s*o\b\.?")

_ALIKE = (("rn", "m"), ("vv", "w"), ("ph", "f"), ("ck", "k"), ("0", "o"), ("1", "l"), ("5", "s"), ("ß", "ss"))
_SILENT = re.compile(r"[aeiouyhj]")
_DOUBLED = re.compile(r"(.)\1+")

ALIKE_FROM = 0.9
"""From this share of letters in common on, two names are alike."""


def words(name: str) -> list[str]:
    """Return the words that say which company it is: folded, without accents, look-alikes and legal forms.

    A name that is all legal forms (such as "SAS AB") keeps its first word.
    """
    plain = latin(unicodedata.normalize("NFKC", name), throughout=True).casefold().translate(_SPELT)
    plain = _POLISH.sub("spzoo", plain)
    plain = _DOTTED.sub(lambda found: re.sub(r"[./\s]", "", found[0]) + " ", plain)
    bare = "".join(one for one in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(one))
    named = _WORD.findall(bare.replace("'", "").replace("’", ""))
    while len(named) > 1 and named[-1] in LEGAL_FORMS:
        named.pop()
    while len(named) > 1 and named[0] in LEGAL_FORMS:
        named.pop(0)
    return named


def name_key(name: str) -> str:
    """Return what is the same of two spellings of one name: "Société Dupont, S.A.S." and "SOCIETE DUPONT"."""
    return "".join(words(name))


def name_sketch(name: str) -> str:
    """Return what is left of a name after the usual slips: words in any order, without vowels and doubled letters.

    Too little left to tell names apart by (fewer than 4 letters) gives the key.
    """
    drawn = "".join(sorted(filter(None, map(_sketch, words(name)))))
    return drawn if len(drawn) >= 4 else name_key(name)


def _sketch(word: str) -> str:
    for looks, means in _ALIKE:
        word = word.replace(looks, means)
    return _DOUBLED.sub(r"\1", _SILENT.sub("", word))


def alike(one: str, other: str) -> bool:
    """Tell whether two names might be taken for one another, or one for a part of the other's group.

    That is so if one is the beginning of the other, word by word, or nearly all their letters are the same.
    """
    first, second = sorted((words(one), words(other)), key=len)
    if not first or not second:
        return False
    if second[: len(first)] == first and len("".join(first)) >= 4:
        return True
    if name_sketch(one) == name_sketch(other):
        return True
    return SequenceMatcher(None, "".join(first), "".join(second), autojunk=False).ratio() >= ALIKE_FROM


def domain_sketch(domain: str) -> str:
    """Return a domain in the letters that it looks to have: "examp1e.com" and "exarnple.com" give the same."""
    plain: str = latin(domain.casefold(), throughout=True)
    for looks, means in (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("-", "")):
        plain = plain.replace(looks, means)
    return plain


def is_within(domain: str, domains: Sequence[str] | frozenset[str]) -> bool:
    """Tell whether a domain is one of these, or below or above one of them."""
    return any(domain == one or domain.endswith(f".{one}") or one.endswith(f".{domain}") for one in domains)
