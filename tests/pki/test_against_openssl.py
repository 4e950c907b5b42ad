"""Every verdict on a certificate and its chain, held against `openssl verify -purpose sslclient`.

With `-auth_level 2`, which TLS on today's systems asks for: without it, `openssl verify` takes RSA-512 and MD5.
"""

import ipaddress
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from onboarding.findings import explain
from onboarding.pki import keys, names
from onboarding.pki.certificates import CertificateReport, check_certificate
from onboarding.pki.messages import MESSAGES
from tests.pki.minting import (
    DAY,
    NOW,
    Key,
    extension,
    four_digits,
    issuers_key,
    mint,
    name,
    new_key,
    of_ca,
    of_client,
    own_key,
    usage,
)

pytestmark = [
    pytest.mark.needs("openssl"),
    pytest.mark.filterwarnings("ignore"),  # the library's remarks on odd serial numbers and the like
]

OURS_ALONE = {
    "a leaf that is a CA": "A CA's certificate in the hands of a client could sign for others.",
    "a leaf that is a CA, path length 0": "Likewise.",
    "key agreement alone": "RSA keys, the only ones here, sign in TLS 1.3 and agree on nothing.",
    "a root of version 1": "It cannot say that it is a CA (RFC 5280, section 6.1.4, k).",
    "a root without basic constraints": "It does not say that it is a CA (RFC 5280, section 6.1.4, k).",
    "the issuer's name in another character set": "RFC 5280, section 4.1.2.4. Not all servers are so patient.",
    "the issuer's name in capital letters": "Likewise.",
    "signed with its own key": "Nobody issued it; the CA it is to come from is not there.",
}
"""What we refuse and OpenSSL does not, with the reason."""

OPENSSL_ALONE = {
    "two CAs of one name, without key identifiers": "OpenSSL tries only the first one.",
    "in its last second": "Until and including notAfter (RFC 5280, section 4.1.2.5).",
}
"""What OpenSSL refuses and we do not, with the reason."""


@dataclass(frozen=True)
class Example:
    """A certificate with what was given as CA, and what came with it. says: the codes found, in order."""

    leaf: x509.Certificate
    ca: Sequence[x509.Certificate]
    came: Sequence[x509.Certificate] = ()
    says: tuple[str, ...] = field(default=())


class World:
    """A root, an issuing CA under it, a root with an RSA key, and the client's key."""

    def __init__(self) -> None:
        self.key, self.root_key, self.issuing_key = keys.generate_rsa_key(2048), new_key(), new_key()
        self.rsa_root_key = keys.generate_rsa_key(2048)
        self.client = name("MZP128745", C="FR", O="Example Mobility", emailAddress="a@example.com")
        self.root = self.make_root()
        self.rsa_root = self.make_root("RSA root", self.rsa_root_key)
        self.issuing = self.make_issuing()

    def make_root(self, cn: str = "Root", key: Key | None = None, extensions=None, **more) -> x509.Certificate:
        key = key or self.root_key
        return mint(name(cn), key, name(cn), key, of_ca(key) if extensions is None else extensions, **more)

    def make_issuing(self, *extra: bytes, **more) -> x509.Certificate:
        extensions = [*of_ca(self.issuing_key, self.root_key), *extra]
        return mint(name("Issuing"), self.issuing_key, name("Root"), self.root_key, extensions, **more)

    def leaf(self, extensions=None, *, key=None, issuer="Root", issuer_key=None, subject=None, **more):
        """A client's certificate of the root, or of whom is named."""
        key, issuer_key = key or self.key, issuer_key or self.root_key
        issuer_name = issuer if isinstance(issuer, x509.Name) else name(issuer)
        extensions = of_client(key, issuer_key) if extensions is None else extensions
        return mint(subject or self.client, key, issuer_name, issuer_key, extensions, **more)

    def issued(self, **more) -> x509.Certificate:
        """A client's certificate of the issuing CA."""
        return self.leaf(issuer="Issuing", issuer_key=self.issuing_key, **more)

    def tower(self, height: int, **more) -> tuple[x509.Certificate, list[x509.Certificate]]:
        """A client's certificate under as many CAs, the highest of them under the root."""
        above, above_key, chain = "Root", self.root_key, []
        for number in range(height):
            key = new_key()
            chain.insert(0, mint(name(f"CA {number}"), key, name(above), above_key, of_ca(key, above_key)))
            above, above_key = f"CA {number}", key
        return self.leaf(issuer=above, issuer_key=above_key), chain


