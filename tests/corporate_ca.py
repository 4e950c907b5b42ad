"""The car maker's CA, which signs outside this portal, and CSRs that wait for it."""

import io
import zipfile

from cryptography.hazmat.primitives.asymmetric import rsa

from onboarding.credentials import flows
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import User
from onboarding.pki import keys
from onboarding.pki.csr import build_csr
from tests.authority import Authority
from tests.conftest import member
from tests.journey import SUBJECT, approved


class CorporateCA(Authority):
    """The same, for certificate requests."""

    def sign(self, request: CertificateRequest, days: int = 365, **changes: str) -> bytes:
        """The certificate for a request; with changes, for another subject than it asked for."""
        csr = build_csr(KEY, request.subject | changes) if changes else request.csr_pem.encode()
        return self.sign_csr(csr, days)


CA = CorporateCA()
KEY, OTHER_KEY = keys.generate_rsa_key(2048), keys.generate_rsa_key(2048)


def submitted(
    owner: User,
    reviewer: User,
    *,
    key: rsa.RSAPrivateKey = KEY,
    mzp: str = "MZP128745",
    environment: str = "production",
) -> CertificateRequest:
    """A CSR that waits to be signed, outside."""
    request = flows.open_request(approved(owner, reviewer, mzp=mzp), environment, actor=member(owner))
    flows.describe_key(request, subject=SUBJECT, custody="own")
    assert flows.submit_csr(request, build_csr(key, request.subject), actor=member(owner)).fit
    return request


def as_zip(*pems: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number, pem in enumerate(pems):
            archive.writestr(f"{number}.pem", pem)
    return data.getvalue()
