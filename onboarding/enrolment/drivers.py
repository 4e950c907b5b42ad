"""The invented drivers who can sign in at the sandbox's identity provider. Their password is on the page."""

from collections.abc import Mapping
from dataclasses import dataclass

from onboarding.findings import gettext_noop

PASSWORD = "sandbox"  # noqa: S105 — shown on the sign-in page: it guards nothing


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver. vehicles: how many of the brand's vehicles are in the account."""

    id: str
    first_name: str
    last_name: str
    vehicles: int
    what: str

    @property
    def email(self) -> str:
        """The address that they sign in with."""
        return f"{self.id}@drivers.example"


DRIVERS: Mapping[str, Driver] = {
    driver.id: driver
    for driver in (
        Driver("camille", "Camille", "Moreau", 1, gettext_noop("One vehicle")),
        Driver("jonas", "Jonas", "Keller", 2, gettext_noop("Two vehicles")),
        Driver("robin", "Robin", "Baker", 0, gettext_noop("No vehicle in the account")),
    )
}