WORLD = World()


def ordinary() -> Iterator[tuple[str, Example]]:
    w = WORLD
    yield "ordinary", Example(w.leaf(), [w.root])
    yield "through an intermediate", Example(w.issued(), [w.root], [w.issuing])
    yield "everything in the CA file, in any order", Example(w.issued(), [w.issuing, w.root])
    yield "the intermediate is missing", Example(w.issued(), [w.root], says=("chain_issuer_missing",))
    yield "the root is missing", Example(w.issued(), [w.issuing], says=("chain_issuer_missing",))
    yield "of another root", Example(w.leaf(), [w.rsa_root], says=("chain_issuer_missing",))
    yield "the leaf for a CA", Example(w.leaf(), [w.leaf()], says=("ca_not_a_ca",))
    yield "signed with its own key", _self_signed()
    der = bytearray(w.leaf(issuer="RSA root", issuer_key=w.rsa_root_key).public_bytes(Encoding.DER))
    der[-3] ^= 1
    tampered = x509.load_der_x509_certificate(bytes(der))
    yield "the signature is damaged", Example(tampered, [w.rsa_root], says=("chain_signature",))


def _self_signed() -> Example:
    alone = mint(WORLD.client, WORLD.key, WORLD.client, WORLD.key, of_client(WORLD.key, WORLD.key))
    return Example(alone, [alone], says=("ca_not_a_ca",))


def forms() -> Iterator[tuple[str, Example]]:
    """What OpenSSL takes, though no standard has it so: valid but unusual."""
    w, unusual = WORLD, ("chain_unusual",)
    yield "a leaf of version 1", Example(w.leaf([], version=1), [w.root], says=unusual)
    yield (
        "a leaf of version 1, through an intermediate",
        Example(w.leaf([], issuer="Issuing", issuer_key=w.issuing_key, version=1), [w.root], [w.issuing], unusual),
    )
    yield "a leaf without extensions", Example(w.leaf([]), [w.root], says=unusual)
    yield "a root of version 1", Example(w.leaf(), [w.make_root(extensions=[], version=1)], says=("ca_not_a_ca",))
    without = [extension(usage(key_cert_sign=True))]
    yield (
        "a root without basic constraints",
        Example(w.leaf(), [w.make_root(extensions=without)], says=("ca_not_a_ca",)),
    )
    old = [extension(x509.BasicConstraints(True, None))]
    yield "a root of the old kind", Example(w.leaf(), [w.make_root(extensions=old)], says=unusual)
    yield (
        "a negative serial number",
        Example(w.leaf(serial=b"\x80\x01"), [w.root], says=("certificate_serial_odd", *unusual)),
    )
    yield "the serial number 0", Example(w.leaf(serial=0), [w.root], says=("certificate_serial_odd",))
    yield (
        "a serial number of 30 bytes",
        Example(w.leaf(serial=b"\x01" * 30), [w.root], says=("certificate_serial_odd", *unusual)),
    )
    yield "a root with a negative serial number", Example(w.leaf(), [w.make_root(serial=-5)], says=unusual)
    empty = x509.Name([])
    nameless = mint(empty, w.root_key, empty, w.root_key, of_ca(w.root_key))
    yield "a CA without a name", Example(w.leaf(issuer=empty), [nameless], says=unusual)
    yield "a leaf without a name", Example(w.leaf(subject=empty), [w.root])
    printable = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Root", _ASN1Type.PrintableString)])
    other = ("chain_name_encoding",)
    yield "the issuer's name in another character set", Example(w.leaf(issuer=printable), [w.root], says=other)
    yield "the issuer's name in capital letters", Example(w.leaf(issuer="ROOT"), [w.root], says=other)


