"""What the SDK hands an app when a vehicle is added, found in whatever was pasted: CarData and its signature.

Source: the page on the virtual key, which names the call that adds a vehicle as where both come from, and shows them as
`carToken` of the request. So the SDK's message is read, the request's body, and the two members alone, in any spelling.
"""

import re
from dataclasses import dataclass, field

from onboarding.mobile import spellings, tolerant

DATA, SIGNATURE = "CarData", "CarData_signature"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; empty where it was not. Its repr shows nothing. twice: whether there are two that differ."""

    car_data: str = field(default="", repr=False)
    signature: str = field(default="", repr=False)
    twice: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of what was not found."""
        return tuple(name for name, value in ((DATA, self.car_data), (SIGNATURE, self.signature)) if not value)


def looks_like_json(text: str) -> bool:
    """Say whether a text is a message rather than a value of one: Base64 has none of these characters."""
    return any(mark in text for mark in "{}:")


def find(text: str) -> Found:
    """Return both values, wherever in the text they are. Linear and bounded, as `tolerant.parse`; raises nothing."""
    text = text[: tolerant.MAX_CHARACTERS]
    # As it is; with its values on one line each, as Base64 is often broken; members without their braces.
    best = Found()
    for candidate in (text, _BREAKS.sub("", text), f"{{{text.strip().rstrip(',')}}}"):
        found = _find(candidate)
        if len(found.missing) < len(best.missing):
            best = found
        if not best.missing:
            break
    return best


_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t]*")


def _find(text: str, depth: int = 1) -> Found:
    root = tolerant.parse(text).root
    found: dict[str, set[str]] = {DATA: set(), SIGNATURE: set()}
    for path, value in root.walk() if root is not None else ():
        name = spellings.name(path.rpartition(".")[2])
        if value.kind != "string" or not str(value.plain).strip():
            continue
        if name in found:
            found[name].add(str(value.plain))
        elif depth and DATA.casefold() in str(value.plain).casefold():  # a message that was put into another as a text
            inner = _find(str(value.plain), depth - 1)
            found[DATA].update({inner.car_data} - {""})
            found[SIGNATURE].update({inner.signature} - {""})
    first = {name: min(values, default="") for name, values in found.items()}
    return Found(first[DATA], first[SIGNATURE], any(len(values) > 1 for values in found.values()))
