"""The rungs without network, as the portal climbs them and as the offline checker does: the same verdicts."""

import dataclasses
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from onboarding.fleet import client, portal_material
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.faults import normal_reason
from onboarding.fleet.material import MakeChecks
from onboarding.fleet.offline_material import OfflineChecks
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.fleet.trace import Deadline, Trace
from tests.fleet.climbing import assert_worded, by_rung, climb
from tests.fleet.conftest import FLEETS, MZP, PASSPHRASE, encrypted, material_of, mint
from tests.fleet.servers import answering, over_tls, serving

NOWHERE = Target("http://localhost")  # an address that is refused as soon as the rungs without network are climbed


@pytest.fixture(params=[PortalChecks, OfflineChecks], ids=["cryptography", "standard library"])
def make_checks(request: pytest.FixtureRequest) -> MakeChecks:
    made: MakeChecks = request.param
    return made


@pytest.fixture
def verdict(make_checks: MakeChecks) -> Callable[..., Check]:
    """Return the check that ended the climb, or the certificate's where all is well."""

    def judge(material: CredentialMaterial, now: datetime | None = None) -> Check:
        report = climb(material, NOWHERE, checks=make_checks, now=now or datetime.now(UTC))
        failed = next(check for check in report.checks if check.result == Result.FAILED)
        if failed.code == "url_invalid":
            return by_rung(report)[Rung.CERTIFICATE]
        assert_worded(failed)
        return failed

    return judge


def issue(authority: trustme.CA, **changes: Any) -> tuple[bytes, bytes]:
    """Issue what no ordinary CA would, and return certificate and encrypted key. usages, ca, bits, hash."""
    key = rsa.generate_private_key(65537, changes.get("bits", 2048))
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    issuer_key = load_pem_private_key(authority.private_key_pem.bytes(), None)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, MZP)]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=changes.get("ca", False), path_length=None), critical=True)
    )
    if "usages" in changes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(changes["usages"]), critical=False)
    if changes.get("no_signing"):
        usage = x509.KeyUsage(False, False, True, False, False, False, False, False, False)
        builder = builder.add_extension(usage, critical=True)
    certificate = builder.sign(issuer_key, hashes.SHA256())  # type: ignore[arg-type]
    return certificate.public_bytes(Encoding.PEM), key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE)
    )


def with_(material: CredentialMaterial, pair: tuple[bytes, bytes]) -> CredentialMaterial:
    return dataclasses.replace(material, certificate_pem=pair[0], key_pem=pair[1])


def test_a_good_set_is_good(verdict: Callable[..., Check], material: CredentialMaterial) -> None:
    check = verdict(material)
    assert (check.code, check.result) == ("certificate_good", Result.PASSED)
    assert f"CN={MZP}" in str(check.evidence["subject"])


def test_both_say_the_same_of_a_good_set(material: CredentialMaterial) -> None:
    said = []
    for make_checks in (PortalChecks, OfflineChecks):
        report = climb(material, NOWHERE, checks=make_checks)
        said.append([(check.rung, check.code, check.result, check.evidence) for check in report.checks[:4]])
    assert said[0] == said[1]


@pytest.mark.parametrize("in_files", [False, True])
def test_the_standard_library_alone_is_enough_for_a_whole_run(
    material: CredentialMaterial, mutual: ssl.SSLContext, tmp_path: Path, in_files: bool
) -> None:
    make: MakeChecks = OfflineChecks
    if in_files:
        (tmp_path / "key.pem").write_bytes(material.key_pem)
        make = partial(OfflineChecks, key_file=str(tmp_path / "key.pem"))
    with serving(over_tls(mutual, answering(200, FLEETS))) as server:
        report = climb(material, Target(f"{server.url}/connectedcar/v3"), checks=make)
    assert report.result == Result.PASSED
    assert MZP in str(report.facts["client_certificate_subject"])


def test_a_chain_through_an_intermediate_is_good(verdict: Callable[..., Check], ca: trustme.CA) -> None:
    intermediate = ca.create_child_ca(key_type=trustme.KeyType.RSA)
    leaf = mint(intermediate)
    assert verdict(material_of(leaf, ca)).code == "certificate_good"


def test_without_its_intermediate_a_certificate_leads_nowhere(verdict: Callable[..., Check], ca: trustme.CA) -> None:
    leaf = mint(ca.create_child_ca(key_type=trustme.KeyType.RSA))
    alone = dataclasses.replace(material_of(leaf, ca), certificate_pem=leaf.cert_chain_pems[0].bytes())
    assert verdict(alone).code == "pki_chain_issuer_missing"


def test_an_intermediate_given_without_its_root_is_not_enough(verdict: Callable[..., Check], ca: trustme.CA) -> None:
    # OpenSSL would not trust the server by it either.
    intermediate = ca.create_child_ca(key_type=trustme.KeyType.RSA)
    given = material_of(mint(intermediate), ca)
    check = verdict(dataclasses.replace(given, ca_pem=intermediate.cert_pem.bytes()))
    assert check.code == "pki_chain_issuer_missing"


