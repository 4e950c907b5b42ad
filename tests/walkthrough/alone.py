"""The journey in solo mode: from the printed link to a call with a certificate that a CA outside has signed."""

import contextlib
import re
import socket
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from onboarding.pki.csr import build_csr
from tests.authority import Authority
from tests.fleet.servers import Server, answering, over_tls, read_request, serving
from tests.leaks import forms
from tests.walkthrough.instance import Instance
from tests.walkthrough.people import Surprise
from tests.walkthrough.walk import KEY_PASSPHRASE, PASSWORD, SUBJECT, Walk, must_say

API_HOST = "api-cert.groupe-psa.com"
MZP = "MZP400001"
CLIENT_ID = "8d3f7a52-0c51-4b6e-9d7c-5c1f5a7e2f10"
FLEET_PASSWORD = "the password that came by post"
NAME = "Walk alone"
FLEETS = {"total": 1, "totalPage": 1, "currentPage": 1, "_embedded": {"fleets": [{"id": "5f0c", "name": "North"}]}}


@dataclass(frozen=True, slots=True)
class CarMaker:
    """Who is outside. proxy: the way to its API, where nothing leaves this machine."""

    authority: Authority
    server: Server

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@contextlib.contextmanager
def car_maker() -> Iterator[CarMaker]:
    """Play the car maker: its CA, and its fleet API behind a proxy, which lets in only whom this CA has signed for."""
    authority = Authority()
    key = rsa.generate_private_key(65537, 2048)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write(key_pem + authority.sign_server(key, API_HOST))
        file.flush()
        context.load_cert_chain(file.name)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority.pem.decode())
    answer = over_tls(context, answering(200, FLEETS))

    def proxy(server: Server, connection: socket.socket) -> None:
        if read_request(connection).startswith(f"CONNECT {API_HOST}:443 ".encode()):
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            answer(server, connection)

    with serving(proxy) as server:
        yield CarMaker(authority, server)


