"""Custody `vault` on its pages: what is on its way, what was brought, and what is said when it cannot be."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from onboarding import leases
from onboarding.credentials import flows, private_keys
from onboarding.credentials.models import CertificateRequest, KeyOrder
from onboarding.partners.models import User
from onboarding.vault.models import Secret
from onboarding.web import heartbeat
from tests.conftest import member
from tests.journey import SUBJECT, approved

SignIn = Callable[[User], Client]
PASSPHRASE = "a passphrase that nobody else has"
KEY = rsa.generate_private_key(65537, 2048)


@pytest.fixture
def cycle(owner: User, reviewer: User) -> CertificateRequest:
    """A cycle that waits for a CSR, custody `vault`."""
    request = flows.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    flows.describe_key(request, subject=SUBJECT, custody="vault")
    return request


@pytest.fixture
def order(cycle: CertificateRequest, owner: User) -> KeyOrder:
    """A key on order."""
    return private_keys.order_key(cycle, bits=4096, actor=member(owner))


@pytest.fixture
def client(owner: User, signed_in: SignIn) -> Client:
    """The owner's browser."""
    return signed_in(owner)


def address(cycle: CertificateRequest, page: str) -> str:
    return f"/applications/{cycle.application_id}/sandbox/{page}/"


def watch(client: Client, cycle: CertificateRequest, seen: str = "") -> Any:
    """What the page under way asks for by itself."""
    return client.get(address(cycle, "key/making"), {"seen": seen} if seen else {}, headers={"HX-Request": "true"})


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY, passphrase: str = PASSPHRASE) -> bytes:
    encryption = BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def bring(client: Client, cycle: CertificateRequest, data: bytes, passphrase: str = PASSPHRASE) -> Any:
    file = SimpleUploadedFile("private-key.pem", data)
    return client.post(address(cycle, "key/import"), {"key": file, "passphrase": passphrase})


def lease_runs_out() -> None:
    KeyOrder.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    private_keys.sweep()


# --- Made here -----------------------------------------------------------------------------------------------


def test_asking_for_a_key_leads_to_where_it_can_be_watched(cycle: CertificateRequest, client: Client) -> None:
    for _click in range(2):
        response = client.post(address(cycle, "key/make"), {"bits": "4096"})
        assert response.headers["Location"] == address(cycle, "key/making")
    assert KeyOrder.objects.get().bits == 4096
    assert client.get(address(cycle, "key/make")).headers["Location"] == address(cycle, "key/making")


@pytest.mark.parametrize("bits", ["", "1024", "many"])
def test_a_size_that_is_not_offered_is_not_made(cycle: CertificateRequest, client: Client, bits: str) -> None:
    response = client.post(address(cycle, "key/make"), {"bits": bits})
    assert response.context["form"].errors["bits"]
    assert KeyOrder.objects.count() == 0


def test_a_key_on_its_way_says_where_it_is_and_only_what_is_new(
    cycle: CertificateRequest, order: KeyOrder, client: Client
) -> None:
    heartbeat.mark()
    page = client.get(address(cycle, "key/making"))
    assert "Waiting for a worker" in page.content.decode()
    assert "RSA 4096" in page.content.decode()
    fragment = watch(client, cycle).content.decode()
    assert "<html" not in fragment
    seen = re.search(r"\?seen=([\w-]+)", fragment)
    assert seen
    assert watch(client, cycle, seen[1]).status_code == 204
    claimed = leases.claim(KeyOrder.objects.all(), order.pk, lease=private_keys.LEASE, step="making")
    assert claimed is not None
    assert "Being made" in watch(client, cycle, seen[1]).content.decode()


def test_without_a_worker_the_page_says_that_it_waits_for_one(
    cycle: CertificateRequest, order: KeyOrder, client: Client
) -> None:
    assert "No worker answers at the moment" in watch(client, cycle).content.decode()
    heartbeat.mark()
    assert "No worker answers" not in watch(client, cycle).content.decode()


def test_the_page_looks_again_by_itself_with_and_without_script(
    cycle: CertificateRequest, order: KeyOrder, client: Client
) -> None:
    page = client.get(address(cycle, "key/making")).content.decode()
    assert "every 1s" in page
    without_script = "".join(re.findall(r"<noscript>(.*?)</noscript>", page, re.DOTALL))
    assert 'http-equiv="refresh"' in without_script
    assert "Look again" in without_script


@pytest.mark.parametrize("scripted", [True, False])
def test_a_key_that_was_made_leads_to_its_csr(
    cycle: CertificateRequest, order: KeyOrder, client: Client, scripted: bool
) -> None:
    private_keys.make_key(order.pk)
    response = watch(client, cycle) if scripted else client.get(address(cycle, "key/making"))
    assert response.headers["HX-Redirect" if scripted else "Location"] == address(cycle, "csr")
    page = client.get(address(cycle, "csr")).content.decode()
    assert "The key was made and sealed, and its CSR submitted." in page
    assert "This portal, and so whoever runs it." in page


def test_a_key_that_was_given_up_can_be_asked_for_again(
    cycle: CertificateRequest, order: KeyOrder, client: Client
) -> None:
    for _ in range(leases.MAX_ATTEMPTS):
        leases.claim(KeyOrder.objects.all(), order.pk, lease=private_keys.LEASE)
        lease_runs_out()
    assert "could not be made" in client.get(f"/applications/{cycle.application_id}/").content.decode()
    assert watch(client, cycle).headers["HX-Redirect"] == address(cycle, "key/make")
    page = client.get(address(cycle, "key/make")).content.decode()
    assert "The key was not made" in page
    client.post(address(cycle, "key/make"), {"bits": "2048"})
    assert KeyOrder.objects.order_by("-created_at")[0].state == "queued"