def test_another_ca_is_found(verdict: Callable[..., Check], ca: trustme.CA, stranger: trustme.LeafCert) -> None:
    check = verdict(material_of(stranger, ca))
    assert (check.rung, check.code, check.turn) == (Rung.CERTIFICATE, "pki_chain_issuer_missing", Turn.PARTNER)


def test_a_root_that_comes_along_does_not_stand_in_for_the_given_one(
    verdict: Callable[..., Check], ca: trustme.CA, other_ca: trustme.CA, stranger: trustme.LeafCert
) -> None:
    given = material_of(stranger, ca)
    foreign = dataclasses.replace(given, certificate_pem=given.certificate_pem + other_ca.cert_pem.bytes())
    assert verdict(foreign).rung == Rung.CERTIFICATE


def test_another_key_is_found(
    verdict: Callable[..., Check], material: CredentialMaterial, stranger: trustme.LeafCert, ca: trustme.CA
) -> None:
    check = verdict(dataclasses.replace(material, key_pem=encrypted(stranger)))
    assert (check.rung, check.code) == (Rung.KEY_PAIR, "key_mismatch")
    elliptic = ca.issue_cert("partner.example", key_type=trustme.KeyType.ECDSA)
    check = verdict(dataclasses.replace(material, key_pem=encrypted(elliptic)))
    assert (check.rung, check.code in ("key_mismatch", "key_type_mismatch")) == (Rung.KEY_PAIR, True)


def test_a_wrong_passphrase_is_found(verdict: Callable[..., Check], material: CredentialMaterial) -> None:
    check = verdict(dataclasses.replace(material, key_passphrase=b"wrong"))
    assert (check.rung, check.code) == (Rung.KEY_PAIR, "key_unreadable")


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (-1, "pki_certificate_expired"),
        (10, "pki_certificate_expires_soon"),
        (29, "pki_certificate_expires_soon"),
        (31, "certificate_good"),
    ],
)
def test_its_end_is_found(verdict: Callable[..., Check], ca: trustme.CA, days: int, code: str) -> None:
    leaf = mint(ca, not_after=datetime.now(UTC) + timedelta(days=days, hours=1))
    assert verdict(material_of(leaf, ca)).code == code


def test_it_is_judged_for_the_time_that_is_given(
    verdict: Callable[..., Check], material: CredentialMaterial, ca: trustme.CA
) -> None:
    leaf = mint(ca, not_after=datetime.now(UTC) + timedelta(days=300))
    assert verdict(material_of(leaf, ca), datetime.now(UTC) + timedelta(days=301)).code == "pki_certificate_expired"
    assert verdict(material, datetime(1999, 1, 1, tzinfo=UTC)).code == "pki_certificate_not_yet_valid"


@pytest.mark.parametrize(
    ("changes", "code", "turn"),
    [
        ({"usages": [ExtendedKeyUsageOID.SERVER_AUTH]}, "pki_certificate_not_for_clients", Turn.MAKER),
        ({"no_signing": True}, "pki_certificate_key_usage", Turn.MAKER),
        ({"ca": True}, "pki_certificate_is_ca", Turn.MAKER),
        ({"bits": 1024}, "key_too_small", Turn.PARTNER),
    ],
)
def test_a_certificate_that_servers_refuse_is_found(
    verdict: Callable[..., Check],
    material: CredentialMaterial,
    ca: trustme.CA,
    changes: dict[str, Any],
    code: str,
    turn: Turn,
) -> None:
    check = verdict(with_(material, issue(ca, **changes)))
    assert (check.code, check.turn) == (code, turn)


def test_one_for_clients_as_well_as_servers_is_good(
    verdict: Callable[..., Check], material: CredentialMaterial, ca: trustme.CA
) -> None:
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    check = verdict(with_(material, issue(ca, usages=usages)))
    assert (check.code, check.evidence["serial_number"]) == ("certificate_good", f"{4711:x}")


def test_an_expired_ca_is_found(verdict: Callable[..., Check], tmp_path: Path) -> None:
    old = trustme.CA(key_type=trustme.KeyType.RSA)
    leaf = mint(old)
    root = x509.load_pem_x509_certificate(old.cert_pem.bytes())
    key = load_pem_private_key(old.private_key_pem.bytes(), None)
    builder = (
        x509.CertificateBuilder(root.issuer, root.subject, root.public_key(), 1)
        .not_valid_before(datetime(2001, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2002, 1, 1, tzinfo=UTC))
    )
    for extension in root.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    expired = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]
    material = dataclasses.replace(material_of(leaf, old), ca_pem=expired.public_bytes(Encoding.PEM))
    assert verdict(material).code == "pki_ca_not_valid_now"


