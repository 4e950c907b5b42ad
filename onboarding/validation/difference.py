"""What is different between two runs of one set: for a run that failed, against the last good one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onboarding.fleet.checks import Check, Result

WATCHED = (
    "addresses", "address", "port", "proxy", "tls_version", "cipher", "server_subject", "server_issuer",
    "server_not_valid_after", "subject", "issuer", "serial_number", "not_valid_after", "http_status", "content_type",
    "fleets",
)  # fmt: skip
"""Evidence whose change says something; times, identifiers and counters differ in every run."""

TIMES_SLOWER = 3
SLOWER_BY = 100.0
"""Milliseconds: what takes less is not worth a word."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed at one rung. what: "result", "time", or the evidence's field. before, after: its values;
    of a time in milliseconds.
    """

    rung: str
    what: str
    before: str | int | float
    after: str | int | float


def differences(good: Sequence[Check], now: Sequence[Check]) -> list[Difference]:
    """Return what changed from a good run to another, in the order of the ladder.

    A rung that was not reached any more is left out: it follows from the one that failed.
    """
    before = {check.rung: check for check in good}
    return [
        found
        for check in now
        if check.rung in before and check.result in (Result.PASSED, Result.WARNING, Result.FAILED)
        for found in _at_rung(before[check.rung], check)
    ]


def _at_rung(good: Check, now: Check) -> Iterator[Difference]:
    if good.result != now.result:
        yield Difference(now.rung, "result", str(good.result), str(now.result))
    for name in WATCHED:
        if _differs(good.evidence, now.evidence, name):
            yield Difference(now.rung, name, good.evidence[name], now.evidence[name])
    if (
        good.ms is not None
        and now.ms is not None
        and now.ms - good.ms >= SLOWER_BY
        and now.ms >= TIMES_SLOWER * good.ms
    ):
        yield Difference(now.rung, "time", good.ms, now.ms)


def _differs(good: Mapping[str, str | int], now: Mapping[str, str | int], name: str) -> bool:
    if name not in good or name not in now:
        return False
    if name == "addresses":  # a resolver gives them in any order
        return set(str(good[name]).split(", ")) != set(str(now[name]).split(", "))
    return good[name] != now[name]
