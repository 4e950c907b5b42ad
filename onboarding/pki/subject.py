"""What is wrong with the values of a distinguished name: one small check per rule, each run over every value."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from onboarding.findings import Finding, Severity
from onboarding.pki import countries, lookalikes
from onboarding.programmes import AttributeRule

MZP = re.compile(r"MZP\d{6}")
"""How every partner login seen so far looks. The pattern is not published: a login that differs is only unusual."""

# RFC 5321, section 4.1.2, without quoted local parts; ASCII, as an IA5String has to be.
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = re.compile(rf"(?=.{{1,64}}@){_LOCAL}(?:\.{_LOCAL})*@(?:{_HOST}\.)+{_HOST}")


MOST_OF_A_KIND = 10
"""How many findings of one kind are told, so that a CSR of thousands of oddities does not make a page of them."""

LONGEST_SHOWN = 256


@dataclass(frozen=True, slots=True)
class Value:
    """One value under check.

    raw: as it stands in the CSR. clean: repaired as far as we can guess (characters, blanks): what further checks
    look at, so that one slip makes one finding.
    """

    rule: AttributeRule
    raw: str
    clean: str
    mzp: str | None

    def error(self, code: str, expected: str = "", **params: str | int) -> Finding:
        """Return an error about this value."""
        return self._finding(code, Severity.ERROR, expected, **params)

    def warning(self, code: str, expected: str = "") -> Finding:
        """Return a warning about this value."""
        return self._finding(code, Severity.WARNING, expected)

    def _finding(self, code: str, severity: Severity, expected: str, **params: str | int) -> Finding:
        params = {"label": self.rule.label, **params}
        return Finding(code, severity, self.rule.attribute, shown(self.raw), shown(expected), params)


Check = Callable[[Value], Iterator[Finding]]


def check_subject(
    values: Mapping[str, Sequence[str]], rules: Sequence[AttributeRule], *, mzp: str | None
) -> Iterator[Finding]:
    """Yield what is wrong with a subject, attribute by attribute, in the profile's order.

    mzp: the partner login that CN has to be; None where none is assigned yet.
    """
    for rule in rules:
        found = values.get(rule.attribute, ())
        if len(found) != 1 or not _evidently_right(found[0], rule, mzp):
            yield from _check_attribute(found, rule, mzp)
    unexpected = values.keys() - {rule.attribute for rule in rules}
    for attribute in islice((attribute for attribute in values if attribute in unexpected), MOST_OF_A_KIND):
        found = shown(values[attribute][0])
        yield Finding("attribute_unexpected", Severity.WARNING, "file", found, params={"attribute": attribute})


def corrected(
    values: Mapping[str, Sequence[str]],
    rules: Sequence[AttributeRule],
    *,
    mzp: str | None,
    described: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the subject as it should be, for a command that mends it; `<label>` where only the partner knows.

    described: what the partner said before that it was to be.
    """
    return {
        rule.attribute: rule.value
        or (mzp if rule.is_mzp else None)
        or (described or {}).get(rule.attribute)
        or _repair(next(iter(values.get(rule.attribute, ())), ""), rule)
        or f"<{rule.label}>"
        for rule in rules
    }


def _check_attribute(found: Sequence[str], rule: AttributeRule, mzp: str | None) -> Iterator[Finding]:
    expected = rule.value or (mzp if rule.is_mzp else None) or ""
    label = {"label": rule.label, "example": expected or rule.example}
    if not found:
        yield Finding("attribute_missing", Severity.ERROR, rule.attribute, "", expected, label)
    if len(found) > 1:
        listed = ", ".join(map(shown, found[:MOST_OF_A_KIND]))
        yield Finding(
            "attribute_doubled", Severity.ERROR, rule.attribute, listed, expected, {**label, "count": len(found)}
        )
    for raw in found[:MOST_OF_A_KIND]:
        if not raw.strip():
            yield Finding("attribute_empty", Severity.ERROR, rule.attribute, shown(raw), expected, label)
            continue
        value = Value(rule, raw, _repair(raw, rule), mzp)
        for check in CHECKS:
            yield from check(value)


# Printable ASCII without < and >, one blank between words.
_PLAIN = re.compile(r"[!-;=?-~]+(?: [!-;=?-~]+)*")


def _evidently_right(raw: str, rule: AttributeRule, mzp: str | None) -> bool:
    """Return whether none of `CHECKS` would object: nearly every value is so, and need not go through them all."""
    if rule.is_email:
        return len(raw) <= (rule.max_length or len(raw)) and EMAIL.fullmatch(raw) is not None
    if rule.attribute == "C":
        return len(raw) == rule.exact_length and raw in countries.CODES
    if not _PLAIN.fullmatch(raw) or len(raw) > (rule.max_length or len(raw)):
        return False
    if rule.value:
        return raw == rule.value
    if rule.is_mzp:
        return raw == mzp
    return not rule.exact_length


