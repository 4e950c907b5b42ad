"""The journey in a hub, step by step, as the people would walk it over HTTP."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg
import redis
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from psycopg.sql import SQL, Identifier

from onboarding.pki import embedded_ca
from tests.leaks import Forms, forms, forms_of_key, leaks_in_files, leaks_in_texts
from tests.walkthrough.instance import Instance
from tests.walkthrough.people import Person, Surprise

Outcome = TypeVar("Outcome")

CONCEPT = "Shows our dispatchers where the vans are and when they need service, so that we plan maintenance in time."
KEY_PASSPHRASE = "a passphrase for the walkthrough"
SUBJECT = {
    "C": "FR",
    "ST": "Ile de France",
    "L": "Paris",
    "O": "Walkthrough Fleet",
    "emailAddress": "keys@walk.example",
}
PASSWORD = "long enough to be a password"
WRONG_SECRET = 'not the right one / ünd nöt "here"'
SHOWN_ONCE = re.compile(r"/credentials/(client_secret|password)/$|/certificate/key/$")
"""The pages on which a secret is shown, because it was asked for."""


class Walk:
    """One instance, its people, and the printing of their steps."""

    def __init__(self, running: Instance, folder: Path) -> None:
        self.running, self.folder = running, folder
        self.partner = Person(running.url, "partner")
        self.reviewer = Person(running.url, "reviewer")
        self.issuer = Person(running.url, "issuer")
        self.steps = 0
        self.secrets: dict[str, Forms] = {
            "the password of the account": forms(PASSWORD),
            "the passphrase of the key": forms(KEY_PASSPHRASE),
            "a wrong secret": forms(WRONG_SECRET),
        }

    def step(self, words: str, action: Callable[[], Outcome]) -> Outcome:
        """Carry out one step, and print it with its time."""
        began = time.monotonic()
        outcome = action()
        self.steps += 1
        print(f"{self.steps:3}  {words:<78} {time.monotonic() - began:7.2f} s", flush=True)
        return outcome

    def whole(self) -> None:
        """Walk all of it."""
        self.arrive()
        for programme in ("fleet_owner", "end_user"):
            print(f"\n{programme}, sandbox before any approval", flush=True)
            self.sandbox_first(programme)
        for number, (programme, custody) in enumerate(
            (programme, custody) for programme in ("fleet_owner", "end_user") for custody in ("vault", "own")
        ):
            mzp = f"MZP{200_001 + number}"
            name = f"Walk {programme} {custody}"
            print(f"\n{programme}, custody {custody}", flush=True)
            path = self.register(programme, name, mzp)
            key = self.key(path, custody)
            self.certificate(path, mzp, name)
            self.validate(path, key, expect="Passed")
            self.live(path, programme, mzp)
            self.own_call(path, programme, key)
            if custody == "vault":
                self.wrong_secret(path, programme)
                self.wrong_certificate(programme, f"MZP{300_001 + number}")
        print()
        self.nowhere()

    # --- People -----------------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """Everybody signs in; the partner signs up."""
        self.step("partner signs up and confirms the e-mail address", self._sign_up)
        self.step("partner names the company", self._name_company)
        self.step("reviewer signs in", lambda: self.reviewer.sign_in(*self.running.logins["Reviewer"]))
        self.step("issuer signs in", lambda: self.issuer.sign_in(*self.running.logins["Issuer"]))

    def _sign_up(self) -> None:
        partner = self.partner
        partner.open("/accounts/signup/")
        partner.submit({"email": "dev@walk.example", "password1": PASSWORD, "password2": PASSWORD}, action="/signup/")
        partner.open("/outbox/")
        mail = partner.open(partner.link(r"^/outbox/.+"))
        found = re.search(r"http://\S+/accounts/confirm-email/\S+", mail)
        if not found:
            raise Surprise(f"no confirmation link in the mail:\n{mail}")
        partner.open(found[0])
        partner.submit(action=found[0].split("localhost")[-1].partition("/")[2] and "/")
        # The password was typed when the mail was written; what is sensitive asks for it again.
        partner.open("/accounts/reauthenticate/?next=/")
        partner.submit({"password": PASSWORD}, action="/reauthenticate/")

    def _name_company(self) -> None:
        self.partner.open("/organisation/new/")
        self.partner.submit({"name": SUBJECT["O"], "country": "FR"})

    # --- The journey ------------------------------------------------------------------------------------------

    def register(self, programme: str, name: str, mzp: str) -> str:
        """Describe, submit, review, approve. Returns the application's path."""
        path = self.hand_in(programme, name)
        self.step("the second click does not submit twice", lambda: self._submit_again(path))
        self.step(f"reviewer begins, reads, and approves with {mzp}", lambda: self._approve(name, mzp))
        return path

    def hand_in(self, programme: str, name: str) -> str:
        """Describe and submit. Returns the application's path."""
        path = self.step(f"partner describes “{name}” ({programme})", lambda: self._describe(programme, name))
        self.step("partner checks the answers and submits", lambda: self._submit(path))
        return path

    def _describe(self, programme: str, name: str) -> str:
        partner = self.partner
        partner.open("/applications/new/")
        partner.submit({"programme": programme})
        path = re.sub(r"^https?://[^/]+|describe/.*$", "", partner.url)
        partner.submit({"name": name, "concept": CONCEPT})
        partner.submit(
            {"company": SUBJECT["O"], "contact_name": "Fleet desk", "contact_email": SUBJECT["emailAddress"]}
        )
        partner.submit({"brands": ["peugeot", "citroen"], "usage_basis": "direct", "requests_per_month": "90000"})
        partner.submit({"data_items": ["odometer_mileage", "position_coordinates"]})
        partner.submit({"purpose_location": "The nearest van is found.", "purpose_telemetry": "Service is planned."})
        partner.submit({"exve": True, "gdpr": True, "maker_rules": True})
        consent = {"callback_url": "https://app.walk.example/consent"} if programme == "end_user" else {}
        partner.submit({"environments": ["sandbox"], **consent})
        if not partner.url.endswith("/describe/check/"):
            raise Surprise(f"after the last step the check was expected, not {partner.url}:\n{partner.text}")
        return path

    def _submit(self, path: str) -> None:
        self.partner.open(f"{path}describe/check/")
        self._form_seen = self.partner.page
        text = self.partner.submit()
        must_say(text, r"Submitted to .* under the number FA-")

    def _submit_again(self, path: str) -> None:
        self.partner.page = self._form_seen
        self.partner.url = f"{self.running.url}{path}describe/check/"
        must_say(self.partner.submit(), r"submitted already")

    def _approve(self, name: str, mzp: str) -> None:
        reviewer = self.reviewer
        reviewer.open("/desk/")
        must_say(reviewer.open(reviewer.link_near(name, r"/desk/registrations/")), re.escape(CONCEPT))
        reviewer.submit(action="/take/")
        # From the second approval on the company has one, which is offered first.
        typed = {"login": "typed"} if 'name="login"' in str(reviewer.page) else {}
        must_say(reviewer.submit(typed | {"mzp": mzp}, action="/approve/"), r"Approved\. The partner has been told")

    def key(self, path: str, custody: str) -> Path | None:
        """Key and CSR. Returns the key's file for custody `own`."""
        if custody == "vault":
            self.step("partner lets the key be made here, sealed; CSR submitted", lambda: self._key_here(path))
            return None
        return self.step("partner makes key and CSR with openssl, and uploads the CSR", lambda: self._key_own(path))

    def _names(self, path: str, custody: str) -> None:
        self.partner.open(f"{path}sandbox/key/")
        self.partner.submit({**SUBJECT, "custody": custody})

    def _key_here(self, path: str) -> None:
        self._names(path, "vault")
        self.partner.submit({"bits": "2048"})
        self.partner.wait_for(f"{path}sandbox/key/making/", r"The key was made and sealed")

    def _key_own(self, path: str, done: str = "submitted") -> Path:
        self._names(path, "own")
        config = self.partner.page.find(id="openssl-config").get_text()
        wrong = self._openssl(config.replace("Programs Partners", "Programs Partner"), "wrong")
        text = self.partner.submit(files={"file": ("request.csr", wrong[1])}, status=422)
        must_say(text, r"Programs Partners")
        key, csr = self._openssl(config, "right")
        must_say(self.partner.submit(files={"file": ("request.csr", csr)}), rf"checked and {done}")
        return key

    def _openssl(self, config: str, name: str) -> tuple[Path, bytes]:
        """Make key and CSR as the page says, with the documented sections and attributes."""
        folder = self.folder / f"{name}-{self.steps}"
        folder.mkdir()
        (folder / "request.cnf").write_text(config, encoding="utf-8")
        subprocess.run(
            [
                "openssl",
                "req",
                "-new",
                "-keyout",
                "private-key.pem",
                "-out",
                "request.csr",
                "-config",
                "request.cnf",
                "-passout",
                "stdin",
            ],
            cwd=folder,
            input=KEY_PASSPHRASE.encode() + b"\n",
            check=True,
            capture_output=True,
        )
        key = folder / "private-key.pem"
        self.secrets[f"the partner's key of {folder.name}"] = forms_of_key(key.read_bytes(), KEY_PASSPHRASE.encode())
        return key, (folder / "request.csr").read_bytes()

    def certificate(self, path: str, mzp: str, name: str) -> None:
        """The issuer signs; the partner downloads, and openssl verifies."""
        self.step("issuer reads the CSR and signs it with the embedded CA", lambda: self._sign(name))
        self.step("partner downloads certificate and CA certificate; openssl verifies", lambda: self._verify(path, mzp))

    def _open_request(self, name: str) -> None:
        self.issuer.open("/desk/certificates/")
        self.issuer.open(self.issuer.link_near(name, r"/desk/certificates/.+"))

    def _sign(self, name: str) -> None:
        self._open_request(name)
        must_say(self.issuer.submit(action="/sign/"), r"Signed\.")

    def _verify(self, path: str, mzp: str) -> None:
        self.partner.open(f"{path}sandbox/certificate/")
        for file in ("client-certificate", "ca-certificate"):
            (self.folder / f"{file}.pem").write_bytes(self.partner.download(f"{path}sandbox/certificate/{file}.pem"))
        done = subprocess.run(
            ["openssl", "verify", "-purpose", "sslclient", "-CAfile", "ca-certificate.pem", "client-certificate.pem"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        must_say(done.stdout + done.stderr, r"client-certificate\.pem: OK")
        subject = subprocess.run(
            ["openssl", "x509", "-in", "client-certificate.pem", "-noout", "-subject"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        must_say(subject, mzp)

    def validate(self, path: str, key: Path | None, *, expect: str, because: str = "") -> None:
        """One run, to its end. expect: Passed or Failed; because: what the page must say."""
        words = f"validation: {expect.lower()}" + (f" ({because})" if because else "")
        self.step(words, lambda: self._validate(path, key, expect, because))

    def _validate(self, path: str, key: Path | None, expect: str, because: str) -> None:
        partner = self.partner
        partner.open(f"{path}sandbox/validate/")
        if key is None:
            partner.submit()
        else:
            partner.submit({"passphrase": KEY_PASSPHRASE}, files={"key": ("private-key.pem", key.read_bytes())})
        run = re.sub(r"^https?://[^/]+", "", partner.url)
        text = partner.wait_for(run, r"All checks together")
        must_say(text, rf"Validation {expect}\b")
        if because:
            must_say(text, because)

    def live(self, path: str, programme: str, mzp: str) -> None:
        """The live page, and what the validation showed."""
        text = self.step("partner reads the live page", lambda: self.partner.open(f"{path}sandbox/live/"))
        must_say(text, r"You are live")
        self.partner.open(f"{path}sandbox/validate/")
        self.partner.open(self.partner.link(r"^/runs/"))
        shown = self.partner.rows()
        wanted = ["TLS version", "Cipher", "Your certificate, as the sandbox saw it"]
        if programme == "fleet_owner":
            wanted += ["Fleets returned", "First fleet"]
        for label in wanted:
            if not shown.get(label):
                raise Surprise(f"the run does not show {label!r}:\n{self.partner.text}")
            print(f"       {label}: {shown[label]}")
        must_say(shown["TLS version"], r"TLSv1\.[23]")
        must_say(shown["Your certificate, as the sandbox saw it"], rf"\bCN={mzp}\b")

    def own_call(self, path: str, programme: str, key: Path | None) -> None:
        """The partner's own first call, with what the live page offers to copy."""
        secret = {"fleet_owner": "password", "end_user": "client_secret"}[programme]
        shown = self.step(f"partner has the {secret.replace('_', ' ')} shown", lambda: self._reveal(path, secret))
        passphrase = KEY_PASSPHRASE
        if key is None:
            passphrase, pem = self.step("partner takes an encrypted copy of the key", lambda: self._export_key(path))
        else:
            pem = key.read_bytes()
        (self.folder / "private-key.pem").write_bytes(pem)
        self.secrets |= {
            f"the {secret} of {path}": forms(shown),
            f"the key of {path}": forms_of_key(pem, passphrase.encode()),
            f"the passphrase of the copy of {path}": forms(passphrase),
        }
        self.partner.open(f"{path}sandbox/live/")
        variables = {"FLEET_PASSWORD": shown, "KEY_PASSPHRASE": passphrase, "ACCESS_TOKEN": ""}
        expected = r"^200 .*fleets" if programme == "fleet_owner" else r"^401 "
        for name, command in (("curl", ["sh", "-c"]), ("python", [sys.executable, "-c"])):
            if shutil.which(command[0]) is None or (name == "curl" and shutil.which("curl") is None):
                print(f"     {name} is not installed here; its snippet was not run")
                continue
            code = self.partner.page.find(id=f"snippet-{name}").get_text()
            if name == "curl":  # the status first, as the Python snippet prints it
                code = (
                    code.replace("curl ", "curl --silent --output answer --write-out '%{http_code} ' ")
                    + " && cat answer"
                )
            self.step(f"partner runs the {name} snippet", partial(self._run, command, code, variables, expected))

    def _reveal(self, path: str, what: str) -> str:
        self._open_guarded(f"{path}sandbox/credentials/{what}/")
        self.partner.submit()
        return str(self.partner.page.find(id="revealed").get_text())

    def _open_guarded(self, page: str) -> None:
        """Open a page that wants a sign-in within the last five minutes."""
        self.partner.open(page)
        if "/accounts/reauthenticate/" in self.partner.url:
            self.partner.submit({"password": PASSWORD}, action="/reauthenticate/")
        if not self.partner.url.endswith(page):
            raise Surprise(f"{page} did not open:\n{self.partner.text}")

    def _export_key(self, path: str) -> tuple[str, bytes]:
        self._open_guarded(f"{path}sandbox/certificate/key/")
        form = self.partner.page.find("input", {"name": "passphrase"})
        passphrase = str(form["value"])
        pem = self.partner.submit_for_file()
        if b"ENCRYPTED PRIVATE KEY" not in pem:
            raise Surprise("the exported key is not encrypted")
        return passphrase, pem

    def _run(self, command: list[str], code: str, variables: dict[str, str], expected: str) -> None:
        done = subprocess.run(
            [*command, code],
            cwd=self.folder,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        must_say(done.stdout if done.returncode == 0 else done.stderr, expected)

    # --- The sandbox before any approval ----------------------------------------------------------------------

    def sandbox_first(self, programme: str) -> None:
        """A draft with nothing in it: everything in one click; then by hand, with a key of the partner's own."""
        path = self.step(f"partner starts a draft ({programme}), and describes nothing", lambda: self._draft(programme))
        self.step("one click: key, CSR, certificate, credentials, first call", lambda: self._all_at_once(path))
        login = self.step("each piece is there to look at; openssl verifies", lambda: self._pieces(path))
        self.live(path, programme, login)
        self.step("the second click begins nothing anew", lambda: self._click_again(path))
        self.step("partner deletes what is in the sandbox", lambda: self._delete(path))
        key = self.step("partner makes key and CSR with openssl; signed at once", lambda: self._key_own(path, "signed"))
        self.validate(path, key, expect="Passed")
        self.step("nobody of the staff was asked", self._desk_is_empty)

    def _draft(self, programme: str) -> str:
        self.partner.open("/applications/new/")
        self.partner.submit({"programme": programme})
        return re.sub(r"^https?://[^/]+|describe/.*$", "", self.partner.url)

    def _all_at_once(self, path: str) -> None:
        self.partner.open(path)
        self.partner.submit(action="/sandbox/start/")
        self.partner.wait_for(f"{path}sandbox/start/", r"Your sandbox credentials work")

    def _pieces(self, path: str) -> str:
        for page, words in {
            "csr": "What was submitted",
            "certificate": "Two files",
            "credentials": "What is held",
            "kit": "kit",
            "validate": "Runs so far",
            "rehearse": "failure",
        }.items():
            must_say(self.partner.open(f"{path}sandbox/{page}/"), words)
        self.partner.open(f"{path}sandbox/credentials/")
        login = self.partner.rows()["Partner login (MZP)"]
        must_say(login, r"^SANDBOX-")
        self._verify(path, login)
        must_say(self.partner.open(path), r"Private key made and sealed")
        return login

    def _click_again(self, path: str) -> None:
        before = self.partner.open(f"{path}sandbox/credentials/")
        self.partner.open(f"{path}sandbox/start/")
        if self.partner.page.find("form", action=re.compile("start")) is not None:
            raise Surprise("the page offers to begin again")
        if self.partner.open(f"{path}sandbox/credentials/") != before:
            raise Surprise("the credentials are others now")

    def _delete(self, path: str) -> None:
        self.partner.open(f"{path}sandbox/delete/")
        must_say(self.partner.submit(), r"no longer knows this application")

    def _desk_is_empty(self) -> None:
        if "SANDBOX-" in self.issuer.open("/desk/certificates/") + self.issuer.open("/desk/certificates/?show=decided"):
            raise Surprise("the desk shows a certificate request that nobody has to sign")

    # --- The twins --------------------------------------------------------------------------------------------

    def wrong_secret(self, path: str, programme: str) -> None:
        """Another password, or another client secret: recognised as that."""
        field = "password" if programme == "fleet_owner" else "client_secret"
        rung = "The partner login is accepted" if programme == "fleet_owner" else "The client ID is known"

        def store() -> None:
            self.partner.open(f"{path}sandbox/credentials/")
            must_say(self.partner.submit({field: WRONG_SECRET}, action="/credentials/"), r"Stored\.")

        self.step(f"twin: partner stores a wrong {field.replace('_', ' ')}", store)
        self.validate(path, None, expect="Failed", because=f"{rung} Failed")

    def wrong_certificate(self, programme: str, mzp: str) -> None:
        """A certificate of a CA that the fleet API does not know: refused in the handshake, and said so."""
        name = f"Twin {programme}"
        path = self.register(programme, name, mzp)
        self.key(path, "vault")
        self.step("twin: issuer uploads a certificate that another CA signed", lambda: self._upload_foreign(name))
        self.validate(path, None, expect="Failed", because="Your certificate is let in Failed")

    def _upload_foreign(self, name: str) -> None:
        self._open_request(name)
        csr_pem = self.issuer.download(self.issuer.link(r"csr\.pem$"))
        now = datetime.now(UTC)
        ca_key = rsa.generate_private_key(65537, 2048)
        ca = embedded_ca.make_ca(ca_key, "Another CA", now)
        certificate = embedded_ca.sign_client(x509.load_pem_x509_csr(csr_pem), ca=ca, ca_key=ca_key, now=now)
        cas = ca.public_bytes(Encoding.PEM) + (self.folder / "ca-certificate.pem").read_bytes()
        text = self.issuer.submit(
            action="/upload/",
            files={
                "certificate": ("certificate.pem", certificate.public_bytes(Encoding.PEM)),
                "ca_certificate": ("ca.pem", cas),
            },
        )
        must_say(text, r"Checked and released")

    def nowhere(self) -> None:
        """No secret that went in or came out is in any file of the instance, in its services, or on another page."""
        self.step(f"none of {len(self.secrets)} secrets is in a file, a row, the queue, a log, a mail", self._search)
        self.step("none of them is on a page that did not have to show it", self._search_pages)

    def _search(self) -> None:
        found = leaks_in_files(self.running.var, self.secrets) + leaks_in_texts(services_content(), self.secrets)
        if found:
            raise Surprise(f"secrets lie about: {found}")

    def _search_pages(self) -> None:
        people = (self.partner, self.reviewer, self.issuer)
        pages = [(url, page) for one in people for url, page in one.seen if not SHOWN_ONCE.search(url)]
        if found := leaks_in_texts(pages, self.secrets):
            raise Surprise(f"secrets are shown: {found}")


def services_content() -> Iterator[tuple[str, bytes]]:
    """Yield what PostgreSQL and Redis hold, where the instance stands on them."""
    if (url := os.environ.get("DATABASE_URL", "")).startswith("postgres"):
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                with cursor.copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as rows:
                    yield table, b"".join(map(bytes, rows))
    if url := os.environ.get("REDIS_URL", ""):
        with redis.Redis.from_url(url) as client:
            for key in client.scan_iter():
                yield f"redis {key!r}", client.dump(key) or b""


def must_say(text: str, pattern: str) -> None:
    if not re.search(pattern, text):
        raise Surprise(f"expected {pattern!r} in:\n{text}")
