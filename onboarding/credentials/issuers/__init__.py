"""Who issues certificates: one small interface, and which issuer serves what (`ISSUERS`).

Another CA is one module with a class that has `issue`, and its dotted path in `ISSUERS`: see docs/ISSUERS.md. Whatever
an issuer returns is checked as if it had come by mail, and released only if it is clean.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from cryptography import x509
from django.conf import settings
from django.utils.module_loading import import_string

from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.reasons import Reason
from onboarding.programmes import SANDBOX

BUILT_IN = {
    "manual": "onboarding.credentials.issuers.manual.ManualIssuer",
    "embedded": "onboarding.credentials.issuers.embedded.EmbeddedIssuer",
}
"""What a short name in `ISSUERS` stands for."""


@dataclass(frozen=True, slots=True)
class CertificateProfile:
    """What is asked for beside the CSR.

    programme, environment: their ids, such as "fleet_owner" and "production". reference: names the certificate request,
    and is the same each time that it is asked for: a CA that is asked twice should answer with what it signed before.
    """

    programme: str
    environment: str
    reference: str


@dataclass(frozen=True, slots=True)
class Signed:
    """What an issuer gives back, as files: PEM, DER, PKCS#7 or ZIP, with or without the chain.

    ca_certificate: the CA certificates up to the root, needed unless they are in the first file.
    """

    certificate: bytes
    ca_certificate: bytes = b""


class Unreachable(Exception):
    """The CA does not answer, or says that it cannot now. It is asked again by itself, a few times."""


class Refused(Exception):
    """The CA will not do it. reason: in its words, for staff; nothing secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Issuer(Protocol):
    """A certificate authority, as far as the portal needs it."""

    label: Any
    """What pages call it; may be translated."""

    at_once: bool
    """Whether it answers within milliseconds and on this machine: then it is asked while the page waits, within the
    transaction. Any other is asked by a worker, outside one."""

    def issue(self, csr: x509.CertificateSigningRequest, profile: CertificateProfile) -> Signed | None:
        """Sign the CSR. None: nothing yet, and what comes later is taken in by hand. Raises Unreachable, Refused."""


@runtime_checkable
class Revoker(Protocol):
    """An issuer that can also revoke."""

    def revoke(self, certificate: x509.Certificate, reason: Reason) -> None:
        """Revoke what it signed; once more does no harm. Raises Unreachable, Refused."""


def name_for(programme: str, environment: str) -> str:
    """Return which issuer serves an environment of a programme, as `ISSUERS` names it.

    `ISSUERS` has it under "programme/environment", or under "environment" for all programmes; without either it is the
    embedded CA for the sandbox, which trusts no other, and a person elsewhere.
    """
    chosen: dict[str, str] = settings.ISSUERS
    default = "embedded" if environment == SANDBOX else "manual"
    return chosen.get(f"{programme}/{environment}") or chosen.get(environment) or default


def load(name: str) -> Issuer:
    """Return the issuer of a name or dotted path. Raises ImportError."""
    make = cast(Callable[[], Issuer], import_string(BUILT_IN.get(name, name)))
    return make()


def issuer_for(request: CertificateRequest) -> Issuer:
    """Return the issuer that serves a certificate request."""
    return load(name_for(request.application.programme, request.environment))


def profile_of(request: CertificateRequest) -> CertificateProfile:
    """Return what is asked for beside a request's CSR."""
    return CertificateProfile(request.application.programme, request.environment, str(request.pk))
