"""CSR checks, held against CSRs that openssl and keytool made."""

import base64
import json
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import AttributeOID, ExtensionOID, SignatureAlgorithmOID
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboarding.findings import Severity, explain
from onboarding.pki import countries, files, instructions, keys, names, ordinary, subject
from onboarding.pki.csr import CsrReport, build_csr, check_csr
from onboarding.pki.messages import MESSAGES
from onboarding.pki.unparsable import UNPARSABLE
from onboarding.programmes import profile

FLEET = profile("fleet_owner")
MZP = "MZP128745"
GOOD = {
    "C": "FR",
    "ST": "Ile de France",
    "L": "Paris",
    "O": "Free2Move",
    "OU": "Programs Partners",
    "CN": MZP,
    "emailAddress": "certificates@example.com",
}


FIELDS = {*GOOD, "key", "signature", "extensions", "file"}


def check(data: bytes, mzp: str | None = MZP) -> CsrReport:
    report = check_csr(data, FLEET, mzp=mzp)
    for finding in report.findings:
        assert finding.field in FIELDS
        assert explain(finding, MESSAGES).remedy
    return report


def codes(report: CsrReport) -> list[tuple[str, str]]:
    return [(finding.field, finding.code) for finding in report.findings]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return keys.generate_rsa_key(2048)


@pytest.fixture(scope="module")
def good(key: rsa.RSAPrivateKey) -> bytes:
    return build_csr(key, GOOD)


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory, key: rsa.RSAPrivateKey) -> Callable[..., bytes]:
    """Make a CSR with the real openssl, from an -subj and further arguments."""
    folder = tmp_path_factory.mktemp("openssl")
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

    def make(subj: str, *args: str) -> bytes:
        command = ["openssl", "req", "-new", "-key", str(folder / "key.pem"), "-subj", subj, *args]
        return subprocess.run(command, check=True, capture_output=True).stdout

    return make


def subj(values: Mapping[str, str]) -> str:
    return "".join(f"/{short}={value}" for short, value in values.items())


# --- Fit ---


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("mzp", [MZP, None])
def test_the_documented_openssl_request_is_fit(openssl: Callable[..., bytes], mzp: str | None) -> None:
    report = check(openssl(subj(GOOD), "-utf8"), mzp)
    assert codes(report) == []
    assert report.fit
    assert report.subject == GOOD
    assert report.key == {"type": "RSA", "bits": 2048}


def test_the_order_of_attributes_does_not_matter(key: rsa.RSAPrivateKey) -> None:
    backwards = x509.Name(list(reversed(list(names.build_name(GOOD)))))
    csr = x509.CertificateSigningRequestBuilder().subject_name(backwards).sign(key, hashes.SHA256())
    assert check(csr.public_bytes(serialization.Encoding.PEM)).fit


