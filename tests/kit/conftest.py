"""A kit unpacked in a folder, for credential sets that a running sandbox knows."""

import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from onboarding.credentials import kit
from onboarding.credentials.kit import KitValues
from onboarding.pki.keys import encrypt_key
from onboarding.programmes import profile
from tests.sandbox.conftest import sandbox  # noqa: F401 — a fixture
from tests.sandbox.doubles import KnownCredential, Running, fingerprint

MZP = "MZP128745"
CLIENT_ID = """it's "5" & `id`; $HOME $(id) ${x} %41 \\u0041 \\n #é😀"""
USER_CLIENT_ID = CLIENT_ID + " for drivers"
SECRETS = {
    "FLEET_PASSWORD": "pass: 'wörd' \"$HOME\" \\",
    "CLIENT_SECRET": "secret: 'wörd' \"$HOME\" \\",
    "KEY_PASSPHRASE": "phrase: 'wörd' \"$HOME\" \\",
    "ACCESS_TOKEN": "token-of-a-driver",
    "REFRESH_TOKEN": "refresh token of a driver",
}
VALUES = KitValues(
    application='Depot "dashboard"',
    programme="fleet_owner",
    environment="Sandbox",
    is_sandbox=True,
    custody="vault",
    needs=profile("fleet_owner").credentials,
    api_url="https://localhost:1/connectedcar/v3",
    refresh_url="",
    client_id=CLIENT_ID,
    login=MZP,
    realm="clientsB2CPeugeot",
    certificate_pem="-----BEGIN CERTIFICATE-----\nbGVhZg==\n-----END CERTIFICATE-----\n"
    "-----BEGIN CERTIFICATE-----\nb3RoZXI=\n-----END CERTIFICATE-----\n",
    ca_pem="-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n",
)
USER_VALUES = replace(
    VALUES,
    programme="end_user",
    needs=profile("end_user").credentials,
    api_url="https://localhost:1/connectedcar/v4",
    refresh_url="https://localhost:2/am/oauth2/access_token?realm=clientsB2CPeugeot",
    client_id=USER_CLIENT_ID,
)


def unpacked(content: bytes, folder: Path) -> Path:
    """Unpack a kit; returns the folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder


def _kit(sandbox: Running, folder: Path, values: KitValues) -> Path:  # noqa: F811
    leaf = sandbox.ca.create_child_ca().issue_cert(
        "fleet@partner.example", common_name=MZP, key_type=trustme.KeyType.RSA
    )
    sandbox.registry.known.append(
        KnownCredential(
            values.client_id,
            values.programme,
            MZP,
            fingerprint(leaf),
            password=SECRETS["FLEET_PASSWORD"],
            secret=SECRETS["CLIENT_SECRET"],
        )
    )
    running = replace(
        values,
        api_url=values.api_url.replace(":1/", f":{sandbox.ports.api}/"),
        refresh_url=values.refresh_url.replace(":2/", f":{sandbox.ports.token}/"),
        certificate_pem="".join(pem.bytes().decode() for pem in leaf.cert_chain_pems),
        ca_pem=sandbox.ca.cert_pem.bytes().decode(),
    )
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    return unpacked(kit.build(running, encrypted_key=encrypt_key(key, SECRETS["KEY_PASSPHRASE"].encode())), folder)


@pytest.fixture(scope="session")
def fleet_owner_kit(sandbox: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    return _kit(sandbox, tmp_path_factory.mktemp("fleet_owner"), VALUES)


@pytest.fixture(scope="session")
def end_user_kit(sandbox: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    return _kit(sandbox, tmp_path_factory.mktemp("end_user"), USER_VALUES)


@pytest.fixture
def fleet_owner(fleet_owner_kit: Path, tmp_path: Path) -> Path:
    """A fleet owner's kit, which the test may change."""
    return Path(shutil.copytree(fleet_owner_kit, tmp_path / "kit"))


@pytest.fixture
def end_user(end_user_kit: Path, tmp_path: Path) -> Path:
    """An end-user application's kit, which the test may change."""
    return Path(shutil.copytree(end_user_kit, tmp_path / "kit"))
