"""A person signs elsewhere: the CSRs are downloaded for the corporate CA, and what comes back is taken in."""

from cryptography import x509
from django.utils.translation import gettext_lazy as _

from onboarding.credentials.issuers import CertificateProfile


class ManualIssuer:
    """Signs nothing by itself, and revokes nothing: both happen at the corporate CA, and are noted here."""

    label = _("the corporate CA")
    at_once = True

    def issue(self, csr: x509.CertificateSigningRequest, profile: CertificateProfile) -> None:
        """Nothing yet."""
