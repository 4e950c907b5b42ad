"""What the sandbox must know of credential sets and of drivers who consented; `portal_registry` says whence."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from onboarding.oauth.grants import Granted, GrantRefused, Tokens


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


class Grants(Protocol):
    """What drivers granted: codes and tokens. Each client sees its own alone."""

    def exchange(self, client_id: str, code: str, redirect_uri: str, now: datetime) -> Tokens:
        """Exchange a code, once. Raises GrantRefused."""

    def refresh(self, client_id: str, token: str, realm: str, now: datetime) -> Tokens:
        """Exchange a refresh token. realm: as the query named it. Raises GrantRefused."""

    def revoke(self, client_id: str, token: str, now: datetime) -> None:
        """Take away all that hangs on a token."""

    def whose(self, client_id: str, token: str, now: datetime) -> Granted | None:
        """Return whose access token it is; None if it is good for nothing."""


class NoGrants:
    """Nobody has granted anything: every code and token is refused."""

    def exchange(self, client_id: str, code: str, redirect_uri: str, now: datetime) -> Tokens:
        """Refuse it."""
        raise GrantRefused("this code does not exist or has expired")

    def refresh(self, client_id: str, token: str, realm: str, now: datetime) -> Tokens:
        """Refuse it."""
        raise GrantRefused("this refresh_token does not exist or has expired")

    def revoke(self, client_id: str, token: str, now: datetime) -> None:
        """Do nothing."""

    def whose(self, client_id: str, token: str, now: datetime) -> Granted | None:
        """Return None."""
        return None


class Registry(Protocol):
    """Finds credential sets. A renewed set shares its client ID with the one that it will replace."""

    def find(self, client_id: str) -> Sequence[Credential]:
        """Return the sets of a client ID, none if it is unknown."""
