"""The sandbox's certificate authority: its certificate in the database, its key in the vault."""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from onboarding.credentials.models import Authority
from onboarding.pki import embedded_ca, keys
from onboarding.programmes import SANDBOX
from onboarding.vault.models import Secret
from onboarding.vault.seal import encrypted, open_key, seal_key


def sandbox_ca() -> tuple[x509.Certificate, RSAPrivateKey]:
    """Return the embedded CA's certificate and key, making both on first use (safe when several processes start)."""
    authority = _authority()
    sealed = open_key(authority.key)
    # Our own sealed key: it was checked when it was made, and the checks cost 40 to 300 ms.
    key = load_pem_private_key(sealed.pem, sealed.passphrase, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the embedded CA's key is RSA")
    return x509.load_pem_x509_certificate(authority.certificate_pem.encode("ascii")), key


def sandbox_ca_pem() -> str:
    """Return the embedded CA's certificate as PEM."""
    return _authority().certificate_pem


def _authority() -> Authority:
    return Authority.objects.select_related("key").filter(environment=SANDBOX).first() or _create(timezone.now())


def _create(now: datetime) -> Authority:
    key = keys.generate_rsa_key(3072)
    certificate = embedded_ca.make_ca(key, f"{settings.PORTAL_NAME} Sandbox CA", now)
    try:
        with transaction.atomic():
            secret = seal_key(None, Secret.Kind.AUTHORITY_KEY, encrypted(key))
            return Authority.objects.create(
                environment=SANDBOX,
                certificate_pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
                key=secret,
            )
    except IntegrityError:  # another process was quicker; its CA is the one
        return Authority.objects.select_related("key").get(environment=SANDBOX)
