"""What a token endpoint gives, and why it gives nothing (RFC 6749, sections 5.1 and 5.2)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code or a refresh token was exchanged for. lifetime: of the access token, in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scopes: tuple[str, ...]
    lifetime: int


@dataclass(frozen=True, slots=True)
class Granted:
    """Whose access token it is. driver: their id; brand: of their account; scopes: what they granted."""

    driver: str
    brand: str
    scopes: tuple[str, ...]


class GrantRefused(Exception):
    """Nothing is given. error: a code of RFC 6749, section 5.2; the text says why, for developers."""

    def __init__(self, reason: str, error: str = "invalid_grant") -> None:
        super().__init__(reason)
        self.error = error