class WalkAlone(Walk):
    """One member, and nobody else in the portal."""

    def __init__(self, running: Instance, folder: Path, maker: CarMaker) -> None:
        super().__init__(running, folder)
        self.maker = maker
        self.secrets["the password from outside"] = forms(FLEET_PASSWORD)

    def whole(self) -> None:
        """Walk all of it."""
        link = self.step("the start prints a link; it makes the first account and its company", self._first_account)
        self.step("the link works once", lambda: self._answers(link, 410))
        self.step("nobody else signs up, and there is no desk", self._closed)
        draft = self.step("the member starts a draft, and describes nothing", lambda: self._draft("fleet_owner"))
        self.step("one click: sandbox credentials, and a first call", lambda: self._all_at_once(draft))
        path = self.step(f"the member describes “{NAME}”", lambda: self._describe("fleet_owner", NAME))
        self.step("the dossier is a mail, ready to be sent; it is noted as sent", lambda: self._send(path))
        self.step("they ask for changes: recorded, changed, sent again", lambda: self._change(path))
        self.step(f"they approve with {MZP}: recorded", lambda: self._approved(path))
        key = self.step("key and CSR by openssl, for production", lambda: self._key_for_production(path))
        csr = self.step("the second dossier has the CSR attached; it is noted as sent", lambda: self._send_csr(path))
        self.step("twin: a certificate for another key is refused", lambda: self._receive(path, csr, wrong=True))
        self.step("the CA outside signs the CSR of the mail; it is taken in", lambda: self._receive(path, csr))
        self.step("client ID and password that came are stored, sealed", lambda: self._store(path))
        self.step("the first call of the real API passes", lambda: self._call(path, key))
        self.step("the history says what happened when, under which reference", lambda: self._history(path))
        self.nowhere()

    def _first_account(self) -> str:
        found = re.search(r"^http://\S+/first/\S+$", self.running.printed, re.MULTILINE)
        if not found:
            raise Surprise(f"no link was printed:\n{self.running.printed}")
        self.partner.open(found[0])
        account = {"email": "dev@walk.example", "password1": PASSWORD, "password2": PASSWORD}
        must_say(self.partner.submit({**account, "name": SUBJECT["O"], "country": "FR"}), r"Applications")
        return found[0]

    def _answers(self, path: str, status: int) -> None:
        url = path if path.startswith("http") else f"{self.running.url}{path}"
        answered = self.partner.browser.session.get(url).status_code
        if answered != status:
            raise Surprise(f"{path} answered {answered}, not {status}")

    def _closed(self) -> None:
        must_say(self.reviewer.open("/accounts/signup/"), r"Sign-up is closed")
        self._answers("/desk/", 404)

    def _mail(self, path: str) -> EmailMessage:
        message = message_from_bytes(self.partner.download(path), policy=default)
        if not isinstance(message, EmailMessage) or message.defects or message["X-Unsent"] != "1":
            raise Surprise(f"this is no mail to be sent: {message.defects}")
        return message

    def _send(self, path: str) -> None:
        must_say(self.partner.open(f"{path}describe/check/"), r"Go on to the dossier")
        self.partner.open(f"{path}dossier/")
        text = self._mail(f"{path}dossier/dossier.eml").get_content()
        must_say(" ".join(text.split()), r"Shows our dispatchers where the vans are .* plan maintenance in time\.")
        must_say(self.partner.submit({"reference": "SR-1"}), r"Noted: FA-\w+/\d is with")
        must_say(self.partner.text, r"Waiting for Mobilisights to answer")

    def _change(self, path: str) -> None:
        self.partner.open(f"{path}answer/changes/")
        self.partner.submit({"comment_concept": "Which vans?"})
        self.partner.open(f"{path}describe/concept/")
        ours = "Shows our dispatchers where the vans are that we own, to plan maintenance in time."
        self.partner.submit({"concept": ours})
        self._send(path)
        must_say(self.partner.download(f"{path}dossier/dossier.txt").decode(), r"What changed")

    def _approved(self, path: str) -> None:
        self.partner.open(f"{path}answer/approved/")
        must_say(self.partner.submit({"mzp": MZP, "reference": "SR-1"}), r"Recorded: approved")

    def _key_for_production(self, path: str) -> Path:
        self.partner.open(f"{path}production/key/")
        self.partner.submit({**SUBJECT, "custody": "own"})
        config = self.partner.page.find(id="openssl-config").get_text()
        key, csr = self._openssl(config, "alone")
        self.partner.submit(files={"file": ("request.csr", csr)})
        must_say(self.partner.open(path), r"Your turn: send the CSR to Mobilisights")
        return key

    def _send_csr(self, path: str) -> bytes:
        [attached] = self._mail(f"{path}production/dossier/dossier.eml").iter_attachments()
        csr: bytes = attached.get_content()
        self.partner.open(f"{path}production/dossier/")
        must_say(self.partner.submit({"reference": "CERT-2"}), r"Noted: the CSR is with")
        return csr

    def _receive(self, path: str, csr: bytes, *, wrong: bool = False) -> None:
        if wrong:
            csr = build_csr(rsa.generate_private_key(65537, 2048), SUBJECT | {"CN": MZP, "OU": "Programs Partners"})
        self.partner.open(f"{path}production/certificate/receive/")
        files = {
            "certificate": ("certificate.pem", self.maker.authority.sign_csr(csr)),
            "ca_certificate": ("ca.pem", self.maker.authority.pem),
        }
        text = self.partner.submit({"reference": "CERT-2"}, files=files, status=422 if wrong else 0)
        must_say(text, r"Nothing was kept" if wrong else r"checked and taken in")

    def _store(self, path: str) -> None:
        self.partner.open(f"{path}production/credentials/")
        values = {"client_id": CLIENT_ID, "password": FLEET_PASSWORD, "reference": "CERT-2"}
        must_say(self.partner.submit(values), r"Stored\.")

    def _call(self, path: str, key: Path) -> None:
        self.partner.open(f"{path}production/validate/")
        self.partner.submit({"passphrase": KEY_PASSPHRASE}, files={"key": ("private-key.pem", key.read_bytes())})
        run = re.sub(r"^https?://[^/]+", "", self.partner.url)
        must_say(self.partner.wait_for(run, r"All checks together"), r"Validation Passed\b")
        must_say(self.partner.open(f"{path}production/live/"), r"You are live")

    def _history(self, path: str) -> None:
        text = self.partner.open(f"{path}history/")
        for words in (
            r"Dossier sent on",
            r"Changes requested",
            r"Application approved",
            r"CSR sent on",
            r"Certificate received and taken in",
            r"Client ID received",
            r"recorded by you",
            r"reference CERT-2",
        ):
            must_say(text, words)
