"""Keys brought along: what openssl and keytool write is taken and sealed, with a CSR submitted, or refused whole."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import gmpy2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials import flows, private_keys
from onboarding.credentials.models import CertificateRequest
from onboarding.findings import explain
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.models import User
from onboarding.pki import keys
from onboarding.pki.csr import CsrReport
from onboarding.pki.messages import MESSAGES
from onboarding.vault.models import Secret
from tests.conftest import member
from tests.journey import SUBJECT, approved

PASSPHRASE = b"four words and a comma, here"
PKCS8 = "openssl pkcs8 -topk8 -in key.pem -passout file:passphrase -out"
RSA = "openssl rsa -in key.pem -passout file:passphrase -out"
PKCS12 = "openssl pkcs12 -export -inkey key.pem -in certificate.pem -name fleet -passout file:passphrase -out"
KEYTOOL = (
    "keytool -importkeystore -srckeystore openssl.p12 -srcstorepass:file passphrase -deststorepass:file passphrase"
)

FORMATS = {
    "PKCS#1": f"{RSA} file -traditional",
    "PKCS#1, DER": f"{RSA} file -traditional -outform DER",
    "PKCS#1, encrypted": f"{RSA} file -traditional -aes128",
    "PKCS#1, encrypted with 3DES": f"{RSA} file -traditional -des3",
    "PKCS#8": f"{PKCS8} file -nocrypt",
    "PKCS#8, DER": f"{PKCS8} file -nocrypt -outform DER",
    "PKCS#8, PBES2": f"{PKCS8} file -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 600000",
    "PKCS#8, PBES2, DER": f"{PKCS8} file -outform DER",
    "PKCS#8, scrypt": f"{PKCS8} file -scrypt",
    "PKCS#8, PBES1": f"{PKCS8} file -v1 PBE-MD5-DES -provider default -provider legacy",
    "PKCS#8, encrypted as in PKCS#12": f"{PKCS8} file -v1 PBE-SHA1-3DES",
    "PKCS#12": f"{PKCS12} file",
    "PKCS#12, legacy": f"{PKCS12} file -legacy",
    "PKCS#12 of keytool": f"{KEYTOOL} -destkeystore file -deststoretype PKCS12",
}
ENCRYPTED = [name for name in FORMATS if not name.endswith(("PKCS#1", "PKCS#8", "PKCS#1, DER", "PKCS#8, DER"))]


def run(folder: Path, command: str) -> bytes:
    return subprocess.run(command.split(), cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key made by openssl, with a certificate and a keystore around it."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "passphrase").write_bytes(PASSPHRASE)
    run(folder, "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem")
    run(folder, "openssl req -x509 -new -key key.pem -subj /CN=unused -out certificate.pem")
    run(folder, f"{PKCS12} openssl.p12")
    return folder


@pytest.fixture(scope="module")
def written(folder: Path) -> Callable[[str], bytes]:
    """The key in each format, made when it is asked for first."""
    made: dict[str, bytes] = {}

    def write(name: str) -> bytes:
        if name not in made:
            (folder / "file").unlink(missing_ok=True)
            run(folder, FORMATS[name])
            made[name] = (folder / "file").read_bytes()
        return made[name]

    return write


@pytest.fixture
def cycle(owner: User, reviewer: User) -> CertificateRequest:
    """A cycle that waits for a CSR, custody `vault`."""
    request = flows.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    flows.describe_key(request, subject=SUBJECT, custody="vault")
    return request


def bring(cycle: CertificateRequest, user: User, data: bytes, passphrase: bytes | None = None) -> CsrReport:
    return private_keys.import_key(cycle, data, passphrase=passphrase, actor=member(user))


def codes(report: CsrReport) -> list[str]:
    return [finding.code for finding in report.findings]


def expect_refused(cycle: CertificateRequest, report: CsrReport, *expected: str) -> None:
    assert codes(report) == list(expected)
    assert not report.fit
    cycle.refresh_from_db()
    assert (cycle.state, cycle.csr_pem) == ("awaiting_csr", "")
    assert not Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY).exists()
    assert not Entry.objects.filter(event=Event.KEY_IMPORTED).exists()


@pytest.mark.needs("openssl", "keytool")
@pytest.mark.filterwarnings("ignore")  # the library's remarks on old ciphers
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_taken_sealed_and_its_csr_submitted(
    cycle: CertificateRequest, owner: User, folder: Path, written: Callable[[str], bytes], name: str
) -> None:
    report = bring(cycle, owner, written(name), PASSPHRASE if name in ENCRYPTED else None)
    assert codes(report) == []
    cycle.refresh_from_db()
    assert (cycle.state, cycle.custody) == ("csr_submitted", "vault")
    public = load_pem_public_key(run(folder, "openssl pkey -in key.pem -pubout"))
    assert keys.same_key(x509.load_pem_x509_csr(cycle.csr_pem.encode()).public_key(), public)
    sealed = private_keys.sealed_key(cycle)
    assert sealed is not None
    assert keys.same_key(keys.load_key(sealed.pem, sealed.passphrase).public_key(), public)
    entry = Entry.objects.get(event=Event.KEY_IMPORTED)
    assert (entry.actor_id, entry.data) == (owner.pk, {"type": "RSA", "bits": 2048})


@pytest.mark.needs("openssl", "keytool")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ENCRYPTED)
def test_an_encrypted_key_opens_with_its_passphrase_alone(
    cycle: CertificateRequest, owner: User, written: Callable[[str], bytes], name: str
) -> None:
    expect_refused(cycle, bring(cycle, owner, written(name), b"another one"), "key_passphrase_wrong")
    expect_refused(cycle, bring(cycle, owner, written(name)), "key_passphrase_missing")


@pytest.mark.needs("openssl", "keytool")
def test_an_old_java_keystore_is_answered_with_the_command_that_converts_it(
    cycle: CertificateRequest, owner: User, folder: Path
) -> None:
    run(folder, f"{KEYTOOL} -destkeystore keystore.jks -deststoretype JKS")
    report = bring(cycle, owner, (folder / "keystore.jks").read_bytes(), PASSPHRASE)
    expect_refused(cycle, report, "key_is_jks")
    command = explain(report.findings[0], MESSAGES).command
    run(folder, f"{command} -srcstorepass:file passphrase -deststorepass:file passphrase")
    assert bring(cycle, owner, (folder / "keystore.p12").read_bytes(), PASSPHRASE).fit


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("openssl ecparam -genkey -name prime256v1", "key_type"),
        ("openssl genpkey -algorithm ED25519", "key_type"),
        ("openssl genpkey -algorithm X25519", "key_type"),
        ("openssl genrsa 1024", "key_too_small"),
        ("openssl genrsa -3 2048", "key_exponent"),
        ("openssl rand -hex 400", "key_unreadable"),
    ],
)
def test_a_key_that_the_programme_does_not_take_is_refused(
    cycle: CertificateRequest, owner: User, tmp_path: Path, command: str, code: str
) -> None:
    expect_refused(cycle, bring(cycle, owner, run(tmp_path, command)), code)


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_key_whose_primes_are_neighbours_is_refused(cycle: CertificateRequest, owner: User) -> None:
    good = rsa.generate_private_key(65537, 2048).private_numbers()
    q = int(gmpy2.next_prime(good.p))
    d = pow(65537, -1, (good.p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        good.p, q, d, rsa.rsa_crt_dmp1(d, good.p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(good.p, q),
        rsa.RSAPublicNumbers(65537, good.p * q),
    )  # fmt: skip
    expect_refused(cycle, bring(cycle, owner, pem(numbers.private_key())), "key_weak_fermat")


def test_a_key_that_another_company_has_used_is_refused(
    cycle: CertificateRequest, owner: User, rival: User, reviewer: User
) -> None:
    key = pem(rsa.generate_private_key(65537, 2048))
    theirs = flows.open_request(approved(rival, reviewer, mzp="MZP300001"), "sandbox", actor=member(rival))
    flows.describe_key(theirs, subject=SUBJECT, custody="vault")
    assert bring(theirs, rival, key).fit
    report = bring(cycle, owner, key)
    assert codes(report) == ["key_of_another_organisation"]
    cycle.refresh_from_db()
    assert (cycle.state, cycle.key) == ("awaiting_csr", None)


def test_names_that_would_be_refused_are_said_and_the_key_is_not_kept(cycle: CertificateRequest, owner: User) -> None:
    flows.describe_key(cycle, subject=SUBJECT | {"L": " Paris"}, custody="vault")
    report = bring(cycle, owner, pem(rsa.generate_private_key(65537, 2048)))
    assert {finding.field for finding in report.findings} == {"L"}
    assert not Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY).exists()


def test_a_key_that_is_brought_takes_the_place_of_one_that_was_ordered(cycle: CertificateRequest, owner: User) -> None:
    order = private_keys.order_key(cycle, bits=2048, actor=member(owner))
    assert bring(cycle, owner, pem(rsa.generate_private_key(65537, 2048))).fit
    submitted = CertificateRequest.objects.get(pk=cycle.pk).csr_pem
    private_keys.make_key(order.pk)
    order.refresh_from_db()
    assert order.state == "cancelled"
    assert CertificateRequest.objects.get(pk=cycle.pk).csr_pem == submitted
    assert Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY).count() == 1


def test_no_key_is_brought_behind_a_submitted_csr(cycle: CertificateRequest, owner: User) -> None:
    stale = CertificateRequest.objects.get(pk=cycle.pk)
    assert bring(cycle, owner, pem(rsa.generate_private_key(65537, 2048))).fit
    with pytest.raises(IllegalTransition):
        bring(stale, owner, pem(rsa.generate_private_key(65537, 2048)))
    assert Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY).count() == 1
