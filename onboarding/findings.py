"""What any check says: a code with parameters, never a sentence.

The sentences stand once, in English, in a catalogue beside the code that finds (`onboarding.pki.messages`,
`onboarding.fleet.messages`), marked for translation. Pages, mails and commands make the sentence, in the reader's
language, with `explain()`.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Word(str, Enum):  # noqa: UP042 - the offline checker runs on Python 3.10, which has no StrEnum
    """A member of a closed vocabulary: a string that is its value wherever it is written or compared."""

    __str__ = str.__str__

    def __format__(self, spec: str) -> str:
        return str(self).__format__(spec)


def gettext_noop(message: str) -> str:
    """Mark a string for `make messages`; translated later, where it is shown."""
    return message


class Severity(Word):
    """error: would be refused; warning: may be refused or regretted; note: good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found.

    code: stable, from the catalogue ("ou_singular").
    severity: see Severity.
    field: what it is about: C, ST, L, O, OU, CN, emailAddress, key, signature, extensions, certificate, chain, file.
    found, expected: the values compared, as text; empty where there is none. Never secret.
    params: further values for the sentence and the command.
    """

    code: str
    severity: Severity
    field: str
    found: str = ""
    expected: str = ""
    params: Mapping[str, str | int] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON column; `from_json` reads them back."""
        return {**asdict(self), "severity": str(self.severity), "params": dict(self.params)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        """Read what `to_json` wrote."""
        return cls(**{**data, "severity": Severity(data["severity"])})


@dataclass(frozen=True, slots=True)
class Message:
    """English templates for one code: what is the matter, how to mend it, and a command that mends it.

    Templates are `str.format` strings over found, expected, field and the finding's params.
    """

    title: str
    remedy: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A finding in words, in one language."""

    finding: Finding
    title: str
    remedy: str
    command: str


def explain(finding: Finding, catalogue: Mapping[str, Message], translate: Callable[[str], str] = str) -> Explanation:
    """Put a finding into words. `translate` is gettext, or the identity for English.

    The parameter `label`, which names a field, is itself a text to translate.
    Raises KeyError for a code that the catalogue does not have: a mistake of ours, found by a test.
    """
    message = catalogue[finding.code]
    values = {**finding.params, "found": finding.found, "expected": finding.expected, "field": finding.field}
    if "label" in values:
        values["label"] = translate(str(values["label"]))

    def fill(template: str) -> str:
        return translate(template).format(**values) if template else ""

    return Explanation(finding, fill(message.title), fill(message.remedy), message.command.format(**values))


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the gravest severity among the findings, None if there are none."""
    order = list(Severity)
    return min((finding.severity for finding in findings), key=order.index, default=None)
