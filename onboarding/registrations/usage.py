"""How many requests that is: by the day, by the second, and against the limits of the API."""

from dataclasses import dataclass
from math import ceil

from onboarding.programmes import RateLimits
from onboarding.registrations.description import DAYS_PER_MONTH

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Rates:
    """A monthly number of requests, spread evenly. per_day is rounded up; limits: what it is held against."""

    per_month: int
    limits: RateLimits

    @property
    def per_day(self) -> int:
        """Requests a day, rounded up."""
        return ceil(self.per_month / DAYS_PER_MONTH)

    @property
    def per_second(self) -> float:
        """Requests a second, on average over day and night."""
        return self.per_month / DAYS_PER_MONTH / SECONDS_PER_DAY

    @property
    def over_per_day(self) -> int:
        """By how many requests a day the quota is exceeded; 0 if it is not."""
        return max(0, self.per_day - self.limits.per_day)

    @property
    def is_over_per_second(self) -> bool:
        """Whether even the average is above the burst that is allowed."""
        return self.per_second > self.limits.per_second


def seconds_for_all(vehicles: int, limits: RateLimits) -> int:
    """Return in how many seconds, at the least, each of the vehicles can be asked for once."""
    return ceil(vehicles / limits.per_second)