def times() -> Iterator[tuple[str, Example]]:
    w, unusual = WORLD, ("chain_unusual",)
    yield "expired", Example(w.leaf(end=NOW - DAY / 2), [w.root], says=("certificate_expired",))
    yield "not yet valid", Example(w.leaf(begin=NOW + DAY), [w.root], says=("certificate_not_yet_valid",))
    yield "in its first second", Example(w.leaf(begin=NOW), [w.root])
    yield "in its last second", Example(w.leaf(end=NOW), [w.root], says=("certificate_short_life",))
    yield "a time with four digits", Example(w.leaf(end=four_digits(NOW + 60 * DAY)), [w.root], says=unusual)
    yield "a root with such a time", Example(w.leaf(), [w.make_root(end=four_digits(NOW + DAY))], says=unusual)
    long = ("certificate_long_life",)
    yield "until the year 9999", Example(w.leaf(end=four_digits("99991231235959Z")), [w.root], says=long)
    yield "since the year 1", Example(w.leaf(begin=four_digits("00010101000000Z")), [w.root], says=long)
    yield "since 1949", Example(w.leaf(begin=four_digits("19490101000000Z")), [w.root], says=long)
    yield "since 1950", Example(w.leaf(begin=datetime(1950, 1, 1, tzinfo=UTC)), [w.root], says=long)
    gone = {"begin": NOW - 90 * DAY, "end": NOW - DAY}
    old, old_root = w.make_issuing(**gone), w.make_root(**gone)
    out = ("ca_not_valid_now",)
    yield "an expired intermediate", Example(w.issued(), [w.root], [old], out)
    yield "an expired intermediate beside a current one", Example(w.issued(), [w.root], [old, w.issuing], out)
    yield "an expired root", Example(w.leaf(), [old_root], says=out)
    yield "an expired root beside a current one", Example(w.leaf(), [old_root, w.root], says=out)


def algorithms() -> Iterator[tuple[str, Example]]:
    w, unusual = WORLD, ("chain_unusual",)
    for digest in ("md5", "sha1"):
        leaf = w.leaf(issuer="RSA root", issuer_key=w.rsa_root_key, digest=digest)
        yield f"a leaf signed with {digest}", Example(leaf, [w.rsa_root], says=("certificate_hash",))
        root = w.make_root("RSA root", w.rsa_root_key, digest=digest)
        good = w.leaf(issuer="RSA root", issuer_key=w.rsa_root_key)
        yield f"a root signed with {digest}, by itself", Example(good, [root])
        weak = mint(
            name("Issuing"),
            w.issuing_key,
            name("RSA root"),
            w.rsa_root_key,
            of_ca(w.issuing_key, w.rsa_root_key),
            digest=digest,
        )
        yield f"an intermediate signed with {digest}", Example(w.issued(), [w.rsa_root], [weak], ("chain_ca_hash",))
    for digest, says in (("sha224", unusual), ("sha512", ())):
        leaf = w.leaf(issuer="RSA root", issuer_key=w.rsa_root_key, digest=digest)
        yield f"a leaf signed with {digest}", Example(leaf, [w.rsa_root], says=says)
    for curve in (ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.BrainpoolP256R1()):
        key = ec.generate_private_key(curve)
        yield f"a leaf on {curve.name}", Example(w.leaf(key=key), [w.root])
    edwards, brainpool = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.BrainpoolP256R1())
    yield "a leaf of Ed25519", Example(w.leaf(key=edwards), [w.root])
    for cn, ca_key in (("Ed25519", edwards), ("Brainpool", brainpool)):
        root, between = w.make_root(cn, ca_key), new_key()
        yield f"a root of {cn}", Example(w.leaf(issuer=cn, issuer_key=ca_key), [root], says=unusual)
        middle = mint(name("Between"), between, name(cn), ca_key, of_ca(between, ca_key))
        leaf = w.leaf(issuer="Between", issuer_key=between)
        yield f"a root of {cn}, through an intermediate", Example(leaf, [root], [middle], unusual)
    small = rsa.generate_private_key(65537, 1024)
    yield "a leaf of RSA-1024", Example(w.leaf(key=small), [w.root], says=("certificate_key_size",))
    weak_root = w.make_root("Small", small)
    yield "a root of RSA-1024", Example(w.leaf(issuer="Small", issuer_key=small), [weak_root], says=("chain_ca_key",))


