"""The operator's range of partner logins to give out, such as MZP100000-MZP199999. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_RANGE = re.compile(
    r"(?P<prefix>[A-Z0-9]*[A-Z])(?P<first>\d{1,12})\s*-\s*(?P<prefix_again>[A-Z0-9]*[A-Z])(?P<last>\d{1,12})"
)

MIN_LENGTH, MAX_LENGTH = 3, 64


@dataclass(frozen=True, slots=True)
class LoginRange:
    """Partner logins of one form: `prefix` and `width` digits, from the number `first` to `last`."""

    prefix: str
    width: int
    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> "LoginRange":
        """Read a range. Raises ValueError, with what is wrong."""
        found = _RANGE.fullmatch(text.strip())
        if found is None:
            raise ValueError("It is not two partner logins of capital letters and then digits, with a hyphen between.")
        if found["prefix"] != found["prefix_again"] or len(found["first"]) != len(found["last"]):
            raise ValueError("Its two ends differ in their letters, or in how many digits they have.")
        if int(found["first"]) > int(found["last"]):
            raise ValueError("Its first partner login comes after its last one.")
        if not MIN_LENGTH <= len(found["prefix"] + found["first"]) <= MAX_LENGTH:
            raise ValueError(f"A partner login has {MIN_LENGTH} to {MAX_LENGTH} characters.")
        return cls(found["prefix"], len(found["first"]), int(found["first"]), int(found["last"]))

    def name(self, number: int) -> str:
        """Return the partner login of a number."""
        return f"{self.prefix}{number:0{self.width}}"

    def batches(self, after: int, size: int = 200) -> Iterator[range]:
        """Yield the numbers above `after`, some at a time."""
        begin = max(self.first, after + 1)
        while begin <= self.last:
            yield range(begin, min(begin + size, self.last + 1))
            begin += size

    def __str__(self) -> str:
        return f"{self.name(self.first)}-{self.name(self.last)}"