DISGUISES: dict[str, Callable[[bytes], bytes]] = {
    "DER": lambda pem: base64.b64decode(b"".join(pem.split(b"\n")[1:-2])),
    "NEW CERTIFICATE REQUEST": lambda pem: pem.replace(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"),
    "Windows line ends": lambda pem: pem.replace(b"\n", b"\r\n"),
    "byte-order mark": lambda pem: b"\xef\xbb\xbf" + pem,
    "old Mac line ends": lambda pem: pem.replace(b"\n", b"\r"),
    "line ends written out": lambda pem: json.dumps({"csr": pem.decode()}).encode(),
    "UTF-16": lambda pem: pem.decode().encode("utf-16"),
    "UTF-16, the other way round": lambda pem: b"\xfe\xff" + pem.decode().encode("utf-16-be"),
    "UTF-16 without a mark": lambda pem: pem.decode().encode("utf-16-le"),
    "within a web page": lambda pem: b"<html><body><pre>" + pem + b"</pre></body></html>",
    "as large as it may be": lambda pem: pem.ljust(files.MAX_BYTES),
    "no armour": lambda pem: b"\n".join(pem.split(b"\n")[1:-2]),
    "quoted mail": lambda pem: b"Hello,\n\n" + b"".join(b"> " + line + b"\n" for line in pem.splitlines()),
    "twice the same": lambda pem: pem + pem,
    "quoted twice": lambda pem: b"".join(b">> > " + line + b"  \r\n" for line in pem.splitlines()),
    "indented": lambda pem: b"".join(b"    " + line + b"\n" for line in pem.splitlines()),
    "blanks of a web page": lambda pem: pem.replace(b"\n", "\u00a0\n\u200b".encode()),
    "quoted, no armour": lambda pem: b"".join(b"> " + line + b"\n" for line in pem.splitlines()[1:-1]),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_good_csr_is_read_in_every_form_that_people_send(good: bytes, disguise: str) -> None:
    report = check(DISGUISES[disguise](good))
    assert report.fit, codes(report)
    assert report.pem == good


# --- The subject ---

SUBJECT_MISTAKES = [
    ({"OU": "Programs Partner"}, [("OU", "ou_slip")]),
    ({"OU": "programs partners"}, [("OU", "attribute_case")]),
    ({"OU": "Fleet"}, [("OU", "attribute_other_value")]),
    ({"OU": ""}, [("OU", "attribute_missing")]),
    ({"ST": ""}, [("ST", "attribute_missing")]),
    ({"ST": "   "}, [("ST", "attribute_empty")]),
    ({"C": "fr"}, [("C", "country_lower_case")]),
    ({"C": "XX"}, [("C", "country_unknown")]),
    ({"C": "FRA"}, [("C", "attribute_length")]),
    ({"L": "<Paris"}, [("L", "attribute_placeholder")]),
    ({"L": " Paris"}, [("L", "attribute_blanks")]),
    ({"L": "Le  Havre"}, [("L", "attribute_blanks")]),
    ({"L": "Paris\n"}, [("L", "attribute_unprintable")]),
    ({"L": "Pa\x00ris"}, [("L", "attribute_unprintable")]),
    ({"L": "Paris\u200b"}, [("L", "attribute_unprintable")]),
    ({"L": "P" * 129}, [("L", "attribute_too_long")]),
    ({"O": "SociÃ©tÃ©"}, [("O", "attribute_mojibake")]),
    ({"O": "Frее2Move"}, [("O", "attribute_lookalike")]),  # two Cyrillic letters
    ({"L": "Le\u00a0Havre"}, [("L", "attribute_lookalike")]),
    ({"OU": "Programs\u00a0Partners"}, [("OU", "attribute_lookalike")]),
    ({"OU": "Programs Ρartners"}, [("OU", "attribute_lookalike")]),  # a Greek capital rho
    ({"CN": "ΜZΡ128745"}, [("CN", "attribute_lookalike")]),
    ({"CN": "MZP１２８７４５"}, [("CN", "attribute_lookalike")]),  # full-width digits
    ({"C": "СН"}, [("C", "attribute_lookalike")]),
    ({"emailAddress": "certificates@еxample.com"}, [("emailAddress", "attribute_lookalike")]),
    ({"CN": "mzp128745"}, [("CN", "attribute_case")]),
    ({"CN": "MZP128745 "}, [("CN", "attribute_blanks")]),
    ({"CN": "MZP123456"}, [("CN", "mzp_of_another")]),
    ({"CN": "www.example.com"}, [("CN", "mzp_other_value")]),
    ({"emailAddress": "it.example.com"}, [("emailAddress", "email_invalid")]),
    ({"emailAddress": "é@example.com"}, [("emailAddress", "email_invalid")]),
]


@pytest.mark.filterwarnings("ignore:Attribute's length")  # the library's remark on C=FRA; it is a finding here
@pytest.mark.parametrize(("change", "expected"), SUBJECT_MISTAKES)
def test_each_mistake_in_the_subject_is_found_once(
    key: rsa.RSAPrivateKey, change: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    report = check(build_csr(key, GOOD | change))
    assert codes(report) == expected
    assert not report.fit


@pytest.mark.parametrize(
    "value", ["Société", "Ærø", "株式会社", "O'Neil & Söhne, “Flotte”", "ООО Ромашка", "α-Tech", "ＡＢＣ株式会社"]
)
def test_real_letters_are_not_taken_for_mojibake(key: rsa.RSAPrivateKey, value: str) -> None:
    assert check(build_csr(key, GOOD | {"O": value})).fit


def test_without_an_assigned_login_an_unusual_cn_is_only_warned_about(key: rsa.RSAPrivateKey) -> None:
    report = check(build_csr(key, GOOD | {"CN": "PARTNER7"}), mzp=None)
    assert report.fit
    assert [(f.code, f.severity) for f in report.findings] == [("mzp_unusual", Severity.WARNING)]


@pytest.mark.needs("openssl")
def test_what_openssl_does_without_utf8_is_recognised_and_undone(openssl: Callable[..., bytes]) -> None:
    report = check(openssl(subj(GOOD | {"O": "Société"})))
    assert codes(report) == [("O", "attribute_mojibake")]
    assert report.findings[0].expected == "Société"
    assert check(openssl(subj(GOOD | {"O": "Société"}), "-utf8")).fit


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("mask", ["nombstr", "default", "utf8only"])
def test_names_in_an_old_character_set_are_named_as_that_and_not_as_damage(tmp_path: Path, mask: str) -> None:
    config = instructions.openssl_config(GOOD | {"O": "Société Walk"})
    (tmp_path / "request.cnf").write_text(config.replace("string_mask = utf8only", f"string_mask = {mask}"), "utf-8")
    command = "openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -out request.csr -config request.cnf"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    report = check((tmp_path / "request.csr").read_bytes())
    assert report.readable
    assert report.fit == (mask == "utf8only")
    if not report.fit:
        assert codes(report) == [("file", "name_encoding")]
        assert report.key == {"type": "RSA", "bits": 2048}


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("mask", "type_"), [("pkix", "BMPString"), ("MASK:0x4", "T61String"), ("MASK:0x800", "BMPString")]
)
def test_old_kinds_of_text_are_compared_by_their_meaning_and_warned_about(
    tmp_path: Path, mask: str, type_: str
) -> None:
    organisation = "Société Walk" if mask == "pkix" else "Walk"
    config = instructions.openssl_config(GOOD | {"O": organisation})
    (tmp_path / "request.cnf").write_text(config.replace("string_mask = utf8only", f"string_mask = {mask}"), "utf-8")
    command = "openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -out request.csr -config request.cnf"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    report = check((tmp_path / "request.csr").read_bytes())
    assert report.fit
    assert report.subject["O"] == organisation
    assert codes(report) == [("file", "attribute_string_type")]
    assert f"O: {type_}" in report.findings[0].found


@pytest.mark.needs("openssl")
def test_attributes_joined_into_one_are_warned_about(openssl: Callable[..., bytes]) -> None:
    report = check(openssl(subj(GOOD).replace("/OU=", "+OU="), "-multivalue-rdn"))
    assert report.fit
    assert report.subject == GOOD
    assert codes(report) == [("file", "attribute_joined")]
    assert set(report.findings[0].found.split(" + ")) == {"O", "OU"}


def raw_name(key: rsa.RSAPrivateKey, attribute: str, value: str, type_: str = "UTF8String") -> bytes:
    """A CSR with one value as no usual program writes it."""
    rows = [
        x509.NameAttribute(row.oid, value, names.StringType[type_], _validate=False)
        if short == attribute
        else x509.NameAttribute(row.oid, GOOD[short])
        for short, row in names.ATTRIBUTES.items()
    ]
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(rows)).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM)


