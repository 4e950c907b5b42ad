"""What a call is made with, and where it goes."""

from dataclasses import dataclass, field
from typing import Protocol


class Programme(Protocol):
    """What a run has to know of a programme; `onboarding.programmes.Profile` is one.

    id: which ladder it has ("fleet_owner", "end_user"). credentials: which of mzp, password, client_id and
    client_secret a set needs. probes: names of probes, in order (`onboarding.fleet.diagnosis.PROBES`).
    """

    @property
    def id(self) -> str: ...
    @property
    def credentials(self) -> tuple[str, ...]: ...
    @property
    def probes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class CredentialMaterial:
    """One credential set, opened for one run. Its repr shows no secret, and neither does any evidence.

    programme: the profile of the programme that it is for.
    client_id: names the application; not secret. client_secret: end user only. mzp, password: the partner
    login.
    certificate_pem: the client certificate, PEM, leaf first, then intermediates if there are any.
    key_pem: its private key as encrypted PKCS#8 PEM; key_passphrase opens it.
    ca_pem: the CA certificate(s) that came with the client certificate, PEM: what the API's server is held
    against.
    """

    programme: Programme = field(repr=False)
    client_id: str
    certificate_pem: bytes = field(repr=False)
    key_pem: bytes = field(repr=False)
    key_passphrase: bytes = field(repr=False)
    ca_pem: bytes = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    mzp: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret text of the set, for the redaction of evidence. Never shown, never logged."""
        passphrase = self.key_passphrase.decode("utf-8", "replace")
        return tuple(secret for secret in (self.password, self.client_secret, passphrase) if secret)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a run calls.

    api_url: base, with `/connectedcar/v3` or `v4`. token_url: the token endpoint (end user only).
    token_ca_pem: pins the CA of the token endpoint; None: the public roots.
    realm: value of the header `x-introspect-realm` (end user only).
    proxy: "http://host:port", with a login where the proxy wants one; None: no proxy, whatever the
    environment says.
    vin: a vehicle that the partner named, whose capabilities are asked for, too; None: they are not.
    access_token: of a driver who has consented (end user only); None: /user is asked for without one.
    """

    api_url: str
    token_url: str | None = None
    token_ca_pem: bytes | None = field(default=None, repr=False)
    realm: str | None = None
    proxy: str | None = field(default=None, repr=False)
    vin: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
