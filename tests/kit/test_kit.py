"""What is in the kit, and what is not."""

import io
import stat
import zipfile
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from onboarding.credentials.kit import KitValues, build
from onboarding.pki.keys import encrypt_key
from tests.kit.conftest import USER_VALUES, VALUES

NAMES = {
    ".env.example",
    "FleetCall.java",
    "README.md",
    "ca-certificate.pem",
    "chain.pem",
    "client-certificate.pem",
    "fleet-call.mjs",
    "fleet_call.py",
    "postman-collection.json",
    "postman-environment.json",
    "run.sh",
}


def entries(content: bytes) -> dict[str, str]:
    """Return what is in a kit, by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def encrypted_key() -> bytes:
    return encrypt_key(rsa.generate_private_key(65537, 2048), b"a passphrase of the partner's")


@pytest.mark.parametrize(("values", "more"), [(VALUES, set()), (USER_VALUES, {"refresh-token.sh"})])
def test_it_holds_exactly_these_files(values: KitValues, more: set[str]) -> None:
    assert set(entries(build(values))) == NAMES | more | {"PUT-YOUR-KEY-HERE.txt"}
    assert set(entries(build(values, encrypted_key=encrypted_key()))) == NAMES | more | {"private-key.pem"}


@pytest.mark.parametrize("values", [VALUES, USER_VALUES])
def test_the_readme_names_every_other_file(values: KitValues) -> None:
    files = entries(build(values))
    for name in set(files) - {"README.md"}:
        assert f"- `{name}`: " in files["README.md"], name


def test_the_certificates_are_the_leaf_the_chain_and_the_ca() -> None:
    files = entries(build(VALUES))
    assert files["chain.pem"] == VALUES.certificate_pem
    assert files["client-certificate.pem"].count("BEGIN CERTIFICATE") == 1
    assert VALUES.certificate_pem.startswith(files["client-certificate.pem"])
    assert files["ca-certificate.pem"] == VALUES.ca_pem


def test_without_a_certificate_there_is_no_kit() -> None:
    with pytest.raises(ValueError, match="no certificate"):
        build(replace(VALUES, certificate_pem=""))


def test_a_key_comes_in_as_it_was_encrypted_and_readable_by_its_owner_only() -> None:
    key = encrypted_key()
    content = build(VALUES, encrypted_key=key)
    assert entries(content)["private-key.pem"].encode() == key
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        modes = {entry.filename: stat.S_IMODE(entry.external_attr >> 16) for entry in archive.infolist()}
    assert modes["private-key.pem"] == 0o600
    assert modes["run.sh"] == 0o755
    assert modes["README.md"] == 0o644


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_in_clear_never_comes_in(form: PrivateFormat) -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, form, NoEncryption())
    with pytest.raises(ValueError, match="encrypted"):
        build(VALUES, encrypted_key=key)


def test_the_same_values_make_the_same_bytes_in_sorted_order() -> None:
    content = build(VALUES)
    assert content == build(VALUES)
    assert content != build(replace(VALUES, client_id="another"))
    names = list(entries(content))
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("values", "variables"),
    [
        (VALUES, ["FLEET_PASSWORD", "KEY_PASSPHRASE"]),
        (USER_VALUES, ["CLIENT_SECRET", "ACCESS_TOKEN", "REFRESH_TOKEN", "KEY_PASSPHRASE"]),
    ],
)
def test_the_env_template_names_the_secrets_of_the_programme_and_leaves_them_empty(
    values: KitValues, variables: list[str]
) -> None:
    lines = entries(build(values))[".env.example"].splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [f"{name}=''" for name in variables]


@pytest.mark.parametrize(
    ("custody", "words"),
    [
        ("vault", "sealed in the portal"),
        ("browser", "your browser saved"),
        ("own", "the certificate request was made with"),
    ],
)
def test_the_note_in_the_keys_place_says_where_the_key_is(custody: str, words: str) -> None:
    notes = {
        one: entries(build(replace(VALUES, custody=one)))["PUT-YOUR-KEY-HERE.txt"]
        for one in ("vault", "browser", "own")
    }
    assert [one for one, note in notes.items() if words in note] == [custody]