@pytest.mark.filterwarnings("ignore:Attribute's length")
@pytest.mark.parametrize(("value", "code"), [("", "attribute_empty"), ("P" * 40_000, "attribute_too_long")])
def test_values_of_no_length_and_of_any_length_are_judged(key: rsa.RSAPrivateKey, value: str, code: str) -> None:
    assert codes(check(raw_name(key, "L", value))) == [("L", code)]


@pytest.mark.parametrize("type_", ["UniversalString", "BMPString", "T61String", "NumericString", "VisibleString"])
def test_an_old_kind_of_text_does_not_hide_another_value(key: rsa.RSAPrivateKey, type_: str) -> None:
    assert codes(check(raw_name(key, "CN", MZP, type_))) == [("file", "attribute_string_type")]
    assert ("CN", "mzp_of_another") in codes(check(raw_name(key, "CN", "MZP123456", type_)))


def test_of_thousands_of_oddities_the_first_are_told(key: rsa.RSAPrivateKey) -> None:
    rows = [x509.NameAttribute(x509.ObjectIdentifier(f"1.2.3.{number}"), "x" * 300) for number in range(60)]
    parts = [x509.RelativeDistinguishedName(rows[:3])] * 3 + [x509.RelativeDistinguishedName([row]) for row in rows[3:]]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts))
    for number in range(100):
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.4.{number}"), b"")
        builder = builder.add_extension(extension, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    report = check(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    found = Counter(code for _, code in codes(report))
    assert found["attribute_unexpected"] == found["extension_unexpected"] == subject.MOST_OF_A_KIND
    assert found["attribute_joined"] == 3
    assert found["extension_ca"] == 1
    assert max(len(finding.found) for finding in report.findings) <= subject.LONGEST_SHOWN + 1


@pytest.mark.needs("openssl")
def test_of_an_empty_subject_each_attribute_is_missed(openssl: Callable[..., bytes]) -> None:
    report = check(openssl("/"))
    assert codes(report) == [(attribute, "attribute_missing") for attribute in GOOD]
    assert report.subject == {}
    assert "/OU=Programs Partners" in explain(report.findings[0], MESSAGES).command


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "address",
    [
        "a@b",
        "a b@example.com",
        "<a@example.com",
        "a@example.com>",
        "Max <a@example.com>",
        "a@example.com,b@example.com",
        "a@-example.com",
        "a..b@example.com",
        "a@example.com.",
        '"a b"@example.com',
        "a@[192.0.2.1]",
        "x" * 65 + "@example.com",
    ],
)
def test_what_is_no_plain_address_is_found_once(openssl: Callable[..., bytes], address: str) -> None:
    report = check(openssl(subj(GOOD | {"emailAddress": address})))
    assert [field for field, _ in codes(report)] == ["emailAddress"]
    assert not report.fit


@pytest.mark.needs("openssl")
def test_of_several_units_the_doubling_is_found(openssl: Callable[..., bytes]) -> None:
    report = check(openssl(subj(GOOD) + "/OU=Programs Partners"))
    assert codes(report) == [("OU", "attribute_doubled")]


@pytest.mark.needs("openssl")
def test_doubled_and_unknown_attributes_are_found(openssl: Callable[..., bytes]) -> None:
    report = check(openssl(subj(GOOD) + "/L=Lyon/serialNumber=7"))
    assert codes(report) == [("L", "attribute_doubled"), ("file", "attribute_unexpected")]
    assert report.findings[1].severity is Severity.WARNING


@pytest.mark.needs("openssl")
def test_the_command_of_a_finding_mends_it(openssl: Callable[..., bytes], tmp_path: Path) -> None:
    wrong = GOOD | {"OU": "Programs Partner", "O": "A/B + C\\D 'E' $(touch x)"}
    report = check(openssl(subj(wrong | {"O": r"A\/B \+ C\\D 'E' $(touch x)"}), "-utf8"))
    assert codes(report) == [("OU", "ou_slip")]
    command = explain(report.findings[0], MESSAGES).command
    assert "passout" not in command
    make_key = ["openssl", "genpkey", "-algorithm", "RSA", "-out", instructions.KEY_FILE]
    subprocess.run(make_key, cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(command, shell=True, cwd=tmp_path, check=True, capture_output=True)
    mended = check((tmp_path / instructions.CSR_FILE).read_bytes())
    assert mended.fit
    assert mended.subject["O"] == wrong["O"]
    assert not (tmp_path / "x").exists()


def test_a_lookalike_is_named_and_the_command_has_what_was_meant(key: rsa.RSAPrivateKey) -> None:
    (finding,) = check(build_csr(key, GOOD | {"O": "Frее2Move"})).findings
    explanation = explain(finding, MESSAGES)
    assert "CYRILLIC SMALL LETTER IE" in explanation.title
    assert "Free2Move" in explanation.command


@settings(max_examples=300, deadline=None)
@given(
    value=st.text(st.sampled_from("aZ9 .@<>/éе\u00a0\u200b\n'"), max_size=12)
    | st.sampled_from([*GOOD.values(), "FRA", "fr", "mzp128745", "a@b.c", "x" * 129]),
    attribute=st.sampled_from(list(GOOD)),
    mzp=st.sampled_from([MZP, None]),
)
def test_what_is_passed_at_a_glance_would_pass_every_check(value: str, attribute: str, mzp: str | None) -> None:
    rule = next(rule for rule in FLEET.dn if rule.attribute == attribute)
    if subject._evidently_right(value, rule, mzp):
        assert list(subject._check_attribute([value], rule, mzp)) == []


# --- The quick reading of an ordinary CSR ---


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        ("2.5.29.30", "300aa008300687047f000001"),  # a constraint on addresses, without a mask
        ("1.3.6.1.5.5.7.1.24", "3003020104"),  # a TLS feature that nobody has defined
    ],
)
def test_extensions_that_the_library_stumbles_over_cannot_be_read(key: rsa.RSAPrivateKey, oid: str, value: str) -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), bytes.fromhex(value))
    builder = x509.CertificateSigningRequestBuilder().subject_name(names.build_name(GOOD)).add_extension(odd, False)
    report = check(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    assert codes(report) == [("extensions", "extensions_unreadable")]


def with_modulus(bits: int) -> bytes:
    """A CSR as DER, with a modulus of this size made of ones, and with no true signature."""

    def tlv(tag: int, content: bytes) -> bytes:
        size = len(content)
        length = bytes([size]) if size < 128 else b"\x83" + size.to_bytes(3, "big")
        if 128 <= size < 65536:
            length = b"\x82" + size.to_bytes(2, "big") if size > 255 else b"\x81" + bytes([size])
        return bytes([tag]) + length + content

    rsa_key = tlv(0x30, tlv(0x02, b"\0" + b"\xff" * (bits // 8)) + tlv(0x02, b"\x01\x00\x01"))
    spki = tlv(0x30, bytes.fromhex("300d06092a864886f70d0101010500") + tlv(0x03, b"\0" + rsa_key))
    info = tlv(0x30, b"\x02\x01\0" + names.build_name(GOOD).public_bytes() + spki + b"\xa0\0")
    algorithm = bytes.fromhex("300d06092a864886f70d01010b0500")
    return tlv(0x30, info + algorithm + tlv(0x03, b"\0" + b"\x7f" * (bits // 8)))


def agree(der: bytes) -> bool:
    """Hold the quick reading of a CSR against the library's; return whether there was one."""
    try:
        csr = x509.load_der_x509_csr(der)
    except UNPARSABLE:
        return False
    if (read := ordinary.read(der)) is None:
        return False
    public_key = csr.public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    assert read.subject == names.subject_values(csr.subject)
    assert all(len(part) == 1 for part in csr.subject.rdns)
    assert {names.string_type(attribute) for attribute in csr.subject} <= names.STRING_TYPES
    assert public_key.public_numbers() == rsa.RSAPublicNumbers(ordinary.EXPONENT, read.modulus)
    assert (read.bits, read.spki_sha256) == (public_key.key_size, keys.spki_sha256(public_key))
    if read.bare:
        assert csr.signature_algorithm_oid == SignatureAlgorithmOID.RSA_WITH_SHA256
        assert csr.signature_hash_algorithm is not None
        assert csr.signature_hash_algorithm.name == ordinary.HASH
        assert {extension.oid for extension in csr.extensions} <= {ExtensionOID.SUBJECT_KEY_IDENTIFIER}
        assert len(csr.attributes) == len(csr.extensions)
    return True


def bare(der: bytes) -> bool:
    read = ordinary.read(der)
    return read is not None and read.bare


@pytest.mark.needs("openssl")
def test_what_openssl_writes_is_read_quickly_and_as_the_library_reads_it(openssl: Callable[..., bytes]) -> None:
    assert agree(openssl(subj(GOOD), "-utf8", "-outform", "DER"))


@pytest.mark.parametrize(("bits", "quickly"), [(2048, True), (3072, True), (4096, True), (2056, False), (1024, False)])
def test_keys_of_the_usual_sizes_are_read_quickly(bits: int, quickly: bool) -> None:
    assert agree(with_modulus(bits)) == quickly


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore:Attribute's length")
@given(values=st.dictionaries(st.sampled_from(list(GOOD)), st.text(max_size=200), max_size=7))
def test_the_quick_reading_of_a_subject_is_the_librarys(key: rsa.RSAPrivateKey, values: dict[str, str]) -> None:
    try:
        csr = x509.load_pem_x509_csr(build_csr(key, values))
    except ValueError:  # a surrogate: not text that a CSR can hold
        return
    agree(csr.public_bytes(serialization.Encoding.DER))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore::UserWarning")  # the library's remarks on values changed at random
@given(position=st.integers(0, 2000), replacement=st.binary(min_size=1, max_size=2), like_keytool=st.booleans())
def test_the_quick_reading_of_a_changed_csr_is_the_librarys(
    key: rsa.RSAPrivateKey, good: bytes, position: int, replacement: bytes, like_keytool: bool
) -> None:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    der = bytearray(DISGUISES["DER"](sign(key, (identifier, False)) if like_keytool else good))
    at = position % len(der)
    der[at : at + len(replacement)] = replacement
    agree(bytes(der))


def test_whatever_is_out_of_the_ordinary_is_left_to_the_library(key: rsa.RSAPrivateKey, good: bytes) -> None:
    assert agree(DISGUISES["DER"](good))
    assert bare(DISGUISES["DER"](good))
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    assert agree(DISGUISES["DER"](sign(key, (identifier, False))))
    assert bare(DISGUISES["DER"](sign(key, (identifier, False))))
    names_ = x509.SubjectAlternativeName([x509.DNSName("a.example")])
    for pem in (
        sign(key, (identifier, True)),
        sign(key, (names_, False)),
        sign(key, (identifier, False), (names_, False)),
        sign(key, hash_=hashes.SHA384()),
    ):
        assert agree(DISGUISES["DER"](pem))
        assert not bare(DISGUISES["DER"](pem))
    for pem in (
        sign(ec.generate_private_key(ec.SECP256R1())),
        sign(rsa.generate_private_key(3, 2048)),
        build_csr(key, GOOD | {"O": "x" * 200}),
        raw_name(key, "O", "Free2Move", "BMPString"),
    ):
        assert not agree(DISGUISES["DER"](pem))


def test_the_country_codes_are_those_of_django_countries() -> None:
    from django_countries.data import COUNTRIES

    assert set(COUNTRIES) == countries.CODES


# --- Key and signature ---


def sign(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *extensions: tuple[x509.ExtensionType, bool],
    hash_: hashes.SHA256 | hashes.SHA384 = hashes.SHA256(),  # noqa: B008 - it has no state
) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(names.build_name(GOOD))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hash_).public_bytes(serialization.Encoding.PEM)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["rsa:1024"], ("key", "key_too_small")),
        (["rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"], ("key", "key_exponent")),
        (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ("key", "key_type")),
        (["ed25519"], ("key", "key_type")),
        (["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"], ("key", "key_type")),
    ],
)
def test_keys_outside_the_profile_are_refused(args: list[str], expected: tuple[str, str]) -> None:
    command = ["openssl", "req", "-new", "-newkey", *args, "-nodes", "-keyout", "/dev/null", "-subj", subj(GOOD)]
    report = check(subprocess.run(command, check=True, capture_output=True).stdout)
    assert codes(report) == [expected]
    assert not report.fit


@pytest.fixture
def keytool(tmp_path: Path) -> Callable[..., bytes]:
    """Make a key and a CSR with the real keytool, from a key algorithm and arguments for -certreq."""
    dname = ",".join(f"{short.upper()}={value}" for short, value in reversed(GOOD.items()))
    store = shlex.split("-alias fleet -keystore keystore.p12 -storepass secret")

    def make(algorithm: str, *args: str) -> bytes:
        for command in (["-genkeypair", "-keyalg", algorithm, "-dname", dname], ["-certreq", *args]):
            run = subprocess.run(["keytool", *command, *store], cwd=tmp_path, check=True, capture_output=True)
        return run.stdout

    return make


@pytest.mark.needs("keytool")
def test_the_key_of_keytool_without_keyalg_is_named(keytool: Callable[..., bytes]) -> None:
    """Up to JDK 18 it is one for DSA. Its CSR is one that the library cannot read."""
    (finding,) = check(keytool("DSA")).findings
    assert (finding.field, finding.code, finding.found) == ("key", "key_type", "DSA")
    assert "-newkey rsa:2048" in explain(finding, MESSAGES).command


@pytest.mark.needs("openssl")
@pytest.mark.needs("keytool")
def test_a_pss_signature_is_sound_but_unusual(keytool: Callable[..., bytes], openssl: Callable[..., bytes]) -> None:
    of_keytool = keytool("RSA", "-sigalg", "RSASSA-PSS")
    assert agree(files.items(of_keytool)[0].der)
    assert not bare(files.items(of_keytool)[0].der)
    of_openssl = openssl(subj(GOOD), "-sigopt", "rsa_padding_mode:pss")
    for pem in (of_keytool, of_openssl):
        report = check(pem)
        assert report.fit
        assert [(f.field, f.code, f.severity) for f in report.findings] == [
            ("signature", "signature_pss", Severity.WARNING)
        ]
    changed = DISGUISES["DER"](of_openssl).replace(b"Free2Move", b"Free3Move")
    assert codes(check(changed)) == [("signature", "signature_invalid")]
    weak = openssl(subj(GOOD), "-sha1", "-sigopt", "rsa_padding_mode:pss")
    assert codes(check(weak)) == [("signature", "signature_hash")]


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("digest", ["-sha1", "-md5", "-sha224", "-sha3-256", "-ripemd160"])
def test_a_weak_hash_is_named_and_not_called_an_invalid_signature(openssl: Callable[..., bytes], digest: str) -> None:
    assert codes(check(openssl(subj(GOOD), digest))) == [("signature", "signature_hash")]


def test_a_changed_csr_has_an_invalid_signature(good: bytes) -> None:
    der = DISGUISES["DER"](good)
    assert codes(check(der.replace(b"Free2Move", b"Free3Move"))) == [("signature", "signature_invalid")]


@pytest.mark.parametrize("bits", [8192, 16384, 65536])
def test_a_giant_modulus_costs_nothing(bits: int) -> None:
    der = with_modulus(bits)
    start = time.process_time()
    report = check(der)
    assert time.process_time() - start < 0.05
    assert codes(report) == [("key", "key_too_big")]
    assert report.key == {"type": "RSA", "bits": bits}


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "make",
    [
        "genpkey -genparam -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
        "ecparam -name sect571r1",
        "ecparam -name secp112r1",
    ],
)
def test_odd_curves_are_refused_and_cost_nothing(tmp_path: Path, make: str) -> None:
    (tmp_path / "parameters").write_bytes(subprocess.run(["openssl", *make.split()], capture_output=True).stdout)
    command = ["openssl", "req", "-new", "-newkey", "ec:parameters", "-nodes", "-keyout", "key", "-subj", subj(GOOD)]
    data = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout
    start = time.process_time()
    report = check(data)
    assert time.process_time() - start < 0.05
    assert {field for field, _ in codes(report)} == {"key"}
    assert not report.fit


# --- Extensions ---


def test_asking_for_a_ca_is_an_error_other_extensions_a_warning_and_keytools_own_none(
    key: rsa.RSAPrivateKey,
) -> None:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    assert codes(check(sign(key, (identifier, False)))) == []
    names_ = check(sign(key, (x509.SubjectAlternativeName([x509.DNSName("a.example")]), False)))
    assert (names_.fit, codes(names_)) == (True, [("extensions", "extension_unexpected")])
    authority = check(sign(key, (x509.BasicConstraints(True, None), True)))
    assert (authority.fit, codes(authority)) == (False, [("extensions", "extension_ca")])


def test_a_challenge_password_is_warned_about_and_not_shown(key: rsa.RSAPrivateKey) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(names.build_name(GOOD))
    builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, b"hunter2")
    report = check(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    assert codes(report) == [("extensions", "challenge_password")]
    assert "hunter2" not in repr(report.findings)


# --- The file ---


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def test_a_private_key_beside_the_csr_is_refused_and_not_kept(key: rsa.RSAPrivateKey, good: bytes) -> None:
    report = check(private_pem(key) + good)
    assert not report.fit
    assert ("key", "private_key_in_file") in codes(report)
    assert report.pem == good


def test_a_private_key_beside_a_damaged_csr_is_spoken_of_too(key: rsa.RSAPrivateKey, good: bytes) -> None:
    report = check(private_pem(key) + good.replace(b"MII", b"MIJ", 1))
    assert codes(report) == [("key", "private_key_in_file"), ("file", "csr_damaged")]
    assert not report.readable


def test_two_different_csrs_are_refused(key: rsa.RSAPrivateKey, good: bytes) -> None:
    assert ("file", "file_several_csrs") in codes(check(good + build_csr(key, GOOD | {"L": "Lyon"})))


def test_what_is_no_csr_is_named(key: rsa.RSAPrivateKey, good: bytes) -> None:
    der_key = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    encrypted = keys.encrypt_key(key, b"passphrase")
    keystore = pkcs12.serialize_key_and_certificates(b"k", key, None, None, serialization.BestAvailableEncryption(b"p"))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for data, code in {
        b"": "file_empty",
        b" \r\n": "file_empty",
        b"hello": "file_unknown",
        b"<!doctype html><html></html>": "file_is_html",
        b"PK\x03\x04": "file_is_zip",
        b"\xfe\xed\xfe\xed\0\0\0\x02": "file_is_keystore",
        keystore: "file_is_keystore",
        private_pem(key): "file_is_private_key",
        encrypted: "file_is_private_key",
        der_key: "file_is_private_key",
        public: "file_is_public_key",
        good[: len(good) // 2]: "csr_damaged",
        b"x" * (files.MAX_BYTES + 1): "file_too_large",
    }.items():
        report = check(data)
        assert codes(report) == [("file", code)]
        assert not report.readable


# --- Bad input ---


@pytest.mark.filterwarnings("ignore::UserWarning")  # the same, of damaged values
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4)), min_size=1, max_size=4),
    as_pem=st.booleans(),
)
def test_damaged_csrs_are_reported_never_raised(good: bytes, changes: list[tuple[int, bytes]], as_pem: bool) -> None:
    original = good if as_pem else DISGUISES["DER"](good)
    data = bytearray(original)
    for position, replacement in changes:
        at = position % len(data)
        data[at : at + max(1, len(replacement))] = replacement
    report = check(bytes(data))
    assert report.fit or report.findings


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_garbage_is_reported_never_raised(data: bytes) -> None:
    report = check(data)
    assert not report.fit
    assert explain(report.findings[0], MESSAGES).remedy


