"""The one retry policy: whether a call that failed is made again, and after how long."""

from dataclasses import dataclass
from random import Random

from onboarding.fleet.checks import REFUSALS
from onboarding.fleet.faults import Fault


@dataclass(frozen=True, slots=True)
class Policy:
    """attempts: how many calls there are at most, the first included. first_wait: seconds before the second, on
    average; doubled for each that follows.
    """

    attempts: int = 3
    first_wait: float = 0.5


POLICY = Policy()
"""The portal's."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed.

    attempt: which one it was, from 1. took: seconds. status: of the HTTP answer, None where there was none.
    retry_after: seconds that the server asked to wait, None where it did not. arrived: whether it is a call that must
    have its effect once at most, and may have arrived.
    """

    fault: Fault
    attempt: int
    took: float
    status: int | None = None
    retry_after: int | None = None
    arrived: bool = False


def seconds_to_wait(failure: Failure, *, remaining: float, policy: Policy, rng: Random) -> float | None:
    """Return after how many seconds to call again; None: not at all.

    Only a transient fault is worth it, and never a refusal, whatever its body says: repeating one could lock an
    account; nor what may have arrived and must not happen twice (RFC 9110, section 9.2.2). `Retry-After` is honoured
    (section 10.2.3); otherwise the wait grows, with jitter, so that many who failed together do not come back together.
    remaining: seconds of the run's deadline; a call that could not be given the time that the failed one took is not
    begun.
    """
    if failure.arrived or not failure.fault.transient or failure.status in REFUSALS:
        return None
    if failure.attempt >= policy.attempts:
        return None
    wait = policy.first_wait * 2 ** (failure.attempt - 1) * rng.uniform(0.5, 1.5)
    if failure.retry_after is not None:
        wait = failure.retry_after + rng.uniform(0, policy.first_wait)
    return wait if wait + failure.took < remaining else None
