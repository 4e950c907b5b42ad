"""A call out of Kotlin or Swift code, as people paste it: `pims.get("pims.subscription.steps", mapOf(Pair(…)))`."""

import re
from dataclasses import dataclass
from typing import Any

from onboarding.mobile import tolerant
from onboarding.mobile.machine import Call

_CALL = re.compile(
    r'\bpims\s{0,9}\.\s{0,9}(?P<method>get|set|subscribe|unsubscribe)\s{0,9}\(\s{0,99}(?:api\s{0,9}:\s{0,9})?"(?P<api>[^"\r\n]{0,99})"'
)
_PAIR = re.compile(
    r"""(?:\bPair\(\s{0,9})?"(?P<name>[^"\r\n]{1,99})"\s{0,9}(?:,|:|\bto\b)\s{0,9}
    (?:"(?P<text>(?:[^"\\\r\n]|\\.){0,999})"|(?P<word>[\w.•-]{1,99}))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Written:
    """A call as it stands in code. at: the offset of its first letter; names: where each parameter's name begins."""

    call: Call
    api: str
    at: int
    names: dict[str, int]


def find(text: str) -> Written | None:
    """Return the first call in a text, None if there is none. A parameter that is a variable counts as text."""
    start = _CALL.search(text)
    if start is None:
        return None
    following = _CALL.search(text, start.end())
    parameters: dict[str, Any] = {}
    names: dict[str, int] = {}
    for pair in _PAIR.finditer(text, start.end(), following.start() if following else len(text)):
        names.setdefault(pair["name"], pair.start("name"))
        parameters[pair["name"]] = tolerant.decoded(pair["text"]) if pair["text"] is not None else _word(pair["word"])
    return Written(Call.of("", start["method"], start["api"], parameters), start["api"], start.start(), names)


def _word(word: str) -> Any:
    if word in ("true", "false"):
        return word == "true"
    return int(word) if re.fullmatch(r"-?\d{1,18}", word) else word
