"""Stretches of the journey that several tests walk."""

import os
import re
import shlex
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.browser.visitor import Visitor
from tests.pki import minting

CONCEPT = "Shows our dispatchers where the vans are and when they need service, so that we plan maintenance in time."
PURPOSE = "The workshop plans the next service by the mileage."
PASSPHRASE = "a passphrase for the browser tests"
FLEET_OWNER = re.compile("Fleet Owner")
END_USER = re.compile("End.Users")


def describe(person: Visitor, programme: re.Pattern[str], name: str, company: str, *, looking: bool = False) -> str:
    """Describe an application, up to the page with all answers. Returns the application's path.

    looking: examine each page, once empty and sent so, and once filled in.
    """

    def page(title: str, *problems: str, filled_in: tuple[str, ...] = ()) -> None:
        person.heading(title)
        if looking:
            person.look(f"describe: {title}")
            for label in filled_in:
                person.fill({label: ""})
            person.press("Save and continue").sees_problem(*problems)
            person.look(f"describe: {title}, sent empty")

    person.open("/applications/new/")
    if looking:
        person.look("new application").press("Start").sees_problem("Choose a programme")
        person.look("new application, sent empty")
    person.page.get_by_role("radio", name=programme).check()
    person.press("Start")
    path = re.sub(r"describe/.*", "", person.path)
    page("Name and concept", "Application name", "Concept")
    person.fill({"Application name": name, "Concept": CONCEPT}).press("Save and continue")
    page("Company", "Contact's name", filled_in=("Contact's name",))
    person.fill(
        {"Company name": company, "Contact's name": "Fleet desk", "Contact's e-mail": "fleet@walk.example"}
    ).press("Save and continue")
    page("Brands and usage", "Brands", "Requests per month")
    person.choose("Peugeot", "Citroën").fill({"Requests per month": "90000"}).press("Save and continue")
    page("Vehicle data", "Choose at least one kind of vehicle data")
    person.page.get_by_label("Filter the list").fill("odometer")
    person.page.get_by_role("checkbox", name=re.compile("odometer", re.I)).first.check()
    person.press("Save and continue")
    page("Purposes", "Say what “Telemetry” is for.")
    person.fill({"Telemetry": PURPOSE}).press("Save and continue")
    page("Compliance", "Confirm GDPR compliance")
    person.choose("It follows the Extended Vehicle", "It complies with the GDPR", "It follows the car maker's rules")
    person.press("Save and continue")
    person.heading("Environments")
    if looking:
        person.look("describe: Environments")
    if programme is END_USER:
        person.press("Save and continue").sees_problem("Callback address")
        person.fill({"Callback address": "https://app.walk.example/consent"})
    person.press("Save and continue").heading("Check your answers")
    return path


def approve(reviewer: Visitor, name: str, mzp: str, *, looking: bool = False) -> None:
    """Take a registration and approve it."""
    reviewer.open("/desk/")
    if looking:
        reviewer.look("desk: waiting")
    reviewer.follow(name)
    if looking:
        reviewer.look("desk: submitted")
    reviewer.press("Begin the review").sees("You have it now.")
    if looking:
        reviewer.look("desk: in review")
        type_login(reviewer, "").press("Approve").sees_problem("Partner login").look("desk: approved without an MZP")
    type_login(reviewer, mzp).press("Approve").sees("Approved. The partner has been told.")
    if looking:
        reviewer.look("desk: approved")


def type_login(reviewer: Visitor, mzp: str) -> Visitor:
    """Type the partner login to approve with, whether or not the company has some, which are offered first."""
    another = reviewer.page.get_by_label("Another one", exact=True)
    if not another.count():
        return reviewer.fill({"Partner login (MZP)": mzp})
    another.check()
    return reviewer.fill({"Another one (MZP)": mzp})


def name_the_key(person: Visitor, path: str, custody: str) -> None:
    """Say what the CSR is to say, and who keeps the key."""
    person.open(f"{path}sandbox/key/").fill(
        {
            "Country (C)": "FR",
            "(ST)": "Ile de France",
            "(L)": "Paris",
            "(O)": "Walkthrough Fleet",
            "mail": "keys@walk.example",
        }
    )
    person.choose(custody).press("Continue")


def sign(issuer: Visitor, name: str) -> None:
    """Sign the CSR with the embedded CA."""
    issuer.open("/desk/certificates/").follow(re.compile(name))
    issuer.press("Sign with the embedded CA").sees("Signed.")


def signed_for_another_name(csr: x509.CertificateSigningRequest) -> dict[str, bytes]:
    """Return a certificate for the CSR's key with other names in it, and the CA's, by the labels of their fields."""
    ca_key, key = minting.new_key(), minting.KeyThatIsNowhere(csr.public_key())
    root = minting.name("Corporate Root")
    ca = minting.mint(root, ca_key, root, ca_key, minting.of_ca(ca_key))
    subject = minting.name("MZP999999", O="A company with quite a long name, of which there is no end in sight")
    certificate = minting.mint(subject, key, root, ca_key, minting.of_client(key, ca_key))
    pems = (one.public_bytes(Encoding.PEM) for one in (certificate, ca))
    return dict(zip(("Signed certificate", "CA certificate"), pems, strict=True))


def openssl(folder: Path, config: str) -> tuple[bytes, bytes]:
    """Make a key and a CSR as the page says. Returns the encrypted key's file, and the CSR's."""
    folder.mkdir()
    (folder / "request.cnf").write_text(config, encoding="utf-8")
    subprocess.run(
        [
            *("openssl", "req", "-new", "-config", "request.cnf", "-passout", "stdin"),
            *("-keyout", "private-key.pem", "-out", "request.csr"),
        ],
        cwd=folder,
        input=PASSPHRASE.encode() + b"\n",
        check=True,
        capture_output=True,
    )
    return (folder / "private-key.pem").read_bytes(), (folder / "request.csr").read_bytes()


def check_beside_key(person: Visitor, path: str, folder: Path) -> bytes:
    """Do what the checker's page says, in the folder with the key; the client secret goes by the environment.

    Returns the report.
    """
    person.open(f"{path}sandbox/credentials/client_secret/").press("Show it")
    secret = person.page.locator("#revealed").text_content() or ""
    person.open(f"{path}sandbox/certificate/")
    (folder / "client-certificate.pem").write_bytes(person.download("Download your certificate"))
    (folder / "ca-certificate.pem").write_bytes(person.download("Download the CA certificate"))
    person.open(f"{path}sandbox/checker/")
    (folder / "fleet-check.pyz").write_bytes(person.download("Download fleet-check.pyz"))
    command = person.page.locator("#checker-command").text_content() or ""
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CLIENT_SECRET": secret, "KEY_PASSPHRASE": PASSPHRASE},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert secret not in done.stdout
    return (folder / "fleet-check-report.json").read_bytes()
