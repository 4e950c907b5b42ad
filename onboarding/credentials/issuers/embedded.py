"""The embedded CA, which signs for the sandbox, and the list of what it has revoked."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from onboarding.credentials import revocation_lists
from onboarding.credentials.embedded_ca import sandbox_ca
from onboarding.credentials.issuers import CertificateProfile, Signed
from onboarding.credentials.reasons import Reason
from onboarding.pki import embedded_ca


class EmbeddedIssuer:
    """Signs at once, with the key in the vault."""

    label = _("the embedded CA")
    at_once = True

    def issue(self, csr: x509.CertificateSigningRequest, profile: CertificateProfile) -> Signed:
        """Sign for a client."""
        ca, ca_key = sandbox_ca()
        where = revocation_lists.address()
        certificate = embedded_ca.sign_client(csr, ca=ca, ca_key=ca_key, now=timezone.now(), revocation_list=where)
        return Signed(certificate.public_bytes(Encoding.PEM), ca.public_bytes(Encoding.PEM))

    def revoke(self, certificate: x509.Certificate, reason: Reason) -> None:
        """Publish the list anew: it is made of the rows of what is revoked."""
        revocation_lists.publish()