def test_a_key_that_was_not_kept_says_what_was_wrong_with_it(
    cycle: CertificateRequest, order: KeyOrder, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = rsa.generate_private_key(65537, 1024)
    monkeypatch.setattr(private_keys.keys, "generate_rsa_key", lambda _bits: small)
    private_keys.make_key(order.pk)
    page = client.get(address(cycle, "key/making"), follow=True).content.decode()
    assert "The key was made, and not kept" in page
    assert "The key has 1024 bits" in page


def test_a_change_of_custody_is_announced_to_stop_the_key_and_does(
    cycle: CertificateRequest, order: KeyOrder, client: Client
) -> None:
    page = client.get(address(cycle, "key")).content.decode()
    assert "A key with these names is on its way" in page
    response = client.post(address(cycle, "key"), SUBJECT | {"custody": "own"})
    assert response.headers["Location"] == address(cycle, "key/upload")
    assert watch(client, cycle).headers["HX-Redirect"] == address(cycle, "key")
    order.refresh_from_db()
    assert order.state == "cancelled"


def test_the_task_list_says_that_a_key_is_on_its_way_and_leads_to_it(
    cycle: CertificateRequest, order: KeyOrder, client: Client
) -> None:
    for url in ("/", f"/applications/{cycle.application_id}/"):
        page = client.get(url).content.decode()
        assert "Your key is on its way" in page
        assert address(cycle, "key/making") in page


# --- Brought along -------------------------------------------------------------------------------------------


def test_a_key_that_is_brought_is_sealed_and_leads_to_its_csr(cycle: CertificateRequest, client: Client) -> None:
    response = bring(client, cycle, pem())
    assert response.headers["Location"] == address(cycle, "csr")
    page = client.get(address(cycle, "csr")).content.decode()
    assert "The key was checked and sealed, and its CSR submitted." in page
    cycle.refresh_from_db()
    assert cycle.key is not None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pem(passphrase="another passphrase"), "does not open with this passphrase"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "The key is of type EC; this programme takes RSA."),
        (bytes.fromhex("feedfeed0000000200000001"), "keytool -importkeystore"),
        (b"<!DOCTYPE html><html>", "No private key could be read"),
    ],
    ids=["passphrase", "EC", "JKS", "HTML"],
)
def test_what_cannot_be_taken_is_refused_with_what_to_do_and_shown_to_nobody(
    cycle: CertificateRequest, client: Client, caplog: pytest.LogCaptureFixture, data: bytes, words: str
) -> None:
    response = bring(client, cycle, data)
    assert response.status_code == 422
    page = response.content.decode()
    assert words in strip_tags(page)  # commands are broken between words
    assert "It was not kept." in page
    for secret in (PASSPHRASE, *data.decode("latin-1").splitlines()[1:-1]):
        assert secret not in page + caplog.text
    cycle.refresh_from_db()
    assert (cycle.state, cycle.key) == ("awaiting_csr", None)
    assert not Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY).exists()


def test_nothing_and_too_much_are_refused_beside_the_field(cycle: CertificateRequest, client: Client) -> None:
    response = client.post(address(cycle, "key/import"), {"passphrase": PASSPHRASE})
    assert "Choose the private key's file." in response.context["form"].errors["key"]
    response = bring(client, cycle, b"x" * (64 * 1024 + 1))
    assert "larger than 64 KiB" in str(response.context["form"].errors["key"])
    assert PASSPHRASE not in response.content.decode()


# --- Both ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["key/make", "key/import"])
def test_names_that_would_be_refused_are_said_before_anything_is_asked_for(
    cycle: CertificateRequest, client: Client, way: str
) -> None:
    flows.describe_key(cycle, subject=SUBJECT | {"L": " Paris"}, custody="vault")
    page = client.get(address(cycle, way)).content.decode()
    assert "would be refused" in page
    assert "Change the names" in page
    assert 'method="post"' not in page.partition("<footer")[0]
    response = client.post(address(cycle, way), {"bits": "2048", "key": SimpleUploadedFile("k.pem", pem())})
    assert response.status_code in (200, 422)
    assert KeyOrder.objects.count() == 0
    assert not Secret.objects.filter(kind=Secret.Kind.PRIVATE_KEY).exists()


@pytest.mark.parametrize("way", ["key/make", "key/import"])
def test_the_pages_are_for_those_who_chose_it_where_the_operator_allows_it(
    cycle: CertificateRequest, client: Client, settings: Any, way: str
) -> None:
    assert client.get(address(cycle, way)).status_code == 200
    settings.KEY_CUSTODIES = ["browser", "own"]
    assert client.get(address(cycle, way)).headers["Location"] == address(cycle, "key")
    settings.KEY_CUSTODIES = ["browser", "own", "vault"]
    flows.describe_key(cycle, subject=SUBJECT, custody="own")
    assert client.get(address(cycle, way)).headers["Location"] == address(cycle, "key")


@pytest.mark.parametrize("way", ["key/make", "key/import"])
def test_those_who_only_read_are_given_no_form(
    cycle: CertificateRequest, viewer: User, signed_in: SignIn, way: str
) -> None:
    page = signed_in(viewer).get(address(cycle, way)).content.decode()
    assert "MZP128745" in page
    assert 'method="post"' not in page.partition("<footer")[0]


def test_the_page_of_choice_says_of_each_custody_who_could_use_the_key(
    cycle: CertificateRequest, client: Client
) -> None:
    page = client.get(address(cycle, "key")).content.decode()
    assert page.count("Who could use it") == 3
    assert page.count("Only you, unless you lend it.") == 2
    assert page.count("This portal, and so whoever runs it.") == 1