@pytest.mark.parametrize(
    "block",
    [b"-----BEGIN CERTIFICATE REQUEST-----\n", b"-----BEGIN A-----", b"> " * 7, b"\x30\x80", b"a:b\n", b"0\x82"],
)
def test_a_file_under_the_limit_never_costs_100_ms(block: bytes) -> None:
    data = (block * files.MAX_BYTES)[: files.MAX_BYTES]
    assert min(cost(lambda: check(data)) for _ in range(3)) < 0.1  # the least of three: the machine may be busy


def cost(work: Callable[[], object]) -> float:
    """Return the processor time of some work, in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


# --- The command ---


def run_command(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int | str | None, str]:
    with pytest.raises(SystemExit) as ended:
        call_command("check_csr", *args, "--programme", "fleet_owner", "--mzp", MZP)
    return ended.value.code, capsys.readouterr().out


def test_the_command_says_fit_not_fit_and_unreadable(
    tmp_path: Path, good: bytes, key: rsa.RSAPrivateKey, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good").write_bytes(good)
    (tmp_path / "slip").write_bytes(build_csr(key, GOOD | {"OU": "Programs Partner"}))
    (tmp_path / "html").write_bytes(b"<html>")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(good.ljust(files.MAX_BYTES + 1))
    unreadable = [(name, 2, 1) for name in ("html", "large", "missing", "folder")]
    for name, code, count in [("good", 0, 0), ("slip", 1, 1), *unreadable]:
        ended, out = run_command(capsys, str(tmp_path / name), "--json")
        report = json.loads(out)
        assert ended == code
        assert set(report) == {"fit", "subject", "key", "findings"}
        assert report["fit"] is (code == 0)
        assert len(report["findings"]) == count
        for finding in report["findings"]:
            assert set(finding) == {"code", "severity", "field", "found", "expected", "remedy", "command"}
            assert finding["remedy"]
    ended, out = run_command(capsys, str(tmp_path / "slip"))
    assert ended == 1
    assert "Programs Partners" in out
    assert shlex.split(out[out.index("$ ") + 2 :].splitlines()[0])[0] == "openssl"


def test_the_command_warns_of_an_address_that_is_none_of_the_contacts_given(
    tmp_path: Path, good: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good").write_bytes(good)
    address = GOOD["emailAddress"]
    for contacts, count in (
        ([], 0),
        (["somebody@example.com"], 1),
        (["somebody@example.com", address.upper()], 0),
    ):
        options = [part for contact in contacts for part in ("--contact", contact)]
        ended, out = run_command(capsys, str(tmp_path / "good"), "--json", *options)
        findings = json.loads(out)["findings"]
        assert ended == 0
        assert [(row["code"], row["severity"], row["found"]) for row in findings] == [
            ("email_not_of_a_contact", "warning", address)
        ] * count


def test_the_command_says_nothing_of_contacts_where_there_is_no_csr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "html").write_bytes(b"<html>")
    ended, out = run_command(capsys, str(tmp_path / "html"), "--json", "--contact", "somebody@example.com")
    assert ended == 2
    assert [row["code"] for row in json.loads(out)["findings"]] == ["file_is_html"]