def usages() -> Iterator[tuple[str, Example]]:
    w, server = WORLD, x509.ExtendedKeyUsage([Usage.SERVER_AUTH])

    def bare(*extensions: bytes) -> x509.Certificate:
        return w.leaf([extension(x509.BasicConstraints(False, None)), extension(issuers_key(w.root_key)), *extensions])

    def client(*purposes: x509.ObjectIdentifier, critical: bool = False) -> x509.Certificate:
        return w.leaf(of_client(w.key, w.root_key, *purposes, critical=critical))

    refused = ("certificate_not_for_clients",)
    yield "clients, critical", Example(client(critical=True), [w.root])
    yield "clients and servers", Example(client(Usage.SERVER_AUTH, Usage.CLIENT_AUTH), [w.root])
    yield "servers alone", Example(client(Usage.SERVER_AUTH), [w.root], says=refused)
    yield "any usage, and no other", Example(client(Usage.ANY_EXTENDED_KEY_USAGE), [w.root], says=refused)
    netscape = "2.16.840.1.113730.1.1"
    yield "Netscape's type, clients", Example(bare(extension((netscape, b"\x03\x02\x07\x80"))), [w.root])
    yield "Netscape's type, servers", Example(bare(extension((netscape, b"\x03\x02\x06\x40"))), [w.root], says=refused)
    key_usage = ("certificate_key_usage",)
    yield "key agreement alone", Example(bare(extension(usage(key_agreement=True))), [w.root], says=key_usage)
    yield "encipherment alone", Example(bare(extension(usage(key_encipherment=True))), [w.root], says=key_usage)
    may_sign = extension(usage(digital_signature=True, key_cert_sign=True))
    yield "a leaf that may sign certificates", Example(bare(may_sign), [w.root], says=("chain_unusual",))
    for title, limit in (("a leaf that is a CA", None), ("a leaf that is a CA, path length 0", 0)):
        leaf = w.leaf([extension(x509.BasicConstraints(True, limit)), extension(issuers_key(w.root_key))])
        yield title, Example(leaf, [w.root], says=("certificate_is_ca",))
    ca = ("chain_ca_not_for_clients",)
    yield "an intermediate for servers", Example(w.issued(), [w.root], [w.make_issuing(extension(server))], ca)
    any_ = x509.ExtendedKeyUsage([Usage.ANY_EXTENDED_KEY_USAGE])
    yield "an intermediate for any usage", Example(w.issued(), [w.root], [w.make_issuing(extension(any_))], ca)
    clients = w.make_issuing(extension(x509.ExtendedKeyUsage([Usage.CLIENT_AUTH])))
    yield "an intermediate for clients", Example(w.issued(), [w.root], [clients])
    root = w.make_root(extensions=[*of_ca(w.root_key), extension(server)])
    yield "a root for servers", Example(w.leaf(), [root], says=ca)
    deaf = w.make_root(extensions=[extension(x509.BasicConstraints(True, None)), extension(usage(crl_sign=True))])
    yield "a root that may not sign certificates", Example(w.leaf(), [deaf], says=("ca_not_a_ca",))


def extensions() -> Iterator[tuple[str, Example]]:
    w, unusual, refused = WORLD, ("chain_unusual",), ("chain_critical_extension",)
    place = [x509.UniformResourceIdentifier("http://ca.invalid/")]
    point = x509.DistributionPoint(place, None, None, None)
    access = x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, place[0])
    every = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.5.29.32.0"), None)])
    unknown = ("1.2.3.4", b"\x05\x00")
    for title, value, says in (
        ("an unknown one", unknown, refused),
        ("the access to authority information", x509.AuthorityInformationAccess([access]), refused),
        ("its key's identifier", own_key(w.key), refused),
        ("its issuer's other names", x509.IssuerAlternativeName([x509.DNSName("ca.invalid")]), refused),
        ("the latest revocations", x509.FreshestCRL([point]), refused),
        ("a TLS feature", x509.TLSFeature([x509.TLSFeatureType.status_request]), refused),
        ("where revocations are", x509.CRLDistributionPoints([point]), unusual),
        ("that nobody checks revocation", x509.OCSPNoCheck(), unusual),
        ("policies", every, unusual),
        ("other names", x509.SubjectAlternativeName([x509.DNSName("client.invalid")]), ()),
    ):
        leaf = w.leaf([extension(issuers_key(w.root_key)), extension(value, critical=True)])
        yield f"critical: {title}", Example(leaf, [w.root], says=says)
    yield (
        "not critical: an unknown one",
        Example(w.leaf([extension(issuers_key(w.root_key)), extension(unknown)]), [w.root]),
    )
    for title, value, says in (
        ("an unknown one", unknown, refused),
        ("policies", every, unusual),
        ("no mapping of policies", x509.PolicyConstraints(None, 0), unusual),
        ("an explicit policy", x509.PolicyConstraints(0, None), unusual),
        ("not any policy", x509.InhibitAnyPolicy(0), unusual),
    ):
        issuing = w.make_issuing(extension(value, critical=True))
        yield f"critical in an intermediate: {title}", Example(w.issued(), [w.root], [issuing], says)


