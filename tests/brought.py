"""Credentials that work elsewhere already, as a partner would bring them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from django.utils import timezone

from onboarding.credentials.importing import Brought
from onboarding.credentials.models import CredentialSet
from onboarding.fleet.checks import Result
from onboarding.fleet.diagnosis import Report
from onboarding.pki import embedded_ca
from onboarding.pki.csr import build_csr
from onboarding.validation.flows import execute, request_run
from tests.conftest import member
from tests.corporate_ca import CA, KEY
from tests.journey import SUBJECT

MZP = "MZP128745"


def certificate_for(
    mzp: str = MZP, key: rsa.RSAPrivateKey = KEY, days: int = 365, days_ago: int = 0, **changes: str
) -> bytes:
    """A certificate of the corporate CA."""
    now = timezone.now() - timedelta(days=days_ago)
    csr = x509.load_pem_x509_csr(build_csr(key, SUBJECT | {"OU": "Programs Partners", "CN": mzp} | changes))
    signed = embedded_ca.sign_client(csr, ca=CA.certificate, ca_key=CA.key, now=now, days=days)
    return signed.public_bytes(Encoding.PEM)


def key_file(key: rsa.RSAPrivateKey = KEY, passphrase: bytes = b"") -> bytes:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def brought(**changes: Any) -> Brought:
    """What fits, with changes."""
    fitting = Brought(
        environment="production",
        programme="fleet_owner",
        name="Depot dashboard",
        brands=("peugeot",),
        mzp=MZP,
        client_id="client-1",
        certificate=changes.get("certificate") or certificate_for(changes.get("mzp", MZP)),
        ca=CA.pem,
        password="correct-horse-password",
    )
    return replace(fitting, **changes)


def run_passes(held: CredentialSet, owner: Any, monkeypatch: Any) -> None:
    """One run, in which the car maker's API lets everything pass."""
    monkeypatch.setattr("onboarding.validation.flows.diagnose", lambda *_args, **_kwargs: Report(Result.PASSED, (), {}))
    run = request_run(held, actor=member(owner), key=key_file())
    execute(run.pk)
    run.refresh_from_db()
    assert run.state == "passed"
