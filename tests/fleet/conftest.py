import ssl
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from onboarding.fleet.target import CredentialMaterial
from onboarding.programmes import profile
from tests.fleet.servers import answering, over_tls

MZP = "MZP128745"
PASSPHRASE = b"marker-passphrase-5d1"
PASSWORD = "marker-password-3f9 &<é"
SECRET = "marker-secret-8c2/+%"

FLEETS: dict[str, object] = {
    "_links": {"self": {"href": "https://sandbox.example/connectedcar/v3/fleets"}},
    "total": 2,
    "totalPage": 1,
    "currentPage": 1,
    "_embedded": {"fleets": [{"id": "5f0c", "name": "North depot"}, {"id": "5f0d", "name": "South depot"}]},
}


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """The car maker's private CA: it signs the API's server and its clients' certificates."""
    return trustme.CA(key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="session")
def other_ca() -> trustme.CA:
    """A CA that has nothing to do with it, like any public one."""
    return trustme.CA(key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="session")
def server_certificate(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("localhost")


def mint(authority: trustme.CA, common_name: str = MZP, not_after: datetime | None = None) -> trustme.LeafCert:
    """Issue a client certificate, valid unless `not_after` is over."""
    return authority.issue_cert(
        "partner.example",
        common_name=common_name,
        key_type=trustme.KeyType.RSA,
        not_before=datetime(2020, 1, 1, tzinfo=UTC) if not_after else None,
        not_after=not_after,
    )


@pytest.fixture(scope="session")
def client_certificate(ca: trustme.CA) -> trustme.LeafCert:
    return mint(ca)


@pytest.fixture(scope="session")
def stranger(other_ca: trustme.CA) -> trustme.LeafCert:
    """A client certificate of the other CA."""
    return mint(other_ca)


def encrypted(leaf: trustme.LeafCert, passphrase: bytes = PASSPHRASE) -> bytes:
    """Return its key as encrypted PKCS#8 PEM."""
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


def chain_pem(leaf: trustme.LeafCert) -> bytes:
    return b"".join(blob.bytes() for blob in leaf.cert_chain_pems)


def material_of(leaf: trustme.LeafCert, trusted: trustme.CA, programme: str = "fleet_owner") -> CredentialMaterial:
    """Return a complete credential set with this certificate, which trusts that CA."""
    return CredentialMaterial(
        programme=profile(programme),
        client_id="client-7",
        certificate_pem=chain_pem(leaf),
        key_pem=encrypted(leaf),
        key_passphrase=PASSPHRASE,
        ca_pem=trusted.cert_pem.bytes(),
        client_secret=SECRET,
        mzp=MZP,
        password=PASSWORD,
    )


@pytest.fixture(scope="session")
def material(client_certificate: trustme.LeafCert, ca: trustme.CA) -> CredentialMaterial:
    return material_of(client_certificate, ca)


@pytest.fixture(scope="session")
def driver_material(client_certificate: trustme.LeafCert, ca: trustme.CA) -> CredentialMaterial:
    return material_of(client_certificate, ca, "end_user")


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS1.2", "TLS1.3"])
def tls_version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    version: ssl.TLSVersion = request.param
    return version


def context_of(
    certificate: trustme.LeafCert,
    clients: trustme.CA | None,
    version: ssl.TLSVersion | None = None,
) -> ssl.SSLContext:
    """Return a server's context; clients: the CA that client certificates must come from, None: not asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if clients:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    if version:
        context.minimum_version = context.maximum_version = version
    return context


@pytest.fixture
def mutual(server_certificate: trustme.LeafCert, ca: trustme.CA) -> ssl.SSLContext:
    """The context of a server as it should be."""
    return context_of(server_certificate, ca)


@pytest.fixture
def good_talk(mutual: ssl.SSLContext) -> Callable[..., None]:
    """How the API talks when all is well."""
    return over_tls(mutual, answering(200, FLEETS))
