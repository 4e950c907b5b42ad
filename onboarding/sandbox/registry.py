"""What the sandbox must know of a credential set. Where it comes from is `portal_registry`'s matter."""

from collections.abc import Sequence
from typing import Protocol


class Credential(Protocol):
    """One credential set, as far as the fleet API knows it."""

    @property
    def programme(self) -> str:
        """The programme whose API it may call."""

    @property
    def mzp(self) -> str:
        """The user name for Basic authentication."""

    @property
    def certificate_sha256(self) -> str:
        """Fingerprint of the certificate that may be used with it, hexadecimal."""

    @property
    def fault(self) -> str:
        """The failure that its owner has switched on, a name of `onboarding.rehearsals`; empty for none."""

    def password_is(self, given: str) -> bool:
        """Whether `given` is the password; compared in constant time."""

    def secret_is(self, given: str) -> bool:
        """Whether `given` is the client secret; compared in constant time."""


class Registry(Protocol):
    """Finds credential sets. A renewed set shares its client ID with the one that it will replace."""

    def find(self, client_id: str) -> Sequence[Credential]:
        """Return the sets of a client ID, none if it is unknown."""
