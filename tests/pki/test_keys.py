"""Keys brought in: keystores of openssl and keytool, what opening them costs, and what is no key."""

import base64
import secrets
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from onboarding.findings import explain
from onboarding.pki import keys
from onboarding.pki.kdf import MAX_ROUNDS, rounds
from onboarding.pki.messages import MESSAGES
from onboarding.pki.pkcs8 import encrypt_under_random

PEM = serialization.Encoding.PEM
PKCS8, PLAIN = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
KEYTOOL = "keytool -genkeypair -alias fleet -keyalg RSA -keysize 2048 -dname CN=MZP128745 -storepass changeit"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return keys.generate_rsa_key(2048)


def refusal(data: bytes, passphrase: bytes | None) -> str:
    with pytest.raises(keys.UnreadableKey) as refused:
        keys.load_key(data, passphrase)
    assert explain(refused.value.finding, MESSAGES).remedy
    return refused.value.finding.code


def run(folder: Path, command: str, *more: str, stdin: bytes | None = None) -> bytes:
    return subprocess.run([*command.split(), *more], cwd=folder, input=stdin, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def keytools(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A keystore that keytool made, under a name from Java's early days."""
    folder = tmp_path_factory.mktemp("keytool")
    run(folder, KEYTOOL, "-keystore", "KeyStoreName.jks")
    return (folder / "KeyStoreName.jks").read_bytes()


@pytest.mark.needs("keytool")
def test_the_key_in_a_keystore_of_todays_keytool_opens_whatever_its_name(tmp_path: Path, keytools: bytes) -> None:
    data = keytools
    (tmp_path / "KeyStoreName.jks").write_bytes(data)
    pem = run(tmp_path, "keytool -exportcert -rfc -alias fleet -keystore KeyStoreName.jks -storepass changeit")
    public = run(tmp_path, "openssl x509 -noout -pubkey", stdin=pem)
    opened = keys.load_key(data, b"changeit").public_key()
    assert opened.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo) == public
    assert refusal(data, None) == "key_passphrase_missing"
    assert refusal(data, b"wrong") == "key_passphrase_wrong"


@pytest.mark.needs("keytool")
def test_a_keystore_of_the_old_kind_is_answered_with_the_command_that_converts_it(tmp_path: Path) -> None:
    run(tmp_path, KEYTOOL, "-keystore", "keystore.jks", "-storetype", "JKS", "-keypass", "changeit")
    with pytest.raises(keys.UnreadableKey) as refused:
        keys.load_key((tmp_path / "keystore.jks").read_bytes(), b"changeit")
    command = explain(refused.value.finding, MESSAGES).command
    run(tmp_path, command, "-srcstorepass", "changeit", "-deststorepass", "changeit")
    assert isinstance(keys.load_key((tmp_path / "keystore.p12").read_bytes(), b"changeit"), rsa.RSAPrivateKey)


@pytest.mark.needs("keytool")
def test_of_several_keys_in_a_keystore_none_is_taken_by_chance(tmp_path: Path, keytools: bytes) -> None:
    (tmp_path / "keystore.p12").write_bytes(keytools)
    run(tmp_path, KEYTOOL.replace("fleet", "other"), "-keystore", "keystore.p12")
    with pytest.raises(keys.UnreadableKey) as refused:
        keys.load_key((tmp_path / "keystore.p12").read_bytes(), b"changeit")
    assert refused.value.finding.found == "2"
    command = explain(refused.value.finding, MESSAGES).command
    run(tmp_path, command, "-srcstorepass", "changeit", "-deststorepass", "changeit")
    assert isinstance(keys.load_key((tmp_path / "one-key.p12").read_bytes(), b"changeit"), rsa.RSAPrivateKey)


@pytest.mark.needs("openssl")
@pytest.mark.filterwarnings("ignore")  # the library's remark on the ciphers of old keystores
@pytest.mark.parametrize("args", [[], ["-legacy"], ["-keypbe", "AES-256-CBC", "-macalg", "sha512"], ["-nomac"]])
def test_openssls_keystores_open_and_only_with_their_password(
    tmp_path: Path, key: rsa.RSAPrivateKey, args: list[str]
) -> None:
    (tmp_path / "key.pem").write_bytes(key.private_bytes(PEM, PKCS8, PLAIN))
    run(tmp_path, "openssl req -x509 -new -key key.pem -subj /CN=a -out cert.pem")
    export = "openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass:secret"
    data = run(tmp_path, export, *args)
    assert keys.same_key(keys.load_key(data, b"secret").public_key(), key.public_key())
    assert refusal(data, b"wrong") == "key_passphrase_wrong"
    without = run(tmp_path, "openssl pkcs12 -export -nokeys -in cert.pem -passout pass:secret")
    assert refusal(without, b"secret") == "key_pkcs12_without_key"


def keystore(key: rsa.RSAPrivateKey, rounds_: int) -> bytes:
    encryption = PKCS12_BUILDER.kdf_rounds(rounds_).build(b"secret")
    return pkcs12.serialize_key_and_certificates(b"fleet", key, None, None, encryption)


PKCS12_BUILDER = serialization.PrivateFormat.PKCS12.encryption_builder()


def test_the_cost_of_opening_a_keystore_is_read_before_it_is_paid(key: rsa.RSAPrivateKey) -> None:
    data = keystore(key, 70_000)
    assert rounds(data) >= 70_000
    number = (70_000).to_bytes(3, "big")
    costly = data.replace(b"\x02\x03" + number, b"\x02\x03\x7f\xff\xff")
    assert costly != data
    start = time.process_time()
    assert refusal(costly, b"secret") == "key_derivation_too_costly"
    assert time.process_time() - start < 0.05
    assert keys.same_key(keys.load_key(data, b"secret").public_key(), key.public_key())


@pytest.mark.needs("openssl")
def test_the_rounds_of_a_keystores_mac_count_too(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    (tmp_path / "key.pem").write_bytes(key.private_bytes(PEM, PKCS8, PLAIN))
    command = "openssl pkcs12 -export -nocerts -inkey key.pem -keypbe NONE -iter 90001 -passout pass:secret"
    data = run(tmp_path, command)
    assert rounds(data) == 90_001
    assert keys.same_key(keys.load_key(data, b"secret").public_key(), key.public_key())
    assert refusal(data.replace(b"\x02\x03\x01\x5f\x91", b"\x02\x03\x7f\x5f\x91"), b"secret").endswith("too_costly")


def test_many_cheap_bags_are_dear_together(key: rsa.RSAPrivateKey) -> None:
    one = keystore(key, 1_500)
    assert rounds(one * (MAX_ROUNDS // 1_500 + 1)) > MAX_ROUNDS


def test_a_key_that_is_too_large_is_not_looked_at_in_a_keystore_either() -> None:
    # A bag that says it holds 12,000 bytes; nothing of it is opened.
    bag = bytes.fromhex("060b2a864886f70d010c0a0102a0822ee0")
    content = b"\x02\x01\x03\x30\x80" + bag
    data = b"\x30" + b"\x82" + len(content).to_bytes(2, "big") + content
    assert refusal(data, b"x") == "key_too_large"


@pytest.mark.needs("ssh-keygen")
def test_openssh_keys_are_answered_with_the_command_that_converts_them(tmp_path: Path) -> None:
    run(tmp_path, "ssh-keygen -q -t rsa -b 2048 -N secret -f private-key.pem")
    file = tmp_path / "private-key.pem"
    with pytest.raises(keys.UnreadableKey) as refused:
        keys.load_key(file.read_bytes(), b"secret")
    run(tmp_path, explain(refused.value.finding, MESSAGES).command, "-P", "secret", "-N", "secret2")
    assert isinstance(keys.load_key(file.read_bytes(), b"secret2"), rsa.RSAPrivateKey)


@pytest.mark.parametrize("bits", [2048, 4096])
def test_a_key_under_a_random_passphrase_is_ordinary_pkcs8_of_one_round_that_openssl_opens(
    tmp_path: Path, bits: int
) -> None:
    key, passphrase = keys.generate_rsa_key(bits), secrets.token_hex(32)
    pem = encrypt_under_random(key, passphrase.encode())
    assert rounds(base64.b64decode(b"".join(pem.splitlines()[1:-1]))) == 1
    command = f"openssl pkey -passin pass:{passphrase}"
    assert run(tmp_path, command, stdin=pem) == key.private_bytes(PEM, PKCS8, PLAIN)
    shown = run(tmp_path, "openssl asn1parse", stdin=pem).decode()
    for expected in ("PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc"):
        assert expected in shown
    assert keys.load_key(pem, passphrase.encode()).private_numbers() == key.private_numbers()
    assert refusal(pem, passphrase[:-1].encode()) == "key_passphrase_wrong"


def test_a_key_of_another_kind_is_encrypted_the_same_way() -> None:
    key, passphrase = ec.generate_private_key(ec.SECP256R1()), secrets.token_hex(32).encode()
    opened = keys.load_key(encrypt_under_random(key, passphrase), passphrase)
    assert keys.same_key(opened.public_key(), key.public_key())


def test_the_same_key_never_looks_the_same_twice(key: rsa.RSAPrivateKey) -> None:
    passphrase = secrets.token_hex(32).encode()
    assert encrypt_under_random(key, passphrase) != encrypt_under_random(key, passphrase)


def test_a_passphrase_that_a_person_could_have_thought_of_is_not_taken(key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(ValueError, match="not random"):
        encrypt_under_random(key, b"correct horse battery staple")