def _characters(value: Value) -> Iterator[Finding]:
    if (meant := _from_mojibake(value.raw)) != value.raw:
        yield value.error("attribute_mojibake", meant)
    elif not value.raw.isprintable() and any(map(_unprintable, value.raw)):
        yield value.error("attribute_unprintable", value.clean)
    elif (meant := lookalikes.latin(value.raw, throughout=_is_ascii(value.rule))) != value.raw:
        which = lookalikes.names_of_lookalikes(value.raw, meant)
        yield value.error("attribute_lookalike", value.clean, which=which)
    elif value.raw != value.clean:
        yield value.error("attribute_blanks", value.clean)


def _placeholder(value: Value) -> Iterator[Finding]:
    if "<" in value.raw or ">" in value.raw:
        yield value.error("attribute_placeholder", example=value.rule.example)


def _length(value: Value) -> Iterator[Finding]:
    rule, length = value.rule, len(value.clean)
    if rule.exact_length and length != rule.exact_length:
        yield value.error("attribute_length", rule.example, length=length, wanted=rule.exact_length)
    if rule.max_length and length > rule.max_length:
        yield value.error("attribute_too_long", length=length, limit=rule.max_length)


def _country(value: Value) -> Iterator[Finding]:
    if value.rule.attribute != "C" or len(value.clean) != value.rule.exact_length:
        return
    upper = value.clean.upper()
    if upper not in countries.CODES:
        yield value.error("country_unknown", countries.MEANT.get(upper, ""), example=value.rule.example)
    elif value.clean != upper:
        yield value.error("country_lower_case", upper)


def _exact(value: Value) -> Iterator[Finding]:
    wanted = value.rule.value
    if not wanted or value.clean == wanted:
        return
    folded = value.clean.casefold()
    if folded in (slip.casefold() for slip in value.rule.slips):
        yield value.error(f"{value.rule.attribute.lower()}_slip", wanted)
    elif folded == wanted.casefold():
        yield value.error("attribute_case", wanted)
    else:
        yield value.error("attribute_other_value", wanted)


def _mzp(value: Value) -> Iterator[Finding]:
    if not value.rule.is_mzp:
        return
    if value.mzp is None:
        if not MZP.fullmatch(value.clean):
            yield value.warning("mzp_unusual", value.rule.example)
    elif value.clean == value.mzp:
        return
    elif value.clean.casefold() == value.mzp.casefold():
        yield value.error("attribute_case", value.mzp)
    else:
        looks_like_one = MZP.fullmatch(value.clean.upper())
        yield value.error("mzp_of_another" if looks_like_one else "mzp_other_value", value.mzp)


def _email(value: Value) -> Iterator[Finding]:
    if value.rule.is_email and not EMAIL.fullmatch(value.clean) and not any(_placeholder(value)):
        yield value.error("email_invalid", value.rule.example)


CHECKS: tuple[Check, ...] = (_characters, _placeholder, _length, _country, _exact, _mzp, _email)
"""Each says one kind of thing about one value. A further rule is a further row."""


def shown(text: str) -> str:
    """Return the text as `visible` does, its beginning if it is longer than any value may be."""
    return visible(text) if len(text) <= LONGEST_SHOWN else visible(text[:LONGEST_SHOWN]) + "…"


def visible(text: str) -> str:
    """Return the text with what cannot be seen (line ends, zero-width characters) written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii") if _unprintable(character) else character
        for character in text
    )


def _unprintable(character: str) -> bool:
    # Cc control, Cf format (zero-width, direction), Cn unassigned, Co private, Cs surrogate, Zl and Zp line ends
    category = unicodedata.category(character)
    return category.startswith("C") or category in ("Zl", "Zp")


def _is_ascii(rule: AttributeRule) -> bool:
    """Return whether nothing but ASCII can be right."""
    return bool(rule.value) or rule.is_mzp or rule.is_email or rule.attribute == "C"


def _repair(raw: str, rule: AttributeRule) -> str:
    if raw.isascii() and raw.isprintable():  # nearly always
        return " ".join(raw.split())
    printable = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in _from_mojibake(raw))
    meant = lookalikes.latin("".join(c for c in printable if not _unprintable(c)), throughout=_is_ascii(rule))
    return " ".join(meant.split())


def _from_mojibake(text: str) -> str:
    """Undo what OpenSSL does without -utf8: it takes each byte of UTF-8 for a Latin-1 character."""
    if text.isascii():
        return text
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text