def identifiers() -> Iterator[tuple[str, Example]]:
    w = WORLD

    def of(identifier: x509.AuthorityKeyIdentifier) -> x509.Certificate:
        return w.leaf([extension(x509.BasicConstraints(False, None)), extension(identifier)])

    def by_serial(cn: str, serial: int) -> x509.Certificate:
        return of(x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(name(cn))], serial))

    refused = ("chain_key_identifier",)
    yield "another key of the issuer", Example(of(issuers_key(w.key)), [w.root], says=refused)
    yield "the issuer by name and number", Example(by_serial("Root", 7), [w.root])
    yield "the issuer by another number", Example(by_serial("Root", 8), [w.root], says=refused)
    yield "the issuer by another name", Example(by_serial("Other", 7), [w.root], says=refused)
    yield (
        "no identifier of the issuer's key",
        Example(w.leaf([extension(x509.BasicConstraints(False, None))]), [w.root], says=("chain_unusual",)),
    )
    key = new_key()
    other = w.make_root(key=key)
    yield "two CAs of one name", Example(w.leaf(), [other, w.root])
    yield "a CA of the same name", Example(w.leaf(), [other], says=("chain_signature",))
    other = w.make_root(key=key, extensions=of_ca(key)[:2])
    yield "two CAs of one name, without key identifiers", Example(w.leaf([]), [other, w.root], says=("chain_unusual",))


def chains() -> Iterator[tuple[str, Example]]:
    w = WORLD
    for height in (8, 9, 19):
        leaf, tower = w.tower(height)
        yield f"{height} intermediates", Example(leaf, [w.root], tower)
    for limit, height in ((0, 0), (0, 1), (1, 1), (1, 2)):
        leaf, tower = w.tower(height)
        root = w.make_root(extensions=of_ca(w.root_key, path_length=limit))
        says = ("chain_path_length",) if height > limit else ()
        yield f"path length {limit}, {height} intermediates", Example(leaf, [root], tower, says)

    one, two = new_key(), new_key()
    circle = [
        mint(name("One"), one, name("Two"), two, of_ca(one, two)),
        mint(name("Two"), two, name("One"), one, of_ca(two, one)),
    ]
    leaf = w.leaf(issuer="One", issuer_key=one)
    yield "a circle", Example(leaf, [w.root], circle, ("chain_circle",))
    yield "a circle, given as CA", Example(leaf, circle, says=("chain_circle",))

    old_key = new_key()
    old = w.make_root("Old root", old_key)
    crossed = mint(name("Root"), w.root_key, name("Old root"), old_key, of_ca(w.root_key, old_key))
    yield "cross-signed, to the old root", Example(w.issued(), [old], [w.issuing, crossed])
    yield "cross-signed, to the new root", Example(w.issued(), [w.root], [w.issuing, crossed])
    yield "cross-signed, to either", Example(w.issued(), [old, w.root], [w.issuing, crossed])
    yield "cross-signed, and that is missing", Example(w.issued(), [old], [w.issuing], ("chain_issuer_missing",))
    yield "to a root that came along", Example(w.issued(), [old], [w.issuing, w.root], ("chain_other_root",))

    new = new_key()
    rolled = mint(name("Root"), new, name("Root"), w.root_key, of_ca(new, w.root_key))
    leaf = w.leaf(issuer="Root", issuer_key=new)
    yield "the root's new key, signed with the old one", Example(leaf, [w.root], [rolled])
    strict = w.make_root(extensions=of_ca(w.root_key, path_length=0))
    yield "likewise, path length 0", Example(leaf, [strict], [rolled], ("chain_unusual",))
    yield "likewise, without the old root", Example(leaf, [rolled], says=("chain_circle",))


