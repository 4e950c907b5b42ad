"""Whom the sandbox lets in: the clients that the portal handed out for the sandbox, with their certificates."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from onboarding.credentials.models import CertificateRequest, SandboxClient
from onboarding.credentials.states import USABLE
from onboarding.enrolment import idp
from onboarding.programmes import SANDBOX
from onboarding.registrations.models import Registration
from onboarding.registrations.states import State
from onboarding.vault.models import Secret
from onboarding.vault.seal import CannotOpen, open_secret


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client with one of its certificates. Its secrets are opened only to compare them."""

    client: SandboxClient
    request: CertificateRequest

    @property
    def programme(self) -> str:
        """The application's programme; none while it is suspended, as a gateway takes it out of its plan."""
        registration: Registration | None = getattr(self.client.application, "registration", None)
        is_suspended = registration is not None and registration.state == State.SUSPENDED
        return "" if is_suspended else self.client.application.programme

    @property
    def mzp(self) -> str:
        """The partner login of the certificate."""
        return self.request.partner_login.mzp

    @property
    def certificate_sha256(self) -> str:
        """The certificate's fingerprint."""
        return self.request.certificate_sha256

    @property
    def fault(self) -> str:
        """The failure that is rehearsed, empty for none."""
        return self.client.fault

    def password_is(self, given: str) -> bool:
        """Whether `given` is the MZP's password in the sandbox."""
        return _same(self.client.password, given)

    def secret_is(self, given: str) -> bool:
        """Whether `given` is the client secret."""
        return _same(self.client.client_secret, given)


class DatabaseRegistry:
    """The portal's records; those of the sandbox environment only."""

    def find(self, client_id: str) -> Sequence[KnownClient]:
        """Return the client once for each of its certificates that may be used: issued or active."""
        client = (
            SandboxClient.objects.select_related("application__registration", "client_secret", "password")
            .filter(client_id=client_id)
            .first()
        )
        if client is None:
            return []
        requests = CertificateRequest.objects.filter(
            application=client.application, environment=SANDBOX, state__in=USABLE
        ).select_related("partner_login")
        return [KnownClient(client, request) for request in requests]


class DatabaseGrants:
    """What invented drivers granted at the portal's page."""

    exchange = staticmethod(idp.exchange)
    refresh = staticmethod(idp.refresh)
    revoke = staticmethod(idp.revoke)
    whose = staticmethod(idp.whose)


def _same(secret: Secret | None, given: str) -> bool:
    if secret is None:
        return False
    try:
        return hmac.compare_digest(open_secret(secret), given.encode("utf-8"))
    except CannotOpen:
        return False
