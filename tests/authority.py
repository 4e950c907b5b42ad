"""The car maker's CA, which signs outside this portal. It needs no Django, so that the walkthrough has it too."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from onboarding.pki import embedded_ca, keys


class Authority:
    """A root, and what it issues."""

    def __init__(self) -> None:
        self.key = keys.generate_rsa_key(2048)
        self.certificate = embedded_ca.make_ca(self.key, "Corporate Root", datetime.now(UTC))
        self.pem = self.certificate.public_bytes(Encoding.PEM)

    def sign_csr(self, csr_pem: bytes, days: int = 365) -> bytes:
        """The certificate for a CSR."""
        csr = x509.load_pem_x509_csr(csr_pem)
        now = datetime.now(UTC)
        certificate = embedded_ca.sign_client(csr, ca=self.certificate, ca_key=self.key, now=now, days=days)
        return certificate.public_bytes(Encoding.PEM)

    def sign_server(self, key: RSAPrivateKey, host: str) -> bytes:
        """The certificate of a server of that name."""
        now = datetime.now(UTC)
        certificate = embedded_ca.sign_server(key, [host], ca=self.certificate, ca_key=self.key, now=now, days=30)
        return certificate.public_bytes(Encoding.PEM)