def names_allowed() -> Iterator[tuple[str, Example]]:
    w, unusual, refused = WORLD, ("chain_unusual",), ("chain_names_forbidden",)

    def place(**values: str) -> x509.DirectoryName:
        return x509.DirectoryName(names.build_name(values))

    network = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
    for title, permitted, excluded, says in (
        ("in France", [place(C="FR")], None, unusual),
        ("in France or Spain", [place(C="ES"), place(C="FR")], None, unusual),
        ("of one company, in other letters", [place(C="FR", O="EXAMPLE  mobility")], None, unusual),
        ("in Germany", [place(C="DE")], None, refused),
        ("anywhere but in France", None, [place(C="FR")], refused),
        ("anywhere but in Germany", None, [place(C="DE")], unusual),
        ("mail at a host", [x509.RFC822Name("EXAMPLE.com")], None, ()),
        ("mail at another host", [x509.RFC822Name("example.org")], None, refused),
        ("mail in a domain, not at its head", [x509.RFC822Name(".example.com")], None, refused),
        ("mail in a domain above", [x509.RFC822Name(".com")], None, ()),
        ("one mailbox", [x509.RFC822Name("a@example.com")], None, ()),
        ("another mailbox", [x509.RFC822Name("A@example.com")], None, refused),
        ("any mailbox but one", None, [x509.RFC822Name("a@example.com")], refused),
        ("hosts", [x509.DNSName("example.com")], None, ()),
        ("addresses", [network], None, ()),
    ):
        constraints = extension(x509.NameConstraints(permitted, excluded), critical=True)
        yield f"allowed: {title}", Example(w.issued(), [w.root], [w.make_issuing(constraints)], says)
        root = w.make_root(extensions=[*of_ca(w.root_key), constraints])
        yield f"allowed by the root: {title}", Example(w.leaf(), [root], says=says)
    hosts = w.make_issuing(extension(x509.NameConstraints([x509.DNSName("example.com")], None), critical=True))
    other = extension(x509.SubjectAlternativeName([x509.DNSName("client.example.org")]))
    leaf = w.issued(extensions=[*of_client(w.key, w.issuing_key), other])
    yield "allowed: hosts, and it has another one", Example(leaf, [w.root], [hosts], ("chain_invalid",))


EXAMPLES = {
    title: example
    for group in (
        ordinary, forms, times, algorithms, usages, extensions, identifiers, chains, names_allowed,
    )
    for title, example in group()
}  # fmt: skip


def openssl_accepts(
    folder: Path, leaf: x509.Certificate, ca: Sequence[x509.Certificate], came: Sequence[x509.Certificate]
) -> bool:
    for file, certificates in (("leaf.pem", [leaf]), ("ca.pem", ca), ("came.pem", came)):
        (folder / file).write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    command = ["openssl", "verify", "-purpose", "sslclient", "-auth_level", "2", "-attime", f"{int(NOW.timestamp())}"]
    command += ["-CAfile", "ca.pem", *(["-untrusted", "came.pem"] if came else []), "leaf.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def check(example: Example) -> CertificateReport:
    leaf = example.leaf
    return check_certificate(
        leaf,
        csr_spki_sha256=keys.spki_sha256(leaf.public_key()),
        subject={short: ", ".join(values) for short, values in names.subject_values(leaf.subject).items()},
        ca=example.ca,
        intermediates=example.came,
        now=NOW,
    )


@pytest.mark.parametrize("title", EXAMPLES)
def test_our_verdict_is_openssls_save_where_a_reason_is_given(title: str, tmp_path: Path) -> None:
    example = EXAMPLES[title]
    report = check(example)
    assert tuple(finding.code for finding in report.findings) == example.says
    assert all(explain(finding, MESSAGES).remedy for finding in report.findings)
    accepted = openssl_accepts(tmp_path, example.leaf, example.ca, example.came)
    assert (report.fit, accepted) == {
        title in OURS_ALONE: (False, True),
        title in OPENSSL_ALONE: (True, False),
    }.get(True, (accepted, accepted))


def test_the_exceptions_are_examples_with_reasons() -> None:
    assert (OURS_ALONE | OPENSSL_ALONE).keys() <= EXAMPLES.keys()
    assert all((OURS_ALONE | OPENSSL_ALONE).values())


def test_openssl_is_content_with_two_cas_of_one_name_in_the_other_order(tmp_path: Path) -> None:
    example = EXAMPLES["two CAs of one name, without key identifiers"]
    assert openssl_accepts(tmp_path, example.leaf, example.ca[::-1], ())


SEVERAL = [title for title, example in EXAMPLES.items() if len(example.ca) + len(example.came) > 1]


@pytest.mark.parametrize("title", SEVERAL)
def test_the_order_of_the_certificates_does_not_matter(title: str) -> None:
    example = EXAMPLES[title]
    turned = Example(example.leaf, example.ca[::-1], example.came[::-1])
    assert {finding.code for finding in check(turned).findings} == set(example.says)