def test_the_leaf_given_for_the_ca_is_found(verdict: Callable[..., Check], material: CredentialMaterial) -> None:
    assert verdict(dataclasses.replace(material, ca_pem=material.certificate_pem)).code == "pki_ca_not_a_ca"


@pytest.mark.parametrize("field", ["certificate_pem", "ca_pem"])
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<html>not found</html>", "pki_certificate_is_html"),
        (b"not a certificate", "pki_certificate_unknown"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "pki_certificate_damaged"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "pki_certificate_is_csr"),
    ],
)
def test_a_file_that_holds_no_certificate_is_named(
    verdict: Callable[..., Check], material: CredentialMaterial, field: str, content: bytes, code: str
) -> None:
    broken: dict[str, Any] = {field: content}
    assert verdict(dataclasses.replace(material, **broken)).code == code


def test_a_common_name_that_is_not_the_login_is_found(verdict: Callable[..., Check], ca: trustme.CA) -> None:
    check = verdict(material_of(mint(ca, "MZP999999"), ca))
    assert (check.rung, check.evidence) == (Rung.COMMON_NAME, {"found": "MZP999999", "expected": MZP})


def plain(leaf: trustme.LeafCert) -> bytes:
    return load_pem_private_key(leaf.private_key_pem.bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (b"", None),
        (b"nothing", "pki_key_unreadable"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "pki_key_is_public"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "pki_key_is_certificate"),
    ],
)
def test_offline_a_file_that_holds_no_key_is_named(
    material: CredentialMaterial, client_certificate: trustme.LeafCert, key: bytes, code: str | None
) -> None:
    """The partner's own file, which the portal would have looked at when it came in."""
    given = dataclasses.replace(material, key_pem=key or plain(client_certificate), key_passphrase=b"")
    check = by_rung(climb(given, NOWHERE, checks=OfflineChecks))[Rung.KEY_PAIR]
    assert check.code == (code or "key_matches")


def test_offline_a_passphrase_that_was_not_given_is_asked_for(material: CredentialMaterial) -> None:
    given = dataclasses.replace(material, key_passphrase=b"")
    assert by_rung(climb(given, NOWHERE, checks=OfflineChecks))[Rung.KEY_PAIR].code == "pki_key_passphrase_missing"


def test_offline_a_certificate_in_a_mail_is_read(material: CredentialMaterial) -> None:
    quoted = b"Hello,\n\n> " + material.ca_pem.replace(b"\n", b"\n> ")
    report = climb(dataclasses.replace(material, ca_pem=quoted), NOWHERE, checks=OfflineChecks)
    assert by_rung(report)[Rung.CERTIFICATE].code == "certificate_good"


def test_openssl_as_a_server_agrees_with_the_verdict_on_a_certificate_for_servers_only(
    ca: trustme.CA, mutual: ssl.SSLContext
) -> None:
    context = client.new_context()
    client.trust(context, ca.cert_pem.bytes().decode())
    client.present(context, *issue(ca, usages=[ExtendedKeyUsageOID.SERVER_AUTH]), PASSPHRASE)
    with serving(over_tls(mutual, answering(200, FLEETS))) as server, pytest.raises(ssl.SSLError) as caught:
        client.send(client.Call(server.url), context, trace=Trace(), deadline=Deadline(3))
    assert normal_reason(caught.value.reason) == "UNSUPPORTED_CERTIFICATE"


def test_a_certificate_found_good_is_judged_again_once_a_date_in_it_has_passed(
    ca: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = issue(ca)  # for 90 days
    material = dataclasses.replace(material_of(mint(ca), ca), certificate_pem=certificate, key_pem=key)
    judged: list[datetime] = []
    check_use = portal_material.check_use

    def counted(*args: Any, **options: Any) -> Any:
        judged.append(options["now"])
        return check_use(*args, **options)

    monkeypatch.setattr(portal_material, "check_use", counted)
    today = datetime.now(UTC)
    days = [0, 1, 59, 61, 62, 89, 91, 0]
    codes = []
    for day in days:
        checks = PortalChecks(material, client.new_context(), today + timedelta(days=day))
        codes.append(checks.certificate().code)
    assert codes == [
        *["certificate_good"] * 3,
        *["pki_certificate_expires_soon"] * 3,
        "pki_certificate_expired",
        "certificate_good",
    ]
    assert [round((at - today).days) for at in judged] == [0, 61, 62, 89, 91]


def test_a_verdict_is_good_for_no_other_ca(ca: trustme.CA, other_ca: trustme.CA) -> None:
    material, now = material_of(mint(ca), ca), datetime.now(UTC)
    elsewhere = dataclasses.replace(material, ca_pem=other_ca.cert_pem.bytes())
    codes = [PortalChecks(one, client.new_context(), now).certificate().code for one in (material, elsewhere, material)]
    assert codes == ["certificate_good", "pki_chain_issuer_missing", "certificate_good"]
