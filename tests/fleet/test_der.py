"""Certificates read by the standard library alone, held against the cryptography package."""

import ssl
from contextlib import suppress
from datetime import UTC

import pytest
import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from onboarding.fleet.der import CLIENT_AUTH, Certificate, Malformed, read_certificate, render_name, split
from onboarding.fleet.handshake import accepted_issuers, certificates
from onboarding.pki import names
from onboarding.pki.intake import is_ca

CA = trustme.CA(key_type=trustme.KeyType.RSA)
CERTIFICATES = {
    "root": CA.cert_pem.bytes(),
    "intermediate": CA.create_child_ca().cert_pem.bytes(),
    "leaf": CA.issue_cert("localhost", common_name="MZP128745", organization_name="Société").cert_chain_pems[0].bytes(),
    "RSA leaf": CA.issue_cert("a@example.com", key_type=trustme.KeyType.RSA).cert_chain_pems[0].bytes(),
}  # fmt: skip


def der_of(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode())


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_everything_that_is_read_is_what_the_cryptography_package_reads(kind: str) -> None:
    ours = read_certificate(der_of(CERTIFICATES[kind]))
    theirs = x509.load_pem_x509_certificate(CERTIFICATES[kind])
    assert ours.subject == names.render(theirs.subject)
    assert ours.issuer == names.render(theirs.issuer)
    assert ours.serial_number == theirs.serial_number
    assert ours.not_valid_before == theirs.not_valid_before_utc
    assert ours.not_valid_after.astimezone(UTC) == theirs.not_valid_after_utc
    assert theirs.signature_hash_algorithm is not None
    assert ours.hash == theirs.signature_hash_algorithm.name
    assert ours.bits == getattr(theirs.public_key(), "key_size", 0) * (type(theirs.public_key()).__name__[:3] == "RSA")
    assert ours.is_ca == is_ca(theirs)
    assert ours.is_self_issued == (theirs.subject == theirs.issuer)
    assert list(ours.common_names) == names.subject_values(theirs.subject).get("CN", [])
    with suppress(x509.ExtensionNotFound):
        usages = theirs.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert ours.extended_key_usage == tuple(oid.dotted_string for oid in usages)
        assert CLIENT_AUTH in ours.extended_key_usage
    with suppress(x509.ExtensionNotFound):
        usage = theirs.extensions.get_extension_for_class(x509.KeyUsage).value
        assert ours.signs_data == usage.digital_signature


@given(st.data())
def test_whatever_a_server_sends_nothing_else_is_raised(data: st.DataObject) -> None:
    der = bytearray(der_of(CERTIFICATES["leaf"]))
    for _ in range(data.draw(st.integers(1, 8))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(der[: data.draw(st.integers(0, len(der)))] if data.draw(st.booleans()) else der)
    with suppress(Malformed):
        found = read_certificate(cut)
        assert isinstance(found.subject + found.issuer, str)
        for name in ("not_valid_after", "is_ca", "signs_data", "extended_key_usage", "bits", "hash", "common_names"):
            with suppress(ValueError, IndexError):
                getattr(found, name)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_a_handshake_message_holds_it_is_read_or_left(message: bytes, is_tls13: bool) -> None:
    assert isinstance(list(certificates(message, is_tls13)), list)
    assert isinstance(accepted_issuers(message, is_tls13), tuple)
    assert isinstance(render_name(message), str)


def test_a_list_that_is_cut_off_is_not_read() -> None:
    assert split(b"\x00\x01a\x00\x02bc", 2) == [b"a", b"bc"]
    with pytest.raises(Malformed):
        split(b"\x00\x03ab", 2)
    with pytest.raises(Malformed):
        split(b"\x00", 2)


def test_what_is_no_certificate_is_said_to_be_none() -> None:
    for data in (b"", b"\x30", b"\x30\x00", b"<html>", bytes(100), b"\x30\x80\x00\x00"):
        with pytest.raises(Malformed):
            read_certificate(data)
    assert isinstance(read_certificate(der_of(CERTIFICATES["root"])), Certificate)
